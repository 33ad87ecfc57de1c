"""
One mistake gives one diagnostic, several independent mistakes give several.

A case is a script and all that is found in it: code, line, column and message.
"""

from __future__ import annotations

import pytest

from sglc.frontends.script import check_script

Found = tuple[str, int, int, str]
HELPERS = """\
extern def calc(expr: str) -> float from "tools:calc"
schema Person:
    name: str
    age: int?
fragment intro(topic: str):
    user "Hello ${topic}"
def ask(q: str, n: int = 1) -> str:
    "${q}"
    answer = gen()
    return answer
def f(x: str, n: int, xs: list[str]):
"""
FIRST = HELPERS.count("\n")


def case(*lines: str, found: list[Found]) -> tuple[tuple[str, ...], list[Found]]:
    return lines, found


CASES = [
    # one mistake, which others could follow from
    case("y = z + 1", "y = y + 1", "'${y}'", found=[("SGL0202", 1, 5, "undefined name `z`")]),
    case("'${z} ${z} ${z}'", found=[("SGL0202", 1, 4, "undefined name `z`")]),
    case("y = ask(z + 1)", "'${y}'", found=[("SGL0202", 1, 9, "undefined name `z`")]),
    case("y = sak(x)", "'${y.a}'", found=[("SGL0201", 1, 5, "unknown function `sak`")]),
    case("y = x + n", "z = y + n", "'${z.a}'",
         found=[("SGL0226", 1, 5, "`+` does not work on str and int")]),
    case("x + n", found=[("SGL0226", 1, 1, "`+` does not work on str and int")]),
    case("for a in n:", "    '${a.b}'",
         found=[("SGL0226", 1, 10, "a loop needs a list, not int")]),
    case("y = gen(json=Persn)", "'${y.name}'",
         found=[("SGL0208", 1, 14, "`json` takes the name of a schema")]),
    case("y = gen(json=Person)", "z = y.nme + 1",
         found=[("SGL0228", 2, 5, "there is no field `nme`")]),
    case("y = ask(n, n, n)", found=[("SGL0204", 1, 15, "`ask` takes 2 arguments, 3 are given")]),
    case("y = ask(q=x, m=n)", found=[("SGL0205", 1, 14, "`ask` has no parameter `m`")]),
    case("y = ask(question=x)", found=[("SGL0205", 1, 9, "`ask` has no parameter `question`")]),
    case("y = len(n).upper()", found=[
        ("SGL0226", 1, 9, "`len` needs a list, a dict or a string, not int")]),
    case("y = n.upper().lower()", found=[("SGL0224", 1, 5, "int has no method `upper`")]),
    case("y = gen(regex='[a')", found=[
        ("SGL0207", 1, 15, "not a regular expression: unterminated character set at character 1")]),
    case("y = gen(regex='a{99999}')", found=[
        ("SGL0232", 1, 15, "the pattern stands for 99999 characters; 50000 are allowed")]),
    case("y = gen(regex=r'\\bno')", found=[
        ("SGL0207", 1, 15, "cannot constrain a generation: lookarounds not supported yet "
         "at line 1, column 8")]),
    case("y = gen(json_schema='{\"not\": {}}')", found=[
        ("SGL0208", 1, 21,
         '`json_schema` cannot constrain a generation: `not` at #/not')]),
    case("y = gen(max_token=1)", found=[("SGL0206", 1, 9, "`gen` has no parameter `max_token`")]),
    case("y = gen(max_tokens=x)",
         found=[("SGL0206", 1, 20, "`max_tokens` is str, not an integer")]),
    case("y = gen() + 'a'", "'${y}'", found=[("SGL0214", 1, 5, "`gen` inside an expression")]),
    case("'${y}'", "y = gen()", "return y",
         found=[("SGL0227", 1, 4, "`y` is read before it is set")]),
    case("user:", "    assistant 'a'",
         found=[("SGL0209", 2, 5, "role `assistant` inside role `user`")]),
    case("user:", "    intro(x)", found=[
        ("SGL0209", 2, 5, "fragment `intro` opens a role inside role `user`")]),
    case("user:", "    intro(n)", found=[
        ("SGL0209", 2, 5, "fragment `intro` opens a role inside role `user`"),
        ("SGL0226", 2, 11, "`intro` takes text as `topic`, not int")]),
    case("y = [ask(a) for a in xs]", found=[
        ("SGL0223", 1, 6, "`ask` is called inside a list comprehension")]),
    case("break", found=[("SGL0213", 1, 1, "`break` outside of a loop")]),
    case("fork a in xs:", "    return a",
         found=[("SGL0211", 2, 5, "`return` cannot leave a fork branch")]),
    case("fork a in xs:", "    n = 1", found=[
        ("SGL0212", 2, 5, "a branch cannot assign `n` of the function")]),
    case("return x", "'a'", "'b'", "'c'", found=[("SGL0225", 2, 1, "this is never reached")]),
    case("while true:", "    pass", "y = z", found=[("SGL0225", 3, 1, "this is never reached")]),
    case("try:", "    'a'", "except value_eror:", "    'b'", found=[
        ("SGL0219", 3, 8, "unknown kind of error `value_eror`")]),
    case("raise 'a'", found=[("SGL0240", 1, 7, "`raise` needs an error")]),
    case("raise", found=[
        ("SGL0240", 1, 1, "`raise` without an error outside of `except`")]),
    case("if x:", "    def g():", "        return 1", "    y = 1", found=[
        ("SGL0241", 2, 9, "`g` is defined inside a block")]),
    case("y = gen()", "y = gen()", "return y", found=[
        ("SGL0230", 2, 1, "`y` is generated and set again before it is read")]),
    case("fork 3 as t:", "    y = gen(temperature=0)", found=[
        ("SGL0231", 1, 1, "the branches of this fork never differ")]),
    case("y = select(['a', 'b'])", "if y == 'c':", "    pass", found=[
        ("SGL0229", 2, 4, 'this is always false: the text is never "c"')]),
    case("if x:", "    y = 1", "'${y}${y}'", found=[("SGL0203", 3, 4, "`y` may be unset here")]),
    case("calc(n)", found=[("SGL0226", 1, 6, "`calc` takes text as `expr`, not int")]),
    case("y = calc(x)", "z = y.upper()",
         found=[("SGL0224", 2, 5, "int or float has no method `upper`")]),
    case("xs[0] = 'a'", found=[("SGL0113", 1, 1, "cannot assign to this")]),
    case("y = ask", found=[("SGL0202", 1, 5, "`ask` is a function, not a value")]),
    case("y = xs.append(x)", found=[("SGL0224", 1, 5, "no value has a method `append`")]),
    case("usr 'a'", found=[("SGL0110", 1, 1, "unknown role `usr`")]),
    case("y = (1", "z = 2", found=[("SGL0106", 1, 5, "`(` is never closed")]),
    case("'${x'", found=[("SGL0111", 1, 2, "`${` is never closed")]),
    case("'a\\qb'", found=[("SGL0109", 1, 3, "unknown escape `\\q`")]),
    case("gen = 1", found=[("SGL0108", 1, 1, "`gen` is a reserved word")]),
    # several independent mistakes
    case("y = z", "w = v", found=[
        ("SGL0202", 1, 5, "undefined name `z`"), ("SGL0202", 2, 5, "undefined name `v`")]),
    case("y = 'a' + 1", "z = 'b' + 2", found=[
        ("SGL0226", 1, 5, "`+` does not work on str and int"),
        ("SGL0226", 2, 5, "`+` does not work on str and int")]),
    case("y = ('a' + 1) + ('b' + 2)", found=[
        ("SGL0226", 1, 6, "`+` does not work on str and int"),
        ("SGL0226", 1, 18, "`+` does not work on str and int")]),
    case("y = sak(z)", found=[
        ("SGL0201", 1, 5, "unknown function `sak`"), ("SGL0202", 1, 9, "undefined name `z`")]),
    case("y = gen(max_token=1, regex='[')", found=[
        ("SGL0206", 1, 9, "`gen` has no parameter `max_token`"),
        ("SGL0207", 1, 28,
         "not a regular expression: unterminated character set at character 1")]),
    case("y = ask(n, x)", found=[
        ("SGL0226", 1, 9, "`ask` takes text as `q`, not int"),
        ("SGL0226", 1, 12, "`ask` takes an integer as `n`, not str")]),
    case("break", "continue", found=[
        ("SGL0213", 1, 1, "`break` outside of a loop"),
        ("SGL0213", 2, 1, "`continue` outside of a loop")]),
    case("if x:", "    break", "else:", "    y = z", found=[
        ("SGL0213", 2, 5, "`break` outside of a loop"), ("SGL0202", 4, 9, "undefined name `z`")]),
    case("for a in n:", "    y = z", found=[
        ("SGL0226", 1, 10, "a loop needs a list, not int"),
        ("SGL0202", 2, 9, "undefined name `z`")]),
    case("user:", "    y = n.a", "    system 'b'", found=[
        ("SGL0226", 2, 9, "int has no field `a`"),
        ("SGL0209", 3, 5, "role `system` inside role `user`")]),
    case("fork a in xs:", "    n = z", "    return a", found=[
        ("SGL0212", 2, 5, "a branch cannot assign `n` of the function"),
        ("SGL0202", 2, 9, "undefined name `z`"),
        ("SGL0211", 3, 5, "`return` cannot leave a fork branch")]),
]  # fmt: skip


