"""The public functions, under SGLang's module path."""

from __future__ import annotations

from typing import Any

from sglc.global_config import global_config
from sglc.language.function import SglFunction, function, resolve_backend, set_default_backend
from sglc.language.gen import gen, gen_int, gen_string, image, select, separate_reasoning, video
from sglc.language.roles import (
    assistant,
    assistant_begin,
    assistant_end,
    system,
    system_begin,
    system_end,
    tool,
    user,
    user_begin,
    user_end,
)

__all__ = [
    "SglFunction",
    "assistant",
    "assistant_begin",
    "assistant_end",
    "flush_cache",
    "function",
    "gen",
    "gen_int",
    "gen_string",
    "get_server_args",
    "get_server_info",
    "image",
    "resolve_backend",
    "select",
    "separate_reasoning",
    "set_default_backend",
    "system",
    "system_begin",
    "system_end",
    "tool",
    "user",
    "user_begin",
    "user_end",
    "video",
]


def _given(backend: Any) -> Any:
    backend = backend if backend is not None else global_config.default_backend
    return getattr(backend, "endpoint", backend)


def flush_cache(backend: Any = None) -> Any:
    """Drop the backend's cached prefixes; False when there is no backend."""
    backend = _given(backend)
    return False if backend is None else backend.flush_cache()


def get_server_info(backend: Any = None) -> Any:
    """What the backend's server says about itself; None when there is no backend."""
    backend = _given(backend)
    return None if backend is None else backend.get_server_info()


get_server_args = get_server_info
