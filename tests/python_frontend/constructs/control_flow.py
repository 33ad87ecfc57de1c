# ruff: noqa
"""Control flow that depends on what the model said."""

import sglc as sgl
from tests.python_frontend.constructs.construct import Table

TABLE = Table("Control flow", [])


def log(*values):
    print("log", *values)
    return values[0]


class Countdown:
    """An iterable whose every step can be seen."""

    def __init__(self, n):
        self.n = n

    def __iter__(self):
        print("iter")
        return self

    def __next__(self):
        print("next", self.n)
        if self.n == 0:
            raise StopIteration
        self.n -= 1
        return self.n


class Noisy:
    def __init__(self, value):
        self.value = value

    def __bool__(self):
        print("bool", self.value)
        return bool(self.value)

    def __lt__(self, other):
        print("lt")
        return Noisy(self.value < other)


@TABLE("`if` / `elif` / `else`")
@sgl.function
def if_elif_else(s, q):
    s += q + sgl.gen("a")
    if s["a"] < "c":  # here
        s += "early" + sgl.gen("b")
    elif s["a"] < "f":
        s += "middle" + sgl.gen("b")
    else:
        s += "late"
    return "b" in s


@TABLE("nested `if`, names set in some branches only")
@sgl.function
def nested_if(s, q):
    s += q + sgl.gen("a")
    if s["a"]:
        if len(s["a"]) % 2:  # here
            kind = "odd"
        else:
            s += "even" + sgl.gen("b")
    s += kind
    return kind


@TABLE("conditional expression in a text", "lifted", (0,), (1,))
@sgl.function
def conditional_expression(s, q, n):
    s += q + sgl.gen("a")
    s += ("yes " + s["a"]) if n else ("no" if s["a"] < "e" else "maybe")  # here
    return n


@TABLE("`and`, `or`, `not`: evaluated no further than needed")
@sgl.function
def boolean_operators(s, q):
    s += q + sgl.gen("a")
    if log("left") and not s["a"] or log("") or s["a"] and log("right"):  # here
        s += "then" + sgl.gen("b")
    return s["a"] and 3


@TABLE("chained comparison, each operand evaluated once")
@sgl.function
def chained_comparison(s, q):
    s += q + sgl.gen("a")
    if "a" <= log(s["a"])[0] < "e" != s["a"]:  # here
        s += "in"
    return Noisy(1) < 2 < 3


@TABLE("`while`")
@sgl.function
def while_loop(s, q):
    s += q + sgl.gen("a")
    n = 0
    while s["a"] < "g" and n < 4:  # here
        s += f"again {n}" + sgl.gen("a")
        n += 1
    return n


@TABLE("`while` … `else`, left by `break` or not", "lifted", (0,), (9,))
@sgl.function
def while_else(s, q, limit):
    s += q
    n = 0
    while n < limit:  # here
        s += f"{n}" + sgl.gen("a")
        n += 1
        if len(s["a"]) % 2:
            s += "odd"
            break
    else:
        s += "none" + sgl.gen("b")
    return n


@TABLE("`for` over `range`, the bound from the model")
@sgl.function
def for_range(s, q):
    s += q + sgl.gen("n", dtype=int)
    for i in range(int(s["n"]) % 4):  # here
        s += f"{i}:" + sgl.gen(f"a{i}")
    return s["n"]


@TABLE("`for` over a list, tuple or string", "lifted", (["x", "y"],), (("z",),), ("uv",), ([],))
@sgl.function
def for_list(s, q, items):
    s += q
    for item in items:  # here
        s += item + sgl.gen("a")
        if s["a"] < "b":
            s += "early"
    return item


@TABLE("`for` … `else`, left by `break` or not", "lifted", (["x", "y"],), ([],))
@sgl.function
def for_else(s, q, items):
    s += q
    for item in items:  # here
        s += item + sgl.gen("a")
        if len(s["a"]) % 3 == 0:
            break
    else:
        s += "whole" + sgl.gen("b")
    return s["a"]


