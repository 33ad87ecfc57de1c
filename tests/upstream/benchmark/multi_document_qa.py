"""Documents appended side by side inside a user's message, then a question."""

import sglc as sgl
from tests.upstream.case import Case


@sgl.function
def multi_document_qa(s, docs, question):
    s += sgl.user_begin()
    s += "Answer from these documents, briefly.\n"

    forks = s.fork(len(docs))
    forks += lambda i: f"Document {i}: " + docs[i] + "\n"
    forks.join("concate_and_append")

    s += "\nQuestion: " + question
    s += sgl.user_end()
    s += sgl.assistant(sgl.gen("answer", max_tokens=16))


ROWS = [
    {"docs": [f"text {d}" for d in range(10)], "question": "Which is first?"},
    {"docs": ["alpha", "beta"], "question": "Which is last?"},
]
CASES = [
    Case(
        multi_document_qa, ROWS[0], check=lambda s: [m["role"] for m in s.messages()][-2] == "user"
    ),
    Case(multi_document_qa, rows=ROWS, options={"temperature": 0}),
]
