"""Scripts with random damage: always diagnostics with places, never anything else."""

from __future__ import annotations

import random
from pathlib import Path

import pytest

from sglc.diagnostics.core import SglcError
from sglc.diagnostics.render import render
from sglc.execution.limits import Limits
from sglc.expressions.values import ValueLimits
from sglc.frontends.script import check_script, compile_script
from sglc.ir import equal
from sglc.ir.parser import parse_module
from sglc.ir.printer import print_module
from tests.execution.scripts import run
from tests.execution.test_interpreter import CASES
from tests.golden_files import GoldenFile

GOLDEN = Path(__file__).parent.parent / "golden"
FOLDERS = ("programs", "ops", "passes")
FILES = sorted(p for folder in FOLDERS for p in (GOLDEN / folder).glob("*.sgl"))
SOURCES = [GoldenFile.read(p).program for p in FILES]
TOKENS = [
    "(", ")", "[", "]", "{", "}", ":", ",", "=", "==", '"', "'", '"""', "${", "}", "$", "\\", "#",
    "\n", "\n    ", "\n        ", "\t", " ", "if ", "else:", "for ", " in ", "fork ", "try:",
    "gen(", "select(", "return ", "def ", "schema ", "user ", "none", "1", ".", "r", "\x00", "é",
    "->", "?", "import ", "not ", "x", " as ", "except", "break", "*", "|", "+=",
]  # fmt: skip


def damage(text: str, rng: random.Random) -> str:
    """The text with a few pieces removed, added, doubled or exchanged."""
    for _ in range(rng.choice([1, 1, 2, 4])):
        at = rng.randrange(len(text) + 1)
        size = rng.choice([1, 1, 2, 5, 20])
        match rng.randrange(4):
            case 0:
                text = text[:at] + text[at + size :]
            case 1:
                text = text[:at] + rng.choice(TOKENS) + text[at:]
            case 2:
                text = text[:at] + text[at : at + size] + text[at:]
            case _:
                lines = text.split("\n")
                i, j = rng.randrange(len(lines)), rng.randrange(len(lines))
                lines[i], lines[j] = lines[j], lines[i]
                text = "\n".join(lines)
    return text


@pytest.mark.parametrize("seed", range(12))
def test_damaged_scripts_get_located_diagnostics_or_compile(seed: int) -> None:
    rng = random.Random(seed)
    compiled = 0
    for _ in range(60):
        text = damage(rng.choice(SOURCES), rng)
        found = check_script(text, file="x.sgl")
        lines = text.replace("\r", "\n").split("\n")
        for diagnostic in found:
            span = diagnostic.span
            assert span is not None
            assert 1 <= span.line <= len(lines)
            assert 1 <= span.column <= len(lines[span.line - 1]) + 2, (text, diagnostic)
            assert "_" not in diagnostic.message.split("`")[0]  # no names of terminals
        assert render(found, sources={"x.sgl": text}) or not found
        if not any(d.severity == "error" for d in found):
            module = compile_script(text, file="x.sgl")
            assert equal(parse_module(print_module(module)), module)
            compiled += 1
    assert compiled


SMALL = Limits(
    steps=3000,
    depth=15,
    iterations=200,
    branches=20,
    values=ValueLimits(characters=5000, items=500, bits=500),
)
PROGRAMS = [case for case in CASES if case.path.stem != "several_samples"]


@pytest.mark.parametrize("seed", range(8))
def test_passes_do_not_change_what_a_damaged_program_does(seed: int) -> None:
    rng = random.Random(1000 + seed)
    ran = 0
    while ran < 12:
        case = rng.choice(PROGRAMS)
        text = damage(case.source, rng)
        if any(d.severity == "error" for d in check_script(text, file="x.sgl")):
            continue
        try:
            plain, optimised = (
                run(text, case.data("args"), rules=case.rules, passes=passes, limits=SMALL)
                for passes in ("none", "default")
            )
        except SglcError:
            continue  # another function to start with, or other parameters
        ran += 1
        assert optimised.value == plain.value, text
        assert optimised.text == plain.text, text
        if plain.error is None or plain.error.code == "SGL0504":
            continue  # which limit is reached first may differ
        assert optimised.error is not None
        assert optimised.error.message == plain.error.message, text
        assert optimised.error.span == plain.error.span, text
