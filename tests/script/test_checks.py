"""Static checks: names, calls, loops, forks, roles, parameters, schemas, imports."""

from __future__ import annotations

from pathlib import Path

import pytest

from sglc.frontends.script import check_script
from tests.script.check import body, check_body_error, found, place

HELPERS = (
    "extern def calc(expr: str, base: int = 10) -> str from 'tools:calc'\n"
    "schema P:\n    name: str\n"
    "fragment intro(topic):\n    user 'Hello ${topic}'\n"
    "fragment plain(topic):\n    'Hello ${topic}'\n"
    "fragment outer(topic):\n    intro(topic)\n"
    "def ask(q: str, n: int = 1):\n    '${q}'\n    return q\n"
)


def check(lines: str, code: str, line: int, column: int, message: str) -> None:
    """Check a function's body; its first line is line 1, its first column 1."""
    check_body_error(HELPERS + "def f(x, xs):\n", lines, code, line, column, message)


@pytest.mark.parametrize(
    ("lines", "code", "line", "column", "message"),
    [
        # names
        ("'${y}'", "SGL0202", 1, 4, "undefined name `y`"),
        ("y = z + 1", "SGL0202", 1, 5, "undefined name `z`"),
        ("y = ask", "SGL0202", 1, 5, "`ask` is a function, not a value"),
        ("y = len", "SGL0202", 1, 5, "`len` is a function, not a value"),
        ("y = P", "SGL0202", 1, 5, "`P` is a schema, not a value"),
        ("y = gen", "SGL0202", 1, 5, "`gen` is not called"),
        ("y = [a for a in xs] + [a]", "SGL0202", 1, 24, "undefined name `a`"),
        ("if x:\n    y = 1\n'${y}'", "SGL0203", 3, 4, "`y` may be unset here"),
        ("for i in xs:\n    y = 1\n'${y}'", "SGL0203", 3, 4, "`y` may be unset here"),
        ("for i in xs:\n    pass\n'${i}'", "SGL0203", 3, 4, "`i` may be unset here"),
        ("while x:\n    y = 1\n    break\nreturn y", "SGL0203", 4, 8, "`y` may be unset here"),
        ("for i in xs:\n    '${y}'\n    y = 1", "SGL0203", 2, 8, "`y` may be unset here"),
        ("try:\n    y = 1\nexcept:\n    '${y}'", "SGL0203", 4, 8, "`y` may be unset here"),
        ("fork i in xs as t:\n    y = gen()\n'${y}'", "SGL0202", 3, 4, "undefined name `y`"),
        ("fork i in xs as t:\n    y = t", "SGL0202", 2, 9, "undefined name `t`"),
        # calls
        ("anser(x)", "SGL0201", 1, 1, "unknown function `anser`"),
        ("y = lenn(xs)", "SGL0201", 1, 5, "unknown function `lenn`"),
        ("y = xs[0](1)", "SGL0201", 1, 5, "only functions can be called"),
        ("ask()", "SGL0204", 1, 1, "`ask` needs `q`"),
        ("ask(x, 1, 2)", "SGL0204", 1, 11, "`ask` takes 2 arguments, 3 are given"),
        ("ask(x, q=x)", "SGL0204", 1, 8, "`q` is given twice"),
        ("ask(q=x, q=x)", "SGL0210", 1, 10, "`q` is given twice"),
        ("ask(x, m=1)", "SGL0205", 1, 8, "`ask` has no parameter `m`"),
        ("calc()", "SGL0204", 1, 1, "`calc` needs `expr`"),
        ("y = len()", "SGL0204", 1, 5, "`len`: missing a required argument: `value`"),
        ("y = len(xs, 2)", "SGL0204", 1, 5, "`len`: too many positional arguments"),
        ("y = sorted(xs, revers=true)", "SGL0205", 1, 5,
         "`sorted`: got an unexpected keyword argument `revers`"),
        ("y = x.strp()", "SGL0224", 1, 5, "no value has a method `strp`"),
        ("y = xs.append(1)", "SGL0224", 1, 5, "no value has a method `append`"),
        ("y = x.split(1, 2, 3)", "SGL0204", 1, 5, "`split`: too many positional arguments"),
        ("y = [ask(a) for a in xs]", "SGL0223", 1, 6,
         "`ask` is called inside a list comprehension"),
        ("len(xs)", "SGL0215", 1, 1, "this statement does nothing"),
        ("x.strip()", "SGL0215", 1, 1, "this statement does nothing"),
        ("x + 1", "SGL0215", 1, 1, "this statement does nothing"),
        # gen and select
        ("y = gen(max_token=1)", "SGL0206", 1, 9, "`gen` has no parameter `max_token`"),
        ("y = gen(max_tokens='a')", "SGL0206", 1, 20, '`max_tokens` is text, "a", not an integer'),
        ("y = gen(temperature=-1)", "SGL0206", 1, 21,
         "`temperature` is -1; it must lie between 0 and 1000"),
        ("y = gen(5)", "SGL0206", 1, 9, "`gen` takes named parameters only"),
        ("y = gen(regex='a', json=P)", "SGL0206", 1, 20, "`regex` and `json` cannot be combined"),
        ("y = gen(regex='[a')", "SGL0207", 1, 15,
         "not a regular expression: unterminated character set at character 1"),
        ("y = gen(regex='(?=a)b')", "SGL0207", 1, 15, "look-around cannot constrain a generation"),
        ("y = gen(regex=r'(a)\\1')", "SGL0207", 1, 15,
         "a back-reference cannot constrain a generation"),
        ("y = gen(stop_regex=['a', '('])", "SGL0207", 1, 20,
         "not a regular expression: missing ), unterminated subpattern at character 1"),
        ("y = gen(json=Q)", "SGL0208", 1, 14, "`json` takes the name of a schema"),
        ("y = gen(json='{}')", "SGL0208", 1, 14, "`json` takes the name of a schema"),
        ("y = gen(json_schema='{')", "SGL0208", 1, 21,
         "`json_schema` is not JSON: Expecting property name enclosed in double quotes "
         "at character 2"),
        ("y = gen(json_schema='{\"type\": \"text\"}')", "SGL0208", 1, 21,
         '`json_schema` has an unknown type "text" at #'),
        ("y = gen(dtype=string)", "SGL0202", 1, 15, "undefined name `string`"),
        ("y = gen(n=1, n=2)", "SGL0210", 1, 14, "`n` is given twice"),
        ("y = select()", "SGL0206", 1, 5, "`select` needs choices"),
        ("y = select([])", "SGL0206", 1, 12, "the list of choices is empty"),
        ("y = select(['a', 1])", "SGL0206", 1, 12,
         "`choices` is int, 1, not text"),
        ("y = select('a', 'b')", "SGL0206", 1, 17,
         "`select` takes the list of choices, and named parameters"),
        ("y = select(['a'], metod='x')", "SGL0206", 1, 19, "`select` has no parameter `metod`"),
        ("y = gen() + 'a'", "SGL0214", 1, 5, "`gen` inside an expression"),
        ("ask(gen())", "SGL0214", 1, 5, "`gen` inside an expression"),
        ("if select(['a']) == 'a':\n    pass", "SGL0214", 1, 4, "`select` inside an expression"),
        # roles
        ("user:\n    assistant 'a'", "SGL0209", 2, 5, "role `assistant` inside role `user`"),
        ("user:\n    for i in xs:\n        system:\n            'a'", "SGL0209", 3, 9,
         "role `system` inside role `user`"),
        ("user:\n    intro(x)", "SGL0209", 2, 5,
         "fragment `intro` opens a role inside role `user`"),
        ("user:\n    outer(x)", "SGL0209", 2, 5,
         "fragment `outer` opens a role inside role `user`"),
        ("user:\n    fork i in xs:\n        tool 'a'", "SGL0209", 3, 9,
         "role `tool` inside role `user`"),
        # loops and forks
        ("break", "SGL0213", 1, 1, "`break` outside of a loop"),
        ("fork i in xs:\n    continue", "SGL0213", 2, 5, "`continue` outside of a loop"),
        ("for i in xs:\n    fork j in xs:\n        break", "SGL0211", 3, 9,
         "`break` cannot leave a fork branch"),
        ("fork i in xs:\n    return i", "SGL0211", 2, 5, "`return` cannot leave a fork branch"),
        ("fork i in xs:\n    x = i", "SGL0212", 2, 5, "a branch cannot assign `x` of the function"),
        ("y = 1\nfork i in xs:\n    y += i", "SGL0212", 3, 5,
         "a branch cannot assign `y` of the function"),
        ("fork i in xs:\n    y = 1\n    fork j in xs:\n        y = 2", "SGL0212", 4, 9,
         "a branch cannot assign `y` of the function"),
        ("return x\n'a'", "SGL0225", 2, 1, "this is never reached"),
        ("while true:\n    'a'\n'b'", "SGL0225", 3, 1, "this is never reached"),
        # errors
        ("try:\n    'a'\nexcept ValueError:\n    'b'", "SGL0219", 3, 8,
         "unknown kind of error `ValueError`"),
        ("try:\n    'a'\nexcept:\n    'b'\nexcept gen_error:\n    'c'", "SGL0219", 3, 1,
         "`except` without a kind must come last"),
    ],
)  # fmt: skip
def test_mistake_in_a_body(lines: str, code: str, line: int, column: int, message: str) -> None:
    check(lines, code, line, column, message)


