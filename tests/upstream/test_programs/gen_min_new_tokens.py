"""At least so many tokens, checked with the model's own tokenizer upstream."""

import sglc as sgl
from tests.upstream.case import Case

MIN, MAX = 64, 128


@sgl.function
def conversation(s):
    s += sgl.user("Tell me about Washington.")
    s += sgl.assistant(sgl.gen("answer", min_tokens=MIN, max_tokens=MAX))


CASES = [Case(conversation, options={"max_new_tokens": 256})]
