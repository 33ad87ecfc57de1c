"""Two generations, the second of which is followed."""

import asyncio

import sglc as sgl
from tests.upstream.case import Case


@sgl.function
def two_questions(s, first, second):
    s += sgl.system("You answer briefly.")
    s += sgl.user(first)
    s += sgl.assistant(sgl.gen("answer_1", max_tokens=256))
    s += sgl.user(second)
    s += sgl.assistant(sgl.gen("answer_2", max_tokens=256))


def second_answer(state):
    return "".join(state.text_iter(var_name="answer_2")) == state["answer_2"]


def second_answer_in_a_coroutine(state):
    async def follow():
        return "".join([text async for text in state.text_async_iter(var_name="answer_2")])

    return asyncio.run(follow()) == state["answer_2"]


QUESTIONS = {"first": "Where is the White House?", "second": "What else is there?"}
CASES = [
    Case(two_questions, QUESTIONS, options={"stream": True}, check=second_answer),
    Case(two_questions, QUESTIONS, options={"stream": True}, check=second_answer_in_a_coroutine),
]
