"""A JSON object field by field, each by a regular expression, bound as a whole."""

import json

import sglc as sgl
from sglc.lang.ir import REGEX_FLOAT, REGEX_INT, REGEX_STR
from tests.upstream.case import Case


@sgl.function
def decode_city(s):
    s += "Describe the city of Paris as JSON.\n"
    with s.var_scope("json_output"):
        s += "{\n"
        s += '  "name": ' + sgl.gen(regex=REGEX_STR) + ",\n"
        s += '  "people": ' + sgl.gen(regex=REGEX_INT, stop=[" ", "\n"]) + ",\n"
        s += '  "square_km": ' + sgl.gen(regex=REGEX_INT, stop=[" ", "\n"]) + ",\n"
        s += '  "latitude": ' + sgl.gen(regex=REGEX_FLOAT, stop=[" ", "\n"]) + "\n"
        s += "}"


CASES = [
    Case(
        decode_city,
        rules={
            r'name": $': '"Paris"',
            r'people": $': "2102650",
            r'square_km": $': "105",
            r'latitude": $': "48.85",
        },
        options={"temperature": 0},
        check=lambda s: json.loads(s["json_output"])["latitude"] == 48.85,
    )
]
