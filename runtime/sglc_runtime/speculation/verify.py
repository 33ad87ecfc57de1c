"""
Keeps guesses as long as they are what the model samples itself.

Every token is sampled from the model's own logits with its own noise, penalties and grammar, in
order, exactly as without speculation; a guess only decides whether the next row was computed for
the right continuation. So output never changes, at any temperature. This is not rejection sampling
(Leviathan et al., arXiv 2211.17192), which keeps the distribution but not the sample.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import NamedTuple

from sglc_runtime.kv import KVCache
from sglc_runtime.sequence import Sequence


class Drafted(NamedTuple):
    """A sequence whose guesses went through the model, and the row of its first logits."""

    sequence: Sequence
    first: int


def keep(drafted: Iterable[Drafted], kept: int, cache: KVCache) -> list[Drafted]:
    """
    Of sequences that kept `kept` guesses and got one more token, those whose next guess it was.

    They have a further row of logits to sample from. The others give back what they do not need;
    one that has ended or failed has done so already.
    """
    going: list[Drafted] = []
    for entry in drafted:
        sequence = entry.sequence
        draft = sequence.draft
        if kept < len(draft) and draft[kept] == sequence.ids[-1]:
            sequence.computed += 1
            going.append(entry)
        elif draft:
            sequence.draft = []
            cache.trim(sequence)
    return going
