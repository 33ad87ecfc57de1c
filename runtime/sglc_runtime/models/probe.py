"""Find out at load whether a transformers model really uses the attention it is given."""

from __future__ import annotations

import contextvars
from dataclasses import dataclass
from typing import Any, cast

import torch
from torch import Tensor, nn

from sglc_runtime.attention.torch_attention import TorchAttention
from sglc_runtime.models.base import Attention, Batch, ModelSpec, Run
from sglc_runtime.models.errors import LoadError

LENGTHS = (5, 9)
TOLERANCE = {torch.float32: 2e-3, torch.bfloat16: 6e-2, torch.float16: 2e-2}
"""Largest difference of logits allowed, as a share of the largest logit."""


@dataclass(frozen=True, slots=True)
class Found:
    """Attention shape as the model's own calls show it."""

    heads: int
    kv_heads: int
    head_dim: int
    vocab_size: int
    windows: tuple[int | None, ...]
    softcap: float | None


class _Recorder:
    """Attends within one batch and notes each call."""

    def __init__(self, batch: Batch) -> None:
        self.batch = batch
        self.layers: list[int] = []
        self.shapes: set[tuple[int, int, int]] = set()
        self.windows: list[int | None] = []
        self.softcaps: set[float | None] = set()

    def __call__(
        self,
        layer: int,
        q: Tensor,
        k: Tensor,
        v: Tensor,
        *,
        scale: float,
        window: int | None = None,
        softcap: float | None = None,
        sinks: Tensor | None = None,
    ) -> Tensor:
        self.layers.append(layer)
        self.shapes.add((q.shape[1], k.shape[1], k.shape[2]))
        self.windows.append(window)
        self.softcaps.add(softcap)
        spec = ModelSpec(
            architecture="",
            num_layers=1,
            num_heads=q.shape[1],
            num_kv_heads=k.shape[1],
            head_dim=k.shape[2],
            vocab_size=1,
            context_length=1,
            dtype=k.dtype,
            windows=(window,),
            eos_ids=(),
            bos_id=None,
        )
        pool = TorchAttention(spec, len(self.batch.ids), q.device, k.dtype)
        return pool.bind(self.batch)(
            0, q, k, v, scale=scale, window=window, softcap=softcap, sinks=sinks
        )


def _batch(parts: list[Tensor]) -> Batch:
    device = parts[0].device
    total = sum(len(part) for part in parts)
    runs, start = [], 0
    for part in parts:
        runs.append(Run(start, start + len(part), start, len(part), 0))
        start += len(part)
    return Batch(
        ids=torch.cat(parts),
        positions=torch.cat([torch.arange(len(part), device=device) for part in parts]),
        out_slots=torch.arange(total, device=device),
        rows=torch.arange(total, device=device),
        runs=tuple(runs),
    )


def probe(
    model: nn.Module,
    *,
    layers: int,
    vocab: int,
    name: str,
    active: contextvars.ContextVar[Attention],
) -> Found:
    """
    Run two short sequences by the model's own attention, then alone and packed by ours.

    Requires one call per layer in order and equal logits; leaves our attention set. Raises
    `LoadError("unsupported_model")` with the reason.
    """
    kind = type(model).__name__

    def refuse(reason: str) -> LoadError:
        return LoadError("unsupported_model", f"{kind} cannot be run: {reason}")

    handle = cast(Any, model)
    device = next(model.parameters()).device
    generator = torch.Generator().manual_seed(0)
    parts = [torch.randint(vocab, (length,), generator=generator).to(device) for length in LENGTHS]

    @torch.no_grad()
    def run(ids: Tensor, positions: Tensor) -> Tensor:
        out = handle(input_ids=ids[None], position_ids=positions[None], use_cache=False)
        return cast(Tensor, out.logits[0].float())

    try:
        # The plain one is the definition: others have left out soft caps (Gemma 2, 5.17, sdpa).
        handle.set_attn_implementation("eager")
        own = [run(part, torch.arange(len(part), device=device)) for part in parts]
        handle.set_attn_implementation(name)
    except (TypeError, ValueError) as error:
        raise refuse(f"its forward or attention cannot be driven ({error})") from error
    if handle.config.get_text_config()._attn_implementation != name:
        raise refuse("it does not let its attention be replaced")

    results = []
    recorder = _Recorder(_batch(parts))
    for chosen in ([parts[0]], [parts[1]], parts):
        batch = _batch(chosen)
        recorder = _Recorder(batch)
        token = active.set(recorder)
        try:
            results.append(run(batch.ids, batch.positions))
        except (TypeError, ValueError, RuntimeError, AttributeError) as error:
            raise refuse(f"our attention fails in it ({error})") from error
        finally:
            active.reset(token)
        if recorder.layers != list(range(layers)):
            called = "never" if not recorder.layers else f"for layers {recorder.layers}"
            raise refuse(
                f"it has {layers} layers and calls the attention it is given {called}, so its"
                " keys and values cannot be kept in the pool"
            )
    limit = TOLERANCE.get(handle.dtype, 6e-2)
    largest = max(float(x.abs().max()) for x in own)
    alone = torch.cat(results[:2])
    for got, want, what in (
        (alone, torch.cat(own), "by our attention and by its own"),
        (results[2], alone, "packed together and alone"),
    ):
        rows = (got - want).abs().amax(-1)
        # Rounding may send a row to another expert; a model that ignores us gets most rows wrong.
        difference = float(rows.max() if handle.dtype == torch.float32 else rows.median())
        if not difference <= limit * largest:
            raise refuse(
                f"two sequences give different logits {what} (by {difference:.2g} of {largest:.2g})"
            )
    if len(recorder.shapes) != 1:
        raise refuse(f"its layers have different attention shapes {sorted(recorder.shapes)}")
    if len(recorder.softcaps) != 1:
        raise refuse("its layers have different soft caps")
    heads, kv_heads, head_dim = next(iter(recorder.shapes))
    return Found(
        heads=heads,
        kv_heads=kv_heads,
        head_dim=head_dim,
        vocab_size=results[2].shape[-1],
        windows=tuple(recorder.windows),
        softcap=next(iter(recorder.softcaps)),
    )
