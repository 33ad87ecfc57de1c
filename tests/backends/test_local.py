"""Our runtime as a backend: real weights, the same programs in both modes."""

import asyncio
import json
import os
import signal
from pathlib import Path
from typing import Any, cast

import pytest

import sglc as sgl
from sglc.backends.local import LocalBackend, _Part
from sglc.execution.errors import GenerationError
from sglc.execution.requests import Chain
from sglc.lang.choices import ChoicesDecision, ChoicesSamplingMethod
from sglc.runtime import Engine, Runtime
from sglc_runtime.models.load import EMBEDDED
from tests.runtime.tiny_checkpoints import write_checkpoint


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("llama")
    write_checkpoint(path, "llama")
    return path


@pytest.fixture(scope="module")
def backend(folder: Path) -> Any:
    made = LocalBackend(str(folder), inline=True, threads=1, kv_slots=4096)
    yield made
    made.shutdown()


@sgl.function
def program(s, topic):  # type: ignore[no-untyped-def]
    s += sgl.system("be brief")
    s += sgl.user("tips on " + topic)
    s += sgl.assistant("1." + sgl.gen("a", max_tokens=6))
    forks = s.fork(3)
    for i, f in enumerate(forks):
        f += sgl.user(f"expand {i}")
        f += sgl.assistant(sgl.gen("d", max_tokens=5))
    forks.join()
    s += sgl.user(f"so? {s['d'][1]}") + sgl.assistant_begin()
    s += sgl.select("c", ["yes", "no", "it depends"]) + " because" + sgl.gen("e", max_tokens=4)
    return len(s["d"])


def everything(state: Any) -> Any:
    return state.text(), state["d"], state["c"], state.ret_value, state.messages()


def test_template_comes_from_the_tokenizer(backend: LocalBackend) -> None:
    template = backend.get_chat_template()
    assert template.role_prefix_and_suffix["user"] == ("<|im_start|>user\n", "<|im_end|>\n")


def test_modes_batches_and_streams_agree_at_temperature_one(backend: LocalBackend) -> None:
    state = program.run("cats", backend=backend, seed=11)
    reference = everything(state)
    eager = program.run("cats", backend=backend, seed=11, compiled=False)
    assert everything(eager) == reference
    streamed = program.run("cats", backend=backend, seed=11, stream=True)
    assert "".join(streamed.text_iter()) == reference[0]
    backend.flush_cache()
    again = program.run("cats", backend=backend, seed=11)
    assert everything(again) == reference
    assert everything(program.run("cats", backend=backend, seed=12)) != reference

    rows = [{"topic": t} for t in ("a", "cats", "longer topics than these")]
    together = program.run_batch(rows, backend=backend, seed=1)
    alone = [
        program.run(**row, backend=backend, seed=s.seed, compiled=False)
        for row, s in zip(rows, together, strict=True)
    ]
    assert [everything(s) for s in together] == [everything(s) for s in alone]


def test_meta_information(backend: LocalBackend) -> None:
    @sgl.function
    def short(s):  # type: ignore[no-untyped-def]
        s += "The quick brown fox" + sgl.gen(
            "x",
            max_tokens=5,
            ignore_eos=True,
            return_logprob=True,
            top_logprobs_num=2,
            logprob_start_len=0,
            return_text_in_logprobs=True,
        )
        s += sgl.select("y", ["a", "b"])

    backend.flush_cache()
    state = short.run(backend=backend, temperature=0.0)
    meta = state.get_meta_info("x")
    assert meta["finish_reason"] == {"type": "length", "length": 5}
    assert meta["completion_tokens"] == len(meta["output_token_logprobs"]) == 5
    assert meta["prompt_tokens"] == len(meta["input_token_logprobs"])
    assert meta["input_token_logprobs"][0][0] is None
    logprob, token, text = meta["output_token_logprobs"][0]
    best = meta["output_top_logprobs"][0]
    assert best[0] == (logprob, token, text)
    assert best[0][0] >= best[1][0]
    choice = state.get_meta_info("y")
    assert len(choice["normalized_prompt_logprobs"]) == 2
    assert choice["input_token_logprobs"][0][0][0] < 0


