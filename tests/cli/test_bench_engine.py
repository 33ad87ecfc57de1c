"""`sglc bench engine` and `sglc bench profile`: tables, files, exit codes."""

from __future__ import annotations

import json
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner

from sglc.cli.app import app
from sglc.cli.bench_figures import cells, figures, markdown, show

RUNNER = CliRunner()
QUICK = ["bench", "engine", "--tiny", "--quick", "--no-peers", "--repeats", "1", "--threads", "1"]


@pytest.fixture(scope="module")
def measured(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A file of figures, measured on tiny shapes."""
    target = tmp_path_factory.mktemp("bench") / "figures.json"
    result = RUNNER.invoke(app, [*QUICK, "--only", "embedded-1, select", "--json", str(target)])
    assert result.exit_code == 0, result.output
    assert "[1/2] embedded model" in result.stderr
    assert "one 8-token extend" in result.stdout
    assert "load average" in result.stdout
    return target


def changed(source: Path, target: Path, **changes: Any) -> Path:
    """A file like `source` whose last row and top are changed."""
    found = json.loads(source.read_text(encoding="utf-8"))
    for name, value in changes.items():
        (found if name in ("partial", "schema", "disturbed") else found["rows"][-1])[name] = value
    target.write_text(json.dumps(found), encoding="utf-8")
    return target


def test_a_file_is_shown_again(measured: Path) -> None:
    result = RUNNER.invoke(app, ["bench", "engine", "--from", str(measured), "--markdown"])
    assert result.exit_code == 0, result.output
    table = [line for line in result.stdout.splitlines() if line.startswith("|")]
    assert len(table) == 4
    assert table[0].startswith("| what | over | ours | peer |")
    assert "| no peer |" in table[2]
    assert all(line.count("|") == table[0].count("|") for line in table)
    assert "- embedded-1: whole call" in result.stdout


def test_json_on_stdout_is_all_there_is(measured: Path) -> None:
    result = RUNNER.invoke(app, ["bench", "engine", "--from", str(measured), "--json", "-"])
    assert json.loads(result.stdout) == json.loads(measured.read_text(encoding="utf-8"))


@pytest.mark.parametrize(
    ("changes", "code", "said"),
    [
        ({"partial": True, "status": "not measured", "value": None}, 130, "PARTIAL"),
        ({"status": "failed", "message": "RuntimeError: x", "value": None}, 1, "RuntimeError: x"),
        ({"disturbed": True}, 0, "DISTURBED"),
    ],
)
def test_what_went_wrong_is_said(
    measured: Path, tmp_path: Path, changes: dict[str, Any], code: int, said: str
) -> None:
    source = changed(measured, tmp_path / "changed.json", **changes)
    result = RUNNER.invoke(app, ["bench", "engine", "--from", str(source)])
    assert result.exit_code == code
    assert said in result.stdout


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["--only", "nothing"], "no row 'nothing'; there are: decode-llama"),
        (["--from", "nowhere.json"], "cannot read `nowhere.json`"),
        (["--repeats", "0"], "greater than or equal to 1"),
    ],
)
def test_wrong_use(arguments: list[str], said: str) -> None:
    result = RUNNER.invoke(app, ["bench", "engine", *arguments])
    assert result.exit_code == 2
    assert said in result.stderr
    assert "Traceback" not in result.output


def test_a_file_of_another_version(measured: Path, tmp_path: Path) -> None:
    source = changed(measured, tmp_path / "old.json", schema=0)
    result = RUNNER.invoke(app, ["bench", "engine", "--from", str(source)])
    assert result.exit_code == 2
    assert "another version" in result.stderr


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (1234.5, "1234"),
        (12.34, "12.3"),
        (1.234, "1.23"),
        (0.1234, "0.12"),
        (0.01234, "0.012"),
        (0, "0"),
    ],
)
def test_three_figures(value: float, text: str) -> None:
    assert figures(value) == text


def test_cells_of_a_disturbed_row(measured: Path) -> None:
    row = json.loads(measured.read_text(encoding="utf-8"))["rows"][-1]
    row |= {"value": {"median": 1.5, "low": 1.25, "high": 2}, "verdict": "met", "disturbed": True}
    row |= {"ours": {"value": 30.0, "unit": "ms"}, "peer": {"value": 20.0, "unit": "ms"}}
    assert cells(row)[2:] == (
        "30.0 ms",
        "20.0 ms",
        "1.50 (1.25-2.00)",
        "≤ 1.8",
        "≤ 1.3",
        "met, disturbed",
    )
    assert "1.50 (1.25-2.00)" in markdown({"rows": [row]})


def test_slowest_functions() -> None:
    sizes = ["--branches", "2", "--prefix-tokens", "8", "--new-tokens", "4", "--threads", "1"]
    result = RUNNER.invoke(app, ["bench", "profile", *sizes, "--json"])
    assert result.exit_code == 0, result.output
    found = json.loads(result.stdout)
    own = [entry["own_seconds"] for entry in found["functions"]]
    assert len(own) == 10
    assert own == sorted(own, reverse=True)
    assert any("forward" in entry["function"] for entry in found["functions"])
    assert sum(entry["share"] for entry in found["functions"]) <= 1
    shown = RUNNER.invoke(app, ["bench", "profile", *sizes, "--slowest", "3"])
    assert "own ms" in shown.stdout


def test_show_needs_no_terminal(measured: Path, capsys: pytest.CaptureFixture[str]) -> None:
    show(json.loads(measured.read_text(encoding="utf-8")), sys.stdout)
    out = capsys.readouterr().out
    assert "\x1b" not in out
    assert "select:" in out


def test_an_interrupt_shows_what_was_measured(tmp_path: Path) -> None:
    target = tmp_path / "figures.json"
    command = [sys.executable, "-m", "sglc", *QUICK, "--repeats", "100000", "--json", str(target)]
    command.remove("--quick")
    with subprocess.Popen(
        [*command, "--only", "select,embedded-1"],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    ) as process:
        assert process.stderr is not None
        for line in process.stderr:
            if line.startswith("[1/2]"):
                break
        time.sleep(2.5)  # some rounds of the first row
        process.send_signal(signal.SIGINT)
        out, err = process.communicate(timeout=60)
    assert process.returncode == 130, err
    assert "PARTIAL" in out
    assert "Traceback" not in out + err
    found = json.loads(target.read_text(encoding="utf-8"))
    assert found["partial"]
    assert "not measured" in [row["status"] for row in found["rows"]]


def test_a_file_of_another_command(tmp_path: Path) -> None:
    other = tmp_path / "gpu.json"
    other.write_text(json.dumps({"schema": 1, "kind": "gpu", "rows": []}), encoding="utf-8")
    result = RUNNER.invoke(app, ["bench", "engine", "--from", str(other)])
    assert result.exit_code == 2
    assert "another version or command" in result.stderr
