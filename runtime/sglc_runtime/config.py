"""What an engine is started with."""

from __future__ import annotations

from typing import Literal

from msgspec import Struct


class EngineConfig(Struct, frozen=True, kw_only=True):
    """What an engine is started with."""

    model: str | None = None
    """A Hugging Face checkpoint folder; None is the embedded model."""
    device: str = "auto"
    """`cpu`, `cuda`, `cuda:1`; `auto` is a GPU that torch sees, but the CPU for the tiny model."""
    dtype: Literal["auto", "float32", "bfloat16", "float16"] = "auto"
    """`auto`: float32 for the embedded model, else what the checkpoint is stored in."""
    implementation: Literal["auto", "native", "transformers"] = "auto"
    attention: Literal["auto", "c", "torch", "triton"] = "auto"
    kv_slots: int | None = None
    """Token slots in the KV pool; None sizes the pool from free memory."""
    mem_fraction_static: float | None = None
    """
    Share of the memory that the pool takes: on a CPU of what is free (None: 0.5), on a GPU of what
    was free before the weights came, these included (None: 0.85, less where passes need more).
    """
    max_running: int | None = None
    """Sequences in one batch; None is what suits the device, see `most_running`."""
    eviction: Literal["next_use", "lru"] = "next_use"
    """Which cached prefix goes first: what is needed last as far as is known, or the oldest."""
    max_waiting: int | None = None
    """Requests that may wait beyond those that have a place; more fail as `overloaded`."""
    chunk_tokens: int | None = None
    """Token rows of one forward pass at most; None is what suits the device, see `most_rows`."""
    threads: int | None = None
    """Threads of the model; None chooses from the free cores and the model's size."""
    quantization: Literal["none", "int8", "int4"] = "none"
    """
    Round the weights to integers when they are loaded: of native models on CPUs, and of others
    where torchao can.
    """
    speculation: Literal["off", "ngram", "draft", "auto"] = "off"
    """
    Where guesses of the next tokens come from; a choice of speed, never of output. `ngram`: the
    sequence's own ids and the radix tree; `draft`: a small model; `auto`: both, where results do
    not depend on the rows of a pass. Guesses are checked only where that pays.
    """
    draft_model: str | None = None
    """A checkpoint folder of the model's vocabulary; None is the embedded model's own draft."""
    load_format: Literal["auto", "dummy"] = "auto"
    """`dummy` makes random weights for the folder's config.json, to measure a shape."""
    trust_remote_code: bool = False
    lora_path: str | None = None
    """Folder of a LoRA adapter in PEFT's format, merged into the weights at load."""
    jump_forward: bool = False
    """What holds for steps whose `Sampling.jump_forward` is None."""
    kv_cache_dtype: Literal["auto", "fp8_e4m3", "fp8_e5m2"] = "auto"
    """What keys and values are kept in; `auto` is the model's own type."""
    deterministic: bool = False
    """On a GPU: fixed cuts in attention, so that a row does not depend on others; slower."""
    disable_cuda_graph: bool = False
    cuda_graph_max_bs: int | None = None
    """Rows of the largest decode step that is captured; None is `max_running`."""
    disable_overlap_schedule: bool = False
    """Read the tokens of a step before the next one is launched."""
    enable_torch_compile: bool = False
    """Translate the forward pass with torch.compile, in torch operations; the start takes long."""
    warmup: bool = False
    """Try the largest pass at the start, and capture every bucket instead of when it is needed."""
    disable_radix_cache: bool = False
    """Forget a request's keys and values when it ends; forks still share theirs while they run."""
    schedule_policy: Literal["dfs", "lpm", "fcfs", "lof", "random"] = "dfs"
    """Order in which requests of one priority are begun."""
    random_seed: int | None = None
    """Seed of requests that bring none; None draws one."""
    tp_size: int = 1
    """Processes of this machine that share the model's layers: tensor parallelism."""

    @property
    def most_running(self) -> int:
        """Sequences in one batch."""
        return self.max_running or (256 if self.device.startswith("cuda") else 64)

    @property
    def most_rows(self) -> int:
        """
        Token rows of one forward pass.

        On a GPU as many as keep its matrix units busy, which few rows do not; on a CPU as many as
        leave the sequences that decode in the same pass a short wait.
        """
        return self.chunk_tokens or (8192 if self.device.startswith("cuda") else 512)
