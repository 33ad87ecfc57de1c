"""Commands in docs/cli.md and docs/passes.md do what the pages say."""

from __future__ import annotations

import re
import shlex
import shutil
from pathlib import Path

import pytest

from tests.cli.programs import ROOT, invoke

PAGES = [ROOT / "docs" / name for name in ("cli.md", "passes.md")]
COMMAND = re.compile(r"^    sglc ((?:check|compile|explain) (?! *(?:PATH|FILE)).*)$", re.MULTILINE)
SESSION = re.compile(r"```console\n\$ sglc (.*)\n((?:.*\n)*?)```")


@pytest.fixture(autouse=True)
def checkout(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A folder with the examples, in which commands may write."""
    (tmp_path / "examples").symlink_to(ROOT / "examples")
    for script in (ROOT / "examples").glob("*.sgl"):
        shutil.copy(script, tmp_path)
    monkeypatch.chdir(tmp_path)


@pytest.mark.parametrize("page", PAGES, ids=lambda p: p.name)
def test_commands_work_one_after_the_other(page: Path) -> None:
    commands = COMMAND.findall(page.read_text("utf-8"))
    assert commands
    for command in commands:
        done = invoke(*shlex.split(command))
        assert done.exit_code == 0, (command, done.output)


def test_sessions_print_what_the_page_shows() -> None:
    sessions = [found for page in PAGES for found in SESSION.findall(page.read_text("utf-8"))]
    assert sessions
    for command, output in sessions:
        assert invoke(*shlex.split(command)).stdout == output


def test_every_option_of_compile_is_documented() -> None:
    page = PAGES[0].read_text("utf-8")
    shown = invoke("compile", "--help").stdout
    options = set(re.findall(r"--[a-z][a-z-]+", shown)) - {"--help", "--output"}
    assert sorted(option for option in options if option not in page) == []


def test_the_golden_heading_in_the_page_is_what_the_harness_reads() -> None:
    from tests.golden_files import HEADING, SETTING

    page = PAGES[1].read_text("utf-8")
    headings = re.findall(r"^# (?:PASSES|CHECK-[A-Z-]+):.*$", page, re.MULTILINE)
    assert len(headings) == 4
    assert all(HEADING.match(line) for line in headings)
    assert f"{SETTING}=1 python -m pytest tests/test_golden.py" in page