@pytest.mark.parametrize(
    ("text", "code", "line", "column", "message"),
    [
        ("def f():\n    'a'\ndef f():\n    'b'\n", "SGL0210", 3, 5, "`f` is defined twice"),
        ("def f(a, a):\n    'a'\n", "SGL0210", 1, 10, "two parameters are called `a`"),
        ("schema S:\n    a: int\n    a: str\n", "SGL0210", 3, 5, "two fields are called `a`"),
        ("use n=1\nuse n=2\n", "SGL0210", 2, 5, "`n` is set twice in this file"),
        ("use temprature=1\n", "SGL0206", 1, 5, "`use` has no parameter `temprature`"),
        ("use stop=len('a')\n", "SGL0206", 1, 10, "`use` takes constants only"),
        ("use max_tokens='a'\n", "SGL0206", 1, 16, '`max_tokens` is text, "a", not an integer'),
        ("def f(a: string):\n    'a'\n", "SGL0208", 1, 10, "unknown type `string`"),
        ("def f(a: list[int, str]):\n    'a'\n", "SGL0208", 1, 10,
         "`list` takes 1 type in brackets, not 2"),
        ("def f(a: dict[int, str]):\n    'a'\n", "SGL0208", 1, 15, "keys of a dict are strings"),
        ("def f() -> Persn:\n    'a'\n", "SGL0208", 1, 12, "unknown type `Persn`"),
        ("schema S:\n    next: S\n", "SGL0208", 2, 5, "`S` contains itself without end"),
        ("schema A:\n    b: B\nschema B:\n    n: int\n    a: A\n", "SGL0208", 2, 5,
         "`A` contains itself without end"),
        ("def f(a: int = 'x'):\n    'a'\n", "SGL0218", 1, 16,
         'the default is text, "x", not an integer'),
        ("def f(a=1, b):\n    'a'\n", "SGL0218", 1, 12,
         "`b` has no default but follows `a`, which has one"),
        ("def f(a=len('x')):\n    'a'\n", "SGL0218", 1, 9, "a default value is a constant"),
        ("extern def f() from 'tools'\n", "SGL0217", 1, 21,
         '`tools` is not of the form "module:function"'),
        ("import 'a.sgl' as a\n", "SGL0216", 1, 8,
         "a script without a file cannot import others"),
    ],
)  # fmt: skip
def test_mistake_in_definitions(text: str, code: str, line: int, column: int, message: str) -> None:
    diagnostics = check_script(text, file="x.sgl")
    assert (*place(diagnostics[0]), diagnostics[0].message) == (code, line, column, message)
    assert len(diagnostics) == (2 if "schema B" in text else 1)


