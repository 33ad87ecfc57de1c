"""Figures of the whole engine."""

from __future__ import annotations

import random
from collections.abc import Callable

from sglc_runtime.bench.agree import CHECKED, agree
from sglc_runtime.bench.engine_side import EngineSide
from sglc_runtime.bench.figures import Amount, Figure
from sglc_runtime.bench.gpu.engines import (
    batch_of_requests,
    drawn,
    engine_of,
    release,
    run_each,
    transformers_of,
)
from sglc_runtime.bench.gpu.formulas import mean_context, prefill_flops, step_bytes
from sglc_runtime.bench.gpu.lab import GpuLab
from sglc_runtime.bench.shapes import Shape
from sglc_runtime.bench.sides import Told
from sglc_runtime.bench.turns import Spread, take_turns

PROMPT, NEW = 128, 256
PREFILL = 8192
REQUESTS, SHORTEST, LONGEST = 256, 100, 1024
BRANCHES, PREFIX, TAIL, BRANCH_NEW = 16, 512, 1, 64
AGREE_PROMPTS, AGREE_LENGTH = 4, 64
TIE = 0.15
"""Of a peer's choice, in standard deviations of our logits; as in `bench.large_rows`."""


def decode_large(lab: GpuLab) -> Figure:
    """Decoding of one sequence, 8B."""
    return _decode(lab, lab.settings.large)


def decode_small(lab: GpuLab) -> Figure:
    """Decoding of one sequence, 0.6B."""
    return _decode(lab, lab.settings.small)


def _decode(lab: GpuLab, shape: Shape) -> Figure:
    ceilings = lab.known_ceilings()
    prompt, new = lab.settings.tokens(PROMPT), lab.settings.tokens(NEW)
    lab.report(f"{shape.name}: starting the engine")
    side = engine_of(shape, lab.settings, slots=prompt + new + 64)
    count = step_bytes(shape, [mean_context(prompt, new)])
    told = _repeated(lab, side, [drawn(shape, side, prompt, seed=1)], new)
    seconds = [each.decode / (new - 1) for each in told]
    step = Spread.of(seconds)
    return Figure(
        value=Spread.of([ceilings.of_bandwidth(count, each) for each in seconds]),
        ours=Amount(1e3 * step.median, "ms"),
        peer=Amount(1e3 * count / ceilings.bandwidth, "ms"),
        notes=(
            f"{new - 1} steps after {prompt} tokens and the first, sampling and scheduling"
            f" included: {1 / step.median:.0f} tokens/s; {count / 1e9:.3f} GB a step",
        ),
        detail={"seconds": seconds, "bytes": count, "attention": side.info.attention},
    )


def _repeated(lab: GpuLab, side: EngineSide, prompts: list[list[int]], new: int) -> list[Told]:
    side.run(prompts, min(new, 8))
    found = []
    for turn in range(lab.settings.repeats):
        lab.report(f"repeat {turn + 1} of {lab.settings.repeats}")
        found.append(side.run(prompts, new))
    return found


def prefill(lab: GpuLab) -> Figure:
    """A prompt in one pass, to its first token."""
    ceilings = lab.known_ceilings()
    shape, tokens = lab.settings.large, lab.settings.tokens(PREFILL)
    lab.report(f"{shape.name}: starting the engine")
    side = engine_of(shape, lab.settings, slots=tokens + 64, chunk_tokens=tokens)
    flops = prefill_flops(shape, tokens)
    seconds = [told.whole for told in _repeated(lab, side, [drawn(shape, side, tokens, seed=2)], 1)]
    spread = Spread.of(seconds)
    return Figure(
        value=Spread.of([ceilings.of_matmul(flops, each) for each in seconds]),
        ours=Amount(1e3 * spread.median, "ms"),
        peer=Amount(1e3 * flops / ceilings.matmul, "ms"),
        notes=(
            f"one pass to the first token, {flops / 1e12:.1f} TFLOP,"
            f" {flops / spread.median / 1e12:.0f} TFLOP/s; the rate {ceilings.matmul / 1e12:.0f}",
        ),
        detail={"seconds": seconds, "flops": flops},
    )


