"""Mistakes in a script's text: where they are reported, and as what."""

from __future__ import annotations

import time
from pathlib import Path

import pytest

from sglc.diagnostics.core import ParseError
from sglc.frontends.script import check_script, compile_script
from tests.script.check import check_error, found


def body(*lines: str) -> str:
    return "def f(x):\n" + "".join(f"    {line}\n" for line in lines)


@pytest.mark.parametrize(
    ("text", "code", "line", "column", "message"),
    [
        (body('usr "a"'), "SGL0110", 2, 5, "unknown role `usr`"),
        (body("asistant:", '    "a"'), "SGL0110", 2, 5, "unknown role `asistant`"),
        (body("whle true:", '    "a"'), "SGL0110", 2, 5, "unknown statement `whle`"),
        (body("retrun x"), "SGL0110", 2, 5, "unknown statement `retrun`"),
        (body("user x"), "SGL0110", 2, 10, "expected a string or `:` after `user`"),
        ("dfe f(x):\n    'a'\n", "SGL0110", 1, 1, "unknown definition `dfe`"),
        ("'text'\n", "SGL0101", 1, 1, "expected a definition, found `'text'`"),
        ("x = 1\n", "SGL0101", 1, 1, "expected a definition, found `x`"),
        (body("if x", "    'a'"), "SGL0101", 2, 9, "expected `:`, found end of line"),
        (body("if x = 1:", "    'a'"), "SGL0101", 2, 10, "expected `:`, found `=`"),
        (body("else:", "    'a'"), "SGL0101", 2, 5, "`else` without `if`"),
        (body("x = 1 +"), "SGL0101", 2, 12, "expected an expression, found end of line"),
        (body("x ="), "SGL0101", 2, 8, "expected an expression, found end of line"),
        (body("x = f(1 2)"), "SGL0101", 2, 13, "expected `)`, found `2`"),
        (body("x = f(a=1, 2)"), "SGL0101", 2, 16,
         "positional argument after a keyword argument"),
        (body("x = [1, 2"), "SGL0106", 2, 9, "`[` is never closed"),
        (body("x = (1]"), "SGL0106", 2, 11, "`]` does not close `(`"),
        (body("x = 1)"), "SGL0106", 2, 10, "`)` closes nothing"),
        (body("x = gen(max_tokens=3", "'b'"), "SGL0106", 2, 12, "`(` is never closed"),
        (body("'unterminated", "x = 1"), "SGL0107", 2, 5, "string is never closed"),
        (body('"""', "many", "lines"), "SGL0107", 2, 5, '`"""` is never closed'),
        (body("x = r'''a"), "SGL0107", 2, 10, "`'''` is never closed"),
        ("def f(x):\n\t'a'\n", "SGL0103", 2, 1, "tab in the indentation"),
        ("def f(x):\n    if x:\n    \t'a'\n", "SGL0103", 3, 5, "tab in the indentation"),
        ("def f(x):\n        'a'\n    'b'\n", "SGL0104", 3, 1, "unindent matches no outer block"),
        (body("'a'", "    'b'"), "SGL0105", 3, 1, "unexpected indentation"),
        (body("if x:", "'b'"), "SGL0105", 3, 5, "expected an indented block after `if`"),
        ("def f(x):\n", "SGL0105", 1, 10, "expected an indented block after `def`"),
        ("def f(x):\n\n# nothing\n", "SGL0105", 1, 10, "expected an indented block after `def`"),
        (body("for x in [1]:", "# nothing", "'a'"), "SGL0105", 4, 5,
         "expected an indented block after `for`"),
        (body("x = 1 ? 2"), "SGL0101", 2, 11, "expected end of line or an operator, found `?`"),
        (body("x = 1 & 2"), "SGL0102", 2, 11, "unexpected character `&`"),
        (body("x = “a”"), "SGL0102", 2, 9, "unexpected character `“`"),
        (body("x = 1 \x00"), "SGL0102", 2, 11, "unexpected character `\x00`"),
        (body("if = 1"), "SGL0101", 2, 8, "expected an expression, found `=`"),
        (body("gen = 1"), "SGL0108", 2, 5, "`gen` is a reserved word"),
        (body("x = while"), "SGL0108", 2, 9, "`while` is a reserved word"),
        ("def return(x):\n    'a'\n", "SGL0108", 1, 5, "`return` is a reserved word"),
        ("def f(if):\n    'a'\n", "SGL0108", 1, 7, "`if` is a reserved word"),
        (body("x[0] = 1"), "SGL0113", 2, 5, "cannot assign to this"),
        (body("x.a += 1"), "SGL0113", 2, 5, "cannot assign to this"),
        (body("len(x) = 1"), "SGL0113", 2, 5, "cannot assign to this"),
        (body("1 = x"), "SGL0113", 2, 5, "cannot assign to this"),
        (body(r"x = 'a\q'"), "SGL0109", 2, 11, r"unknown escape `\q`"),
        (body("'a ${x'"), "SGL0111", 2, 8, "`${` is never closed"),
        (body("'a ${x +}'"), "SGL0101", 2, 13, "expected an expression, found end of expression"),
        ('import "a ${x}.sgl" as a\n', "SGL0111", 1, 8, "`${}` cannot be used in this string"),
        ('import "my-file.sgl"\n', "SGL0101", 1, 8, "`my-file` cannot be the name of an import"),
        ("schema S:\n    a str\n", "SGL0101", 2, 7, "expected `:`, found `str`"),
        ("schema S:\n    a: \n", "SGL0101", 2, 7, "expected a name or a string, found end of line"),
        ("extern def f(x)\n", "SGL0101", 1, 16, "expected `->` or `from`, found end of line"),
        ("use temperature 1\n", "SGL0101", 1, 17, "expected `=`, found `1`"),
        (body("try:", "    'a'"), "SGL0101", 3, 12,
         "expected `except` or `finally`, found end of block"),
        (body("fork x in [1] t:", "    'a'"), "SGL0101", 2, 19, "expected `:`, found `t`"),
        (body("x = " + "(" * 150 + "1" + ")" * 150), "SGL0114", 2, 108,
         "expression is too deeply nested"),
        (body("x = " + "(" * 50_000 + "1" + ")" * 50_000), "SGL0114", 2, 209,
         "brackets are too deeply nested"),
        (body("y = 1", "'a ${" + "[" * 50_000 + "]" * 50_000 + "}'"), "SGL0114", 3, 210,
         "brackets are too deeply nested"),
    ],
    ids=lambda value: value[:40] if isinstance(value, str) else None,
)  # fmt: skip
def test_mistake(text: str, code: str, line: int, column: int, message: str) -> None:
    check_error(text, code, line, column, message)


