# ruff: noqa
"""Names, assignment and functions."""

import functools

import sglc as sgl
from tests.python_frontend.constructs.construct import Table

TABLE = Table("Names, assignment, functions", [])
total = 0
setting = "global"


class Box:
    def __init__(self):
        self.items = []
        self.count = 0

    def __setattr__(self, name, value):
        if name == "count":
            print("set", value)
        object.__setattr__(self, name, value)


def announce(word):
    print("decorating", word)

    def decorate(f):
        @functools.wraps(f)
        def inner(s, *args, **kwargs):
            s += f"[{word}]"
            return f(s, *args, **kwargs)

        return inner

    return decorate


def registered(word):
    def decorate(program):
        program.word = word
        return program

    return decorate


@TABLE("assignment of a read")
@sgl.function
def assigns(s, q):
    s += q + sgl.gen("a")
    answer = s["a"]  # here
    s += "said " + answer + f"{answer}"
    return answer


@TABLE("tuple, starred and nested unpacking", "python")
@sgl.function
def unpacking(s, q):
    s += q + sgl.gen("a") + sgl.gen("b")
    first, (second, *rest) = s["a"], s["b"].split()  # here
    s += first + second + "".join(rest)
    (one, two), three = [s["a"][:1], s["b"][:1]], 3
    return one, two, three


@TABLE("chained assignment and swaps", "python")
@sgl.function
def chained(s, q):
    s += q + sgl.gen("x") + sgl.gen("y")
    a = b = s["x"]  # here
    a, b = s["y"], a
    s += a + b


@TABLE("annotated assignment", "python")
@sgl.function
def annotated(s, q):
    s += q + sgl.gen("a")
    answer: str = s["a"]  # here
    later: int
    s += answer
    return answer


@TABLE("augmented assignment to names, items and attributes", "python")
@sgl.function
def augmented(s, q):
    box, table, n = Box(), {"k": "x"}, 1
    s += q + sgl.gen("a")
    box.count += len(s["a"])  # here
    table["k"] += s["a"]
    n *= 3
    box.items += [n]
    s += table["k"] + f"{box.count}"
    return box.items


@TABLE("assignment to a prompt's variable", "python")
@sgl.function
def variables(s, q):
    s += q + sgl.gen("a")
    s["own"] = s["a"].upper()  # here
    s.set_var("other", [1, 2])
    s += s["own"] + f"{s['other']}"
    return "own" in s, s.get_var("other")


@TABLE("`del` of names and items", "python")
@sgl.function
def deletes(s, q):
    s += q + sgl.gen("a")
    kept = {"x": s["a"], "y": 1}
    word = s["a"]
    del kept["y"], word  # here
    s += f"{len(kept)}"
    return word


@TABLE("a name that may be unbound")
@sgl.function
def unbound(s, q):
    s += q + sgl.gen("a")
    if s["a"] < "c":
        setting = "local"
    s += "now " + setting + s["a"]  # here


@TABLE("walrus inside a text")
@sgl.function
def walrus_in_text(s, q):
    s += q + sgl.gen("a")
    s += (word := s["a"][:3]) + word + sgl.gen("b")  # here
    return word


@TABLE("`global`", "python")
@sgl.function
def global_name(s, q):
    global total
    total = 0
    s += q + sgl.gen("a")
    total += len(s["a"])  # here
    s += f"{total}" + s["a"]
    return total


@TABLE("`nonlocal` in a nested function", "python")
@sgl.function
def nonlocal_name(s, q):
    count = 0

    def more():  # here
        nonlocal count
        count += 1
        return s["a"]

    s += q + sgl.gen("a")
    s += more() + more() + f"{count}"
    return count


def make_closure():
    words = ["one"]

    @sgl.function
    def closure(s, q):
        s += q + sgl.gen("a")
        words.append(s["a"][:1])  # here
        s += words[0] + s["a"]
        del words[1:]
        return words

    return closure


def make_shared():
    count = 0

    @sgl.function
    def shared(s, q):
        nonlocal count
        count = 0
        s += q + sgl.gen("a")
        count += 1  # here
        s += f"{count}" + s["a"]
        return count

    return shared


TABLE("a closure over an enclosing function", "python")(make_closure())
TABLE("`nonlocal` of an enclosing function", "python")(make_shared())


