"""`sglc fmt`: what is written, and what is not."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from sglc.formatting import script
from tests.cli.programs import ROOT, environment, invoke

UGLY = 'def f( ):\n  "a"  # text\n'
NICE = 'def f():\n    "a"  # text\n'
BROKEN = "def f():\n    x = = 1\n"


def write(path: Path, text: str) -> Path:
    path.write_bytes(text.encode("utf-8"))
    return path


def test_files_and_folders_are_rewritten_and_keep_their_mode(tmp_path: Path) -> None:
    (tmp_path / "sub").mkdir()
    ugly = write(tmp_path / "sub" / "ugly.sgl", UGLY)
    nice = write(tmp_path / "nice.sgl", NICE)
    write(tmp_path / "other.txt", UGLY)
    ugly.chmod(0o751)
    before = nice.stat()
    done = invoke("fmt", str(tmp_path))
    assert (done.exit_code, done.stdout) == (0, "")
    assert done.stderr == "1 file formatted, 1 file left unchanged\n"
    assert ugly.read_text() == NICE
    assert ugly.stat().st_mode & 0o777 == 0o751
    assert (nice.stat().st_ino, nice.stat().st_mtime_ns) == (before.st_ino, before.st_mtime_ns)
    assert sorted(p.name for p in tmp_path.rglob("*")) == [
        "nice.sgl", "other.txt", "sub", "ugly.sgl",
    ]  # fmt: skip
    assert invoke("fmt", "--check", str(tmp_path)).exit_code == 0


def test_check_and_diff_write_nothing(tmp_path: Path) -> None:
    path = write(tmp_path / "ugly.sgl", UGLY)
    done = invoke("fmt", "--check", str(path))
    assert (done.exit_code, done.stdout) == (1, f"{path}\n")
    done = invoke("fmt", "--diff", str(path))
    assert done.exit_code == 1
    assert done.stderr == "1 file would be formatted\n"
    assert path.read_text() == UGLY
    header, body = done.stdout.split("@@ -1,2 +1,2 @@\n")
    assert header == f"--- {path}\n+++ {path}\n"
    old, new = UGLY.splitlines(keepends=True), NICE.splitlines(keepends=True)
    assert body.splitlines(keepends=True) == [f"-{line}" for line in old] + [
        f"+{line}" for line in new
    ]


def test_a_script_with_mistakes_is_left_alone_and_the_others_are_formatted(tmp_path: Path) -> None:
    broken = write(tmp_path / "a.sgl", BROKEN)
    ugly = write(tmp_path / "b.sgl", UGLY)
    done = invoke("fmt", str(tmp_path))
    assert done.exit_code == 1
    assert f"--> {broken}:2:9" in done.stderr
    assert done.stderr.endswith("1 file formatted, 1 file cannot be formatted\n")
    assert (broken.read_text(), ugly.read_text()) == (BROKEN, NICE)


def test_a_bug_of_ours_leaves_the_file_alone(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    run = script._Printer.run
    monkeypatch.setattr(script._Printer, "run", lambda self: run(self).replace("text", "test"))
    path = write(tmp_path / "ugly.sgl", UGLY)
    done = invoke("fmt", str(path))
    assert done.exit_code == 3
    assert "formatting lost or moved a comment" in done.stderr
    assert path.read_text() == UGLY


def test_stdin(tmp_path: Path) -> None:
    def run(text: bytes) -> subprocess.CompletedProcess[bytes]:
        return subprocess.run(
            [sys.executable, "-m", "sglc", "fmt", "-"],
            cwd=ROOT, env=environment(), input=text, capture_output=True, check=False, timeout=60,
        )  # fmt: skip

    done = run("\ufeffdef f( ):\r\n  'é😀'\r\n".encode())
    assert (done.returncode, done.stderr) == (0, b"")
    assert done.stdout == "def f():\r\n    'é😀'\r\n".encode()
    done = run(b"def f():\n  '\xff'\n")
    assert (done.returncode, done.stdout) == (1, b"")
    assert b"SGL0112" in done.stderr


@pytest.mark.parametrize(
    ("before", "after"),
    [
        ("use  n=1\r\ndef f():\n  pass", "use n=1\r\n\r\n\r\ndef f():\r\n    pass\r\n"),
        ("use  n=1\ndef f():\r\n  pass", "use n=1\n\n\ndef f():\n    pass\n"),
        ("\ufeffuse n=1\n", "use n=1\n"),
    ],
)
def test_line_ends_are_those_of_the_first_line(tmp_path: Path, before: str, after: str) -> None:
    path = write(tmp_path / "x.sgl", before)
    assert invoke("fmt", str(path)).exit_code == 0
    assert path.read_bytes().decode("utf-8").removeprefix("\ufeff") == after
    assert invoke("fmt", "--check", str(path)).exit_code == 0


def test_a_link_is_followed(tmp_path: Path) -> None:
    path = write(tmp_path / "real.sgl", UGLY)
    link = tmp_path / "link.sgl"
    link.symlink_to(path)
    assert invoke("fmt", str(link)).exit_code == 0
    assert link.is_symlink()
    assert path.read_text() == NICE


def test_wrong_files(tmp_path: Path) -> None:
    python = write(tmp_path / "x.py", "x=1")
    assert invoke("fmt", str(python)).exit_code == 2
    assert python.read_text() == "x=1"
    missing = invoke("fmt", str(tmp_path / "none.sgl"))
    assert missing.exit_code == 1
    assert "no such file" in missing.stderr
    if os.geteuid():
        path = write(tmp_path / "x.sgl", UGLY)
        path.chmod(0o444)
        assert invoke("fmt", str(path)).exit_code == 2
        assert path.read_text() == UGLY
