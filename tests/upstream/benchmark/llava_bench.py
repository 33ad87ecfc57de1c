"""Questions about images."""

import sglc as sgl
from tests.upstream.case import Case
from tests.upstream.frontend_language.chat_quick_start import DOT


@sgl.function
def image_qa(s, image_file, question):
    s += sgl.user(sgl.image(image_file) + question)
    s += sgl.assistant(sgl.gen("answer", max_tokens=768))


ROWS = [{"image_file": DOT, "question": f"What is {i} in it?"} for i in range(2)]
CASES = [Case(image_qa, rows=ROWS, options={"temperature": 0}), Case(image_qa, ROWS[0])]
