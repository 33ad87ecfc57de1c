"""A generated name is read back into the text."""

import sglc as sgl
from tests.upstream.case import Case


@sgl.function
def expert_answer(s, question):
    s += "Asked: " + question + "\n"
    s += "Someone who would know is" + sgl.gen("expert", stop=[".", "\n"]) + ".\n"
    s += "So" + s["expert"] + " says that " + sgl.gen("answer", stop=".") + "."


CASES = [
    Case(
        expert_answer,
        {"question": "Where is the Louvre?"},
        {r"would know is$": " a geographer", r"says that $": "it is in Paris"},
        options={"temperature": 0.1},
        check=lambda s: "So a geographer says that it is in Paris." in s.text(),
    )
]
