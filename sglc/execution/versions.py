"""
Versions: the immutable nodes of the graph that execution builds.

A version is a parent version and one segment. The prompt of a version is the concatenation of the
segments from the root. A version is done when its parent is and its own segment is known; it fails
when its parent failed or its segment could not be made.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from contextvars import Context
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from sglc.execution.pending import Pending
from sglc.execution.requests import (
    GenStep,
    Media,
    Piece,
    SelectStep,
    Snapshot,
    prompt_text,
)
from sglc.language.exprs import Place

if TYPE_CHECKING:
    from sglc.execution.session import Session


@dataclass(frozen=True, slots=True)
class RoleMark:
    """A version that opens (`begin`) or closes a role."""

    role: str
    begin: bool


class Version:
    """A version whose segment is known from the start: text, an image, or nothing."""

    __slots__ = ("done", "error", "mark", "next", "parent", "pieces", "waiters")

    def __init__(self, pieces: tuple[Piece, ...] = (), mark: RoleMark | None = None) -> None:
        self.parent: Version | None = None
        self.pieces = pieces
        self.mark = mark
        self.done = False
        self.error: BaseException | None = None
        self.next: Version | None = None
        """The version that the same state appended next; forks do not count."""
        self.waiters: Waiter | list[Waiter] | None = None
        """What follows from this version; one is kept without a list."""


EMPTY = Version()
"""The empty prompt, where every state begins: it is known, so nothing is ever kept in it."""
EMPTY.done = True

Waiter = Version | Callable[[Version], None]


class DeferredVersion(Version):
    """
    A version whose segment `make` makes from values that may still be pending.

    `parts` are values and Pendings of values. The first failure in their order fails the version.
    """

    __slots__ = ("make", "parts")

    def __init__(
        self, parts: Sequence[object], make: Callable[[list[Any]], tuple[Piece, ...]]
    ) -> None:
        super().__init__()
        self.parts: tuple[object, ...] | None = tuple(parts)
        """None once the segment is made."""
        self.make = make

    def waiting(self) -> Pending[Any] | None:
        """The first part that is not there yet."""
        for part in self.parts or ():
            if isinstance(part, Pending) and not part.done():
                return part
        return None

    def failure(self) -> BaseException | None:
        """Why the segment cannot be made, once nothing is waited for."""
        for part in self.parts or ():
            if isinstance(part, Pending) and part.exception() is not None:
                return part.exception()
        return self.error


@dataclass(slots=True)
class Surroundings:
    """What a backend that wants snapshots is told about the state; copied when appended."""

    variables: dict[str | None, Any]
    meta: dict[str | None, StepVersion]
    open_role: str | None
    role_version: Version | None
    arguments: dict[str, Any]
    context: Context
    num_api_spec_tokens: int | None


_NO_DELTAS: list[str] = []


class StepVersion(Version):
    """A version whose segment the model produces."""

    __slots__ = (
        "before",
        "deltas",
        "label",
        "meta",
        "path",
        "place",
        "session",
        "step",
        "submitted",
        "surroundings",
        "turn",
        "value",
    )

    def __init__(
        self,
        step: GenStep | SelectStep,
        session: Session,
        label: str,
        path: tuple[int, ...],
        place: Place | None,
        turn: Turnstile | None,
        surroundings: Surroundings | None,
    ) -> None:
        super().__init__()
        self.step = step
        self.session = session
        self.label = label
        self.path = path
        self.place = place
        self.turn = turn
        self.surroundings = surroundings
        self.value: Pending[Any] = Pending(session)
        self.meta: Any = None
        self.submitted = False
        self.before: tuple[Piece, ...] | None = None
        """The prompt before this step, kept for the next one in long conversations."""
        self.deltas: list[str] = [] if session.stream else _NO_DELTAS
        """Text so far, piece by piece; only in sessions that stream."""


class Turnstile:
    """Lets one chain of a group of sibling states run at a time."""

    __slots__ = ("busy", "waiting")

    def __init__(self) -> None:
        self.busy = False
        self.waiting: list[StepVersion] = []


def path_of(version: Version, stop: Version | None = None) -> list[Version]:
    """
    The versions from the root (or after `stop`) to `version`, in order.

    Separating a reasoning takes a state back to where its role began. Where that was before
    `stop`, the path begins after the last version that both have in common.
    """
    path: list[Version] = []
    node: Version | None = version
    while node is not None and node is not stop:
        path.append(node)
        node = node.parent
    if node is None and stop is not None:
        common = {id(each) for each in path_of(stop)}
        path = [each for each in path if id(each) not in common]
    path.reverse()
    return path


def pieces_of(version: Version, stop: Version | None = None) -> tuple[Piece, ...]:
    """The prompt of a done version, adjacent texts merged into one run."""
    return _merged([], path_of(version, stop))


LONG = 64
"""Versions in a row above which a step keeps its prompt, for the step after it."""


def prompt_before(step: StepVersion) -> tuple[Piece, ...]:
    """
    The prompt that a step continues.

    In a long conversation each step begins where the step before it did, so that all of them take
    time in proportion to the conversation, and not to its square. The step before then forgets.
    """
    path: list[Version] = []
    node, known = step.parent, None
    while node is not None:
        path.append(node)
        if isinstance(node, StepVersion) and node.before is not None:
            known = node
            break
        node = node.parent
    path.reverse()
    if known is None:
        pieces = _merged([], path)
        if len(path) < LONG:
            return pieces
    else:
        assert known.before is not None
        pieces = _merged(list(known.before), path)
        if known.label == step.label:
            known.before = None
    step.before = pieces
    return pieces


def _merged(out: list[Piece], path: Sequence[Version]) -> tuple[Piece, ...]:
    """Pieces of versions after `out`, adjacent texts merged."""
    texts: list[str] = []
    for node in path:
        for piece in node.pieces:
            if isinstance(piece, str):
                texts.append(piece)
                continue
            if texts:
                run = "".join(texts)
                if run:
                    out.append(run)
                texts = []
            out.append(piece)
    run = "".join(texts)
    if run:
        out.append(run)
    return tuple(out)


def text_of(version: Version, stop: Version | None = None) -> str:
    """The text of a done version."""
    return "".join(prompt_text(node.pieces) for node in path_of(version, stop))


def messages_of(version: Version) -> list[dict[str, Any]]:
    """
    The closed messages of a done version.

    Content is the text between the role's markers, stripped on the left; with images it is the
    list of parts that OpenAI's API takes.
    """
    messages: list[dict[str, Any]] = []
    texts: list[str] = []
    images: list[str] = []
    for node in path_of(version):
        if node.mark is not None and node.mark.begin:
            texts, images = [], []
        elif node.mark is not None:
            content: Any = "".join(texts).lstrip()
            if images:
                content = [{"type": "text", "text": content}] + [
                    {"type": "image_url", "image_url": {"url": f"data:image/jpeg;base64,{data}"}}
                    for data in images
                ]
            messages.append({"role": node.mark.role, "content": content})
        else:
            texts.append(prompt_text(node.pieces))
            images += [p.data for p in node.pieces if isinstance(p, Media)]
    return messages


def snapshot_of(version: Version, around: Surroundings, session: Session, label: str) -> Snapshot:
    """What the state looked like at `version`, which is done; values still pending are left out."""
    text = text_of(version)
    role_at = around.role_version
    media = [p for p in pieces_of(version) if isinstance(p, Media)]
    open_media = [p for p in pieces_of(version, role_at) if isinstance(p, Media)] if role_at else []
    return Snapshot(
        sid=f"{session.id}:{label}",
        text_=text,
        messages_=messages_of(version),
        variables={
            name: value.value() if isinstance(value, Pending) else value
            for name, value in around.variables.items()
            if not isinstance(value, Pending) or (value.done() and value.exception() is None)
        },
        meta_info={name: step.meta for name, step in around.meta.items() if step.done},
        cur_role=around.open_role,
        cur_role_begin_pos=None if role_at is None else len(text_of(role_at)),
        images_=[(m.source, m.data) for m in media],
        cur_images=[(m.source, m.data) for m in open_media],
        chat_template=session.chat_template,
        backend=session.raw_backend,
        arguments=around.arguments,
        num_api_spec_tokens=around.num_api_spec_tokens,
    )
