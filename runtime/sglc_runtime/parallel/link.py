"""A socket that carries whole messages between rank 0 and one follower."""

from __future__ import annotations

import select
import socket
from contextlib import suppress
from typing import Generic, TypeVar

import msgspec

from sglc_runtime.wire import LENGTH

T = TypeVar("T")


class LinkClosed(Exception):
    """The other end is gone."""


class Link(Generic[T]):
    """Sends any message and receives messages of type `T`."""

    def __init__(self, connection: socket.socket, kind: type[T]) -> None:
        self._connection = connection
        self._encoder = msgspec.msgpack.Encoder()
        self._decoder: msgspec.msgpack.Decoder[T] = msgspec.msgpack.Decoder(kind)

    def send(self, message: msgspec.Struct) -> None:
        """Send one message. Raises `LinkClosed`."""
        self.send_encoded(self.encode(message))

    def encode(self, message: msgspec.Struct) -> bytes:
        """The bytes of a message, for several links."""
        body = self._encoder.encode(message)
        return len(body).to_bytes(LENGTH, "big") + body

    def send_encoded(self, data: bytes) -> None:
        """Send what `encode` gave. Raises `LinkClosed`."""
        try:
            self._connection.sendall(data)
        except OSError as error:
            raise LinkClosed from error

    def receive(self) -> T:
        """Wait for the next message. Raises `LinkClosed`."""
        return self._decoder.decode(self._take(int.from_bytes(self._take(LENGTH), "big")))

    def wait_for_end(self) -> None:
        """Return when the other end has closed; takes nothing from what it has sent."""
        waiting = select.poll()
        waiting.register(self._connection, 0)  # a hang-up is told in any case
        while not waiting.poll():
            pass

    def shut(self) -> None:
        """End the connection; both ends notice."""
        with suppress(OSError):
            self._connection.shutdown(socket.SHUT_RDWR)

    def close(self) -> None:
        """Give the socket back."""
        self._connection.close()

    def _take(self, count: int) -> bytes:
        try:
            data = self._connection.recv(count, socket.MSG_WAITALL)
        except OSError as error:
            raise LinkClosed from error
        if len(data) < count:
            raise LinkClosed
        return data
