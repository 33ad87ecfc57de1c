"""The engine on the caller's thread: tests, one program, direct use."""

from __future__ import annotations

from collections.abc import Sequence
from time import monotonic

from sglc_runtime.config import EngineConfig
from sglc_runtime.errors import EngineError
from sglc_runtime.protocol import Command, EngineInfo, Event, Shutdown
from sglc_runtime.start import start_engine
from sglc_runtime.wire import checked


class InlineEngine:
    """An `EngineClient` whose `poll` runs the model. Raises EngineError if it cannot start."""

    def __init__(self, config: EngineConfig | None = None) -> None:
        self._engine, self._info = start_engine(config or EngineConfig())
        self._closed = False

    @property
    def info(self) -> EngineInfo:
        """What was started."""
        return self._info

    def submit(self, commands: Sequence[Command]) -> None:
        """Queue commands; they are carried out while polling."""
        if self._closed:
            raise EngineError("internal", "the engine is closed")
        self._engine.submit(checked(commands))
        if any(isinstance(command, Shutdown) for command in commands):
            self.close()

    def poll(self, timeout: float | None = None) -> list[Event]:
        """Run until there are events, nothing is left to do or `timeout` seconds have passed."""
        end = None if timeout is None else monotonic() + timeout
        while not (events := self._engine.take_events()):
            if self._closed or not self._engine.step():
                return self._engine.take_events()
            if end is not None and monotonic() >= end:
                return self._engine.take_events()
        return events

    def close(self) -> None:
        """Stop; what was not finished is dropped."""
        self._closed = True
        self._engine.close()