def test_stop_strings_stay_out_of_text_and_value(backend: LocalBackend) -> None:
    @sgl.function
    def free(s):  # type: ignore[no-untyped-def]
        s += "The quick" + sgl.gen("x", max_tokens=12, temperature=0, ignore_eos=True)

    @sgl.function
    def stopped(s, stop):  # type: ignore[no-untyped-def]
        s += "The quick" + sgl.gen("x", max_tokens=12, temperature=0, ignore_eos=True, stop=stop)
        s += "|" + sgl.gen("y", max_tokens=2)

    whole = free.run(backend=backend)["x"]
    stop = whole[3:5]
    at = whole.index(stop)
    state = stopped.run(stop, backend=backend)
    assert state["x"] == whole[:at]
    assert state.text() == f"The quick{whole[:at]}|{state['y']}"
    reason = state.get_meta_info("x")["finish_reason"]
    assert reason == {"type": "stop", "matched": stop}


def test_constrained_values(backend: LocalBackend) -> None:
    schema = json.dumps(
        {
            "type": "object",
            "properties": {"ok": {"type": "boolean"}},
            "required": ["ok"],
            "additionalProperties": False,
        }
    )

    @sgl.function
    def typed(s):  # type: ignore[no-untyped-def]
        s += "n=" + sgl.gen("n", dtype=int, max_tokens=3)
        s += " b=" + sgl.gen("b", dtype=bool, max_tokens=8)
        s += " r=" + sgl.gen("r", regex="[abc]{3}", max_tokens=8)
        s += " j=" + sgl.gen("j", json_schema=schema, max_tokens=40)
        return int(s["n"])

    state = typed.run(backend=backend, seed=5)
    assert state.ret_value == int(state["n"])
    assert state["b"] in ("True", "False")
    assert set(state["r"]) <= set("abc")
    assert len(state["r"]) == 3
    assert json.loads(state["j"])["ok"] in (True, False)


def test_samples_differ_and_repeat(backend: LocalBackend) -> None:
    @sgl.function
    def many(s):  # type: ignore[no-untyped-def]
        s += "The" + sgl.gen("x", n=4, max_tokens=5)

    first, second = (many.run(backend=backend, seed=2) for _ in range(2))
    assert len(first["x"]) == len(first.get_meta_info("x")) == 4
    assert len(set(first["x"])) > 1
    assert first["x"] == second["x"]


@pytest.mark.parametrize(
    ("params", "kind"),
    [({"max_tokens": -1}, "bad_request"), ({"temperature": "hot"}, "bad_request")],
)
def test_bad_parameters_are_generation_errors(
    backend: LocalBackend, params: dict[str, Any], kind: str
) -> None:
    @sgl.function
    def bad(s):  # type: ignore[no-untyped-def]
        s += "x" + sgl.gen("y", **params)

    with pytest.raises(GenerationError) as caught:
        bad.run(backend=backend)["y"]
    assert caught.value.kind == kind
    assert "gen('y')" in caught.value.__notes__[0]


@pytest.mark.parametrize(
    ("text", "wrong"),
    [
        ("b", sgl.gen("y", temperature="hot")),  # type: ignore[arg-type]
        ("b", sgl.gen("y", max_tokens=1.5)),  # type: ignore[arg-type]
        ("b", sgl.gen("y", choices=["u", "v"], temperature=0.7)),
        ("b", sgl.select("y", choices=["u", "\ud800"])),
        ("\ud800", sgl.gen("y", max_tokens=2)),
    ],
)
def test_a_step_that_cannot_run_spoils_nothing_before_it(
    backend: LocalBackend, text: str, wrong: Any
) -> None:
    @sgl.function
    def steps(s):  # type: ignore[no-untyped-def]
        s += "a" + sgl.gen("w", max_tokens=2) + sgl.gen("x", max_tokens=2)
        s += text + wrong
        s += sgl.gen("z", max_tokens=2)

    @sgl.function
    def before(s):  # type: ignore[no-untyped-def]
        s += "a" + sgl.gen("w", max_tokens=2) + sgl.gen("x", max_tokens=2)

    state, alone = (p.run(backend=backend, seed=4) for p in (steps, before))
    assert (state["w"], state["x"]) == (alone["w"], alone["x"])
    for name in ("y", "z"):
        with pytest.raises(GenerationError) as caught:
            state[name]
        assert "'y'" in caught.value.__notes__[0]


