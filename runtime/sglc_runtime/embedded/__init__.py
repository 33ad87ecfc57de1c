"""The checkpoints that ship with the package; `runtime/embedded_model` trains them."""

from __future__ import annotations

from pathlib import Path


def path() -> Path:
    """Return the folder of the embedded checkpoint, an ordinary Hugging Face model folder."""
    return Path(__file__).parent / "checkpoint"


def draft_path() -> Path:
    """Return the folder of its draft model: the same vocabulary, no tokenizer of its own."""
    return Path(__file__).parent / "draft"
