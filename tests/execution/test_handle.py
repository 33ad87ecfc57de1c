"""Handles: variables, roles, joins and nested runs, below the user's surface."""

import pytest

from sglc.backends.recording import RecordingBackend
from sglc.execution.pending import Pending
from sglc.execution.seeds import run_seed
from sglc.execution.session import Session
from sglc.language.sampling import DEFAULTS, GenParams

P = GenParams()


def session(**options: object) -> Session:
    return Session(RecordingBackend(**options), DEFAULTS, 5)  # type: ignore[arg-type]


def test_peek_gives_a_pending_until_there_is_a_value() -> None:
    backend = RecordingBackend(hold=2)
    handle = Session(backend, DEFAULTS, 5).root()
    handle.gen("x", P)
    peeked = handle.peek("x")
    assert isinstance(peeked, Pending)
    backend.release()
    peeked.result(5)
    assert handle.peek("x") == peeked.result()
    handle.set("x", 3)
    assert handle.peek("x") == handle.read("x") == 3
    assert handle.has("x")
    assert not handle.has("y")
    with pytest.raises(KeyError):
        handle.peek("y")


def test_roots_get_the_seeds_of_their_places() -> None:
    run = session()
    first, second = run.root(), run.root()
    nested = [run.root(caller=first), run.root(caller=first)]
    child = first.fork(2)[1]
    deep = run.root(caller=child)
    assert first.seed == 5
    assert second.seed == run_seed(5, (), 0)
    assert [n.seed for n in nested] == [run_seed(5, (), 0), run_seed(5, (), 1)]
    assert deep.seed == run_seed(5, (0, 1), 0)
    assert [n.label for n in nested] == ["root>0", "root>1"]
    assert deep.label == "root/0.1>0"


def test_concatenating_join_appends_what_children_added_in_order() -> None:
    run = session(rules={"q0": "A", "q1": "B"})
    parent = run.root()
    parent.text(["P:"])
    children = parent.fork(2)
    for i, child in reversed(list(enumerate(children))):
        child.text([f"q{i}="])
        child.gen("x", P)
    parent.join(children, "concate_and_append")
    parent.text(["!"])
    assert parent.current_text().result(5) == "P:q0=Aq1=B!"
    assert not parent.has("x")


def test_concatenating_join_of_a_failed_child_poisons() -> None:
    run = session(failures={"bad": RuntimeError("boom")})
    parent = run.root()
    child = parent.fork(1)[0]
    child.text(["bad"])
    child.gen("x", P)
    parent.join([child], "concate_and_append")
    with pytest.raises(RuntimeError, match="boom"):
        parent.current_text().result(5)


def test_unknown_join_mode() -> None:
    parent = session().root()
    with pytest.raises(ValueError, match="Invalid join mode"):
        parent.join(parent.fork(1), "other")


def test_unbalanced_roles_poison() -> None:
    nested = session().root()
    nested.role_begin("user")
    nested.role_begin("assistant")
    assert isinstance(nested.error().result(5), AssertionError)
    closed = session().root()
    closed.role_end("user", ("f.py", 3))
    error = closed.error().result(5)
    assert isinstance(error, AssertionError)
    assert error.__notes__ == ["at f.py:3"]


def test_size_of_a_fork_is_checked() -> None:
    with pytest.raises(AssertionError, match="size"):
        session().root().fork(0)


def test_usage_sums_over_forks_and_calls() -> None:
    run = session()
    parent = run.root()
    parent.text(["one two"])
    for child in parent.fork(2):
        child.gen("x", P)
        child.read("x")
    nested = run.root(caller=parent)
    nested.text(["three"])
    nested.gen("y", P)
    nested.read("y")
    assert run.usage["prompt_tokens"] == 2 + 2 + 1
    assert run.usage["completion_tokens"] > 2
