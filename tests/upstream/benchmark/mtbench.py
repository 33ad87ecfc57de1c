"""Two turns of a chat, with an empty system message."""

import sglc as sgl
from tests.upstream.case import Case


@sgl.function
def answer_mt_bench(s, question_1, question_2):
    s += sgl.system()
    s += sgl.user(question_1)
    s += sgl.assistant(sgl.gen("answer_1"))
    s += sgl.user(question_2)
    s += sgl.assistant(sgl.gen("answer_2"))


ROWS = [{"question_1": f"Topic {i}?", "question_2": "And then?"} for i in range(3)]
CASES = [Case(answer_mt_bench, rows=ROWS, options={"temperature": 0, "max_new_tokens": 256})]
