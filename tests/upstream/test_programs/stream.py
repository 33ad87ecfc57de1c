"""Text followed as it appears: all of it, and one variable's."""

import sglc as sgl
from tests.upstream.case import Case


@sgl.function
def qa(s, question):
    s += sgl.system("You are a helpful assistant.")
    s += sgl.user(question)
    s += sgl.assistant(sgl.gen("answer"))


def follow(question, **options):
    state = qa.run(question, stream=True, **options)
    return "".join(state.text_iter()), "".join(state.text_iter("answer"))


CASES = [
    Case(
        qa,
        {"question": "Who was George Washington?"},
        {r"assistant\n$": "The first president, and a general."},
        options={"stream": True, "max_new_tokens": 32},
        check=lambda s: "".join(s.text_iter("answer")).startswith("The first"),
    )
]
