"""Script files as the formatter reads and writes them."""

from __future__ import annotations

import os
import tempfile
from dataclasses import dataclass
from pathlib import Path

from sglc.diagnostics.core import Diagnostic, UsageError
from sglc.formatting.script import format_script
from sglc.frontends.script.parse import read_script


@dataclass(frozen=True, slots=True)
class Formatted:
    """A script before and after."""

    before: str
    after: str

    @property
    def changed(self) -> bool:
        """Whether the two differ, line ends included."""
        return self.before != self.after


def format_text(text: str, file: str) -> Formatted:
    """
    The script in the canonical layout, with the line ends that its first line has.

    Raises:
        ParseError: it has mistakes.
        FormatterError: a bug of ours.
    """
    result = format_script(text, file)
    return Formatted(text, result.replace("\n", _line_end(text)))


def _line_end(text: str) -> str:
    first = text.find("\n")
    return "\r\n" if first > 0 and text[first - 1] == "\r" else "\n"


def format_file(path: Path) -> Formatted:
    """
    What the formatter makes of a file, which is not written.

    A byte order mark is not part of the text, and gone once the file is written.

    Raises:
        ParseError: it cannot be read, or has mistakes.
        FormatterError: a bug of ours.
    """
    return format_text(read_script(path, str(path)), str(path))


def write_atomically(path: Path, text: str) -> None:
    """
    Replace a file's contents: whole or not at all, its permissions kept, links followed.

    Raises:
        UsageError: the file or its folder cannot be written.
    """
    target = Path(os.path.realpath(path))
    temporary: str | None = None
    try:
        mode = target.stat().st_mode & 0o7777
        if not os.access(target, os.W_OK):
            raise PermissionError(13, "Permission denied")
        handle, temporary = tempfile.mkstemp(prefix=f".{target.name}.", dir=target.parent)
        with os.fdopen(handle, "wb") as file:
            file.write(text.encode("utf-8"))
            file.flush()
            os.fsync(file.fileno())
        os.chmod(temporary, mode)
        os.replace(temporary, target)
        temporary = None
    except OSError as error:
        reason = (error.strerror or "it cannot be written").lower()
        message = f"cannot write `{path}`: {reason}"
        raise UsageError(Diagnostic(code="SGL0606", message=message)) from None
    finally:
        if temporary is not None:
            Path(temporary).unlink(missing_ok=True)
