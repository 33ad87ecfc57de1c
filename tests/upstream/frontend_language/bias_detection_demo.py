"""A text is judged by several people whom the model plays, and the judgements are weighed."""

import sglc as sgl
from tests.upstream.case import Case

READERS = ("a teacher", "a nurse", "a lawyer")


@sgl.function
def detect_bias(s, text):
    s += sgl.system("You judge whether texts are fair.")
    s += sgl.user("The text: " + text)
    verdicts = {}
    with s.copy() as first:
        first += sgl.user("Is it about people?")
        first += sgl.assistant(sgl.select("people", ["yes", "no"]))
    forks = s.fork(len(READERS))
    for reader, f in zip(READERS, forks, strict=True):
        f += sgl.user(f"As {reader}, is it fair?")
        f += sgl.assistant(sgl.select("fair", ["fair", "unfair"]) + ", for " + sgl.gen("why", 16))
        verdicts[reader] = f
    unfair = [reader for reader, f in verdicts.items() if f["fair"] == "unfair"]
    if s["people"][0] == "yes" and len(unfair) * 2 > len(READERS):
        s += sgl.user(f"{len(unfair)} found it unfair: {', '.join(unfair)}. Rewrite it.")
        s += sgl.assistant(sgl.gen("rewritten", 64))
    return unfair


CASES = [Case(detect_bias, {"text": t}) for t in ("All drivers are careless.", "The sky is blue.")]
