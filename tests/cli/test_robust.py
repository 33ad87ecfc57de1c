"""What can go wrong around a command: streams, files, signals; and that `.py` is never imported."""

from __future__ import annotations

import re
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest
import typer

from sglc.cli.guard import guarded
from tests.cli.programs import ROOT, command, environment, invoke

JUDGE = str(ROOT / "examples" / "judge.py")
COMMANDS = ("check", "compile", "explain")
LOUD = """\
import pathlib
import sglc as sgl

pathlib.Path({marker!r}).write_text("imported")


@sgl.function
def main(s, x=pathlib.Path({marker!r}).write_text("default")):
    s += "a" + sgl.gen("x")
    if s["x"] == "b":
        helper(s)


class Meta(type):
    def __new__(cls, *args):
        pathlib.Path({marker!r}).write_text("class")


class Made(metaclass=Meta):
    pass
"""


@pytest.mark.parametrize(
    "options",
    [
        ("check",),
        ("check", "--output-format", "sarif"),
        ("compile",),
        *[("compile", "--emit", form) for form in ("ast", "graph", "dot", "json", "html")],
        ("compile", "--print-ir-after-all", "--time-passes", "--remarks"),
        ("explain",),
        ("explain", "--output-format", "json"),
    ],
    ids=" ".join,
)
def test_python_files_are_never_imported(options: tuple[str, ...], tmp_path: Path) -> None:
    marker, program = tmp_path / "marker", tmp_path / "loud_marker.py"
    program.write_text(LOUD.format(marker=str(marker)), encoding="utf-8")
    name, *rest = options
    done = invoke(name, str(program), *rest)
    assert done.exit_code == 0, done.output
    assert not marker.exists()
    assert program.stem not in sys.modules
    exec(program.read_text("utf-8"), {"__name__": program.stem})
    assert marker.read_text("utf-8") == "class"  # that is what importing it does


def started(*args: str) -> subprocess.Popen[bytes]:
    return subprocess.Popen(
        [sys.executable, "-m", "sglc", *args],
        cwd=ROOT,
        env=environment(),
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
    )


@pytest.mark.parametrize("args", [("compile", JUDGE), ("check", "--json", "tests/golden")])
def test_a_reader_that_leaves_is_no_error(args: tuple[str, ...]) -> None:
    with started(*args) as process:
        assert process.stdout is not None
        assert process.stderr is not None
        process.stdout.close()
        said = process.stderr.read().decode()
    assert process.returncode in (0, 1)
    assert "Traceback" not in said
    assert "internal error" not in said


def test_ctrl_c_while_reading_stdin() -> None:
    with started("check", "-") as process:
        assert process.stderr is not None
        time.sleep(1.5)
        process.send_signal(signal.SIGINT)
        said = process.stderr.read().decode()
    assert process.returncode == 130
    assert "Traceback" not in said


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="needs /dev/full")
def test_ctrl_c_in_the_body_of_a_class() -> None:
    """Modules are imported while a command runs; Python wraps what `__set_name__` raises."""

    class Field:
        def __set_name__(self, owner: type, name: str) -> None:
            raise KeyboardInterrupt

    @guarded
    def run() -> None:
        try:
            type("Slow", (), {"field": Field()})
        except KeyboardInterrupt as error:  # Python 3.12 and later
            raise RuntimeError from error

    with pytest.raises(typer.Exit) as left:
        run()
    assert left.value.exit_code == 130


def test_a_full_disk_is_said() -> None:
    with open("/dev/full", "w", encoding="utf-8") as full:
        done = subprocess.run(
            [sys.executable, "-m", "sglc", "compile", JUDGE],
            cwd=ROOT, env=environment(), stdout=full, stderr=subprocess.PIPE, text=True,
            check=False,
        )  # fmt: skip
    assert "error[SGL0606]: cannot write the output: no space left on device" in done.stderr
    assert done.returncode == 1
    assert "Traceback" not in done.stderr
    done = command("compile", JUDGE, "-o", "/dev/full")
    assert (done.returncode, done.stdout) == (2, "")
    assert "cannot write `/dev/full`: no space left on device" in done.stderr


