"""Parameter annotations as the command line sees them: convert text, check JSON values."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import Any

TRUE, FALSE, NONE = {"true", "yes", "1"}, {"false", "no", "0"}, {"none", "null"}


@dataclass(frozen=True, slots=True)
class Type:
    """An annotation: a name with arguments, possibly optional. `any` accepts everything."""

    name: str
    args: tuple[Type, ...] = ()
    optional: bool = False

    def __str__(self) -> str:
        inside = f"[{', '.join(map(str, self.args))}]" if self.args else ""
        return f"{self.name}{inside}{'?' if self.optional else ''}"


ANY = Type("any")


def parse(text: str | None) -> Type:
    """
    Read `str`, `list[str]`, `int?`, `int | None`, `Optional[int]`, a quoted annotation.

    What is not understood (a union, a class) is `any`: it is left to the program.
    """
    if not text:
        return ANY
    text = text.strip()
    if len(text) > 1 and text[0] == text[-1] and text[0] in "'\"":
        return parse(text[1:-1])
    if text.endswith("?"):
        return _optional(parse(text[:-1]))
    union = _split(text, "|")
    if len(union) > 1:
        rest = [part for part in union if part != "None"]
        inner = parse(rest[0]) if len(rest) == 1 else ANY
        return _optional(inner) if len(rest) < len(union) else inner
    name, bracket, inside = text.partition("[")
    name = name.rpartition(".")[2].strip()
    args = (
        tuple(parse(part) for part in _split(inside.strip().removesuffix("]"), ","))
        if bracket
        else ()
    )
    if name == "Optional" and len(args) == 1:
        return _optional(args[0])
    return Type({"List": "list", "Dict": "dict", "Any": "any"}.get(name, name), args)


def convert(text: str, kind: Type) -> Any:
    """
    The value that `-p name=TEXT` gives a parameter of this type.

    Strings are taken as they are, also for parameters without annotation; containers are JSON.
    Raises ValueError with what was expected.
    """
    if kind.optional and text.lower() in NONE:
        return None
    match kind.name:
        case "str" | "any":
            return text
        case "int":
            return _number(text, int, "a whole number")
        case "float":
            return _number(text, float, "a number")
        case "bool":
            if text.lower() in TRUE | FALSE:
                return text.lower() in TRUE
            raise ValueError("expected `true` or `false`")
        case _:
            try:
                value = json.loads(text)
            except json.JSONDecodeError as error:
                raise ValueError(
                    f"expected JSON for `{kind}`: {error.msg} at column {error.colno}"
                ) from None
            check(value, kind)
            return value


def check(value: object, kind: Type) -> None:
    """Raise ValueError when a JSON value does not fit; names of classes and schemas accept all."""
    if value is None and (kind.optional or kind.name in {"any", "None"}):
        return
    if not _fits(value, kind):
        raise ValueError(f"expected `{kind}`, found {describe(value)}")
    items = value if isinstance(value, list) else []
    if isinstance(value, dict) and len(kind.args) == 2:
        items = list(value.values())
    for item in items if kind.args else ():
        check(item, kind.args[-1])


def describe(value: object) -> str:
    """A JSON value as messages show it."""
    text = json.dumps(value, ensure_ascii=False)
    return f"`{text}`" if len(text) <= 40 else f"`{text[:37]}...`"


def _fits(value: object, kind: Type) -> bool:
    match kind.name:
        case "str":
            return isinstance(value, str)
        case "int":
            return isinstance(value, int) and not isinstance(value, bool)
        case "float":
            return isinstance(value, int | float) and not isinstance(value, bool)
        case "bool":
            return isinstance(value, bool)
        case "list" | "tuple" | "set":
            return isinstance(value, list)
        case "dict":
            return isinstance(value, dict)
        case _:
            return True


def _number(text: str, make: type[int | float], what: str) -> int | float:
    try:
        return make(text)
    except ValueError:
        raise ValueError(f"expected {what}") from None


def _optional(kind: Type) -> Type:
    return Type(kind.name, kind.args, optional=True)


def _split(text: str, separator: str) -> list[str]:
    """Split at separators outside brackets."""
    parts, depth, start = [], 0, 0
    for index, char in enumerate(text):
        depth += (char == "[") - (char == "]")
        if char == separator and depth == 0:
            parts.append(text[start:index])
            start = index + 1
    return [part.strip() for part in [*parts, text[start:]] if part.strip()]
