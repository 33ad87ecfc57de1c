"""Building IR: a cursor at the end of a region."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from sglc.ir.attrs import freeze
from sglc.ir.core import Func, Loc, Module, Op, Region, TypeName, Value
from sglc.ir.ops import OPS

Named = tuple[str, TypeName]
"""Hint and type of a value to make."""


class Builder:
    """
    Appends ops to a region.

    Attributes are given as plain data (lists and dicts are frozen here). Unknown op names raise
    `KeyError`, attribute values that are not plain data `TypeError`: both are mistakes of ours.
    """

    __slots__ = ("loc", "region")

    def __init__(self, region: Region, loc: Loc | None = None) -> None:
        self.region = region
        self.loc = loc
        """Location of ops that are built without one."""

    def op(
        self,
        name: str,
        operands: Sequence[Value] = (),
        attrs: Mapping[str, object] | None = None,
        *,
        results: Sequence[Named] = (),
        regions: Sequence[Region] = (),
        loc: Loc | None = None,
    ) -> Op:
        """Append an op whose results get these hints and types."""
        return self.region.append(make_op(name, operands, attrs, results, regions, loc or self.loc))

    def val(
        self,
        name: str,
        operands: Sequence[Value] = (),
        attrs: Mapping[str, object] | None = None,
        *,
        hint: str = "v",
        loc: Loc | None = None,
    ) -> Value:
        """Append an op with one `val` result, and return the result."""
        return self.op(name, operands, attrs, results=[(hint, "val")], loc=loc).results[0]

    @property
    def terminated(self) -> bool:
        """Whether the region already ends in a terminator; nothing may follow it."""
        end = self.region.terminator
        return end is not None and OPS[end.name].terminator


def make_op(
    name: str,
    operands: Sequence[Value] = (),
    attrs: Mapping[str, object] | None = None,
    results: Sequence[Named] = (),
    regions: Sequence[Region] = (),
    loc: Loc | None = None,
) -> Op:
    """An op that stands nowhere yet."""
    OPS[name]  # an unknown name is a mistake of the caller
    frozen = {key: freeze(value) for key, value in (attrs or {}).items()}
    values = [Value(hint, type) for hint, type in results]
    return Op(name, operands, values, frozen, regions, loc)


def make_region(label: str, args: Sequence[Named] = ()) -> Region:
    """An empty region whose arguments get these hints and types."""
    return Region(label, [Value(hint, type) for hint, type in args])


def make_func(
    module: Module,
    name: str,
    params: Sequence[Named] = (),
    attrs: Mapping[str, object] | None = None,
    loc: Loc | None = None,
) -> Func:
    """An empty function, added to the module. Raises `ValueError` when the name is taken."""
    if name in module.funcs:
        raise ValueError(f"the module already has a function @{name}")
    frozen = {key: freeze(value) for key, value in (attrs or {}).items()}
    func = Func(name, [Value(hint, type) for hint, type in params], frozen, loc)
    module.funcs[name] = func
    return func
