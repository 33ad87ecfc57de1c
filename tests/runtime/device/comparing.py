"""What events say, whatever the kernels behind them."""

from __future__ import annotations

from collections.abc import Sequence

from sglc_runtime.protocol import Delta, Event, Generated, Scored


def said(events: Sequence[Event], request: int) -> tuple[list[object], list[float]]:
    """What a request's events say, and apart from it the numbers that each kernel rounds anew."""
    found: list[object] = []
    numbers: list[float] = []
    for event in events:
        if getattr(event, "id", None) != request:
            continue
        if isinstance(event, Generated):
            found += [(s.ids, s.text, s.tail, s.finish, s.matched) for s in event.samples]
            numbers += [t.logprob or 0.0 for s in event.samples for t in s.logprobs]
        elif isinstance(event, Scored):
            found.append(event.winner)
            numbers += [value for score in event.scores for value in score.logprobs]
        elif isinstance(event, Delta):
            found.append(event.text)
        else:
            found.append(event)
    return found, numbers
