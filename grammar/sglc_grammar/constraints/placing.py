"""What the engine would refuse, found without a tokenizer, and where in the grammar it is."""

from __future__ import annotations

import json
from typing import Any

from sglc_grammar.constraints.errors import GrammarError, unsupported
from sglc_grammar.constraints.grammars import GrammarKind, fault_of, grammar_of, limits
from sglc_grammar.constraints.json_schema import Place, below, pointer


def check(kind: GrammarKind, source: str) -> None:
    """Raise GrammarError for what the engine would refuse."""
    if fault := _fault(kind, source):
        raise refusal(kind, source, fault)


def refusal(kind: GrammarKind, source: str, fault: str) -> GrammarError:
    """The error for what llguidance said of a grammar, with its place in a schema."""
    if kind != "json_schema":
        return GrammarError(fault)
    if fault.startswith("oneOf"):
        fault = "`oneOf` whose alternatives may hold at once"
    return unsupported(f"{fault}{_where(source)}")


def _fault(kind: GrammarKind, source: str) -> str:
    from llguidance import LLMatcher

    return fault_of(LLMatcher.validate_grammar(grammar_of(kind, source), limits=limits()))


def _where(source: str) -> str:
    """The innermost part of a schema that has a fault of its own."""
    root = json.loads(source)
    if not isinstance(root, dict):
        return ""
    definitions = {name: root[name] for name in ("$defs", "definitions") if name in root}
    place = Place(root, ())
    todo = [*below(root, ()), *_definitions(definitions)]
    while todo:
        inner = todo.pop(0)
        if isinstance(inner.schema, dict) and _is_faulty({**definitions, **inner.schema}):
            place = inner
            todo = list(below(inner.schema, inner.path))
    return f" at {pointer(place.path)}"


def _definitions(groups: dict[str, Any]) -> list[Place]:
    return [Place(s, (name, key)) for name, group in groups.items() for key, s in group.items()]


def _is_faulty(schema: dict[str, Any]) -> bool:
    try:
        return _fault("json_schema", json.dumps(schema)) != ""
    except GrammarError:
        return False