DEFINITIONS: list[tuple[str, list[Found]]] = [
    ("def f():\n    'a'\ndef f():\n    'b'\n", [("SGL0210", 3, 5, "`f` is defined twice")]),
    ("def f(a, a):\n    '${a}'\n", [("SGL0210", 1, 10, "two parameters are called `a`")]),
    ("schema S:\n    a: int\n    a: str\n", [("SGL0210", 3, 5, "two fields are called `a`")]),
    ("use n=1\nuse n=2\n", [("SGL0210", 2, 5, "`n` is set twice in this file")]),
    ("use temprature=1\n", [("SGL0206", 1, 5, "`use` has no parameter `temprature`")]),
    ("use stop=len('a')\n", [("SGL0206", 1, 10, "`use` takes constants only")]),
    ("use regex='['\n", [("SGL0206", 1, 5, "`use` has no parameter `regex`")]),
    ("use top_p=2\n", [("SGL0206", 1, 11, "`top_p` is 2; it must lie between 0 and 1")]),
    ("def f(a: strng):\n    '${a.b}'\n", [("SGL0208", 1, 10, "unknown type `strng`")]),
    ("def f(a: list[int, str]):\n    '${a}'\n",
     [("SGL0208", 1, 10, "`list` takes 1 type in brackets, not 2")]),
    ("def f(a: dict[int, str]):\n    '${a}'\n",
     [("SGL0208", 1, 15, "keys of a dict are strings")]),
    ("schema S:\n    next: S\ndef f():\n    x = gen(json=S)\n    return x.nxt\n",
     [("SGL0208", 2, 5, "`S` contains itself without end")]),
    ("schema S:\n    a: Tt\ndef f():\n    x = gen(json=S)\n    return x.b\n",
     [("SGL0208", 2, 8, "unknown type `Tt`")]),
    ("def f(a=1, b):\n    '${a}${b}'\n",
     [("SGL0218", 1, 12, "`b` has no default but follows `a`, which has one")]),
    ("def f(a: int = 'x'):\n    '${a + 1}'\n",
     [("SGL0218", 1, 16, 'the default is text, "x", not an integer')]),
    ("def f(a=len('x')):\n    '${a}'\n", [("SGL0218", 1, 9, "a default value is a constant")]),
    ("extern def f() from 'tools'\n",
     [("SGL0217", 1, 21, '`tools` is not of the form "module:function"')]),
    ("import 'a.sgl' as a\ndef f():\n    a.b()\n",
     [("SGL0216", 1, 8, "a script without a file cannot import others")]),
    ("def f() -> str:\n    return 1\n", [("SGL0226", 2, 12, "`f` returns text, not int")]),
    ("def f() -> Persn:\n    return 1\n", [("SGL0208", 1, 12, "unknown type `Persn`")]),
    ("def f(x):\n    '${a}'\n\ndef g(y: strng):\n    gen(max_token=1)\n    return h(y)\n",
     [("SGL0202", 2, 8, "undefined name `a`"), ("SGL0208", 4, 10, "unknown type `strng`"),
      ("SGL0206", 5, 9, "`gen` has no parameter `max_token`"),
      ("SGL0201", 6, 12, "unknown function `h`")]),
    ("def main(t: str, o: list[str]):\n    def ask():\n        '${t}'\n    fork t in o:\n"
     "        ask()\n",
     [("SGL0242", 5, 9, "`ask` reads an outer `t`, which is hidden here")]),
]  # fmt: skip


@pytest.mark.parametrize(("text", "found"), DEFINITIONS, ids=lambda value: str(value)[:40])
def test_a_mistake_in_definitions(text: str, found: list[Found]) -> None:
    assert found_in(text) == found


def test_there_are_many_cases() -> None:
    assert len(CASES) + len(DEFINITIONS) >= 80


@pytest.mark.parametrize(("lines", "found"), CASES, ids=lambda value: str(value[0])[:40])
def test_a_mistake_gets_its_diagnostic_and_no_other(
    lines: tuple[str, ...], found: list[Found]
) -> None:
    text = HELPERS + "".join(f"    {line}\n" for line in lines)
    assert found_in(text) == [
        (code, FIRST + line, column + 4, message) for code, line, column, message in found
    ]


def found_in(text: str) -> list[Found]:
    """Everything that is found in a script."""
    return [
        (d.code, d.span.line if d.span else 0, d.span.column if d.span else 0, d.message)
        for d in check_script(text, file="x.sgl")
    ]
