"""SGLang's `stream_executor`, for programs that look inside."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from sglc.execution.handle import Handle
from sglc.execution.pending import Pending
from sglc.execution.requests import Media
from sglc.execution.versions import pieces_of, text_of
from sglc.language.chat_template import ChatTemplate


class ExecutorView:
    """
    Read-only view of a state; what needs the prompt waits for it and raises its failure.

    `settle` waits until the program has appended everything, where it is read from outside. What
    only tells how far a streaming run has come does not wait.
    """

    def __init__(self, handle: Handle, settle: Callable[[], None]) -> None:
        self._handle = handle
        self._settle = settle

    def _settled(self) -> Handle:
        self._settle()
        return self._handle

    def _so_far(self) -> Handle:
        return self._handle if self._handle.session.stream else self._settled()

    @property
    def sid(self) -> str:
        """Identifies the state in this process."""
        return f"{self._handle.session.id}:{self._handle.label}"

    @property
    def backend(self) -> Any:
        """The backend the program runs on."""
        return self._handle.session.raw_backend

    @property
    def chat_template(self) -> ChatTemplate:
        """The template that roles use."""
        return self._handle.session.chat_template

    @property
    def text_(self) -> str:
        """All text so far."""
        return self._settled().current_text().result()

    @property
    def messages_(self) -> list[dict[str, Any]]:
        """The closed messages so far."""
        return self._settled().current_messages().result()

    @property
    def variables(self) -> dict[str | None, Any]:
        """The variables whose values are there."""
        return {
            name: value.value() if isinstance(value, Pending) else value
            for name, value in self._so_far().vars.items()
            if not isinstance(value, Pending) or (value.done() and value.exception() is None)
        }

    @property
    def meta_info(self) -> dict[str | None, Any]:
        """Meta information of the generations that are done."""
        return {
            name: v.meta for name, v in self._so_far().meta.items() if v.done and v.error is None
        }

    @property
    def cur_role(self) -> str | None:
        """The open role."""
        return self._so_far().open_role

    @property
    def cur_role_begin_pos(self) -> int | None:
        """Where the open role's content begins in the text."""
        version = self._settled().role_version
        if version is None:
            return None
        session = self._handle.session
        return len(text_of(session.driver.watch(version, session).result()))

    @property
    def images_(self) -> list[tuple[str, str]]:
        """Source and base64 data of the images so far."""
        session = self._handle.session
        done = session.driver.watch(self._settled().tip, session).result()
        return [(p.source, p.data) for p in pieces_of(done) if isinstance(p, Media)]

    @property
    def is_finished(self) -> bool:
        """Whether nothing more will be appended."""
        return self._so_far().finished
