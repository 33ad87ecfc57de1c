"""One completion that fills several generations, with and without stop strings on each."""

import sglc as sgl
from tests.upstream.case import Case

FORM = "Figures of a saga:\nName: Egil.\nHome: Borg.\nTrade: farmer.\n\nAnother one.\n"


@sgl.function(num_api_spec_tokens=64)
def with_speculation(s):
    s += FORM
    s += "Name:" + sgl.gen("name", stop="\n") + "\nHome:" + sgl.gen("home", stop="\n")
    s += "\nTrade:" + sgl.gen("trade", stop="\n") + "\n"


@sgl.function(num_api_spec_tokens=64)
def with_speculation_no_name(s):
    s += FORM
    s += "Name:" + sgl.gen("name", stop="\n") + "\nHome:" + sgl.gen(stop="\n")
    s += "\nTrade:" + sgl.gen("trade", stop="\n") + "\n"


CASES = [Case(with_speculation), Case(with_speculation_no_name)]
