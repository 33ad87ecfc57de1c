"""What a function's parameters are called, and what is declared about them."""

from __future__ import annotations

from collections.abc import Mapping

from sglc.ir.core import Attr, Func, Value


def inputs(func: Func) -> list[Value]:
    """The parameters that a caller gives values for: all but a prompt that comes first."""
    first = func.params[:1]
    return func.params[1:] if first and first[0].type in ("handle", "state") else func.params


def declared(func: Func) -> tuple[Mapping[str, Attr], ...]:
    """
    For each of `inputs`: `name`, and `type`, `schema` and `default` where there are.

    Front ends keep this in the attribute `params`; IR text written by hand need not have it.
    """
    listed = func.attrs.get("params")
    if isinstance(listed, tuple):
        return tuple(entry for entry in listed if isinstance(entry, Mapping))
    return tuple({"name": value.name} for value in inputs(func))
