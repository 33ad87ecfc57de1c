"""Static checks of types: what can never work is an error, what may work is not."""

from __future__ import annotations

import pytest

from sglc.frontends.script import check_script
from tests.script.check import body, check_body_error

HELPERS = (
    "extern def calc(expr: str, base: int = 10) -> float from 'tools:calc'\n"
    "extern def anything(x) from 'tools:anything'\n"
    "schema P:\n    name: str\n    age: int?\n    tags: list[str] = []\n    friend: P?\n"
    "def ask(q: str, n: int = 1) -> str:\n    '${q}${n}'\n    return q\n"
    "def mood(m: 'happy' | 'sad'):\n    '${m}'\n"
    "def meet(p: P, xs: list[int] = []):\n    '${p.name}${xs}'\n"
    "fragment say(x: int):\n    '${x}'\n"
)
HEAD = "def f(s: str, i: int, x: float, b: bool, xs: list[str], d: dict[str, int], p: P, u):\n"


def check(lines: str, code: str, line: int, column: int, message: str) -> None:
    """Check a function's body; its first line is line 1, its first column 1."""
    check_body_error(HELPERS + HEAD, lines, code, line, column, message)


@pytest.mark.parametrize(
    ("lines", "code", "line", "column", "message"),
    [
        # operators
        ("v = 'a' + 1", "SGL0226", 1, 5, "`+` does not work on str and int"),
        ("v = s + i", "SGL0226", 1, 5, "`+` does not work on str and int"),
        ("v = i + s * 2", "SGL0226", 1, 5, "`+` does not work on int and str"),
        ("v = xs + s", "SGL0226", 1, 5, "`+` does not work on list and str"),
        ("v = none + 1", "SGL0226", 1, 5, "`+` does not work on none and int"),
        ("v = s - s", "SGL0226", 1, 5, "`-` does not work on str and str"),
        ("v = s * 1.5", "SGL0226", 1, 5, "`*` does not work on str and float"),
        ("v = d | xs", "SGL0226", 1, 5, "`|` does not work on dict and list"),
        ("v = -s", "SGL0226", 1, 5, "`-` needs a number, not str"),
        ("v = s < 1", "SGL0226", 1, 5, "`<` does not compare str with int"),
        ("v = 1 in i", "SGL0226", 1, 5, "`in` needs a list, not int"),
        ("v = i in s", "SGL0226", 1, 5, "a string contains strings, not int"),
        ("i += 'a'", "SGL0226", 1, 1, "`+` does not work on int and str"),
        # parts
        ("v = i[0]", "SGL0226", 1, 5, "int has no elements"),
        ("v = xs['a']", "SGL0226", 1, 8, "an index is an integer, not str"),
        ("v = d[0]", "SGL0226", 1, 7, "a key is a string, not int"),
        ("v = i[1:]", "SGL0226", 1, 5, "int cannot be sliced"),
        ("v = xs[s:]", "SGL0226", 1, 8, "a slice needs integers, not str"),
        ("v = s.name", "SGL0226", 1, 5, "str has no field `name`"),
        ("v = {i: 1}", "SGL0226", 1, 6, "keys of a dict are strings, not int"),
        ("v = p.nme", "SGL0228", 1, 5, "there is no field `nme`"),
        ("v = p.friend.nme", "SGL0228", 1, 5, "there is no field `nme`"),
        ("v = p['nme']", "SGL0228", 1, 5, "there is no field `nme`"),
        ("v = p.tags[0].name", "SGL0226", 1, 5, "str has no field `name`"),
        ("v = gen(json=P)\nw = v.nme", "SGL0228", 2, 5, "there is no field `nme`"),
        ("v = {'a': 1}\nw = v.b", "SGL0228", 2, 5, "there is no field `b`"),
        ("fork a in xs as t:\n    y = gen()\nv = t[0].z", "SGL0228", 3, 5,
         "there is no field `z`"),
        ("try:\n    v = 1\nexcept gen_error as e:\n    '${e.mesage}'", "SGL0228", 4, 8,
         "there is no field `mesage`"),
        # loops
        ("for a in i:\n    pass", "SGL0226", 1, 10, "a loop needs a list, not int"),
        ("v = [a for a in i]", "SGL0226", 1, 17, "a loop needs a list, not int"),
        ("fork a in i:\n    gen()", "SGL0226", 1, 11, "a loop needs a list, not int"),
        ("fork s:\n    gen()", "SGL0226", 1, 6, "a fork needs a number, not str"),
        ("for a in range(3):\n    '${a.name}'", "SGL0226", 2, 8, "int has no field `name`"),
        ("for a, c in range(3):\n    pass", "SGL0226", 1, 13, "int cannot be unpacked"),
        ("v, w = i", "SGL0226", 1, 8, "int cannot be unpacked"),
        ("v, w = [1, 2, 3]", "SGL0226", 1, 8, "2 names for 3 values"),
        # calls
        ("v = len(3)", "SGL0226", 1, 9, "`len` needs a list, a dict or a string, not int"),
        ("v = int(xs)", "SGL0226", 1, 9, "`int` needs a string or a number, not list"),
        ("v = range(s)", "SGL0226", 1, 11, "`range` needs an integer, not str"),
        ("v = sum(1)", "SGL0226", 1, 9, "`sum` needs a list, a dict or a string, not int"),
        ("v = parse_json(d)", "SGL0226", 1, 16, "`parse_json` needs a string, not dict"),
        ("v = ', '.join(3)", "SGL0226", 1, 15, "`join` needs a list, a dict or a string, not int"),
        ("v = i.upper()", "SGL0224", 1, 5, "int has no method `upper`"),
        ("v = xs.split()", "SGL0224", 1, 5, "list has no method `split`"),
        ("v = s.keys()", "SGL0224", 1, 5, "str has no method `keys`"),
        ("v = ask(3)", "SGL0226", 1, 9, "`ask` takes text as `q`, not int"),
        ("v = ask(s, 'a')", "SGL0226", 1, 12, "`ask` takes an integer as `n`, not str"),
        ("v = ask(s, n=xs)", "SGL0226", 1, 14, "`ask` takes an integer as `n`, not list"),
        ("mood('angry')", "SGL0226", 1, 6, '`mood` takes "happy" or "sad" as `m`, not str'),
        ("meet(s)", "SGL0226", 1, 6, "`meet` takes a `P` as `p`, not str"),
        ("meet(p, 5)", "SGL0226", 1, 9, "`meet` takes a list as `xs`, not int"),
        ("say(s)", "SGL0226", 1, 5, "`say` takes an integer as `x`, not str"),
        ("v = calc(1)", "SGL0226", 1, 10, "`calc` takes text as `expr`, not int"),
        ("v = calc(s)\nw = v.upper()", "SGL0224", 2, 5, "int or float has no method `upper`"),
        ("v = ask(s)\nw = v - 1", "SGL0226", 2, 5, "`-` does not work on none or str and int"),
        ("v = gen(dtype=int)\nw = v + 1", "SGL0226", 2, 5, "`+` does not work on str and int"),
        ("v = gen(n=2)\nw = v.upper()", "SGL0224", 2, 5, "list has no method `upper`"),
        # parameters of gen
        ("gen(max_tokens=s)", "SGL0206", 1, 16, "`max_tokens` is str, not an integer"),
        ("gen(stop=i)", "SGL0206", 1, 10, "`stop` is int, not text or a list"),
        ("gen(temperature=xs)", "SGL0206", 1, 17, "`temperature` is list, not a number"),
        ("gen(regex=i)", "SGL0206", 1, 11, "`regex` is int, not text"),
        ("select(s)", "SGL0206", 1, 8, "`choices` is str, not a list"),
        ("select(xs, method=i)", "SGL0206", 1, 19,
         '`method` is int, not "token_length_normalized" or "greedy_token_selection" or '
         '"unconditional_likelihood_normalized"'),
        # several ways
        ("if b:\n    v = 1\nelse:\n    v = 2.5\nw = v.upper()", "SGL0224", 5, 5,
         "int or float has no method `upper`"),
        ("v = 1 if b else none\nw = v.name", "SGL0226", 2, 5, "none or int has no field `name`"),
    ],
)  # fmt: skip
def test_what_can_never_work(lines: str, code: str, line: int, column: int, message: str) -> None:
    check(lines, code, line, column, message)


