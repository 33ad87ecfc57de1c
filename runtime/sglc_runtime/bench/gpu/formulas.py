"""What steps of a decoder cannot do without: bytes that move, floating-point operations."""

from __future__ import annotations

from collections.abc import Sequence

from sglc_runtime.bench.shapes import Shape


def kv_bytes(shape: Shape, tokens: int, itemsize: int = 2) -> int:
    """Keys and values of `tokens` positions in all layers."""
    return 2 * shape.layers * shape.kv_heads * shape.head_dim * itemsize * tokens


def step_bytes(shape: Shape, contexts: Sequence[int], itemsize: int = 2) -> int:
    """
    What one decode step of sequences with `contexts` tokens reads.

    Every weight once, and each sequence's keys and values. Activations and norms are left out:
    they stay in caches, or are less than a thousandth.
    """
    return shape.weights * itemsize + kv_bytes(shape, sum(contexts), itemsize)


def mean_context(prompt: int, new: int) -> int:
    """Context of the decode steps after the first token, on average."""
    return prompt + new // 2


def attention_flops(shape: Shape, tokens: int) -> int:
    """Both products of causal attention over a prompt; masked pairs do not count."""
    pairs = tokens * (tokens + 1) // 2
    return 4 * shape.layers * shape.heads * shape.head_dim * pairs


def prefill_flops(shape: Shape, tokens: int) -> int:
    """
    2 P T for the layers, the output's product for the last token alone, and attention.

    The engine computes logits only where it samples, so the output's weights count once.
    """
    head = shape.vocabulary * shape.hidden
    return 2 * (shape.weights - head) * tokens + 2 * head + attention_flops(shape, tokens)