@pytest.mark.parametrize(
    "lines",
    [
        "if x:\n    y = 1\nelse:\n    y = 2\n'${y}'",
        "if x:\n    y = 1\nelse:\n    return none\n'${y}'",
        "while true:\n    y = 1\n    break\n'${y}'",
        "try:\n    y = ask(x)\nexcept gen_error as e:\n    y = e.message\n'${y}'",
        "for i, a in xs:\n    pass",
        "for i in xs:\n    if i:\n        continue\n    y = i\n    '${y}'",
        "fork i in xs as t:\n    y = gen()\nfork i in xs as u:\n    y = gen()\n'${t}${u}'",
        "for x2 in xs:\n    fork x in xs as t:\n        for i in range(2):\n            '${i}${x}'",
        "fork 3 as t:\n    y = gen()\n'${len(t)}'",
        "fork i in xs:\n    for j in xs:\n        if j:\n            break",
        "user:\n    plain(x)\nintro(x)\nouter(x)",
        "y = gen(json=P, max_tokens=len(xs))\n'${y.name}'",
        "y = gen(dtype=int, temperature=x, stop=['a', x])",
        "tool = select(xs, method='greedy_token_selection')",
        "return gen()",
        "y = ask(ask(x)) + calc('1', base=2)",
        "y = x.strip().upper() if x else xs[0]",
        "ask(x)\ncalc(x)",
        "y, z = xs\n'${y}${z}'",
        "y = none\ny += x",
        "len = 3\n'${len}'",
    ],
)
def test_good_bodies(lines: str) -> None:
    text = HELPERS + "def f(x, xs):\n" + body(lines)
    assert [d.message for d in check_script(text)] == []


