"""`s`: what SGLang's table of semantics says, in both modes."""

import time
from typing import Any

import pytest

import sglc as sgl
from sglc.backends.recording import RecordingBackend
from sglc.language.chat_template import get_chat_template


def run(program: Any, compiled: bool, **kwargs: Any) -> Any:
    return sgl.function(program).run(compiled=compiled, **kwargs)


def test_text_variables_and_meta(backend: RecordingBackend, compiled: bool) -> None:
    def program(s):
        s += "Q: 1+1\nA:" + sgl.gen("a", max_tokens=4) + "\n"
        s += sgl.select("b", ["yes", "no"])
        return s["a"]

    state = run(program, compiled)
    assert state.text() == f"Q: 1+1\nA:{state['a']}\n{state['b']}"
    assert state.ret_value == state["a"]
    assert state["b"] in ("yes", "no")
    assert state.get_meta_info("a")["finish_reason"]["type"] == "stop"
    assert "normalized_prompt_logprobs" in state.get_meta_info("b")
    assert state.get_meta_info("nothing") is None
    assert state.error() is None
    assert "a" in state
    assert "c" not in state
    assert repr(state) == f"ProgramState({state.text()})"
    with pytest.raises(KeyError):
        state["c"]


def test_n_gives_a_list_and_the_text_goes_on_with_the_first(
    backend: RecordingBackend, compiled: bool
) -> None:
    def program(s):
        s += "a" + sgl.gen("x", n=3)

    state = run(program, compiled)
    assert len(state["x"]) == 3
    assert len(set(state["x"])) == 3
    assert state.text() == "a" + state["x"][0]
    assert len(state.get_meta_info("x")) == 3


def test_values_of_typed_gens_stay_text(backend: RecordingBackend, compiled: bool) -> None:
    def program(s):
        s += "n: " + sgl.gen_int("n") + sgl.gen_string("t")
        return int(s["n"]) + 1

    state = run(program, compiled)
    assert state.ret_value == int(state["n"]) + 1
    assert state["t"].startswith('"')


def test_unnamed_gens_share_none_and_a_name_means_the_latest(
    backend: RecordingBackend, compiled: bool
) -> None:
    def program(s):
        s += "a" + sgl.gen() + "b" + sgl.gen()
        s += sgl.gen("x")
        first = s["x"]
        s += "c" + sgl.gen("x")
        return first, s["x"], s[None]

    state = run(program, compiled)
    first, second, unnamed = state.ret_value
    assert state.text().endswith(f"b{unnamed}{first}c{second}")
    assert first != second


def test_set_variables(backend: RecordingBackend, compiled: bool) -> None:
    def program(s):
        s["x"] = [1, 2]
        s.set_var("y", None)
        return "x" in s, s.get_var("y")

    state = run(program, compiled)
    assert state.ret_value == (True, None)
    assert state["x"] == [1, 2]


def test_appending_none_raises_and_other_values_poison(
    backend: RecordingBackend, compiled: bool
) -> None:
    def nothing(s):
        s += None

    with pytest.raises(ValueError, match="None"):
        run(nothing, compiled)

    def number(s):
        s += "a" + sgl.gen("x")
        s += 3
        s += sgl.gen("y")

    state = run(number, compiled)
    assert isinstance(state.error(), AssertionError)
    assert state["x"]
    with pytest.raises(AssertionError, match="int"):
        state["y"]


def test_aliases_are_the_same_state(backend: RecordingBackend, compiled: bool) -> None:
    def program(s):
        t = s
        t += "a"
        s += "b"
        return t is s

    state = run(program, compiled)
    assert state.text() == "ab"
    assert state.ret_value is True


def test_a_failed_generation(backend: RecordingBackend, compiled: bool) -> None:
    boom = ConnectionError("boom")
    backend.failures["bad"] = boom

    def program(s):
        s += "a" + sgl.gen("early")
        s += "bad" + sgl.gen("x")
        s += "later" + sgl.gen("y")
        return "done"

    state = run(program, compiled)
    assert state.ret_value == "done"
    assert state.error() is boom
    assert state["early"]
    assert "y" in state
    state.sync()
    for look in (
        lambda: state["x"],
        lambda: state["y"],
        lambda: state.get_meta_info("x"),
        state.text,
        state.messages,
        lambda: list(state.text_iter()),
    ):
        with pytest.raises(ConnectionError) as caught:
            look()
        assert caught.value is boom
    assert len(boom.__notes__) == 1
    assert "gen('x') at " in boom.__notes__[0]
    assert __file__ in boom.__notes__[0]


def test_a_generation_error_that_leaves_the_body_stays_in_the_state(
    backend: RecordingBackend, compiled: bool
) -> None:
    boom = ConnectionError("boom")
    backend.failures["bad"] = boom

    def program(s):
        s += "bad" + sgl.gen("x")
        if s["x"] == "never":
            return 1
        return 2

    state = run(program, compiled)
    assert state.error() is boom
    with pytest.raises(ConnectionError):
        _ = state.ret_value


