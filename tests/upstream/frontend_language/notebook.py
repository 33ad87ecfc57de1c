"""The programs of the notebook about the language: chat, tools, forks with roles, JSON, images."""

import json

import sglc as sgl
from tests.upstream.case import Case
from tests.upstream.frontend_language.chat_quick_start import DOT


@sgl.function
def basic_qa(s, question):
    s += sgl.system("You answer questions.")
    s += sgl.user(question)
    s += sgl.assistant(sgl.gen("answer", max_tokens=512))


@sgl.function
def multi_turn_qa(s):
    s += sgl.system("You answer questions.")
    s += sgl.user("Name three countries.")
    s += sgl.assistant(sgl.gen("first_answer", max_tokens=512))
    s += sgl.user("Three others.")
    s += sgl.assistant(sgl.gen("second_answer", max_tokens=512))
    return s


@sgl.function
def tool_use(s, question):
    s += sgl.system("You answer questions with tools.")
    s += sgl.user("Which tool helps with: " + question)
    s += sgl.assistant(sgl.gen("tool", choices=["calculator", "search engine"]))
    if s["tool"] == "calculator":
        s += sgl.user("What should it compute?")
        s += sgl.assistant(sgl.gen("expression", max_tokens=64))
    elif s["tool"] == "search engine":
        s += sgl.user("What should it look up?")
        s += sgl.assistant(sgl.gen("word", max_tokens=64))


@sgl.function
def tip_suggestion(s):
    s += sgl.system("You answer questions.")
    s += sgl.user("Give two short tips for sleeping well.")
    s += sgl.assistant("1. Go to bed early. 2. Keep the room dark.")

    forks = s.fork(2)
    for i, f in enumerate(forks):
        f += sgl.user(f"Write a paragraph about tip {i + 1}.")
        f += sgl.assistant(sgl.gen("detailed_tip", max_tokens=256, stop="\n\n"))

    s += sgl.user(
        "Now sum up these:\n1: " + forks[0]["detailed_tip"] + "\n2: " + forks[1]["detailed_tip"]
    )
    s += sgl.assistant("In short" + sgl.gen("summary", max_tokens=512))


@sgl.function
def regular_expression_gen(s):
    s += sgl.user("Name the address of a public DNS server.")
    s += sgl.assistant(sgl.gen("answer", temperature=0, regex=r"(\d{1,3}\.){3}\d{1,3}"))


@sgl.function
def character_gen(s, name):
    s += sgl.user(f"{name} is a figure in a saga. Write this figure as JSON.")
    s += sgl.assistant(sgl.gen("json_output", max_tokens=256, regex=r'\{"age": [0-9]+\}'))


@sgl.function
def chat_example(s):
    s += sgl.system("You answer questions.")
    with s.user():
        s += "Question: Where is Rome?"
    s += sgl.assistant_begin()
    s += "Answer: " + sgl.gen("answer", max_tokens=100, stop="\n")
    s += sgl.assistant_end()


@sgl.function
def image_qa(s, image_file, question):
    s += sgl.user(sgl.image(image_file) + question)
    s += sgl.assistant(sgl.gen("answer", max_tokens=256))


CASES = [
    Case(basic_qa, {"question": "Name three rivers."}),
    Case(
        multi_turn_qa,
        # A program may return its own state; its value is compared by text, so print it.
        check=lambda s: s.ret_value.text() == s.text(),
    ),
    Case(tool_use, {"question": "How much is 2 + 2?"}),
    Case(tool_use, {"question": "Who lives in Rome?"}),
    Case(tip_suggestion),
    Case(regular_expression_gen, rules={r"assistant\n$": "9.9.9.9"}),
    Case(
        character_gen,
        {"name": "Egil"},
        {r"assistant\n$": '{"age": 42}'},
        check=lambda s: json.loads(s["json_output"]) == {"age": 42},
    ),
    Case(basic_qa, rows=[{"question": f"Where is {c}?"} for c in ("Oslo", "Rome", "Cairo")]),
    Case(basic_qa, {"question": "Name three seas."}, options={"stream": True}),
    Case(chat_example),
    Case(image_qa, {"image_file": DOT, "question": "What is this?"}),
]
