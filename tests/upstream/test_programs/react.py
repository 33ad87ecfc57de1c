"""Thoughts, and an action chosen by the model, until it finishes."""

import sglc as sgl
from tests.upstream.case import Case

EXAMPLE = (
    "Question: Where does the author of Dracula come from?\n"
    "Thought 1: Look up who wrote Dracula.\n"
    "Action 1: Search [author of Dracula].\n"
    "Observation 1: Bram Stoker, from Ireland, wrote it.\n"
    "Thought 2: That answers it.\n"
    "Action 2: Finish [Ireland].\n"
)


@sgl.function
def react(s, question):
    s += EXAMPLE
    s += "Question: " + question + "\n"
    for i in range(1, 5):
        s += f"Thought {i}:" + sgl.gen(stop=[".", "\n"]) + ".\n"
        s += f"Action {i}: " + sgl.select(f"action_{i}", ["Search", "Finish"])
        if s[f"action_{i}"] == "Search":
            s += " [" + sgl.gen(stop="]") + "].\n"
            s += f"Observation {i}:" + sgl.gen(stop=[".", "\n"]) + ".\n"
        else:
            s += " [" + sgl.gen("answer", stop="]") + "].\n"
            break


CASES = [
    Case(react, {"question": "Where does the founder of Linux come from?"}),
    Case(react, {"question": "Where does the founder of Python come from?"}),
]
