"""
Find out at load whether a transformers model really uses the attention it is given.

Some families accept the setting and ignore it, others keep state besides keys and values, attend
to an encoder, or mask what a causal pool does not. Two short sequences show all of it: by the
model's own attention, and by ours alone, packed together and in two parts.
"""

from __future__ import annotations

import contextvars
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, cast

import torch
from torch import Tensor, nn

from sglc_runtime.models.base import Attention, Batch
from sglc_runtime.models.errors import LoadError
from sglc_runtime.models.probe_passes import Recorder, pack, replaced, settings_of

LENGTHS = (5, 9)
NARROW = 4
"""Windows and chunks are tried at this width, which the sequences exceed."""
TOLERANCE = {torch.float32: 2e-3, torch.bfloat16: 6e-2, torch.float16: 2e-2}
"""Largest difference of logits allowed, as a share of the largest logit."""
CROSS = ("cross_attn", "crossattention", "cross_attention", "encoder_attn", "enc_attn")
LIMITS = ("sliding_window", "attention_chunk_size")
"""Settings that keep a token from attending far back."""


@dataclass(frozen=True, slots=True)
class Found:
    """Attention shape as the model's own calls show it."""

    heads: int
    kv_heads: int
    head_dim: int
    vocab_size: int
    windows: tuple[int | None, ...]
    softcap: float | None
    reach: int | None
    """Longest sequence that is exact, where the model limits attention in a way of its own."""


class NotFiniteError(Exception):
    """Logits are NaN or infinite: weights are broken, or overflow in their data type."""


class _Refused(Exception):
    """Why; `probe` puts the model's name before it."""


@dataclass(frozen=True, slots=True)
class _Probe:
    """Runs sequences through a model, by its own attention or by ours."""

    model: Any
    name: str
    active: contextvars.ContextVar[Attention]

    @torch.no_grad()
    def own(self, ids: Tensor) -> Tensor:
        """Logits [T, vocab] of one sequence by the model's own attention."""
        # The plain one is the definition: others have left out soft caps (Gemma 2, 5.17, sdpa).
        self.model.set_attn_implementation("eager")
        try:
            return self._logits(ids, torch.arange(len(ids), device=ids.device))
        finally:
            self.model.set_attn_implementation(self.name)

    @torch.no_grad()
    def ours(self, recorder: Recorder, batch: Batch) -> Tensor:
        """Logits [T, vocab] of a batch by our attention."""
        recorder.begin(batch)
        token = self.active.set(recorder)
        try:
            return self._logits(batch.ids, batch.positions)
        except (TypeError, ValueError, RuntimeError, AttributeError) as error:
            raise _Refused(f"our attention fails in it ({error})") from error
        finally:
            self.active.reset(token)

    def _logits(self, ids: Tensor, positions: Tensor) -> Tensor:
        out = self.model(input_ids=ids[None], position_ids=positions[None], use_cache=False)
        return cast(Tensor, out.logits[0].float())


def probe(
    model: nn.Module,
    *,
    layers: int,
    vocab: int,
    name: str,
    active: contextvars.ContextVar[Attention],
) -> Found:
    """
    Run two short sequences by the model's own attention, then alone, packed and cut by ours.

    Requires one call per layer in order and equal logits; leaves our attention set. Raises
    `LoadError("unsupported_model")` with the reason, and `NotFiniteError`.
    """
    handle = cast(Any, model)
    try:
        return _examine(_Probe(handle, name, active), layers, vocab)
    except _Refused as reason:
        raise LoadError(
            "unsupported_model",
            f"{type(model).__name__} cannot be run: {reason}; see docs/models.md for the families"
            " that can",
        ) from reason


