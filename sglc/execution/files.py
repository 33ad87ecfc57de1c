"""Files that a script may read."""

from __future__ import annotations

from collections.abc import Collection
from pathlib import Path

from sglc.diagnostics.core import Diagnostic, ExecutionError

LARGEST = 100_000_000
"""Bytes of a file."""


class Files:
    """Resolves paths, for folders that whoever runs the script allows by name."""

    def __init__(self, allowed: Collection[str | Path] = ()) -> None:
        self.allowed = tuple(Path(folder).resolve() for folder in allowed)

    def resolve(self, path: str) -> Path:
        """
        The file that `path` names, from the current folder or absolute, links followed.

        Raises:
            ExecutionError: it is in no allowed folder, is no file, or is too large.
        """
        try:
            found = Path(path).resolve()
            regular = found.is_file()
        except (OSError, ValueError):
            raise _refused(f"`{path[:200]!r}` is not the name of a file") from None
        if not any(found.is_relative_to(folder) for folder in self.allowed):
            message = f"the script reads `{path}`, which is in no allowed folder"
            raise _refused(message, f"allow its folder with --allow-files {found.parent}")
        if not regular:
            raise _refused(f"the script reads `{path}`: there is no such file")
        if found.stat().st_size > LARGEST:
            raise _refused(f"the script reads `{path}`, which has more than {LARGEST} bytes")
        return found


def _refused(message: str, *helps: str) -> ExecutionError:
    return ExecutionError(Diagnostic(code="SGL0508", message=message, helps=helps))
