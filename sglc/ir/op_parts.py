"""What the declarations of several families of ops are made of."""

from __future__ import annotations

from sglc.ir.attrs import BOOL
from sglc.ir.spec import AttrSpec, Effect, Operand, Result

LEAVE = frozenset({"cf.return", "cf.raise", "cf.break", "cf.continue"})
YIELD = LEAVE | {"cf.yield"}

PROMPT = Operand("prompt", "prompt")
CARRIED = Operand("carried", "any", variadic=True)
OUT = Result("results", "any", variadic=True)
PARALLEL = AttrSpec("parallel", BOOL, doc="bodies are independent; set by fork-parallel")


def effects(*names: Effect) -> frozenset[Effect]:
    """What an op does, besides giving its results."""
    return frozenset(names)
