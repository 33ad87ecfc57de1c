"""Definitions, references, renaming and the outline."""

from __future__ import annotations

import random
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from sglc.frontends.script import check_script
from sglc.frontends.script.parse import parse_script
from sglc.lsp.navigate import RenameError, definition, references, rename
from sglc.lsp.outline import outline
from sglc.lsp.project import Analysis, Project
from tests.differential.twin_programs import twin_program
from tests.lsp.scripts import analysed


def target(marked: str) -> list[tuple[int, int]]:
    """Where the name at `‸` is defined; the place is marked by `«` in the script."""
    analysis, line, column = analysed(marked.replace("«", ""))
    return [(place.loc.line, place.loc.column) for place in definition(analysis, line, column)]


@pytest.mark.parametrize(
    "script",
    [
        "def f(«q):\n    return ‸q\n",
        "def f():\n    «x = 1\n    y = ‸x\n    x = 2\n",
        "def f():\n    x = 1\n    «x = 2\n    y = ‸x\n",
        "def f():\n    for i, «k in [[1, 2]]:\n        '${‸k}'\n",
        "def f():\n    ‸g()\n\ndef «g():\n    pass\n",
        "def f():\n    def «g():\n        pass\n    ‸g()\n\ndef g():\n    pass\n",
        "schema «P:\n    a: int\n\ndef f(p: ‸P):\n    pass\n",
        "schema P:\n    «a: int\n\ndef f(p: P):\n    return p.‸a\n",
        "def f():\n    fork x in [1] as t:\n        «y = 1\n    return t[0].‸y\n",
        "def f():\n    fork «x in [1] as t:\n        y = 1\n    return [b.‸x for b in t]\n",
        "def f():\n    try:\n        pass\n    except value_error as «e:\n        return ‸e\n",
        "def f(xs):\n    return [‸x for «x in xs]\n",
        "def f(x):\n    return [x for «x in [1] if ‸x]\n",
        "def g(a, «b=1):\n    pass\n\ndef f():\n    g(1, ‸b=2)\n",
        "def f(«x):\n    def g():\n        return ‸x\n    return g()\n",
    ],
)
def test_definitions(script: str) -> None:
    clean = script.replace("‸", "")
    before = clean.partition("«")[0]
    place = before.count("\n") + 1, len(before.rpartition("\n")[2]) + 1
    assert target(script) == [place]


def test_definitions_across_files(tmp_path: Path) -> None:
    (tmp_path / "lib").mkdir()
    lib = tmp_path / "lib" / "common.sgl"
    lib.write_text("schema P:\n    a: int\n\ndef log(x):\n    pass\n")
    main = tmp_path / "main.sgl"
    text = (
        'import "lib/common.sgl" as c\n\ndef f():\n    c.log(x=1)\n    p = gen(json=c.P)\n    p.a\n'
    )
    project = Project()
    project.put("u", main, text, 1)
    analysis = project.analysis("u")
    assert analysis is not None

    def at(line: int, column: int) -> tuple[str, int, int]:
        (place,) = definition(analysis, line, column)
        return place.unit.file, place.loc.line, place.loc.column

    assert at(4, 8) == (str(lib), 4, 5)
    assert at(4, 11) == (str(lib), 4, 9)
    assert at(5, 20) == (str(lib), 1, 8)
    assert at(1, 10) == (str(lib), 1, 1)
    assert at(4, 5) == (str(lib), 1, 1)


def test_references_are_those_of_the_scope() -> None:
    analysis, line, column = analysed(
        "def f(x):\n    fork x in [1] as t:\n        ‸x\n"
        "    return t[0].x + [x for x in [1]][0] + x\n"
    )
    found = sorted((p.loc.line, p.loc.column) for p in references(analysis, line, column))
    assert found == [(2, 10), (3, 9), (4, 17)]


def test_references_in_open_scripts_that_import_this_one(tmp_path: Path) -> None:
    lib, main = tmp_path / "lib.sgl", tmp_path / "main.sgl"
    project = Project()
    project.put("lib", lib, "def log(x):\n    pass\n", 1)
    project.put("main", main, 'import "lib.sgl" as l\n\ndef f():\n    l.log(x=1)\n', 1)
    analysis = project.analysis("lib")
    assert analysis is not None

    def places(column: int) -> list[tuple[str, int, int]]:
        found = references(analysis, 1, column, project.analyses())
        return [(place.unit.file, place.loc.line, place.loc.column) for place in found]

    assert places(5) == [(str(lib), 1, 5), (str(main), 4, 7)]
    assert places(9) == [(str(lib), 1, 9), (str(main), 4, 11)]
    assert len(rename(analysis, 1, 5, "note", project.analyses())) == 2


def apply(analysis: Analysis, line: int, column: int, name: str) -> str:
    """The text after a name was changed."""
    lines = list(analysis.lines)
    places = [place.loc for place in rename(analysis, line, column, name)]
    for loc in sorted(places, key=lambda loc: (loc.line, loc.column), reverse=True):
        text = lines[loc.line - 1]
        lines[loc.line - 1] = text[: loc.column - 1] + name + text[loc.end_column - 1 :]
    return "\n".join(lines)


@pytest.mark.parametrize(
    ("script", "name", "message"),
    [
        ("def f(‸x):\n    pass\n", "if", "cannot be a name"),
        ("def f(‸x):\n    pass\n", "a b", "cannot be a name"),
        ("def f(‸x, y):\n    pass\n", "y", "means something else"),
        ("def f(‸x):\n    def g():\n        y = x\n", "y", "means something else"),
        ("def f(‸x):\n    pass\n", "f", "means something else"),
        ("def f():\n    ‸len([])\n", "size", "only names that this file defines"),
        ("def f(‸x):\n    y = (\n", "z", "syntax errors"),
    ],
)
def test_names_that_cannot_be_changed(script: str, name: str, message: str) -> None:
    analysis, line, column = analysed(script)
    with pytest.raises(RenameError, match=message):
        rename(analysis, line, column, name)


@settings(max_examples=20, deadline=None)
@given(st.integers(0, 2**32))
def test_renaming_changes_names_only_and_can_be_undone(seed: int) -> None:
    rng = random.Random(seed)
    source = twin_program(rng.randrange(10_000)).script
    project = Project()
    project.put("u", None, source, 1)
    analysis = project.analysis("u")
    assert analysis is not None
    chosen = rng.choice([o for o in analysis.index.occurrences if o.definition])
    changed = apply(analysis, chosen.loc.line, chosen.loc.column, "fresh_name")
    assert [d.code for d in check_script(changed)] == [d.code for d in check_script(source)]
    assert parse_script(changed, "x") != parse_script(source, "x")
    project.put("u", None, changed, 2)
    again = project.analysis("u")
    assert again is not None
    place = next(o for o in again.index.occurrences if o.symbol.name == "fresh_name")
    assert apply(again, place.loc.line, place.loc.column, chosen.symbol.name) == source


def test_outline() -> None:
    analysis, _, _ = analysed(
        "use n=1\n\nschema P:\n    a: int\n\n"
        "def f(x):\n    def g():\n        pass\n\n    pass\n\n# end\n"
    )
    schema, function = outline(analysis)
    assert (schema.name, [child.name for child in schema.children]) == ("P", ["a"])
    assert (function.detail, function.children[0].name) == ("def f(x)", "g")
    assert (function.whole.line, function.whole.end_line) == (6, 10)
