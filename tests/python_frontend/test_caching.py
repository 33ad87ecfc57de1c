"""A code object is lowered once, whatever number of functions is made of it."""

from __future__ import annotations

import gc
from pathlib import Path

import pytest

from sglc.backends.recording import RecordingBackend
from sglc.execution.session import ExecOptions
from sglc.frontends.python import compiled as compiling
from sglc.frontends.python import lowerings
from tests.differential.observing import PLAIN, differences, load_module, observe
from tests.python_frontend import caching_programs as programs


@pytest.fixture
def lowered(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """Qualified names of what is lowered while a test runs."""
    names: list[str] = []
    lower = compiling.lower_into

    def counting(module, source, *rest):
        names.append(source.qualname)
        return lower(module, source, *rest)

    monkeypatch.setattr(compiling, "lower_into", counting)
    # Codes that another test has compiled would not be lowered again.
    monkeypatch.setattr(lowerings, "_lowerings", {})
    return names


def run(program, *args, **how):
    return program.run(*args, backend=RecordingBackend(seeded=True), seed=1, **how)


def test_a_second_run_does_not_lower_again(lowered: list[str]) -> None:
    program = programs.make("word")
    assert [run(program).text() for _ in range(3)] == [run(program, compiled=False).text()] * 3
    assert lowered == ["make.<locals>.program"]


def test_bound_functions_share_the_lowering(lowered: list[str]) -> None:
    program = programs.make("word")
    for question in ("a", "b"):
        bound = program.bind(question=question)
        assert f"word{question}" in run(bound).text()
        run(bound.bind())
    assert lowered == ["make.<locals>.program"]


def test_closures_of_a_loop_share_it_and_keep_their_own_cells(lowered: list[str]) -> None:
    words = ["one", "two", "three"]
    made = [programs.make(word) for word in words]
    for word, program in zip(words, made, strict=True):
        compiled, eager = run(program), run(program, compiled=False)
        assert compiled.ret_value == word
        assert compiled.text() == eager.text()
        assert word in compiled.text()
    assert lowered == ["make.<locals>.program"]


def test_closures_that_rebind_share_their_cells(lowered: list[str]) -> None:
    results = [run(program).ret_value for program in programs.counter()]
    assert results == [(2, 0, 1), (2, 1, 2), (2, 2, 3)]
    assert lowered == ["counter.<locals>.program"]


def test_methods(lowered: list[str]) -> None:
    run(programs.Bot.ask, "x")
    run(programs.Bot("y").ask, "x")
    texts = [run(programs.Bot(name).asker()).text() for name in ("y", "z")]
    assert [text[0] for text in texts] == ["y", "z"]
    assert lowered == ["Bot.ask", "Bot.asker.<locals>.ask"]


def test_a_name_with_another_meaning_is_lowered_anew(lowered: list[str]) -> None:
    """`generate` is the language's in one closure, and the user's own in the other."""
    run(programs.make("a"))

    def own(name, max_tokens):
        return f"<{name}{max_tokens}>"

    with pytest.raises(KeyError, match="a"):
        run(programs.make("b", generate=own), "")
    run(programs.make("c"))
    assert lowered == ["make.<locals>.program"] * 2


def test_silent_bodies_share_it_and_stay_silent(lowered: list[str]) -> None:
    backend = RecordingBackend(hold=10**6)
    made = [programs.silent_maker(word) for word in ("x", "y")]
    states = [program.run(backend=backend) for program in made]
    backend.release()
    assert [state.text()[0] for state in states] == ["x", "y"]
    assert all(program._program.compiled().silent for program in made)
    assert lowered == ["silent_maker.<locals>.program"]


@pytest.mark.parametrize("word", ["one", "BOOM"])
def test_shared_lowerings_mean_what_is_written(word: str) -> None:
    programs.make("first").run(backend=RecordingBackend())

    def seen(compiled: bool, options: ExecOptions):
        program = programs.make(word, speak=programs.whisper)
        return observe(
            program.run, programs.__file__, compiled=compiled, options=options, delays=True
        )

    eager = seen(False, ExecOptions())
    assert differences(eager, seen(True, ExecOptions())) == []
    assert differences(eager, seen(True, PLAIN)) == []


def test_lowerings_go_with_their_code(tmp_path: Path) -> None:
    path = tmp_path / "gone.py"
    path.write_text(
        "import sglc as sgl\n\n@sgl.function\ndef p(s):\n    s += 'a' + sgl.gen('x')\n"
        "    s += s['x']\n    print(s['x'])\n"
    )
    before = len(lowerings._lowerings)
    module = load_module(path)
    run(module.p).text()
    assert len(lowerings._lowerings) == before + 1
    del module
    gc.collect()
    assert len(lowerings._lowerings) <= before
