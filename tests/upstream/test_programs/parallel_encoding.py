"""Documents appended side by side and brought together in one text."""

import sglc as sgl
from tests.upstream.case import Case


@sgl.function
def parallel_encoding(s, question, first, second, third):
    s += "Reader: Here is what I know.\n"
    facts = [first, second, third]
    forks = s.fork(len(facts))
    forks += lambda i: f"Fact {i}: " + facts[i] + "\n"
    forks.join(mode="concate_and_append")
    s += "Reader: With these facts, " + question + "\n"
    s += "Writer:" + sgl.gen("answer", max_tokens=32)


CASES = [
    Case(
        parallel_encoding,
        {
            "question": "who leads Acme?",
            "first": "Acme is from 1980.",
            "second": "Ada leads Acme.",
            "third": "Acme sells shoes.",
        },
        {r"Writer:$": " Ada"},
        options={"temperature": 0},
        check=lambda s: "Fact 2: Acme sells shoes.\nReader" in s.text(),
    )
]
