# ruff: noqa
"""What looks at its own frame, or is no ordinary call."""

import sys

import sglc as sgl
from tests.python_frontend.constructs.construct import Table

TABLE = Table("Code about code", [])


@TABLE("generator (`yield`, `yield from`)", "live")
@sgl.function
def generator(s, q):
    s += q + sgl.gen("a")
    yield s["a"]  # here
    yield from ["x"]


@TABLE("`locals()`", "live")
@sgl.function
def uses_locals(s, q):
    s += "{q}".format(**locals()) + sgl.gen("a")  # here
    s += s["a"]


@TABLE("`vars()`, `dir()` without arguments", "live")
@sgl.function
def uses_vars(s, q):
    s += q + sgl.gen("a")
    print(sorted(vars()), dir())  # here
    s += s["a"]


@TABLE("`exec`", "live")
@sgl.function
def uses_exec(s, q):
    exec("s += q + sgl.gen('a')")  # here
    s += s["a"]


@TABLE("`eval`", "live")
@sgl.function
def uses_eval(s, q):
    s += q + sgl.gen("a")
    s += eval("s['a']")  # here


@TABLE("`vars(x)`, `dir(x)`, `globals()`, `getattr`")
@sgl.function
def looks_elsewhere(s, q):
    s += q + sgl.gen("a")
    s += f"{sorted(vars(Frames))[0]} {'sys' in globals()} {getattr(s, 'get_var')('a')}"  # here
    return len(dir(s)) > 3


@TABLE("`super()` and `__class__` in a program of a class", "lifted")
@sgl.function
def outside_class(s, q):
    s += q + sgl.gen("a") + Frames.make()[:0]  # here
    return Sub.program.run(q).ret_value


class Frames:
    @classmethod
    def make(cls):
        return cls.__name__

    @sgl.function
    def program(s, q):
        return "base"


class Sub(Frames):
    @TABLE("`__class__` and `super(C, C)` in a method")
    @sgl.function
    def program(s, q):
        s += q + sgl.gen("a") + super(Sub, Sub).make()  # here
        return __class__.__name__, s["a"]

    @TABLE("`super()` without arguments fails as in Python")
    @sgl.function
    def zero_argument_super(s, q):
        s += q + sgl.gen("a")
        s += super().make()  # here


@TABLE("the caller's frame", "python")
@sgl.function
def frames(s, q):
    s += q + sgl.gen("a")
    name = sys._getframe().f_code.co_name  # here
    s += name + s["a"]
    return sys._getframe().f_lineno - frames.func.__code__.co_firstlineno
