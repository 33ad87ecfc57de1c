"""Compiling runs nothing of the user's: neither for files that are read, nor for live functions."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from sglc.backends.recording import RecordingBackend
from sglc.frontends.python import compile_function, lower_file
from tests.differential.observing import load_module

LOUD = '''\
"""Everything here that can run says so."""
import sglc as sgl
from sglc import gen


def said(what):
    print("said", what)
    return what


class Loud:
    """Whatever is done to it prints."""

    def __init__(self, name):
        object.__setattr__(self, "name", name)

    def _tell(self, how):
        print("touched", object.__getattribute__(self, "name"), how)

    def __getattribute__(self, attribute):
        if attribute not in ("_tell", "name"):
            print("attribute", attribute)
        return object.__getattribute__(self, attribute)

    def __eq__(self, other):
        self._tell("eq")
        return False

    def __hash__(self):
        self._tell("hash")
        return 1

    def __bool__(self):
        self._tell("bool")
        return True

    def __call__(self, *args):
        self._tell("call")
        return "called"

    def __repr__(self):
        self._tell("repr")
        return "loud"

    def __len__(self):
        self._tell("len")
        return 0

    def __str__(self):
        self._tell("str")
        return "loud"

    __iter__ = __len__


def decorate(name):
    print("decorator made", name)

    def apply(f):
        print("decorator applied", name)
        return f

    return apply


LIMIT = Loud("global")


def make(cell):
    @decorate(said("inner"))
    @sgl.function
    def closure(s, q=cell):
        s += "x" + sgl.gen("a", max_tokens=LIMIT.name and 4)
        s += "y" + s["a"]
        if cell == q:
            s += str(cell)
        return cell

    return closure


@decorate(said("outer"))
@sgl.function
def program(s, q: said("annotation") = said("default"), *, k=Loud("default")) -> said("returns"):
    s += "text" + gen("a")
    for word in LIMIT:
        s += word
    s += LIMIT("x") + s["a"]
    return len(LIMIT)


made = make(Loud("cell"))
print("module ran")
'''


@pytest.fixture
def loud(tmp_path: Path) -> Path:
    path = tmp_path / "loud_everywhere.py"
    path.write_text(LOUD)
    return path


def test_files_are_read_and_nothing_of_them_runs(
    loud: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    module, _ = lower_file(loud)
    assert module.funcs.keys() == {"program", "make.<locals>.closure"}
    assert capsys.readouterr().out == ""
    assert loud.stem not in sys.modules


@pytest.mark.parametrize("command", ["compile", "check", "explain"])
def test_commands_never_import_the_program(loud: Path, command: str) -> None:
    done = subprocess.run(
        [sys.executable, "-m", "sglc", command, str(loud)],
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    for word in ("said", "touched", "decorator", "module ran"):
        assert f"\n{word}" not in "\n" + done.stdout + done.stderr


def test_live_functions_are_compiled_without_touching_their_objects(
    loud: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    module = load_module(loud)
    ran = capsys.readouterr().out
    assert ran.startswith("said outer\ndecorator made outer\nsaid ")
    for program in (module.program, module.made):
        assert compile_function(program.func).module is not None
        program.bind()
        program._program.constant_prefix()
    assert capsys.readouterr().out == ""


def test_runs_touch_them_as_often_as_the_program_does(
    loud: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    module = load_module(loud)
    capsys.readouterr()

    def printed(compiled: bool) -> str:
        state = module.made.run(backend=RecordingBackend(), compiled=compiled, seed=1)
        state.sync()
        assert type(state.ret_value) is type(module.LIMIT)
        return capsys.readouterr().out

    eager = printed(compiled=False)
    assert "touched cell eq" in eager
    assert printed(compiled=True) == eager
