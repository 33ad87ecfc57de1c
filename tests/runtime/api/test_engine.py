"""The public engine: results equal those of plain requests, wherever it runs and whoever waits."""

from __future__ import annotations

import os
import signal
import threading
from collections.abc import Iterator

import pytest

from sglc_runtime import (
    Append,
    AppendIds,
    Delta,
    Engine,
    EngineError,
    Fork,
    Generate,
    Generated,
    RequestError,
    Result,
    Sampling,
    Score,
)
from sglc_runtime.api.composing import AnyStep
from tests.runtime.engine.driving import GREEDY, checkpoint, make_engine
from tests.runtime.engine.driving import generate as reference

SAMPLED = Sampling(max_new_tokens=6, ignore_eos=True)
LONG = Sampling(max_new_tokens=400, temperature=0.0, ignore_eos=True)


def make(process: bool) -> Engine:
    return Engine(checkpoint(), process=process, threads=1, kv_slots=4096)


@pytest.fixture(scope="module", params=[True, False], ids=["process", "inline"])
def engine(request: pytest.FixtureRequest) -> Iterator[Engine]:
    with make(request.param) as engine:
        yield engine


def tree() -> list[AnyStep]:
    """A fork in the middle with forks below, steps of all kinds on both sides of it."""
    leaf: list[AnyStep] = [Score((" good", " bad")), Generate(SAMPLED)]
    return [
        "Hello ",
        Generate(SAMPLED),
        Fork([[Append(f" {i} "), Generate(SAMPLED), Fork([leaf, leaf])] for i in range(2)]),
        AppendIds((5, 6, 7)),
        Generate(SAMPLED),
        Fork([leaf]),
    ]


def unforked(steps: list[AnyStep], result: Result, seed: int) -> list[tuple[list[AnyStep], Result]]:
    """Each branch as a sequence of its own, from the root on, and what it should give."""
    from sglc_runtime.api.composing import compose

    found: list[tuple[list[AnyStep], Result]] = []

    def walk(head: list[AnyStep], plan: object, result: Result) -> None:
        found.append(([*head, *plan.steps], result))  # type: ignore[attr-defined]
        branches = zip(plan.branches, result.branches, strict=True)  # type: ignore[attr-defined]
        for (count, below), inner in branches:
            walk([*head, *plan.steps[:count]], below, inner)  # type: ignore[attr-defined]

    walk([], compose(steps, seed), result)
    return found


def test_a_branch_equals_the_whole_path_run_alone(engine: Engine) -> None:
    result = engine.submit(tree(), seed=3).result(60)
    assert len(result.branches) == 3
    for steps, expected in unforked(tree(), result, 3):
        alone = engine.submit(steps).result(60)
        assert alone.texts[-len(expected.texts) :] == expected.texts
    same = engine.submit(tree(), seed=3).result(60)
    assert [b.texts for b in same.branches] == [b.texts for b in result.branches]
    other = engine.submit(tree(), seed=4).result(60)
    assert other.texts != result.texts
    first, second = result.branches[0].branches
    assert first.texts[1] != second.texts[1], "twins have noise of their own"


def test_a_fork_computes_its_prefix_once(engine: Engine) -> None:
    engine.flush_cache()
    before = engine.stats()
    branches: list[list[AnyStep]] = [[f" {i}", Generate(GREEDY)] for i in range(8)]
    result = engine.submit(["word " * 60, Generate(GREEDY), Fork(branches)]).result(60)
    after = engine.stats()
    prefix = result.outputs[0].prompt_tokens
    assert prefix > 60
    assert after.computed_tokens - before.computed_tokens < prefix + 8 * 8


def test_greedy_text_is_the_loops_own(engine: Engine) -> None:
    (sample,) = reference(make_engine(), "Hello there")
    result = engine.submit(["Hello ", "there", Generate(GREEDY)]).result(60)
    assert result.text == sample.text
    (output,) = result.outputs
    assert isinstance(output, Generated)
    assert output.samples[0].ids == sample.ids


def test_ids_instead_of_text(engine: Engine) -> None:
    """The embedded model has a BOS: a path of ids has it once, whether it is spelled or not."""
    loop = make_engine(model=str(checkpoint("mistral")))
    ids = loop.context.encode("Hello there", True)
    bos = loop.context.encode("", True)
    with Engine(checkpoint("mistral"), process=False, threads=1, kv_slots=512) as other:
        texts = [
            other.submit([*steps, Generate(GREEDY)]).result(60)
            for steps in (
                ["Hello there"],
                [AppendIds(ids)],
                [AppendIds(ids[len(bos) :])],
                ["", AppendIds(()), "Hello", AppendIds(()), " there"],
            )
        ]
    assert len({t.text for t in texts}) == 1
    assert {t.outputs[0].prompt_tokens for t in texts} == {len(ids)}
    with pytest.raises(RequestError, match="no token has id") as caught:
        engine.submit([AppendIds((10**6,)), Generate()]).result(60)
    assert caught.value.kind == "bad_request"


def test_events(engine: Engine) -> None:
    handle = engine.submit(["Hi", Generate(GREEDY), Fork([]), Score(("a", "b"))], stream=True)
    events = list(handle)
    deltas = [event for event in events if isinstance(event, Delta)]
    assert [event.step for event in events if not isinstance(event, Delta)] == [1, 3]
    assert {event.step for event in deltas} == {1}
    result = handle.result()
    assert "".join(event.text for event in deltas) == result.texts[0]
    assert result.text in ("a", "b")
    assert list(handle) == events, "a second reader sees the same"
    assert handle.done
    assert handle.error is None


