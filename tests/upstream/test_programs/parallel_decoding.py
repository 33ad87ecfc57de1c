"""Skeleton of thought: a list of tips, each expanded in a fork, then a summary."""

import sglc as sgl
from tests.upstream.case import Case


@sgl.function
def parallel_decoding(s, topic, number):
    s += "You write short guides.\n"
    s += "Reader: How do I get better at " + topic + "?\n"
    s += "Writer: With these " + str(number) + " habits:\n"

    for i in range(1, 1 + number):
        s += f"{i}." + sgl.gen(max_tokens=16, stop=[".", "\n"]) + ".\n"

    forks = s.fork(number)
    for i in range(number):
        forks[i] += f"About habit {i + 1} at length:\n"
        forks[i] += sgl.gen("detailed", 64, stop=["\n\n"])
    forks.join()

    s += "The habits at length:\n"
    for i in range(number):
        s += f"Habit {i + 1}:" + s["detailed"][i] + "\n"
    s += "\nIn short," + sgl.gen("summary", max_tokens=512)


CASES = [
    Case(
        parallel_decoding,
        {"topic": "writing", "number": 5},
        options={"temperature": 0.3},
        check=lambda s: len(s["detailed"]) == 5,
    )
]
