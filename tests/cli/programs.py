"""Helpers: run the command line, in this process or in one of its own."""

import os
import subprocess
import sys
from pathlib import Path

from typer.testing import CliRunner, Result

from sglc.cli.app import app

ROOT = Path(__file__).parents[2]
RECORDING = "sglc.backends.recording:RecordingBackend"


def invoke(*args: str) -> Result:
    """The command line in this process; fast, for everything but signals and start-up."""
    return CliRunner().invoke(app, list(args), prog_name="sglc")


def environment() -> dict[str, str]:
    """An environment in which a child process finds this checkout."""
    paths = [str(ROOT), str(ROOT / "runtime"), str(ROOT / "grammar")]
    return os.environ | {"PYTHONPATH": os.pathsep.join(paths), "NO_COLOR": "1"}


def command(*args: str, cwd: Path = ROOT) -> subprocess.CompletedProcess[str]:
    """The command line in a process of its own."""
    return subprocess.run(
        [sys.executable, "-m", "sglc", *args],
        cwd=cwd,
        env=environment(),
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
        stdin=subprocess.DEVNULL,
    )
