"""Each example gives the same prompts, variables and texts in Python and as a script."""

import hashlib
from typing import Any

import pytest

from sglc.backends.recording import RecordingBackend
from sglc.programs.program import Program, RunOptions, load
from tests.examples.cases import CASES, EXAMPLES, Case

WORDS = ("amber", "birch", "cedar", "delta", "ember", "fjord", "grove", "heath")


def invent(prompt: str) -> str:
    """An answer that depends on the whole prompt and on nothing else."""
    digest = hashlib.sha256(prompt.encode()).digest()
    return " " + " ".join(WORDS[byte % 8] for byte in digest[:4]) + "."


def recording() -> RecordingBackend:
    rules = {
        r" expression: \Z": "12 * (7 - 3)",
        r"Extract the person[^\0]*assistant[^\0]*\Z": '{"name": "Ada", "age": 36, "city": "Rome"}',
        "": invent,
    }
    return RecordingBackend(rules=rules, chat_template="chatml")


def program(case: Case, suffix: str) -> Program:
    path = f"{EXAMPLES / case.file}.{suffix}:{case.function}"
    return load(path, allow_extern=["tools"])


def observe(case: Case, suffix: str, **how: Any) -> dict[str, Any]:
    """All that a run of an example shows."""
    backend = recording()
    options = RunOptions(backend=backend, seed=1, sampling={"temperature": 0.0}, **how)
    running = program(case, suffix).start(case.args, options)
    running.wait()
    return {
        "prompts": backend.prompts,
        "text": running.state.text(),
        "messages": running.state.messages(),
        "value": running.value(),
    }


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.id)
def test_python_and_script_agree(case: Case) -> None:
    python, script = observe(case, "py"), observe(case, "sgl")
    assert python["prompts"], "the example asks the model"
    assert script["prompts"] == python["prompts"]
    assert script["text"] == python["text"]
    assert script["messages"] == python["messages"]


@pytest.mark.parametrize("suffix", ["py", "sgl"])
@pytest.mark.parametrize("case", CASES, ids=lambda case: case.id)
def test_compiled_and_eager_agree(case: Case, suffix: str) -> None:
    assert observe(case, suffix) == observe(case, suffix, eager=True)


def test_every_example_is_tested_in_both_languages() -> None:
    files = {path.stem for path in EXAMPLES.glob("*.py")} - {"tools"}
    assert files == {path.stem for path in EXAMPLES.glob("*.sgl")}
    assert files == {case.file for case in CASES}
