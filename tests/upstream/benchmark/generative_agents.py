"""Five questions that simulated people ask, replayed one after the other."""

import sglc as sgl
from tests.upstream.case import Case


@sgl.function
def poignancy_event(s, persona_name, persona_iss, event):
    s += "Here is a brief description of " + persona_name + ".\n" + persona_iss + "\n"
    s += "From 1 to 10, how much does this matter to " + persona_name + "?\n"
    s += "Event: " + event + "\nRate:"
    s += sgl.gen(name="Rate", max_tokens=2)


@sgl.function
def generate_event_triple(s, persona_name, action):
    s += "Sentences as (subject, verb, object).\n"
    s += "Sentence: Ann eats an apple.\nTriple: (Ann, eats, apple)\n---\n"
    s += "Sentence: " + persona_name + " is " + action + ".\nTriple: (" + persona_name + ","
    s += sgl.gen(name="Triple", max_tokens=20, stop=")") + ")"


@sgl.function
def generate_pronunciatio(s, action):
    s += "Say it with an emoji.\nAction: " + action + "\nEmoji:"
    s += sgl.gen(name="Emoji", max_tokens=6)


@sgl.function
def action_location_sector(s, persona_name, living_sector, sectors, next_action):
    s += persona_name + " lives in " + living_sector + ".\n"
    s += "Places nearby: {" + ", ".join(sectors) + "}\n"
    s += "For " + next_action + ", " + persona_name + " goes to: {"
    s += sgl.gen(name="Location", max_tokens=10, stop="}")


@sgl.function
def action_location_object(s, persona_name, current_sector, current_arena, objects):
    s += persona_name + " is in " + current_sector + ", " + current_arena + ".\n"
    s += "Things there: {" + ", ".join(objects) + "}\nThe thing to use is: {"
    s += sgl.gen(name="Object", max_tokens=5, stop="}")


EVENTS = [
    (poignancy_event, {"persona_name": "Ann", "persona_iss": "Likes cats.", "event": "rain"}),
    (generate_event_triple, {"persona_name": "Ann", "action": "reading"}),
    (generate_pronunciatio, {"action": "reading"}),
    (
        action_location_sector,
        {
            "persona_name": "Ann",
            "living_sector": "mill",
            "sectors": ["mill", "inn"],
            "next_action": "tea",
        },
    ),
    (
        action_location_object,
        {
            "persona_name": "Ann",
            "current_sector": "inn",
            "current_arena": "hall",
            "objects": ["cup"],
        },
    ),
]
CASES = [Case(program, row, options={"temperature": 0}) for program, row in EVENTS]
