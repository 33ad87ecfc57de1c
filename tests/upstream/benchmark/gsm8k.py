"""Sums in words after five examples that all rows share."""

import sglc as sgl
from tests.upstream.case import Case


def line(number, with_answer):
    text = (
        f"Question: Ann has {number} apples and buys {number + 1} more. How many has she?\nAnswer:"
    )
    return text + (f" She has {2 * number + 1}. #### {2 * number + 1}\n\n" if with_answer else "")


def program(shots):
    examples = "".join(line(i, True) for i in range(shots))

    @sgl.function
    def few_shot_gsm8k(s, question):
        s += examples + question
        s += sgl.gen("answer", max_tokens=512, stop=["Question", "Assistant:", "<|separator|>"])

    return few_shot_gsm8k


few_shot = program(5)
ROWS = [{"question": line(i, False)} for i in range(6, 10)]
CASES = [Case(few_shot, rows=ROWS, options={"temperature": 0, "num_threads": 64})]
