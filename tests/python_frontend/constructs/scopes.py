# ruff: noqa
"""`with`."""

import contextlib
import threading

import sglc as sgl
from tests.python_frontend.constructs.construct import Table

TABLE = Table("`with`", [])


@contextlib.contextmanager
def logged(name, swallow=False):
    print("enter", name)
    try:
        yield name.upper()
    except ValueError as error:
        print("caught", error)
        if not swallow:
            raise
    finally:
        print("exit", name)


class Manager:
    def __enter__(self):
        print("enter")
        return self, 1

    def __exit__(self, kind, error, trace):
        print("exit", kind and kind.__name__)
        return kind is KeyError


@TABLE("`with s.user():`, `with s.system():`, `with s.assistant():`")
@sgl.function
def role_scopes(s, q):
    with s.system():
        s += "system"
    with s.user():  # here
        s += q
        s += " more"
    with s.assistant():
        s += sgl.gen("a") + sgl.gen("b")
    return s["a"], len(s.messages())


@TABLE("`with s.var_scope(name):`")
@sgl.function
def var_scope(s, q):
    with s.var_scope("part"):  # here
        s += q + sgl.gen("a")
        s += "." + s["a"]
    s += "again: " + s["part"]


@TABLE("`with s.copy() as c:`")
@sgl.function
def copies(s, q):
    s += q
    with s.copy() as c:  # here
        c += "aside" + sgl.gen("aside")
        print(len(c["aside"]))
    s += "heard " + s["aside"][0] + sgl.gen("b")


@TABLE("a foreign context manager around model operations")
@sgl.function
def foreign(s, q):
    s += q + sgl.gen("a")
    with logged("outer") as name:  # here
        s += name + s["a"]
        s += sgl.gen("b")
    return s["b"]


@TABLE("one that swallows an exception")
@sgl.function
def swallows(s, q):
    s += q + sgl.gen("a")
    with logged("x", swallow=True):  # here
        s += s["a"]
        int("no number")
        s += "never"
    s += "after" + sgl.gen("b")


@TABLE("several items, in order of entering")
@sgl.function
def several_items(s, q):
    with logged("a") as a, s.user(), Manager() as (manager, n), logged(a + "b"):  # here
        s += q + f"{n}" + sgl.gen("a")
        s += s["a"]
        if s["a"]:
            raise KeyError("swallowed by the manager")
    s += "after"


@TABLE("`break`, `continue` and `return` out of `with`")
@sgl.function
def leaves(s, q):
    for i in range(4):
        with logged(f"l{i}"):  # here
            s += f"{q}{i}" + sgl.gen("a")
            if i == 0:
                continue
            if len(s["a"]) % 2:
                break
            if i == 2:
                return i
    s += "end"


@TABLE("locks, `suppress`, `ExitStack`")
@sgl.function
def library(s, q):
    lock = threading.RLock()
    with lock, contextlib.ExitStack() as stack:  # here
        stack.enter_context(s.user())
        stack.callback(print, "callback")
        s += q + sgl.gen("a")
        with contextlib.suppress(KeyError):
            s += "known" + s["a"]
            s += s["missing"]
    return s["a"]


@TABLE("a role whose scope holds a fork")
@sgl.function
def fork_in_role(s, q):
    with s.assistant():  # here
        s += q
        forks = s.fork(2)
        for i, f in enumerate(forks):
            f += f"{i}" + sgl.gen("a")
        s += "both: " + forks[0]["a"] + forks[1]["a"]
    return [f.messages() for f in forks]


@TABLE("the same scope again, and nested scopes of one name")
@sgl.function
def scopes_again(s, q):
    for i in range(2):
        with s.var_scope("part"):  # here
            s += f"{i}" + sgl.gen("a")
            with s.var_scope("part"):
                s += q + "inner"
        print(s["part"])
    scope = s.user()
    with scope:
        s += "kept"


@TABLE("a role inside a role fails where it stands")
@sgl.function
def nested_roles(s, q):
    with s.user():
        s += q + sgl.gen("a")
        with s.assistant():  # here
            s += "inner"
    return s["a"]
