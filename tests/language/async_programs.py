"""`async def` programs, and plain ones that are awaited."""

import asyncio
import contextlib

import sglc as sgl

SEEN = []


@sgl.function
async def chat(s, question):
    s += sgl.user(question)
    s += sgl.assistant(sgl.gen("answer"))
    answer = s["answer"]
    await asyncio.sleep(0)
    with s.user():
        s += "You said " + answer
    s += sgl.assistant(sgl.gen("more"))
    return len(s.text()), s["more"]


@sgl.function
def plain(s, question):
    s += question + sgl.gen("answer")
    SEEN.append(s["answer"])
    return s["answer"]


@sgl.function
def silent(s, question):
    s += question + sgl.gen("answer")
    s += " so " + s["answer"]


@sgl.function
async def calls_others(s, questions):
    states = await asyncio.gather(*[plain.arun(q) for q in questions])
    for state in states:
        s += state["answer"] + "\n"
    one = await silent.arun("last")
    s += one.text() + sgl.gen("end")
    return s["end"]


async def words(count):
    for index in range(count):
        await asyncio.sleep(0)
        yield f"word{index} "


@contextlib.asynccontextmanager
async def logged(name):
    SEEN.append(f"enter {name}")
    try:
        yield name
    finally:
        SEEN.append(f"exit {name}")


@sgl.function
async def streams(s, count):
    async with logged("outer") as name:
        async for word in words(count):
            s += word + sgl.gen(word.strip())
            if not s[word.strip()]:
                break
        else:
            s += name
    found = [word async for word in words(count)]
    lengths = [len(s[f"word{i}"]) for i in range(count)]
    return found, lengths


@sgl.function
async def waits_in_a_role(s):
    try:
        with s.assistant():
            s += sgl.gen("never")
            SEEN.append("reading")
            s["never"]
    finally:
        SEEN.append(("role", s.stream_executor.cur_role))


@sgl.function
async def reads_everywhere(s):
    s += "a" + sgl.gen("a")
    forks = s.fork(2)
    for i, f in enumerate(forks):
        f += f"<{i}>" + sgl.gen("b")
    first = lambda: s["a"]  # noqa: E731
    either = forks[1]["b"] if s["a"] else None
    generated = list(f["b"] for f in forks)  # noqa: C400
    await s.wait("a")
    await s.wait()
    meta = s.get_meta_info("a")["completion_tokens"]
    return s.get_var("a"), first(), either, generated, meta, len(s.messages()), s.error()


@sgl.function
async def fails(s):
    s += "BOOM" + sgl.gen("a")
    try:
        s["a"]
    except RuntimeError as error:
        SEEN.append(str(error))
        raise


@sgl.function
async def raises(s):
    s += "a" + sgl.gen("a")
    raise LookupError(s["a"][:0] + "own")


@sgl.function
async def several_samples(s, seed):
    """A parameter with the name of an option."""
    s += f"{seed}" + sgl.gen("a")
    return s["a"]
