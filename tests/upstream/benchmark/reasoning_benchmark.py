"""Hard questions, several tries each."""

import sglc as sgl
from tests.upstream.case import Case


@sgl.function
def reasoning_gen(s, question):
    s += sgl.user(question + "\nThink step by step, and put the answer in \\boxed{}.")
    s += sgl.assistant(sgl.gen("answer"))


TRIES = 3
ROWS = [
    {"question": q} for q in ("How much is 6 * 7?", "What is next: 1, 4, 9?") for _ in range(TRIES)
]
CASES = [
    Case(
        reasoning_gen,
        rules={r"boxed": "It is \\boxed{42}."},
        rows=ROWS,
        options={"temperature": 0.6, "top_p": 0.95, "max_new_tokens": 512, "num_threads": 4},
    )
]
