"""Rows whose measurement is a file of its own: what it found, as a figure."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from sglc_runtime.bench.figures import Amount, Figure
from sglc_runtime.bench.lab import Lab
from sglc_runtime.bench.masks import measure_masks
from sglc_runtime.bench.radix import measure_radix
from sglc_runtime.bench.speculation import measure_speculation
from sglc_runtime.bench.step_overhead import measure_step_overhead
from sglc_runtime.bench.turns import Spread


def radix_growth(lab: Lab) -> Figure:
    """The radix tree's time per token when a hundred times as much is cached; the worst kind."""
    found = _radix(lab)
    ratios: Mapping[str, float] = found["ratios"]
    worst = max(ratios, key=lambda kind: ratios[kind])
    sizes = sorted(found["nanoseconds_per_token"], key=int)
    small, large = (found["nanoseconds_per_token"][size] for size in sizes)
    said = ", ".join(f"{kind} {ratio:.2f}" for kind, ratio in ratios.items())
    return Figure(
        value=_once(ratios[worst]),
        ours=Amount(large[worst], "ns/token"),
        peer=Amount(small[worst], "ns/token"),
        notes=(f"{worst}, the worst of: {said}",),
        detail=dict(found),
    )


def radix_share(lab: Lab) -> Figure:
    """The radix tree's part of the time of requests that share nothing."""
    share: Mapping[str, float] = _radix(lab)["share"]
    return Figure(
        value=_once(100 * share["tree"]),
        ours=Amount(1e3 * share["tree"] * share["seconds"], "ms"),
        peer=Amount(1e3 * share["seconds"], "ms"),
        notes=(
            f"{share['prompt_tokens']:.0f} prompt and {share['completion_tokens']:.0f} generated"
            f" tokens on the embedded model; with handing out slots {100 * share['cache']:.2f}%",
        ),
    )


def step_overhead(lab: Lab) -> Figure:
    """The part of a step's time outside the model's forward pass; greedy or sampled, the worse."""
    found = measure_step_overhead(lab.config(None), lab.report)
    kinds: Mapping[str, Mapping[str, float]] = found["kinds"]
    worst = max(("greedy", "sampled"), key=lambda kind: kinds[kind]["share"])
    said = ", ".join(f"{kind} {100 * each['share']:.1f}%" for kind, each in kinds.items())
    return Figure(
        value=_once(100 * found["share"]),
        ours=Amount(kinds[worst]["outside_ms"], "ms"),
        peer=Amount(kinds[worst]["step_ms"], "ms"),
        notes=(f"{worst}, medians of {kinds[worst]['turns']} steps; {said}",),
        detail=dict(found),
    )


def masks(lab: Lab) -> Figure:
    """What a JSON schema's masks add to a step."""
    found = measure_masks(lab.config(lab.settings.medium), lab.report)
    return Figure(
        value=_spread(found, "added", 100),
        ours=Amount(1e3 * _middle(found, "masked_seconds"), "ms"),
        peer=Amount(1e3 * _middle(found, "free_seconds"), "ms"),
        notes=_notes(found),
        detail=dict(found),
    )


def speculation(lab: Lab) -> Figure:
    """Tokens a second with speculative decoding over those without."""
    found = measure_speculation(lab.config(None), lab.report)
    return Figure(
        value=_spread(found, "speedup", 1),
        ours=Amount(_middle(found, "tokens_per_second"), "tok/s"),
        peer=Amount(_middle(found, "plain_tokens_per_second"), "tok/s"),
        notes=_notes(found),
        detail=dict(found),
    )


def _radix(lab: Lab) -> dict[str, Any]:
    return lab.once("radix", lambda: measure_radix(lab.report))


def _once(value: float) -> Spread:
    return Spread(value, value, value)


def _spread(found: Mapping[str, Any], key: str, scale: float) -> Spread:
    value = found[key]
    values = value if isinstance(value, list | tuple) else [value]
    return Spread.of([scale * each for each in values])


def _middle(found: Mapping[str, Any], key: str) -> float:
    return _spread(found, key, 1).median


def _notes(found: Mapping[str, Any]) -> tuple[str, ...]:
    notes = found.get("notes", ())
    return (notes,) if isinstance(notes, str) else tuple(notes)
