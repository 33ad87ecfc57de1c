"""Values of four types."""

import sglc as sgl
from tests.upstream.case import Case


@sgl.function
def dtype_gen(s):
    s += "Name one planet: " + sgl.gen("name", dtype=str, stop="\n") + "\n"
    s += "Its moons: " + sgl.gen("moons", dtype=int) + "\n"
    s += "Its mass in earths: " + sgl.gen("mass", dtype=float) + "\n"
    s += "Has it rings: " + sgl.gen("rings", dtype=bool) + "\n"


def typed(state):
    int(state["moons"])
    float(state["mass"])
    return state["rings"] in ("True", "False") and state["name"][0] == '"'


CASES = [Case(dtype_gen, check=typed)]
