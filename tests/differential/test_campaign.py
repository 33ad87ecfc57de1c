"""The campaign itself: it notices what differs, makes it small, and goes on where it stopped."""

from __future__ import annotations

import json
import os
import time
from pathlib import Path

import pytest

from sglc.frontends.python.deferral import Runtime
from tests.differential import campaign
from tests.differential.fuzzing.apart import apart
from tests.differential.fuzzing.json_texts import json_text
from tests.differential.fuzzing.kinds import PythonKind
from tests.differential.fuzzing.shrinking import shrink

PROGRAM = """\
import math

def program(s, q):
    for i in range(3):
        s += "a" + sgl.gen("x", max_tokens=4)
        if q:
            try:
                s += "needle" + q + "more"
            except ValueError:
                pass
            finally:
                print("finally")
    else:
        s += "else"
    return s
"""


def test_shrinking_keeps_what_matters() -> None:
    def holds(source: str) -> bool:
        try:
            compile(source, "program", "exec")
        except SyntaxError:
            return False
        return "needle" in source

    assert shrink(PROGRAM, holds).strip() == 's += "needle"'


def test_what_hangs_or_dies_has_no_property() -> None:
    assert apart(lambda: True)
    assert not apart(lambda: False)
    assert not apart(lambda: os._exit(3))  # type: ignore[func-returns-value]
    assert not apart(lambda: bool(time.sleep(60)), seconds=0.2)  # type: ignore[func-returns-value]


def test_a_campaign_goes_on_where_it_stopped(tmp_path: Path) -> None:
    state = tmp_path / "state.json"
    asked = ["--kind", "script", "--seed-from", "40", "--state", str(state)]
    assert campaign.main([*asked, "--programs", "2"]) == 0
    assert json.loads(state.read_text())["seed"] == 42
    assert campaign.main([*asked, "--programs", "3"]) == 0
    kept = json.loads(state.read_text())
    assert (kept["seed"], kept["counts"]["programs"]) == (43, 3)


def test_a_compiler_that_never_settles_is_noticed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(Runtime, "settle", lambda self: None)
    monkeypatch.setattr(PythonKind, "shrunk", lambda self, seed, found, folder: "small\n")
    found = tmp_path / "found"
    assert campaign.main(["--programs", "2", "--seed-from", "52", "--found", str(found)]) == 1
    assert next(iter(found.glob("python_*.txt"))).read_text().endswith("small\n")
    assert "differs" in capsys.readouterr().out


def test_texts_of_schemas() -> None:
    schema = {"type": "object", "properties": {"n": {"type": "integer"}, "m": {"enum": ["a"]}}}
    texts = {json_text(json.dumps(schema), number) for number in range(30)}
    whole = [text for text in texts if text.endswith("}")]
    assert 1 < len(whole) < len(texts)
    assert all(json.loads(text)["m"] == "a" for text in whole)
