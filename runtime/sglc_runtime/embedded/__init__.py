"""The checkpoint that ships with the package; `runtime/embedded_model` trains it."""

from __future__ import annotations

from pathlib import Path


def path() -> Path:
    """Return the folder of the embedded checkpoint, an ordinary Hugging Face model folder."""
    return Path(__file__).parent / "checkpoint"
