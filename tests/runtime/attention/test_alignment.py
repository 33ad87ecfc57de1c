"""Pointers that kernels get are aligned whatever a batch holds: others are another form."""

from __future__ import annotations

import numpy as np
import torch
from hypothesis import given
from hypothesis import strategies as st

from sglc_runtime.attention.triton_batch import _send
from sglc_runtime.batching import Packer

BYTES = 16
"""What Triton looks at."""
CPU = torch.device("cpu")


@given(st.lists(st.integers(0, 40), min_size=1, max_size=8))
def test_tables_of_a_plan_are_aligned(sizes: list[int]) -> None:
    tables = [np.arange(size, dtype=np.int32) + number for number, size in enumerate(sizes)]
    for table, sent in zip(tables, _send(tables, CPU), strict=True):
        assert sent.storage_offset() * sent.element_size() % BYTES == 0
        assert sent.tolist() == table.tolist()


def test_tables_keep_their_shape() -> None:
    tables = [np.arange(3, dtype=np.int32), np.arange(16, dtype=np.int32).reshape(2, 8)]
    assert [tuple(sent.shape) for sent in _send(tables, CPU)] == [(3,), (2, 8)]


@given(st.integers(1, 40), st.integers(1, 4))
def test_rows_of_a_packed_batch_are_aligned(width: int, lines: int) -> None:
    given = [[*range(line, line + width)] for line in range(lines)]
    table = Packer(CPU)._table(given)
    assert table.tolist() == given
    for row in table:
        assert row.is_contiguous()
        assert row.storage_offset() * row.element_size() % BYTES == 0
