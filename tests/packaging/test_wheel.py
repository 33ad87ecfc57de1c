"""The wheel holds everything that a program needs away from the checkout."""

import subprocess
import sys
import zipfile
from pathlib import Path

import pytest

pytest.importorskip("hatchling")

ROOT = Path(__file__).parents[2]
SOURCES = [
    (ROOT, "sglc"),
    (ROOT / "runtime", "sglc_runtime"),
    (ROOT / "grammar", "sglc_grammar"),
]
LARGEST = 10_000_000
"""Bytes of the embedded model's folder at most."""


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("wheel")
    subprocess.run(
        [sys.executable, "-m", "hatchling", "build", "-t", "wheel", "-d", str(folder)],
        cwd=ROOT, check=True, capture_output=True, timeout=240,
    )  # fmt: skip
    (found,) = folder.glob("*.whl")
    return found


@pytest.fixture(scope="module")
def names(wheel: Path) -> set[str]:
    with zipfile.ZipFile(wheel) as archive:
        return set(archive.namelist())


@pytest.mark.parametrize(
    "name",
    [
        "sglc/py.typed",
        "sglc_runtime/py.typed",
        "sglc_grammar/py.typed",
        "sglc_grammar/sgl.lark",
        "sglc_grammar/sglir.lark",
        "sglc_runtime/embedded/checkpoint/config.json",
        "sglc_runtime/embedded/checkpoint/model.safetensors",
        "sglc_runtime/embedded/checkpoint/tokenizer.json",
        "sglc_runtime/embedded/checkpoint/tokenizer_config.json",
        "sglc_runtime/embedded/draft/config.json",
        "sglc_runtime/embedded/draft/model.safetensors",
    ],
)
def test_data_file(names: set[str], name: str) -> None:
    assert name in names


def test_every_source_file_is_in(names: set[str]) -> None:
    """All that lies in the three packages, C sources included, and nothing from elsewhere."""
    expected = {
        str(path.relative_to(root))
        for root, package in SOURCES
        for path in (root / package).rglob("*")
        if path.is_file() and "__pycache__" not in path.parts
    }
    packaged = {name for name in names if ".dist-info/" not in name}
    assert packaged == expected
    assert any(name.endswith(".c") for name in packaged)


def test_checkpoint_is_small(wheel: Path) -> None:
    with zipfile.ZipFile(wheel) as archive:
        size = sum(i.file_size for i in archive.infolist() if "/embedded/" in i.filename)
    assert 0 < size <= LARGEST


def test_license_and_command(names: set[str], wheel: Path) -> None:
    with zipfile.ZipFile(wheel) as archive:
        (entry,) = (name for name in names if name.endswith("entry_points.txt"))
        assert "sglc = sglc.cli.main:main" in archive.read(entry).decode()
    assert any(name.endswith("licenses/LICENSE") for name in names)
