"""Many runs under way at once, started by coroutines."""

import asyncio

import sglc as sgl
from tests.upstream.case import Case


@sgl.function
def qa(s, question):
    s += sgl.user(question)
    s += sgl.assistant(sgl.gen("answer", max_tokens=32))


@sgl.function
def chief(s, questions):
    """A program that starts others; each run is an ordinary call."""

    async def ask(question):
        state = qa.run(question=question)
        return "".join([piece async for piece in state.text_async_iter("answer")])

    async def every():
        return await asyncio.gather(*[ask(q) for q in questions])

    answers = asyncio.run(every())
    s += "\n".join(answers) + "\nTogether:" + sgl.gen("together", max_tokens=32)
    return answers


CASES = [Case(chief, {"questions": ["Who?", "Where?"]}, check=lambda s: len(s.ret_value) == 2)]
