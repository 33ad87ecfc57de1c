"""The engine in a process of its own: `python -m sglc_runtime.worker FD`, started by `client`."""

from __future__ import annotations

import gc
import os
import select
import signal
import socket
import sys
from collections import deque

import msgspec

from sglc_runtime.config import EngineConfig
from sglc_runtime.options import invalid
from sglc_runtime.protocol import Command, Event, Fatal, Shutdown
from sglc_runtime.wire import LENGTH, FrameReader, command_reader, encode_frame


class Outbox:
    """Frames that wait until the socket takes them: a slow client never stops the engine."""

    def __init__(self, connection: socket.socket) -> None:
        self._connection = connection
        self._frames: deque[memoryview] = deque()

    @property
    def empty(self) -> bool:
        """Everything was taken."""
        return not self._frames

    def put(self, events: list[Event]) -> None:
        """Send as much as can be sent now and keep the rest."""
        self._frames.append(memoryview(encode_frame(events)))
        self.flush()

    def flush(self) -> None:
        """Send what the socket takes without waiting."""
        while self._frames:
            try:
                sent = self._connection.send(self._frames[0])
            except BlockingIOError:
                return
            if sent < len(self._frames[0]):
                self._frames[0] = self._frames[0][sent:]
            else:
                self._frames.popleft()


def serve(connection: socket.socket, config: EngineConfig) -> None:
    """Run an engine for one client until it shuts down or goes away."""
    # Imports make a million objects and no garbage; collecting among them costs a tenth of a start.
    gc.disable()
    from sglc_runtime.errors import EngineError
    from sglc_runtime.start import start_engine

    outbox = Outbox(connection)
    connection.setblocking(False)
    try:
        engine, info = start_engine(config)
    except EngineError as error:
        outbox.put([Fatal(error.message, error.kind)])  # type: ignore[arg-type]
        _drain(connection, outbox)
        return
    gc.freeze()
    gc.enable()
    outbox.put([info])
    reader = command_reader()
    while True:
        ready = _wait(connection, write=not outbox.empty, block=not engine.busy)
        if ready & select.POLLOUT:
            outbox.flush()
        if ready & ~select.POLLOUT:
            commands = _receive(connection, reader)
            if commands is None or any(isinstance(command, Shutdown) for command in commands):
                engine.close()
                return
            engine.submit(commands)
        try:
            engine.step()
        except EngineError as error:
            outbox.put([*engine.take_events(), Fatal(error.message, error.kind)])  # type: ignore[arg-type]
            _drain(connection, outbox)
            return
        if events := engine.take_events():
            outbox.put(events)


def _wait(connection: socket.socket, *, write: bool, block: bool = True) -> int:
    """What can be done with `connection`, as `poll` says it; `select` stops at descriptor 1023."""
    waiting = select.poll()
    waiting.register(connection, select.POLLIN | (select.POLLOUT if write else 0))
    return sum(event for _, event in waiting.poll(None if block else 0))


def _receive(connection: socket.socket, reader: FrameReader[list[Command]]) -> list[Command] | None:
    """All commands that have arrived; None when the client is gone."""
    commands: list[Command] = []
    while True:
        try:
            data = connection.recv(1 << 18)
        except BlockingIOError:
            return commands
        if not data:
            return None
        for batch in reader.feed(data):
            commands += batch


def _drain(connection: socket.socket, outbox: Outbox) -> None:
    while not outbox.empty:
        waiting = select.poll()
        waiting.register(connection, select.POLLOUT)
        waiting.poll()
        outbox.flush()


def main() -> None:
    """Read the configuration from the inherited socket and serve."""
    # Ctrl-C goes to the whole foreground group; the client decides what it means.
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    connection = socket.socket(fileno=int(sys.argv[1]))
    configs: FrameReader[EngineConfig] = FrameReader(EngineConfig)
    received: list[EngineConfig] = []
    while not received:
        # No more than this frame: commands may follow it at once.
        head = connection.recv(LENGTH, socket.MSG_WAITALL)
        data = connection.recv(int.from_bytes(head, "big"), socket.MSG_WAITALL)
        if not data:
            return
        try:
            received = configs.feed(head + data)
        except msgspec.DecodeError as error:
            fatal = Fatal(invalid(error), "internal")
            connection.sendall(encode_frame([fatal]))
            return
    try:
        serve(connection, received[0])
    except (BrokenPipeError, ConnectionResetError):
        pass
    except Exception as error:
        connection.setblocking(True)
        message = f"the engine failed: {type(error).__name__}: {error}"
        connection.sendall(encode_frame([Fatal(message, "internal")]))
        raise
    # The client waits for our end; taking an interpreter with torch apart costs it 0.2 s.
    sys.stderr.flush()
    os._exit(0)


if __name__ == "__main__":
    main()
