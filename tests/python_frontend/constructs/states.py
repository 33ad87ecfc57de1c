# ruff: noqa
"""States as values."""

import sglc as sgl
from tests.python_frontend.constructs.construct import Table

TABLE = Table("States as values", [])


def ask(s, word):
    s += word + sgl.gen("asked")
    return s["asked"]


def branch(s, n):
    s += "branching"
    return s.fork(n)


def same(s):
    return s


def both(*states, **named):
    for state in [*states, *named.values()]:
        state += "both" + sgl.gen("b")
    return list(states)


class Tree:
    def __init__(self, state):
        self.state = state
        self.children = []

    def grow(self, depth, q):
        self.state += f"{q}{depth}" + sgl.gen("a")
        if depth:
            self.children = [Tree(f) for f in self.state.fork(2)]
            for child in self.children:
                child.grow(depth - 1, q)
        return self

    def leaves(self):
        if not self.children:
            return [self.state["a"]]
        return [leaf for child in self.children for leaf in child.leaves()]


@sgl.function
def other(s, word, *, times=1):
    for i in range(times):
        s += f"{word}{i}" + sgl.gen("said")
    return s["said"]


@TABLE("an alias is the same state")
@sgl.function
def aliases(s, q):
    t = s
    t += q + sgl.gen("a")  # here
    s += "x" + t["a"]
    u = t
    u += "y" + s["a"]
    return t is s, u is s


@TABLE("`forks[i]`, by constant, negative and computed index")
@sgl.function
def indexed(s, q):
    forks = s.fork(3)
    forks[0] += q + sgl.gen("a")  # here
    forks[-1] += "last" + sgl.gen("a")
    forks[len(q) % 3] += "one" + sgl.gen("b")
    s += forks[0]["a"] + forks[-1]["a"]
    return len(forks)


@TABLE("a slice of a fork", "lifted")
@sgl.function
def sliced(s, q):
    forks = s.fork(4)
    for f in forks[1:3]:  # here
        f += q + sgl.gen("a")
    s += forks[1]["a"] + forks[2]["a"]
    return ["a" in f for f in forks]


@TABLE("`for f in forks`")
@sgl.function
def iterated(s, q):
    forks = s.fork(2)
    for f in forks:  # here
        f += q + sgl.gen("a")
    for f in forks:
        s += f["a"]


@TABLE("`for i, f in enumerate(forks)`")
@sgl.function
def enumerated(s, q):
    forks = s.fork(3)
    for i, f in enumerate(forks):  # here
        f += f"{q}{i}" + sgl.gen("a")
    for i, f in enumerate(forks, 1):
        s += f"{i}:" + f["a"]


@TABLE("`for f, x in zip(forks, xs)`", "lifted", (["x", "y"],))
@sgl.function
def zipped(s, q, xs):
    forks = s.fork(len(xs))
    for f, x in zip(forks, xs):  # here
        f += q + x + sgl.gen("a")
    for x, f in zip(xs, forks, strict=True):
        s += x + f["a"]


@TABLE("`forks += expression`, a list, a function of the number")
@sgl.function
def group_append(s, q):
    forks = s.fork(2)
    forks += f"{q}: " + sgl.gen("a")  # here
    forks += ["x", "y"]
    forks += lambda i: f"{i}" + sgl.gen("b")
    s += forks[0]["b"] + forks[1]["b"]


@TABLE("`join()`: variables become lists")
@sgl.function
def joined(s, q):
    forks = s.fork(3)
    for i, f in enumerate(forks):
        f += f"{q}{i}" + sgl.gen("a")
    forks.join()  # here
    s += " ".join(s["a"]) + sgl.gen("b")
    return s["a"]


@TABLE('`join("concate_and_append")`: texts are appended')
@sgl.function
def concatenated(s, q):
    s += "start"
    forks = s.fork(2)
    for i, f in enumerate(forks):
        f += f"{q}{i}" + sgl.gen("a")
    forks.join("concate_and_append")  # here
    s += sgl.gen("b")
    return s.text()


@TABLE("`join` in a mode that is computed, or wrong", "python")
@sgl.function
def wrong_join(s, q):
    forks = s.fork(2)
    s += q + sgl.gen("a")
    forks.join("other" + s["a"][:0])  # here


