"""Every family of models gives transformers' own greedy tokens through the engine."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch

from sglc_runtime.families.__main__ import main
from sglc_runtime.families.checkpoints import write_family
from sglc_runtime.families.compare import judge, load, make_prompts, reference, run_engine
from sglc_runtime.families.report import Row, as_markdown, compare_family
from sglc_runtime.families.table import FAMILIES

BY_NAME = {family.name: family for family in FAMILIES}
PROMISED = [family.name for family in FAMILIES if family.named]


@pytest.mark.parametrize("name", PROMISED)
def test_float32_is_equal_token_for_token(name: str, tmp_path: Path) -> None:
    family = BY_NAME[name]
    rows = compare_family(tmp_path, family, dtype="float32", new=6)
    assert len(rows) == (3 if family.native else 1)
    for row in rows:
        assert row.passed
        assert row.outcome.equal == row.outcome.prompts == 6
        assert row.outcome.tokens == 36


@pytest.mark.parametrize("name", ["Llama 3", "Mixtral", "Gemma 2"])
def test_bfloat16_differs_only_where_transformers_is_undecided(name: str, tmp_path: Path) -> None:
    for row in compare_family(tmp_path, BY_NAME[name], dtype="bfloat16", new=6):
        assert row.passed, row


def test_the_comparison_finds_what_differs(tmp_path: Path) -> None:
    """Another seed is another model: hardly a token is equal."""
    family = BY_NAME["Llama 2"]
    mine = write_family(tmp_path / "a", family, seed=1)
    theirs = write_family(tmp_path / "b", family, seed=2)
    prompts = make_prompts()
    want, margins = reference(theirs, prompts, 8, torch.float32)
    assert len({token for tokens in want for token in tokens}) > 24
    got = run_engine(mine, load(mine, "native, torch", "float32"), prompts, 8)
    outcome = judge("native, torch", got, want, margins)
    assert outcome.equal == 0
    assert outcome.margin > 0.07
    row = Row(family, "float32", outcome)
    assert not row.passed
    assert not Row(family, "bfloat16", outcome).passed
    assert "**differs**" in list(as_markdown([row]))[-1]


def test_the_command_prints_a_table(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["GPT-2", "--new-tokens", "4"]) == 0
    printed = capsys.readouterr()
    assert "| GPT-2 | `gpt2` | transformers | float32 | 6 | 24 | 6/6 |" in printed.out
    assert "24 tokens compared, 0 rows differ" in printed.err
    with pytest.raises(SystemExit):
        main(["GPT-7"])
    assert "known are Llama 2" in capsys.readouterr().err