def test_all_mistakes_of_a_file_are_reported_in_order() -> None:
    text = "def f(x):\n    '${a}'\n    b(x)\n    break\n\ndef g(y: strng):\n    gen(max_token=1)\n"
    assert found(text) == [
        ("SGL0202", 2, 8),
        ("SGL0201", 3, 5),
        ("SGL0213", 4, 5),
        ("SGL0208", 6, 10),
        ("SGL0206", 7, 9),
    ]


def test_a_name_is_reported_once() -> None:
    assert found("def f(x):\n    '${a} ${a}'\n    b = a\n") == [("SGL0202", 2, 8)]


@pytest.mark.parametrize(
    ("line", "help_"),
    [
        ("anser(x)", "did you mean `answer`?"),
        ("'${qestion}'", "did you mean `question`?"),
        ("y = gen(max_new_tokens=1)", "did you mean `max_tokens`?"),
        ("y = gen(json=Persn)", "did you mean `Person`?"),
        ("answer(qustion='a')", "did you mean `question`?"),
        ("answer()", "it is `answer(question, times=...)`"),
        ("y = question.uper()", "did you mean `upper`?"),
        ("y = answer", "call it: `answer(...)`"),
        ("question", 'to append a value, put it in a string: "${...}"'),
    ],
)
def test_suggestions(line: str, help_: str) -> None:
    text = (
        "schema Person:\n    name: str\n"
        "def answer(question, times=1):\n    return question\n"
        f"def f(question):\n    {line}\n"
    )
    assert check_script(text)[0].helps == (help_,)


# ---- imports -------------------------------------------------------------------------------------


def write(folder: Path, **files: str) -> Path:
    for name, text in files.items():
        path = folder / (name.replace("__", "/") + ".sgl")
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")
    return folder / "main.sgl"


def test_imported_functions_are_checked_in_their_file(tmp_path: Path) -> None:
    main = write(
        tmp_path,
        main='import "lib/tools.sgl"\ndef main(x):\n    tools.say(x, 1)\n    tools.sya(x)\n',
        lib__tools="def say(x):\n    '${y}'\n",
    )
    messages = [str(d.span).removeprefix(str(tmp_path) + "/") + " " + d.message
                for d in check_script(main)]  # fmt: skip
    assert messages == [
        "main.sgl:3:18 `say` takes 1 argument, 2 are given",
        f"main.sgl:4:5 `{tmp_path}/lib/tools.sgl` has no function `sya`",
        "lib/tools.sgl:2:8 undefined name `y`",
    ]


def test_syntax_errors_of_imported_files_are_located_there(tmp_path: Path) -> None:
    main = write(
        tmp_path, main='import "a.sgl" as a\ndef main():\n    a.f()\n', a="def f(:\n    'a'\n"
    )
    (only,) = check_script(main)
    assert (str(only.span), only.code) == (f"{tmp_path}/a.sgl:1:6", "SGL0106")


@pytest.mark.parametrize(
    ("path", "message"),
    [
        ("missing.sgl", "cannot import `missing.sgl`: no such file"),
        ("../secret.sgl", "`../secret.sgl` is outside the folder of the script that is run"),
        ("/etc/passwd", "`/etc/passwd` is outside the folder of the script that is run"),
        ("link.sgl", "`link.sgl` is outside the folder of the script that is run"),
        ("a.sgl", "imports run in a circle: a.sgl → b.sgl → a.sgl"),
        ("main.sgl", "imports run in a circle: main.sgl → main.sgl"),
        ("bad\\0.sgl", "`bad\0.sgl` is not a file name"),
    ],
)
def test_imports_that_are_refused(path: str, message: str, tmp_path: Path) -> None:
    (tmp_path / "secret.sgl").write_text("def s():\n    'a'\n")
    folder = tmp_path / "project"
    main = write(
        folder,
        main=f'import "{path}" as a\ndef main():\n    "hi"\n',
        a='import "b.sgl" as b\n',
        b='import "a.sgl" as a\n',
    )
    (folder / "link.sgl").symlink_to(tmp_path / "secret.sgl")
    assert [(d.code, d.message) for d in check_script(main)] == [("SGL0216", message)]


def test_a_variable_cannot_hide_an_import(tmp_path: Path) -> None:
    main = write(
        tmp_path, main='import "a.sgl" as a\ndef main(a):\n    a = 1\n', a="def f():\n    'a'\n"
    )
    assert [place(d) for d in check_script(main)] == [("SGL0210", 2, 10), ("SGL0210", 3, 5)]
