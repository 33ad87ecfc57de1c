"""Long conversations: prompts are right, and each turn costs what the first ones do."""

from __future__ import annotations

import sglc as sgl
from sglc.backends.recording import RecordingBackend
from sglc.execution.session import Session
from sglc.execution.versions import LONG, StepVersion, Version
from sglc.language.sampling import DEFAULTS, GenParams


def test_prompts_of_a_long_conversation() -> None:
    backend = RecordingBackend(rules={"": "said"})
    handle = Session(backend, DEFAULTS, 1).root()
    expected = ""
    for turn in range(3 * LONG):
        handle.text([f"[{turn}]"])
        assert handle.gen("x", GenParams()).result(5) == "said"
        expected += f"[{turn}]said"
        if turn % 50 == 49:
            # Forks start in the middle, and the conversation goes on after them.
            forks = handle.fork(3)
            for number, fork in enumerate(forks):
                fork.text([f"<{number}>"])
                for _ in range(2):
                    fork.gen("y", GenParams()).result(5)
            assert [fork.current_text().result(5) for fork in forks] == [
                f"{expected}<{number}>saidsaid" for number in range(3)
            ]
    assert handle.current_text().result(5) == expected
    assert backend.prompts["root"][-1] + "said" == expected
    longest = [prompts for label, prompts in backend.prompts.items() if label != "root"]
    assert all(second == first + "said" for first, second in longest)


def test_only_the_latest_step_of_a_state_keeps_its_prompt() -> None:
    backend = RecordingBackend(rules={"": "said"})
    handle = Session(backend, DEFAULTS, 1).root()
    for _ in range(3 * LONG):
        handle.text(["more"])
        handle.gen("x", GenParams()).result(5)
    kept, node = 0, handle.tip
    parent: Version | None = node
    while parent is not None:
        kept += isinstance(parent, StepVersion) and parent.before is not None
        parent = parent.parent
    assert kept == 1


def test_a_thousand_appends_are_one_text() -> None:
    @sgl.function
    def program(s, n):  # type: ignore[no-untyped-def]
        for i in range(n):
            s += f"<{i}>"
        s += sgl.gen("x")
        return s["x"]

    backend = RecordingBackend()
    for compiled in (True, False):
        state = program.run(1000, backend=backend, compiled=compiled)
        assert state.text().startswith("<0><1>")
        assert state.text().endswith("<999>" + state.ret_value)
    assert [len(prompts) for prompts in backend.prompts.values()] == [2]
