"""
Which part of every weight a process holds: Megatron-LM's split (arXiv 1909.08053).

Query heads, their KV heads and the inner dimension of the MLP are divided; what they are projected
back with is divided along its inputs, so that a sum over the processes ends each half of a block.
Embedding and output are divided by vocabulary. Norms are whole everywhere.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import NamedTuple

from sglc_runtime.models.config import DecoderConfig
from sglc_runtime.models.errors import LoadError


class Part(NamedTuple):
    """Indices [start, stop) of dimension `dim`."""

    dim: int
    start: int
    stop: int


@dataclass(frozen=True, slots=True)
class Split:
    """Process `rank` of `size`; rank 0 is the engine's own."""

    rank: int
    size: int

    def local(self, config: DecoderConfig) -> DecoderConfig:
        """The decoder as this process sees it: its own heads and inner dimension."""
        return replace(
            config,
            num_heads=config.num_heads // self.size,
            num_kv_heads=max(1, config.num_kv_heads // self.size),
            intermediate_size=config.intermediate_size // self.size,
        )

    def heads(self, config: DecoderConfig, dim: int = 0) -> Part:
        """Outputs of the query projection, or inputs of the one behind attention (`dim` 1)."""
        return self._share(config.num_heads * config.head_dim, dim)

    def kv_heads(self, config: DecoderConfig) -> Part:
        """Outputs of the key and value projections; processes share a head where there are few."""
        if config.num_kv_heads >= self.size:
            return self._share(config.num_kv_heads * config.head_dim, 0)
        head = self.rank * config.num_kv_heads // self.size
        return Part(0, head * config.head_dim, (head + 1) * config.head_dim)

    def inner(self, config: DecoderConfig, dim: int = 0) -> Part:
        """Outputs of gate and up, or inputs of down (`dim` 1)."""
        return self._share(config.intermediate_size, dim)

    def vocabulary(self, config: DecoderConfig) -> Part:
        """Rows of embedding and output; the last process may have fewer than `rows`, or none."""
        each, most = self.rows(config), config.vocab_size
        return Part(0, min(self.rank * each, most), min((self.rank + 1) * each, most))

    def rows(self, config: DecoderConfig) -> int:
        """Rows of embedding and output in every process, the last one's padding counted."""
        return -(-config.vocab_size // self.size)

    def _share(self, total: int, dim: int) -> Part:
        each = total // self.size
        return Part(dim, self.rank * each, (self.rank + 1) * each)


WHOLE = Split(0, 1)
"""One process."""


def check_split(config: DecoderConfig, size: int) -> None:
    """Raise `LoadError`, naming sizes that would work, for a model that `size` cannot divide."""
    if why := _why_not(config, size):
        fits = [str(n) for n in range(2, config.num_heads + 1) if not _why_not(config, n)]
        would = f"tp_size {', '.join(fits)} would work" if fits else "no tp_size above 1 would work"
        raise LoadError("unsupported_model", f"tp_size {size} does not divide {why}; {would}")


def _why_not(config: DecoderConfig, size: int) -> str | None:
    if config.num_heads % size:
        return f"the model's {config.num_heads} attention heads"
    if config.intermediate_size % size:
        return f"its intermediate size of {config.intermediate_size}"
    many, few = max(config.num_kv_heads, size), min(config.num_kv_heads, size)
    return f"its {config.num_kv_heads} KV heads" if many % few else None
