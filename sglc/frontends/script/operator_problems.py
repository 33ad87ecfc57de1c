"""What can be wrong with the operands of operators, as problems and advice."""

from __future__ import annotations

from collections.abc import Iterable

from sglc.diagnostics.suggest import did_you_mean
from sglc.expressions.problem import Problem
from sglc.frontends.script.check_kinds import NUMBER, Types, describe, names_of
from sglc.ir.core import Loc


def how_to_add(op: str, left: Types, right: Types) -> tuple[str, ...]:
    """What to write instead of an operation of kinds that do not go together."""
    kinds = names_of(left) | names_of(right)
    if op == "+" and "str" in kinds:
        return ('to put values into text, write "${x}"',)
    return convert(left, right)


def convert(left: Types, right: Types) -> tuple[str, ...]:
    """Advice to convert, where text meets numbers."""
    if names_of(left) | names_of(right) <= {"str", *names_of(NUMBER)}:
        return ("convert text with `int(...)` or `float(...)`",)
    return ()


def never_equal(op: str, left: Types, right: Types, loc: Loc) -> Problem:
    """A comparison for equality whose result is always the same."""
    result = "false" if op == "==" else "true"
    helps = convert(left, right)
    message = f"`{op}` of {describe(left)} and {describe(right)} is always {result}"
    if names_of(left) == names_of(right) == {"str"}:
        wanted, given = (right, left) if _count(right) <= _count(left) else (left, right)
        (word, *_) = sorted(_values(wanted))
        message = f'this is always {result}: the text is never "{word}"'
        choices = sorted(_values(given))
        listed = ", ".join(f'"{each}"' for each in choices[:8])
        helps = did_you_mean(word, choices) or (f"it can be {listed}",)
    return Problem("SGL0229", message, loc, f"always {result}", helps=helps, severity="warning")


def _values(types: Types) -> Iterable[str]:
    return frozenset().union(*(kind.values or () for kind in types or ()))


def _count(types: Types) -> int:
    return len(list(_values(types)))
