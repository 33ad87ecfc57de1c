"""Fork, copy, join and groups."""

from typing import Any

import pytest

import sglc as sgl
from sglc.backends.recording import RecordingBackend


def run(program: Any, compiled: bool, **kwargs: Any) -> Any:
    return sgl.function(program).run(compiled=compiled, **kwargs)


def test_children_share_the_prefix_and_not_what_follows(
    backend: RecordingBackend, compiled: bool
) -> None:
    def program(s):
        s += "start " + sgl.gen("x")
        forks = s.fork(2)
        for i, f in enumerate(forks):
            f += f" branch {i} " + sgl.gen("y")
        s += " main"
        return [f.text() for f in forks], [f["x"] for f in forks]

    state = run(program, compiled)
    texts, shared = state.ret_value
    head = f"start {state['x']}"
    assert state.text() == head + " main"
    assert [t[: len(head) + 9] for t in texts] == [f"{head} branch 0", f"{head} branch 1"]
    assert shared == [state["x"]] * 2


def test_join_gathers_in_child_order(backend: RecordingBackend, compiled: bool) -> None:
    def program(s):
        s += "q"
        forks = s.fork(3)
        for i in (2, 0, 1):
            forks[i] += str(i) + sgl.gen("x")
            forks[i]["i"] = i
        forks.join()

    state = run(program, compiled)
    assert state["i"] == [0, 1, 2]
    assert len(state["x"]) == 3
    assert state.text() == "q"


def test_a_name_of_the_parent_is_never_gathered(backend: RecordingBackend, compiled: bool) -> None:
    def program(s):
        rounds = []
        for _ in range(2):
            forks = s.fork(2)
            forks += lambda i: f"{i}" + sgl.gen("x")
            forks.join()
            rounds.append(s["x"])
            s += "next"
        return rounds

    first, second = run(program, compiled).ret_value
    assert first == second
    assert len(first) == 2


def test_uneven_joins_are_short_and_warned_about(backend: RecordingBackend, compiled: bool) -> None:
    def program(s):
        forks = s.fork(3)
        forks[0] += sgl.gen("x")
        forks[2] += sgl.gen("x")
        forks.join()
        return s["x"]

    with pytest.warns(UserWarning, match="'x'"):
        state = run(program, compiled)
    assert len(state.ret_value) == 2


def test_join_with_n_gives_lists_of_lists(backend: RecordingBackend, compiled: bool) -> None:
    def program(s):
        forks = s.fork(2)
        forks += sgl.gen("x", n=2)
        forks.join()

    assert [len(x) for x in run(program, compiled)["x"]] == [2, 2]


def test_concatenating_join(backend: RecordingBackend, compiled: bool) -> None:
    def program(s):
        s += "p:"
        forks = s.fork(2)
        for i, f in enumerate(forks):
            f += f"[{i}" + sgl.gen("x") + "]"
        forks.join("concate_and_append")
        s += "end"
        return [f["x"] for f in forks]

    state = run(program, compiled)
    a, b = state.ret_value
    assert state.text() == f"p:[0{a}][1{b}]end"


def test_join_modes_are_checked(backend: RecordingBackend, compiled: bool) -> None:
    def program(s):
        s.fork(2).join("nope")

    with pytest.raises(ValueError, match="Invalid join mode: nope"):
        run(program, compiled)


def test_errors_of_children_stay_there_until_read(
    backend: RecordingBackend, compiled: bool
) -> None:
    backend.failures["bad"] = RuntimeError("boom")

    def program(s):
        forks = s.fork(2)
        forks[0] += "good" + sgl.gen("x")
        forks[1] += "bad" + sgl.gen("x")
        forks.join()
        s += "fine" + sgl.gen("y")
        return [str(f.error()) for f in forks]

    state = run(program, compiled)
    assert state.ret_value == ["None", "boom"]
    assert state.error() is None
    assert state["y"]
    with pytest.raises(RuntimeError, match="boom"):
        state["x"]


