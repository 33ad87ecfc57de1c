"""What every command does about failure: exit codes, rendering, reports of our own bugs."""

from __future__ import annotations

import errno
import functools
import os
import sys
from collections.abc import Callable
from typing import NoReturn, ParamSpec

from sglc.cli import console
from sglc.diagnostics.core import Diagnostic, SglcError, UsageError

OK, DIAGNOSTICS, USAGE, INTERNAL, INTERRUPTED = 0, 1, 2, 3, 130

_WRITING = frozenset({errno.ENOSPC, errno.EIO, errno.EFBIG, errno.EDQUOT, errno.EBADF})

P = ParamSpec("P")


def guarded(command: Callable[P, None]) -> Callable[P, None]:
    """
    Wrap a command: diagnostics exit with 1, usage errors with 2, our own bugs with 3.

    A bug prints one message and the path of a report; a traceback of ours is never shown.
    """

    @functools.wraps(command)
    def wrapper(*args: P.args, **kwargs: P.kwargs) -> None:
        chosen = console.FORM.set(None)
        try:
            command(*args, **kwargs)
            sys.stdout.flush()
        except UsageError as error:
            console.show(error.diagnostics, error.sources)
            leave(USAGE)
        except KeyboardInterrupt:
            console.message("interrupted")
            leave(INTERRUPTED)
        except BrokenPipeError:
            _leave_quietly()
        except Exception as error:
            if _is_exit(error):
                raise
            if isinstance(error.__cause__, KeyboardInterrupt):
                # Until Python 3.12, what `__set_name__` raises comes as a RuntimeError.
                console.message("interrupted")
                leave(INTERRUPTED)
            found = _unwritable(error) or _diagnosed(error)
            if found is None:
                console.message(_report(error))
                leave(INTERNAL)
            console.show(found.diagnostics, found.sources)
            leave(DIAGNOSTICS)
        finally:
            console.FORM.reset(chosen)

    return wrapper


def leave(status: int) -> NoReturn:
    """End the command with an exit code."""
    import typer  # here, because `sglc check` without options does without it

    raise typer.Exit(status) from None


def _is_exit(error: Exception) -> bool:
    import typer

    return isinstance(error, typer.Exit)


def _diagnosed(error: Exception) -> SglcError | None:
    """The error as the program's own, when a program ran and it is."""
    from sglc.programs.failures import diagnose

    return diagnose(error)


def _leave_quietly() -> NoReturn:
    """The reader of our output is gone: nothing more can or should be said."""
    _drop_output()
    leave(DIAGNOSTICS)


def _unwritable(error: Exception) -> SglcError | None:
    """A failed write to stdout, where the disk is full for instance; files say their names."""
    if not isinstance(error, OSError) or error.filename is not None or error.errno not in _WRITING:
        return None
    _drop_output()
    what = (error.strerror or str(error)).lower()
    return SglcError(Diagnostic(code="SGL0606", message=f"cannot write the output: {what}"))


def _drop_output() -> None:
    """Let what stdout still holds go nowhere: writing it again at exit would fail again."""
    os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())


def _report(error: Exception) -> str:
    """Write a report of an unexpected exception and return what to tell the user."""
    import tempfile
    import traceback

    from sglc.cli.version import describe

    summary = f"internal error: {type(error).__name__}: {error}".rstrip(": ")
    lines = [describe(), "command: " + " ".join(sys.argv), "", traceback.format_exc()]
    try:
        with tempfile.NamedTemporaryFile(
            "w", prefix="sglc-report-", suffix=".txt", delete=False, encoding="utf-8"
        ) as file:
            file.write("\n".join(lines))
        where = f"the report is in {file.name}"
    except OSError as problem:
        where = f"no report could be written ({problem})"
    return f"{summary}\nthis is a bug in sglc; {where}"


def usage(message: str, *helps: str, code: str = "SGL0601") -> UsageError:
    """A wrong argument of a command, with what to write instead."""
    return UsageError(Diagnostic(code=code, message=message, helps=helps))
