"""Objects by one long regular expression each: written out, and built from fields."""

import json

import sglc as sgl
from tests.upstream.case import Case

CHARACTER = (
    r'\{\n    "name": "[\w\d\s]{1,16}",\n    "house": "(North|South)",\n'
    r'    "age": [1-9][0-9]?\n\}'
)
FIELDS = {"name": r'"[\w\s]{1,16}"', "weapon": r'"(sword|bow|axe)"', "strength": "[0-9]+"}


def regex_of(fields):
    return r"\{" + ", ".join(f'"{name}": {value}' for name, value in fields.items()) + r"\}"


@sgl.function
def character_gen(s, name):
    s += name + " is a figure in a saga. Describe this figure.\n"
    s += sgl.gen("json_output", max_tokens=256, regex=CHARACTER)


@sgl.function
def built_gen(s):
    s += "Invent a figure of a saga.\n"
    s += sgl.gen("json_output", max_tokens=256, regex=regex_of(FIELDS))


CASES = [
    Case(
        character_gen,
        {"name": "Egil"},
        {r"figure\.\n$": '{\n    "name": "Egil",\n    "house": "North",\n    "age": 42\n}'},
        check=lambda s: json.loads(s["json_output"])["age"] == 42,
    ),
    Case(built_gen, rules={r"saga\.\n$": '{"name": "Gunnar", "weapon": "bow", "strength": 9}'}),
]
