"""Frames on the socket between a client and its worker: msgpack behind a 4-byte length."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Generic, TypeVar, get_args

import msgspec

from sglc_runtime.config import EngineConfig
from sglc_runtime.protocol import Command, Event, Reject

T = TypeVar("T")

_encoder = msgspec.msgpack.Encoder()
_commands = msgspec.msgpack.Decoder(list[Command])
LENGTH = 4
LONGEST = 2**31
"""Bytes of a client's frame at most; the length has four bytes."""


def encode_frame(message: Sequence[Command] | Sequence[Event] | EngineConfig) -> bytes:
    """One frame: a big-endian length and the message."""
    body = _encoder.encode(message)
    return len(body).to_bytes(LENGTH, "big") + body


def checked(commands: Sequence[Command]) -> list[Command]:
    """
    The commands as they arrive; `Reject` for one that has a value of a wrong type.

    Structs take whatever they are given, so that a temperature of "hot" would only be noticed in
    the engine, where it is too late to say whose it was. Lone surrogates are no text either.
    """
    try:
        body = _encoder.encode(commands)
        if len(body) > LONGEST:
            raise ValueError(f"{len(body)} bytes are too many")
        return _commands.decode(body)
    except (TypeError, ValueError, OverflowError) as error:
        if len(commands) > 1:
            return [good for command in commands for good in checked([command])]
        (command,) = commands
        number = getattr(command, "id", None)
        if not isinstance(command, get_args(Command)) or not isinstance(number, int):
            raise
        what = "text is not Unicode" if isinstance(error, UnicodeError) else "invalid request"
        return [Reject(number, f"{what}: {error}")]


class FrameReader(Generic[T]):
    """Collects bytes and gives whole messages of type `T`."""

    def __init__(self, message_type: type[T]) -> None:
        self._decoder: msgspec.msgpack.Decoder[T] = msgspec.msgpack.Decoder(message_type)
        self._buffer = bytearray()

    def feed(self, data: bytes) -> list[T]:
        """Take received bytes; the messages they complete. Raises msgspec.DecodeError."""
        buffer = self._buffer
        buffer += data
        messages: list[T] = []
        at = 0
        while len(buffer) - at >= LENGTH:
            end = at + LENGTH + int.from_bytes(buffer[at : at + LENGTH], "big")
            if len(buffer) < end:
                break
            messages.append(self._decoder.decode(memoryview(buffer)[at + LENGTH : end]))
            at = end
        if at:
            del buffer[:at]
        return messages


def command_reader() -> FrameReader[list[Command]]:
    """Reads what a client sends."""
    return FrameReader(list[Command])


def event_reader() -> FrameReader[list[Event]]:
    """Reads what a worker sends."""
    return FrameReader(list[Event])
