"""Runs under way: a state, its body, and what was used."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from sglc.execution.pending import Pending
from sglc.language.state import ProgramState


@dataclass(frozen=True, slots=True)
class Running:
    """A run that has been started; `state` is the program's, `state.body` ends with the program."""

    state: ProgramState

    def wait(self) -> None:
        """
        Wait for the body and for everything it appended.

        Raises what the body raised, else the failed generation that the state was left with.
        """
        self.state.body.result()
        error = self.state.error()
        if error is not None:
            raise error

    def when_ended(self, call: Callable[[], None]) -> None:
        """Call `call` once `wait` would not wait, on some thread."""
        settled = self.state.handle.settled
        self.state.body.add_done_callback(lambda _: settled().add_done_callback(lambda _: call()))

    def cancel(self) -> None:
        """Stop what the engine does for this run."""
        self.state.handle.session.cancel()

    @property
    def seed(self) -> int:
        """The seed that repeats this run."""
        return self.state.handle.session.run_seed

    def value(self) -> Any:
        """The return value of a finished run."""
        return self.state.ret_value

    def variables(self) -> dict[str, Any]:
        """Named variables of a finished run; those whose generation failed are left out."""
        return {
            name: value.value() if isinstance(value, Pending) else value
            for name, value in self.state.handle.vars.items()
            if name is not None and not (isinstance(value, Pending) and value.exception())
        }

    def usage(self) -> dict[str, int]:
        """Token counts of this run's states, forks included."""
        return dict(self.state.handle.session.usage)

    def engine(self) -> dict[str, Any]:
        """What the backend says about itself, where it does: model, device, determinism."""
        ask = getattr(self.state.handle.session.raw_backend, "get_server_info", None)
        info = None if ask is None else ask()
        return info if isinstance(info, dict) else {}

    def counters(self) -> dict[str, Any]:
        """What the backend has counted since its start, where it is our own engine."""
        ask = getattr(self.state.handle.session.raw_backend, "stats", None)
        stats = ask() if callable(ask) else None
        return stats if isinstance(stats, dict) else {}
