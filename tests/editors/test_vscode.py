"""The editor files: valid, complete, and colouring what the compiler reads."""

from __future__ import annotations

import json
import re
from itertools import pairwise
from pathlib import Path

import pytest

from sglc.expressions import reference
from sglc.expressions.functions import ERROR_KINDS
from sglc.expressions.grammar import grammar_text
from sglc.expressions.words import GENERATORS, OPERATORS, ROLES, STATEMENTS, TOP_LEVEL
from sglc.formatting.lines import read_layout
from sglc.frontends.script.types import TYPE_NAMES
from tests.editors.textmate import FOLDER, Grammar, Scopes
from tests.formatting.sources import FILES

SGL = Grammar("sgl.tmLanguage.json")
FILES_OF = sorted(FOLDER.rglob("*.json"))


def scopes(text: str, word: str) -> list[str]:
    """The innermost scope of each piece of the text that is `word`."""
    return [found[-1] if found else "" for piece, found in SGL.tokens(text) if piece == word]


@pytest.mark.parametrize("path", FILES_OF, ids=lambda path: path.name)
def test_files_are_json(path: Path) -> None:
    assert json.loads(path.read_text(encoding="utf-8"))


@pytest.mark.parametrize(
    "name", ["sgl.tmLanguage.json", "sglir.tmLanguage.json", "sgl.markdown.tmLanguage.json"]
)
def test_patterns_compile_and_names_end_in_the_language(name: str) -> None:
    grammar = Grammar(name)
    rules = list(grammar.every())
    assert rules
    for rule in rules:
        for key in ("match", "begin", "end"):
            re.compile(re.sub(r"\\[12](?=\\|\[)", "", rule.get(key, "")))
        assert rule.get("name", "x.sgl").endswith((".sgl", ".sglir", ".markdown"))


def test_package_names_files_that_exist() -> None:
    package = json.loads((FOLDER / "package.json").read_text(encoding="utf-8"))["contributes"]
    for grammar in package["grammars"]:
        data = json.loads((FOLDER / grammar["path"]).read_text(encoding="utf-8"))
        assert data["scopeName"] == grammar["scopeName"]
    assert (FOLDER / package["languages"][0]["configuration"]).exists()
    assert [one["extensions"] for one in package["languages"]] == [[".sgl"], [".sglir"]]


@pytest.mark.parametrize(
    ("words", "template", "scope"),
    [
        (STATEMENTS, "    {} ", "keyword.control.flow.sgl"),
        (ROLES, '    {} "x"', "keyword.control.role.sgl"),
        (ROLES, "    {}: ", "keyword.control.role.sgl"),
        (GENERATORS, "    x = {}()", "support.function.generation.sgl"),
        (ERROR_KINDS, "    except {}:", "support.type.error.sgl"),
        (TYPE_NAMES, "def f(x: {}) -> y:", "support.type.sgl"),
        ([e.name for e in reference.FUNCTIONS if e.name not in ERROR_KINDS],
         "    x = {}(y)", "support.function.builtin.sgl"),
    ],
)  # fmt: skip
def test_every_word_of_the_language_is_known(
    words: tuple[str, ...], template: str, scope: str
) -> None:
    for word in words:
        wanted = "constant.language.sgl" if word == "none" else scope
        assert scopes(template.format(word), word) == [wanted], word


def test_words_of_operators_and_definitions() -> None:
    for word in OPERATORS:
        logical = word in ("and", "or", "not", "in")
        wanted = "keyword.operator.logical.sgl" if logical else "constant.language.sgl"
        assert scopes(f"    x = {word} y", word) == [wanted], word
    for word in TOP_LEVEL:
        text = {"import": 'import "a.sgl"', "extern": "extern def f()"}.get(word, f"{word} f(")
        assert scopes(text, word)[0].startswith(("storage.", "keyword.control.")), word


