"""Programs: arguments, binding, nesting, seeds, modes."""

import asyncio
import contextvars
import signal
import sys
import threading
from typing import Any

import pytest

import sglc as sgl
from sglc.backends.recording import RecordingBackend
from sglc.execution.seeds import run_seed


@sgl.function
def greet(s, name, greeting="Hello", *, loud=False, **more):  # type: ignore[no-untyped-def]
    """Greets."""
    s += f"{greeting} {name}{'!' if loud else ''}{more.get('end', '')}" + sgl.gen("x")
    return name


def test_arguments(backend: RecordingBackend, compiled: bool) -> None:
    assert greet.arg_names == ["name", "greeting"]
    assert greet.arg_defaults == ["Hello"]
    for state in (
        greet.run("Ada", compiled=compiled, loud=True, end="?"),
        greet.run(name="Ada", greeting="Hello", loud=True, end="?", compiled=compiled),
        greet("Ada", "Hello", loud=True, end="?"),
    ):
        assert state.text() == f"Hello Ada!?{state['x']}"
        assert state.ret_value == "Ada"
    with pytest.raises(TypeError, match="name"):
        greet.run(compiled=compiled)


def test_metadata_is_the_functions() -> None:
    assert greet.__name__ == "greet"
    assert greet.__doc__ == "Greets."


def test_first_parameter_must_be_s() -> None:
    with pytest.raises(AssertionError, match='The first argument must be "s"'):

        @sgl.function
        def bad(state):  # type: ignore[no-untyped-def]
            pass

    with pytest.raises(AssertionError):
        sgl.function(lambda: None)


def test_decorator_with_parentheses(backend: RecordingBackend) -> None:
    @sgl.function(num_api_spec_tokens=8)
    def program(s):  # type: ignore[no-untyped-def]
        s += "x"

    assert program.num_api_spec_tokens == 8
    assert program.run().text() == "x"


def test_bound_arguments_win(backend: RecordingBackend, compiled: bool) -> None:
    bound = greet.bind(name="Bob")
    assert bound.run(name="Ada", compiled=compiled).ret_value == "Bob"
    assert bound.bind(greeting="Hi").run(compiled=compiled).text().startswith("Hi Bob")
    with pytest.raises(TypeError, match="multiple values"):
        bound.run("Ada", compiled=compiled)
    with pytest.raises(AssertionError):
        greet.bind(nothing=1)
    assert greet.bind_arguments == {}


def test_methods_and_closures(backend: RecordingBackend, compiled: bool) -> None:
    class Box:
        @sgl.function
        def program(s):  # type: ignore[no-untyped-def]
            s += "in a class"

    limit = 2

    @sgl.function
    def counting(s):  # type: ignore[no-untyped-def]
        for i in range(limit):
            s += str(i)

    assert Box.program.run(compiled=compiled).text() == "in a class"
    assert counting.run(compiled=compiled).text() == "01"
    limit = 3
    assert counting.run(compiled=compiled).text() == "012"


def test_own_parameters_win_over_new_options(backend: RecordingBackend) -> None:
    @sgl.function
    def program(s, seed, compiled):  # type: ignore[no-untyped-def]
        return seed, compiled

    assert program.run(seed="a", compiled="b").ret_value == ("a", "b")


def test_nested_runs_have_their_own_state_and_backend(
    backend: RecordingBackend, compiled: bool
) -> None:
    sgl.set_default_backend(None)

    @sgl.function
    def inner(s, x):  # type: ignore[no-untyped-def]
        s += f"inner {x}" + sgl.gen("y")

    @sgl.function
    def outer(s):  # type: ignore[no-untyped-def]
        s += "outer" + sgl.gen("x")
        results = [inner.run(x=i) for i in range(2)]
        s += "|".join(r["y"] for r in results)
        return [r.text() for r in results]

    state = outer.run(backend=backend, compiled=compiled)
    assert [text[:7] for text in state.ret_value] == ["inner 0", "inner 1"]
    assert sorted(backend.prompts) == ["root", "root>0", "root>1"]


def test_helpers_append_to_the_callers_state(backend: RecordingBackend, compiled: bool) -> None:
    def helper(s, what):
        s += what + sgl.gen("h")

    @sgl.function
    def program(s):  # type: ignore[no-untyped-def]
        helper(s, "a")
        helper(s, what="b")

    state = program.run(compiled=compiled)
    state.sync()
    first, second = (call.prompt for call in backend.calls)
    assert first == "a"
    assert second.startswith("a")
    assert second.endswith("b")
    assert state.text() == second + state["h"]


def test_seeds_repeat_runs_and_depend_on_places(compiled: bool) -> None:
    backend = RecordingBackend(seeded=True)

    @sgl.function
    def inner(s):  # type: ignore[no-untyped-def]
        s += sgl.gen("y")

    @sgl.function
    def program(s):  # type: ignore[no-untyped-def]
        s += "a" + sgl.gen("x")
        s += "a" + sgl.gen("x")
        forks = s.fork(2)
        forks += sgl.gen("f")
        forks.join()
        return [inner.run(backend=backend)["y"] for _ in range(2)]

    def outcome(seed: int | None) -> Any:
        state = program.run(backend=backend, seed=seed, compiled=compiled)
        return state.text(), state["f"], state.ret_value, state.seed

    assert outcome(3) == outcome(3)
    text, forks, nested, seed = outcome(3)
    assert seed == 3
    assert forks[0] != forks[1]
    assert nested[0] != nested[1]
    assert outcome(4)[0] != text
    drawn = outcome(None)
    assert outcome(drawn[3]) == drawn