@pytest.mark.parametrize("closed", ["1", "2"])
def test_closed_streams(closed: str) -> None:
    line = f"{sys.executable} -m sglc compile {JUDGE} {closed}>&-"
    done = subprocess.run(
        ["sh", "-c", line], cwd=ROOT, env=environment(), capture_output=True, text=True, check=False
    )
    assert done.returncode == 0
    assert done.stderr == ""
    assert bool(done.stdout) is (closed != "1")


@pytest.mark.parametrize("name", COMMANDS)
@pytest.mark.parametrize(
    ("file", "content", "says"),
    [
        ("a.sgl", b'def f():\n    "caf\xe9"\n', "is not UTF-8 text: invalid continuation byte"),
        ("a.sglir", b"\xff\xfe", "is not UTF-8 text"),
        ("a.py", b"x = 'caf\xe9'\n", "cannot read `.*a.py`: invalid or missing encoding"),
        ("a.py", b"# coding: nonsense\n", "cannot read `.*a.py`: unknown encoding"),
        ("a.txt", b"", "is not a program"),
    ],
)
def test_files_that_cannot_be_read(
    name: str, file: str, content: bytes, says: str, tmp_path: Path
) -> None:
    path = tmp_path / file
    path.write_bytes(content)
    done = invoke(name, str(path))
    assert done.exit_code == 2
    assert re.search(rf"error\[SGL060[68]\].*{says}", done.stderr)


@pytest.mark.parametrize("name", COMMANDS)
def test_python_may_declare_its_encoding(name: str, tmp_path: Path) -> None:
    path = tmp_path / "a.py"
    text = (
        '# -*- coding: latin-1 -*-\nimport sglc as sgl\n\n@sgl.function\ndef f(s):\n    s += "é"\n'
    )
    path.write_bytes(text.encode("latin-1"))
    done = invoke(name, str(path))
    assert done.exit_code == 0
    if name == "compile":
        assert 'text = ["é"]' in done.stdout


@pytest.mark.parametrize("name", ["compile", "explain"])
def test_folders_and_missing_files(name: str, tmp_path: Path) -> None:
    (tmp_path / "folder.sgl").mkdir()
    done = invoke(name, str(tmp_path / "folder.sgl"))
    assert done.exit_code == 2
    assert "is a directory" in done.stderr
    assert "did you mean" not in done.stderr
    (tmp_path / "agent.sgl").write_text("", encoding="utf-8")
    done = invoke(name, str(tmp_path / "agnt.sgl"))
    assert f"did you mean `{tmp_path / 'agent.sgl'}`?" in done.stderr


def test_an_empty_folder(tmp_path: Path) -> None:
    done = invoke("check", str(tmp_path))
    assert (done.exit_code, done.stderr) == (0, "found no programs\n")


@pytest.mark.parametrize("content", [b"", b"\n\n", b"\xef\xbb\xbf", b"# nothing\r\n"])
def test_files_without_programs(content: bytes, tmp_path: Path) -> None:
    for suffix in (".sgl", ".py"):
        path = tmp_path / f"a{suffix}"
        path.write_bytes(content)
        for name in COMMANDS:
            assert invoke(name, str(path)).exit_code == 0


def test_byte_order_marks_and_line_ends_do_not_matter(tmp_path: Path) -> None:
    text = 'def f(x: str):\n    "${x}"\n    y = gen()\n'
    plain, other = tmp_path / "a" / "f.sgl", tmp_path / "b" / "f.sgl"
    for path, content in ((plain, text), (other, "\ufeff" + text.replace("\n", "\r\n"))):
        path.parent.mkdir()
        path.write_bytes(content.encode())
    one, two = (invoke("compile", str(path)).stdout for path in (plain, other))
    assert one.replace(str(plain), "") == two.replace(str(other), "")
