"""The most likely of four endings, for a batch of questions that share their examples."""

import sglc as sgl
from tests.upstream.case import Case

LINES = [
    {
        "activity": f"Activity {i}",
        "ctx": f"Someone does {i}",
        "endings": [f"and {i}{c}" for c in "wxyz"],
    }
    for i in range(6)
]


def one_example(lines, i, include_answer):
    ret = lines[i]["activity"] + ": " + lines[i]["ctx"] + " "
    if include_answer:
        ret += lines[i]["endings"][i % 4]
    return ret


FEW_SHOT = "".join(one_example(LINES, i, True) + "\n\n" for i in range(3))


@sgl.function
def few_shot_hellaswag(s, question, choices):
    s += FEW_SHOT + question
    s += sgl.select("answer", choices=choices)


ROWS = [
    {"question": one_example(LINES, i, False), "choices": LINES[i]["endings"]} for i in range(3, 6)
]
CASES = [Case(few_shot_hellaswag, rows=ROWS, options={"temperature": 0})]
