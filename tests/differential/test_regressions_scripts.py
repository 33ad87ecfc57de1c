"""What random testing of scripts found, one test for each finding."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.differential.fuzzing.comparing_scripts import compare_script
from tests.differential.fuzzing.script import Script
from tests.differential.regression_scripts import SCRIPTS


@pytest.mark.parametrize("name", SCRIPTS)
def test_every_way_to_run_it_is_the_same(name: str, tmp_path: Path) -> None:
    for number in range(6):  # other orders of answers, and other passes
        script = Script(f"{name}_{number}", SCRIPTS[name], ("Who?", 2, ("x", "y")), "chatml")
        outcome = compare_script(script, tmp_path)
        assert outcome.lifted
        assert outcome.found == []