def test_many_threads(engine: Engine) -> None:
    expected = {s: engine.submit(tree(), seed=s).result(60).texts for s in range(6)}
    found: dict[int, tuple[str, ...]] = {}

    def work(seed: int) -> None:
        handle = engine.submit(tree(), seed=seed)
        assert len([e for e in handle if isinstance(e, Generated)]) == 2
        found[seed] = handle.result().texts

    threads = [threading.Thread(target=work, args=(seed,)) for seed in range(6)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)
    assert found == expected


def test_cancel_takes_the_branches_along(engine: Engine) -> None:
    handle = engine.submit(["Hi", Generate(LONG), Fork([["x", Generate(LONG)]])], stream=True)
    next(iter(handle))
    handle.cancel()
    for request in (handle, *handle.branches):
        with pytest.raises(RequestError, match="cancelled") as caught:
            request.result(60)
        assert caught.value.kind == "cancelled"
    handle.cancel()
    running = engine.submit(["Hi", Fork([["x", Generate(LONG)], ["y", Generate(GREEDY)]])])
    running.branches[0].cancel()
    with pytest.raises(RequestError, match="cancelled"):
        running.result(60)
    assert running.branches[1].result(60).text


def test_what_fails_before_a_fork_fails_its_branches(engine: Engine) -> None:
    branch: list[AnyStep] = ["x", Generate(GREEDY), Fork([["y", Generate(GREEDY)]])]
    handle = engine.submit(["Hi", Fork([branch]), Generate(Sampling(top_p=2.0)), Fork([branch])])
    with pytest.raises(RequestError, match="top_p"):
        handle.result(60)
    early, late = handle.branches
    assert early.result(60).text
    with pytest.raises(RequestError, match="before this branch: top_p"):
        late.branches[0].result(60)
    assert list(early)
    with pytest.raises(RequestError, match="top_p"):
        list(handle)


def test_deadlines_and_timeouts(engine: Engine) -> None:
    endless = engine.submit(["Hi", Generate(LONG), Fork([["x", Generate(LONG)]])], deadline=0.01)
    with pytest.raises(RequestError) as caught:
        endless.result(60)
    assert caught.value.kind == "deadline"
    handle = engine.submit(["Hi", Generate(LONG)])
    with pytest.raises(TimeoutError):
        handle.result(0.001)
    assert handle.result(60).text


def test_values_of_a_wrong_type(engine: Engine) -> None:
    wrong = Generate(Sampling(stop="x"))  # type: ignore[arg-type]
    with pytest.raises(RequestError, match="invalid request") as caught:
        engine.submit(["Hi", wrong]).result(60)
    assert caught.value.kind == "bad_request"


def test_warm(engine: Engine) -> None:
    engine.flush_cache()
    engine.warm("one two three four five six. " * 4, uses=2).result(60)
    (output,) = (
        engine.submit(["one two three four five six. " * 4, Generate(GREEDY)]).result().outputs
    )
    assert output.cached_tokens > output.prompt_tokens // 2


@pytest.mark.parametrize("process", [True, False])
def test_closing(process: bool) -> None:
    """The process still loads then."""
    engine = make(process)
    handle = engine.submit(["Hi", Generate(LONG), Fork([["x", Generate(LONG)]])])
    engine.close()
    engine.close()
    for request in (handle, *handle.branches):
        with pytest.raises(EngineError, match="closed"):
            request.result(60)
    for call in (engine.stats, engine.flush_cache, lambda: engine.submit(["x"])):
        with pytest.raises(EngineError, match="closed"):
            call()


def test_a_process_that_dies_fails_what_it_had() -> None:
    with make(True) as engine:
        assert engine.info.context_length == 512
        handles = [engine.submit(["Hi", Generate(LONG), Fork([["x"]])]) for _ in range(20)]
        os.kill(engine._client.pid, signal.SIGKILL)  # type: ignore[attr-defined]
        kinds = set()
        for handle in handles:
            with pytest.raises(EngineError, match="the engine died"):
                handle.branches[0].result(60)
            kinds.add(type(handle.error))
        assert kinds == {EngineError}
        with pytest.raises(EngineError, match="the engine died"):
            engine.stats()


def test_wrong_options() -> None:
    with pytest.raises(TypeError, match="slots"):
        Engine(slots=3)
    with (
        Engine("/nowhere/at/all") as engine,
        pytest.raises(EngineError, match="nowhere") as caught,
    ):
        engine.submit(["Hi", Generate()]).result(60)
    assert caught.value.kind == "model_not_found"


def interrupted(engine: Engine) -> None:
    """Wait without end; SIGINT comes meanwhile."""
    main = threading.main_thread().ident
    assert main is not None
    threading.Timer(0.1, signal.pthread_kill, (main, signal.SIGINT)).start()
    while True:
        engine.submit(["Hi", Generate(LONG)]).result(60)


def test_an_interrupt_leaves_a_usable_engine(engine: Engine) -> None:
    assert engine.info
    with pytest.raises(KeyboardInterrupt):
        interrupted(engine)
    assert engine.submit(["Hi", Generate(GREEDY)]).result(60).text


def test_a_forked_child_cannot_use_it() -> None:
    with make(False) as engine:
        read, write = os.pipe()
        pid = os.fork()
        if pid == 0:
            try:
                engine.submit(["x"])
            except EngineError as error:
                os.write(write, error.message.encode())
            os._exit(0)
        os.waitpid(pid, 0)
        assert b"was forked" in os.read(read, 1000)
