"""A recording backend as default, and both ways to run a program."""

from collections.abc import Iterator

import pytest

import sglc as sgl
from sglc.backends.recording import RecordingBackend


@pytest.fixture
def backend() -> Iterator[RecordingBackend]:
    made = RecordingBackend()
    sgl.set_default_backend(made)
    yield made
    sgl.set_default_backend(None)


@pytest.fixture(params=[True, False], ids=["compiled", "eager"])
def compiled(request: pytest.FixtureRequest) -> bool:
    return bool(request.param)