def test_prompts_beyond_the_context(backend: LocalBackend) -> None:
    @sgl.function
    def long(s):  # type: ignore[no-untyped-def]
        s += "words and " * 5000 + sgl.gen("y", max_tokens=5)

    with pytest.raises(GenerationError) as caught:
        long.run(backend=backend)["y"]
    assert caught.value.kind == "context_length"


def test_select_at_a_temperature_and_images_are_refused(backend: LocalBackend) -> None:
    @sgl.function
    def warm(s):  # type: ignore[no-untyped-def]
        s += "x" + sgl.select("y", ["a", "b"], temperature=0.5)

    @sgl.function
    def picture(s):  # type: ignore[no-untyped-def]
        s += sgl.image(b"png") + sgl.gen("y")

    with pytest.raises(GenerationError, match="temperature 0"):
        warm.run(backend=backend)["y"]
    with pytest.raises(GenerationError, match="no images"):
        picture.run(backend=backend)["y"]


def test_a_users_own_choices_method(backend: LocalBackend) -> None:
    class Worst(ChoicesSamplingMethod):
        def __call__(self, **scores: Any) -> ChoicesDecision:  # type: ignore[override]
            values = scores["normalized_prompt_logprobs"]
            return ChoicesDecision(scores["choices"][values.index(min(values))], {"mine": True})

    @sgl.function
    def choosing(s, method):  # type: ignore[no-untyped-def]
        s += "The quick "
        s += sgl.select("x", ["brown", "lazy", "dog"], choices_method=method)
        s += " and " + sgl.gen("y", max_tokens=3, temperature=0)

    best = choosing.run(sgl.token_length_normalized, backend=backend)
    worst = choosing.run(Worst(), backend=backend)
    assert worst["x"] != best["x"]
    assert worst.get_meta_info("x")["mine"] is True
    scores = best.get_meta_info("x")["normalized_prompt_logprobs"]
    assert scores.index(max(scores)) == ["brown", "lazy", "dog"].index(best["x"])

    # What follows continues the user's choice: the same as writing it down.
    @sgl.function
    def written(s, word):  # type: ignore[no-untyped-def]
        s += "The quick "
        s += sgl.select("x", [word])
        s += " and " + sgl.gen("y", max_tokens=3, temperature=0)

    assert written.run(worst["x"], backend=backend)["y"] == worst["y"]


@pytest.mark.parametrize(
    "method",
    [sgl.greedy_token_selection, sgl.unconditional_likelihood_normalized],
    ids=["greedy", "unconditional"],
)
def test_the_engine_chooses_as_the_method_says(backend: LocalBackend, method: Any) -> None:
    @sgl.function
    def choosing(s):  # type: ignore[no-untyped-def]
        s += "It is " + sgl.select("x", ["a sunny day", "Paris", "7"], choices_method=method)

    state = choosing.run(backend=backend)
    meta = dict(state.get_meta_info("x"))
    said = method(
        choices=["a sunny day", "Paris", "7"],
        normalized_prompt_logprobs=meta["normalized_prompt_logprobs"],
        input_token_logprobs=meta["input_token_logprobs"],
        output_token_logprobs=meta["output_token_logprobs"],
        unconditional_token_logprobs=meta.get("unconditional_token_logprobs"),
    )
    assert said.decision == state["x"]


def test_prefixes_are_shared(backend: LocalBackend) -> None:
    @sgl.function
    def wide(s):  # type: ignore[no-untyped-def]
        s += "The quick brown fox jumps over the lazy dog. " * 4
        forks = s.fork(6)
        for i, f in enumerate(forks):
            f += f"{i}:" + sgl.gen("x", max_tokens=2)
        forks.join()

    backend.flush_cache()
    before = backend.stats()
    state = wide.run(backend=backend)
    state["x"]
    after = backend.stats()
    prompt = after["prompt_tokens"] - before["prompt_tokens"]
    computed = after["computed_tokens"] - before["computed_tokens"]
    assert computed < prompt / 2


