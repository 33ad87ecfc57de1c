"""Our engine and a peer in turns on the same prompts."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import asdict

from sglc_runtime.bench.agree import CHECKED, agree
from sglc_runtime.bench.engine_side import EngineSide
from sglc_runtime.bench.figures import Amount, Figure, MissingPeerError
from sglc_runtime.bench.sides import Prompt, Side, Told
from sglc_runtime.bench.turns import take_turns


def compare(
    ours: EngineSide,
    peer: Callable[[], Side],
    prompts: Sequence[Prompt],
    *,
    new: int,
    rounds: int,
    speed: Callable[[Told], float],
    tolerance: float,
    notes: Sequence[str] = (),
) -> Figure:
    """
    Ratio of our speed to the peer's; the first call of each side is not counted.

    `tolerance` is what `Agreement.fine` allows. `peer` may raise MissingPeerError.
    """
    sides: dict[str, Callable[[], Told]] = {"sglc": lambda: ours.run(prompts, new)}
    missing = ""
    told: list[str] = [*notes]
    detail: dict[str, object] = {}
    try:
        other = peer()
    except MissingPeerError as reason:
        missing = str(reason)
        ours.run(prompts, min(new, CHECKED))
    else:
        sides["peer"] = lambda: other.run(prompts, new)
        agreement = agree(ours, prompts, other.run(prompts, min(new, CHECKED)).ids)
        told.append(agreement.said(tolerance))
        detail["agreement"] = asdict(agreement) | {"fine": agreement.fine(tolerance)}
    done = take_turns(sides, rounds)
    for name in sides:
        detail[name] = [
            {"first": given.first, "whole": given.whole, "speed": speed(given)}
            for given in done.given[name]
        ]
    return Figure(
        value=None if missing else done.ratio("sglc", "peer", speed),
        ours=Amount(done.spread("sglc", speed).median, "tok/s"),
        peer=None if missing else Amount(done.spread("peer", speed).median, "tok/s"),
        notes=tuple(told),
        partial=done.interrupted,
        missing=missing,
        detail=detail,
    )
