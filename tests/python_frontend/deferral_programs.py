"""Programs whose reads may be deferred, with something that could tell."""

import contextlib

import sglc as sgl

KEPT = []
PREFIX = "Base."


def note(s, what):
    s += what
    return what


class Loud:
    def __format__(self, spec):
        KEPT.append("formatted")
        return "loud"


@sgl.function
def tips(s, n):
    s += "Tips.\n"
    forks = s.fork(n)
    for i, f in enumerate(forks):
        f += f"Expand {i + 1}:" + sgl.gen("tip", max_tokens=8)
    for i in range(n):
        s += "Tip:" + forks[i]["tip"] + "\n"
    s += "Summary" + sgl.gen("summary")


@sgl.function
def tips_then_host(s, n):
    forks = s.fork(n)
    for f in forks:
        f += "Expand:" + sgl.gen("tip")
    for i in range(n):
        s += "Tip:" + forks[i]["tip"] + "\n"
    s += "Summary" + sgl.gen("summary")
    print("host")


@sgl.function
def fails_before_host(s):
    forks = s.fork(2)
    KEPT.append(forks)
    forks[0] += "BOOM" + sgl.gen("a")
    s += "x" + forks[0]["a"]
    forks[1] += "y" + sgl.gen("z")
    s["after"] = 1
    print("never")


@sgl.function
def fails_then_branches(s):
    forks = s.fork(2)
    KEPT.append(forks)
    forks[0] += "BOOM" + sgl.gen("a")
    s += (
        "x"
        + forks[0]["a"]
    )
    for f in forks:
        f += "y" + sgl.gen("z")
    more = forks[1].fork(2)
    s += "end"
    return more


@sgl.function
def fails_inside_try(s):
    s += "BOOM" + sgl.gen("a")
    try:
        s += "x" + s["a"]
    except RuntimeError as error:
        print("caught", error)
        s["caught"] = "yes"
    return "ended"


@sgl.function
def other_exception_after_failure(s):
    f = s.fork(1)[0]
    f += "BOOM" + sgl.gen("a")
    s += "x" + f["a"]
    return s["nothing"]


@sgl.function
def formats_host_values(s):
    s += "q" + sgl.gen("a")
    s += f"{s['a']} {Loud()}"
    return s["a"]


@sgl.function
def many_samples(s):
    s += "q" + sgl.gen("a", n=2)
    s += "x" + s["a"]


@sgl.function
def rebinds_state(s, other):
    s += "q" + sgl.gen("a")
    s = other
    s += "x"
    return s


@sgl.function
def recursive(s, n):
    s += f"level {n} " + sgl.gen("a")
    if n:
        s += recursive.run(n - 1)["a"]
    s += "back " + s["a"]
    print(n)


@sgl.function
def uses_helper(s):
    s += "q" + sgl.gen("a")
    s += "then " + s["a"]
    note(s, "noted")
    s += sgl.gen("b")


@sgl.function
def roles(s, question):
    s += sgl.system(PREFIX)
    s += sgl.user(question)
    s += sgl.assistant(sgl.gen("first"))
    s += sgl.user("Shorter than: " + s["first"])
    s += sgl.assistant(sgl.gen("second"))


@sgl.function
def with_context(s):
    s += "q" + sgl.gen("a")
    with contextlib.suppress(RuntimeError):
        s += "BOOM" + s["a"] + sgl.gen("b")
        s += "x" + s["b"]
    s += "z"


@sgl.function
def branches_on_value(s):
    s += "Use " + sgl.select("tool", choices=["calculator", "browser"])
    if s["tool"] == "calculator":
        s += " expression" + sgl.gen("expression")
    else:
        s += " address" + sgl.gen("address")


def generator(s):
    s += "x"
    yield s


def looks_at_locals(s):
    x = 1
    return x, locals()


async def coroutine(s):
    s += "x"


def make_closure_program():
    asked = []

    @sgl.function
    def inner(s, q):
        asked.append(q)
        s += q + sgl.gen("a")
        s += "again " + s["a"] + sgl.gen("b")
        print(asked)

    return inner, asked


class Holder:
    __secret = "mangled"

    @sgl.function
    def method(s, self):
        s += "q" + sgl.gen("a")
        s += self.__secret + s["a"]
        print("end")
