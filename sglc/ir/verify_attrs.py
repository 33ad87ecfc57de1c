"""Verifier, fourth part: attributes of functions and modules that have a fixed shape."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from sglc.ir.attrs import DATA, DICT, STR, STRS, AttrType, list_of, one_of
from sglc.ir.core import Attr, Func, Module
from sglc.ir.signature import inputs

DICTS = list_of(DICT)
MODULE: Mapping[str, AttrType] = {
    "language": one_of("sgl", "python"),
    "source_sha256": STR,
    "schemas": DICT,
    "externs": DICT,
    "imports": DICT,
    "use": DICT,
}
"""Attributes of modules that sglc reads, with their types; others may be there."""
FUNC: Mapping[str, AttrType] = {
    "kind": one_of("function", "fragment", "program"),
    "params": DICTS,
    "returns": STR,
    "docs": STR,
    "file": STR,
    "source": STR,
    "source_sha256": STR,
    "prefix": list_of(STR | DICT),
}
"""The same for functions."""
_PARAM: Mapping[str, AttrType] = {
    "name": STR,
    "type": STR,
    "schema": DICT,
    "default": DATA,
    "default_src": STR,
    "docs": STR,
    "names": STRS,
}


def attr_findings(module: Module, func: Func | None = None) -> Iterator[str]:
    """What is wrong with a module's attributes, or with those of one of its functions."""
    if func is None:
        yield from _types(module.attrs, MODULE, "the module's")
        for table in ("schemas", "externs"):
            entries = module.attrs.get(table)
            for name, entry in entries.items() if isinstance(entries, Mapping) else ():
                if not isinstance(entry, Mapping):
                    yield f"entry `{name}` of the module's `{table}` must be a dict"
        return
    yield from _types(func.attrs, FUNC, f"the attribute of `@{func.name}`,")
    listed = func.attrs.get("params")
    if isinstance(listed, tuple) and all(isinstance(entry, Mapping) for entry in listed):
        yield from _params(module, func, listed)


def _types(attrs: Mapping[str, Attr], wanted: Mapping[str, AttrType], whose: str) -> Iterator[str]:
    for name, type in wanted.items():
        if name in attrs and not type.accepts(attrs[name]):
            yield f"{whose} `{name}` must be {type.name}"


def _params(module: Module, func: Func, listed: tuple[Attr, ...]) -> Iterator[str]:
    for entry in listed:
        assert isinstance(entry, Mapping)
        if "name" not in entry:
            yield f"an entry of `params` of `@{func.name}` needs a `name`"
        yield from _types(entry, _PARAM, f"in `params` of `@{func.name}`,")
    # A Python function's prompt may be any of its parameters' values, its rest is the caller's.
    if module.attrs.get("language") == "sgl" and len(listed) != len(inputs(func)):
        yield f"`params` of `@{func.name}` names {len(listed)}, it has {len(inputs(func))}"
