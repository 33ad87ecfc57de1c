"""Attributes of modules and functions, schemas and calls: found by fuzzing, refused here."""

from __future__ import annotations

import pytest

from sglc.diagnostics.core import VerifyError
from sglc.ir.parser import parse_module
from sglc.ir.verifier import verify

CALLEE = """
func @g(%a: val, %b: val) {params = [{"name": "a"}, {"name": "b", "default": 1}]} {
  cf.return(%a) !1:1-1:2
} !1:1-1:2
"""


def faults(module: str = "", func: str = "", body: str = "") -> list[str]:
    """Messages of the verifier about a script's module with these pieces."""
    text = f"""sglir 1
module "t.sgl" {{
  language = "sgl"{module}
}}
{CALLEE}
func @f(%x: val) {{kind = "function"{func}}} {{
  {body}
  cf.return(%x) !1:1-1:2
}} !1:1-1:2
"""
    try:
        verify(parse_module(text))
    except VerifyError as error:
        return [d.message for d in error.diagnostics]
    return []


def call(operands: str, args: str) -> str:
    return f"%v = lm.run({operands}) {{callee = @g, args = [{args}]}} !1:1-1:2"


@pytest.mark.parametrize(
    ("operands", "args", "message"),
    [
        ("%x", "null", ""),
        ("%x, %x", 'null, "b"', ""),
        ("%x, %x", '"b", "a"', ""),
        ("", "", "`@g` needs the argument `a`"),
        ("%x, %x, %x", "null, null, null", "`@g` takes 2 arguments, it is given 3"),
        ("%x", '"c"', "`@g` has no parameter `c`"),
        ("%x, %x", 'null, "a"', "parameter `a` of `@g` is given twice"),
    ],
)
def test_calls_fit_the_function(operands: str, args: str, message: str) -> None:
    assert faults(body=call(operands, args)) == ([message] if message else [])


@pytest.mark.parametrize(
    ("module", "func", "message"),
    [
        (', schemas = {"P": {"type": "object", "properties": {"q": {"$ref": "P"}}}}', "", ""),
        (', schemas = {"P": {"$ref": "Q"}}', "", "schema `P` refers to the schema `Q`"),
        (', schemas = {"P": {"type": 7}}', "", "a schema whose `type` must be str | [str]"),
        (', schemas = {"P": {"properties": {"q": 1}}}', "", "has a schema that is no dict"),
        (", schemas = 1", "", "the module's `schemas` must be dict"),
        ("", ', params = [{"name": "x", "schema": 1.5}]', "`schema` must be dict"),
        ("", ', params = [{"name": "x"}, {"name": "y"}]', "names 2, it has 1"),
        ("", ', params = [{"type": "str"}]', "an entry of `params` of `@f` needs a `name`"),
        ("", ', schema = {"$ref": "Q"}', "the result of `@f` refers to the schema `Q`"),
    ],
)
def test_attributes_have_their_shape(module: str, func: str, message: str) -> None:
    found = faults(module, func)
    assert bool(found) == bool(message)
    assert any(message in each for each in found) or not message


def test_operations_name_schemas_that_are_there() -> None:
    body = "%s: handle = lm.new() !1:1-1:2\n  %v = lm.gen(%s) {json_schema = @P} !1:1-1:2"
    assert faults(body=body) == ["schema `@P` is not in the module"]
    assert faults(', schemas = {"P": {"type": "string"}}', body=body) == []


def test_constants_hold_no_symbols() -> None:
    assert faults(body="%v = ex.const() {value = [@a]} !1:1-1:2") == [
        "attribute `value` must be data"
    ]


def test_parameters_need_not_be_declared_in_text_written_by_hand() -> None:
    assert faults() == []
