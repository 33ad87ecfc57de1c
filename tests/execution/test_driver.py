"""The driver: chains, batches, overlap, poison, turns, strands, cancelling."""

import threading
from collections.abc import Generator
from typing import Any

import pytest

from sglc.backends.recording import RecordingBackend
from sglc.execution.driver import Driver
from sglc.execution.errors import GenerationError, is_generation_error
from sglc.execution.handle import Handle
from sglc.execution.pending import Pending
from sglc.execution.session import ExecOptions, Session
from sglc.language.sampling import DEFAULTS, GenParams

P = GenParams()


def root(backend: RecordingBackend, **options: bool) -> Handle:
    return Session(backend, DEFAULTS, 1, options=ExecOptions(**options)).root()


def hold_driver() -> threading.Event:
    """Keep the driver busy until the event is set, so that what is appended comes together."""
    event, entered = threading.Event(), threading.Event()

    def wait() -> None:
        entered.set()
        event.wait(10)

    Driver.get().post(wait)
    entered.wait(10)
    return event


def test_contiguous_steps_of_one_state_are_one_chain() -> None:
    backend = RecordingBackend()
    release = hold_driver()
    handle = root(backend)
    handle.text(["a"])
    handle.gen("x", P)
    handle.text(["b"])
    handle.gen("y", P)
    handle.select("z", ["yes", "no"])
    handle.text(["end"])
    release.set()
    text = handle.current_text().result(5)
    assert text == f"a{handle.read('x')}b{handle.read('y')}{handle.read('z')}end"
    assert [call.chain for call in backend.calls] == [backend.calls[0].chain] * 3
    assert backend.calls[1].prompt == f"a{handle.read('x')}b"


def test_a_pending_text_of_another_state_ends_the_chain() -> None:
    backend = RecordingBackend()
    release = hold_driver()
    one, two = root(backend), root(backend)
    one.text(["1"])
    value = one.gen("v", P)
    two.text(["2"])
    two.gen("w", P)
    two.text([value])
    two.gen("u", P)
    release.set()
    two.read("u")
    chains = {call.prompt[:1] + str(call.step.name): call.chain for call in backend.calls}
    assert chains["2w"] != chains["2u"]
    assert backend.calls[-1].prompt == f"2{two.read('w')}{one.read('v')}"


def test_ready_states_reach_the_backend_in_one_submit() -> None:
    backend = RecordingBackend()
    release = hold_driver()
    handles = [root(backend) for _ in range(5)]
    for i, handle in enumerate(handles):
        handle.text([f"prompt {i}"])
        handle.gen("x", P)
    release.set()
    for handle in handles:
        handle.read("x")
    assert backend.submits == 1
    assert {call.batch for call in backend.calls} == {1}


def test_independent_states_overlap() -> None:
    # Nothing is answered before four calls are in flight: a serial driver would never finish.
    backend = RecordingBackend(hold=4)
    parent = root(backend)
    parent.text(["q"])
    children = parent.fork(4)
    for i, child in enumerate(children):
        child.text([str(i)])
        child.gen("x", P)
    assert len({child.vars["x"].result(10) for child in children}) == 4
    assert backend.most_in_flight == 4


def test_siblings_take_turns_without_parallel() -> None:
    backend = RecordingBackend(delay=0.002)
    parent = root(backend)
    parent.text(["q"])
    children = parent.fork(3, parallel=False)
    for child in children:
        child.text([child.label])
        child.gen("x", P)
        grandchildren = child.fork(2)
        for grandchild in grandchildren:
            grandchild.gen("y", P)
    for child in children:
        child.settled().result(10)
    parent.join(children)
    parent.read("x")
    assert backend.most_in_flight == 1
    first = [call.label for call in backend.calls if call.step.name == "x"]
    assert first[0] == "root/0.0"


def test_exec_options_turn_forks_serial() -> None:
    backend = RecordingBackend(delay=0.002)
    parent = root(backend, parallel=False)
    children = parent.fork(3)
    for child in children:
        child.gen("x", P)
    for child in children:
        child.read("x")
    assert backend.most_in_flight == 1


def test_fork_warms_the_prefix_only_when_hoisting() -> None:
    for hoist in (True, False):
        backend = RecordingBackend()
        parent = root(backend, hoist=hoist)
        parent.text(["shared"])
        for i, child in enumerate(parent.fork(2, common=" so ")):
            child.text([f" so {i}"])
            child.gen("x", P)
            child.read("x")
        assert backend.warmups == (["shared so "] if hoist else [])


def test_fork_of_one_and_of_nothing_warm_nothing() -> None:
    backend = RecordingBackend()
    parent = root(backend)
    parent.fork(3)
    parent.text(["x"])
    parent.fork(1)
    parent.gen("x", P)
    parent.read("x")
    assert backend.warmups == []


def test_a_failure_poisons_what_follows_and_nothing_before() -> None:
    boom = ValueError("boom")
    backend = RecordingBackend(failures={"bad": boom})
    handle = root(backend)
    handle.text(["fine"])
    handle.gen("ok", P)
    early = handle.fork(1)[0]
    handle.text(["bad"])
    handle.gen("no", P, ("prog.py", 12))
    late = handle.fork(1)[0]
    late.text(["more"])
    late.gen("child", P)
    handle.text(["later"])
    handle.gen("later", P)
    early.gen("fine", P)

    assert handle.error().result(5) is boom
    assert handle.read("ok")
    assert early.read("fine")
    assert early.error().result(5) is None
    for where, name in ((handle, "no"), (handle, "later"), (late, "child")):
        with pytest.raises(ValueError, match="boom") as caught:
            where.read(name)
        assert caught.value is boom
    assert boom.__notes__ == ["in gen('no') at prog.py:12"]
    assert is_generation_error(boom)
    with pytest.raises(ValueError, match="boom"):
        handle.current_text().result(5)
    handle.settled().result(5)
    assert [call.step.name for call in backend.calls if "bad" in call.prompt] == ["no"]


