"""
Any causal language model of transformers, with our attention in place of its own.

The model runs packed ([1, T], several sequences in one row) with `use_cache=False`; our function in
`AttentionInterface` stores keys and values in the KV pool and attends. Models that do not route
their attention through the interface are found by a probe at load and refused.
"""

from __future__ import annotations

import inspect
import logging
from collections.abc import Callable
from pathlib import Path
from typing import Any, cast

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from sglc_runtime.models.base import Attention, Batch, ModelSpec
from sglc_runtime.models.checkpoint import Checkpoint
from sglc_runtime.models.config import eos_ids, read_config, token_ids
from sglc_runtime.models.dtypes import choose_dtype
from sglc_runtime.models.errors import LoadError
from sglc_runtime.models.finite import describe_nonfinite
from sglc_runtime.models.merge_generic import merge_adapter
from sglc_runtime.models.opaque import active, opaque_on, running
from sglc_runtime.models.packing import Quantization
from sglc_runtime.models.probe import NotFiniteError, probe
from sglc_runtime.models.quantize_generic import quantize
from sglc_runtime.models.read_generic import read_model
from sglc_runtime.parallel.group import Group

log = logging.getLogger(__name__)

NAME = "sglc_paged"


def _attend(
    module: nn.Module,
    query: Tensor,
    key: Tensor,
    value: Tensor,
    attention_mask: Tensor | None,
    scaling: float | None = None,
    **options: Any,
) -> tuple[Tensor, None]:
    """Stand in for transformers' attention functions; q [1, H, T, D], k and v [1, Hk, T, D]."""
    if attention_mask is not None:
        raise RuntimeError("it masks its attention in a way of its own")
    dim, value_dim = query.shape[-1], value.shape[-1]
    if value_dim < dim:  # multi-head latent attention; the pool has one head size
        value = F.pad(value, (0, dim - value_dim))
    elif value_dim > dim:
        raise RuntimeError("values wider than keys")
    attention = opaque_on(query.device) if torch.compiler.is_compiling() else active.get()
    out = attention(
        cast(int, module.layer_idx),
        query[0].transpose(0, 1),
        key[0].transpose(0, 1),
        value[0].transpose(0, 1),
        scale=dim**-0.5 if scaling is None else float(scaling),
        window=options.get("sliding_window"),
        softcap=options.get("softcap"),
        sinks=options.get("s_aux"),
    )
    return out[None, ..., :value_dim], None


class GenericModel:
    """A transformers model behind the `Model` interface; create with `load_generic`."""

    implementation = "transformers"

    def __init__(self, model: nn.Module, spec: ModelSpec) -> None:
        self.model = model
        self.spec = spec
        self._keep = "logits_to_keep" in inspect.signature(model.forward).parameters

    @torch.no_grad()
    def forward(self, batch: Batch, attention: Attention) -> Tensor:
        """Logits [R, vocab] (float32) of `batch.rows`."""
        with running(attention):
            return self.run(self.model, batch.ids[None], batch.positions[None], batch.rows)

    def run(self, call: Callable[..., Any], ids: Tensor, positions: Tensor, rows: Tensor) -> Tensor:
        """
        Logits [R, vocab] (float32) of `rows` by `call`, which is the model or compiled from it.

        `ids` and `positions` are [1, T].
        """
        options: dict[str, Any] = {"logits_to_keep": rows} if self._keep else {}
        out = call(input_ids=ids, position_ids=positions, use_cache=False, **options)
        logits: Tensor = out.logits[0]
        return (logits if self._keep else logits[rows]).float()


def freeze_rope(model: nn.Module, context_length: int) -> None:
    """
    Fix RoPE types that change with the length of the sequence to the whole context.

    Frequencies that move while a sequence grows would contradict its cached keys, and would make a
    row depend on its batch.
    """
    from transformers.modeling_rope_utils import ROPE_INIT_FUNCTIONS

    for module in model.modules():
        kind = getattr(module, "rope_type", None)
        if isinstance(kind, dict) and {"dynamic", "longrope"} & {*kind.values()}:
            raise LoadError(
                "unsupported_model",
                f"{type(model).__name__} cannot be run: RoPE that changes with the length of a"
                " sequence is not supported where each kind of layer has its own",
            )
        if kind not in ("dynamic", "longrope"):
            continue
        device = cast(Tensor, module.inv_freq).device
        # longrope switches at one token above the original context.
        frequencies, scaling = ROPE_INIT_FUNCTIONS[kind](
            module.config, device, seq_len=context_length
        )
        module.inv_freq = frequencies
        module.attention_scaling = scaling
        cast(Any, module).rope_type = "default"


def load_generic(
    folder: Path,
    *,
    device: torch.device,
    dtype: str,
    trust_remote_code: bool = False,
    lora: Path | None = None,
    quantization: Quantization = "none",
    group: Group | None = None,
) -> GenericModel:
    """
    Load a folder through transformers, merge the adapter in `lora`, quantize and probe it.

    With `group`, every process of it makes this call and holds the part that transformers' plan
    for the model gives it; all run every pass, and each has the logits.

    Raises `LoadError`: `unsupported_model` with the probe's reason for a model that ignores our
    attention, `bad_checkpoint` for files that cannot be read or lack tensors.
    """
    if group is not None and (lora is not None or quantization != "none"):
        what = "a LoRA adapter" if lora is not None else f"{quantization} weights"
        message = f"{what} of a model without a native decoder needs tp_size 1"
        raise LoadError("unsupported_model", message)
    from transformers import AttentionInterface

    raw = read_config(folder)
    with Checkpoint(folder) as files:
        files.check()
        kind = choose_dtype(dtype, files.main_dtype(), device)
    model = read_model(folder, device, kind, trust_remote_code, group)
    if lora is not None:
        model = merge_adapter(model, lora)
    if quantization != "none":
        quantize(model, quantization)
    config = cast(Any, model).config
    text = config.get_text_config()
    context = int(getattr(text, "max_position_embeddings", 0) or 2048)
    freeze_rope(model, context)
    AttentionInterface.register(NAME, _attend)
    vocab = int(text.vocab_size)
    try:
        found = probe(
            model, layers=int(text.num_hidden_layers), vocab=vocab, name=NAME, active=active
        )
    except NotFiniteError as error:
        reason = describe_nonfinite(folder) or f"{folder}: {error}"
        raise LoadError("bad_checkpoint", reason) from error
    if found.reach is not None and found.reach < context:
        log.warning(
            "%s limits attention to %d tokens in a mask of its own: longer sequences are refused",
            type(model).__name__,
            found.reach,
        )
    bos = token_ids(raw.get("bos_token_id"))
    spec = ModelSpec(
        architecture=type(model).__name__,
        num_layers=int(text.num_hidden_layers),
        num_heads=found.heads,
        num_kv_heads=found.kv_heads,
        head_dim=found.head_dim,
        vocab_size=found.vocab_size,
        context_length=context if found.reach is None else min(context, found.reach),
        dtype=kind,
        windows=found.windows,
        eos_ids=eos_ids(folder, raw),
        bos_id=bos[0] if bos else None,
        softcap=found.softcap,
    )
    return GenericModel(model, spec)
