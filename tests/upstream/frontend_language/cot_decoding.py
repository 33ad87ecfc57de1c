"""Branches begin with each of the most likely first tokens; how sure each is, is printed."""

from math import exp

import sglc as sgl
from tests.upstream.case import Case

LOGPROBS = {"return_logprob": True, "return_text_in_logprobs": True}


def certainty(meta):
    """Mean distance between the first and second most likely tokens."""
    pairs = [(a[0], b[0]) for a, b in meta.get("output_top_logprobs", [])]
    return sum(exp(a) - exp(b) for a, b in pairs) / len(pairs) if pairs else 0.0


@sgl.function
def cot_decoding(s, question, width, chat, verbose):
    if chat:
        s += sgl.user("Question: " + question + "\nAnswer:")
        s += sgl.assistant_begin()
    else:
        s += "Question: " + question + "\nAnswer:"

    start = s.fork(1)[0]
    paths = s.fork(width)
    answers = s.fork(width)

    start += sgl.gen("tokens", max_tokens=0, top_logprobs_num=width, **LOGPROBS)
    likely = start.get_meta_info("tokens").get("output_top_logprobs")
    tokens = [t[2] for t in likely[0]] if likely else [f"token{i}" for i in range(width)]
    for index, (path, token) in enumerate(zip(paths, tokens, strict=True)):
        path += token
        path += sgl.gen("answer", temperature=0, max_tokens=64, top_logprobs_num=2, **LOGPROBS)
        sure = certainty(path.get_meta_info("answer"))

        so_far = str(path)[len("ProgramState(") : -1]
        answers[index] += so_far + "\nIn one word:"
        answers[index] += sgl.gen("answer_span", temperature=0, max_tokens=16)
        if verbose:
            span = answers[index]["answer_span"].replace("\n", " ").strip(":")
            print(f"{index}: {token!r} {sure} {span}")

    if chat:
        s += sgl.assistant_end()


QUESTION = {"question": "How much is two plus two?"}
CASES = [
    Case(cot_decoding, {**QUESTION, "width": 3, "chat": True, "verbose": True}),
    Case(cot_decoding, {**QUESTION, "width": 2, "chat": False, "verbose": False}),
]
