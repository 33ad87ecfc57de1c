"""Bodies that are silent for some arguments, and bodies that only look so."""

import sglc as sgl

LIMIT = 2
WORDS = ["one", "two"]
TABLE = {"a": 1}


@sgl.function
def tips(s, n):
    forks = s.fork(n)
    for i in range(n):
        forks[i] += f"tip {i + 1}" + sgl.gen("tip")
    for i in range(n):
        s += forks[i]["tip"]


@sgl.function
def rounds(s, topic, questions):
    s += sgl.system("about " + topic)
    for number, question in enumerate(questions):
        s += sgl.user(f"{number}: {question}")
        with s.assistant():
            s += sgl.gen("answer", stop="\n")
        if s["answer"].strip().startswith("a") or len(s["answer"]) > LIMIT:
            s += "again " + s["answer"]
    return len(questions)


@sgl.function
def until(s, word):
    s += "go" + sgl.gen("step")
    while s["step"] != word:
        s += word + sgl.gen("step", choices=["on", "off"])
        if s["step"] == "off":
            break


@sgl.function
def only_some_branches(s):
    forks = s.fork(2)
    forks[0] += sgl.gen("a")
    s += "x" + forks[1]["a"]


@sgl.function
def maybe_missing(s, q):
    if q == "x":
        s += sgl.gen("a")
    s += s["a"]


@sgl.function
def loop_may_not_run(s, items):
    for item in items:
        s += item + sgl.gen("a")
    s += s["a"]


@sgl.function
def stale_index(s, n):
    forks = s.fork(n)
    for i in range(n):
        forks[i] += sgl.gen("a")
        for i in range(n):
            s += forks[i]["a"]


@sgl.function
def picks(s, words):
    s += "pick" + sgl.select("word", choices=words)
    s += s["word"]


@sgl.function
def picks_outside(s):
    s += "pick" + sgl.select("word", choices=WORDS)
    s += s["word"]


@sgl.function
def marked(s, q):
    s += sgl.user_begin() + q + sgl.user_end()
    s += sgl.assistant_begin() + sgl.gen("a") + sgl.assistant_end()
    s += sgl.user(s["a"])


@sgl.function
def nests_marks(s):
    s += sgl.user_begin()
    s += sgl.assistant_begin() + sgl.gen("a")
    s += s["a"]


@sgl.function
def nests_roles(s):
    s += sgl.user(sgl.assistant(sgl.gen("a")))
    s += s["a"]


@sgl.function
def bad_schema(s):
    s += sgl.gen("a", json_schema="{")
    s += s["a"]


@sgl.function
def host_call(s, q):
    s += q + sgl.gen("a")
    print(q)


@sgl.function
def concatenates(s, q):
    s += "q: " + q + sgl.gen("a")


@sgl.function
def looks_up(s, q):
    s += str(TABLE["a"]) + sgl.gen("a")


@sgl.function
def spins(s, n):
    while n > 0:
        s += "x"


@sgl.function
def bad_pattern(s):
    s += sgl.gen("a", regex="(")


@sgl.function
def runs_another(s, q):
    s += concatenates.run(q)["a"]