def test_a_poisoned_value_poisons_the_state_that_takes_it() -> None:
    backend = RecordingBackend(failures={"^bad": RuntimeError("x")})
    one, two = root(backend), root(backend)
    one.text(["bad"])
    value = one.gen("v", P)
    two.text(["a", value])
    two.gen("w", P)
    with pytest.raises(RuntimeError, match="x"):
        two.read("w")


def test_appending_after_a_failure_fails_at_once() -> None:
    backend = RecordingBackend(failures={"bad": RuntimeError("x")})
    handle = root(backend)
    handle.text(["bad"])
    handle.gen("v", P)
    handle.settled().result(5)
    handle.gen("w", P)
    with pytest.raises(RuntimeError, match="x"):
        handle.read("w")


def test_text_of_a_wrong_type_poisons() -> None:
    handle = root(RecordingBackend())
    handle.text(["a", Pending.of(3)])  # type: ignore[list-item]
    assert isinstance(handle.error().result(5), TypeError)


def test_a_backend_that_cannot_submit_fails_its_chains() -> None:
    class Broken(RecordingBackend):
        def submit(self, work: Any, sink: Any) -> None:
            raise OSError("no connection")

    handle = root(Broken())
    handle.gen("x", P)
    with pytest.raises(OSError, match="no connection"):
        handle.read("x")


def test_chains_of_thousands_of_steps_do_not_recurse() -> None:
    backend = RecordingBackend(rules={"": "."})
    release = hold_driver()
    handle = root(backend)
    for _ in range(3000):
        handle.gen("x", P)
        handle.text(["-"])
    release.set()
    assert handle.current_text().result(30) == ".-" * 3000


def test_deep_chains_of_dependent_states_do_not_recurse() -> None:
    backend = RecordingBackend(rules={"": "."})
    handle = root(backend)
    handle.gen("x", P)
    value: Any = handle.vars["x"]
    for _ in range(2000):
        handle = root(backend)
        handle.text([value])
        value = handle.gen("x", P)
    assert value.result(30) == "."


def test_cancel_fails_what_is_under_way_and_what_waits() -> None:
    backend = RecordingBackend(hold=99)
    handle = root(backend)
    handle.text(["a"])
    handle.gen("x", P)
    children = handle.fork(2, parallel=False)
    other = root(backend)
    other.text(["b"])
    other.gen("y", P)
    for child in children:
        child.gen("c", P)
    while len(backend.calls) < 2:
        pass
    handle.session.cancel()
    for where, name in ((handle, "x"), (children[0], "c"), (children[1], "c")):
        with pytest.raises(GenerationError, match="cancelled") as caught:
            where.read(name)
        assert caught.value.kind == "cancelled"
    handle.gen("late", P)
    with pytest.raises(GenerationError):
        handle.read("late")
    backend.release()
    assert other.read("y")


def test_strands_wait_without_threads() -> None:
    backend = RecordingBackend(hold=50)
    session = Session(backend, DEFAULTS, 1)
    before = threading.active_count()

    def strand(i: int) -> Generator[Pending[Any], Any, str]:
        handle = session.root()
        handle.text([f"row {i}"])
        first = yield handle.gen("x", P)
        backend.hold = 0
        handle.text(["then"])
        second = yield handle.gen("y", P)
        return f"{first}|{second}"

    results = [Driver.get().spawn(strand(i)) for i in range(50)]
    assert len({r.result(10) for r in results}) == 50
    assert threading.active_count() <= before + 1


def test_strands_get_failures_thrown_in() -> None:
    session = Session(RecordingBackend(failures={"bad": KeyError("k")}), DEFAULTS, 1)

    def strand() -> Generator[Pending[Any], Any, str]:
        handle = session.root()
        handle.text(["bad"])
        try:
            yield handle.gen("x", P)
        except KeyError:
            return "caught"
        return "not raised"

    def loud() -> Generator[Pending[Any], Any, str]:
        yield Pending.of(1)
        raise ZeroDivisionError

    assert Driver.get().spawn(strand()).result(5) == "caught"
    with pytest.raises(ZeroDivisionError):
        Driver.get().spawn(loud()).result(5)


def test_strands_do_not_recurse_over_values_that_are_there() -> None:
    def strand() -> Generator[Pending[Any], Any, int]:
        total = 0
        for _ in range(5000):
            total += yield Pending.of(1)
        return total

    assert Driver.get().spawn(strand()).result(10) == 5000


def test_keys_depend_on_place_and_not_on_time() -> None:
    def keys(delay: float) -> dict[tuple[str, int], int]:
        backend = RecordingBackend(delay=delay)
        parent = root(backend)
        parent.gen("a", P)
        children = parent.fork(2)
        for child in reversed(children) if delay else children:
            child.gen("b", P)
            child.gen("c", P)
        parent.gen("d", P)
        for handle in (*children, parent):
            handle.settled().result(5)
        found: dict[tuple[str, int], int] = {}
        for call in backend.calls:
            found[call.label, sum(k[0] == call.label for k in found)] = call.step.key
        return found

    assert keys(0) == keys(0.001)
    assert len(set(keys(0).values())) == 6