def test_nested_brackets_are_refused_before_they_are_parsed() -> None:
    text = body("x = " + "([" * 100_000 + "1" + "])" * 100_000)
    start = time.process_time()
    assert [d.code for d in check_script(text, file="x.sgl")] == ["SGL0114"]
    assert time.process_time() - start < 20  # Building the tree took a minute.


def test_each_definition_is_read_on_its_own() -> None:
    text = (
        'def a(x):\n    usr "hello"\n    y = gen(regex)\n    if x == "a"\n        "b"\n\n'
        "def b():\n    'fine'\n\n"
        "def c():\n    whle true:\n        'x'\n\n"
        "schema S:\n    a int\n"
    )
    assert found(text) == [
        ("SGL0110", 2, 5),
        ("SGL0101", 4, 16),
        ("SGL0110", 11, 5),
        ("SGL0101", 15, 7),
    ]


def test_an_unclosed_bracket_ends_with_its_definition() -> None:
    text = "def a(x):\n    y = f(1\n\ndef b(x):\n    z = [2\n"
    assert found(text) == [("SGL0106", 2, 10), ("SGL0106", 5, 9)]


def test_unclosed_string_does_not_hide_later_definitions() -> None:
    text = "def a(x):\n    'open\n    y = 1\n\ndef b(x):\n\t'tab'\n"
    assert found(text) == [("SGL0107", 2, 5), ("SGL0103", 6, 1)]


def test_definition_words_in_strings_and_as_variables_begin_nothing() -> None:
    text = 'def a(x):\n    """\ndef b(:\n    """\n    use = 1\n    schema = (\n1)\n'
    assert found(text) == []


