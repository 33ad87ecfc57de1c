"""
The IR's data structures: values, operations with regions, functions, modules.

One generic operation class serves every op; what an op name means (operands, attributes, regions,
effects) is declared once in `sglc.ir.ops`. Regions hold one block. Attributes are plain data.
The shape follows MLIR and xDSL (`xdsl/ir/core.py`), without their dialect machinery.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Literal

TypeName = Literal["state", "handle", "val", "list", "iter"]
"""`state`: linear prompt value of a promoted state. `handle`: reference to a live state.
`val`: any host or script value, possibly still pending. `list`: list of handles. `iter`: iterator.
"""


@dataclass(frozen=True, slots=True)
class Symbol:
    """Name of a function or schema, printed `@name`."""

    name: str


Attr = None | bool | int | float | str | Symbol | tuple["Attr", ...] | Mapping[str, "Attr"]
"""Attribute values: JSON-like plain data plus symbols. Lists are tuples."""


@dataclass(frozen=True, slots=True)
class Loc:
    """Source extent of an op in the module's file. From 1; 0 line means synthesised by a pass."""

    line: int
    column: int
    end_line: int
    end_column: int

    def __str__(self) -> str:
        return f"{self.line}:{self.column}-{self.end_line}:{self.end_column}"


class Value:
    """An SSA value: result of an op or argument of a region. Identity is the object's."""

    __slots__ = ("_uses", "name", "owner", "type")

    def __init__(self, name: str, type: TypeName, owner: Op | Region | Func | None = None) -> None:
        self.name = name
        """Hint for printing, from the user's variable; the printer makes names unique."""
        self.type: TypeName = type
        self.owner = owner
        self._uses: dict[Op, int] = {}

    @property
    def uses(self) -> list[Op]:
        """Ops that have this value as operand, once per operand position."""
        return [op for op, times in self._uses.items() for _ in range(times)]

    @property
    def users(self) -> list[Op]:
        """Ops that have this value as operand, once each."""
        return list(self._uses)

    def used_by(self, op: Op) -> bool:
        """Whether the op has this value as operand; in constant time, as prompts have many uses."""
        return op in self._uses

    def _use(self, op: Op) -> None:
        self._uses[op] = self._uses.get(op, 0) + 1

    def _drop(self, op: Op) -> None:
        if self._uses[op] == 1:
            del self._uses[op]
        else:
            self._uses[op] -= 1

    def replace_all_uses_with(self, other: Value) -> None:
        """Make every user of this value use `other`."""
        for user in self.users:
            user.operands = [other if v is self else v for v in user.operands]

    def __repr__(self) -> str:
        return f"%{self.name}: {self.type}"


class Op:
    """An operation. `name` is `family.op`; see `sglc.ir.ops` for what each requires."""

    __slots__ = ("_operands", "attrs", "loc", "made_by", "name", "parent", "regions", "results")

    def __init__(
        self,
        name: str,
        operands: Sequence[Value] = (),
        results: Sequence[Value] = (),
        attrs: Mapping[str, Attr] | None = None,
        regions: Sequence[Region] = (),
        loc: Loc | None = None,
    ) -> None:
        self.name = name
        self._operands: list[Value] = []
        self.results = list(results)
        self.attrs: dict[str, Attr] = dict(attrs or {})
        self.regions = list(regions)
        self.loc = loc
        self.parent: Region | None = None
        self.made_by: str | None = None
        """Pass that created or last changed this op."""
        for result in self.results:
            result.owner = self
        for region in self.regions:
            region.parent = self
        self.operands = list(operands)

    @property
    def operands(self) -> list[Value]:
        """Operands in order; assign a new list to change them, so that use lists stay right."""
        return self._operands

    @operands.setter
    def operands(self, values: list[Value]) -> None:
        for value in self._operands:
            value._drop(self)
        self._operands = values
        for value in values:
            value._use(self)

    def walk(self) -> Iterator[Op]:
        """This op and every op in its regions, in order."""
        yield self
        for region in self.regions:
            for op in list(region.ops):
                yield from op.walk()

    def region(self, label: str) -> Region | None:
        """The region with this label, or None."""
        return next((r for r in self.regions if r.label == label), None)

    def erase(self) -> None:
        """Remove from the parent region. Results must be unused."""
        assert not any(r.users for r in self.results), f"{self.name} erased while in use"
        self.operands = []
        if self.parent is not None:
            self.parent.ops.remove(self)
            self.parent = None

    def __repr__(self) -> str:
        return f"<{self.name} at {self.loc}>"


class Region:
    """A labelled single block: arguments, ops, and a terminator as its last op."""

    __slots__ = ("args", "label", "ops", "parent")

    def __init__(self, label: str, args: Sequence[Value] = (), ops: Sequence[Op] = ()) -> None:
        self.label = label
        self.args = list(args)
        self.ops: list[Op] = []
        self.parent: Op | Func | None = None
        for arg in self.args:
            arg.owner = self
        for op in ops:
            self.append(op)

    def append(self, op: Op) -> Op:
        """Add an op at the end."""
        op.parent = self
        self.ops.append(op)
        return op

    def insert(self, index: int, op: Op) -> Op:
        """Add an op before position `index`."""
        op.parent = self
        self.ops.insert(index, op)
        return op

    @property
    def terminator(self) -> Op | None:
        """The last op, or None when empty; the verifier checks that it is a terminator."""
        return self.ops[-1] if self.ops else None


class Func:
    """A function. Its body's arguments are its parameters, the state (if any) first."""

    __slots__ = ("attrs", "body", "loc", "name")

    def __init__(
        self,
        name: str,
        params: Sequence[Value],
        attrs: Mapping[str, Attr] | None = None,
        loc: Loc | None = None,
    ) -> None:
        self.name = name
        self.body = Region("body", params)
        self.body.parent = self
        self.attrs: dict[str, Attr] = dict(attrs or {})
        self.loc = loc

    @property
    def params(self) -> list[Value]:
        """Parameters, which are the body region's arguments."""
        return self.body.args

    def walk(self) -> Iterator[Op]:
        """Every op of the body, in order, regions included."""
        for op in list(self.body.ops):
            yield from op.walk()


@dataclass(slots=True)
class Module:
    """A compiled file: functions, and data they refer to by symbol."""

    file: str
    """Source path as the user gave it; locations refer to it."""
    funcs: dict[str, Func] = field(default_factory=dict)
    attrs: dict[str, Attr] = field(default_factory=dict)
    """`sglc.ir.verify_attrs` lists those with a meaning."""
