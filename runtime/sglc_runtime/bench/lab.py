"""The models that rows share, each loaded when first asked for."""

from __future__ import annotations

import gc
import os
import random
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Literal, TypeVar

import msgspec
import torch

from sglc_runtime.bench.engine_side import EngineSide
from sglc_runtime.bench.figures import MissingPeerError
from sglc_runtime.bench.gguf_file import Kind
from sglc_runtime.bench.llama_side import LlamaSide
from sglc_runtime.bench.shapes import QWEN3_06B, SMOLLM2_135M, Shape, checkpoint
from sglc_runtime.bench.sides import Prompt
from sglc_runtime.bench.transformers_side import GenerateSide
from sglc_runtime.config import EngineConfig
from sglc_runtime.models.load import EMBEDDED
from sglc_runtime.models.threads import MIN_WEIGHTS_PER_THREAD
from sglc_runtime.start import start_engine

Progress = Callable[[str], None]
Quantization = Literal["int8", "int4"]
T = TypeVar("T")
TINY = Shape(
    name="Tiny",
    family="qwen3",
    vocabulary=512,
    hidden=64,
    inner=128,
    layers=2,
    heads=2,
    kv_heads=1,
    head_dim=32,
    context=1024,
    rope_theta=1e4,
)
"""Only to try everything out in seconds."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Settings:
    """How to measure."""

    repeats: int = 5
    threads: int | None = None
    """Of every side; by default as many as cores, fewer for small models."""
    quick: bool = False
    """Fewer tokens and repeats: figures to look at, not to quote."""
    peers: bool = True
    large: Shape = QWEN3_06B
    medium: Shape = SMOLLM2_135M

    def tokens(self, full: int) -> int:
        """`full`, or a quarter of it for a quick look."""
        return max(2, full // 4) if self.quick else full

    def rounds(self, most: int | None = None) -> int:
        """Repeats of a row; `most` for rows that take long."""
        wanted = min(self.repeats, 2) if self.quick else self.repeats
        return wanted if most is None else min(wanted, most)


class Lab:
    """Loads, hands out and lets go of models; `report` is told what takes long."""

    def __init__(self, settings: Settings, report: Progress) -> None:
        self.settings = settings
        self.report = report
        self._held: dict[tuple[Any, ...], Any] = {}

    def config(self, shape: Shape | None, quantization: Quantization | None = None) -> EngineConfig:
        """What the engine is started with for a shape; None is the embedded model."""
        if shape is None:
            return EngineConfig(threads=self.threads(None), kv_slots=16384)
        config = EngineConfig(
            model=str(checkpoint(shape)),
            dtype="bfloat16",
            kv_slots=4096,
            threads=self.threads(shape),
        )
        if quantization is None:
            return config
        return msgspec.structs.replace(config, quantization=quantization)

    def engine(self, shape: Shape | None, quantization: Quantization | None = None) -> EngineSide:
        """The engine on a shape's checkpoint."""
        self._use(shape)
        return self._hold(
            ("engine", shape, quantization),
            lambda: EngineSide(*start_engine(self.config(shape, quantization))),
        )

    def generate(self, shape: Shape | None, dtype: torch.dtype) -> GenerateSide:
        """Transformers on the same checkpoint."""
        self._need_peers()
        self._use(shape)
        folder = EMBEDDED if shape is None else checkpoint(shape)
        return self._hold(("generate", shape, dtype), lambda: GenerateSide(folder, dtype))

    def llama(self, shape: Shape, kind: Kind) -> LlamaSide:
        """llama.cpp on the same weights."""
        self._need_peers()
        threads = self.threads(shape)
        return self._hold(
            ("llama", shape, kind),
            lambda: LlamaSide(checkpoint(shape), kind, threads=threads, context=shape.context),
        )

    def once(self, what: str, measure: Callable[[], T]) -> T:
        """The result of a measurement that several rows read, made at the first of them."""
        if ("once", what, None) not in self._held:
            self._held["once", what, None] = measure()
        held: T = self._held["once", what, None]
        return held

    def threads(self, shape: Shape | None) -> int:
        """Threads of every side for a model."""
        if self.settings.threads is not None:
            return self.settings.threads
        if (asked := os.environ.get("OMP_NUM_THREADS", "")).isdigit():
            return max(1, int(asked))
        weights = 0 if shape is None else shape.weights
        return max(1, min(len(os.sched_getaffinity(0)), weights // MIN_WEIGHTS_PER_THREAD))

    def release(self, kind: str = "", quantization: str | None = None) -> None:
        """Let go of everything, or of one kind of model in one quantisation."""
        for key in [*self._held]:
            if not kind or (key[0] == kind and key[2] == quantization):
                held = self._held.pop(key)
                if isinstance(held, LlamaSide):
                    held.close()
        gc.collect()

    def _hold(self, key: tuple[Any, ...], make: Callable[[], T]) -> T:
        if key not in self._held:
            what = key[2] if key[2] is not None else ""
            self.report(
                f"loading {key[1].name if key[1] else 'the embedded model'}: {key[0]} {what}"
            )
            self._held[key] = make()
        held: T = self._held[key]
        return held

    def _use(self, shape: Shape | None) -> None:
        # Loading the other models set it to their own number.
        torch.set_num_threads(self.threads(shape))

    def _need_peers(self) -> None:
        if not self.settings.peers:
            raise MissingPeerError("peers were not asked for")


def draw(numbers: random.Random, vocabulary: int, count: int) -> Prompt:
    """Random ids that are neither bytes nor special."""
    return [numbers.randrange(vocabulary // 8, vocabulary // 2) for _ in range(count)]
