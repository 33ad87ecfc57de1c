"""Deciding among scored choices, as SGLang's choices methods define it."""

from __future__ import annotations

from collections.abc import Sequence


def mean(values: Sequence[float]) -> float:
    """Arithmetic mean of at least one value."""
    return sum(values) / len(values)


def first_best(values: Sequence[float]) -> int:
    """Index of the largest value; the first of equals."""
    return max(range(len(values)), key=lambda index: (values[index], -index))


def token_length_normalized(logprobs: Sequence[Sequence[float]]) -> int:
    """The choice whose tokens have the highest mean log probability."""
    return first_best([mean(row) for row in logprobs])


def greedy_token_selection(logprobs: Sequence[Sequence[float]]) -> int:
    """
    The choice that is most likely token by token.

    Choices that fall behind at a token drop out; one that has ended stands in with its mean.
    """
    remaining = list(range(len(logprobs)))
    for place in range(max(map(len, logprobs))):
        at = {
            index: row[place] if place < len(row := logprobs[index]) else mean(row)
            for index in remaining
        }
        best = max(at.values())
        remaining = [i for i in remaining if at[i] == best]
        if len(remaining) == 1:
            break
    return remaining[0]


def unconditional_likelihood_normalized(
    logprobs: Sequence[Sequence[float]], unconditional: Sequence[Sequence[float]]
) -> int:
    """The choice that the path makes more likely than nothing does, in the mean over its tokens."""
    return first_best(
        [
            mean([given - alone for given, alone in zip(row, bare, strict=True)])
            for row, bare in zip(logprobs, unconditional, strict=True)
        ]
    )
