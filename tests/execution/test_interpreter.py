"""Scripts run by the interpreter: prompts, values, variables, under every pipeline."""

from __future__ import annotations

import json
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from tests.execution.scripts import PIPELINES, run

FOLDER = Path(__file__).parent.parent / "golden" / "programs"
"""Scripts that say in their first lines what must come of them, see `Case`."""


@dataclass(frozen=True)
class Case:
    """
    A script with its directives.

    `# args:` JSON arguments; `# rule: REGEX => TEXT` what the model says after which prompt;
    `# value:`, `# text:`, `# prompts:` the JSON of the result, of the final prompt, and of what
    the model was asked in each state.
    """

    path: Path

    @property
    def source(self) -> str:
        return self.path.read_text(encoding="utf-8")

    def directives(self, name: str) -> list[str]:
        lead = f"# {name}: "
        lines = self.source.splitlines()
        return [line.removeprefix(lead) for line in lines if line.startswith(lead)]

    def data(self, name: str, default: Any = None) -> Any:
        found = self.directives(name)
        return json.loads(found[0]) if found else default

    @property
    def rules(self) -> dict[str, str]:
        return dict(rule.split(" => ", 1) for rule in self.directives("rule"))


CASES = [Case(path) for path in sorted(FOLDER.glob("*.sgl"))]
ANSWER = {"A$": "one"}


@pytest.mark.parametrize("passes", PIPELINES)
@pytest.mark.parametrize("case", CASES, ids=lambda c: c.path.stem)
def test_program(case: Case, passes: str) -> None:
    outcome = run(case.source, case.data("args"), rules=case.rules, passes=passes)
    assert outcome.error is None
    assert json.dumps(outcome.value) == json.dumps(case.data("value"))  # 1 is not true
    if case.directives("text"):
        assert outcome.text == case.data("text")
    if case.directives("prompts"):
        # What nobody waits for is asked all the same, if not at once.
        deadline = time.monotonic() + 10
        while outcome.prompts != case.data("prompts") and time.monotonic() < deadline:
            time.sleep(0.01)
        assert outcome.prompts == case.data("prompts")


@pytest.mark.parametrize("case", CASES, ids=lambda c: c.path.stem)
def test_program_read_back_from_text_does_the_same(case: Case) -> None:
    args = case.data("args")
    direct = run(case.source, args, rules=case.rules)
    read = run(case.source, args, rules=case.rules, passes="default", through_text=True)
    assert (read.value, read.text, read.prompts) == (direct.value, direct.text, direct.prompts)


def test_sampling_parameters_reach_the_backend() -> None:
    outcome = run(
        "use temperature=0, max_tokens=7, stop='.'\nschema P:\n    a: int\n"
        "def f(n):\n    gen(max_tokens=n, n=2, dtype=int)\n    gen(json=P, top_p=0.5)\n"
        "    gen(stop=none)\n"
        "    select(['a', 'b'], method='greedy_token_selection')\n",
        {"n": 3},
        rules={".": '{"a": 1}'},
    )
    first, second, third, fourth = (call.step for call in outcome.backend.calls)
    assert (first.params.max_new_tokens, first.params.n, first.params.dtype) == (3, 2, "int")
    assert (first.params.temperature, first.params.stop) == (0, (".",))
    assert json.loads(second.params.json_schema) == {
        "title": "P",
        "type": "object",
        "properties": {"a": {"type": "integer"}},
        "required": ["a"],
        "additionalProperties": False,
    }
    assert (second.params.max_new_tokens, second.params.top_p) == (7, 0.5)
    assert third.params.stop == ()
    assert type(fourth.method).__name__ == "GreedyTokenSelection"


def test_state_variables_are_those_of_the_script() -> None:
    outcome = run("def f():\n    'A'\n    x = gen()\n    y = gen()\n    x = gen()\n", rules=ANSWER)
    assert set(outcome.vars) == {"x", "y"}


def test_seeds_do_not_depend_on_passes() -> None:
    text = (
        "def main():\n    a = ask('1')\n    fork x in [1, 2] as t:\n        b = ask('2')\n"
        "        c = gen()\n    d = ask('3')\n    e = gen()\n"
        "def ask(q):\n    '${q}'\n    x = gen()\n    return x\n"
    )
    keys = {
        passes: sorted((c.label, c.step.key) for c in run(text, passes=passes).backend.calls)
        for passes in PIPELINES
    }
    assert len(set(map(str, keys.values()))) == 1
    labels = [label for label, _ in keys["none"]]
    assert len(labels) == 7
    assert len({key for _, key in keys["none"]}) == 7
