"""Deferred reads: they overlap generations, and nothing in the program can tell."""

from __future__ import annotations

import linecache
import traceback

import pytest

import sglc as sgl
from sglc.backends.recording import RecordingBackend
from sglc.execution.session import ExecOptions
from sglc.frontends.python import compile_function
from tests.differential.observing import differences, observe
from tests.python_frontend import deferral_programs as programs

FILE = programs.__file__


def both(program, *args, delays=True):
    """Observations of the eager and of the compiled run."""
    return [
        observe(
            lambda **options: program.run(*args, **options),
            FILE,
            compiled=compiled,
            options=ExecOptions(),
            delays=delays,
            kept=programs.KEPT if program in KEEPING else None,
        )
        for compiled in (False, True)
    ]


KEEPING = [programs.fails_before_host, programs.fails_then_branches]


@pytest.mark.parametrize(
    ("program", "args"),
    [
        (programs.tips, (3,)),
        (programs.tips_then_host, (3,)),
        (programs.fails_before_host, ()),
        (programs.fails_then_branches, ()),
        (programs.fails_inside_try, ()),
        (programs.other_exception_after_failure, ()),
        (programs.formats_host_values, ()),
        (programs.many_samples, ()),
        (programs.recursive, (2,)),
        (programs.uses_helper, ()),
        (programs.roles, ("Why?",)),
        (programs.roles, (3,)),
        (programs.with_context, ()),
        (programs.branches_on_value, ()),
        (programs.Holder.method, (programs.Holder(),)),
    ],
    ids=lambda value: value.func.__name__ if hasattr(value, "func") else None,
)
def test_compiled_is_eager(program, args):
    eager, compiled = both(program, *args)
    assert differences(eager, compiled) == []


def test_deferred_failure_is_raised_at_its_own_line():
    _, compiled = both(programs.fails_before_host)
    line = programs.fails_before_host.func.__code__.co_firstlineno + 5
    assert f"[fails_before_host:{line}]" in compiled.error
    assert compiled.printed == ""


def test_traceback_points_at_the_read_itself():
    backend = RecordingBackend(failures={"BOOM": RuntimeError("no")}, delay=0.01)
    state = programs.fails_then_branches.run(backend=backend)
    frames = traceback.extract_tb(state.error().__traceback__)
    read = next(f for f in frames if f.filename == FILE)
    line = linecache.getline(FILE, read.lineno or 0)
    assert line.strip() == '+ forks[0]["a"]'
    assert line[read.colno : read.end_colno] == 'forks[0]["a"]'


def test_what_followed_a_failed_read_is_undone():
    programs.KEPT.clear()
    backend = RecordingBackend(failures={"BOOM": RuntimeError("no")}, delay=0.01)
    programs.fails_before_host.run(backend=backend)
    untouched = programs.KEPT[0][1]
    assert "z" not in untouched
    assert untouched.text() == ""


def test_silent_runs_return_before_anything_is_generated():
    backend = RecordingBackend(hold=10**6)
    states = [programs.tips.run(2, backend=backend) for _ in range(5)]
    assert backend.most_in_flight <= 10
    backend.release()
    assert all(state["summary"] for state in states)


def test_host_code_waits_for_deferred_reads_only_at_the_end(capsys):
    """All tips are under way at once although each is read into the prompt in order."""
    backend = RecordingBackend(hold=3)
    state = programs.tips_then_host.run(3, backend=backend)
    assert backend.most_in_flight == 3
    backend.release()
    assert state.text().count("Tip:") == 3
    assert capsys.readouterr().out == "host\n"


def test_closures_share_their_cells(capsys):
    inner, asked = programs.make_closure_program()
    backend = RecordingBackend(delay=0.002)
    inner.run("one", backend=backend)
    inner.run("two", backend=backend)
    assert asked == ["one", "two"]
    assert capsys.readouterr().out == "['one']\n['one', 'two']\n"
    assert compile_function(inner.func).emitted is not inner.func


def test_deferral_can_be_switched_off():
    backend = RecordingBackend(delay=0.002)
    off = ExecOptions(deferred=False)
    on = programs.tips_then_host.run(2, backend=backend, seed=1)
    without = programs.tips_then_host.run(2, backend=backend, seed=1, options=off)
    assert on.text() == without.text()


@pytest.mark.parametrize(
    ("function", "word"),
    [
        (programs.generator, "generator"),
        (programs.looks_at_locals, "locals"),
        (programs.coroutine, "async"),
        (len, "plain Python function"),
        (lambda s: s, "lambda"),
    ],
)
def test_what_runs_live_is_said(function, word):
    compiled = compile_function(function)
    assert compiled.emitted is function
    assert not compiled.silent
    assert [word in remark.message for remark in compiled.remarks] == [True]
    with pytest.raises(sgl_errors().LowerError, match=word):
        compile_function(function, strict=True)


def sgl_errors():
    from sglc.diagnostics import core

    return core


def test_functions_without_source_run_live():
    namespace = {"sgl": sgl}
    exec("def typed(s):\n    s += 'a' + sgl.gen('x')\n    s += 'b' + s['x']\n", namespace)
    compiled = compile_function(namespace["typed"])
    assert compiled.emitted is namespace["typed"]
    assert "not available" in compiled.remarks[0].message


def test_edited_files_are_noticed(tmp_path):
    path = tmp_path / "edited.py"
    path.write_text("import sglc as sgl\n\n@sgl.function\ndef p(s):\n    s += 'a' + sgl.gen('x')\n")
    from tests.differential.observing import load_module

    module = load_module(path)
    path.write_text("import sglc as sgl\n\n@sgl.function\ndef p(s):\n    s += 'b' + sgl.gen('x')\n")
    compiled = compile_function(module.p.func)
    assert "does not match" in compiled.remarks[0].message
    state = module.p.run(backend=RecordingBackend())
    assert state.text().startswith("a")


def test_replaced_names_make_a_run_live(tmp_path):
    path = tmp_path / "patched.py"
    path.write_text(
        "import sglc as sgl\nfrom sglc import gen, user\n\n@sgl.function\ndef p(s):\n"
        "    s += user('a') + gen('x')\n    s += user('b' + s['x'])\n    print('end')\n"
    )
    from tests.differential.observing import load_module

    module = load_module(path)
    backend = RecordingBackend(delay=0.005)
    module.p.run(backend=backend)
    module.user = lambda text: "<" + text + ">"
    state = module.p.run(backend=backend)
    assert state.text().startswith("<a>")
    assert "<b" in state.text()
    assert [r.code for r in module.p._program.compiled().remarks] == ["SGL0304"]
