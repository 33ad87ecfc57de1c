"""Sizes of decode steps."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sglc_runtime.device.buckets import bucket_of, bucket_sizes
from sglc_runtime.device.inputs import ALIGNMENT, FIELDS, block_bytes, places


def test_sizes() -> None:
    assert bucket_sizes(1) == (1,)
    assert bucket_sizes(4) == (1, 2, 4)
    assert bucket_sizes(20) == (1, 2, 4, 8, 16, 20)
    assert bucket_sizes(32, captured=10) == (1, 2, 4, 8, 10, 16, 24, 32)
    assert bucket_sizes(8, captured=100) == (1, 2, 4, 8)
    with pytest.raises(ValueError, match="at least one row"):
        bucket_sizes(0)


@given(st.integers(1, 300), st.none() | st.integers(1, 400), st.integers(-1, 400))
def test_every_step_has_the_smallest_bucket_that_holds_it(
    most: int, captured: int | None, rows: int
) -> None:
    sizes = bucket_sizes(most, captured)
    assert list(sizes) == sorted(set(sizes))
    assert sizes[-1] == most
    bucket = bucket_of(rows, sizes)
    if not 0 < rows <= most:
        assert bucket is None
    else:
        assert bucket == min(size for size in sizes if size >= rows)
        assert bucket - rows < 8
    if captured is not None and 0 < rows <= min(captured, most):
        assert bucket is not None
        assert bucket <= captured


@given(st.integers(1, 300))
def test_fields_are_aligned_and_do_not_overlap(rows: int) -> None:
    end = 0
    for place, field in zip(places(rows), FIELDS, strict=True):
        assert place.field is field
        assert place.start % ALIGNMENT == 0
        assert end <= place.start < end + ALIGNMENT
        end = place.end
        assert end - place.start == rows * field.dtype.itemsize
    assert end == block_bytes(rows)