@TABLE("`for` over any iterable, with its side effects in order")
@sgl.function
def for_iterable(s, q):
    s += q + sgl.gen("a")
    for n in Countdown(3):  # here
        s += f"{n} " + s["a"]
        s += sgl.gen("b")
        print("body", n)


@TABLE("`for` over a generator and over a dict's items", "lifted", ({"x": 1, "y": 2},))
@sgl.function
def for_dict(s, q, items):
    s += q + sgl.gen("a")
    for key, value in items.items():  # here
        s += f"{key}={value}" + s["a"]
    for word in (w for w in s["a"].split()):
        s += word


@TABLE("`for` over a list that the body changes")
@sgl.function
def for_mutated(s, q):
    s += q
    todo = ["x", "y"]
    for item in todo:  # here
        s += item + sgl.gen("a")
        if len(todo) < 4:
            todo.append(s["a"][:1])
    return todo


@TABLE("`for` into an attribute, an item, or several names")
@sgl.function
def for_targets(s, q):
    s += q + sgl.gen("a")
    box = [None]
    for box[0], (first, *rest) in [(1, "ab"), (2, "cde")]:  # here
        s += f"{box[0]}{first}{rest}" + s["a"]
    return box, rest


@TABLE("`break` and `continue` in nested loops")
@sgl.function
def break_continue(s, q):
    s += q
    for i in range(3):
        for j in range(3):
            s += f"{i}{j}" + sgl.gen("a")
            if len(s["a"]) % 2:
                continue  # here
            if j == 1:
                break
            s += "-"
        if s["a"] < "c":
            break
    return i, j


@TABLE("`return` from inside loops, roles and `try`")
@sgl.function
def return_at_depth(s, q):
    for i in range(3):
        with s.user():
            try:
                s += f"{q}{i}" + sgl.gen("a")
                if i == 1 or s["a"] < "b":
                    return i, s["a"]  # here
            finally:
                s += "closing"
    return "never"


@TABLE("`match` on what the model chose")
@sgl.function
def match_literals(s, q):
    s += q + sgl.select("a", ["search", "compute", "end"])
    match s["a"]:  # here
        case "search" | "compute" as what:
            s += what + sgl.gen("b")
        case "end":
            s += "ended"
        case _:
            s += "never"


@TABLE("`match` with guards, sequences, mappings and classes", "lifted", ([1, 2, 3],), ({"k": 5},))
@sgl.function
def match_structures(s, q, value):
    s += q + sgl.gen("a")
    match value, s["a"]:  # here
        case [first, *rest], str(text) if len(text) > log(2):
            s += f"{first}{rest}{text}"
        case {"k": int(n), **others}, _:
            s += f"{n}{others}" + sgl.gen("b")
        case Noisy(value=v), _:
            s += str(v)
    return value


@TABLE("walrus in a condition")
@sgl.function
def walrus(s, q):
    s += q
    n = 0
    while (n := n + 1) < 5:  # here
        s += sgl.gen("a")
        if (size := len(s["a"])) > 20:
            break
    return n, size


@TABLE("`assert` on a generated value", "python")
@sgl.function
def assertion(s, q):
    s += q + sgl.gen("a")
    assert len(s["a"]) % 2, f"even: {s['a']}"  # here
    s += "odd" + sgl.gen("b")


@TABLE("recursion", "lifted", (3,))
@sgl.function
def recursion(s, q, depth):
    s += f"{q}{depth}" + sgl.gen("a")
    if depth > 0 and s["a"]:
        inner = recursion(q + s["a"][:1], depth - 1)  # here
        s += inner["a"] + str(inner.ret_value)
        return inner.ret_value + 1
    return 0


@TABLE("a condition whose truth is the user's own code")
@sgl.function
def truth(s, q):
    s += q + sgl.gen("a")
    if Noisy(s["a"]):  # here
        s += "yes" + s["a"]
    while Noisy(0):
        s += "never"


@TABLE("code that is never reached")
@sgl.function
def unreachable(s, q):
    s += q + sgl.gen("a")
    if len(s["a"]) > 1000:
        return "long"
    return s["a"]  # here
    s += "never"
