"""`sglc bench rows`: both ways are measured, and what a row costs stays bounded."""

from __future__ import annotations

import json
import subprocess
import sys
from dataclasses import asdict
from typing import Any

from typer.testing import CliRunner

from sglc.benchmarks.rows import RowBench
from sglc.cli.app import app

RUNNER = CliRunner()


def figures(bench: RowBench) -> dict[str, Any]:
    command = [sys.executable, "-m", "sglc.benchmarks.rows", json.dumps(asdict(bench))]
    done = subprocess.run(command, capture_output=True, check=True, text=True)
    found: dict[str, Any] = json.loads(done.stdout)
    return found


def bytes_a_row(found: dict[str, Any], rows: int) -> float:
    grown: float = found["memory_peak"] - found["memory_before"]
    return grown * 1024 * 1024 / rows


def test_both_ways_in_one_run() -> None:
    arguments = ["bench", "rows", "--rows", "40", "--forks", "2", "--repeats", "2", "--json"]
    result = RUNNER.invoke(app, arguments)
    assert result.exit_code == 0, result.output
    found = json.loads(result.stdout)
    assert found["compiled"]["seconds"] > 0
    assert found["compiled"]["threads"] == 2  # the caller's and the driver's
    assert found["interpreted"]["threads"] > found["compiled"]["threads"]
    low, high = found["cpu_ratio_range"]
    assert low <= found["cpu_ratio"] <= high


def test_the_table_names_both_ways() -> None:
    arguments = ["bench", "rows", "--rows", "10", "--host", "--threads", "4", "--repeats", "1"]
    result = RUNNER.invoke(app, arguments)
    assert result.exit_code == 0, result.output
    lines = [line.split()[0] for line in result.stdout.splitlines() if line.strip()]
    assert "compiled" in lines
    assert "interpreted" in lines


def test_a_silent_row_stays_small() -> None:
    """100,000 of them are to stay below 2 GB: 20 KiB each."""
    assert bytes_a_row(figures(RowBench(rows=3000)), 3000) < 12 * 1024


def test_rows_that_wait_in_host_code_need_a_thread_each_and_little_else() -> None:
    found = figures(RowBench(rows=300, host=True, threads=300))
    assert found["threads"] >= 300
    assert bytes_a_row(found, 300) < 200 * 1024
