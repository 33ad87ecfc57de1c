"""Starting the command: versions without heavy imports, help, module form."""

import subprocess
import sys

import pytest

from tests.cli.programs import ROOT, command, environment, invoke

HEAVY = ("torch", "transformers", "networkx", "triton", "llguidance", "numpy", "lark")


def test_version() -> None:
    done = command("--version")
    assert done.returncode == 0
    assert done.stdout.startswith("sglc ")
    for name in ("Python", "torch", "triton"):
        assert f", {name} " in done.stdout


@pytest.mark.parametrize("args", [["--version"], ["--help"], ["run", "--help"]])
def test_nothing_heavy_is_imported(args: list[str]) -> None:
    """Start-up must not pay for what a command does not use."""
    script = (
        "import sys\n"
        f"sys.argv = ['sglc', *{args!r}]\n"
        "from sglc.cli.main import main\n"
        "try:\n    main()\nexcept SystemExit:\n    pass\n"
        f"print('heavy:', [m for m in {HEAVY!r} if m in sys.modules])\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", script], cwd=ROOT, env=environment(),
        capture_output=True, text=True, timeout=60, check=True,
    )  # fmt: skip
    assert done.stdout.splitlines()[-1] == "heavy: []"


def test_help_shows_commands_and_examples() -> None:
    done = invoke("--help")
    assert done.exit_code == 0
    for name in ("check", "compile", "run", "explain", "--version"):
        assert name in done.stdout
    for name in ("check", "compile", "run", "explain"):
        done = invoke(name, "--help")
        assert done.exit_code == 0
        assert "Examples:" in done.stdout
        assert f"sglc {name} " in done.stdout


def test_unknown_option_is_wrong_usage() -> None:
    done = command("run", "--no-such-option")
    assert done.returncode == 2
    assert "No such option" in done.stderr
    assert done.stdout == ""


def test_no_colour_when_piped() -> None:
    done = command("run", "none.sgl")
    assert done.returncode == 2
    assert "error[SGL0606]: cannot read `none.sgl`: no such file" in done.stderr
    assert "\x1b" not in done.stderr


def test_reader_that_goes_away() -> None:
    """`sglc ... | head -1` ends without a word about broken pipes."""
    line = f"{sys.executable} -m sglc explain SGL0610 | head -c 1"
    done = subprocess.run(
        ["bash", "-c", line], cwd=ROOT, env=environment(), capture_output=True, text=True,
        timeout=60, check=False,
    )  # fmt: skip
    assert done.stdout == "S"
    assert "Traceback" not in done.stderr
    assert "rror" not in done.stderr


def test_explain_code() -> None:
    done = invoke("explain", "sgl0603")
    assert done.exit_code == 0
    assert done.stdout.startswith("SGL0603: missing argument\n")
    assert "Right:" in done.stdout
    done = invoke("explain", "SGL9999")
    assert done.exit_code == 2
    assert "there is no diagnostic `SGL9999`" in done.stderr
