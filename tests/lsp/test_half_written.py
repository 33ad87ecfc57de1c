"""Whatever is on the screen, requests are answered."""

from __future__ import annotations

import random
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from sglc.frontends.script.parse import parse_with_problems
from sglc.lsp.complete import complete
from sglc.lsp.convert import Places, diagnostic
from sglc.lsp.findings import findings
from sglc.lsp.hover import hover
from sglc.lsp.navigate import definition, references
from sglc.lsp.outline import outline
from sglc.lsp.project import Project
from sglc.lsp.recover import recover
from tests.formatting.sources import random_source


def damage(source: str, rng: random.Random) -> str:
    """The script as it may be while someone writes it."""
    for _ in range(rng.randint(1, 4)):
        at, size = rng.randrange(len(source) + 1), rng.choice([0, 0, 1, 3, 30])
        added = rng.choice(["", "(", '"', '"""', "\n", "    ", ".", ":", "gen(", "x = ", "😀", "}"])
        source = source[:at] + added + source[at + size :]
    return source


@settings(max_examples=25, deadline=None)
@given(st.integers(0, 2**32))
def test_every_request_has_an_answer(seed: int) -> None:
    rng = random.Random(seed)
    text = damage(random_source(rng), rng)
    project = Project()
    project.put("u", None, text, 1)
    analysis = project.analysis("u")
    assert analysis is not None
    places = Places(analysis.lines, "utf-16")
    for finding in findings(analysis):
        assert finding.span is not None
        shown = places.range(finding.span)
        assert shown.start <= shown.end
        assert shown.end <= places.whole().end
    for occurrence in analysis.index.occurrences:
        loc = occurrence.loc
        named = analysis.line(loc.line)[loc.column - 1 : loc.end_column - 1]
        assert named == occurrence.symbol.name
    outline(analysis)
    for _ in range(12):
        line = rng.randint(1, len(analysis.lines))
        column = rng.randint(1, len(analysis.line(line)) + 1)
        hover(analysis, line, column)
        complete(analysis, line, column)
        definition(analysis, line, column)
        references(analysis, line, column)
        assert places.place(places.position(line, column)) == (line, column)


@pytest.mark.parametrize(
    "line",
    [
        "x = (q",
        "x = q.",
        "if q",
        "if q:",
        "for i in",
        'user "a ${q',
        "x = gen(",
        "q q",
        "else:",
        "]",
    ],
)
def test_one_broken_line_hides_nothing_else(line: str) -> None:
    text = f"def f(q):\n    before = 1\n    {line}\n    after = 2\n\ndef g():\n    pass\n"
    script, problems = parse_with_problems(recover(text, "x"), "x")
    assert problems == []
    assert len(script.items) == 2
    project = Project()
    project.put("u", None, text, 1)
    analysis = project.analysis("u")
    assert analysis is not None
    assert {"q", "before", "after"} <= {o.symbol.name for o in analysis.index.occurrences}


@pytest.mark.parametrize("encoding", ["utf-8", "utf-16", "utf-32"])
def test_positions(encoding: str) -> None:
    places = Places(["aé日😀b", ""], encoding)
    sizes = {"utf-8": [0, 1, 3, 6, 10, 11], "utf-16": [0, 1, 2, 3, 5, 6], "utf-32": range(6)}
    found = [places.position(1, column).character for column in range(1, 7)]
    assert found == list(sizes[encoding])
    assert places.position(9, 9) == places.whole().end


def test_a_position_inside_a_character_is_its_start() -> None:
    from lsprotocol import types as lsp

    places = Places(["😀b"], "utf-16")
    assert places.place(lsp.Position(0, 1)) == (1, 1)
    assert places.place(lsp.Position(7, 99)) == (1, 3)


def test_codes_are_links_where_docs_have_an_address(monkeypatch: pytest.MonkeyPatch) -> None:
    project = Project()
    project.put("u", None, "def f():\n    return x\n", 1)
    analysis = project.analysis("u")
    assert analysis is not None
    (finding,) = findings(analysis)
    places = Places(analysis.lines, "utf-16")
    assert diagnostic(finding, places, []).code_description is None
    monkeypatch.setenv("SGLC_DOCS_URL", "https://example.com/docs")
    link = diagnostic(finding, places, []).code_description
    assert link is not None
    assert link.href == "https://example.com/docs/errors.md#sgl0202-undefined-name"


def test_only_what_can_have_changed_is_looked_at_again(tmp_path: Path) -> None:
    paths = {name: tmp_path / f"{name}.sgl" for name in ("lib", "main", "other")}
    project = Project()
    project.put("main", paths["main"], 'import "lib.sgl" as l\n', 1)
    project.put("other", paths["other"], "def f():\n    pass\n", 1)
    project.put("lib", paths["lib"], "def f():\n    pass\n", 1)
    before = {uri: project.analysis(uri) for uri in project.buffers}
    for analysis in before.values():
        assert analysis is not None
        assert analysis.diagnostics == []
    project.put("lib", paths["lib"], "def g():\n    pass\n", 2)
    same = [uri for uri in before if project.analysis(uri) is before[uri]]
    assert same == ["other"]


def test_a_long_chain_of_branches() -> None:
    chain = "".join(f"    elif x == {i}:\n        y = {i}\n" for i in range(95))
    project = Project()
    project.put("u", None, f"def f(x):\n    if x:\n        pass\n{chain}    return y\n", 1)
    analysis = project.analysis("u")
    assert analysis is not None
    assert len(analysis.index.occurrences) > 190
    assert hover(analysis, 194, 12) is not None
