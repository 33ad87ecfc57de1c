"""Which ids have to go through the model to score choices, each beginning of several once."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

Want = tuple[int, int, int]
"""(choice, place, id): the log probability of the id at a place of a choice."""


@dataclass(frozen=True, slots=True)
class ChoicePath:
    """
    The ids of a choice but its last, behind a common prompt.

    The first `shared` of them are also those of an earlier path.
    """

    ids: list[int]
    shared: int
    wants: list[list[Want]]
    """What is read off the logits behind each id from `shared` on."""


def choice_paths(choices: Sequence[Sequence[int]]) -> tuple[list[Want], list[ChoicePath]]:
    """
    What is wanted behind the prompt itself, and the paths behind it: a trie, taken apart.

    A choice has no path where others compute all that it needs. Choices are not empty.
    """
    first: list[Want] = []
    paths: list[ChoicePath] = []
    behind: dict[tuple[int, int], int] = {}
    """From a node of the trie and an id to the next node; 0 is the prompt."""
    wants: list[list[Want]] = [first]
    for choice, ids in enumerate(choices):
        node = shared = 0
        for place, token in enumerate(ids):
            wants[node].append((choice, place, token))
            if place == len(ids) - 1:
                break
            known = behind.get((node, token))
            if known is None:
                known = behind[node, token] = len(wants)
                wants.append([])
            else:
                shared += 1
            node = known
        if shared < len(ids) - 1:
            new = wants[len(wants) - (len(ids) - 1 - shared) :]
            paths.append(ChoicePath(list(ids[:-1]), shared, new))
    return first, paths
