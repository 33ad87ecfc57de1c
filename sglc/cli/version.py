"""`sglc --version`: versions are read from metadata, nothing heavy is imported."""

from __future__ import annotations

import platform

import typer

SHOWN = ("torch", "triton", "transformers", "llguidance")


def describe() -> str:
    """One line: sglc, Python and the libraries that decide how an engine behaves."""
    parts = [f"sglc {installed_version('sglc')}", f"Python {platform.python_version()}"]
    parts += [f"{name} {installed_version(name)}" for name in SHOWN]
    return ", ".join(parts)


def show(wanted: bool) -> None:
    """Print the versions and end, when asked to."""
    if wanted:
        print(describe())
        raise typer.Exit


def installed_version(name: str = "sglc") -> str:
    """The version of a package, by its metadata."""
    # Here, because every command imports this module and few print versions.
    from importlib.metadata import PackageNotFoundError
    from importlib.metadata import version as installed

    try:
        return installed(name)
    except PackageNotFoundError:
        return "not installed"
