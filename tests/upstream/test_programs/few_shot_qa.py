"""Question answering after a few examples, alone and as a batch."""

import sglc as sgl
from tests.upstream.case import Case


@sgl.function
def few_shot_qa(s, question):
    s += "Some questions, each with a short answer.\n\n"
    s += "Q: Which city is the seat of Spain's government?\nA: Madrid\n"
    s += "Q: Which city is the seat of Norway's government?\nA: Oslo\n"
    s += "Q: " + question + "\n"
    s += "A:" + sgl.gen("answer", stop="\n", temperature=0)


RULES = {r"USA's government\?\nA:$": " Washington", r"China's government\?\nA:$": " Beijing"}
CASES = [
    Case(
        few_shot_qa,
        {"question": "Which city is the seat of the USA's government?"},
        RULES,
        check=lambda s: s["answer"].strip() == "Washington",
    ),
    Case(
        few_shot_qa,
        rules=RULES,
        rows=[
            {"question": f"Which city is the seat of {c}'s government?"}
            for c in ("the USA", "China")
        ],
    ),
]
