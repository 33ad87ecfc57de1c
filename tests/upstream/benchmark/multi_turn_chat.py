"""Conversations of four turns whose questions and lengths are given."""

import random

import sglc as sgl
from tests.upstream.case import Case


@sgl.function
def multi_turns(s, qas):
    for qa in qas:
        s += qa["prompt"]
        s += sgl.gen(max_tokens=qa["new_tokens"], ignore_eos=True)


def conversations(count, turns=4, seed=42):
    rng = random.Random(seed)
    words = ("sun", "moon", "star", "rain")
    return [
        {
            "qas": [
                {
                    "prompt": " ".join(rng.choices(words, k=rng.randint(8, 12))),
                    "new_tokens": rng.randint(4, 8),
                }
                for _ in range(turns)
            ]
        }
        for _ in range(count)
    ]


CASES = [Case(multi_turns, rows=conversations(3), options={"temperature": 0})]
