"""The IR of each phase as lines that know their location, beside that of the phase before."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from difflib import SequenceMatcher

from sglc.cli.page.markup import Markup, element
from sglc.ir.text import symbol
from sglc.passes.instrumentation import PhaseRun

_LOC = re.compile(r" !(\d+:\d+-\d+:\d+)\Z")
LONGEST_DIFF = 4000
"""Lines from which two phases are not compared, since that takes quadratic time."""


def phase_view(run: PhaseRun, foreign: frozenset[str]) -> Markup:
    """
    What a phase made; a pass stands beside what it was given, with changed lines marked.

    Functions that are `foreign` come from other files, whose places are not those of the source.
    """
    after = _lines(run.text)
    if not run.module:
        return element("pre", run.text or "", class_="code")
    if run.before is None or not run.before.startswith("sglir"):
        return element("div", _column("IR", after, frozenset(), foreign), class_="columns")
    before = _lines(run.before)
    removed, added = _changes(before, after)
    return element(
        "div",
        _column("before", before, removed, foreign),
        _column("after", after, added, foreign),
        class_="columns",
    )


def _lines(text: str | None) -> list[str]:
    return (text or "").rstrip("\n").split("\n")


def _changes(before: Sequence[str], after: Sequence[str]) -> tuple[frozenset[int], frozenset[int]]:
    """Indices of lines that only one of both has."""
    if before == after or max(len(before), len(after)) > LONGEST_DIFF:
        return frozenset(), frozenset()
    blocks = SequenceMatcher(None, before, after, autojunk=False).get_matching_blocks()
    same_before = {i for block in blocks for i in range(block.a, block.a + block.size)}
    same_after = {i for block in blocks for i in range(block.b, block.b + block.size)}
    return (
        frozenset(range(len(before))) - same_before,
        frozenset(range(len(after))) - same_after,
    )


def _column(
    title: str, lines: Sequence[str], changed: frozenset[int], foreign: frozenset[str]
) -> Markup:
    places = dict(_places(lines, foreign))
    shown = [
        element(
            "div",
            line,
            class_="line changed" if number in changed else "line",
            data_at=places.get(number),
        )
        for number, line in enumerate(lines)
    ]
    return element("div", element("h3", title), element("pre", *shown, class_="code"))


def _places(lines: Sequence[str], foreign: frozenset[str]) -> Iterator[tuple[int, str]]:
    """Lines and their locations; an operation with regions has its own at its closing brace."""
    opened: list[int] = []
    own = True
    for number, line in enumerate(lines):
        if line.startswith("func "):
            own = not any(line.startswith(f"func {symbol(name)}(") for name in foreign)
        match = _LOC.search(line) if own else None
        inner = line.strip()
        if inner.startswith("}") and opened:
            first = opened.pop() if not inner.endswith("{") else None
            if match is not None and first is not None:
                yield first, match[1]
        elif inner.endswith("{"):
            opened.append(number)
        if match is not None:
            yield number, match[1]
