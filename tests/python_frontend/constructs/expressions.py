# ruff: noqa
"""Expressions over prompts and values."""

import operator

import sglc as sgl
from tests.python_frontend.constructs.construct import Table

TABLE = Table("Expressions", [])


class Formatted:
    def __format__(self, spec):
        print("format", spec)
        return f"<{spec}>"

    def __radd__(self, other):
        return other + "radd"


def upper(text):
    print("upper")
    return text.upper()


@TABLE("text, reads and generations in one append")
@sgl.function
def sums(s, q):
    s += q + sgl.gen("a")
    s += "x" + s["a"] + "y" + sgl.gen("b") + "z"  # here
    return s["b"]


@TABLE("f-strings with reads")
@sgl.function
def format_reads(s, q):
    s += q + sgl.gen("a")
    s += f"{s['a']} and {q} {3}" + sgl.gen("b")  # here
    s += f"{s['a']}{s['b']}"


@TABLE("f-strings with conversions and nested format specifications", "lifted", (12,))
@sgl.function
def format_specs(s, q, width):
    s += q + sgl.gen("a")
    s += f"{s['a']!r:>{width}} {len(s['a']):0{width // 4}d} {q=} {'{'}"  # here
    s += f"{Formatted():{width}x{s['a'][:1]}}"


@TABLE("`str.format`, `%`, methods of what was read")
@sgl.function
def methods(s, q):
    s += q + sgl.gen("a")
    s += "{} %s {}".format(s["a"], q) % upper(s["a"]) + s["a"].title()[:5]  # here
    return s["a"].split()


@TABLE("a call of the user's own in the middle of a text")
@sgl.function
def own_calls(s, q):
    s += q + sgl.gen("a")
    s += "x" + upper(s["a"]) + sgl.gen("b") + upper("y")  # here
    s += "z" + Formatted()


@TABLE("an exception in the middle of a text appends nothing")
@sgl.function
def half_evaluated(s, q):
    s += q + sgl.gen("a")
    try:
        s += "never" + s["a"] + sgl.gen("b") + upper(None)  # here
    except AttributeError:
        s += "nothing"
    return "b" in s


@TABLE("list comprehension over forks", "python")
@sgl.function
def comprehension(s, q):
    forks = s.fork(3)
    for i, f in enumerate(forks):
        f += f"{q}{i}" + sgl.gen("a")
    found = [f["a"] for f in forks if f["a"] > "b"]  # here
    s += " | ".join(found)
    return len(found)


@TABLE("set, dict and nested comprehensions", "python")
@sgl.function
def comprehensions(s, q):
    forks = s.fork(2)
    forks += sgl.gen("a") + q
    table = {i: {c for c in f["a"] if c in "abc"} for i, f in enumerate(forks)}  # here
    pairs = [(i, c) for i, f in enumerate(forks) for c in sorted(table[i])]
    s += f"{pairs}"


@TABLE("generator expressions, evaluated late", "python")
@sgl.function
def generator_expression(s, q):
    s += q + sgl.gen("a")
    later = (print("taking", c) or c for c in s["a"][:2])  # here
    s += "before" + sgl.gen("b")
    s += "".join(later)
    return any(c == "a" for c in s["b"])


@TABLE("`sorted`, `max`, `map` with lambdas over states", "python")
@sgl.function
def key_functions(s, q):
    forks = s.fork(3)
    for i, f in enumerate(forks):
        f += f"{q}{i}" + sgl.gen("a")
    best = max(forks, key=lambda f: f["a"])  # here
    ordered = sorted(forks, key=lambda f: len(f["a"]))
    best += "best" + sgl.gen("b")
    s += best["b"] + "".join(map(lambda f: f["a"][:1], ordered))


@TABLE("comprehension that appends", "python")
@sgl.function
def appending_comprehension(s, q):
    forks = s.fork(2)
    [f.__iadd__(q + sgl.gen("a")) for f in forks]  # here
    s += forks[0]["a"]


@TABLE("lambda that appends and reads later", "python")
@sgl.function
def lambdas(s, q):
    ask = lambda word: s.__iadd__(word + sgl.gen(word))  # here
    ask(q)
    ask("y")
    s += s["y"]


@TABLE("slices, negative and computed indices of values")
@sgl.function
def slices(s, q):
    s += q + sgl.gen("a", n=2)
    s += s["a"][-1] + s["a"][0][1:5:2] + s["a"][len(q) % 2]  # here
    return s["a"][::-1]


@TABLE("a variable whose name is computed", "lifted", ("x",))
@sgl.function
def computed_names(s, q, name):
    s += q + sgl.gen(f"{name}_1") + sgl.gen("y" + name)
    s += s[f"{name}_1"] + s["y" + name]  # here
    return s[{"k": f"{name}_1"}["k"]]


@TABLE("parameters of `gen` computed by Python")
@sgl.function
def computed_parameters(s, q):
    s += q + sgl.gen("n", dtype=int)
    limit = 2 + int(s["n"]) % 3
    s += sgl.gen("a", max_tokens=limit, stop=[q, upper("x")], temperature=limit / 10)  # here
    s += sgl.select("b", [s["a"], "other"])
    return s["b"] == "other"


@TABLE("`gen` with choices known only at run time", "lifted", (["u", "v"],), ([],))
@sgl.function
def computed_choices(s, q, choices):
    s += q + sgl.gen("a", choices=choices)  # here
    s += s["a"]


@TABLE("expressions kept in variables and appended later")
@sgl.function
def kept_expressions(s, q):
    ask = sgl.gen("a") + "!"
    both = sgl.user(q) + sgl.assistant(ask)
    s += both  # here
    s += both
    s += s["a"]


@TABLE("a list of expressions appended in a loop")
@sgl.function
def listed_expressions(s, q):
    for expression in [sgl.user(q), sgl.assistant(sgl.gen("a")), "end"]:
        s += expression  # here
    return s["a"]


@TABLE("what cannot be appended", "lifted", (3,), (["x"],), (b"x",))
@sgl.function
def not_appendable(s, q, value):
    s += q + sgl.gen("a")
    s += value  # here
    return s["a"]


@TABLE("`None` appended")
@sgl.function
def none_appended(s, q):
    s += q + sgl.gen("a")
    s += print("gives None")  # here
    return s["a"]


@TABLE("an expression inside an f-string is refused")
@sgl.function
def generation_in_text(s, q):
    s += f"{q}{sgl.gen('a')}"  # here


@TABLE("operators module, `is`, `in`, membership of a variable")
@sgl.function
def operators(s, q):
    s += q + sgl.gen("a")
    if "a" in s and operator.contains(s["a"], "a") and s is not None:  # here
        s += "has a"
    return "b" in s, s["a"] in [s["a"]]


@TABLE("messages, text and meta information")
@sgl.function
def observations(s, q):
    s += sgl.user(q) + sgl.assistant(sgl.gen("a"))
    roles = [m["role"] for m in s.messages()]
    s += f"{len(s.text())} {s.get_meta_info('a')['completion_tokens']} {roles}"  # here
    print(s.error(), repr(s)[:20])
    s.sync()