def _examine(run: _Probe, layers: int, vocab: int) -> Found:
    model = run.model
    if inner := next((name for name, _ in model.named_modules() if name.endswith(CROSS)), None):
        raise _Refused(f"it attends to an encoder's output ({inner}), which a prompt does not have")
    device = next(model.parameters()).device
    generator = torch.Generator().manual_seed(0)
    short, long = (torch.randint(vocab, (n,), generator=generator).to(device) for n in LENGTHS)
    try:
        own_short, own_long = run.own(short), run.own(long)
        own_start = run.own(long[: LENGTHS[0]])
    except (TypeError, ValueError) as error:
        raise _Refused(f"its forward or attention cannot be driven ({error})") from error
    if not bool(torch.isfinite(own_long).all()):
        raise NotFiniteError(f"logits are NaN or infinite in {model.dtype}; try dtype float32")
    same = _comparison(model, float(own_long.abs().max()))
    # Causality first: the other differences follow from it, and this reason is clearer.
    same(own_long[: LENGTHS[0]], own_start, "it is an encoder: a token sees those after it")
    if model.config.get_text_config()._attn_implementation != run.name:
        raise _Refused("it does not let its attention be replaced")

    recorder = Recorder()
    alone = torch.cat([run.ours(recorder, pack([part])) for part in (short, long)])
    _require_every_layer(recorder, layers)
    both = torch.cat([own_short, own_long])
    same(alone, both, "our attention and its own give two sequences different logits")
    packed = run.ours(recorder, pack([short, long]))
    _require_every_layer(recorder, layers)
    same(packed, alone, "two sequences packed together and alone have different logits")
    first = run.ours(recorder, pack([long[: LENGTHS[0]]]))
    parts = torch.cat([first, run.ours(recorder, pack([long], LENGTHS[0]))])
    message = "a sequence in two parts and whole has different logits: it keeps a state of its own"
    same(parts, alone[LENGTHS[0] :], message)
    if len(recorder.shapes) != 1:
        raise _Refused(f"its layers have different attention shapes {sorted(recorder.shapes)}")
    if len(recorder.softcaps) != 1:
        raise _Refused("its layers have different soft caps")
    heads, kv_heads, head_dim = next(iter(recorder.shapes))
    return Found(
        heads=heads,
        kv_heads=kv_heads,
        head_dim=head_dim,
        vocab_size=packed.shape[-1],
        windows=tuple(recorder.windows),
        softcap=next(iter(recorder.softcaps)),
        reach=_reach(run, long),
    )


def _comparison(model: Any, largest: float) -> Callable[[Tensor, Tensor, str], None]:
    """What raises `_Refused` for logits that differ; `largest` is the largest logit."""
    limit = TOLERANCE.get(model.dtype, 6e-2)

    def same(got: Tensor, want: Tensor, message: str) -> None:
        difference = _difference(model, got, want)
        if not difference <= limit * largest:
            raise _Refused(f"{message} (by {difference:.2g} of {largest:.2g})")

    return same


def _difference(model: Any, got: Tensor, want: Tensor) -> float:
    rows = (got - want).abs().amax(-1)
    # Rounding may send a row to another expert; a model that ignores us gets most rows wrong.
    return float(rows.max() if model.dtype == torch.float32 else rows.median())


def _require_every_layer(recorder: Recorder, layers: int) -> None:
    if recorder.layers == list(range(layers)):
        return
    called = "never" if not recorder.layers else f"for layers {recorder.layers}"
    raise _Refused(
        f"it has {layers} layers and calls the attention it is given {called}, so its keys and"
        " values cannot be kept in the pool"
    )


def _reach(run: _Probe, ids: Tensor) -> int | None:
    """
    Smallest window that the model applies in a mask of its own instead of passing it on.

    Windows are wider than a probe can be long, so they are narrowed for a moment: where our logits
    then differ from the model's, sequences are exact only up to the window.
    """
    found: list[int] = []
    for name in LIMITS:
        settings = settings_of(run.model, name)
        if not settings:
            continue
        with replaced(settings, name, NARROW):
            own = run.own(ids)
            ours = run.ours(Recorder(), pack([ids]))
        limit = TOLERANCE.get(run.model.dtype, 6e-2) * float(own.abs().max())
        if not _difference(run.model, ours, own) <= limit:
            found.append(min(value for _, value in settings))
    return min(found, default=None)
