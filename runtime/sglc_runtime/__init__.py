"""
The runtime: KV cache, scheduler, sampler, models and attention behind plain messages.

`Engine` is the public interface. Names are imported when first used, so that it, the client and the
messages come without torch.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from sglc_runtime.api.composing import Fork
    from sglc_runtime.api.engine import Engine
    from sglc_runtime.api.handle import RequestHandle, Result
    from sglc_runtime.client import EngineClient, EngineProcess
    from sglc_runtime.config import EngineConfig
    from sglc_runtime.errors import EngineError, RequestError
    from sglc_runtime.inline import InlineEngine
    from sglc_runtime.protocol import (
        Append,
        AppendIds,
        Delta,
        EngineInfo,
        Generate,
        Generated,
        Sampling,
        Score,
        Scored,
        Stats,
    )
    from sglc_runtime.start import start_engine

_HOMES = {
    "Append": "protocol",
    "AppendIds": "protocol",
    "Delta": "protocol",
    "Engine": "api.engine",
    "EngineClient": "client",
    "EngineConfig": "config",
    "EngineError": "errors",
    "EngineInfo": "protocol",
    "EngineProcess": "client",
    "Fork": "api.composing",
    "Generate": "protocol",
    "Generated": "protocol",
    "InlineEngine": "inline",
    "RequestError": "errors",
    "RequestHandle": "api.handle",
    "Result": "api.handle",
    "Sampling": "protocol",
    "Score": "protocol",
    "Scored": "protocol",
    "Stats": "protocol",
    "start_engine": "start",
}

__all__ = [
    "Append",
    "AppendIds",
    "Delta",
    "Engine",
    "EngineClient",
    "EngineConfig",
    "EngineError",
    "EngineInfo",
    "EngineProcess",
    "Fork",
    "Generate",
    "Generated",
    "InlineEngine",
    "RequestError",
    "RequestHandle",
    "Result",
    "Sampling",
    "Score",
    "Scored",
    "Stats",
    "start_engine",
]


def __getattr__(name: str) -> object:
    home = _HOMES.get(name)
    if home is None:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module(f"{__name__}.{home}"), name)
