"""The arithmetic of choices, on numbers where the methods differ."""

import pytest

from sglc.language.choices import (
    ChoicesDecision,
    find_method,
    greedy_token_selection,
    method_name,
    token_length_normalized,
    unconditional_likelihood_normalized,
)

CHOICES = ["organ", "organism", "antidisestablishmentarianism"]
GIVEN = [[-0.1], [-0.2, -0.9], [-0.5, -0.01, -0.01, -0.01, -0.01]]
ALONE = [[-0.2], [-3.0, -1.5], [-0.6, -0.02, -0.02, -0.02, -0.02]]


def tokens(rows: list[list[float]]) -> list[list[list[object]]]:
    return [[[value, i, None] for i, value in enumerate(row)] for row in rows]


def decide(method: object, **extra: object) -> ChoicesDecision:
    means = [sum(row) / len(row) for row in GIVEN]
    return method(  # type: ignore[no-any-return,operator]
        choices=CHOICES,
        normalized_prompt_logprobs=means,
        input_token_logprobs=tokens(GIVEN),
        output_token_logprobs=[[], [], []],
        **extra,
    )


def test_methods_differ() -> None:
    assert decide(greedy_token_selection).decision == "organ"
    assert decide(token_length_normalized).decision == "organ"
    found = decide(unconditional_likelihood_normalized, unconditional_token_logprobs=tokens(ALONE))
    assert found.decision == "organism"
    assert found.meta_info["normalized_unconditional_prompt_logprobs"] == pytest.approx(
        [0.1, 1.7, 0.028]
    )


def test_length_normalization_prefers_the_long_likely_choice() -> None:
    found = token_length_normalized(
        choices=["a", "b"],
        normalized_prompt_logprobs=[-0.5, -0.1],
        input_token_logprobs=tokens([[-0.5], [-0.3, 0.0, 0.0]]),
        output_token_logprobs=[[], []],
    )
    assert found.decision == "b"


def test_greedy_goes_token_by_token_and_continues_short_choices_with_their_mean() -> None:
    found = greedy_token_selection(
        choices=["ab", "ac", "a"],
        normalized_prompt_logprobs=[0, 0, 0],
        input_token_logprobs=tokens([[-1.0, -2.0], [-1.0, -0.5], [-1.0]]),
        output_token_logprobs=[[], [], []],
    )
    assert found.decision == "ac"
    assert found.meta_info["greedy_logprob_matrix"][2] == [-1.0, -1.0]


def test_ties_go_to_the_first() -> None:
    for method in (token_length_normalized, greedy_token_selection):
        found = method(
            choices=["x", "y"],
            normalized_prompt_logprobs=[-1.0, -1.0],
            input_token_logprobs=tokens([[-1.0], [-1.0]]),
            output_token_logprobs=[[], []],
        )
        assert found.decision == "x"


def test_a_missing_logprob_counts_as_zero() -> None:
    found = unconditional_likelihood_normalized(
        choices=["x", "y"],
        normalized_prompt_logprobs=[0, 0],
        input_token_logprobs=[[[-1.0, 0, None]], [[-2.0, 1, None]]],
        output_token_logprobs=[[], []],
        unconditional_token_logprobs=[[[None, 0, None]], [[-1.5, 1, None]]],
    )
    assert found.decision == "y"
    with pytest.raises(ValueError, match="Unconditional"):
        decide(unconditional_likelihood_normalized)


def test_finding_methods() -> None:
    assert find_method(None) is token_length_normalized
    assert find_method("greedy_token_selection") is greedy_token_selection
    assert method_name(greedy_token_selection) == "greedy_token_selection"
    with pytest.raises(ValueError, match="unknown choices method"):
        find_method("best")
