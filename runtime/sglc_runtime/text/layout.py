"""What a tokenizer.json says about spaces and bytes."""

from __future__ import annotations

import copy
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cache
from typing import Any, Literal

METASPACE = "▁"
"""SentencePiece's visible space."""

Layout = dict[str, Any]


def parts(component: Mapping[str, Any] | None, nested: str) -> Iterator[Mapping[str, Any]]:
    """A normalizer, pre-tokenizer or decoder, sequences of them flattened."""
    if component is None:
        return
    if component.get("type") == "Sequence":
        for part in component[nested]:
            yield from parts(part, nested)
    else:
        yield component


@dataclass(frozen=True, slots=True)
class Conventions:
    """How vocabulary entries spell bytes, and whether encoding adds a space in front."""

    spelling: Literal["bytes", "metaspace", "plain"]
    """`bytes`: GPT-2's byte alphabet; `metaspace`: ▁ is a space; `plain`: as written."""
    byte_fallback: bool
    """Entries <0x00> to <0xFF> are single bytes."""
    prefix_space: bool
    """Encoding puts a space in front of the text."""


def conventions(layout: Layout) -> Conventions | None:
    """Read off the decoder; None for decoders that join tokens in ways not handled here."""
    decoders = list(parts(layout.get("decoder"), "decoders"))
    kinds = {part["type"] for part in decoders}
    known = {"ByteLevel", "Metaspace", "Replace", "ByteFallback", "Fuse", "Strip"}
    if not kinds <= known:
        return None
    spaces = "Metaspace" in kinds or any(
        part["type"] == "Replace"
        and part.get("pattern", {}).get("String") == METASPACE
        and part.get("content") == " "
        for part in decoders
    )
    spelling: Literal["bytes", "metaspace", "plain"] = "plain"
    if "ByteLevel" in kinds:
        spelling = "bytes"
    elif spaces:
        spelling = "metaspace"
    return Conventions(spelling, "ByteFallback" in kinds, bare(layout) != layout)


def bare(layout: Layout) -> Layout:
    """The same tokenizer without the space that encoding puts in front of a text."""
    result = copy.deepcopy(layout)
    result["normalizer"] = _without_prepend(result.get("normalizer"))
    for part in parts(result.get("pre_tokenizer"), "pretokenizers"):
        assert isinstance(part, dict)
        if part["type"] == "Metaspace":
            if part.get("prepend_scheme", "always") != "never":
                part["prepend_scheme"] = "never"
            if part.get("add_prefix_space"):
                part["add_prefix_space"] = False
        elif part["type"] == "ByteLevel" and part.get("add_prefix_space"):
            part["add_prefix_space"] = False
    return result


def _without_prepend(normalizer: Any) -> Any:
    if normalizer is None or normalizer.get("type") == "Prepend":
        return None
    if normalizer.get("type") == "Sequence":
        kept = [_without_prepend(part) for part in normalizer["normalizers"]]
        return normalizer | {"normalizers": [part for part in kept if part is not None]}
    return normalizer


@cache
def byte_of_char() -> Mapping[str, int]:
    """GPT-2's alphabet: a printable character for each byte (openai/gpt-2, encoder.py)."""
    printable = [*range(0x21, 0x7F), *range(0xA1, 0xAD), *range(0xAE, 0x100)]
    table = {chr(byte): byte for byte in printable}
    others = (byte for byte in range(256) if byte not in set(printable))
    return table | {chr(0x100 + index): byte for index, byte in enumerate(others)}


def spelled_bytes(token: str, how: Conventions) -> bytes:
    """The bytes that vocabulary entry `token` stands for."""
    if how.spelling == "bytes":
        table = byte_of_char()
        try:
            return bytes(table[char] for char in token)
        except KeyError:
            return token.encode()
    if how.byte_fallback and len(token) == 6 and token.startswith("<0x") and token[5] == ">":
        try:
            return bytes([int(token[3:5], 16)])
        except ValueError:
            pass
    if how.spelling == "metaspace":
        token = token.replace(METASPACE, " ")
    return token.encode()
