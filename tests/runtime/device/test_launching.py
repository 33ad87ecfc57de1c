"""The executor by itself: steps launched far ahead, on old tokens, with padding."""

from __future__ import annotations

import pytest
import torch
from torch import Tensor

from sglc_runtime.attention.make import make_attention
from sglc_runtime.batching import Work
from sglc_runtime.config import EngineConfig
from sglc_runtime.device.executor import DecodeStep, Pending
from sglc_runtime.device.graphs import Eager
from sglc_runtime.device.lane import HostLane, Lane
from sglc_runtime.device.make import make_executor
from sglc_runtime.device.runner import DeviceExecutor
from sglc_runtime.device.torch_sampling import sample_in_torch
from sglc_runtime.engine import EngineLoop
from sglc_runtime.protocol import Generate, Generated, Sampling, Submit, Text
from sglc_runtime.sampling.inputs import SamplingInputs
from sglc_runtime.sequence import Sequence
from tests.runtime.device.late_lane import LateLane
from tests.runtime.device.stepping import CPU
from tests.runtime.engine.driving import make_engine, only, run

PROMPTS = ("one two three", "The quick brown", "It", "def add(left, right)", "Paris")
SAMPLINGS = (
    Sampling(max_new_tokens=12, temperature=0.0, ignore_eos=True),
    Sampling(max_new_tokens=12, temperature=0.9, ignore_eos=True),
    Sampling(max_new_tokens=12, temperature=0.9, top_p=0.8, top_k=20, ignore_eos=True),
)


def submits() -> list[Submit]:
    return [
        Submit(number, (Text(text),), (Generate(SAMPLINGS[number % 3], key=number),))
        for number, text in enumerate(PROMPTS)
    ]


def expected() -> list[tuple[int, ...]]:
    """Tokens of each request, in ordinary passes."""
    events = only(run(make_engine(), submits()), Generated)
    return [event.samples[0].ids for event in sorted(events, key=lambda event: event.id)]


def begun(
    sizes: int = 8, lane: Lane | None = None, seen: list[Tensor] | None = None
) -> tuple[EngineLoop, DeviceExecutor]:
    """An engine whose prompts are computed, each with its first token, and an executor for it."""
    engine = make_engine(kv_slots=511)

    def sample(logits: Tensor, inputs: SamplingInputs, out: Tensor) -> None:
        if seen is not None:
            seen.append(logits.clone())
        sample_in_torch(logits, inputs, out)

    attention = make_attention("c", engine.model.spec, 512)
    engine.attention = attention
    engine.submit(submits())
    assert engine.step()
    executor = make_executor(
        EngineConfig(max_running=sizes), engine.model, attention, 511, CPU,
        lane=lane or HostLane(), recorder=Eager(), sample=sample,
    )  # fmt: skip
    return engine, executor


def running(engine: EngineLoop) -> list[Sequence]:
    """Sequences in the order of their requests."""
    return sorted(engine.admission.running, key=lambda sequence: sequence.step.request.id)


def step_at(
    engine: EngineLoop, sequences: list[Sequence], ahead: int, sources: tuple[int, ...]
) -> DecodeStep:
    """A step `ahead` of what is known of the sequences, with slots for it."""
    for sequence in sequences:
        while sequence.kv_length < sequence.computed + ahead + 1:
            assert engine.cache.lengthen(sequence, 1)
    work = tuple(
        Work(s, s.computed + ahead, s.computed + ahead + 1, s.computed + ahead) for s in sequences
    )
    runs = tuple(s.samples[0] for s in sequences)
    tokens = tuple(len(run.tokens) + ahead for run in runs)
    return DecodeStep(work, runs, tokens, sources, engine.cache.tree.version)