@sgl.function
def endless(s):  # type: ignore[no-untyped-def]
    s += "The" + sgl.gen("x", max_tokens=400, ignore_eos=True)


def test_cancelling_starts_no_engine() -> None:
    """As happens at Ctrl-C, when the engine is ended while its runs are cancelled."""
    backend = LocalBackend()
    chain = Chain(id=1, label="root", prefix=(), steps=())
    backend._parts[7] = _Part(chain, cast(Any, None), 0, 0, ())
    backend.cancel([1])
    assert backend._parts == {}
    assert backend._client is None


def test_cancelled_runs_free_the_engine(backend: LocalBackend) -> None:
    state = endless.run(backend=backend)
    state.handle.session.cancel()
    with pytest.raises(GenerationError, match="cancelled"):
        state["x"]
    assert program.run("after", backend=backend).ret_value == 3


def test_engine_process(folder: Path, backend: LocalBackend) -> None:
    reference = everything(program.run("dogs", backend=backend, seed=4))
    other = LocalBackend(str(folder), threads=1, kv_slots=4096)
    try:
        assert everything(program.run("dogs", backend=other, seed=4)) == reference
        assert other.get_server_info()["architecture"]
        other.cache_prefix("some text " * 10)
        assert sgl.flush_cache(other) is True
        assert sgl.get_server_info(other)["model"] == str(folder)
        # A dead engine fails what it had; the next program gets a new one.
        state = endless.run(backend=other)
        os.kill(other._client.pid, signal.SIGKILL)  # type: ignore[union-attr]
        with pytest.raises(GenerationError, match="the engine died"):
            state["x"]
        assert everything(program.run("dogs", backend=other, seed=4)) == reference
    finally:
        other.shutdown()


def test_a_missing_model_fails_and_does_not_hang(tmp_path: Path) -> None:
    backend = LocalBackend(str(tmp_path / "nothing"))
    with pytest.raises(GenerationError) as caught:
        program.run("x", backend=backend)["a"]
    assert caught.value.kind == "model_not_found"
    backend.shutdown()


def test_engine_and_runtime(folder: Path) -> None:
    with Engine(str(folder), inline=True, threads=1, kv_slots=2048) as engine:
        params = {"max_new_tokens": 4, "temperature": 0, "ignore_eos": True}
        one = engine.generate("The quick", params)
        both = engine.generate(["The quick", "It is"], params)
        assert both[0]["text"] == one["text"]
        assert one["meta_info"]["completion_tokens"] == 4
        assert len(engine.generate("The", {"n": 2, "max_new_tokens": 2})) == 2
        assert asyncio.run(engine.async_generate("The quick", params))["text"] == one["text"]
        with pytest.raises(ValueError, match="unknown sampling parameter"):
            engine.generate("The", {"max_len": 3})

    runtime = Runtime(str(folder), inline=True, threads=1, kv_slots=2048)

    async def pieces() -> str:
        return "".join([p async for p in runtime.async_generate("The quick", params)])

    try:
        assert json.loads(runtime.generate("The quick", params))["text"] == one["text"]
        assert asyncio.run(pieces()) == one["text"]
        assert program.run("x", backend=runtime).ret_value == 3
    finally:
        runtime.shutdown()


@pytest.mark.skipif(not EMBEDDED.is_dir(), reason="the embedded checkpoint is not built yet")
def test_the_default_is_the_embedded_model_in_a_process() -> None:
    sgl.set_default_backend(None)

    @sgl.function
    def ask(s, question):  # type: ignore[no-untyped-def]
        s += sgl.user(question)
        s += sgl.assistant(sgl.gen("answer", max_tokens=24))

    rows = [{"question": "What is the capital of France?"}, {"question": "Who are you?"}]
    together = ask.run_batch(rows, temperature=0)
    alone = ask.run("What is the capital of France?", temperature=0, compiled=False)
    assert "Paris" in alone["answer"]
    assert together[0]["answer"] == alone["answer"]
    assert together[0].get_meta_info("answer")["finish_reason"]["type"] == "stop"
    sampled = [ask.run_batch(rows * 2, temperature=1.0, seed=3, compiled=c) for c in (True, False)]
    assert [s["answer"] for s in sampled[0]] == [s["answer"] for s in sampled[1]]
