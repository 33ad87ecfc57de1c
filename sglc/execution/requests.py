"""What the driver asks of a model backend, and what it gets back: plain data, no handles."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from contextvars import Context
from dataclasses import dataclass, field
from typing import Any, Protocol

from sglc.language.chat_template import ChatTemplate
from sglc.language.choices import ChoicesSamplingMethod
from sglc.language.sampling import GenParams


@dataclass(frozen=True, slots=True)
class Produced:
    """Model-produced part of a prompt: the text and, where the backend has them, its token ids."""

    text: str
    ids: tuple[int, ...] | None = None


@dataclass(frozen=True, slots=True)
class Media:
    """An image or video: its place-holder text in the prompt and its base64 data."""

    token: str
    source: str
    data: str


Piece = str | Produced | Media
"""Parts of a prompt. Adjacent strings are merged: they are one text run."""


def prompt_text(pieces: Sequence[Piece]) -> str:
    """The text of a prompt."""
    return "".join(
        p if isinstance(p, str) else p.text if isinstance(p, Produced) else p.token for p in pieces
    )


@dataclass(frozen=True, slots=True)
class AppendStep:
    """Text after the previous step."""

    text: str


@dataclass(frozen=True, slots=True)
class GenStep:
    """Sample a continuation with fully resolved parameters; `key` seeds its noise."""

    name: str | None
    params: GenParams
    key: int


@dataclass(frozen=True, slots=True)
class SelectStep:
    """Score `choices` and append the winner."""

    name: str | None
    choices: tuple[str, ...]
    method: ChoicesSamplingMethod
    temperature: float
    key: int


Step = AppendStep | GenStep | SelectStep


@dataclass(frozen=True, slots=True)
class Snapshot:
    """What a state looked like when a step began; what user backends get as `s`."""

    sid: str
    text_: str
    messages_: list[dict[str, Any]]
    variables: Mapping[str | None, Any]
    meta_info: Mapping[str | None, Any]
    cur_role: str | None
    cur_role_begin_pos: int | None
    images_: list[tuple[str, str]]
    cur_images: list[tuple[str, str]]
    chat_template: ChatTemplate
    backend: Any
    arguments: Mapping[str, Any] = field(default_factory=dict)
    num_api_spec_tokens: int | None = None
    is_finished: bool = False

    def text(self) -> str:
        """The prompt so far."""
        return self.text_

    def messages(self) -> list[dict[str, Any]]:
        """The closed messages so far."""
        return self.messages_


@dataclass(frozen=True, slots=True)
class Chain:
    """
    Steps of one state that follow each other without the program in between.

    `prefix` is the whole prompt before the first step. `label` names the state: `root`, and for
    each fork on the way `/fork.child`.
    """

    id: int
    label: str
    prefix: tuple[Piece, ...]
    steps: tuple[Step, ...]
    stream: bool = False
    snapshot: Callable[[], Snapshot] | None = None
    """For backends with `wants_snapshots`: the state before the chain, which then has one step."""
    context: Context | None = None
    """The context variables of the code that appended the step, for the same backends."""


@dataclass(frozen=True, slots=True)
class Warmup:
    """A prefix that `uses` later chains are known to start with."""

    id: int
    prefix: tuple[Piece, ...]
    uses: int


@dataclass(frozen=True, slots=True)
class GenResult:
    """Result of a `GenStep`: one text a sample, and what stays on the prompt after sample 0."""

    texts: tuple[str, ...]
    meta: Any
    """Per sample when more than one was asked for."""
    many: bool = False
    """The variable is a list."""
    ids: tuple[int, ...] | None = None
    """Token ids of sample 0 that stay on the path; None: the backend works on text."""
    tail: str = ""
    """Text of sample 0 after the last of `ids`."""


@dataclass(frozen=True, slots=True)
class SelectResult:
    """Result of a `SelectStep`."""

    text: str
    meta: Any
    ids: tuple[int, ...] | None = None


class Sink(Protocol):
    """Where a backend reports; callable from any thread, never blocks."""

    def finished(self, chain: int, step: int, result: GenResult | SelectResult) -> None:
        """A gen or select step of a chain is done; steps are reported in order."""

    def delta(self, chain: int, step: int, text: str) -> None:
        """Text of a gen step has become certain; only for chains with `stream`."""

    def failed(self, chain: int, step: int, error: BaseException) -> None:
        """A step failed; later steps of the chain do not run."""


class ModelBackend(Protocol):
    """A backend as the driver sees it."""

    wants_snapshots: bool

    def get_chat_template(self) -> ChatTemplate:
        """Template for roles; may take a moment, is called on a caller's thread."""

    def submit(self, work: Sequence[Chain | Warmup], sink: Sink) -> None:
        """Begin all of `work`, seen together; called on the driver's thread, must not block."""

    def cancel(self, chains: Sequence[int]) -> None:
        """Stop these; each reports `failed`. Unknown ones are ignored."""