@TABLE("nested functions and lambdas over the prompt", "python")
@sgl.function
def nested_functions(s, q):
    def ask(word, *, twice=False):  # here
        nonlocal s
        s += word + sgl.gen(word)
        return s[word] * (2 if twice else 1)

    show = lambda word: print(word, s[word])
    s += q
    s += ask("x", twice=True)
    show("x")


@TABLE("a class in the body", "python")
@sgl.function
def local_class(s, q):
    s += q + sgl.gen("a")

    class Local:  # here
        word = s["a"][:2]

        def method(self):
            return self.word + s["a"]

    s += Local().method()


@TABLE("`import` in the body", "python")
@sgl.function
def local_import(s, q):
    s += q + sgl.gen("a")
    from textwrap import shorten as cut  # here
    import os.path

    s += cut(s["a"], 8) + os.path.basename("x/y")


@TABLE("defaults, positional-only and keyword-only parameters", "lifted", ("x",))
@sgl.function
def parameters(s, q, first, /, second="two", *, third=3, fourth=(4,)):
    s += f"{q}{first}{second}{third}{fourth}" + sgl.gen("a")  # here
    return first, s["a"]


@TABLE("`*args` and `**kwargs`", "lifted", ("x", "y"))
@sgl.function
def variadic(s, q, *args, **kwargs):
    s += q + "".join(args) + sgl.gen("a", **{"max_tokens": 4})  # here
    for arg in args:
        s += arg + s["a"]
    return args, kwargs


@TABLE("starred arguments in calls of the language")
@sgl.function
def starred_calls(s, q):
    names = ["a"]
    options = {"max_tokens": 5, "stop": ["x"]}
    s += q + sgl.gen(*names, **options)  # here
    s += sgl.user(*[s["a"]])


@TABLE("a default that is shared between runs", "python")
@sgl.function
def shared_default(s, q, seen=[]):
    s += q + sgl.gen("a")
    seen.append(len(seen))  # here
    s += f"{seen[0]}" + s["a"]
    seen.clear()


class Holder:
    prefix = "held "

    @TABLE("a program as a method, reached through the class")
    @sgl.function
    def method(s, q):
        s += Holder.prefix + q + sgl.gen("a")  # here
        return s["a"]

    @TABLE("private names of a class", "lifted")
    @sgl.function
    def private(s, q):
        __hidden = q
        s += __hidden + sgl.gen("a")  # here
        s += s["a"] + __hidden


class Static:
    @TABLE("`@staticmethod` above `@sgl.function`")
    @sgl.function
    def held(s, q):
        s += q + sgl.gen("a")  # here
        s += s["a"]

    held = staticmethod(held)


class Kinds:
    words = ("x", "y")

    @classmethod
    def make(cls):
        @sgl.function
        def made(s, q):
            for word in cls.words:  # here
                s += word + q + sgl.gen("a")
            s += s["a"]

        return made

    def bound(self):
        @sgl.function
        def with_self(s, q):
            s += self.words[0] + q + sgl.gen("a")  # here
            return s["a"], type(self).__name__, __class__.__name__

        return with_self


TABLE("a program made by a classmethod")(Kinds.make())
TABLE("a program over `self` and `__class__`")(Kinds().bound())


@TABLE("a decorator with arguments above `@sgl.function`")
@registered("marked")
@sgl.function
def decorated_above(s, q):
    s += q + sgl.gen("a")  # here
    s += s["a"] + decorated_above.word


@TABLE("a decorator below `@sgl.function`: what it wraps", "python")
@sgl.function
@announce("below")
def decorated_below(s, q):
    s += q + sgl.gen("a")  # here
    s += s["a"]


@TABLE("a parameter or local with the name of the language or of a builtin", "lifted", ("x",))
@sgl.function
def shadows(s, q, sgl_text):
    range = lambda n: ["own", "range"]
    s += q + sgl_text + sgl.gen("a")
    for word in range(5):  # here
        s += word + s["a"]


@TABLE("a program that rebinds its own state")
@sgl.function
def rebinds(s, q):
    s += q + sgl.gen("a")
    outer = s
    s = s.fork(2)[1]  # here
    s += "branch" + outer["a"] + sgl.gen("b")
    return s["b"], s is outer
