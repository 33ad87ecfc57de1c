"""A question about an image."""

import base64

import sglc as sgl
from tests.upstream.case import Case

DOT = base64.b64decode(
    "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mP8z8BQDwAEhQGAhKmMIQAAAABJRU5ErkJggg=="
)


@sgl.function
def image_qa(s, image, question):
    s += sgl.user(sgl.image(image) + question)
    s += sgl.assistant(sgl.gen("answer"))


CASES = [
    Case(
        image_qa,
        {"image": DOT, "question": "Please describe this image in simple words."},
        options={"temperature": 0, "max_new_tokens": 64},
        check=lambda s: s.messages()[0]["content"][1]["type"] == "image_url",
    )
]
