"""Two turns of a chat; the second question is written in a role's scope."""

import sglc as sgl
from tests.upstream.case import Case


@sgl.function
def answer_mt_bench(s, question_1, question_2):
    s += sgl.system("You are a helpful assistant.")
    s += sgl.user(question_1)
    s += sgl.assistant(sgl.gen("answer_1"))
    with s.user():
        s += question_2
    s += sgl.assistant(sgl.gen("answer_2"))


def five_messages(state):
    roles = [m["role"] for m in state.messages()]
    return roles == ["system", "user", "assistant", "user", "assistant"]


CASES = [
    Case(
        answer_mt_bench,
        {"question_1": "Plan a trip.", "question_2": "Now shorten it."},
        options={"temperature": 0.1, "max_new_tokens": 64},
        check=five_messages,
    )
]
