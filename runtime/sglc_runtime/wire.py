"""Frames on the socket between a client and its worker: msgpack behind a 4-byte length."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Generic, TypeVar

import msgspec

from sglc_runtime.protocol import Command, EngineConfig, Event

T = TypeVar("T")

_encoder = msgspec.msgpack.Encoder()
LENGTH = 4


def encode_frame(message: Sequence[Command] | Sequence[Event] | EngineConfig) -> bytes:
    """One frame: a big-endian length and the message."""
    body = _encoder.encode(message)
    return len(body).to_bytes(LENGTH, "big") + body


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
