"""What passes could do wrong."""

from __future__ import annotations

from typing import Any

import pytest

from sglc.ir.core import Module, Op
from sglc.passes import fork_parallel, prefix_hoist
from sglc.passes.fork_parallel import ForkParallel
from sglc.passes.prefix_hoist import PrefixHoist
from sglc.passes.promote import Promote
from tests.mutation.mutant import Seen, after, first, home, ops, patched, take_out


@after(Promote, "verifier, SGL0405")
def an_operation_is_dropped_and_its_result_still_used(module: Module) -> bool:
    op = first(module, "lm.text")
    assert op is not None
    home(op).ops.remove(op)
    return True


@after(Promote, "differential test")
def an_operation_is_dropped_without_a_trace(module: Module) -> bool:
    op = first(module, "lm.text", text=("Then ",))
    return op is not None and take_out(op)


@after(Promote, "verifier, SGL0406")
def a_state_is_used_twice(module: Module) -> bool:
    op = first(module, "lm.gen")
    assert op is not None
    before = op.operands[0].owner
    assert isinstance(before, Op)
    op.operands = [before.operands[0], *op.operands[1:]]
    return True


@after(Promote, "verifier, SGL0405")
def a_read_moves_before_its_generation(module: Module) -> bool:
    for gen in ops(module, "lm.gen"):
        region = home(gen)
        later = [o for o in gen.results[-1].users if o.parent is region and o.name == "lm.text"]
        if later:
            region.ops.remove(later[0])
            region.ops.insert(region.ops.index(gen), later[0])
            return True
    return False


@after(Promote, "differential test")
def two_texts_change_places(module: Module) -> bool:
    one = first(module, "lm.text", text=("Then ",))
    other = first(module, "lm.text", text=("Tips:\n",))
    if one is None or other is None:
        return False
    one.attrs["text"], other.attrs["text"] = other.attrs["text"], one.attrs["text"]
    return True


@after(Promote, "verifier, SGL0406")
def a_loop_loses_a_carried_state(module: Module) -> bool:
    op = first(module, "cf.for")
    assert op is not None
    op.operands = op.operands[:-1]
    return True


@after(Promote, "verifier, SGL0406")
def a_branch_of_an_if_yields_the_state_it_began_with(module: Module) -> bool:
    for op in ops(module, "cf.if"):
        then = op.regions[0]
        end = then.terminator
        if end is not None and end.name == "cf.yield" and then.args:
            end.operands = [*end.operands[:-1], then.args[-1]]
            return True
    return False


@after(Promote, "verifier, SGL0406")
def a_state_enters_a_region_without_being_its_argument(module: Module) -> bool:
    for op in ops(module, "cf.if"):
        inner = next((o for o in op.regions[0].ops if o.name == "lm.text"), None)
        if inner is not None:
            inner.operands = [op.operands[-1], *inner.operands[1:]]
            return True
    return False


@after(Promote, "verifier, SGL0401")
def an_operation_is_there_twice(module: Module) -> bool:
    op = first(module, "ex.eval")
    assert op is not None
    home(op).ops.insert(home(op).ops.index(op), op)
    return True


@after(PrefixHoist, "golden files")
def a_wrong_prefix_is_hoisted(module: Module) -> bool:
    changed = False
    for func in module.funcs.values():
        if "prefix" in func.attrs:
            func.attrs["prefix"] = ("something else",)
            changed = True
    return changed


@patched("`prefix-hoist`", "golden files")
def branches_share_the_text_of_the_first(patch: pytest.MonkeyPatch, seen: Seen) -> None:
    def common(starts: list[list[Any]]) -> list[Any]:
        seen.changes += 1
        return list(starts[0]) if starts else []

    patch.setattr(prefix_hoist.leading, "common", common)


@after(PrefixHoist, "verifier, SGL0403")
def a_mark_has_the_wrong_type(module: Module) -> bool:
    op = first(module, "lm.fork")
    assert op is not None
    op.attrs["common"] = 7
    return True


@patched("`fork-parallel`", "golden files")
def a_dependent_loop_is_marked_parallel(patch: pytest.MonkeyPatch, seen: Seen) -> None:
    def independent(*_: Any) -> None:
        seen.changes += 1

    patch.setattr(fork_parallel, "_host", independent)


@after(ForkParallel, "verifier, SGL0407")
def a_new_operation_has_no_location(module: Module) -> bool:
    op = first(module, "lm.fork")
    assert op is not None
    op.loc = None
    return True
