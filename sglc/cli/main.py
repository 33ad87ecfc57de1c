"""Entry point of `sglc`."""

from __future__ import annotations

import sys


def main() -> None:
    """Run the command line; exit codes are 0, 1 (diagnostics), 2 (usage) and 3 (internal)."""
    if sys.argv[1:] == ["--version"]:  # without building the other commands
        from sglc.cli.version import describe

        print(describe())
        return
    from sglc.cli.app import app

    app(prog_name="sglc")
