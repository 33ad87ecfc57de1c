# ruff: noqa
"""Programs that fail in one way each; `q` may make the model fail first."""

import sglc as sgl

PROGRAMS = []


def program(function):
    made = sgl.function(function)
    PROGRAMS.append(made)
    return made


def helper(s, depth):
    if depth:
        return helper(s, depth - 1)
    s += "helped" + sgl.gen("helped")
    return s["helped"] + s["missing"]


def divide(a, b):
    return (a
            / b)


class Loud:
    def __format__(self, spec):
        raise ValueError(f"no format {spec!r}")

    def __radd__(self, other):
        raise TypeError("no addition")


@program
def in_a_long_text(s, q):
    s += q + sgl.gen("a")
    s += (
        "one"
        + s["a"]
        + str(divide(1, 0))
        + sgl.gen("b")
    )


@program
def in_a_helper(s, q):
    s += q
    said = helper(s, 2)
    s += said


@program
def missing_variable(s, q):
    s += q + sgl.gen("a")
    s += "a " + s["a"] + " b " + s["b"]


@program
def missing_in_text(s, q):
    s += q + sgl.gen("a")
    s += f"{s['a']} and {s['b']}"


@program
def fork_out_of_range(s, q):
    forks = s.fork(2)
    for i, f in enumerate(forks):
        f += q + sgl.gen("a")
    s += forks[0]["a"] + forks[2]["a"]


@program
def failed_branch(s, q):
    forks = s.fork(3)
    for i, f in enumerate(forks):
        f += f"{q if i == 1 else ''}{i}" + sgl.gen("a")
    for i in range(3):
        s += f"Tip {i}: " + forks[i]["a"]
    s += sgl.gen("end")


@program
def comprehension(s, q):
    s += q + sgl.gen("a")
    return [divide(i, len(s["a"]) * 0) for i in range(3)]


@program
def generator(s, q):
    s += q + sgl.gen("a")
    return sum(divide(i, 0) for i in range(2) if s["a"])


@program
def in_a_lambda(s, q):
    s += q + sgl.gen("a")
    return sorted(s["a"], key=lambda c: divide(1, c == c and 0))


@program
def nested_function(s, q):
    def inner():
        def innermost():
            return s["none"]

        return innermost()

    s += q + sgl.gen("a")
    s += s["a"] + inner()


@program
def with_cause(s, q):
    s += q + sgl.gen("a")
    try:
        int(s["a"])
    except ValueError as error:
        raise LookupError("instead") from error


@program
def with_context(s, q):
    s += q + sgl.gen("a")
    try:
        divide(1, 0)
    except ZeroDivisionError:
        s += s["not there"]


@program
def without_context(s, q):
    s += q + sgl.gen("a")
    try:
        int(s["a"])
    except ValueError:
        raise LookupError("alone") from None


@program
def group(s, q):
    s += q + sgl.gen("a")
    errors = []
    for n in (0, 1):
        try:
            divide(n, 0) if s["a"] else None
        except ZeroDivisionError as error:
            errors.append(error)
    raise ExceptionGroup("both", errors)


@program
def in_a_role(s, q):
    with s.user():
        with s.var_scope("x"):
            s += q + sgl.gen("a")
            s += s["a"] + Loud()


@program
def formatting(s, q):
    s += q + sgl.gen("a")
    s += f"{s['a']}{Loud():>3}"


@program
def bad_pattern(s, q):
    s += q + sgl.gen("a")
    s += "x" + s["a"] + sgl.gen("b", regex="(")


@program
def appended_none(s, q):
    s += q + sgl.gen("a")
    s += None


@program
def added_number(s, q):
    s += q + sgl.gen("a")
    s += "x" + s["a"] + sgl.gen("b") + 3


@program
def unbound_local(s, q):
    s += q + sgl.gen("a")
    if not s["a"]:
        word = "w"
    s += s["a"] + word


@program
def undefined_name(s, q):
    s += q + sgl.gen("a")
    s += s["a"] + undefined


@program
def in_while(s, q):
    n = 3
    while 10 // n:
        s += f"{q}{n}" + sgl.gen("a")
        s += "so " + s["a"]
        n -= 1


@program
def in_match(s, q):
    s += q + sgl.gen("a")
    match s["a"]:
        case str() if divide(1, 0):
            s += "never"


@program
def asserts(s, q):
    s += q + sgl.gen("a")
    assert s["a"] == "never", (
        f"said {len(s['a'])}"
    )


@program
def finally_raises(s, q):
    s += q + sgl.gen("a")
    try:
        divide(1, 0)
    finally:
        s += "x" + s["nope"]


@program
def reraised_later(s, q):
    s += q + sgl.gen("a")
    kept = None
    try:
        divide(2, 0)
    except ZeroDivisionError as error:
        kept = error
    s += "then" + sgl.gen("b")
    if s["b"]:
        raise kept


@program
def inner_program(s, q):
    state = in_a_helper.run("x" + q)
    s += state["helped"]


@program
def recursive(s, q, depth=2):
    s += f"{depth}" + sgl.gen("a")
    if depth == 0:
        s += s["a"] + s["gone"]
    recursive.run(q, depth - 1)
    s += q


@program
def wrong_join(s, q):
    forks = s.fork(2)
    forks += q + sgl.gen("a")
    forks.join("sideways")


@program
def unpacking(s, q):
    s += q + sgl.gen("a")
    first, second, third = s["a"].split()[:1]
    s += first


@program
def system_exit(s, q):
    s += q + sgl.gen("a")
    if s["a"]:
        raise SystemExit(3)
