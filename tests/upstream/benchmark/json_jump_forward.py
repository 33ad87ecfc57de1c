"""Objects by one regular expression with long constant parts; three kinds of program."""

from functools import partial

import sglc as sgl
from tests.upstream.case import Case

CHARACTER = (
    r'\{\n    "name": "[\w\d\s]{1,16}",\n    "house": "(North|South|East)",\n'
    r'    "status": "(Free|Bound)",\n    "born": [1-9][0-9]{3}\n\}'
)
CITY = r'\{"name": "[\w\s]{1,16}", "country": "[\w\s]{1,16}", "people": [1-9][0-9]{1,8}\}'

character_regex_gen = partial(sgl.gen, max_tokens=256, regex=CHARACTER)


@sgl.function
def character_gen(s, name):
    s += name + " is a figure in a saga. Describe this figure.\n"
    s += character_regex_gen("json_output")


@sgl.function
def city_gen(s, document):
    s += "Take the details of the city from this text.\n"
    s += document + "\n"
    s += sgl.gen("json_output", max_tokens=256, regex=CITY)


@sgl.function
def city_gen_constant(s):
    s += "Describe a city.\n" + sgl.gen("json_output", max_tokens=256, regex=CITY)


PERSON = '{\n    "name": "Egil",\n    "house": "North",\n    "status": "Free",\n    "born": 1910\n}'
TOWN = '{"name": "Bern", "country": "Switzerland", "people": 134000}'
CASES = [
    Case(
        character_gen, rules={r"figure\.\n$": PERSON}, rows=[{"name": n} for n in ("Egil", "Njal")]
    ),
    Case(city_gen, rules={"Bern": TOWN}, rows=[{"document": f"{i}: Bern."} for i in range(2)]),
    Case(city_gen_constant),
]
