"""`python examples/NAME.py` runs each example as its reader would."""

import subprocess
import sys

import pytest

from tests.cli.programs import environment
from tests.examples.cases import EXAMPLES

pytestmark = pytest.mark.engine

SAYS = {
    "agent": "answer: 84\n",
    "control_flow": "I need to use a calculator. The math expression is 12 * 7.\n",
    "json_record": "{'name': 'Ada Lovelace', 'age': 36, 'city': 'London'}\n",
    "judge": "Grade: A\n",
    "many_tips": "\nwalking: Walking is the easiest way to move more. ",
    "multi_turn_question": "assistant : The capital of the United States is Washington, D.C.\n",
    "regex_ip": "8.8.8.8\n",
    "streaming": "Q: What is the capital of France?\nA: Paris\n",
    "text_qa": " London\n Paris\n Tokyo\n",
    "tip_suggestion": "\nTip 2:Regular exercise keeps the heart, muscles and mind strong. ",
}


@pytest.mark.parametrize("name", sorted(SAYS))
def test_standalone(name: str) -> None:
    done = subprocess.run(
        [sys.executable, str(EXAMPLES / f"{name}.py")],
        cwd=EXAMPLES.parent, env=environment(), capture_output=True, text=True, timeout=120,
        check=False, stdin=subprocess.DEVNULL,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    assert SAYS[name] in done.stdout
    assert done.stderr == ""


def test_all_examples_stand_alone() -> None:
    assert set(SAYS) == {path.stem for path in EXAMPLES.glob("*.py")} - {"tools"}
