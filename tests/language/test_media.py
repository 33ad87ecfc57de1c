"""Images, videos, reasoning formats and small helpers."""

import base64
import json
from pathlib import Path

import pytest

from sglc.language.exprs import SglImage
from sglc.language.media import encode_image_base64, load_media
from sglc.language.reasoning import split_reasoning
from sglc.utils import dump_state_text, read_jsonl


def test_images(tmp_path: Path) -> None:
    path = tmp_path / "x.png"
    path.write_bytes(b"abc")
    assert encode_image_base64(str(path)) == encode_image_base64(b"abc")
    assert base64.b64decode(encode_image_base64(path)) == b"abc"

    class Picture:
        def save(self, file: object, format: str) -> None:
            file.write(format.encode())  # type: ignore[attr-defined]

    assert base64.b64decode(encode_image_base64(Picture())) == b"PNG"
    assert load_media(SglImage(b"abc"))[0] == "<bytes>"
    with pytest.raises(TypeError, match="int"):
        encode_image_base64(3)


@pytest.mark.parametrize(
    ("kind", "text", "expected"),
    [
        ("qwen3", "<think>a</think> b", ("a", "b")),
        ("qwen3", "no thinking", ("", "no thinking")),
        ("qwen3", "<think>cut off", ("cut off", "")),
        ("deepseek-r1", "a</think>b", ("a", "b")),
        ("DeepSeek-R1", "<think>a</think>b</think>", ("a", "b</think>")),
        ("kimi", "◁think▷a◁/think▷b", ("a", "b")),
    ],
)
def test_reasoning(kind: str, text: str, expected: tuple[str, str]) -> None:
    assert split_reasoning(kind, text) == expected


def test_reasoning_errors() -> None:
    with pytest.raises(ValueError, match="Unsupported model type: x"):
        split_reasoning("x", "")
    with pytest.raises(TypeError):
        split_reasoning("qwen3", ["a"])


def test_files(tmp_path: Path) -> None:
    path = tmp_path / "rows.jsonl"
    path.write_text('# comment\n{"a": 1}\n\n{"a": 2}\n')
    assert list(read_jsonl(str(path))) == [{"a": 1}, {"a": 2}]
    out = tmp_path / "out.txt"
    dump_state_text(str(out), ["first", json.dumps([1])])
    assert "first\n" in out.read_text()
    assert " 1 " in out.read_text()
