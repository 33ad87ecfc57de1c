"""The quick start with a completion model: examples first, then a question."""

import sglc as sgl
from tests.upstream.case import Case


@sgl.function
def few_shot_qa(s, question):
    s += """Questions with short answers.
Q: Which river runs through Cairo?
A: The Nile
Q: Which river runs through Vienna?
A: The Danube
"""
    s += "Q: " + question + "\n"
    s += "A:" + sgl.gen("answer", stop="\n", temperature=0)


ROWS = [{"question": f"Which river runs through {c}?"} for c in ("Paris", "London")]
CASES = [
    Case(few_shot_qa, ROWS[0], check=lambda s: "\n" not in s["answer"]),
    Case(few_shot_qa, ROWS[0], options={"stream": True}),
    Case(few_shot_qa, rows=ROWS),
]
