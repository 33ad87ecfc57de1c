"""SGLang's import paths; re-exports only."""

from __future__ import annotations

import importlib

_SUBMODULES = ("api", "backend", "chat_template", "choices", "interpreter", "ir", "tracer")


def __getattr__(name: str) -> object:
    """Submodules load at their first use, as `sgl.lang.ir` does in SGLang."""
    if name in _SUBMODULES:
        return importlib.import_module(f"{__name__}.{name}")
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
