"""How an op is declared: operands, results, attributes, regions, effects."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Literal

from sglc.ir.attrs import AttrType

Effect = Literal["state", "sample", "observe", "host", "pure", "control"]
"""What an op does beyond computing its results; legality of every pass is argued from these.

`state`: moves a prompt forward. `sample`: draws from the model. `observe`: looks at a prompt and
may raise its failure. `host`: runs code whose effects are unknown. `pure`: none at all.
`control`: decides what runs; has the effects of its regions besides.
"""

OperandType = Literal["prompt", "list", "val", "iterable", "any"]
"""`prompt` is a handle or, promoted, a state; `iterable` a val, list or iter; `any` any value."""


@dataclass(frozen=True, slots=True)
class Operand:
    """One operand, or the rest of them."""

    name: str
    type: OperandType = "val"
    optional: bool = False
    variadic: bool = False
    """Takes all remaining operands; last only."""


@dataclass(frozen=True, slots=True)
class Result:
    """One result, or the rest of them."""

    name: str
    type: str = "val"
    """A type name of `sglc.ir.core.TypeName`, or `any`."""
    optional: bool = False
    variadic: bool = False


@dataclass(frozen=True, slots=True)
class AttrSpec:
    """One attribute."""

    name: str
    type: AttrType
    required: bool = False
    doc: str = ""


@dataclass(frozen=True, slots=True)
class RegionSpec:
    """One labelled region and the ops that may end it."""

    label: str
    ends: frozenset[str]
    optional: bool = False
    repeated: bool = False
    args: str = ""
    """Its arguments, for readers; the verifier has the exact rule."""


@dataclass(frozen=True, slots=True)
class OpSpec:
    """Everything declared about an op."""

    name: str
    doc: str
    operands: tuple[Operand, ...] = ()
    results: tuple[Result, ...] = ()
    attrs: tuple[AttrSpec, ...] = ()
    regions: tuple[RegionSpec, ...] = ()
    effects: frozenset[Effect] = field(default_factory=frozenset)
    terminator: bool = False
    moves: bool = False
    """A promoted first operand is consumed and its successor is an extra first result."""

    def attr(self, name: str) -> AttrSpec | None:
        """The attribute with this name, or None."""
        return next((a for a in self.attrs if a.name == name), None)