@pytest.mark.parametrize(
    "lines",
    [
        "v = u + 1\nw = u.name\nz = u[0] + u['a']",
        "v = 1 if b else 'a'\nw = v + 1",
        "v = none\nif b:\n    v = gen()\nw = v + 'a'",
        "v = 0\nfor a in xs:\n    v = v + 1\n    if v == 'x':\n        break",
        "v = 0\nwhile v != 'stop':\n    v = gen()",
        "v = p.age + 1\nw = p.friend.friend.name.upper()",
        "v = p.get('nme')\nw = d.total + d['x']\nz = p.keys()",
        "v = {'a': 1} | d\nw = v.b",
        "v = {'a': 1} | {'b': 2}\nw = v.b + 1",
        "v = ask(s) + 'a'",
        "v = anything(1)\nw = v.x + v[0] + v.upper()",
        "v = parse_json(s)\nw = v.x + 1",
        "try:\n    v = int(xs)\nexcept value_error:\n    v = 0",
        "try:\n    v = len(3) + s\nexcept:\n    v = 1",
        "v = [1, 'a', none]\nw = v[0] + 1\nz = v[1] + 'a'",
        "for k in d:\n    '${k.upper()}'\nfor k, v in d.items():\n    '${k + v}'",
        "for n, a in enumerate(xs, 1):\n    '${n + 1}${a.upper()}'",
        "v = xs * 2 + ['a'] * i\nw = '-' * 20 + str(i)",
        "v = i / 2 + x * b - true",
        "v = sorted(xs)[0].upper() + max(xs) + min(s, 'a')",
        "v = [len(a) for a in xs if a]\nw = sum(v) + v[0]",
        "v = gen(n=2)\nw = v[0].upper()",
        "v = gen(n=i)\nw = v.upper() if i == 1 else v[0].upper()",
        "mood('happy')\nmood(s)\nmood('sad' if b else s)",
        "meet({'name': 'a'}, range(3))\nmeet(p)",
        "say(x)\nsay(b)",
        "gen(max_tokens=i, stop=xs, temperature=x if b else none)\ngen(stop=s, top_k=x)",
        "fork a in xs as t:\n    if b:\n        y = gen()\nv = t[0].y + t[-1].a",
        "fork 3 as t:\n    y = gen()\nfor a in t:\n    '${a.y.strip()}'",
        "v = s[0].upper() + s[1:][::-1]\nw = xs[1:][0].upper()",
        "v = s in xs and 'a' in d and i in [1] and 1 in range(3)",
    ],
)
def test_what_may_work(lines: str) -> None:
    text = HELPERS + HEAD + body(lines)
    assert [d.message for d in check_script(text)] == []


