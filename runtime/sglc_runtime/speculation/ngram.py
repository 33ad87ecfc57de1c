"""
Prompt lookup: what followed the last time that the same few tokens were there.

After "prompt lookup decoding" (Saxena 2023) and LLMA (Yang et al., arXiv 2304.04487). Finds quotes,
repeated names and records, and code; costs a search through bytes.
"""

from __future__ import annotations

from array import array
from collections.abc import Sequence as Many

from sglc_runtime.sequence import Sequence
from sglc_runtime.speculation.proposer import NOTHING, Guess

WIDTH = array("i").itemsize
SHORTEST, USUAL, LONGEST = 2, 3, 8
"""Tokens that have to agree: at least, looked for first, and told apart at most."""


class NgramProposer:
    """Guesses from a sequence's own ids."""

    def propose(self, sequences: Many[Sequence], counts: Many[int]) -> list[Guess]:
        """See `Proposer`."""
        guesses: list[Guess] = []
        for sequence, most in zip(sequences, counts, strict=True):
            known = sequence.track.packed
            known += pack(sequence.ids[len(known) // WIDTH :])
            guesses.append(look_up(sequence.ids, known, most))
        return guesses


def pack(ids: list[int]) -> bytes:
    """`ids` as bytes of fixed width, which the interpreter searches fast."""
    return array("i", ids).tobytes()


def look_up(ids: list[int], packed: bytes | bytearray, most: int) -> Guess:
    """At most `most` ids that followed the latest earlier place that ended as `ids` does."""
    for size in (USUAL, SHORTEST):
        at = _latest(packed, size) if len(ids) > size else -1
        if at >= 0:
            break
    else:
        return NOTHING
    while size < LONGEST and at > size and ids[at - size - 1] == ids[-size - 1]:
        size += 1
    return Guess(ids[at : at + most], f"ngram-{size}")


def _latest(packed: bytes | bytearray, size: int) -> int:
    """Position behind the latest earlier occurrence of the last `size` ids; -1 if there is none."""
    suffix = packed[-size * WIDTH :]
    end = len(packed) - WIDTH
    while (start := packed.rfind(suffix, 0, end)) >= 0:
        if start % WIDTH == 0:
            return start // WIDTH + size
        end = start + len(suffix) - 1
    return -1
