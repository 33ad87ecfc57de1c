"""Exam questions of a subject, one token each."""

import sglc as sgl
from tests.upstream.case import Case

SUBJECTS = {"anatomy": 2, "world_history": 3}


def question(subject, number, with_answer):
    text = f"Question {number} of {subject}?\nA. one\nB. two\nC. three\nD. four\nAnswer:"
    return text + (" B\n\n" if with_answer else "")


def program(subject, shots):
    examples = f"Exam about {' '.join(subject.split('_'))}.\n\n"
    for i in range(shots):
        examples += question(subject, i, True)

    @sgl.function
    def few_shot_mmlu(s, examples, question):
        s += examples + question + sgl.gen("answer")

    return few_shot_mmlu, examples


CASES = []
for subject, shots in SUBJECTS.items():
    few_shot, examples = program(subject, shots)
    rows = [{"examples": examples, "question": question(subject, i, False)} for i in range(5, 8)]
    CASES.append(Case(few_shot, rows=rows, options={"temperature": 0, "max_new_tokens": 1}))
