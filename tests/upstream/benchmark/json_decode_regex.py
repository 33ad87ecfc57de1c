"""A document, then an object of five fields by regular expressions, bound as a whole."""

import json

import sglc as sgl
from sglc.lang.ir import REGEX_FLOAT, REGEX_INT, REGEX_STRING
from tests.upstream.case import Case

REGEX_WORDS = r"\"[\w\d\s]*\""


def gen_words(name):
    return sgl.gen(name, max_tokens=8, regex=REGEX_WORDS)


@sgl.function
def json_warm_up(s):
    s += "The details of Hogwarts as JSON.\n"
    with s.var_scope("json_output"):
        s += "{\n"
        s += '  "name": ' + sgl.gen("name", max_tokens=8, regex=REGEX_STRING + ",") + "\n"
        s += '  "founded": ' + sgl.gen("founded", max_tokens=8, regex=REGEX_INT + ",") + "\n"
        s += "}\n"


@sgl.function
def json_decode(s, document):
    s += "Take the details of the city from this text, as JSON.\n"
    s += "Text:\n" + document + "\n"
    with s.var_scope("json_output"):
        s += "{\n"
        s += '  "name": ' + sgl.gen("name", max_tokens=8, regex=REGEX_WORDS) + ",\n"
        s += '  "country": ' + sgl.gen("country", max_tokens=8, regex=REGEX_WORDS) + ",\n"
        s += '  "latitude": ' + sgl.gen("lat", max_tokens=8, regex=REGEX_FLOAT) + ",\n"
        s += '  "people": ' + sgl.gen("people", max_tokens=8, regex=REGEX_INT) + ",\n"
        s += '  "sights": [' + sgl.gen("sights", max_tokens=24, regex=REGEX_WORDS) + "]\n"
        s += "}\n"


RULES = {
    r'name": $': '"Bern"',
    r'country": $': '"Switzerland"',
    r'latitude": $': "46.9",
    r'people": $': "134000",
    r'sights": \[$': '"Bear Park"',
}
ROWS = [{"document": f"Document {i} about Bern."} for i in range(3)]
CASES = [
    Case(json_warm_up),
    Case(
        json_decode,
        ROWS[0],
        RULES,
        check=lambda s: json.loads(s["json_output"])["sights"] == ["Bear Park"],
    ),
    Case(json_decode, rules=RULES, rows=ROWS, options={"temperature": 0}),
]