def test_the_grammar_has_no_word_that_is_not_listed() -> None:
    """A keyword added to the language has to be added to `words`, and so to the editor files."""
    plain = re.sub(r"//.*|/(\\.|[^/\n])+/", "", grammar_text())
    listed = {*STATEMENTS, *OPERATORS, *TOP_LEVEL, *ROLES, "as", "from"}
    assert set(re.findall(r'"([A-Za-z]+)"', plain)) <= listed


def test_roles_are_roles_only_where_text_follows() -> None:
    assert scopes("    tool = 1", "tool") == ["variable.other.sgl"]
    assert scopes("    x = tool + user", "user") == ["variable.other.sgl"]
    assert scopes("    use = schema", "schema") == ["variable.other.sgl"]


def test_strings_and_what_is_in_them() -> None:
    text = r'    x = "a ${names[0].upper()} $$5 \n \q" + r"\d ${no}"'
    found = dict(SGL.tokens(text))
    assert "meta.interpolation.sgl" in found["names"]
    assert found["names"][-1] == "variable.other.sgl"
    assert found["upper"][-1] == "entity.name.function.member.sgl"
    assert found["$$"][-1] == "constant.character.escape.sgl"
    assert found[r"\n"][-1] == "constant.character.escape.sgl"
    assert found[r"\q"][-1] == "invalid.illegal.escape.sgl"
    assert found[r"\d"][-1] == "string.quoted.double.raw.sgl"
    assert found["${no}"][-1] == "string.quoted.double.raw.sgl"


def test_definitions_and_calls() -> None:
    text = 'def agent(q: str, n=3) -> Person?:\n    x = helper(q, depth=n)  # why "not"\n'
    found = list(SGL.tokens(text))
    by_word: dict[str, list[Scopes]] = {}
    for word, inside in found:
        by_word.setdefault(word, []).append(inside)
    assert by_word["def"][0][-1] == "storage.type.function.sgl"
    assert by_word["agent"][0][-1] == "entity.name.function.sgl"
    assert by_word["helper"][0][-1] == "entity.name.function.call.sgl"
    assert by_word["depth"][0][-1] == "variable.parameter.sgl"
    assert by_word['# why "not"'] == [("comment.line.number-sign.sgl",)]


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.name)
def test_strings_and_comments_are_those_that_the_compiler_reads(path: Path) -> None:
    """Whatever stands outside of strings and comments, and only that, is coloured as code."""
    text = path.read_text(encoding="utf-8")
    layout = read_layout(text)
    wanted = [t.text for line in layout.lines for t in line.tokens if t.kind != "STRING"]
    code = [
        piece
        for piece, inside in SGL.tokens(text)
        if not any(scope.startswith(("string.", "comment.")) for scope in inside)
    ]
    assert re.sub(r"\s+", "", "".join(code)) == re.sub(r"\s+", "", "".join(wanted))
    assert not any("invalid" in scope for _, inside in SGL.tokens(text) for scope in inside)


def test_ir_text() -> None:
    line = '  %reply = lm.gen(%s) {name = "reply", n = 2, stop = null} ^body !18:17-18:57'
    tokens = Grammar("sglir.tmLanguage.json").tokens(line)
    found = {piece: inside[-1] for piece, inside in tokens if inside}
    assert found["%reply"] == "variable.other.sglir"
    assert found["lm.gen"] == "support.function.op.sglir"
    assert found["name"] == "entity.other.attribute-name.sglir"
    assert found["null"] == "constant.language.sglir"
    assert found["^body"] == "entity.name.label.sglir"
    assert found["!18:17-18:57"] == "comment.block.location.sglir"


def test_blocks_are_indented_while_typing() -> None:
    rules = json.loads((FOLDER / "language-configuration.json").read_text(encoding="utf-8"))
    more = re.compile(rules["indentationRules"]["increaseIndentPattern"])
    for path in FILES:
        lines = path.read_text(encoding="utf-8").split("\n")
        for header, body in pairwise(lines):
            deeper = len(body) - len(body.lstrip()) > len(header) - len(header.lstrip())
            if header.rstrip().endswith(":") and body.strip() and deeper:
                assert more.search(header), header
