"""A chat answer of several generations, over several turns, and with text that ends it."""

import sglc as sgl
from tests.upstream.case import Case


@sgl.function(num_api_spec_tokens=256)
def gen_character(s):
    s += sgl.system("You invent figures of sagas.")
    s += sgl.user("One, please, with name and home.")
    s += sgl.assistant(
        "Name:" + sgl.gen("name", stop="\n") + "\nHome:" + sgl.gen("home", stop="\n")
    )


@sgl.function(num_api_spec_tokens=256)
def gen_character_then_more(s):
    s += sgl.system("You invent figures of sagas.")
    s += sgl.user("One, please, with name and home.")
    s += sgl.assistant(
        "Name:" + sgl.gen("name", stop="\n") + "\nHome:" + sgl.gen("home", stop="\n") + "\nEnd."
    )
    s += sgl.user("And what happened to it?")
    s += sgl.assistant(sgl.gen("fate", max_tokens=32))


@sgl.function(num_api_spec_tokens=100)
def multi_turn_question(s, first, second):
    s += sgl.system("You answer briefly.")
    s += sgl.user("Answer both questions, one line each: " + first + " " + second)
    s += sgl.assistant(sgl.gen("answer_1", stop="\n") + "\n" + sgl.gen("answer_2", stop="\n"))


CASES = [
    Case(gen_character),
    Case(gen_character_then_more),
    Case(multi_turn_question, {"first": "Where is Borg?", "second": "Who lived there?"}),
]
