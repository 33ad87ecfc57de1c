"""Corner cases of SGLang's language, each as written and compiled."""

from __future__ import annotations

import base64
import re
import warnings
from typing import Any

import pytest

import sglc as sgl
from sglc.backends.recording import RecordingBackend
from tests.upstream import corner_programs as programs
from tests.upstream.test_programs.image_qa import DOT

pytestmark = pytest.mark.timeout(20)


@pytest.fixture(params=[False, True], ids=["as written", "compiled"])
def how(request: pytest.FixtureRequest) -> dict[str, Any]:
    return {"compiled": request.param, "seed": 1}


def backend(template: str = "chatml", **kwargs: Any) -> RecordingBackend:
    return RecordingBackend(seeded=True, chat_template=template, **kwargs)


def test_bound_arguments_win_over_those_of_the_call(how: dict[str, Any]) -> None:
    bound = programs.two.bind(a="bound")
    assert bound.run(a="call", b="b", backend=backend(), **how).text().startswith("bound b")
    with pytest.raises(TypeError, match="multiple values"):
        bound.run("positional", b="b", backend=backend(), **how)
    with pytest.raises(AssertionError):
        programs.two.bind(c=1)


def test_batches_of_positional_rows(how: dict[str, Any]) -> None:
    rows = [("x",), ["y", "z"], ("u", "v")]
    states = programs.two.run_batch(rows, backend=backend(), **how)
    assert [s.text()[:4] for s in states] == ["x de", "y z:", "u v:"]
    with pytest.raises(Exception, match="mismatch the SGL function signature"):
        programs.two.run_batch([("x", "y", "z")], backend=backend(), **how)
    with pytest.raises(Exception, match="mismatch the SGL function signature"):
        programs.two.run_batch([()], backend=backend(), **how)
    assert programs.two.run_batch([], backend=backend(), **how) == []
    mine = [{"a": "x"}]
    programs.two.bind(b="bound").run_batch(mine, backend=backend(), **how)
    assert mine == [{"a": "x"}]


def test_return_value_and_membership(how: dict[str, Any]) -> None:
    state = programs.two.run("x", backend=backend(), **how)
    assert state.ret_value == ("x", True, False)
    assert "a" in state
    assert "nothing" not in state


def test_unnamed_generations_share_a_variable(how: dict[str, Any]) -> None:
    state = programs.unnamed.run(backend=backend(), **how)
    assert state[None] == state.text().rpartition("|")[2]


def test_a_name_used_again_means_the_latest(how: dict[str, Any]) -> None:
    state = programs.again.run(backend=backend(), **how)
    first, second = state.ret_value
    assert second == state["a"] != first


def test_a_second_fork_of_the_same_names_is_not_gathered(how: dict[str, Any]) -> None:
    state = programs.forks_twice.run(backend=backend(), **how)
    first, second = state.ret_value
    assert len(first) == 2
    assert second is not None
    assert state["a"] == first


def test_joins_of_uneven_forks_are_shorter(how: dict[str, Any]) -> None:
    with warnings.catch_warnings(record=True) as said:
        warnings.simplefilter("always")
        state = programs.uneven.run(backend=backend(), **how)
        assert len(state["only"]) == 1
    assert any("only some of the forks" in str(w.message) for w in said)


def test_lists_and_text_on_a_group(how: dict[str, Any]) -> None:
    state = programs.group_list.run(["x", "y"], backend=backend(), **how)
    assert state.ret_value == ["x", "y"]
    with pytest.raises(ValueError, match="Invalid value: text"):
        programs.group_text.run(backend=backend(), **how)


def test_nested_roles_are_an_error(how: dict[str, Any]) -> None:
    state = programs.nested_roles.run(backend=backend(), **how)
    assert "Nested roles" in str(state.error())


@pytest.mark.parametrize(
    ("template", "first"),
    [
        ("qwen", ["system", "user"]),
        ("vicuna_v1.1", ["system", "user"]),
        ("llama-2-chat", ["user"]),
        ("claude", ["user"]),
    ],
)
def test_default_system_messages(how: dict[str, Any], template: str, first: list[str]) -> None:
    state = programs.asks.run("Who?", backend=backend(template), **how)
    assert [m["role"] for m in state.messages()] == [*first, "assistant"]


def test_llama_2_wraps_the_system_message(how: dict[str, Any]) -> None:
    text = programs.system_and_user.run(backend=backend("llama-2-chat"), **how).text()
    assert text.startswith("[INST] <<SYS>>\nrules\n<</SYS>>\n\nhello [/INST]")


def test_contents_are_stripped_on_the_left_alone(how: dict[str, Any]) -> None:
    state = programs.asks.run("  hi  ", backend=backend(), **how)
    assert state.messages()[0]["content"] == "hi  "


def test_scopes_of_a_name_again(how: dict[str, Any]) -> None:
    state = programs.scopes.run(backend=backend(), **how)
    first, second = state.ret_value
    assert first.startswith("one")
    assert state["part"] == second
    assert second.startswith("two")


def test_following_a_variable_that_never_comes(how: dict[str, Any]) -> None:
    state = programs.two.run("x", backend=backend(), stream=True, **how)
    assert list(state.text_iter("missing")) == [""]


def test_streams_show_forks_only_by_what_is_appended(how: dict[str, Any]) -> None:
    state = programs.streams_forks.run(backend=backend(), stream=True, **how)
    assert "".join(state.text_iter()) == state.text()
    assert "aside" not in state.text()


def test_reads_after_a_failure_raise_it_and_nothing_hangs(how: dict[str, Any]) -> None:
    failing = backend(failures={"BOOM": RuntimeError("model failed")})
    state = programs.asks.run("BOOM", backend=failing, **how)
    for read in (lambda: state["answer"], state.text, state.messages, lambda: str(state)):
        with pytest.raises(RuntimeError, match="model failed"):
            read()
    state += "more" + sgl.gen("later")
    with pytest.raises(RuntimeError, match="model failed"):
        state["later"]
    state.sync()


def test_a_stop_list_is_never_changed(how: dict[str, Any]) -> None:
    programs.stops.run(backend=backend("qwen"), **how).sync()
    assert programs.STOP == ["\n"]


def test_no_choices_make_a_plain_generation(how: dict[str, Any]) -> None:
    recording = backend()
    programs.choices.run([], backend=recording, **how).sync()
    assert type(recording.calls[0].step).__name__ == "GenStep"


def test_a_bad_pattern_fails_at_its_call(how: dict[str, Any]) -> None:
    with pytest.raises(re.error):
        programs.pattern.run("(", backend=backend(), **how)


def test_messages_with_images(how: dict[str, Any]) -> None:
    state = programs.looks.run(DOT, backend=backend(), **how)
    text, image = state.messages()[0]["content"]
    assert text == {"type": "text", "text": "<image>what?"}
    assert image["type"] == "image_url"
    head, _, data = image["image_url"]["url"].partition(",")
    assert head == "data:image/jpeg;base64"
    assert base64.b64decode(data) == DOT
