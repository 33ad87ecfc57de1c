"""One object by a JSON schema, each row with its own."""

import json

import sglc as sgl
from tests.upstream.case import Case


@sgl.function
def schema_gen(s, message, json_schema):
    system, user = message
    s += sgl.system(system)
    s += sgl.user(user)
    s += sgl.assistant(
        sgl.gen("json_output", temperature=0, max_tokens=256, json_schema=json_schema)
    )


def row(field):
    schema = {"type": "object", "properties": {field: {"type": "integer"}}, "required": [field]}
    return {
        "message": ("You write JSON.", f"An object with {field}, please."),
        "json_schema": json.dumps(schema),
    }


CASES = [
    Case(
        schema_gen,
        row("size"),
        {r"assistant\n$": '{"size": 3}'},
        check=lambda s: json.loads(s["json_output"]) == {"size": 3},
    ),
    Case(schema_gen, rows=[row("size"), row("weight")]),
]