@TABLE("fork twice, the same names; forks inside forks")
@sgl.function
def forks_in_forks(s, q):
    outer = s.fork(2)
    for f in outer:
        f += q + sgl.gen("a")
        inner = f.fork(2)  # here
        for i, g in enumerate(inner):
            g += f"{i}" + sgl.gen("b")
        inner.join()
        f += f["b"][0] + f["b"][1]
    outer.join()
    again = s.fork(2)
    again += sgl.gen("a")
    again.join()
    return s["a"], s["b"]


@TABLE("states in lists and dicts", "python")
@sgl.function
def in_containers(s, q):
    forks = s.fork(3)
    chosen = {"first": forks[0], "rest": list(forks)[1:]}  # here
    chosen["first"] += q + sgl.gen("a")
    for f in chosen["rest"]:
        f += "rest" + sgl.gen("a")
    s += chosen["first"]["a"] + chosen["rest"][-1]["a"]


@TABLE("states in attributes and recursion over them", "python")
@sgl.function
def in_objects(s, q):
    tree = Tree(s.fork(1)[0]).grow(2, q)  # here
    s += " ".join(tree.leaves())


@TABLE("a state handed to a plain function of the file")
@sgl.function
def handed(s, q):
    said = ask(s, q)  # here
    s += "so " + said
    f = s.fork(2)
    s += ask(f[0], "x") + ask(f[1], s["asked"])


@TABLE("a plain function that forks and returns the forks")
@sgl.function
def returned_forks(s, q):
    forks = branch(s, 2)  # here
    for f in forks:
        f += q + sgl.gen("a")
    s += forks[0]["a"]


@TABLE("a plain function that returns the state")
@sgl.function
def returned_state(s, q):
    t = same(s)  # here
    t += q + sgl.gen("a")
    s += t["a"]
    return t


@TABLE("several states handed on, starred and by keyword", "python")
@sgl.function
def handed_on(s, q):
    forks = s.fork(3)
    s += q
    listed = both(*forks, last=s)  # here
    s += listed[1]["b"] + s["b"]


@TABLE("another program, called and run with options")
@sgl.function
def calls(s, q):
    first = other(q)  # here
    second = other.run("again", times=2, temperature=0.5)
    s += first["said"] + second.ret_value + sgl.gen("a")
    return second.text() + s["a"]


@TABLE("another program in a comprehension; a batch of it", "python")
@sgl.function
def calls_many(s, q):
    runs = [other(f"{q}{i}") for i in range(2)]  # here
    batch = other.run_batch([{"word": q}, {"word": "z"}])
    s += "".join(r["said"] for r in [*runs, *batch])


@TABLE("states swapped and chosen between")
@sgl.function
def swapped(s, q):
    a, b = s.fork(2)
    a += q + sgl.gen("a")
    b += "other" + sgl.gen("a")
    a, b = b, a
    chosen = a if a["a"] < b["a"] else b
    chosen += "chosen" + sgl.gen("c")  # here
    s += chosen["c"] + a["a"]


@TABLE("a state captured by a nested function", "python")
@sgl.function
def captured(s, q):
    def look(name):  # here
        return s[name]

    s += q + sgl.gen("a")
    s += "then " + look("a") + s["a"]


@TABLE("states returned from the program")
@sgl.function
def returns_states(s, q):
    forks = s.fork(2)
    forks[0] += q + sgl.gen("a")
    return {"text": forks[0], "all": [s, *forks]}  # here


@TABLE("state methods kept in variables")
@sgl.function
def bound_methods(s, q):
    read, grow = s.get_var, s.fork
    s += q + sgl.gen("a")
    s += read("a")  # here
    forks = grow(2)
    forks[1] += "x" + sgl.gen("b")
    s += forks[1]["b"]


@TABLE("a fork of size one, indexed at once")
@sgl.function
def single(s, q):
    f = s.fork(1)[0]  # here
    f += q + sgl.gen("a")
    s += f["a"]
    s += s.fork()[0].text()


@TABLE("an `if` on which fork said what")
@sgl.function
def decides(s, q):
    forks = s.fork(2)
    for f in forks:
        f += q + sgl.select("a", ["yes", "no"])
    if forks[0]["a"] == forks[1]["a"] == "yes":  # here
        s += "agreed" + sgl.gen("b")
    else:
        for i, f in enumerate(forks):
            if f["a"] == "no":
                f += "why" + sgl.gen("why")
                s += f"{i}" + f["why"]