def test_a_generation_error_can_be_caught(backend: RecordingBackend, compiled: bool) -> None:
    backend.failures["bad"] = ConnectionError("boom")

    def program(s):
        child = s.fork(1)[0]
        child += "bad" + sgl.gen("x")
        try:
            value = child["x"]
        except ConnectionError as error:
            value = f"caught {error}"
        s += value
        return value

    state = run(program, compiled)
    assert state.ret_value == "caught boom"
    assert state.text() == "caught boom"
    assert state.error() is None


def test_body_exceptions_leave_run(backend: RecordingBackend, compiled: bool) -> None:
    def program(s):
        s += "a" + sgl.gen("x")
        raise LookupError("mine")

    with pytest.raises(LookupError, match="mine"):
        run(program, compiled)


def test_roles_with_template_and_messages(backend: RecordingBackend, compiled: bool) -> None:
    backend.chat_template = get_chat_template("chatml")

    def program(s):
        s += sgl.system("  be kind  ")
        s += sgl.user("hi")
        with s.assistant():
            s += " " + sgl.gen("x")
        s += sgl.user_begin() + "open"

    state = run(program, compiled)
    assert state.messages() == [
        {"role": "system", "content": "be kind  "},
        {"role": "user", "content": "hi"},
        {"role": "assistant", "content": state["x"]},
    ]
    assert state.text() == (
        "<|im_start|>system\n  be kind  <|im_end|>\n<|im_start|>user\nhi<|im_end|>\n"
        f"<|im_start|>assistant\n {state['x']}<|im_end|>\n<|im_start|>user\nopen"
    )
    assert backend.calls[0].step.params.stop == ("<|im_end|>",)


def test_default_system_prompt_is_a_message(backend: RecordingBackend, compiled: bool) -> None:
    backend.chat_template = get_chat_template("qwen")

    def asked(s):
        s += sgl.user("hi")
        s += sgl.user("again")

    def own(s):
        s += sgl.system("own")
        s += sgl.user("hi")

    assert [m["content"] for m in run(asked, compiled).messages()] == [
        "You are a helpful assistant.",
        "hi",
        "again",
    ]
    assert [m["role"] for m in run(own, compiled).messages()] == ["system", "user"]


def test_llama2_wraps_the_system_message(backend: RecordingBackend, compiled: bool) -> None:
    backend.chat_template = get_chat_template("llama-2-chat")

    def program(s):
        s += sgl.system("sys")
        s += sgl.user("one")
        s += sgl.assistant("two")
        s += sgl.user("three")

    assert run(program, compiled).text() == (
        "[INST] <<SYS>>\nsys\n<</SYS>>\n\none [/INST]two </s><s>[INST] three [/INST]"
    )


def test_role_methods_append_once(backend: RecordingBackend, compiled: bool) -> None:
    def program(s):
        s.system("a")
        s += s.user("b")
        s.assistant(sgl.gen("x"))

    state = run(program, compiled)
    assert [m["role"] for m in state.messages()] == ["system", "user", "assistant"]


def test_a_role_is_closed_when_its_body_raises(backend: RecordingBackend, compiled: bool) -> None:
    def program(s):
        try:
            with s.user():
                s += "half"
                raise KeyError("k")
        except KeyError:
            s += sgl.assistant("sorry")

    assert [m["content"] for m in run(program, compiled).messages()] == ["half", "sorry"]


def test_nested_roles_are_an_error(backend: RecordingBackend, compiled: bool) -> None:
    def program(s):
        with s.user():
            s += sgl.assistant("x")

    error = run(program, compiled).error()
    assert isinstance(error, AssertionError)
    assert "Nested roles" in str(error)


def test_var_scope(backend: RecordingBackend, compiled: bool) -> None:
    def program(s):
        s += "abc"
        with s.var_scope("v"):
            inside = s["v"]
            s += "d" + sgl.gen("x")
        s += "e"
        with s.var_scope("v"):
            s += "second"
        return inside

    state = run(program, compiled)
    assert state.ret_value == 3
    assert state["v"] == "second"


def test_reads_inside_text(backend: RecordingBackend, compiled: bool) -> None:
    def program(s):
        s += "a" + sgl.gen("x")
        s += f"<{s['x']}|{s['x']!r}|{s['x'][:3]}>"
        s += "again " + s["x"] + "."

    state = run(program, compiled)
    x = state["x"]
    assert state.text() == f"a{x}<{x}|{x!r}|{x[:3]}>again {x}."


def test_separate_reasoning(backend: RecordingBackend, compiled: bool) -> None:
    backend.rules["think"] = "<think> why </think> because"

    def program(s):
        s += sgl.user("think")
        with s.assistant():
            s += sgl.separate_reasoning(sgl.gen("x"), model_type="qwen3")

    state = run(program, compiled)
    assert state["x"] == "because"
    assert state["x_reasoning_content"] == "why "
    assert state.messages()[-1] == {"role": "assistant", "content": "because"}

    def unknown(s):
        s += sgl.separate_reasoning(sgl.gen("x"), model_type="nope")

    with pytest.raises(ValueError, match="Unsupported model type"):
        run(unknown, compiled)["x"]


