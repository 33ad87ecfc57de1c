"""Entry point of `sglc`."""

from __future__ import annotations

import os
import sys


def main() -> None:
    """Run the command line; exit codes are 0, 1 (diagnostics), 2 (usage) and 3 (internal)."""
    _open_streams()
    try:
        _main(sys.argv[1:])
    except KeyboardInterrupt:  # while commands are loaded; once one runs, it says so itself
        sys.exit(130)


def _open_streams() -> None:
    """Started with closed streams (`>&-`), Python has none; then what is written goes nowhere."""
    for name in ("stdout", "stderr"):
        if getattr(sys, name) is None:
            setattr(sys, name, open(os.devnull, "w", encoding="utf-8"))  # noqa: SIM115


def _main(arguments: list[str]) -> None:
    if arguments == ["--version"]:  # without building the other commands
        from sglc.cli.version import describe

        print(describe())
    elif is_plain_check(arguments):
        _check(arguments[1:])
    else:
        from sglc.cli.app import app

        app(prog_name="sglc")


def is_plain_check(arguments: list[str]) -> bool:
    """
    Whether this is `check PATH...` without an option.

    Editors run it on every save, and reading options costs as much as the rest of it: typer loads
    pydantic to convert them.
    """
    return arguments[:1] == ["check"] and len(arguments) > 1 and not _has_option(arguments)


def _has_option(arguments: list[str]) -> bool:
    return any(argument.startswith("-") for argument in arguments)


def _check(paths: list[str]) -> None:
    from sglc.ir.collector import paused

    with paused():  # loading modules makes next to no garbage either
        from sglc.cli.checking import check_paths
        from sglc.cli.guard import guarded

        status = 0

        @guarded
        def check() -> None:
            nonlocal status
            status = check_paths(paths)

        try:
            check()
        except RuntimeError as end:  # typer's, which is loaded only for failures
            status = getattr(end, "exit_code", 1)
    sys.exit(status)
