"""From ready versions to what a backend is asked for."""

from __future__ import annotations

from sglc.execution.pending import Pending
from sglc.execution.requests import AppendStep, Chain, Piece, Step, prompt_text
from sglc.execution.versions import (
    DeferredVersion,
    StepVersion,
    Version,
    pieces_of,
    prompt_before,
    snapshot_of,
)


def fill(version: DeferredVersion) -> None:
    """Make the segment of a version whose values are there, or note why it cannot be made."""
    if version.parts is None:
        return
    error = version.failure()
    if error is None:
        try:
            values = [p.value() if isinstance(p, Pending) else p for p in version.parts]
            version.pieces = version.make(values)
        except Exception as raised:
            error = raised
    version.error = error
    version.parts = None


def make_chain(first: StepVersion, number: int) -> tuple[Chain, list[StepVersion | None]]:
    """
    The chain that starts with `first` and goes on while nothing must be waited for.

    Also the version of each of its steps, None for text. A backend that wants snapshots gets one
    step at a time.
    """
    session, parent, around = first.session, first.parent, first.surroundings
    assert parent is not None
    steps: list[Step] = [first.step]
    versions: list[StepVersion | None] = [first]
    first.submitted = True
    if around is None:
        _follow(first, steps, versions)
    chain = Chain(
        id=number,
        label=first.label,
        prefix=prompt_before(first),
        steps=tuple(steps),
        stream=session.stream,
        snapshot=(
            None if around is None else lambda: snapshot_of(parent, around, session, first.label)
        ),
        context=around.context if around is not None else None,
    )
    return chain, versions


def _follow(first: Version, steps: list[Step], versions: list[StepVersion | None]) -> None:
    """Add what the same state appended after `first`, up to the first thing not yet known."""
    texts: list[str] = []
    node = first.next
    while node is not None:
        if isinstance(node, StepVersion):
            if texts:
                steps.append(AppendStep("".join(texts)))
                versions.append(None)
                texts = []
            steps.append(node.step)
            versions.append(node)
            node.submitted = True
        else:
            if isinstance(node, DeferredVersion):
                if node.waiting() is not None:
                    return
                fill(node)
            if node.error is not None or not all(isinstance(p, str) for p in node.pieces):
                return
            texts.append(prompt_text(node.pieces))
        node = node.next


def warm_prefix(version: Version, common: str) -> tuple[Piece, ...]:
    """The prompt of a done version, continued by text that several states go on with."""
    prefix = pieces_of(version)
    if not common:
        return prefix
    last = prefix[-1] if prefix else ""
    return (*prefix[:-1], last + common) if isinstance(last, str) else (*prefix, common)
