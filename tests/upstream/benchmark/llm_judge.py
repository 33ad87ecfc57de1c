"""Branch, solve, merge: an essay judged along six dimensions, then a grade."""

import sglc as sgl
from tests.upstream.case import Case

DIMENSIONS = (
    "Clarity: is it easy to follow?",
    "Originality: is it new?",
    "Evidence: does it argue well?",
    "Structure: is it in order?",
    "Style: does it read well?",
    "Grammar: is it correct?",
)
SYSTEM = "You judge essays. "


@sgl.function
def multi_dimensional_judge(s, article):
    s += SYSTEM
    s += "\n```\n" + article + "\n```\n\n"

    forks = s.fork(len(DIMENSIONS))
    for i in range(len(DIMENSIONS)):
        forks[i] += "USER: Judge this dimension. " + DIMENSIONS[i] + " Write END when done.\n"
        forks[i] += "ASSISTANT: Judgement: " + sgl.gen("judgment", max_tokens=256, stop="END")
    forks.join()

    s += "The judgements:\n"
    for i in range(len(DIMENSIONS)):
        s += DIMENSIONS[i].split(":")[0] + ": " + s["judgment"][i].strip() + "\n"
    s += "Overall, from 1 to 10:" + sgl.gen("score", max_tokens=2)


ROWS = [{"article": f"Essay number {i}. It is about ships."} for i in range(2)]
CASES = [
    Case(multi_dimensional_judge, ROWS[0], check=lambda s: len(s["judgment"]) == 6),
    Case(multi_dimensional_judge, rows=ROWS, options={"temperature": 0}),
]