@torch.inference_mode()
@pytest.mark.parametrize("order", ["first", "last"])
def test_steps_far_ahead_of_what_is_read(order: str) -> None:
    """More than there are buffers; read from the first to the last, or the other way round."""
    lane = LateLane()
    engine, executor = begun(lane=lane)
    sequences = running(engine)
    pending: list[Pending] = []
    rows = len(sequences)
    for ahead in range(6):
        sources = tuple(range(rows)) if ahead else (-1,) * rows
        step = step_at(engine, sequences, ahead, sources)
        pending.append(executor.launch(step, pending[-1] if pending else None))
    places = range(6) if order == "first" else range(5, -1, -1)
    read = {place: pending[place].tokens() for place in places}
    for row, want in enumerate(expected()):
        assert [read[place][row] for place in range(6)] == list(want[1:7])


@torch.inference_mode()
def test_rows_may_change_places_and_take_tokens_of_an_older_step() -> None:
    lane = LateLane()
    engine, executor = begun(lane=lane)
    sequences = running(engine)
    want = expected()
    first = executor.launch(step_at(engine, sequences[:3], 0, (-1, -1, -1)), None)
    second = executor.launch(step_at(engine, sequences[3:], 0, (-1, -1)), None)
    # Neither is read; the device has the tokens of the second only.
    mixed = [sequences[2], sequences[0]]
    third = executor.launch(step_at(engine, mixed, 1, (2, 0)), first)
    fourth = executor.launch(step_at(engine, mixed[::-1], 2, (1, 0)), third)
    assert fourth.tokens() == [want[0][3], want[2][3]]
    assert third.tokens() == [want[2][2], want[0][2]]
    assert second.tokens() == [want[3][1], want[4][1]]
    assert first.tokens() == [want[row][1] for row in range(3)]


@torch.inference_mode()
def test_a_row_does_not_depend_on_padding() -> None:
    """Steps of 1, 3 and 5 rows in buckets of three sizes: the same logits and tokens."""
    for count in (1, 3, 5):
        rows: list[Tensor] = []
        for sizes in (count, 8, 16):
            seen: list[Tensor] = []
            engine, executor = begun(sizes, seen=seen)
            # One bucket, as large as the executor.
            executor.sizes = (sizes,)
            sequences = running(engine)[:count]
            tokens = executor.launch(step_at(engine, sequences, 0, (-1,) * count), None).tokens()
            assert len(tokens) == count
            assert seen[-1].shape[0] == sizes
            assert tokens == [ids[1] for ids in expected()[:count]]
            rows.append(seen[-1][:count])
        # Matrix products of torch round by the size of the batch.
        assert torch.allclose(rows[0], rows[1], atol=1e-4)
        assert torch.allclose(rows[0], rows[2], atol=1e-4)


def test_what_is_not_taken() -> None:
    engine, executor = begun(4)
    sequences = running(engine)
    assert executor.accepts(step_at(engine, sequences[:4], 0, (-1,) * 4))
    too_many = step_at(engine, sequences, 0, (-1,) * 5)
    assert not executor.accepts(too_many)
    with pytest.raises(ValueError, match="5 rows in a step of 4 at most"):
        executor.launch(too_many, None)
    with pytest.raises(ValueError, match="there is none"):
        executor.launch(step_at(engine, sequences[:1], 1, (0,)), None)


def test_a_pool_without_room_for_padding_is_refused() -> None:
    engine = make_engine(kv_slots=64)
    attention = make_attention("c", engine.model.spec, 64)
    with pytest.raises(ValueError, match="no slot for padding"):
        make_executor(EngineConfig(), engine.model, attention, 64, CPU)


@torch.inference_mode()
def test_after_a_launch_that_failed_the_next_is_right() -> None:
    engine, executor = begun()
    sequences = running(engine)
    step = step_at(engine, sequences, 0, (-1,) * 5)
    sampler, executor._sample = executor._sample, _broken
    with pytest.raises(RuntimeError, match="no device"):
        executor.launch(step, None)
    executor._sample = sampler
    executor._table.tensor[:-1] = 7  # nothing that was written has arrived
    assert executor.launch(step, None).tokens() == [ids[1] for ids in expected()]


def _broken(logits: Tensor, inputs: SamplingInputs, out: Tensor) -> None:
    raise RuntimeError("no device")