@pytest.mark.parametrize(
    ("lines", "line", "column", "message"),
    [
        ("v = gen(dtype=int)\nif v == 5:\n    pass", 2, 4, "`==` of str and int is always false"),
        ("v = s != i", 1, 5, "`!=` of str and int is always true"),
        ("v = xs == s", 1, 5, "`==` of list and str is always false"),
        ("v = select(['a', 'b'])\nif v == 'c':\n    pass", 2, 4,
         'this is always false: the text is never "c"'),
        ("v = select(['yes', 'no']) \nwhile 'Yes' == v:\n    break", 2, 7,
         'this is always false: the text is never "Yes"'),
    ],
)  # fmt: skip
def test_comparisons_with_one_outcome_are_warnings(
    lines: str, line: int, column: int, message: str
) -> None:
    check(lines, "SGL0229", line, column, message)


@pytest.mark.parametrize(
    "lines",
    [
        "v = s == none or i != none or p == none",
        "v = select(['a', 'b'])\nw = v == 'a' or v == s",
        "v = 1 == 1.0 or true == 1 or xs == range(3)",
        "v = 'start'\nfor a in xs:\n    if v == 'stop':\n        break\n    v = a",
        "v = 'a' if b else 'c'\nw = v == 'c'",
    ],
)
def test_comparisons_that_may_hold(lines: str) -> None:
    text = HELPERS + HEAD + body(lines)
    assert [d.message for d in check_script(text)] == []


@pytest.mark.parametrize(
    ("body", "message"),
    [
        ("    return 5\n", "`g` returns text, not int"),
        ("    if true:\n        return [1]\n    return 'a'\n", "`g` returns text, not list"),
    ],
)
def test_results_fit_the_annotation(body: str, message: str) -> None:
    (only,) = check_script(f"def g() -> str:\n{body}")
    assert (only.code, only.message) == ("SGL0226", message)


def test_a_function_may_always_return_none() -> None:
    text = "def g(q: str) -> str:\n    if q:\n        return none\n    return gen()\n"
    assert list(check_script(text)) == []


@pytest.mark.parametrize(
    ("lines", "helps"),
    [
        ("v = 'a' + 1", ('to put values into text, write "${x}"',)),
        ("for a in i:\n    pass", ("to count, loop over `range(n)`",)),
        ("v = p.nme", ("did you mean `name`?",)),
        ("v = p.xyz", ("there is `name`, `age`, `tags`, `friend`",)),
        ("v = s.upper", ("it is a method: `upper(...)`",)),
        ("v = gen(dtype=int)\nw = v < 5", ("convert text with `int(...)` or `float(...)`",)),
        ("v = select(['calculator', 'search'])\nw = v == 'calculater'",
         ("did you mean `calculator`?",)),
        ("v = select(['a', 'b'])\nw = v == 'zzz'", ('it can be "a", "b"',)),
    ],
)  # fmt: skip
def test_helps(lines: str, helps: tuple[str, ...]) -> None:
    text = HELPERS + HEAD + body(lines)
    assert [d.helps for d in check_script(text)] == [helps]
