"""HTML elements as text. Everything that comes from a program is escaped here, once."""

from __future__ import annotations

from collections.abc import Iterable
from html import escape


class Markup(str):
    """Text that is HTML already; plain strings are not, and are escaped."""

    __slots__ = ()


def element(name: str, *children: str, **attributes: str | int | None) -> Markup:
    """
    An element. Attributes lose a trailing `_`, turn other `_` into `-`, and are left out when None.

    Children that are not `Markup` are escaped, as are all attribute values.
    """
    shown = "".join(
        f' {key.rstrip("_").replace("_", "-")}="{_escaped(str(value))}"'
        for key, value in attributes.items()
        if value is not None
    )
    return Markup(f"<{name}{shown}>{joined(children)}</{name}>")


def joined(children: Iterable[str]) -> Markup:
    """Children one after the other."""
    return Markup("".join(c if isinstance(c, Markup) else _escaped(c) for c in children))


def _escaped(text: str) -> str:
    # A page is UTF-8; what it cannot hold (lone surrogates, NUL) is shown as its escape.
    writable = text.encode("utf-8", "backslashreplace").decode("utf-8").replace("\0", "\\x00")
    return escape(writable, quote=True)
