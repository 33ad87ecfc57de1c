"""A conversation on stdout while it grows: plain text, or messages by role."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any, TextIO

from sglc.cli import console

BOLD, RESET = "\x1b[1m", "\x1b[0m"


@dataclass(slots=True)
class Printer:
    """
    Prints pieces of one state as they come.

    Inside a role the chat template's markers are not shown: a message is `role: content`, its
    content stripped on the left, as in `messages()`. Text outside roles is printed as it is.
    """

    out: TextIO
    on_answer: Callable[[], None] = lambda: None
    """Called before each piece that the model wrote; what measures the time to the first one."""
    _role: str | None = None
    _stripped: bool = True
    """Whether the open message has shown something that is not white space."""
    _fresh: bool = True
    """Whether the cursor is at the start of a line."""
    _bold: bool = field(init=False)

    def __post_init__(self) -> None:
        self._bold = console.colored(self.out)

    def begin(self, role: str) -> None:
        """A message begins."""
        self._new_line()
        self._write(f"{BOLD}{role}:{RESET} " if self._bold else f"{role}: ")
        self._role, self._stripped = role, False

    def end(self) -> None:
        """The open message ends."""
        self._role, self._stripped = None, True
        self._new_line()

    def text(self, text: str, *, answer: bool = False) -> None:
        """More text; `answer` when the model wrote it."""
        if answer and text:
            self.on_answer()
        if not self._stripped:
            text = text.lstrip()
            self._stripped = bool(text)
        self._write(text)

    def finish(self, value: object = None) -> None:
        """The program is over; a return value goes to the end, on a line of its own."""
        self._new_line()
        if value is not None:
            shown = value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)
            self._write(f"=> {shown}\n")

    def _new_line(self) -> None:
        if not self._fresh:
            self._write("\n")

    def _write(self, text: str) -> None:
        if text:
            self.out.write(text)
            self.out.flush()
            self._fresh = text.endswith("\n")


def plain(value: Any) -> Any:
    """A value as JSON takes it; objects of a program become their `repr`."""
    if value is None or isinstance(value, bool | int | float | str):
        return value
    if isinstance(value, dict):
        return {str(key): plain(item) for key, item in value.items()}
    if isinstance(value, list | tuple | set | frozenset):
        return [plain(item) for item in value]
    return repr(value)
