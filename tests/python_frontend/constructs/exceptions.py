# ruff: noqa
"""Exceptions of the program and of the model."""

import sglc as sgl
from tests.python_frontend.constructs.construct import Table

TABLE = Table("Exceptions", [])


class Own(Exception):
    pass


def fail(kind, *args):
    print("failing", kind.__name__)
    raise kind(*args)


@TABLE("`try` / `except` around reads, appends and Python")
@sgl.function
def try_except(s, q):
    s += q + sgl.gen("a")
    try:  # here
        s += "x" + s["a"]
        s += sgl.gen("b")
        print(int(s["b"]))
    except ValueError as error:
        s += f"no number: {error}" + sgl.gen("c")
    return s["c"]


@TABLE("several handlers, tuples of kinds, bare `except`", "lifted", (0,), (1,), (2,), (3,))
@sgl.function
def handlers(s, q, n):
    s += q + sgl.gen("a")
    try:  # here
        s += s["a"]
        fail([KeyError, ZeroDivisionError, Own, OverflowError][n], "what")
    except KeyError:
        s += "key"
    except (ZeroDivisionError, OverflowError) as error:
        s += type(error).__name__
    except:
        s += "other" + sgl.gen("b")
    s += "after"


@TABLE("`try` … `else` … `finally`", "lifted", (0,), (1,))
@sgl.function
def try_else_finally(s, q, n):
    s += q + sgl.gen("a")
    try:  # here
        s += "in"
        if n:
            fail(Own)
    except Own:
        s += "own" + s["a"]
    else:
        s += "else" + s["a"]
    finally:
        s += "finally" + sgl.gen("b")
        print("finally")


@TABLE("`finally` while an exception leaves")
@sgl.function
def finally_leaves(s, q):
    try:  # here
        s += q + sgl.gen("a")
        s += s["a"]
        fail(Own, "leaves")
    finally:
        s += "closing"
        print("closing")


@TABLE("`return`, `break` and `continue` in `finally`")
@sgl.function
def finally_returns(s, q):
    for i in range(3):
        try:  # here
            s += f"{q}{i}" + sgl.gen("a")
            if i == 1:
                fail(Own)
        finally:
            s += "|"
            if i < 2:
                continue
            return i


@TABLE("nested `try`, an exception in a handler")
@sgl.function
def nested_try(s, q):
    s += q + sgl.gen("a")
    try:  # here
        try:
            fail(KeyError, "inner")
        except KeyError as error:
            s += "caught " + s["a"]
            raise Own("from handler") from error
        finally:
            s += "inner finally"
    except Own as error:
        s += f"{error} after {error.__cause__!r}" + sgl.gen("b")


@TABLE("the name of a handler is unbound after it")
@sgl.function
def handler_name(s, q):
    error = "before"
    try:  # here
        s += q + sgl.gen("a")
        fail(Own, s["a"][:1])
    except Own as error:
        s += str(error)
    return error


@TABLE("`raise`, with and without a cause")
@sgl.function
def raising(s, q):
    s += q + sgl.gen("a")
    if s["a"]:
        raise Own(s["a"][:1]) from ValueError("cause")  # here


@TABLE("`raise` of what was caught")
@sgl.function
def reraise(s, q):
    try:
        s += q + sgl.gen("a")
        fail(Own, "again" + s["a"][:0])
    except Exception:
        s += "seen"
        print("seen")
        raise  # here


@TABLE("`except*` and exception groups", "python")
@sgl.function
def except_star(s, q):
    s += q + sgl.gen("a")
    try:  # here
        raise ExceptionGroup("several", [Own("one"), KeyError("two"), ValueError("three")])
    except* Own as group:
        s += f"own {len(group.exceptions)}"
    except* KeyError:
        s += "key" + s["a"]


@TABLE("a failed generation is caught where it is read")
@sgl.function
def caught_failure(s, q):
    branch = s.fork(1)[0]
    branch += q + sgl.gen("a")
    try:  # here
        s += "first" + branch["a"]
    except RuntimeError as error:
        s += f"instead: {error}" + sgl.gen("b")
        print(error.__notes__[0].rpartition("/")[2])
    s += "end"
    return s.error()


@TABLE("a failed generation in `finally`, with one exception after another")
@sgl.function
def failure_in_finally(s, q):
    s += q + sgl.gen("a")
    try:  # here
        fail(Own, "first")
    finally:
        print(s["a"][:1] + "x")


@TABLE("an exception leaves role scopes and variable scopes closed")
@sgl.function
def leaves_scopes(s, q):
    try:  # here
        with s.user():
            with s.var_scope("part"):
                s += "text" + sgl.gen("a", stop="q")
                fail(Own)
    except Own:
        s += "outside"
    with s.assistant():
        s += q + sgl.gen("b")
    return s["part"], [m["role"] for m in s.messages()]


@TABLE("exceptions of kinds the program computes")
@sgl.function
def computed_kinds(s, q):
    kinds = [ValueError]
    s += q + sgl.gen("a")
    try:  # here
        int(s["a"])
    except tuple(kinds) as error:
        s += type(error).__name__
    except print("never evaluated"):
        s += "never"


@TABLE("`KeyError` of a variable that is not there, `ValueError` of `None`")
@sgl.function
def usual_mistakes(s, q):
    s += q + sgl.gen("a")
    for mistake in (lambda: s["missing"], lambda: s.__iadd__(None), lambda: s.fork(0)):
        try:  # here
            mistake()
        except Exception as error:
            s += type(error).__name__
            print(repr(error))
    s += s["missing"]
