"""Sampling parameters: precedence, template stops, dtypes."""

import pytest

import sglc as sgl
from sglc.backends.recording import RecordingBackend
from sglc.execution.requests import GenStep
from sglc.language.sampling import (
    DEFAULTS,
    REGEX_INT,
    GenParams,
    constrain_by_dtype,
    overlay,
    resolve,
)


def test_gen_over_run_over_defaults() -> None:
    run = GenParams(max_new_tokens=50, temperature=0.5)
    found = resolve(run, GenParams(temperature=0.0, top_k=5))
    assert (found.max_new_tokens, found.temperature, found.top_k) == (50, 0.0, 5)
    assert found.top_p == DEFAULTS.top_p
    assert resolve(GenParams(), GenParams()).max_new_tokens == 128


def test_template_stops_are_added_without_touching_the_callers_list() -> None:
    stop = ["\n"]
    for _ in range(3):
        found = resolve(DEFAULTS, GenParams(stop=stop), ("<|im_end|>",))
        assert found.stop == ("\n", "<|im_end|>")
    assert stop == ["\n"]
    assert resolve(DEFAULTS, GenParams(stop="x"), ["a", "b"]).stop == ("x", "a", "b")
    assert resolve(DEFAULTS, GenParams(stop=("a",)), "a").stop == ("a",)


def test_dtype_becomes_a_regex_and_stops() -> None:
    found = constrain_by_dtype(GenParams(dtype=int, stop="\n", json_schema="{}"))
    assert found.regex == REGEX_INT
    assert found.stop == ("\n", " ")
    assert found.json_schema is None
    assert constrain_by_dtype(GenParams(dtype="bool")).stop == ()
    assert constrain_by_dtype(GenParams(regex="a")).regex == "a"
    with pytest.raises(RuntimeError, match="Invalid dtype"):
        constrain_by_dtype(GenParams(dtype=list))


def test_overlay_keeps_false_and_zero() -> None:
    assert overlay(DEFAULTS, GenParams(top_k=0, ignore_eos=False)).top_k == 0


def test_parameters_reach_the_backend(backend: RecordingBackend, compiled: bool) -> None:
    @sgl.function
    def program(s):  # type: ignore[no-untyped-def]
        s += sgl.gen("a", 5, stop=["."], temperature=0.1)
        s += sgl.gen("b")

    program.run(max_new_tokens=9, stop="!", top_p=0.9, compiled=compiled).sync()
    first, second = (call.step for call in backend.calls)
    assert isinstance(first, GenStep)
    assert isinstance(second, GenStep)
    assert (first.params.max_new_tokens, first.params.stop, first.params.temperature) == (
        5,
        (".",),
        0.1,
    )
    assert (second.params.max_new_tokens, second.params.stop) == (9, ("!",))
    assert first.params.top_p == second.params.top_p == 0.9


def test_a_wrong_dtype_is_the_states_error(backend: RecordingBackend, compiled: bool) -> None:
    @sgl.function
    def program(s):  # type: ignore[no-untyped-def]
        s += "a" + sgl.gen("a", dtype=dict)

    state = program.run(compiled=compiled)
    assert isinstance(state.error(), RuntimeError)
    with pytest.raises(RuntimeError, match="Invalid dtype"):
        state["a"]
    assert backend.calls == []


@pytest.mark.parametrize(
    "params", [{"stop": 5}, {"stop": [1]}, {"stop_token_ids": "ab"}, {"stop_regex": [None]}]
)
def test_wrong_types_are_the_states_error(
    backend: RecordingBackend, compiled: bool, params: dict[str, object]
) -> None:
    @sgl.function
    def program(s):  # type: ignore[no-untyped-def]
        s += "a" + sgl.gen("a", **params)

    state = program.run(compiled=compiled)
    with pytest.raises(ValueError, match="must be a"):
        state["a"]
    assert any(__file__ in note for note in state.error().__notes__)
