"""Programs that random testing found to differ once, made small."""

import sglc as sgl


@sgl.function
def fails_after_text_of_the_same_append(s):
    """Nothing of an append may show before its reads are there."""
    forks = s.fork(1)
    forks[0] += "BOOM" + sgl.gen("a")
    s += sgl.user("shown too early" + forks[0]["a"])


@sgl.function
def fails_in_a_silent_body(s):
    """The failure stands at the read, not where the strand noticed it."""
    s += "BOOM" + sgl.gen("a")
    s += "x" + s["a"]
    s += "y" + sgl.gen("b")


@sgl.function
def poisoned_while_followed(s):
    """A follower must wake when a state fails without a generation."""
    s += "a" + sgl.gen("a")
    if s["a"]:
        s += 3


@sgl.function
def captured_state(s):
    """A closure over the state does not keep it from being compiled."""

    def look():
        return s["a"]

    s += "q" + sgl.gen("a")
    s += "then " + s["a"]
    print(look())


@sgl.function
def branch_under_a_name_that_stood_for_something_else(s, items=("x", "y")):
    """A strand may not read where the name's kind is not certain: it would wait on the driver."""
    for f in list(s.fork(1)):
        f += "b" + sgl.gen("b")
    s += "q" + sgl.gen("b")
    print(s["b"])
    s += sgl.assistant(sgl.gen(name="d"))
    s += f"then {s['b']}"
    forks = s.fork(3)
    for v, f in zip(items, forks):  # noqa: B905
        f += f"beta {f['d']}" + s["d"] + sgl.gen("a", stop=v)


@sgl.function
def fails_before_the_body_raises(s):
    """The body's own exception comes after the failed read, so it is no context of the failure."""
    s += "BOOM" + sgl.gen("a")
    s += s["a"]
    s += sgl.gen(regex="(")


@sgl.function
async def raises_in_its_own_loop(s):
    """Looking for a running loop must not become the context of what the body raises."""
    raise LookupError("alone")


@sgl.function
def branch_counted_by_a_truth_value(s, n=True):
    """`n - 1` is no exact integer arithmetic, so Python itself has to find the branch."""
    forks = s.fork(n)
    s += "q" + sgl.gen("a")
    forks[n - 1] += "then " + s["a"]
    s += forks[n - 1].text()