def requests(lab: GpuLab) -> Figure:
    """Many requests of different lengths, whole job, greedy."""
    settings, shape = lab.settings, lab.settings.small
    numbers = random.Random(0)
    count = settings.tokens(REQUESTS)
    low, high = settings.tokens(SHORTEST), settings.tokens(LONGEST)
    lengths = [(numbers.randint(low, high), numbers.randint(low, high)) for _ in range(count)]
    new = [given for _, given in lengths]
    slots = sum(prompt + given + 16 for prompt, given in lengths)
    lab.report(f"{shape.name}: starting the engine")
    side = engine_of(shape, settings, slots=slots, rows=count, chunk_tokens=8192)
    prompts = [drawn(shape, side, length, seed=n) for n, (length, _) in enumerate(lengths)]
    # All of them: passes of prompts beside rows that decode are compiled, too.
    run_each(side, prompts, [min(given, 8) for given in new])
    lab.report(f"{count} requests, {sum(new)} tokens")
    ours = [run_each(side, prompts, new) for _ in range(min(settings.repeats, 2))]
    speeds = [told.speed for told in ours]
    lab.save({"ours": speeds})
    del side
    release(lab.device)
    lab.report("the same with transformers")
    peer = transformers_of(shape, settings)
    batch_of_requests(peer, prompts[:4], [4] * 4)
    theirs, how = batch_of_requests(peer, prompts, new)
    return Figure(
        value=Spread.of([speed / theirs.speed for speed in speeds]),
        ours=Amount(Spread.of(speeds).median, "tok/s"),
        peer=Amount(theirs.speed, "tok/s"),
        notes=(
            f"{count} requests at once, {sum(new)} tokens, whole job, greedy; transformers by its"
            f" continuous batching with its own settings, attention {how['attention']}, captures"
            " not timed",
        ),
        detail={
            "ours": speeds,
            "peer": theirs.speed,
            "same_ids": sum(a == b for a, b in zip(ours[0].ids, theirs.ids, strict=True)),
        },
    )


def branches(lab: GpuLab) -> Figure:
    """Branches of one prefix beside requests of the same lengths that share nothing."""
    settings, shape = lab.settings, lab.settings.large
    prefix, new = settings.tokens(PREFIX), settings.tokens(BRANCH_NEW)
    length = prefix + TAIL
    lab.report(f"{shape.name}: starting the engine")
    side = engine_of(
        shape, settings, slots=BRANCHES * (length + new + 16), rows=BRANCHES, chunk_tokens=8192
    )
    shared = drawn(shape, side, prefix, seed=3)
    low = shape.vocabulary // 8
    forks = [[*shared, low + number] for number in range(BRANCHES)]
    singles = [drawn(shape, side, length, seed=10 + number) for number in range(BRANCHES)]
    calls: dict[str, Callable[[], float]] = {
        "program": lambda: side.run(forks, new).whole,
        "single": lambda: side.run(singles, new).whole,
    }
    for call in calls.values():
        call()
    lab.report("in turns")
    done = take_turns(calls, settings.repeats)
    program, single = (done.spread(name, lambda value: value) for name in calls)
    one = Spread.of([side.run([singles[0]], new).whole for _ in range(2)]).median
    return Figure(
        value=done.ratio("single", "program", lambda value: value),
        ours=Amount(1e3 * program.median, "ms"),
        peer=Amount(1e3 * single.median, "ms"),
        notes=(
            f"{BRANCHES} requests of {length} tokens that share nothing, at once, in one batch;"
            f" one alone takes {1e3 * one:.0f} ms, so one after another"
            f" {BRANCHES * one / program.median:.1f} times the program",
        ),
        partial=done.interrupted,
        detail=dict(done.given) | {"alone": one},
    )


def agreement(lab: GpuLab) -> Figure:
    """Whether the engine computes the model that transformers computes."""
    settings, shape = lab.settings, lab.settings.small
    length = settings.tokens(AGREE_LENGTH)
    lab.report(f"{shape.name}: starting the engine and transformers")
    side = engine_of(shape, settings, slots=AGREE_PROMPTS * (length + 64), rows=AGREE_PROMPTS)
    prompts = [drawn(shape, side, length, seed=n) for n in range(AGREE_PROMPTS)]
    peer = transformers_of(shape, settings).run(prompts, CHECKED)
    found = agree(side, prompts, peer.ids)
    captured = side.run(prompts, CHECKED).ids
    same = sum(
        a == b
        for ours, theirs in zip(captured, peer.ids, strict=True)
        for a, b in zip(ours, theirs, strict=True)
    )
    share = 100 * found.same / found.compared
    return Figure(
        value=Spread(share, share, share),
        ours=Amount(found.same, "tokens"),
        peer=Amount(found.compared, "tokens"),
        notes=(
            found.said(TIE),
            f"without looking at logits {same} of {CHECKED * len(prompts)} tokens are the same",
        ),
        detail={"fine": found.fine(TIE), "gap": found.gap, "spread": found.spread, "same": same},
    )