def test_meta_information_is_not_inherited(backend: RecordingBackend, compiled: bool) -> None:
    def program(s):
        s += "a" + sgl.gen("x")
        child = s.fork(1)[0]
        return child.get_meta_info("x"), child["x"]

    state = run(program, compiled)
    assert state.ret_value == (None, state["x"])


def test_an_open_role_is_inherited(backend: RecordingBackend, compiled: bool) -> None:
    def program(s):
        s += sgl.user_begin() + "shared "
        forks = s.fork(2)
        for i, f in enumerate(forks):
            before = list(f.messages())
            f += str(i) + sgl.user_end()
            assert before == []
        s += "own" + sgl.user_end()
        return [f.messages() for f in forks]

    state = run(program, compiled)
    assert [m[0]["content"] for m in state.ret_value] == ["shared 0", "shared 1"]
    assert state.messages() == [{"role": "user", "content": "shared own"}]


def test_copy_joins_at_the_end(backend: RecordingBackend, compiled: bool) -> None:
    def program(s):
        s += "a"
        with s.copy() as tmp:
            tmp += "b" + sgl.gen("x")
        return s["x"]

    state = run(program, compiled)
    assert isinstance(state.ret_value, list)
    assert len(state.ret_value) == 1
    assert state.text() == "a"


def test_group_operations(backend: RecordingBackend, compiled: bool) -> None:
    def program(s):
        forks = s.fork(2)
        forks += lambda i: f"{i}"
        forks += sgl.gen("x")
        forks += ["!", "?"]
        forks[0] += "."
        seen = []
        for f in forks:
            seen.append(f.text())
        collected = []
        collected.extend(forks)
        return seen, len(collected)

    seen, count = run(program, compiled).ret_value
    assert count == 2
    assert (seen[0][0], seen[0][-2:]) == ("0", "!.")
    assert (seen[1][0], seen[1][-1]) == ("1", "?")


def test_group_refuses_text(backend: RecordingBackend, compiled: bool) -> None:
    def program(s):
        forks = s.fork(2)
        forks += "text"

    with pytest.raises(ValueError, match="Invalid value: text"):
        run(program, compiled)


def test_forks_of_forks(backend: RecordingBackend, compiled: bool) -> None:
    def program(s):
        s += "r"
        leaves = []
        for i, f in enumerate(s.fork(2)):
            f += str(i) + sgl.gen("x")
            for j, g in enumerate(f.fork(2)):
                g += str(j) + sgl.gen("y")
                leaves.append(g)
        return [leaf.text() for leaf in leaves]

    texts = run(program, compiled).ret_value
    assert len(set(texts)) == 4
    assert sorted(backend.prompts) == [
        "root/0.0",
        "root/0.0/0.0",
        "root/0.0/0.1",
        "root/0.1",
        "root/0.1/0.0",
        "root/0.1/0.1",
    ]


def test_fork_does_not_wait(backend: RecordingBackend, compiled: bool) -> None:
    # All six must be in flight before one is answered; none could be if `fork` waited.
    backend.hold = 6

    def program(s):
        rounds = []
        for r in range(2):
            forks = s.fork(3)
            for i, f in enumerate(forks):
                f += f"{r}{i}" + sgl.gen("x")
            rounds.append(forks)
        return [f["x"] for forks in rounds for f in forks]

    assert len(run(program, compiled).ret_value) == 6
    assert backend.most_in_flight == 6


def test_position_ids_offset_is_accepted(backend: RecordingBackend, compiled: bool) -> None:
    def program(s):
        return len(list(s.fork(2, position_ids_offset=[1, 2])))

    assert run(program, compiled).ret_value == 2


def test_too_few_values_for_a_group(backend: RecordingBackend, compiled: bool) -> None:
    @sgl.function
    def program(s):  # type: ignore[no-untyped-def]
        forks = s.fork(3)
        forks += ["a", "b"]

    with pytest.raises(IndexError, match="2 values for 3 forks"):
        program.run(compiled=compiled)
