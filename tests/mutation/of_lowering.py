"""What lowering scripts could do wrong."""

from __future__ import annotations

from sglc.ir.core import Loc, Module, Op, Symbol, Value
from tests.mutation.mutant import first, lowering, ops, take_out


@lowering("verifier, SGL0403")
def a_handler_is_lost(module: Module) -> bool:
    op = first(module, "cf.try")
    assert op is not None
    op.regions = [r for r in op.regions if r.label != "except"]
    return True


@lowering("differential test")
def a_handler_handles_other_errors(module: Module) -> bool:
    op = first(module, "cf.try")
    assert op is not None
    op.attrs["kinds"] = (("gen_error",),)
    return True


@lowering("differential test")
def a_handler_sees_values_from_before_the_try(module: Module) -> bool:
    found = list(ops(module, "cf.checkpoint"))
    return bool(found) and all(take_out(op) for op in found)


@lowering("verifier, SGL0404")
def a_loop_drops_a_carried_value(module: Module) -> bool:
    for op in ops(module, "cf.for"):
        end = op.regions[0].terminator
        if end is not None and end.operands:
            end.operands = end.operands[:-1]
            return True
    return False


@lowering("differential test")
def a_loop_hands_on_the_value_of_the_turn_before(module: Module) -> bool:
    for op in ops(module, "cf.for"):
        body = op.regions[0]
        for end in (body.terminator, *ops(module, "cf.break")):
            if end is not None and end.operands and len(body.args) > 1:
                end.operands = list(body.args[1:])
        return True
    return False


@lowering("differential test")
def a_role_ends_as_another_one(module: Module) -> bool:
    op = first(module, "lm.role_end", role="system")
    begin = first(module, "lm.role_begin", role="system")
    if op is None or begin is None:
        return False
    op.attrs["role"] = begin.attrs["role"] = "user"
    return True


@lowering("differential test")
def a_role_is_never_closed(module: Module) -> bool:
    op = first(module, "lm.role_end")
    return op is not None and take_out(op)


@lowering("differential test")
def a_generation_gets_another_parameter(module: Module) -> bool:
    op = first(module, "lm.gen", max_tokens=7)
    assert op is not None
    op.attrs["max_tokens"] = 8
    return True


@lowering("verifier, SGL0403")
def a_parameter_has_the_wrong_type(module: Module) -> bool:
    op = first(module, "lm.gen", max_tokens=7)
    assert op is not None
    op.attrs["max_tokens"] = "7"
    return True


@lowering("verifier, SGL0403")
def a_call_names_no_function(module: Module) -> bool:
    op = first(module, "ex.eval")
    assert op is not None
    op.name, op.attrs = "lm.run", {"callee": Symbol("nothing"), "args": (None,) * len(op.operands)}
    return True


@lowering("differential test")
def the_arms_of_an_if_change_places(module: Module) -> bool:
    for op in ops(module, "cf.if"):
        if len(op.regions) == 2 and op.results == []:
            op.regions[0].ops, op.regions[1].ops = op.regions[1].ops, op.regions[0].ops
            for region in op.regions:
                for inner in region.ops:
                    inner.parent = region
            return True
    return False


@lowering("differential test")
def a_break_goes_on_with_the_next_turn(module: Module) -> bool:
    op = first(module, "cf.break")
    assert op is not None
    op.name = "cf.continue"
    return True


@lowering("differential test")
def a_value_is_not_returned(module: Module) -> bool:
    op = next(ops(module, "cf.return"))
    op.operands = []
    return True


@lowering("differential test")
def a_branch_appends_to_its_parent(module: Module) -> bool:
    op = first(module, "lm.fork")
    assert op is not None
    branch = op.regions[0].args[0]
    for user in branch.users:
        user.operands = [op.operands[0] if v is branch else v for v in user.operands]
    return True


@lowering("differential test")
def branches_are_numbered_backwards(module: Module) -> bool:
    op = first(module, "lm.fork")
    items = op.operands[1].owner if op is not None else None
    if not isinstance(items, Op):
        return False
    values = items.attrs.get("value")
    if isinstance(values, tuple):
        items.attrs["value"] = values[::-1]
    else:
        items.attrs["src"] = f"({items.attrs['src']})[::-1]"
    return True


@lowering("golden files")
def every_location_is_a_line_off(module: Module) -> bool:
    for func in module.funcs.values():
        for op in func.walk():
            if op.loc is not None:
                loc = op.loc
                op.loc = Loc(loc.line + 1, loc.column, loc.end_line + 1, loc.end_column)
    return True


@lowering("verifier, SGL0402")
def a_prompt_takes_the_place_of_a_value(module: Module) -> bool:
    op = first(module, "lm.text", text=(" after ", "\n"))
    assert op is not None
    op.operands = [op.operands[0], op.operands[0]]
    return True


@lowering("verifier, SGL0404")
def a_region_has_no_end(module: Module) -> bool:
    op = first(module, "cf.for")
    assert op is not None
    return take_out(op.regions[0].ops[-1])


@lowering("verifier, SGL0405")
def a_value_of_another_function_is_used(module: Module) -> bool:
    op = next(ops(module, "cf.return"))
    op.operands = [Value("stray", "val")]
    return True
