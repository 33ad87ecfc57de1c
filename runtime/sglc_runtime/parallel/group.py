"""What the processes that share a model exchange within a forward pass."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta
from pathlib import Path

import torch
import torch.distributed as dist
import torch.nn.functional as F
from torch import Tensor

from sglc_runtime.parallel.split import Split


class Group:
    """
    Sums and gathers among the processes that share a model; every one of them makes every call.

    The processes meet through a file, and on CPUs (gloo) talk over the loopback interface only.
    """

    def __init__(
        self,
        split: Split,
        device: torch.device,
        store: Path,
        timeout: float,
        *,
        deterministic: bool = False,
    ) -> None:
        """
        Wait for the others. `timeout` is in seconds, for this and for every later call;
        `deterministic` asks for sums in a fixed order on GPUs, too.
        """
        # Some builds of torch have no distributed part.
        from torch._C._distributed_c10d import FileStore

        self.split = split
        self.device = device
        self.backend = "nccl" if device.type == "cuda" else "gloo"
        # Two numbers have one sum. Of more, where in `x` they lie decides what is added first.
        self._in_order = split.size > 2 and (deterministic or self.backend == "gloo")
        if device.type == "cuda":
            torch.cuda.set_device(device)
        with loopback():
            dist.init_process_group(
                self.backend,
                store=FileStore(str(store), split.size),
                rank=split.rank,
                world_size=split.size,
                timeout=timedelta(seconds=timeout),
                device_id=device if device.type == "cuda" else None,
            )

    @property
    def rank(self) -> int:
        """This process, from 0."""
        return self.split.rank

    @property
    def size(self) -> int:
        """How many processes there are."""
        return self.split.size

    def all_reduce(self, x: Tensor) -> Tensor:
        """
        The sum of all processes' `x`, in place; `x` is contiguous.

        An element's sum does not depend on what else is summed, on CPUs and where asked for.
        """
        if not self._in_order:
            dist.all_reduce(x)
            return x
        parts = [torch.empty_like(x) for _ in range(self.size)]
        dist.all_gather(parts, x)
        x.copy_(parts[0])
        for part in parts[1:]:
            x += part
        return x

    def gather(self, x: Tensor) -> Tensor | None:
        """All processes' `x` [rows, n] side by side [rows, size * n] on rank 0; None elsewhere."""
        x = x.contiguous()
        if self.rank:
            dist.gather(x, None, dst=0)
            return None
        parts = [torch.empty_like(x) for _ in range(self.size)]
        dist.gather(x, parts, dst=0)
        return torch.cat(parts, -1)

    def abort(self) -> None:
        """Give up what waits for a process that is gone; nothing can be exchanged after it."""
        if self.backend == "nccl" and dist.is_initialized():  # gloo notices by itself
            dist.distributed_c10d._abort_process_group()

    def close(self) -> None:
        """Leave. The others need not be there any more."""
        self.abort()
        if dist.is_initialized():
            dist.destroy_process_group()


def lookup(ids: Tensor, table: Tensor, group: Group | None) -> Tensor:
    """
    Embeddings [T, hidden] of ids [T].

    With a group, `table` holds this process's rows of the vocabulary. Every row is then a sum of
    itself and zeros, so the result is that of one process, bit for bit.
    """
    if group is None:
        return F.embedding(ids, table)
    here = ids - group.rank * len(table)
    outside = (here < 0) | (here >= len(table))
    x = F.embedding(here.masked_fill(outside, 0), table)
    return group.all_reduce(x.masked_fill_(outside[:, None], 0))


def gather_logits(part: Tensor, vocab_size: int, group: Group | None) -> Tensor:
    """Logits [R, vocab] from every process's part of the vocabulary; [R, 0] on followers."""
    if group is None:
        return part
    whole = group.gather(part)
    return part[:, :0] if whole is None else whole[:, :vocab_size]


@contextmanager
def loopback() -> Iterator[None]:
    """A context in which gloo takes the loopback interface, unless the user has named another."""
    name, loopback = "GLOO_SOCKET_IFNAME", "lo"
    if name in os.environ or not Path("/sys/class/net", loopback).exists():
        yield
        return
    os.environ[name] = loopback
    try:
        yield
    finally:
        del os.environ[name]
