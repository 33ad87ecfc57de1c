"""
Linear layers of the 0.6B shape one after another, on the C kernels.

    python -m sglc_runtime.bench.linear_kernels --rows 1 8 96 --threads 1

prints a line for each kind of weight and number of rows: milliseconds for eight blocks (126 million
weights, more than a cache holds), GB/s of weights read and GFLOP/s. With one thread, times are the
thread's processor time, which others on the machine disturb less.
"""

from __future__ import annotations

import argparse
import time
from collections.abc import Callable
from ctypes import addressof
from dataclasses import dataclass

import torch

from sglc_runtime.kernels.library import load_library
from sglc_runtime.kernels.structs import Linear
from sglc_runtime.models.packing import Packer, Quantization
from sglc_runtime.models.weights import Projection

SHAPES = ((4096, 1024), (1024, 2048), (6144, 1024), (1024, 3072))
"""Outputs and inputs of one block of Qwen3-0.6B: QKV, O, gate and up, down."""
BLOCKS = 8
KINDS: dict[str, tuple[bool, Quantization]] = {
    "float32": (False, "none"),
    "bfloat16": (True, "none"),
    "int8": (True, "int8"),
    "int4": (True, "int4"),
}


@dataclass(frozen=True, slots=True)
class Timing:
    """One kind of weight and number of rows."""

    kind: str
    rows: int
    seconds: float
    bytes: int
    operations: int

    def __str__(self) -> str:
        """Return one line of the report."""
        return (
            f"{self.kind:>8} {self.rows:4} rows {self.seconds * 1e3:8.2f} ms"
            f" {self.bytes / self.seconds / 1e9:6.1f} GB/s"
            f" {self.operations / self.seconds / 1e9:6.0f} GFLOP/s"
        )


def measure(kind: str, rows: list[int], threads: int, repeats: int = 7) -> list[Timing]:
    """Best of `repeats` for each number of rows."""
    library = load_library()
    library.sglc_set_threads(threads)
    narrow, quantization = KINDS[kind]
    packer = Packer(library, narrow=narrow, quantization=quantization)
    generator = torch.Generator().manual_seed(0)
    layers: list[Linear] = []
    for _ in range(BLOCKS):
        for outputs, inputs in SHAPES:
            weight = torch.randn(outputs, inputs, generator=generator).bfloat16()
            layers.append(packer.linear(Projection(weight, None)))
    clock = time.thread_time if threads == 1 else time.perf_counter
    return [_time(layers, kind, count, packer.bytes, clock, repeats) for count in rows]


def _time(
    layers: list[Linear], kind: str, rows: int, size: int, clock: Callable[[], float], repeats: int
) -> Timing:
    library = load_library()
    widest = max(inputs for _, inputs in SHAPES)
    x, out = torch.randn(rows, widest), torch.empty(rows, max(outputs for outputs, _ in SHAPES))
    scratch = torch.empty(
        library.sglc_linear_scratch(layers[0].kind, widest, rows), dtype=torch.uint8
    )
    at = x.data_ptr(), rows, out.data_ptr(), None, scratch.data_ptr()
    best = float("inf")
    for _ in range(repeats):
        start = clock()
        for layer in layers:
            library.sglc_run_linear(addressof(layer), *at)
        best = min(best, clock() - start)
    weights = BLOCKS * sum(outputs * inputs for outputs, inputs in SHAPES)
    return Timing(kind, rows, best, size, 2 * rows * weights)


def main() -> None:
    """Measure what the arguments ask for."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--kinds", nargs="+", choices=list(KINDS), default=list(KINDS))
    parser.add_argument("--rows", nargs="+", type=int, default=[1, 8, 96])
    parser.add_argument("--threads", type=int, default=1)
    asked = parser.parse_args()
    for kind in asked.kinds:
        for timing in measure(kind, asked.rows, asked.threads):
            print(timing, flush=True)


if __name__ == "__main__":
    main()
