# ruff: noqa
"""`async`."""

import asyncio
import contextlib

import sglc as sgl
from tests.python_frontend.constructs.construct import Table

TABLE = Table("`async`", [])


@contextlib.asynccontextmanager
async def logged(name):
    print("enter", name)
    try:
        yield name
    finally:
        print("exit", name)


async def numbers(n):
    for i in range(n):
        await asyncio.sleep(0)
        yield i


@sgl.function
def other(s, word):
    s += word + sgl.gen("said")
    return s["said"]


@TABLE("`async def` program", "live")
@sgl.function
async def coroutine(s, q):  # here
    s += q + sgl.gen("a")
    s += "x" + s["a"]
    return s["a"]


@TABLE("`await` of anything", "live")
@sgl.function
async def awaits(s, q):
    s += q + sgl.gen("a")
    await asyncio.sleep(0)  # here
    s += await asyncio.wait_for(asyncio.sleep(0, s["a"]), 5)


@TABLE("`await other.arun(...)`, one or several", "live")
@sgl.function
async def awaits_programs(s, q):
    first = await other.arun(q)  # here
    many = await asyncio.gather(*[other.arun(f"{q}{i}") for i in range(3)])
    s += first["said"] + "".join(m.ret_value for m in many) + sgl.gen("a")
    return s["a"]


@TABLE("`async for` … `else` and asynchronous comprehensions", "live")
@sgl.function
async def async_for(s, q):
    async for i in numbers(3):  # here
        s += f"{q}{i}" + sgl.gen("a")
        if s["a"] < "b":
            break
    else:
        s += "whole"
    return [i async for i in numbers(2)], [s["a"] for i in range(2)]


@TABLE("`async with`", "live")
@sgl.function
async def async_with(s, q):
    async with logged("x") as name:  # here
        with s.user():
            s += q + name + sgl.gen("a")
            print(s["a"])


@TABLE("exceptions in `async def`", "live")
@sgl.function
async def async_errors(s, q):
    try:
        s += q + sgl.gen("a")
        await asyncio.wait_for(asyncio.sleep(9 if s["a"] else 0), 0)  # here
    except TimeoutError:
        s += "late"
    raise LookupError("own")
