"""The reference of functions and methods: complete, true, and what docs/sgl.md shows."""

from __future__ import annotations

import os
import re
from pathlib import Path

import pytest

from sglc.expressions import methods, reference
from sglc.expressions.evaluate import evaluate
from sglc.expressions.functions import FUNCTIONS
from sglc.expressions.values import type_name

PAGE = Path(__file__).parent.parent.parent / "docs" / "sgl.md"
ENTRIES = [
    pytest.param(entry, id=f"{title.split()[-1]}-{entry.name}")
    for title, entries in reference.TABLES
    for entry in entries
]


@pytest.mark.parametrize("entry", ENTRIES)
def test_example(entry: reference.Entry) -> None:
    found, wanted = evaluate(entry.example, {}), evaluate(entry.value, {})
    assert (found, type_name(found)) == (wanted, type_name(wanted))
    assert re.search(rf"\b{entry.name}\(", entry.example)
    assert entry.usage.startswith(f"{entry.name}(")


@pytest.mark.parametrize(
    ("entries", "table"),
    [
        (reference.FUNCTIONS, FUNCTIONS),
        (reference.STR_METHODS, methods.STR_METHODS),
        (reference.LIST_METHODS, methods.LIST_METHODS),
        (reference.DICT_METHODS, methods.DICT_METHODS),
    ],
)
def test_every_one_is_listed_once(
    entries: tuple[reference.Entry, ...], table: dict[str, object]
) -> None:
    assert sorted(e.name for e in entries) == sorted(n for n in table if not n.startswith("_"))


def test_the_page_shows_the_tables() -> None:
    """`SGLC_UPDATE_GOLDEN=1` rewrites them."""
    begin, end = "<!-- functions: begin -->\n\n", "\n<!-- functions: end -->"
    page = PAGE.read_text(encoding="utf-8")
    head, rest = page.split(begin)
    _, tail = rest.split(end)
    wanted = head + begin + reference.tables() + end + tail
    if os.environ.get("SGLC_UPDATE_GOLDEN"):
        PAGE.write_text(wanted, encoding="utf-8")
    assert page == wanted
