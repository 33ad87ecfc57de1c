"""Lines appended side by side, then a question about one of them."""

import sglc as sgl
from tests.upstream.case import Case


@sgl.function
def line_retrieval(s, prefix, suffix, body_0, body_1, body_2, body_3):
    s += prefix + "\n"

    contexts = [body_0, body_1, body_2, body_3]
    position_ids_offset = [i * 1000 for i in range(len(contexts))]
    forks = s.fork(len(contexts), position_ids_offset)
    forks += lambda i: contexts[i] + "\n"
    forks.join(mode="concate_and_append")

    s += "\n" + suffix
    s += sgl.gen("answer", max_tokens=16)


ARGUMENTS = {
    "prefix": "Remember these lines.",
    "suffix": "What is the number of line harbour?",
    **{
        f"body_{i}": f"line {w}: number {i * 7}"
        for i, w in enumerate(("ship", "harbour", "sail", "sea"))
    },
}
CASES = [
    Case(line_retrieval, ARGUMENTS, check=lambda s: "number 14\nline sea" in s.text()),
    Case(line_retrieval, rows=[ARGUMENTS, {**ARGUMENTS, "suffix": "And of line sea?"}]),
]
