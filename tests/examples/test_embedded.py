"""Each example on the embedded model, in both languages: same prompts, same text, right answers."""

import json
from dataclasses import dataclass, field
from typing import Any

import pytest

from sglc.programs.program import RunOptions, load
from sglc.programs.running import Running
from tests.examples.cases import CASES, EXAMPLES, NAMES, Case

pytestmark = pytest.mark.engine

CANONICAL = EXAMPLES.parent / "runtime" / "embedded_model" / "canonical.json"
TAUGHT = {
    case["name"]: case["expected"].removesuffix("<|endoftext|>").strip()
    for case in json.loads(CANONICAL.read_text(encoding="utf-8"))
}
"""What the embedded model was taught to say, by the name of the prompt."""


@dataclass(frozen=True)
class Expected:
    """What an example must say; the prompts are canonical (`runtime/embedded_model`)."""

    variables: dict[str, Any] = field(default_factory=dict)
    within: tuple[str, ...] = ()
    value: Any = None


EXPECTED = {
    "multi_turn_question:multi_turn_question": Expected(
        {
            "answer_1": "The capital of the United States is Washington, D.C.",
            "answer_2": "1. The National Mall\n2. The Lincoln Memorial",
        }
    ),
    "control_flow:control_flow-calculator": Expected(
        {"tool": "calculator", "expression": " 12 * 7.\n"}
    ),
    "control_flow:control_flow-browser": Expected(
        {"tool": "web browser", "url": " www.openai.com.\n"}
    ),
    "tip_suggestion:tip_suggestion": Expected(
        within=(
            f"\nTip 1:{TAUGHT['tips/1']}\nTip 2:{TAUGHT['tips/2']}\n",
            f"\nIn summary{TAUGHT['tips/summary']}",
        )
    ),
    "many_tips:many_tips": Expected(
        within=tuple(f"\n{name}: {TAUGHT[f'tips16/{name}']}" for name in NAMES)
    ),
    "regex_ip:regular_expression_gen": Expected({"answer": "8.8.8.8"}),
    "text_qa:text_qa": Expected({"answer": " London"}),
    "streaming:text_qa": Expected({"answer": " Paris"}),
    "json_record:character_gen": Expected({"json_output": TAUGHT["character/Harry Potter"]}),
    "json_record:extract": Expected(
        within=('{"name": "Ada Lovelace", "age": 36, "city": "London"}',)
    ),
    "judge:judge": Expected(
        {"summary": " the essay is excellent and well written.", "grade": " A"},
        within=("Judgment: The clarity is excellent because ",),
        value="A",
    ),
    "agent:agent-calc": Expected(
        {"expr": "12 * 7", "answer": "84"}, within=("Observation: 84",), value="84"
    ),
    "agent:agent-search": Expected(
        {
            "query": "Who wrote Romeo and Juliet?",
            "answer": "William Shakespeare wrote Romeo and Juliet.",
        },
        value="William Shakespeare wrote Romeo and Juliet.",
    ),
}


def run(case: Case, suffix: str, **how: Any) -> Running:
    path = f"{EXAMPLES / case.file}.{suffix}:{case.function}"
    options = RunOptions(seed=1, sampling={"temperature": 0.0}, **how)
    running = load(path, allow_extern=["tools"]).start(case.args, options)
    running.wait()
    return running


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.id)
def test_answers(case: Case) -> None:
    expected = EXPECTED[case.id]
    python, script = run(case, "py"), run(case, "sgl")
    text = python.state.text()
    assert script.state.text() == text
    assert script.state.messages() == python.state.messages()
    for piece in expected.within:
        assert piece in text
    variables = python.variables()
    assert {name: variables[name] for name in expected.variables} == expected.variables
    assert script.variables().items() >= expected.variables.items()
    if expected.value is not None:
        assert python.value() == script.value() == expected.value


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.id)
def test_eager_says_the_same(case: Case) -> None:
    """Nothing that is known ahead may change an answer of the reference configuration."""
    assert run(case, "sgl", eager=True).state.text() == run(case, "sgl").state.text()


def test_batch_of_three_capitals() -> None:
    program = load(str(EXAMPLES / "text_qa.sgl"))
    rows = [
        {"question": f"What is the capital of {country}?"}
        for country in ("the United Kingdom", "France", "Japan")
    ]
    states = program.run_batch(rows, RunOptions(seed=1))
    assert [state["answer"] for state in states] == [" London", " Paris", " Tokyo"]


def test_branches_share_their_prompt() -> None:
    """Sixteen branches compute the prompt before the fork once."""
    (case,) = (case for case in CASES if case.file == "many_tips")
    usage = run(case, "sgl").usage()
    assert usage["cached_tokens"] > 0.5 * usage["prompt_tokens"]
