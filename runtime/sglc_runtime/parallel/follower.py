"""
A process that holds a part of a model: `python -m sglc_runtime.parallel.follower FD`.

It does what rank 0 says on the inherited socket and ends when rank 0 ends, however that happens. An
error in a pass ends it too: what the others wait for will not come.
"""

from __future__ import annotations

import os
import shutil
import signal
import socket
import sys
import threading
import traceback
from pathlib import Path
from typing import NoReturn

import torch

from sglc_runtime.attention.make import AttentionUnavailable, PooledAttention, attention_for
from sglc_runtime.attention.sizing import free_memory
from sglc_runtime.models.errors import LoadError
from sglc_runtime.models.load import LoadedModel, load_configured
from sglc_runtime.models.threads import use_threads
from sglc_runtime.parallel.group import Group
from sglc_runtime.parallel.link import Link, LinkClosed
from sglc_runtime.parallel.messages import (
    CopySlots,
    Forward,
    Join,
    Load,
    MakePool,
    Order,
    Ready,
    Refused,
    decode_batch,
    to_tensor,
)
from sglc_runtime.parallel.split import Split


class Follower:
    """State of one follower: its group, its part of the model, its part of the pool."""

    def __init__(self, link: Link[Order]) -> None:
        self._link = link
        self._group: Group | None = None
        self._load: Load | None = None
        self._model: LoadedModel | None = None
        self._attention: PooledAttention | None = None
        self.store: Path | None = None

    def serve(self) -> None:
        """Carry out orders until rank 0 is gone."""
        while True:
            order = self._link.receive()
            if isinstance(order, Forward):
                self._forward(order)
            elif isinstance(order, CopySlots):
                self._copy(order)
            else:
                self._prepare(order)

    @torch.inference_mode()
    def _forward(self, order: Forward) -> None:
        assert self._model is not None
        assert self._attention is not None
        assert self._group is not None
        batch = decode_batch(order, self._group.device)
        self._model.forward(batch, self._attention.bind(batch))

    @torch.inference_mode()
    def _copy(self, order: CopySlots) -> None:
        assert self._attention is not None
        assert self._group is not None
        device = self._group.device
        source, target = to_tensor(order.source).to(device), to_tensor(order.target).to(device)
        self._attention.copy_slots(source, target)

    def _prepare(self, order: Join | Load | MakePool) -> None:
        try:
            if isinstance(order, Join):
                self._join(order)
            elif isinstance(order, Load):
                self._take_model(order)
            else:
                self._make_pool(order)
        except LoadError as error:
            self._refuse(error.kind, error.message)
        except (ValueError, AttentionUnavailable) as error:
            self._refuse("internal", str(error))
        assert self._group is not None
        self._link.send(Ready(free_memory(self._group.device)))

    def _refuse(self, kind: str, message: str) -> NoReturn:
        self._link.send(Refused(kind, message))
        print(message, file=sys.stderr)
        _leave(self, 1)

    def _join(self, order: Join) -> None:
        self.store = Path(order.store)
        split = Split(order.rank, order.size)
        device, sure = torch.device(order.device), order.deterministic
        self._group = Group(split, device, self.store, order.timeout, deterministic=sure)

    def _take_model(self, order: Load) -> None:
        self._load, self._model, self._attention = order, None, None
        config = order.config
        use_threads(order.threads, torch_too=True)
        assert self._group is not None
        self._model, _ = load_configured(config, str(self._group.device), self._group)

    def _make_pool(self, order: MakePool) -> None:
        assert self._model is not None
        assert self._load is not None
        assert self._group is not None
        self._attention = None  # free the one before
        config, spec, device = self._load.config, self._model.spec, self._group.device
        self._attention = attention_for(config, spec, order.slots, device)


def main() -> None:
    """Serve rank 0 on the inherited socket; what it says to stderr is shown when it fails."""
    # Ctrl-C goes to the whole foreground group; rank 0 decides what it means.
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    link: Link[Order] = Link(socket.socket(fileno=int(sys.argv[1])), Order)  # type: ignore[arg-type]
    follower = Follower(link)
    threading.Thread(target=_end_with, args=(link, follower), daemon=True).start()
    link.send(Ready(0))
    try:
        follower.serve()
    except LinkClosed:
        _leave(follower)
    except BaseException:
        traceback.print_exc()
        _leave(follower, 1)


def _end_with(link: Link[Order], follower: Follower) -> None:
    """Rank 0 may end while this process waits in an exchange, which would take long to notice."""
    link.wait_for_end()
    _leave(follower)


def _leave(follower: Follower, status: int = 0) -> NoReturn:
    """End at once. A rank 0 that was killed has left the file behind at which all have met."""
    if follower.store is not None:
        shutil.rmtree(follower.store.parent, ignore_errors=True)
    sys.stderr.flush()
    os._exit(status)


if __name__ == "__main__":
    main()
