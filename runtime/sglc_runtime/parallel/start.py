"""
Starting an engine whose model is shared by several processes.

What only these need is imported when they are asked for: most engines are one process.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

import torch

from sglc_runtime.attention.sizing import free_memory
from sglc_runtime.config import EngineConfig
from sglc_runtime.errors import EngineError
from sglc_runtime.models.config import parse_decoder, read_config
from sglc_runtime.models.errors import LoadError, NotNative
from sglc_runtime.parallel.split import check_split

if TYPE_CHECKING:
    from sglc_runtime.attention.make import PooledAttention
    from sglc_runtime.models.load import LoadedModel
    from sglc_runtime.parallel.team import Team


@contextmanager
def team_for(config: EngineConfig, folder: Path, device: torch.device) -> Iterator[Team | None]:
    """
    The processes that `config.tp_size` asks for, None for one; ended when the start fails.

    Raises EngineError for what several processes cannot do, before any is started.
    """
    if config.tp_size == 1:
        yield None
        return
    require_possible(config, folder, device)
    from sglc_runtime.parallel.team import Team

    team = Team(config.tp_size, device, deterministic=config.deterministic)
    try:
        yield team
    except BaseException:
        team.close()
        raise


def require_possible(config: EngineConfig, folder: Path, device: torch.device) -> None:
    """Raise EngineError where `tp_size` contradicts another option, the model or the machine."""
    size = config.tp_size
    if config.quantization != "none":
        message = f"{config.quantization} weights need tp_size 1: the C kernels run in one process"
        raise EngineError("unsupported_model", message)
    if device.type == "cuda":
        if device.index is not None:
            message = f"tp_size {size} takes the first {size} GPUs: give device cuda, not {device}"
            raise EngineError("internal", message)
        if (found := torch.cuda.device_count()) < size:
            message = f"tp_size {size} needs {size} GPUs, one for each process; torch finds {found}"
            raise EngineError("internal", message)
    if config.implementation != "transformers":
        try:
            check_split(parse_decoder(folder, read_config(folder)), size)
        except NotNative:
            pass  # transformers may have a plan
        except LoadError as error:
            raise EngineError(error.kind, error.message) from error


@contextmanager
def followers_loading(team: Team | None, config: EngineConfig, threads: int) -> Iterator[None]:
    """
    A context in which rank 0 loads its part while the followers load theirs.

    Raises the EngineError of a follower that failed, also where that made rank 0 fail.
    """
    if team is None:
        yield
        return
    from sglc_runtime.parallel.messages import Load

    team.send(Load(config, threads))
    try:
        yield
    except Exception:
        # A follower that died in an exchange makes the model look like one that cannot be run.
        team.blame()
        raise
    team.free = team.answers()


def make_pools(team: Team | None, slots: int) -> None:
    """Have every follower make its part of a pool of `slots`. Raises EngineError."""
    if team is None:
        return
    from sglc_runtime.parallel.messages import MakePool

    team.send(MakePool(slots))
    team.answers()


def with_followers(team: Team | None, part: LoadedModel) -> LoadedModel:
    """The model of which `part` is this process's; itself where there is no other."""
    if team is None:
        return part
    from sglc_runtime.parallel.model import ParallelModel

    return ParallelModel(part, team)


def with_their_pools(
    team: Team | None, part: PooledAttention, device: torch.device
) -> PooledAttention:
    """Attention over all parts of the pool, of which `part` has this process's."""
    if team is None:
        return part
    from sglc_runtime.parallel.model import ParallelAttention

    return ParallelAttention(part, team, device)


def free_for_each(team: Team | None, device: torch.device) -> int:
    """Bytes that each process's pool could take: of its own GPU, or a share of the memory."""
    if team is None:
        return free_memory(device)
    if device.type == "cpu":
        return free_memory(device) // team.size
    return min(free_memory(team.device), *team.free)
