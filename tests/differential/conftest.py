"""How many random programs are compared."""

import os

import pytest


@pytest.fixture(scope="session")
def programs() -> int:
    """Number of programs a test compares; `SGLC_DIFF_PROGRAMS` asks for more."""
    return int(os.environ.get("SGLC_DIFF_PROGRAMS", "200"))
