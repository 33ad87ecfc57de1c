"""
`prefix-hoist`: find text that is known before the program runs, so that it is computed once, early.

For every function the constant start of its prompt (`prefix`): rows of a batch and calls of the
function share it. For every fork the constant text that all branches start with (`common`). Only
marks are set; no prompt's text changes, and which token ids are computed early is decided at run
time from whole text runs (hoisting is value numbering over prefixes).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from sglc.diagnostics.core import Diagnostic
from sglc.ir.collector import without_collection
from sglc.ir.core import Attr, Func, Module, Op, Region
from sglc.passes import leading
from sglc.passes.base import Pass, PassResult, remark
from sglc.passes.places import Places

FUNCTION_PREFIX, FORK_PREFIX = "SGL0361", "SGL0362"


@dataclass(frozen=True)
class PrefixHoist(Pass):
    """Mark constant prefixes of functions and forks."""

    name: ClassVar[str] = "prefix-hoist"

    min_tokens: int = 1
    """A function's prefix or a fork's common text of fewer estimated tokens is not marked."""
    min_chars: int = 1
    """The same in characters."""

    @without_collection
    def apply(self, module: Module) -> PassResult:
        remarks: list[Diagnostic] = []
        changed = False
        for func in module.funcs.values():
            places = Places(func)
            changed |= self._function(module, func, places, remarks)
            for op in places.order:
                if op.name == "lm.fork" and op.attrs.get("size") != 1:
                    changed |= self._fork(module, func, places, op, remarks)
        return PassResult(changed, tuple(remarks))

    def _function(
        self, module: Module, func: Func, places: Places, remarks: list[Diagnostic]
    ) -> bool:
        segments = leading.of_function(module, func, places).segments
        if not self._worth(segments):
            return False
        chars, tokens = leading.size(segments)
        func.attrs["prefix"] = tuple(segments)
        message = (
            f"every prompt of `{func.name}` starts with the same {chars} characters "
            f"(about {tokens} tokens), computed once for all rows and calls"
        )
        remarks.append(remark(FUNCTION_PREFIX, message, module, func.loc, func=func))
        return True

    def _fork(
        self, module: Module, func: Func, places: Places, op: Op, remarks: list[Diagnostic]
    ) -> bool:
        op.attrs["hoist"] = True
        op.made_by = self.name
        segments = leading.common(_branches(module, places, op))
        text = segments[0] if segments else ""
        if isinstance(text, str) and text and self._worth([text]):
            op.attrs["common"] = text
            chars, tokens = leading.size([text])
            message = (
                f"all branches start with the same {chars} characters (about {tokens} tokens), "
                f"computed once with the prompt before the fork"
            )
        else:
            message = "the prompt before the fork is computed once for all branches"
        remarks.append(remark(FORK_PREFIX, message, module, op.loc, func=func))
        return True

    def _worth(self, segments: list[Attr]) -> bool:
        chars, tokens = leading.size(segments)
        return chars >= self.min_chars and tokens >= self.min_tokens


def _branches(module: Module, places: Places, op: Op) -> list[list[Attr]]:
    """For each known way a branch goes on: what it starts with; empty when a use is not known."""
    if op.regions:
        branch = op.regions[0]
        return [leading.of_region(module, places, branch, branch.args[0]).segments]
    forks, home = op.results[-1], op.parent
    assert home is not None
    uses = places.touching_in(home, forks)
    if not uses:
        return []
    first = uses[0]
    body = first.region("body")
    if first.name == "cf.for" and first.operands[0] is forks and body is not None:
        if any(
            use is not first and places.within(home, use) is first for use in places.touching(forks)
        ):
            return []  # a turn may append to other branches than its own
        return [leading.of_region(module, places, body, body.args[0]).segments]
    return _items(module, places, op, home, uses)


def _items(
    module: Module, places: Places, op: Op, home: Region, uses: list[Op]
) -> list[list[Attr]]:
    """
    The branches of a fork of constant size whose items are taken one by one.

    The same branch may be reached again by another use of the list, so what an item starts with is
    read up to the next use that is not the item of another constant index.
    """
    size = op.attrs.get("size")
    starts: dict[int, list[Attr]] = {}
    for position, use in enumerate(uses):
        index = _index(use)
        if index is None or index in starts:
            break
        again = next((u for u in uses[position + 1 :] if _index(u) in (None, index)), None)
        found = leading.of_region(module, places, home, use.results[0], after=use, before=again)
        starts[index] = found.segments
    return list(starts.values()) if isinstance(size, int) and set(starts) == {*range(size)} else []


def _index(use: Op) -> int | None:
    index = leading.constant(use.operands[1]) if use.name == "lm.item" else None
    return index if isinstance(index, int) and not isinstance(index, bool) else None
