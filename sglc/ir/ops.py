"""
Every op of the IR, declared once: `lm_ops.py`, `cf_ops.py` and `host_ops.py` are the reference.

The first operand of most `lm` ops is the prompt. In handle form it is a `handle` and the results
are as declared. After `promote` it is a `state`, and an op that moves the prompt has the next state
as an extra *first* result. Borrows (`lm.read`, `lm.observe`) leave it in place in both forms.

Values are visible in nested regions, except states, which enter a region as its arguments:
`cf.if(%c, %s) ^then(%t: state) {... cf.yield(%t2)} ^else(%u: state) {... cf.yield(%u)} -> %s2`.
"""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType

from sglc.ir.cf_ops import CF
from sglc.ir.host_ops import EX, PY
from sglc.ir.lm_ops import LM
from sglc.ir.lm_params import GEN_ATTRS, METHODS, SAMPLING_PARAMS, SELECT_ATTRS
from sglc.ir.spec import OpSpec

__all__ = [
    "FUNC_ENDS",
    "GEN_PARAMS",
    "LOOPS",
    "METHODS",
    "OPS",
    "PARAMS",
    "SAMPLING_PARAMS",
    "SELECT_PARAMS",
    "TERMINATORS",
]

FUNC_ENDS = frozenset({"cf.return", "cf.raise"})
"""Ops that may end a function's body."""

OPS: Mapping[str, OpSpec] = MappingProxyType({s.name: s for s in (*LM, *CF, *EX, *PY)})
"""Every op by name."""

TERMINATORS = frozenset(s.name for s in OPS.values() if s.terminator)
LOOPS = frozenset({"cf.while", "cf.for"})
GEN_PARAMS = frozenset(a.name for a in GEN_ATTRS) - {"args"}
SELECT_PARAMS = frozenset(a.name for a in SELECT_ATTRS) - {"args"}
PARAMS: Mapping[str, frozenset[str]] = MappingProxyType(
    {"lm.gen": GEN_PARAMS, "lm.select": SELECT_PARAMS}
)
"""For ops whose parameters may be operands: the names that `args` may hold."""
