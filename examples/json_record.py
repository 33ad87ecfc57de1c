"""Records by JSON schema: a character from memory, and a person copied from a text."""

import json

import sglc as sgl

CHARACTER = json.dumps(
    {
        "type": "object",
        "properties": {
            "name": {"type": "string"},
            "house": {"enum": ["Gryffindor", "Slytherin", "Ravenclaw", "Hufflepuff"]},
            "blood status": {"enum": ["Pure-blood", "Half-blood", "Muggle-born"]},
        },
        "required": ["name", "house", "blood status"],
        "additionalProperties": False,
    }
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
    s += sgl.gen("json_output", max_tokens=256, json_schema=CHARACTER)


@sgl.function
def extract(s, text):
    s += sgl.user("Extract the person from: " + text)
    s += sgl.assistant(sgl.gen("who", max_tokens=200, json_schema=PERSON))


if __name__ == "__main__":
    state = character_gen.run(name="Harry Potter", temperature=0)
    print(json.loads(state["json_output"]))
    state = extract.run(text="Rose is 48 years old and lives in Budapest.", temperature=0)
    print(json.loads(state["who"]))
