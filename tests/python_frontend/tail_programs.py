"""Bodies whose rest is silent after some host code, and bodies where it only looks so."""

import sglc as sgl

KEPT = []
EAGER_NAME = "b"


def log(value):
    print("log", value)
    return value


class Bag:
    def __radd__(self, other):
        return other + "bag"


@sgl.function
def agent(s, question):
    print("start")
    s += question + sgl.gen("tool", stop="\n")
    if s["tool"] == "calc":
        s += "Result:" + sgl.gen("answer")
    s += "So: " + s["tool"] + sgl.gen("answer")
    return s["answer"]


@sgl.function
def returns_early(s, question):
    log(question)
    s += question + sgl.gen("a")
    if "e" in s["a"]:
        return s["a"]
    s += sgl.gen("b")
    return "no " + s["b"]


@sgl.function
def branches(s, n, items):
    log(n)
    forks = s.fork(n)
    for i in range(n):
        forks[i] += items[0].upper() + sgl.gen("tip")
    log(n)
    for i in range(n):
        s += "- " + forks[i]["tip"] + "\n"
    s += sgl.gen("sum")
    return s["sum"]


@sgl.function
def kept_branches(s, n):
    forks = s.fork(2)
    KEPT.append(forks)
    forks[0] += "x" + sgl.gen("a")
    s += "y" + forks[0]["a"]
    forks[0] += "z" + sgl.gen("a")
    s += forks[0]["a"]


@sgl.function
def value_decides(s, value):
    text = log(value)
    s += "v" + sgl.gen("a")
    s += s["a"]
    s += text + sgl.gen("b")


@sgl.function
def returns_a_list(s, items):
    log(items)
    s += "v" + sgl.gen("a")
    s += s["a"]
    return items


@sgl.function
def open_read(s, question, n):
    log(question)
    s += question + sgl.gen("a")
    s += "then " + s["a"] + sgl.gen(f"v{n}")
    s += "and " + s["a"] + sgl.gen("b")
    return s["b"]


@sgl.function
def poisoned_by_the_program(s, question):
    log(question)
    s += log(3)
    s += question + sgl.gen("a")
    s += "x" + s["a"]


@sgl.function
def role_left_open(s, question):
    s += sgl.user_begin() + log(question)
    s += sgl.gen("a")
    s += sgl.user(s["a"])


@sgl.function
def roles_nested(s, question):
    s += question
    with s.user():
        s += sgl.gen("a")
        s += sgl.assistant(s["a"])


@sgl.function
def nothing_waits(s, question):
    log(question)
    s += question + sgl.gen("a")
    s += sgl.gen("b")


@sgl.function
def captured(s, question):
    def look():
        return question

    s += look() + sgl.gen("a")
    s += s["a"]


@sgl.function
def in_try(s, question):
    try:
        log(question)
        s += question + sgl.gen("a")
        s += s["a"]
    except ValueError:
        pass


@sgl.function
def calls_agent(s, question):
    log("outer")
    inner = agent.run(question)
    s += inner["answer"] + sgl.gen("a")
    s += s["a"]
    return inner.ret_value
