"""A JSON object field by field, each by a type."""

import json

import sglc as sgl
from tests.upstream.case import Case


@sgl.function
def decode_city(s):
    s += "Describe the city of Paris as JSON.\n"
    with s.var_scope("json_output"):
        s += "{\n"
        s += '  "name": ' + sgl.gen_string() + ",\n"
        s += '  "people": ' + sgl.gen_int() + ",\n"
        s += '  "square_km": ' + sgl.gen(dtype=int) + ",\n"
        s += '  "country": ' + sgl.gen_string() + ",\n"
        s += '  "zone": ' + sgl.gen(dtype=str) + "\n"
        s += "}"


CASES = [
    Case(
        decode_city,
        options={"max_new_tokens": 64},
        check=lambda s: isinstance(json.loads(s["json_output"])["square_km"], int),
    )
]
