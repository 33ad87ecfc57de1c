"""Programs to trace; anything that runs of them prints."""

import sglc as sgl


def loud(value):
    print("ran", value)
    return value


def ask(s, word):
    s += sgl.user(word)
    s += sgl.assistant(sgl.gen("asked", max_tokens=4))
    return s["asked"]


@sgl.function
def straight(s, question, context="none"):
    s += "Context: " + context + "\n"
    s += sgl.user(question) + sgl.assistant(sgl.gen("answer", 16, stop="."))
    s += f"So {s['answer']}" + sgl.select("choice", ["yes", "no"])


@sgl.function
def forks(s, topic):
    s += "Topic: " + topic
    branches = s.fork(2)
    for i, f in enumerate(branches):
        f += f"Tip {i}:" + sgl.gen("tip")
    branches.join()
    more = s.fork(2)
    for f in more:
        f += "more"
    more.join("concate_and_append")
    with s.var_scope("end"):
        s += sgl.gen("last")


@sgl.function
def calls(s, question):
    said = ask(s, question)
    inner = straight(said)
    s += "then" + inner["answer"] + sgl.gen("end")
    return inner


@sgl.function
def computes(s, question):
    s += loud(question) + sgl.gen("answer", temperature=loud(0.5))


@sgl.function
def decides(s, question):
    s += question + sgl.gen("answer")
    if s["answer"] == "yes":
        s += "more"


@sgl.function
def hands_over(s, question):
    loud(s)


@sgl.function
def recursive(s, question):
    s += question
    s += recursive(question).text()


@sgl.function
def looks_around(s, question):
    s += str(locals())
