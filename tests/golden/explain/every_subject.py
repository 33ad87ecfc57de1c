import sglc as sgl


@sgl.function
def main(s, question, log):
    s += sgl.user(question + "?")
    s += sgl.assistant(sgl.gen("é") + sgl.gen("answer"))
    if s["answer"] == "yes":
        log(s["answer"])
    for f in s.fork(2):
        f += sgl.gen("more")
    gens = [sgl.gen("a"), sgl.select("b", ["x", "y"])]
    s += gens[0]
    for i in range(len(question)):
        s += str(i)
    s += str(log()) + s["answer"]


@sgl.function
def generator(s):
    s += sgl.gen("x")
    yield s["x"]


@sgl.function
def looks_at_its_frame(s, question):
    s += "Q: {question}".format(**locals()) + sgl.gen("x")


# CHECK-EXPLAIN:
# every_subject.py:5 program main: 15 model operations lifted, 2 live; 3 waits; 1 fork of 2 branches in order; 3 pieces of host code
#   prefix: the mark of a role, the same in every run
#   waits:
#     7 |     s += sgl.assistant(sgl.gen("é") + sgl.gen("answer"))
#       |                                       ----------------- gen answer
#     8 |     if s["answer"] == "yes":
#       |        ^^^^^^^^^^^^^^^^^^^^ waits for gen answer: condition of `if`
#     7 |     s += sgl.assistant(sgl.gen("é") + sgl.gen("answer"))
#       |                                       ----------------- gen answer
#     8 |     if s["answer"] == "yes":
#     9 |         log(s["answer"])
#       |         ^^^^^^^^^^^^^^^^ waits for gen answer: host code `log(s["answer"])`
#     16 |     s += str(log()) + s["answer"]
#        |                       ^^^^^^^^^^^ this read waits for the model: the text is made by code that is not compiled [SGL0306]
#   parallel:
#     10 |     for f in s.fork(2):
#        |              ^^^^^^^^^ generations of the branches overlap where nothing waits, other code runs one after the other: it runs host code, `f`
#     11 |         f += sgl.gen("more")
#        |         - because of this
#     10 |     for f in s.fork(2):
#        |     ^^^^^^^^^^^^^^^^^^^ generations of the branches overlap where nothing waits, other code runs one after the other: it runs host code, `f`
#     11 |         f += sgl.gen("more")
#        |         - because of this
#   live:
#     12 |     gens = [sgl.gen("a"), sgl.select("b", ["x", "y"])]
#        |             ^^^^^^^^^^^^ this `gen` runs live, as part of the Python code around it
#     12 |     gens = [sgl.gen("a"), sgl.select("b", ["x", "y"])]
#        |                           ^^^^^^^^^^^^^^^^^^^^^^^^^^^ this `select` runs live, as part of the Python code around it
#   host code:
#     9 |         log(s["answer"])
#       |         ^^^^^^^^^^^^^^^^ Python with unknown effects: it runs as written, in order
#     12 |     gens = [sgl.gen("a"), sgl.select("b", ["x", "y"])]
#        |     ^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^ Python with unknown effects: it runs as written, in order
#     16 |     s += str(log()) + s["answer"]
#        |          ^^^^^^^^^^ Python with unknown effects: it runs as written, in order
#   values, by built-in operators and functions alone: 11:9 `f`, 13:10 `gens[0]`, 14:14 `range(len(question))`, 15:14 `str(i)`
#
# every_subject.py:22 `generator` runs live: a generator is not compiled [SGL0302]
#     22 |     yield s["x"]
#        |     ^^^^^^^^^^^^ this keeps it from being compiled
#   note: a live program has the same meaning; every read waits on the spot
#
# every_subject.py:27 `looks_at_its_frame` runs live: a function that calls `locals` is not compiled [SGL0302]
#     27 |     s += "Q: {question}".format(**locals()) + sgl.gen("x")
#        |                                   ^^^^^^^^ this keeps it from being compiled
#   note: a live program has the same meaning; every read waits on the spot
# CHECK-DIAGNOSTICS:
# remark[SGL0306] 16:23-16:34: this read waits for the model: the text is made by code that is not compiled
# remark[SGL0302] 22:5-22:17: `generator` runs live: a generator is not compiled: this keeps it from being compiled
#   note: a live program has the same meaning; every read waits on the spot
# remark[SGL0302] 27:35-27:43: `looks_at_its_frame` runs live: a function that calls `locals` is not compiled: this keeps it from being compiled
#   note: a live program has the same meaning; every read waits on the spot
