"""
The runtime: KV cache, scheduler, sampler, models and attention behind plain messages.

Names are imported when first used, so that `sglc_runtime.client` and `sglc_runtime.protocol` come
without torch.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from sglc_runtime.client import EngineClient, EngineProcess
    from sglc_runtime.engine import Engine
    from sglc_runtime.errors import EngineError
    from sglc_runtime.inline import InlineEngine
    from sglc_runtime.protocol import EngineConfig, EngineInfo
    from sglc_runtime.start import start_engine

_HOMES = {
    "Engine": "engine",
    "EngineClient": "client",
    "EngineConfig": "protocol",
    "EngineError": "errors",
    "EngineInfo": "protocol",
    "EngineProcess": "client",
    "InlineEngine": "inline",
    "start_engine": "start",
}

__all__ = [
    "Engine",
    "EngineClient",
    "EngineConfig",
    "EngineError",
    "EngineInfo",
    "EngineProcess",
    "InlineEngine",
    "start_engine",
]


def __getattr__(name: str) -> object:
    home = _HOMES.get(name)
    if home is None:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module(f"{__name__}.{home}"), name)
