"""Engine options by SGLang's names as well as by ours."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any, get_args, get_type_hints

from sglc_runtime.config import EngineConfig

OURS = {
    "model_path": "model",
    "max_total_tokens": "kv_slots",
    "chunked_prefill_size": "chunk_tokens",
    "attention_backend": "attention",
    "max_running_requests": "max_running",
    "max_queued_requests": "max_waiting",
    "radix_eviction_policy": "eviction",
    "enable_deterministic_inference": "deterministic",
    "tensor_parallel_size": "tp_size",
    "tp": "tp_size",
}
"""SGLang's names (`ServerArgs`) of what has another name here."""
VALUES: dict[str, dict[Any, Any]] = {
    "dtype": {"half": "float16", "float": "float32"},
    "attention": {"torch_native": "torch", None: "auto"},
    "schedule_policy": {"dfs-weight": "dfs"},
    "kv_cache_dtype": {"bf16": "auto", "bfloat16": "auto"},
    "chunk_tokens": {-1: (1 << 31) - 1},
}
"""SGLang's values of options, by our names; its None leaves the choice to the engine."""


def engine_config(options: Mapping[str, Any]) -> EngineConfig:
    """
    The configuration that options describe; values are checked where the engine starts.

    Raises TypeError for names that neither we nor SGLang's engine has, with the nearest one, and
    where an option is given under both names.
    """
    known = EngineConfig.__struct_fields__
    values: dict[str, Any] = {}
    named: dict[str, str] = {}
    for name, value in options.items():
        field = OURS.get(name, name)
        if field not in known:
            raise TypeError(f"unknown engine option {name!r}{_nearest(name)}")
        if field in values:
            raise TypeError(f"{named[field]} and {name} are the same engine option")
        named[field] = name
        values[field] = _ours(field, value)
    return EngineConfig(**values)


def invalid(error: Exception) -> str:
    """What is wrong with a configuration, as msgspec says it, with the values that there are."""
    said = f"invalid engine option: {error}"
    found = re.search(r"`\$(?:\.\w+)*?\.(\w+)`$", said)
    if found is None or found[1] not in EngineConfig.__struct_fields__:
        return said
    name = found[1]
    values = get_args(get_type_hints(EngineConfig)[name])
    if not all(isinstance(value, str) for value in values) or not values:
        return said
    others = [other for other, ours in OURS.items() if ours == name]
    also = f" ({', '.join(others)})" if others else ""
    return f"{said}; {name}{also} is one of {', '.join(values)}"


def _nearest(name: str) -> str:
    from difflib import get_close_matches  # here, as it is only needed for an error

    close = get_close_matches(name, [*EngineConfig.__struct_fields__, *OURS], 1)
    return f"; did you mean {close[0]!r}?" if close else ""


def _ours(field: str, value: Any) -> Any:
    try:
        return VALUES.get(field, {}).get(value, value)
    except TypeError:  # what cannot be hashed is none of SGLang's values
        return value
