"""Groups of options: the command line sees their fields, the command the group."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated

import pytest
import typer
from typer.testing import CliRunner

from sglc.cli.groups import grouped


@dataclass(frozen=True)
class Size:
    """Two options."""

    width: Annotated[int, typer.Option(min=1, help="How wide.", rich_help_panel="Size")] = 3
    names: Annotated[list[str] | None, typer.Option("-n", "--name")] = None


@dataclass(frozen=True)
class Needed:
    """An option that must be given."""

    depth: Annotated[int, typer.Option()]


SEEN: list[object] = []
app = typer.Typer()


@app.command()
@grouped
def command(
    what: Annotated[str, typer.Argument()], size: Size, needed: Needed, loud: bool = False
) -> None:
    """Say what it is."""
    SEEN.append((what, size, needed, loud))


def call(*args: str) -> tuple[int, object]:
    SEEN.clear()
    done = CliRunner().invoke(app, list(args))
    return done.exit_code, SEEN[0] if SEEN else done.output


def test_fields_are_options_with_their_defaults() -> None:
    assert call("a", "--depth", "2") == (0, ("a", Size(), Needed(2), False))
    status, seen = call("a", "--width", "7", "-n", "x", "--name", "y", "--depth", "2", "--loud")
    assert (status, seen) == (0, ("a", Size(7, ["x", "y"]), Needed(2), True))


def test_bounds_help_and_required_options_are_kept() -> None:
    assert call("a", "--depth", "2", "--width", "0")[0] == 2
    assert call("a")[0] == 2
    shown = CliRunner().invoke(app, ["--help"]).output
    assert "Say what it is." in shown
    assert "How wide." in shown
    assert "[default: 3]" in shown


def test_an_option_of_two_groups_is_refused() -> None:
    with pytest.raises(AssertionError, match="declared twice"):

        @grouped
        def twice(size: Size, width: int = 1) -> None:
            """Never called."""
