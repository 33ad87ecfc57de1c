"""How many random programs are compared, and which."""

import datetime
import os

import pytest


@pytest.fixture(scope="session")
def programs() -> int:
    """Number of fresh programs that are compared; `SGLC_DIFF_PROGRAMS` asks for more."""
    return int(os.environ.get("SGLC_DIFF_PROGRAMS", "500"))


@pytest.fixture(scope="session")
def fresh() -> int:
    """The first seed of the fresh programs: the day's, or `SGLC_DIFF_SEED`."""
    today = datetime.datetime.now(datetime.UTC).date().toordinal()
    return int(os.environ.get("SGLC_DIFF_SEED", str(today * 1_000_000)))
