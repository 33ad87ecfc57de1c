"""The most likely of four endings after twenty examples."""

import sglc as sgl
from tests.upstream.case import Case

LINES = [
    {
        "label": f"Doing {i}",
        "start": f"Someone begins to do {i}",
        "ends": [f"and {w}{i}" for w in "abcd"],
    }
    for i in range(24)
]


def example(number, with_answer):
    line = LINES[number]
    return f"{line['label']}: {line['start']} " + (line["ends"][number % 4] if with_answer else "")


few_shot_examples = "".join(example(i, True) + "\n\n" for i in range(20))


@sgl.function
def few_shot_hellaswag(s, question, choices):
    s += few_shot_examples + question
    s += sgl.select("answer", choices=choices)


ROWS = [{"question": example(i, False), "choices": LINES[i]["ends"]} for i in range(20, 24)]
CASES = [Case(few_shot_hellaswag, rows=ROWS, options={"temperature": 0})]
