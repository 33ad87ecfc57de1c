"""Records: a character in a form given by a regex, a person as a JSON schema has it."""

import json

import sglc as sgl

CHARACTER = (
    r"""\{\n"""
    r"""    "name": "[\w\d\s]{1,16}",\n"""
    r"""    "house": "(Gryffindor|Slytherin|Ravenclaw|Hufflepuff)",\n"""
    r"""    "blood status": "(Pure-blood|Half-blood|Muggle-born)",\n"""
    r"""    "occupation": "(student|teacher|auror|ministry of magic)",\n"""
    r"""    "wand": \{\n"""
    r"""        "wood": "[\w\d\s]{1,16}",\n"""
    r"""        "core": "[\w\d\s]{1,16}",\n"""
    r"""        "length": [0-9]{1,2}\.[0-9]{0,2}\n"""
    r"""    \},\n"""
    r"""    "alive": "(Alive|Deceased)",\n"""
    r"""    "patronus": "[\w\d\s]{1,16}",\n"""
    r"""    "bogart": "[\w\d\s]{1,16}"\n"""
    r"""\}"""
)

PERSON = json.dumps(
    {
        "type": "object",
        "properties": {
            "name": {"type": "string"},
            "age": {"type": "integer"},
            "city": {"type": "string"},
        },
        "required": ["name", "age", "city"],
        "additionalProperties": False,
    }
)


@sgl.function
def character_gen(s, name):
    s += name + " is a character in Harry Potter. "
    s += "Please fill in the following information about this character.\n"
    s += sgl.gen("json_output", max_tokens=256, regex=CHARACTER)


@sgl.function
def extract(s, text):
    s += sgl.user("Extract the person from: " + text)
    s += sgl.assistant(sgl.gen("who", max_tokens=200, json_schema=PERSON))


if __name__ == "__main__":
    state = character_gen.run(name="Harry Potter", temperature=0)
    print(json.loads(state["json_output"]))
    state = extract.run(
        text="Ada Lovelace is 36 years old and lives in London.",
        temperature=0,
    )
    print(json.loads(state["who"]))
