"""Constraints from a program to the engine and back."""

from __future__ import annotations

import json

import pytest

import sglc as sgl
from sglc.backends.local import LocalBackend
from sglc.execution.errors import GenerationError
from tests.script.check import check_error

SCHEMA = {
    "type": "object",
    "properties": {"a": {"type": "boolean"}, "b": {"enum": ["x", "y"]}},
    "required": ["a", "b"],
    "additionalProperties": False,
}


@sgl.function
def constrained(s: sgl.ProgramState) -> None:
    s += "Answer: " + sgl.gen("word", ebnf='root ::= "yes" | "no" | [0-9]{3}', max_tokens=10)
    s += " " + sgl.gen("value", json_schema=json.dumps(SCHEMA), max_tokens=60)


@sgl.function
def refused(s: sgl.ProgramState, ebnf: str | None, json_schema: str | None) -> None:
    s += "Answer: " + sgl.gen("word", ebnf=ebnf, json_schema=json_schema)


def test_values_follow() -> None:
    backend = LocalBackend(inline=True)
    try:
        state = constrained.run(backend=backend, seed=1)
        assert state["word"] in ("yes", "no") or len(state["word"]) == 3
        assert list(json.loads(state["value"])) == ["a", "b"]
        for ebnf, schema, message in (
            ('root ::= "a" b', None, "no rule `b`, used at line 1, column 14"),
            (None, '{"items": {"not": {}}}', "`not` at #/items/not"),
            ('root ::= "a"', "{}", "`json_schema` and `ebnf` exclude each other"),
        ):
            with pytest.raises(GenerationError, match=message) as caught:
                _ = refused.run(ebnf, schema, backend=backend)["word"]
            assert caught.value.kind == "bad_request"
    finally:
        backend.shutdown()


def test_scripts_are_checked() -> None:
    check_error(
        'def main():\n    "Answer: "\n    x = gen(ebnf="root ::= yes")\n    return x\n',
        "SGL0207", 3, 18, "`ebnf` has no rule `yes`, used at line 1, column 10",
    )  # fmt: skip
    check_error(
        'def main():\n    x = gen(ebnf="root ::= \'a\'", regex="b")\n    return x\n',
        "SGL0206", 2, 34, "`ebnf` and `regex` cannot be combined",
    )  # fmt: skip