def test_modes_agree_at_any_seed() -> None:
    backend = RecordingBackend(seeded=True)

    @sgl.function
    def program(s, topic):  # type: ignore[no-untyped-def]
        s += "Tips on " + topic + "\n"
        forks = s.fork(3)
        for i, f in enumerate(forks):
            f += f"Tip {i}:" + sgl.gen("tip")
        for i in range(3):
            s += f"{i}. {forks[i]['tip']}\n"
        s += "In short: " + sgl.gen("sum")
        return len(s["sum"])

    compiled, eager = (
        program.run(topic="cats", backend=backend, seed=9, compiled=c) for c in (True, False)
    )
    assert compiled.text() == eager.text()
    assert compiled.ret_value == eager.ret_value


def test_nested_seeds_follow_the_documented_rule(backend: RecordingBackend) -> None:
    @sgl.function
    def inner(s):  # type: ignore[no-untyped-def]
        s += "x"

    @sgl.function
    def outer(s):  # type: ignore[no-untyped-def]
        return [inner.run().seed for _ in range(2)] + [inner.run(seed=1).seed, inner.run().seed]

    assert outer.run(seed=7).ret_value == [
        run_seed(7, (), 0),
        run_seed(7, (), 1),
        1,
        run_seed(7, (), 3),
    ]


def test_context_variables_are_the_callers(backend: RecordingBackend, compiled: bool) -> None:
    variable = contextvars.ContextVar("variable", default="unset")

    @sgl.function
    def program(s):  # type: ignore[no-untyped-def]
        return variable.get()

    variable.set("mine")
    assert program.run(compiled=compiled).ret_value == "mine"
    state = program.run(stream=True, compiled=compiled)
    assert state.ret_value == "mine"


def test_a_body_runs_on_the_callers_thread(backend: RecordingBackend, compiled: bool) -> None:
    @sgl.function
    def program(s):  # type: ignore[no-untyped-def]
        s += "a" + sgl.gen("x")
        return threading.get_ident(), s["x"]

    assert program.run(compiled=compiled).ret_value[0] == threading.get_ident()


def test_cache_asks_the_backend_for_long_constant_prefixes(backend: RecordingBackend) -> None:
    asked: list[str] = []
    backend.cache_prefix = asked.append  # type: ignore[attr-defined]

    @sgl.function
    def long(s, x):  # type: ignore[no-untyped-def]
        s += "Q: a question that every run of this program begins with\nA: its answer\n"
        s += x + sgl.gen("y")

    @sgl.function
    def short(s):  # type: ignore[no-untyped-def]
        s += "few" + sgl.gen("y")

    long.cache()
    short.cache()
    assert asked == ["Q: a question that every run of this program begins with\nA: its answer\n"]


def test_verbosity_prints_the_text(
    backend: RecordingBackend, capsys: pytest.CaptureFixture[str]
) -> None:
    sgl.global_config.verbosity = 2
    try:
        state = greet.run("Ada")
    finally:
        sgl.global_config.verbosity = 0
    assert capsys.readouterr().out == state.text() + "\n"


def test_what_is_no_backend_is_refused() -> None:
    with pytest.raises(TypeError, match="not a backend"):
        greet.run("Ada", backend=object())


def test_an_object_with_an_endpoint_is_a_backend(backend: RecordingBackend) -> None:
    class Server:
        endpoint = backend

    sgl.set_default_backend(None)
    assert greet.run("Ada", backend=Server())["x"]


def test_ctrl_c_cancels_what_is_under_way(backend: RecordingBackend) -> None:
    backend.hold = 99

    @sgl.function
    def program(s):  # type: ignore[no-untyped-def]
        s += "a" + sgl.gen("x")
        s["x"]

    main = threading.main_thread().ident
    assert main is not None
    threading.Timer(0.2, signal.pthread_kill, (main, signal.SIGINT)).start()
    with pytest.raises(KeyboardInterrupt):
        program.run(compiled=False)
    backend.release()
    assert greet.run("after")["x"]


def test_import_is_light() -> None:
    import subprocess

    code = (
        "import sys, sglc\n"
        "heavy = {'torch', 'transformers', 'networkx', 'sglc_runtime', 'numpy', 'asyncio'}\n"
        "print(sorted(heavy & set(sys.modules)))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"


def test_all_names_exist() -> None:
    for name in sgl.__all__:
        assert getattr(sgl, name) is not None
    with pytest.raises(AttributeError):
        sgl.nothing  # noqa: B018


def test_async_iteration_in_a_loop(backend: RecordingBackend, compiled: bool) -> None:
    async def collect() -> tuple[list[str], list[tuple[str, Any]]]:
        state = greet.run("Ada", stream=True, compiled=compiled)
        pieces = [p async for p in state.text_async_iter()]
        state = greet.run("Ada", stream=True, compiled=compiled)
        both = [p async for p in state.text_async_iter("x", return_meta_data=True)]
        assert "".join(pieces) == state.text()
        assert "".join(text for text, _ in both) == state["x"]
        return pieces, both

    _, both = asyncio.run(collect())
    assert both[-1][1]["finish_reason"]["type"] == "stop"
