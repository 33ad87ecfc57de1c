"""The programs of docs/language.md run."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

import sglc as sgl
from sglc.backends.recording import RecordingBackend
from tests.differential.observing import load_module

PAGE = Path(__file__).parents[2] / "docs" / "language.md"
BLOCKS = re.findall(r"```python\n(.*?)```", PAGE.read_text(), re.DOTALL)


@pytest.fixture
def backend() -> object:
    recording = RecordingBackend()
    sgl.set_default_backend(recording)
    yield recording
    sgl.set_default_backend(None)


@pytest.mark.parametrize("number", range(len(BLOCKS)))
def test_programs_of_the_page_run(
    number: int, backend: RecordingBackend, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = tmp_path / f"language_{number}.py"
    path.write_text(BLOCKS[number])
    load_module(path)
    assert backend.calls
    assert capsys.readouterr().out


def test_absent_names_say_what_to_use() -> None:
    for name in ("Anthropic", "VertexAI", "LiteLLM", "Crusoe", "ServerArgs"):
        assert not hasattr(sgl, name)
        with pytest.raises(AttributeError, match=r"use |give "):
            getattr(sgl, name)
