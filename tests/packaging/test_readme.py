"""README: exactly two set-up commands, and every example does what it shows."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from tests.packaging.readme import README, Block, blocks, sessions, setup_commands

ROOT = README.parent
BLOCKS = blocks()


def of(language: str) -> list[Block]:
    return [block for block in BLOCKS if block.language == language]


def environment() -> dict[str, str]:
    """The shell README's reader has: the environment's commands on the path, no colour."""
    folder = str(Path(sys.executable).parent)
    paths = [str(ROOT), str(ROOT / "runtime"), str(ROOT / "grammar")]
    return os.environ | {
        "PATH": folder + os.pathsep + os.environ["PATH"],
        "PYTHONPATH": os.pathsep.join(paths),
        "NO_COLOR": "1",
    }


def shell(command: str, cwd: Path) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        ["bash", "-c", command], cwd=cwd, env=environment(), capture_output=True, text=True,
        timeout=240, check=False, stdin=subprocess.DEVNULL,
    )  # fmt: skip


@pytest.fixture
def checkout(tmp_path: Path) -> Path:
    """A folder that looks like the checkout, in which commands may write."""
    (tmp_path / "examples").symlink_to(ROOT / "examples")
    return tmp_path


def test_two_setup_commands() -> None:
    first, second = setup_commands()
    assert "venv" in first
    assert "pip install" in first
    assert "sglc run examples/" in first
    assert "pip install" in second
    assert "pytest" in second


def test_blocks_are_all_of_a_kind_that_is_tested() -> None:
    assert {block.language for block in BLOCKS} <= {"sh", "console", "python", "sgl", "text"}
    assert of("console")
    assert of("python")
    assert of("sgl")


@pytest.mark.engine
@pytest.mark.parametrize("block", of("console"), ids=lambda b: f"line{b.line}")
def test_console(block: Block, checkout: Path) -> None:
    for command, output in sessions(block):
        done = shell(command, checkout)
        assert done.stdout.strip("\n") == output, f"{command}\n{done.stderr}"


@pytest.mark.engine
@pytest.mark.parametrize("block", of("python"), ids=lambda b: f"line{b.line}")
def test_python(block: Block, checkout: Path) -> None:
    (checkout / "program.py").write_text(block.body, encoding="utf-8")
    done = shell("python program.py", checkout)
    assert done.returncode == 0, done.stderr
    following = [b for b in BLOCKS if b.line > block.line]
    assert following, "a python block is followed by what it prints"
    assert following[0].language == "text", "a python block is followed by what it prints"
    assert done.stdout.strip("\n") == following[0].body.strip("\n")


@pytest.mark.parametrize("block", of("sgl"), ids=lambda b: f"line{b.line}")
def test_scripts_are_examples(block: Block) -> None:
    """Scripts shown are files of `examples/`, which have their own tests."""
    texts = [path.read_text(encoding="utf-8") for path in (ROOT / "examples").glob("*.sgl")]
    assert any(block.body.strip() in text for text in texts)
