"""What docs/constrained-decoding.md says."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

from sglc_grammar.constraints.errors import GrammarError
from sglc_grammar.constraints.json_schema import FORMATS, REFUSED
from sglc_grammar.constraints.placing import check

ROOT = Path(__file__).parents[3]
PAGE = (ROOT / "docs" / "constrained-decoding.md").read_text(encoding="utf-8")


def test_the_program_of_the_page_runs() -> None:
    (program,) = re.findall(r"```python\n(.*?)```", PAGE, re.DOTALL)
    path = os.pathsep.join((str(ROOT / "runtime"), str(ROOT / "grammar")))
    said = subprocess.run(
        [sys.executable, "-W", "error", "-c", program],
        env=os.environ | {"PYTHONPATH": path},
        capture_output=True,
        text=True,
        timeout=120,
    )
    assert said.stderr == ""
    assert re.fullmatch(r"[0-9]{1,3}([+-][0-9]{1,3})*[+-]?\n", said.stdout)


def test_keywords_of_the_page() -> None:
    for name in (*REFUSED, *FORMATS):
        if name not in ("minContains", "maxContains", "$recursiveRef"):
            assert re.search(rf"[`/]{re.escape(name)}`", PAGE), name


@pytest.mark.parametrize(
    ("kind", "source", "message"),
    [
        ("json_schema", '{"properties": {"a": {"not": {}}}}', "`not` at #/properties/a/not"),
        ("ebnf", 'root ::= "a" | b', "no rule `b`, used at line 1, column 16"),
        ("regex", "(", "unclosed group"),
    ],
)
def test_errors_of_the_page(kind: str, source: str, message: str) -> None:
    assert message in PAGE
    with pytest.raises(GrammarError) as caught:
        check(kind, source)  # type: ignore[arg-type]
    assert message in caught.value.message
