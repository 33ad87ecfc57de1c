"""Errors that scripts raise themselves, recursion without end, and files that scripts read."""

from __future__ import annotations

from pathlib import Path

import pytest

from sglc.diagnostics.core import Diagnostic
from tests.execution.scripts import run


def failed(text: str, **how: object) -> Diagnostic:
    outcome = run(text, **how)  # type: ignore[arg-type]  # passed on as given
    assert outcome.error is not None, outcome.value
    return outcome.error


def test_an_uncaught_raise_is_located_where_it_was_raised_first() -> None:
    error = failed(
        "def f():\n    try:\n        g()\n    except extern_error:\n        pass\n    finally:\n"
        "        x = 1\n\ndef g():\n    try:\n        raise value_error('no ${1 + 1}')\n"
        "    except value_error as e:\n        raise e\n",
        function="f",
    )
    assert error.code == "SGL0503"
    assert error.message == "no 2"
    assert str(error.span) == "x.sgl:11:9"
    assert "in `g`" in error.notes[0]


@pytest.mark.parametrize(
    "value", ["x", "{'kind': 'limit', 'message': 'm'}", "{'kind': 'gen_error'}"]
)
def test_only_errors_can_be_raised(value: str) -> None:
    error = failed(f"def f(x=1):\n    raise {value}\n")
    assert error.code == "SGL0503"
    assert "only errors can be raised" in error.message


def test_endless_recursion_stops_at_the_bound_with_its_place() -> None:
    error = failed("def f(n=0):\n    def g(k):\n        return g(k + n)\n    return g(1)\n")
    assert error.code == "SGL0504"
    assert error.message.startswith("calls are nested more than")
    assert str(error.span) == "x.sgl:3:16"


# ---- images --------------------------------------------------------------------------------------


def image(name: object) -> str:
    return f"def f():\n    user:\n        image({name!r})\n        'what?'\n"


def test_images_of_an_allowed_folder_are_appended(tmp_path: Path) -> None:
    path = tmp_path / "a.png"
    path.write_bytes(b"png")
    outcome = run(image(str(path)), files=[tmp_path])
    assert outcome.error is None
    assert outcome.messages[0]["content"] == [
        {"type": "text", "text": "<image>what?"},
        {"type": "image_url", "image_url": {"url": "data:image/jpeg;base64,cG5n"}},
    ]


@pytest.mark.parametrize("name", ["in/../b.png", "/etc/hostname", "in/missing.png", "\0"])
def test_other_files_are_not_read(tmp_path: Path, name: str) -> None:
    (tmp_path / "in").mkdir()
    (tmp_path / "b.png").write_bytes(b"png")
    text = f"def f():\n    try:\n        image('{tmp_path}/{name}')\n    except:\n        pass\n"
    outcome = run(text.replace("\0", "\\0"), files=[tmp_path / "in"])
    assert outcome.error is not None
    assert outcome.error.code == "SGL0508"


def test_an_image_is_named_by_a_string(tmp_path: Path) -> None:
    outcome = run(image(5), files=[tmp_path])
    assert outcome.error is not None
    assert outcome.error.message == "a file is named by a string, not int"
