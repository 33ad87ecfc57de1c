"""`sglc bench` on a tiny model: figures, agreement, errors."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner

from sglc.cli.app import app
from tests.runtime.tiny_checkpoints import write_checkpoint

RUNNER = CliRunner()
SMALL = ["--threads", "1", "--new-tokens", "4"]


@pytest.fixture(scope="module")
def model(tmp_path_factory: pytest.TempPathFactory) -> str:
    return str(write_checkpoint(tmp_path_factory.mktemp("bench") / "llama", "llama"))


def figures(*arguments: str) -> dict[str, Any]:
    result = RUNNER.invoke(app, ["bench", *arguments, "--json"])
    assert result.exit_code == 0, result.output
    found: dict[str, Any] = json.loads(result.stdout)
    return found


def test_generate_beside_transformers(model: str) -> None:
    sizes = ["--prefix-tokens", "40", "--branches", "3", "--repeats", "2"]
    found = figures("generate", "--model", model, *SMALL, *sizes)
    assert [case["sequences"] for case in found["cases"]] == [1, 1, 3]
    for case in found["cases"]:
        low, high = case["speedup_range"]
        assert 0 < low <= case["speedup"] <= high
        assert case["same_tokens"]
    assert found["load"]["cores"] >= 1
    assert found["disturbed"] in (True, False)


def test_agreement_in_every_way(model: str) -> None:
    found = figures("agreement", "--model", model, "--threads", "1", "--prompts", "12")
    assert found["dtype"] == "float32"
    assert len(found["ways"]) == 5
    for way in found["ways"]:
        assert way["prompts_agree"] == 12
        assert way["tokens_agree"] == found["tokens"] == 12 * 32
        assert way["logit_rows_equal"] == way["logit_rows"] == 12 * 32
    *_, shared, pool = found["ways"]
    assert shared["cached_tokens"] > 0
    assert pool["evicted_tokens"] > 0
    assert pool["preemptions"] > 0


def test_agreement_with_keys_and_values_of_8_bits(model: str) -> None:
    """What rounding changes is told, and is no failure."""
    options = ("--threads", "1", "--prompts", "4", "--kv-cache-dtype", "fp8_e5m2")
    found = figures("agreement", "--model", model, *options)
    assert found["kv_cache_dtype"] == "fp8_e5m2"
    assert found["attention"] == "torch"
    assert all(way["tokens_agree"] < found["tokens"] == 4 * 32 for way in found["ways"])


def test_tables(model: str) -> None:
    result = RUNNER.invoke(app, ["bench", "agreement", "--model", model, "--prompts", "2", *SMALL])
    assert result.exit_code == 0, result.output
    assert "2/2" in result.stdout
    assert "8/8" in result.stdout
    assert "starting the engine" in result.stderr
    sizes = ["--prefix-tokens", "8", "--branches", "2", "--repeats", "1"]
    result = RUNNER.invoke(app, ["bench", "generate", "--model", model, *SMALL, *sizes])
    assert result.exit_code == 0, result.output
    assert "2 branches after 8 shared tokens" in result.stdout
    assert "load average" in result.stdout


def test_a_model_that_is_not_there(tmp_path: Path) -> None:
    result = RUNNER.invoke(app, ["bench", "generate", "--model", str(tmp_path / "nowhere")])
    assert result.exit_code == 1
    assert "cannot load the model" in result.stderr
    assert "Traceback" not in result.output
