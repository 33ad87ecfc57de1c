"""Structural equality: same ops, attributes, types, locations, use of values; names are hints."""

from __future__ import annotations

from sglc.ir.attrs import same
from sglc.ir.core import Func, Module, Op, Region, Value


def equal(a: Module, b: Module, *, locations: bool = True) -> bool:
    """Whether two modules are the same program, value names and op provenance aside."""
    return (
        a.file == b.file
        and same(a.attrs, b.attrs)
        and list(a.funcs) == list(b.funcs)
        and all(_Match(locations).funcs(f, b.funcs[n]) for n, f in a.funcs.items())
    )


class _Match:
    """Compares two functions, pairing their values by where they are defined."""

    def __init__(self, locations: bool) -> None:
        self.locations = locations
        self.pairs: dict[Value, Value] = {}

    def funcs(self, a: Func, b: Func) -> bool:
        return (
            a.name == b.name
            and (not self.locations or a.loc == b.loc)
            and same(a.attrs, b.attrs)
            and self.regions(a.body, b.body)
        )

    def regions(self, a: Region, b: Region) -> bool:
        return (
            a.label == b.label
            and len(a.ops) == len(b.ops)
            and self.define(a.args, b.args)
            and all(self.ops(x, y) for x, y in zip(a.ops, b.ops, strict=True))
        )

    def ops(self, a: Op, b: Op) -> bool:
        return (
            a.name == b.name
            and (not self.locations or a.loc == b.loc)
            and len(a.operands) == len(b.operands)
            and all(self.pairs.get(x) is y for x, y in zip(a.operands, b.operands, strict=True))
            and a.attrs.keys() == b.attrs.keys()
            and all(same(v, b.attrs[k]) for k, v in a.attrs.items())
            and len(a.regions) == len(b.regions)
            and self.define(a.results, b.results)
            and all(self.regions(x, y) for x, y in zip(a.regions, b.regions, strict=True))
        )

    def define(self, a: list[Value], b: list[Value]) -> bool:
        if [v.type for v in a] != [v.type for v in b]:
            return False
        self.pairs.update(zip(a, b, strict=True))
        return True
