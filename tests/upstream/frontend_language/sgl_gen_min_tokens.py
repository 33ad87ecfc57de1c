"""A lower bound on the length of an answer."""

import sglc as sgl
from tests.upstream.case import Case


@sgl.function
def long_answer(s):
    s += sgl.system("You answer at length.")
    s += sgl.user("What is a harbour?")
    s += sgl.assistant(sgl.gen("answer", min_tokens=64, max_tokens=128))


@sgl.function
def short_answer(s):
    s += sgl.system("You answer at length.")
    s += sgl.user("What is a harbour?")
    s += sgl.assistant(sgl.gen("answer"))


CASES = [Case(long_answer), Case(short_answer)]
