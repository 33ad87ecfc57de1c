"""How fast this machine reads memory, and how much of that decoding one sequence uses."""

from __future__ import annotations

import ctypes
import mmap as memory
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from time import perf_counter

import torch

from sglc_runtime.bench.embedded_rows import threads_said
from sglc_runtime.bench.figures import Amount, Figure
from sglc_runtime.bench.lab import Lab
from sglc_runtime.bench.large_rows import NEW, PROMPT, prompts
from sglc_runtime.bench.turns import Spread, take_turns
from sglc_runtime.kernels.build import CompilerUnavailable, compile_library

BUFFER = 512 << 20
"""Bytes read at a time: more than any cache holds."""
TRIES = 3
MADV_HUGEPAGE: int | None = getattr(memory, "MADV_HUGEPAGE", None)


class Reader:
    """Reads a large buffer with `threads` threads, by a loop in C and by torch."""

    def __init__(self, threads: int, size: int = BUFFER) -> None:
        self._threads = threads
        buffer = memory.mmap(-1, size)
        if MADV_HUGEPAGE is not None:
            # As the weights are held: looking up small pages costs a fifth of the speed.
            buffer.madvise(MADV_HUGEPAGE)
        self._words = torch.frombuffer(buffer, dtype=torch.int64)
        self._words.zero_()
        self._floats = self._words.view(torch.float32)
        self._read = _c_loop()

    def best(self, tries: int = TRIES) -> float:
        """Bytes a second, the best of some tries of either way."""
        times = []
        for _ in range(tries):
            times.append(self._timed(lambda: self._floats.sum()))
            if self._read is not None:
                times.append(self._timed(self._in_c))
        return self._words.numel() * 8 / min(times)

    def _timed(self, run: Callable[[], object]) -> float:
        began = perf_counter()
        run()
        return perf_counter() - began

    def _in_c(self) -> None:
        read = self._read
        assert read is not None
        part = self._words.numel() // self._threads
        start = self._words.data_ptr()
        with ThreadPoolExecutor(self._threads) as pool:  # ctypes lets the interpreter's lock go
            for _ in pool.map(lambda at: read(start + 8 * part * at, part), range(self._threads)):
                pass


def share(lab: Lab) -> Figure:
    """Weight bytes that decoding one bfloat16 sequence reads, of the bytes that could be read."""
    settings, shape = lab.settings, lab.settings.large
    side = lab.engine(shape)
    given, new = prompts(lab, 1), settings.tokens(NEW)
    size = BUFFER if settings.large.weights > 1 << 26 else 1 << 24
    reader = Reader(lab.threads(shape), size)
    side.run(given, 2)
    done = take_turns(
        {
            "decode": lambda: 2 * shape.weights * side.run(given, new).decode_speed,
            "read": reader.best,
        },
        settings.rounds(),
    )
    ratio = done.ratio("decode", "read", lambda value: value)
    used = done.spread("decode", lambda value: value / 1e9)
    could = done.spread("read", lambda value: value / 1e9)
    return Figure(
        value=Spread(100 * ratio.median, 100 * ratio.low, 100 * ratio.high),
        ours=Amount(used.median, "GB/s"),
        peer=Amount(could.median, "GB/s"),
        notes=(
            f"{2 * shape.weights / 1e9:.2f} GB of weights a token, decode only after {PROMPT}"
            f" tokens, {threads_said(lab.threads(shape))}; read by a loop in C and by torch.sum,"
            " the better one of several tries",
        ),
        partial=done.interrupted,
        detail={"decode": done.given["decode"], "read": done.given["read"]},
    )


def _c_loop() -> ctypes._NamedFuncPointer | None:
    try:
        library = ctypes.CDLL(str(compile_library(Path(__file__).parent)))
    except (CompilerUnavailable, OSError):
        return None
    function = library.read_memory
    function.argtypes = (ctypes.c_void_p, ctypes.c_size_t)
    function.restype = ctypes.c_uint64
    return function
