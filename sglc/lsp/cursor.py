"""What the text around the cursor is: code, a string or a comment, and in which call."""

from __future__ import annotations

import re
from dataclasses import dataclass

_TOKEN = re.compile(
    r"(?P<string>r?(?:\"\"\"(?:\\.|(?!\"\"\")[^\\])*\"\"\"|'''(?:\\.|(?!''')[^\\])*'''"
    r"|\"(?!\"\")(?:\\.|[^\"\\\n])*\"|'(?!'')(?:\\.|[^'\\\n])*'))"
    r"|(?P<open_string>r?(?:\"\"\"|'''|\"|').*)"
    r"|(?P<comment>#[^\n]*)|(?P<word>[^\W\d]\w*)|(?P<number>\d[\w.]*)"
    r"|(?P<newline>\n)|(?P<blank>[ \t]+)|(?P<mark>\*\*|//|->|[=!<>]=|.)",
    re.DOTALL,
)
_OPENED = {")": "(", "]": "[", "}": "{"}


@dataclass(frozen=True, slots=True)
class Opened:
    """A bracket that is open at the cursor."""

    bracket: str
    function: str
    """The words before it, such as `gen` or `common.log`; empty where it is no call."""
    items: int
    """Commas before the cursor."""
    named: tuple[str, ...]
    """Names of arguments that are given before the cursor."""
    value_of: str
    """The named argument, or key, whose value the cursor is in; empty where there is none."""


@dataclass(frozen=True, slots=True)
class Cursor:
    """The code before the cursor, in words."""

    kind: str
    """`code`, `string` or `comment`."""
    prefix: str = ""
    """The part of a word that stands before the cursor."""
    receiver: str = ""
    """What is before the dot that the prefix follows; empty where there is no dot."""
    before: tuple[str, ...] = ()
    """Tokens of the logical line, without those in closed brackets, before the prefix."""
    opened: Opened | None = None
    """The innermost open bracket."""


def cursor_at(text: str, offset: int, start: int = 0) -> Cursor:
    """What is at an offset; tokens are read from `start`, which must be outside of strings."""
    reader = _Reader()
    for match in _TOKEN.finditer(text, start):
        kind = match.lastgroup or ""
        if match.start() >= offset:
            break
        if match.end() >= offset and kind in ("string", "open_string", "comment"):
            done = match.end() == offset and kind == "string"
            if not done:
                return _inside(kind, match.group(), offset - match.start())
        reader.take(kind, match.group()[: offset - match.start()])
    return reader.cursor()


def _inside(kind: str, token: str, offset: int) -> Cursor:
    if kind == "comment":
        return Cursor("comment")
    if kind == "open_string" and "\n" in token[:offset] and token.lstrip("r")[:3] not in _TRIPLES:
        # The string ends, unclosed, with its line.
        return cursor_at(token, offset, token.index("\n"))
    begin = token.rfind("${", 0, offset)
    if begin >= 0 and "}" not in token[begin:offset] and not token.startswith("r"):
        return cursor_at(token[begin + 2 : offset], offset - begin - 2)
    return Cursor("string")


_TRIPLES = ('"""', "'''")


@dataclass(slots=True)
class _Frame:
    bracket: str
    function: str
    tokens: list[str]
    items: int = 0


class _Reader:
    def __init__(self) -> None:
        self.frames = [_Frame("", "", [])]
        self.named: list[list[str]] = [[]]
        self.touching = False
        """Whether the last token ends at the cursor."""

    def take(self, kind: str, text: str) -> None:
        frame = self.frames[-1]
        self.touching = kind == "word"
        if kind == "newline":
            if len(self.frames) == 1:
                frame.tokens.clear()
        elif kind == "mark" and text in "([{":
            self.frames.append(_Frame(text, _called(frame.tokens), []))
            self.named.append([])
        elif text in _OPENED and len(self.frames) > 1:
            self.frames.pop()
            self.named.pop()
            self.frames[-1].tokens.append("()")
        elif text == "," and len(self.frames) > 1:
            frame.tokens.clear()
            frame.items += 1
        elif kind not in ("blank", "comment"):
            if text == "=" and len(frame.tokens) == 1:
                self.named[-1].append(frame.tokens[0])
            frame.tokens.append(text)

    def cursor(self) -> Cursor:
        frame = self.frames[-1]
        tokens = list(frame.tokens)
        prefix = tokens.pop() if self.touching and tokens else ""
        receiver = ""
        if tokens and tokens[-1] == ".":
            receiver = _called(tokens[:-1]) or "()"
        opened = None
        if len(self.frames) > 1:
            value = tokens[0] if len(tokens) > 1 and tokens[1] in ("=", ":") else ""
            named = tuple(self.named[-1])
            opened = Opened(frame.bracket, frame.function, frame.items, named, value)
        return Cursor("code", prefix, receiver, tuple(tokens), opened)


def _called(tokens: list[str]) -> str:
    """The dotted name at the end of the tokens."""
    names: list[str] = []
    for token in reversed(tokens):
        wants_dot = len(names) % 2 == 1
        if (token == ".") != wants_dot or not (token == "." or token.isidentifier()):
            break
        names.append(token)
    if names and names[-1] == ".":
        return ""
    return "".join(reversed(names))
