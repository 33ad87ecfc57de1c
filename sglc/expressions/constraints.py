"""JSON schemas and grammars that a generation can follow, decided before a model sees them."""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache
from typing import TYPE_CHECKING

from sglc_grammar.constraints.errors import GrammarError

if TYPE_CHECKING:
    from sglc_grammar.constraints.grammars import GrammarKind


@dataclass(frozen=True, slots=True)
class Fault:
    """Why a pattern, schema or grammar cannot be used."""

    message: str
    """Completes "the pattern ..."."""
    label: str
    notes: tuple[str, ...] = ()
    too_large: bool = False


@lru_cache(maxsize=256)
def schema_fault(text: str) -> Fault | None:
    """What is wrong with the text of a JSON schema; None if nothing is."""
    return _fault("json_schema", text)


@lru_cache(maxsize=256)
def ebnf_fault(text: str) -> Fault | None:
    """What is wrong with a grammar in EBNF or Lark; None if nothing is."""
    return _fault("ebnf", text)


def _fault(kind: GrammarKind, text: str) -> Fault | None:
    from sglc_grammar.constraints.placing import check

    try:
        check(kind, text)
    except GrammarError as error:
        too_large, unsupported = error.too_large, error.unsupported
        label = "not supported" if unsupported else "too large" if too_large else "invalid"
        return Fault(error.message, label, too_large=too_large)
    return None
