"""Every prompt that examples and documentation rely on has its answer, by a safe margin."""

import pytest
from accuracy import Subject, judge
from canonical import MARGIN, Case, load

from sglc_runtime import embedded

CASES = load()
GROUPS = sorted({case.name.split("/")[0] for case in CASES})


@pytest.fixture(scope="module")
def subject() -> Subject:
    return Subject.load(embedded.path())


@pytest.mark.parametrize("group", GROUPS)
def test_canonical(subject: Subject, group: str) -> None:
    unsafe: dict[str, tuple[float, str]] = {}
    for case in CASES:
        if case.name.split("/")[0] == group:
            verdict = judge(subject, case)
            if not (verdict.right and verdict.margin >= MARGIN):
                unsafe[case.name] = (verdict.margin, verdict.instead)
    assert not unsafe


def test_a_wrong_answer_is_noticed(subject: Subject) -> None:
    prompt = ("Q: What is the capital of France?\nA:",)
    verdict = judge(subject, Case("wrong", prompt, " London\n"))
    assert not verdict.right
    assert verdict.margin < 0
    chosen = judge(subject, Case("wrong", prompt, " London", (" London", " Paris")))
    assert not chosen.right
