"""Python computes what the model wrote, in the middle of a scope."""

import sglc as sgl
from tests.upstream.case import Case

NAMES: dict[str, object] = {"__builtins__": {}}


def calculate(expression):
    return f"{eval(expression, NAMES)}"


@sgl.function
def tool_use(s, lhs, rhs):
    s += "Use compute(...) for arithmetic, such as compute(2+5)=7 or compute(6*7)=42.\n"
    s += "Q: How much is " + lhs + " times " + rhs + "?\n"
    s += "A: It is compute(" + sgl.gen("expression", stop=")") + ")="
    with s.var_scope("answer"):
        s += calculate(s["expression"])


CASES = [
    Case(
        tool_use,
        {"lhs": "53", "rhs": "21"},
        {r"compute\($": "53*21"},
        check=lambda s: s["answer"] == "1113",
    )
]
