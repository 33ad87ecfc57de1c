"""Several chains of thought, then one answer that looks at all of them."""

import sglc as sgl
from tests.upstream.case import Case

INTRO = [
    "Careful thought gives:",
    "Step by step this is:",
    "Counting again:",
    "One more look:",
    "In other words:",
]


@sgl.function
def multi_chain_gsm8k(s, question, num_chains):
    s += "Question: " + question + "\n"
    forks = s.fork(num_chains)
    for i in range(num_chains):
        forks[i] += INTRO[i % len(INTRO)]
        forks[i] += sgl.gen("chain", max_tokens=256, temperature=0.3, stop="Question")
    forks.join()

    s += "Here are the chains, each with its own answer:\n"
    for i in range(num_chains):
        s += f"Chain {i + 1}:\n" + s["chain"][i].strip() + "\n\n"
    s += "\nSo the best answer is"
    s += sgl.gen("answer", max_tokens=16)


ROWS = [{"question": f"Ann has {i} apples, Bob twice as many?", "num_chains": 5} for i in (2, 3)]
CASES = [Case(multi_chain_gsm8k, rows=ROWS), Case(multi_chain_gsm8k, ROWS[0])]
