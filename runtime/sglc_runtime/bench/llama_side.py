"""llama.cpp through llama-cpp-python, given ids."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from time import perf_counter
from typing import Any

from sglc_runtime.bench.figures import MissingPeerError
from sglc_runtime.bench.gguf_file import HOW, Kind, gguf_file
from sglc_runtime.bench.sides import Prompt, Told


class LlamaSide:
    """
    A checkpoint as GGUF; keys and values are float16, llama.cpp's default.

    Raises MissingPeerError where llama-cpp-python or gguf is not installed.
    """

    def __init__(self, folder: Path, kind: Kind, *, threads: int, context: int = 1024) -> None:
        try:
            import llama_cpp
        except ImportError:
            raise MissingPeerError(f"llama-cpp-python is not installed: {HOW}") from None
        self.version = str(llama_cpp.__version__)
        self._llama: Any = llama_cpp.Llama(
            str(gguf_file(folder, kind)),
            n_ctx=context,
            n_batch=512,
            n_threads=threads,
            n_threads_batch=threads,
            verbose=False,
        )

    def run(self, prompts: Sequence[Prompt], new: int) -> Told:
        """
        Prompts one after another; a prefix that the one before it had is found in its cache.

        That is what `Llama.generate` does of itself. Nothing is left of earlier calls.
        """
        self._llama.reset()
        found: list[list[int]] = []
        began = perf_counter()
        first = 0.0
        for prompt in prompts:
            tokens = self._llama.generate(prompt, temp=0.0, repeat_penalty=1.0)
            ids = [next(tokens)]
            first = perf_counter() - began
            ids += [next(tokens) for _ in range(new - 1)]
            tokens.close()
            found.append(ids)
        return Told(found, first, perf_counter() - began)

    def close(self) -> None:
        """Free the weights."""
        self._llama.close()
