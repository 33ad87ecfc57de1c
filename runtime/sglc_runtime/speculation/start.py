"""From options to what guesses: which proposers an engine gets, and the draft model's loading."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import torch

from sglc_runtime.attention.make import bytes_per_slot, make_attention
from sglc_runtime.embedded import draft_path
from sglc_runtime.errors import EngineError
from sglc_runtime.models.base import Model, ModelSpec
from sglc_runtime.models.c_draft import CDraft, runs_in_c
from sglc_runtime.models.c_native import CModel
from sglc_runtime.models.errors import LoadError
from sglc_runtime.models.load import EMBEDDED, load_model
from sglc_runtime.models.load_native import load_native
from sglc_runtime.speculation.cached import CachedProposer
from sglc_runtime.speculation.compiled_draft import CompiledDraftProposer
from sglc_runtime.speculation.draft_model import DraftModelProposer
from sglc_runtime.speculation.ngram import NgramProposer
from sglc_runtime.speculation.proposer import Drafter, Proposer
from sglc_runtime.speculation.speculation import Speculation

if TYPE_CHECKING:
    from sglc_runtime.config import EngineConfig
    from sglc_runtime.counters import Counters
    from sglc_runtime.kv import KVCache
    from sglc_runtime.text.tokenizer import Tokenizer

POOL_BYTES = 64 << 20
"""Keys and values of the draft model at most; a sequence that finds no room is not guessed for."""


def make_speculation(
    config: EngineConfig,
    cache: KVCache,
    counters: Counters,
    spec: ModelSpec,
    tokenizer: Tokenizer,
    exact: bool,
) -> Speculation | None:
    """
    What `config.speculation` asks for; None where nothing is to be guessed.

    `exact` says that a row's logits do not depend on the rows beside it. Without that a pass with
    guesses may round differently, so `auto` guesses nothing. Raises EngineError for a draft model
    that is missing, broken or of another vocabulary.
    """
    kind = config.speculation
    folder = _draft_folder(config)
    if kind == "draft" and folder is None:
        raise EngineError(
            "internal",
            "speculation='draft' needs a draft model: set draft_model to a checkpoint folder with"
            " the same vocabulary",
        )
    if kind == "off" or (kind == "auto" and not exact):
        return None
    lookups: tuple[Proposer, ...] = (CachedProposer(), NgramProposer())
    drafter = None
    if folder is not None and kind != "ngram":
        drafter = _load(config, folder, spec, tokenizer)
    return Speculation(cache, () if kind == "draft" else lookups, drafter, counters=counters)


def _draft_folder(config: EngineConfig) -> Path | None:
    if config.draft_model is not None:
        return Path(config.draft_model).expanduser()
    embedded = config.model is None or Path(config.model).expanduser().resolve() == EMBEDDED
    return draft_path() if embedded else None


def _load(config: EngineConfig, folder: Path, spec: ModelSpec, tokenizer: Tokenizer) -> Drafter:
    device = torch.device(config.device)
    try:
        if folder == draft_path():
            # It has the embedded model's tokenizer and is used with nothing else.
            model: Model = load_native(folder, device=device, dtype="float32")
        else:
            model, own = load_model(
                folder,
                device=config.device,
                dtype=config.dtype,
                trust_remote_code=config.trust_remote_code,
            )
            if own.backend.get_vocab() != tokenizer.backend.get_vocab():
                message = f"draft model {folder}: its vocabulary is not that of the model"
                raise EngineError("unsupported_model", message)
    except LoadError as error:
        raise EngineError(error.kind, f"draft model: {error.message}") from error
    if model.spec.vocab_size < tokenizer.max_id + 1:
        message = f"draft model {folder}: {model.spec.vocab_size} embeddings are too few"
        raise EngineError("unsupported_model", message)
    if runs_in_c(model):
        assert isinstance(model, CModel)
        size = min(model.spec.context_length, spec.context_length)
        each = size * bytes_per_slot(model.spec, torch.float32)
        count = max(1, min(config.most_running, POOL_BYTES // each))
        return CompiledDraftProposer(CDraft(model, count * size), count, size)
    slots = max(64, POOL_BYTES // bytes_per_slot(model.spec, model.spec.dtype))
    slots = min(slots, config.most_running * spec.context_length)
    attention = make_attention(config.attention, model.spec, slots, device, model.spec.dtype)
    return DraftModelProposer(model, attention, slots, device)
