"""Pieces of a variable with their meta information, in a coroutine."""

import asyncio

import sglc as sgl
from tests.upstream.case import Case


@sgl.function
def qa(s, question):
    s += sgl.user(question)
    s += sgl.assistant(
        sgl.gen(
            "answer",
            max_tokens=16,
            return_logprob=True,
            top_logprobs_num=2,
            return_text_in_logprobs=True,
        )
    )


async def pieces(state):
    return [
        (text, meta) async for text, meta in state.text_async_iter("answer", return_meta_data=True)
    ]


def whole(state):
    found = asyncio.run(pieces(state))
    return "".join(text for text, _ in found) == state["answer"] and found[-1][1] is not None


CASES = [
    Case(qa, {"question": "Who was George Washington?"}, options={"stream": True}, check=whole)
]
