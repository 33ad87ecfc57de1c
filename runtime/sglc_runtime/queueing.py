"""
In which order waiting sequences are admitted: priority, then rounds, then a policy.

A depth-first walk over the prefixes of all that waits computes each shared prefix once, however
small the cache (Zheng et al., "SGLang", NeurIPS 2024, Theorem 3.1). Alone it would starve: whoever
shares the prefix at hand goes first, for ever if such requests keep coming. So `ROUND` requests
that arrive one after another form a round, rounds go in order, and the walk is within one round:
no request is overtaken by more than `ROUND` - 1 later ones of its priority. The other policies of
SGLang order a round by something else.
"""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from collections.abc import Callable, Iterable, Iterator
from collections.abc import Sequence as Queue
from operator import attrgetter
from typing import Literal

from sglc_runtime.kv.node import Match, common_length
from sglc_runtime.sequence import Sequence

ROUND = 256
"""Requests of one round."""
Policy = Literal["dfs", "lpm", "fcfs", "lof", "random"]
"""
Depth first; the longest cached prefix first; first come, first served; the most tokens to come
first; some order that depends on nothing.
"""
Group = tuple[int, int, bool]
"""(-priority, round, has not begun yet): sequences that differ in nothing but their ids."""

_IDS = attrgetter("ids")
_BITS = (1 << 64) - 1


def group(sequence: Sequence) -> Group:
    """Who a sequence is equal to. One that lost its place comes before those that had none."""
    return (sequence.order[0], sequence.arrival // ROUND, not sequence.started)


def rank(sequence: Sequence) -> tuple[Group, list[int], tuple[int, int, int]]:
    """The order of the waiting queue: groups, and within one lexicographic in ids."""
    return (group(sequence), sequence.ids if not sequence.started else [], sequence.order)


def policy_for(asked: Policy, *, radix_cache: bool) -> Policy:
    """`asked`, or `fcfs` where it looks at a cache that there is not, as in SGLang."""
    return asked if radix_cache or asked not in ("dfs", "lpm") else "fcfs"


def admission_order(
    waiting: Queue[Sequence],
    cursor: list[int],
    policy: Policy = "dfs",
    match: Callable[[list[int]], Match] | None = None,
) -> Iterator[Sequence]:
    """
    Waiting sequences as they are to be admitted; `waiting` is in `rank`, `cursor` are the ids that
    were admitted last. `match` looks a prefix up in the cache, for `lpm`.
    """
    first = 0
    while first < len(waiting):
        key = group(waiting[first])
        end = bisect_right(waiting, key, lo=first, key=group)
        members: Iterable[Sequence] = waiting[first:end]
        if not waiting[first].started:
            members = _ordered(list(waiting[first:end]), cursor, policy, match)
        for sequence in members:
            cursor = sequence.ids
            yield sequence
        first = end


def _ordered(
    members: list[Sequence],
    cursor: list[int],
    policy: Policy,
    match: Callable[[list[int]], Match] | None,
) -> Iterable[Sequence]:
    """Sequences that have not begun and are equal to each other but for `policy`."""
    if policy == "dfs":
        return _depth_first(members, cursor)
    if policy == "lpm":
        assert match is not None, "the longest prefix is one of the cache"
        return sorted(members, key=lambda member: (-match(member.ids).length, _age(member)))
    if policy == "lof":
        return sorted(members, key=lambda member: (-_to_come(member), _age(member)))
    if policy == "random":
        return sorted(members, key=lambda member: (_scrambled(member.arrival), _age(member)))
    return sorted(members, key=_age)


def _to_come(sequence: Sequence) -> int:
    """Tokens that its longest sample may still have."""
    return max((run.limit - len(run.tokens) for run in sequence.samples), default=0)


def _scrambled(number: int) -> int:
    """A 64-bit number that looks random: a step of SplitMix64 (Steele et al., OOPSLA 2014)."""
    number = (number + 1) * 0x9E3779B97F4A7C15 & _BITS
    number = (number ^ number >> 30) * 0xBF58476D1CE4E5B9 & _BITS
    number = (number ^ number >> 27) * 0x94D049BB133111EB & _BITS
    return number ^ number >> 31


def _depth_first(members: list[Sequence], cursor: list[int]) -> Iterator[Sequence]:
    """
    Always the one with the longest prefix in common with the one before it, the oldest of several.

    That is a depth-first walk, as the next one is in the smallest subtree that has any left.
    Lexicographic order keeps a subtree together, and the nearest are the neighbours.
    """
    while members:
        at = bisect_left(members, cursor, key=_IDS)
        near = members[max(0, at - 1) : at + 1]
        depth = max(common_length(member.ids, 0, cursor, 0) for member in near)
        first, end = 0, len(members)
        if depth:
            stem, head = cursor[:depth], _head(depth)
            first = bisect_left(members, stem, key=head)
            end = bisect_right(members, stem, lo=first, key=head)
        chosen = min(range(first, end), key=lambda index: _age(members[index]))
        cursor = members[chosen].ids
        yield members.pop(chosen)


def _head(length: int) -> Callable[[Sequence], list[int]]:
    return lambda sequence: sequence.ids[:length]


def _age(sequence: Sequence) -> tuple[int, int]:
    return (sequence.arrival, sequence.order[2])