@pytest.mark.parametrize(
    "source",
    [
        b"\xef\xbb\xbfdef f(x):\r\n    'a ${x}'\r\n\r\n    y = gen()\r\n    return y\r\n",
        b"def f(x):\n    'a ${x}'\n\n    y = gen()\n    return y",
        b"def f(x):\r    'a ${x}'\r\r    y = gen()\r    return y",
        b"# first\n\n\ndef f(x):\n    'a ${x}'  # why\n  # odd\n    y = gen()\n    return y # end",
        b"def f(x):\n    'a ${x}'\n    y = gen(\n    )\n    return y\n\n   \n\n",
        b"def f(x):\n    'a ${x}'\n    y = \\\n        gen()\n    return y\n",
    ],
)
def test_line_ends_comments_and_byte_order_marks(source: bytes, tmp_path: Path) -> None:
    path = tmp_path / "x.sgl"
    path.write_bytes(source)
    func = compile_script(path).funcs["f"]
    assert [op.name for op in func.walk()] == ["lm.new", "lm.text", "lm.gen", "cf.return"]


def test_crlf_text_blocks_have_no_carriage_returns() -> None:
    module = compile_script('def f():\r\n    """\r\n    a\r\n    b\r\n    """\r\n')
    text = next(op for op in module.funcs["f"].walk() if op.name == "lm.text")
    assert text.attrs["text"] == ("a\nb",)


def test_empty_scripts_are_fine_until_something_is_run() -> None:
    for text in ("", "\n\n", "# only a comment", "\ufeff"):
        assert compile_script(text).funcs == {}


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"def f():\n    '\xff'\n", "not UTF-8 text: byte 15 is 0xff"),
        (None, "no such file"),
    ],
)
def test_unreadable_files(content: bytes | None, message: str, tmp_path: Path) -> None:
    path = tmp_path / "x.sgl"
    if content is not None:
        path.write_bytes(content)
    with pytest.raises(ParseError) as raised:
        check_script(path)
    assert raised.value.diagnostics[0].code == "SGL0112"
    assert message in raised.value.diagnostics[0].message


def test_a_folder_is_not_a_script(tmp_path: Path) -> None:
    with pytest.raises(ParseError, match="it is a folder"):
        check_script(tmp_path)


def test_suggestions() -> None:
    assert check_script(body('usr "a"'))[0].helps == ("did you mean `user`?",)
    assert check_script(body("retrun x"))[0].helps == ("did you mean `return`?",)
    assert check_script("frgment f():\n    'a'\n")[0].helps == ("did you mean `fragment`?",)
    assert check_script(body("if x = 1:", "    'a'"))[0].helps == ("to compare, write `==`",)


def test_role_names_and_words_of_definitions_are_free_as_variables() -> None:
    text = body(
        "tool = select(['a', 'b'])",
        "system = tool",
        "schema = {'user': system}",
        "if tool == 'a':",
        "    tool 'seen ${schema.user}'",
        "fragment = [tool for tool in [system]]",
        "return fragment",
    )
    assert found(text) == []


@pytest.mark.parametrize(
    "text",
    [
        body("if x == 0:", "    'a'", *(f"elif x == {i}:\n        'b'" for i in range(1, 1500))),
        body(f"y = {' or '.join('x' * 2000)}"),
        "def f(x):\n"
        + "".join(f"{'    ' * i}try:\n" for i in range(1, 31))
        + " " * 124
        + "'a'\n"
        + "".join(f"{'    ' * i}finally:\n{'    ' * i}    'b'\n" for i in range(30, 0, -1)),
        body(f"y = x{'.a' * 1000}"),
        body(f"y = {'not ' * 1000}x"),
        f"def f(x: {'list[' * 300}int{']' * 300}):\n    'a'\n",
        f"def f(x: int{'?' * 500}):\n    'a'\n",
        "def f(x):\n"
        + "".join(f"{'    ' * i}if x:\n" for i in range(1, 150))
        + " " * 600
        + "'a'\n",
    ],
)
def test_what_is_too_deep_is_said_once(text: str) -> None:
    assert [d.code for d in check_script(text, file="x.sgl")] == ["SGL0114"]
