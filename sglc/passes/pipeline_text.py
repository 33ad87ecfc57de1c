"""The text of a pipeline as names and options with their places, and errors that point at them."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass

from sglc.diagnostics.core import Diagnostic, PassError, Span
from sglc.passes.base import BAD_PIPELINE

NAME = "<pipeline>"
"""Stands for the text in spans."""
_NAME = re.compile(r"[\w-]+")
_OPTION = re.compile(r"([\w-]+)=([^\s,{}]+)\Z")
_SPACE = re.compile(r"\s*")
_EXAMPLE = "write `promote,prefix-hoist{min-chars=8}`"


@dataclass(frozen=True, slots=True)
class Word:
    """A piece of the text; `at` is its offset."""

    text: str
    at: int


@dataclass(frozen=True, slots=True)
class Item:
    """A pass's name and its options, as written."""

    name: Word
    options: tuple[tuple[Word, Word], ...]


@dataclass(frozen=True, slots=True)
class Source:
    """A pipeline's text."""

    text: str

    def error(self, code: str, message: str, word: Word, *helps: str) -> PassError:
        """A `PassError` at a piece of the text."""
        before = self.text[: word.at]
        line, column = before.count("\n") + 1, word.at - (before.rfind("\n") + 1) + 1
        shown = len(word.text.split("\n")[0])
        span = Span(NAME, line, column, line, column + max(shown, 1))
        found = Diagnostic(code=code, message=message, span=span, helps=helps)
        return PassError(found, {NAME: self.text})

    def skip(self, at: int) -> int:
        """The offset of the next character that is no space."""
        match = _SPACE.match(self.text, at)
        assert match is not None
        return match.end()


def read(source: Source) -> list[Item]:
    """The items of a pipeline. Raises `PassError` for text that is not `name{a=b c=d},name`."""
    items: list[Item] = []
    at = source.skip(0)
    while at < len(source.text):
        item, at = _item(source, at)
        items.append(item)
        at = source.skip(at)
        if at == len(source.text):
            break
        if source.text[at] != ",":
            rest = Word(source.text[at:].rstrip(), at)
            message = f"a comma was expected at `{rest.text}` in the pipeline `{source.text}`"
            raise source.error(BAD_PIPELINE, message, rest, _EXAMPLE)
        comma, at = at, source.skip(at + 1)
        if at == len(source.text):
            message = f"a pass was expected after the last comma of the pipeline `{source.text}`"
            raise source.error(BAD_PIPELINE, message, Word(",", comma), _EXAMPLE)
    return items


def _item(source: Source, at: int) -> tuple[Item, int]:
    match = _NAME.match(source.text, at)
    if match is None:
        rest = Word(source.text[at:].rstrip(), at)
        message = f"a pass was expected at `{rest.text}` in the pipeline `{source.text}`"
        raise source.error(BAD_PIPELINE, message, rest, _EXAMPLE)
    name = Word(match[0], at)
    brace = source.skip(match.end())
    if source.text[brace : brace + 1] != "{":
        return Item(name, ()), match.end()
    close = source.text.find("}", brace)
    if close < 0:
        message = f"the options of pass `{name.text}` do not end in the pipeline `{source.text}`"
        raise source.error(BAD_PIPELINE, message, Word("{", brace), "add a `}`")
    return Item(name, tuple(_options(source, name.text, brace + 1, close))), close + 1


def _options(source: Source, owner: str, start: int, end: int) -> Iterator[tuple[Word, Word]]:
    seen: set[str] = set()
    for found in re.finditer(r"[^\s,]+", source.text[start:end]):
        word = Word(found[0], start + found.start())
        match = _OPTION.match(word.text)
        if match is None:
            message = f"`{word.text}` is no option of pass `{owner}`"
            raise source.error(BAD_PIPELINE, message, word, "write options as `name=value`")
        if match[1] in seen:
            message = f"option `{match[1]}` of pass `{owner}` is given twice"
            raise source.error(BAD_PIPELINE, message, word)
        seen.add(match[1])
        yield Word(match[1], word.at), Word(match[2], word.at + match.start(2))
