"""Settings of the whole process, under SGLang's names."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any


@dataclass(slots=True)
class GlobalConfig:
    """Change the fields of `global_config`, the only instance."""

    verbosity: int = 0
    """2 prints each program's text when it has run."""
    default_backend: Any = None
    """Set by `set_default_backend`; None is the embedded model."""
    skip_special_tokens_in_output: bool = True
    spaces_between_special_tokens_in_out: bool = True
    enable_precache_with_tracing: bool = True
    """Accepted for SGLang programs; here a batch's common prefix is computed once anyhow."""
    enable_parallel_encoding: bool = True
    """Accepted for SGLang programs."""


global_config = GlobalConfig()