def test_separate_reasoning_inside_a_scope_or_a_fork(
    backend: RecordingBackend, compiled: bool
) -> None:
    backend.rules["USER"] = "<think>why</think>because"

    @sgl.function
    def program(s):  # type: ignore[no-untyped-def]
        s += sgl.user_begin() + "lost"
        with s.var_scope("v"):
            s += sgl.separate_reasoning(sgl.gen("x"), model_type="qwen3")
        forks = s.fork(1)
        forks[0] += "lost" + sgl.separate_reasoning(sgl.gen("y"), model_type="qwen3")
        forks.join("concate_and_append")

    state = program.run(compiled=compiled)
    assert state["v"] == "because"
    assert state.text() == "USER:becausebecause"


def test_images_in_messages(backend: RecordingBackend, compiled: bool, tmp_path: Any) -> None:
    path = tmp_path / "cat.png"
    path.write_bytes(b"png")

    def program(s):
        s += sgl.user(sgl.image(str(path)) + "what?")

    message = run(program, compiled).messages()[0]
    assert message["content"] == [
        {"type": "text", "text": "<image>what?"},
        {"type": "image_url", "image_url": {"url": "data:image/jpeg;base64,cG5n"}},
    ]

    def missing(s):
        s += sgl.image(str(tmp_path / "none.png"))

    assert isinstance(run(missing, compiled).error(), FileNotFoundError)


def test_stream_executor_view(backend: RecordingBackend, compiled: bool) -> None:
    def program(s):
        s += sgl.system("a")
        s += sgl.user_begin() + "b" + sgl.gen("x")

    state = run(program, compiled)
    state.sync()
    view = state.stream_executor
    assert view.text_ == state.text()
    assert view.cur_role == "user"
    assert view.text_[view.cur_role_begin_pos :] == "b" + state["x"]
    assert view.variables["x"] == state["x"]
    assert set(view.meta_info) == {"x"}
    assert view.images_ == []
    assert view.messages_ == state.messages()


@pytest.mark.parametrize("compiled", [False, True])
def test_the_view_waits_for_what_is_still_to_be_appended(compiled: bool) -> None:
    @sgl.function
    def program(s):  # type: ignore[no-untyped-def]
        s += sgl.user("Q" + sgl.gen("x"))
        if s["x"] != "":
            s += sgl.assistant("tail")

    def run() -> sgl.lang.interpreter.ProgramState:
        slow = RecordingBackend(delay=0.05, chat_template="chatml")
        return program.run(backend=slow, compiled=compiled)

    assert run().stream_executor.text_.endswith("tail<|im_end|>\n")
    assert [m["role"] for m in run().stream_executor.messages_] == ["user", "assistant"]
    assert run().stream_executor.cur_role is None


def test_run_returns_before_the_last_generation(backend: RecordingBackend) -> None:
    backend.hold = 99

    def program(s):
        s += "a" + sgl.gen("x")
        return 1

    state = run(program, True)
    backend.release()
    assert state["x"]


def test_nothing_hangs_when_the_backend_dies_between_steps(
    backend: RecordingBackend, compiled: bool
) -> None:
    backend.failures["second"] = OSError("gone")

    def program(s):
        for i in range(3):
            s += ("first", "second", "third")[i] + sgl.gen(f"x{i}")

    began = time.monotonic()
    state = run(program, compiled)
    assert state["x0"]
    for name in ("x1", "x2"):
        with pytest.raises(OSError, match="gone"):
            state[name]
    assert time.monotonic() - began < 10


def test_scopes_of_one_name_nest(backend: RecordingBackend, compiled: bool) -> None:
    @sgl.function
    def program(s):  # type: ignore[no-untyped-def]
        with s.var_scope("v"):
            s += "1"
            with s.var_scope("v"):
                s += "2"
            inner = s["v"]
            s += "3"
        return inner, s["v"]

    assert program.run(compiled=compiled).ret_value == ("2", "123")


def test_nested_roles_name_the_programs_line(backend: RecordingBackend, compiled: bool) -> None:
    @sgl.function
    def program(s):  # type: ignore[no-untyped-def]
        with s.user(), s.assistant():
            s += "x"

    error = program.run(compiled=compiled).error()
    line = program.func.__code__.co_firstlineno + 2
    assert error is not None
    assert error.__notes__ == [f"at {__file__}:{line}"]


def test_choices_may_be_any_iterable(backend: RecordingBackend, compiled: bool) -> None:
    @sgl.function
    def program(s):  # type: ignore[no-untyped-def]
        s += "q" + sgl.select("a", choices=(str(i) for i in range(2)))

    assert program.run(compiled=compiled)["a"] in ("0", "1")
