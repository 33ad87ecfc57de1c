"""Tests of compiled kernels are skipped on machines that have no C compiler."""

from __future__ import annotations

from collections.abc import Generator

import pytest

from sglc_runtime.attention.make import AttentionUnavailable
from sglc_runtime.kernels.build import CompilerUnavailable, find_compiler


@pytest.hookimpl(wrapper=True)
def pytest_runtest_call(item: pytest.Item) -> Generator[None, object, object]:
    """A kernel that does not compile although there is a compiler still fails."""
    try:
        return (yield)
    except (AttentionUnavailable, CompilerUnavailable) as error:
        try:
            find_compiler()
        except CompilerUnavailable:
            pytest.skip(str(error))
        raise
