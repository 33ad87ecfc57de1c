"""Every file in tests/golden that says what is expected of it; see `tests.golden_files`."""

from __future__ import annotations

import os
import re
from pathlib import Path

import pytest

from sglc.cli.explanation import describe
from sglc.diagnostics.codes import CODES
from sglc.ir.ops import OPS
from sglc.passes.pipeline import PASSES
from sglc.programs.explanation import explain_target
from sglc.programs.target import parse_target
from tests import golden_files
from tests.golden_files import FOLDER, GoldenFile, assert_same, check, updating

SUFFIXES = (".sgl", ".py", ".sglir")
FOLDERS = ("diagnostics", "explain", "ops", "passes")
FILES = sorted(p for f in FOLDERS for p in (FOLDER / f).iterdir() if p.suffix in SUFFIXES)
EXAMPLES = sorted(p for p in (FOLDER.parents[1] / "examples").iterdir() if p.suffix in SUFFIXES)


@pytest.mark.parametrize("path", FILES, ids=lambda p: f"{p.parent.name}/{p.name}")
def test_golden_file(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(path.parent)
    check(path)


@pytest.mark.parametrize("path", EXAMPLES, ids=lambda p: p.name)
def test_explanations_of_the_examples(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(FOLDER.parents[1])
    expected = FOLDER / "explain" / f"{path.name}.txt"
    found = describe(explain_target(parse_target(os.path.relpath(path))))
    if updating():
        expected.write_text(found, encoding="utf-8")
    assert_same(expected.read_text(encoding="utf-8"), found, expected)


def expected_lines() -> list[str]:
    return [line for p in FILES for block in GoldenFile.read(p).blocks for line in block.lines]


def test_every_file_expects_something() -> None:
    assert len(FILES) >= 40
    for path in FILES:
        kinds = {block.kind for block in GoldenFile.read(path).blocks}
        assert any(kind.startswith("CHECK-") for kind in kinds), path


def test_every_operation_is_in_some_expected_ir() -> None:
    seen = {name for line in expected_lines() for name in re.findall(r"\b[a-z]+\.[a-z_]+\(", line)}
    assert sorted(set(OPS) - {name.rstrip("(") for name in seen}) == []


def test_every_pass_and_its_remarks_are_expected_somewhere() -> None:
    said = {code for line in expected_lines() for code in re.findall(r"SGL\d{4}", line)}
    remarks = {code for code in CODES if "SGL0360" <= code < "SGL0380"}
    assert sorted(remarks - said - {"SGL0371", "SGL0372", "SGL0373"}) == []
    arguments = {b.argument for p in FILES for b in GoldenFile.read(p).blocks}
    assert set(PASSES) <= arguments


def test_every_family_of_diagnostics_is_expected_somewhere() -> None:
    said = {code for line in expected_lines() for code in re.findall(r"(SGL\d{4})\]", line)}
    families = {code[:6] for code in CODES if code < "SGL0360"}
    assert sorted(families - {code[:6] for code in said}) == []
    assert len({code for code in said if code < "SGL0300"}) >= 30


# The harness itself


def golden(tmp_path: Path, text: str, name: str = "x.sgl") -> Path:
    path = tmp_path / name
    path.write_text(text, encoding="utf-8")
    return path


def test_a_difference_is_shown_and_can_be_accepted(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(golden_files, "FOLDER", tmp_path / "tests" / "golden")
    monkeypatch.delenv(golden_files.SETTING, raising=False)
    monkeypatch.chdir(tmp_path)
    path = golden(
        tmp_path, "def f():\n    usr 'a'\n\n\n# CHECK-DIAGNOSTICS:\n# error[SGL0110] gone\n"
    )
    with pytest.raises(AssertionError) as caught:
        check(path)
    diff = str(caught.value)
    assert "\n-# error[SGL0110] gone\n+# error[SGL0110] 2:5-2:8: unknown role `usr`" in diff
    assert "SGLC_UPDATE_GOLDEN=1" in diff
    monkeypatch.setenv(golden_files.SETTING, "1")
    check(path)
    monkeypatch.delenv(golden_files.SETTING)
    check(path)
    assert path.read_text("utf-8").startswith("def f():\n    usr 'a'\n\n\n# CHECK-DIAGNOSTICS:\n")
    assert "#   help: did you mean `user`?\n" in path.read_text("utf-8")


def test_unknown_expectations_are_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    path = golden(tmp_path, "def f():\n    'a'\n\n# CHECK-NOTHING:\n")
    with pytest.raises(AssertionError, match="no expectation is called `CHECK-NOTHING`"):
        check(path)
