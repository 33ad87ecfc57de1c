"""The examples of docs/sgl.md compile, and those with a `# run:` line run."""

from __future__ import annotations

import json
import re
from pathlib import Path

import pytest

from sglc.expressions.functions import FUNCTIONS, METHODS
from sglc.expressions.parameters import GEN
from sglc.frontends.script import check_script
from tests.execution.scripts import run

PAGE = (Path(__file__).parent.parent.parent / "docs" / "sgl.md").read_text(encoding="utf-8")
EXAMPLES = re.findall(r"^```sgl(.*?)\n(.*?)^```$", PAGE, re.MULTILINE | re.DOTALL)


@pytest.mark.parametrize(("info", "source"), EXAMPLES)
def test_example(info: str, source: str) -> None:
    assert [d.code for d in check_script(source)] == info.split()
    args = re.findall(r"^# run: (.*)$", source, re.MULTILINE)
    if args:
        outcome = run(source, json.loads(args[0]), rules={"[eE]xpression: $": "12*7"})
        assert outcome.error is None
        assert outcome.text is not None


def test_every_function_method_and_parameter_is_listed() -> None:
    words = set(re.findall(r"`(\w+)[`(]", PAGE))
    wanted = {name for name in (*FUNCTIONS, *METHODS, *GEN) if not name.startswith("_")}
    assert wanted - words == set()


def test_text_of_the_letter() -> None:
    source = next(source for _, source in EXAMPLES if "def letter" in source)
    assert run(source, {"name": "Ada", "price": 5}).text == (
        "Dear Ada,\n"
        'that is $6 in total. JSON such as {"a": [1]} needs no escaping. '
        "Text between three quotes is dedented:\n  this line keeps two spaces,\n"
        "and the last line break is not part of it."
        r"\d+ is a raw string: no escapes and no ${}."
    )
