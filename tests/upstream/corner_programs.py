"""Programs of the corner cases."""

import sglc as sgl

STOP = ["\n"]


@sgl.function
def two(s, a, b="default"):
    s += a + " " + b + ":" + sgl.gen("a")
    return a, "a" in s, "b" in s


@sgl.function
def unnamed(s):
    s += "one" + sgl.gen()
    s += "|" + sgl.gen()


@sgl.function
def again(s):
    s += "one" + sgl.gen("a")
    first = s["a"]
    s += "two" + sgl.gen("a")
    return first, s["a"]


@sgl.function
def forks_twice(s):
    forks = s.fork(2)
    forks += "one" + sgl.gen("a")
    forks.join()
    first = s["a"]
    more = s.fork(2)
    more += "two" + sgl.gen("a")
    more.join()
    return first, more[0]["a"]


@sgl.function
def uneven(s):
    forks = s.fork(2)
    forks += "one" + sgl.gen("a")
    forks[1] += sgl.gen("only")
    forks.join()
    s += s["only"][0]


@sgl.function
def group_list(s, values):
    forks = s.fork(2)
    forks += values
    return [f.text() for f in forks]


@sgl.function
def group_text(s):
    forks = s.fork(2)
    forks += "text"


@sgl.function
def nested_roles(s):
    with s.user():
        s += sgl.assistant("inner")


@sgl.function
def asks(s, question):
    s += sgl.user(question)
    s += sgl.assistant(sgl.gen("answer"))


@sgl.function
def system_and_user(s):
    s += sgl.system("rules")
    s += sgl.user("hello")
    s += sgl.assistant(sgl.gen("answer"))


@sgl.function
def scopes(s):
    with s.var_scope("part"):
        s += "one" + sgl.gen("a")
    first = s["part"]
    with s.var_scope("part"):
        s += "two" + sgl.gen("a")
    return first, s["part"]


@sgl.function
def streams_forks(s):
    s += "start" + sgl.gen("a")
    forks = s.fork(2)
    forks += "aside" + sgl.gen("b")
    s += "|" + forks[0]["b"]


@sgl.function
def stops(s):
    for i in range(3):
        s += f"{i}" + sgl.gen(f"a{i}", stop=STOP)


@sgl.function
def choices(s, values):
    s += "one" + sgl.gen("a", choices=values)


@sgl.function
def pattern(s, regex):
    s += "one" + sgl.gen("a", regex=regex)


@sgl.function
def looks(s, image):
    s += sgl.user(sgl.image(image) + "what?")
    s += sgl.assistant(sgl.gen("answer"))
