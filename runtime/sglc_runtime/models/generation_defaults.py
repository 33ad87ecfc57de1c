"""Sampling parameters that a checkpoint recommends in generation_config.json."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from sglc_runtime.models.config import read_json
from sglc_runtime.models.errors import LoadError

RANGES: dict[str, Callable[[float], bool]] = {
    "temperature": lambda value: value >= 0,
    "top_p": lambda value: 0 < value <= 1,
    "top_k": lambda value: value >= -1 and value == int(value),
    "min_p": lambda value: 0 <= value <= 1,
    "repetition_penalty": lambda value: value > 0,
}
"""What SGLang takes from the file, by the names of `Sampling`."""


def generation_defaults(folder: Path) -> dict[str, float]:
    """
    The parameters that generation_config.json sets; empty where there is no such file.

    transformers writes top_k 0 for "all", which is -1 here. Raises `LoadError` naming the file and
    the key for values out of range.
    """
    path = folder / "generation_config.json"
    if not path.is_file():
        return {}
    config = read_json(path)
    found: dict[str, float] = {}
    for name, fits in RANGES.items():
        value = config.get(name)
        if value is None:
            continue
        if not isinstance(value, int | float) or isinstance(value, bool) or not fits(value):
            raise LoadError("bad_checkpoint", f"{path}: {name} is {value!r}, which is out of range")
        found[name] = -1 if name == "top_k" and value == 0 else value
    return found
