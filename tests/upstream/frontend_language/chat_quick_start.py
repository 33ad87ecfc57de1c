"""The quick start with a chat model: one run, a stream, a batch; several samples; two images."""

import base64

import sglc as sgl
from tests.upstream.case import Case

DOT = base64.b64decode(
    "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mP8z8BQDwAEhQGAhKmMIQAAAABJRU5ErkJggg=="
)


@sgl.function
def multi_turn_question(s, question_1, question_2):
    s += sgl.user(question_1)
    s += sgl.assistant(sgl.gen("answer_1", max_tokens=256))
    s += sgl.user(question_2)
    s += sgl.assistant(sgl.gen("answer_2", max_tokens=256))


@sgl.function
def samples(s, question):
    s += sgl.system("You answer briefly.")
    s += sgl.user(question)
    s += sgl.assistant(sgl.gen("answer", max_tokens=256, n=2))


@sgl.function
def two_images(s, first, second, question):
    s += sgl.user(sgl.image(first) + sgl.image(second) + question)
    s += sgl.assistant(sgl.gen("answer", max_tokens=64))


@sgl.function
def reasoning_model(s, question):
    s += sgl.user(question)
    s += sgl.assistant(sgl.gen("answer"))


def two_answers(state):
    return len(state["answer"]) == 2 and len(state.get_meta_info("answer")) == 2


ROWS = [
    {"question_1": f"Where is {c}?", "question_2": "What is it known for?"}
    for c in ("Oslo", "Rome")
]
CASES = [
    Case(multi_turn_question, ROWS[0]),
    Case(multi_turn_question, ROWS[0], options={"stream": True}),
    Case(multi_turn_question, rows=ROWS),
    Case(samples, {"question": "Name a river."}, check=two_answers),
    Case(two_images, {"first": DOT, "second": DOT, "question": "What differs?"}),
    Case(reasoning_model, {"question": "How many r are in strawberry?"}),
]
