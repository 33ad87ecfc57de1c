"""Random graphs against a reference that does one thing after the other."""

from __future__ import annotations

import hashlib
import random
from dataclasses import dataclass, field
from typing import Any

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from sglc.backends.recording import RecordingBackend
from sglc.execution.handle import Handle
from sglc.execution.session import ExecOptions, Session
from sglc.language.sampling import DEFAULTS, GenParams


class Boom(Exception):
    """The backend's failure."""


def said(prompt: str) -> str:
    return "<" + hashlib.sha256(prompt.encode()).hexdigest()[:4] + ">"


@dataclass
class Reference:
    """A state of the obvious interpreter. None stands for a poisoned text or value."""

    label: str
    text: str | None = ""
    base: int = 0
    vars: dict[str, Any] = field(default_factory=dict)
    prompts: list[str] = field(default_factory=list)
    forks: int = 0

    def add(self, text: str | None) -> None:
        self.text = None if text is None or self.text is None else self.text + text

    def gen(self, name: str) -> None:
        if self.text is not None:
            self.prompts.append(self.text)
        value = None if self.text is None or "!" in self.text else said(self.text)
        self.vars[name] = value
        self.add(value)


Script = list[tuple[str, int, int, int]]
ops = st.tuples(
    st.sampled_from(["text", "text", "gen", "gen", "take", "fork", "join", "concat", "bad"]),
    st.integers(0, 30),
    st.integers(0, 30),
    st.integers(0, 30),
)


def execute(script: Script, root: Handle) -> tuple[list[Handle], list[Reference]]:
    """Apply a script to live handles and to references alike."""
    live, reference = [root], [Reference(root.label)]
    groups: list[tuple[int, list[int]]] = []
    for kind, a, b, c in script:
        at = a % len(live)
        handle, ref = live[at], reference[at]
        if kind == "text":
            handle.text([f"t{b} "])
            ref.add(f"t{b} ")
        elif kind == "bad" and c % 4 == 0:
            handle.text(["!"])
            ref.add("!")
        elif kind == "gen":
            handle.gen(f"v{b % 3}", GenParams())
            ref.gen(f"v{b % 3}")
        elif kind == "take":
            other = b % len(live)
            names = sorted(n for n, v in reference[other].vars.items() if not isinstance(v, list))
            if names:
                name = names[c % len(names)]
                handle.text(["(", handle_value(live[other], name), ")"])
                value = reference[other].vars[name]
                ref.add(None if value is None else f"({value})")
        elif kind == "fork" and len(live) < 40:
            children = handle.fork(1 + b % 3, parallel=c % 3 != 0)
            indices = []
            for i, child in enumerate(children):
                indices.append(len(live))
                live.append(child)
                reference.append(
                    Reference(
                        f"{ref.label}/{ref.forks}.{i}",
                        ref.text,
                        len(ref.text or ""),
                        dict(ref.vars),
                    )
                )
            ref.forks += 1
            groups.append((at, indices))
        elif kind in ("join", "concat") and groups:
            parent, members = groups[b % len(groups)]
            target = reference[parent]
            if kind == "join":
                live[parent].join([live[i] for i in members])
                known = set(target.vars)
                for i in members:
                    for name in reference[i].vars:
                        if name not in known and name not in target.vars:
                            values = [
                                reference[j].vars[name]
                                for j in members
                                if name in reference[j].vars
                            ]
                            target.vars[name] = values
            else:
                live[parent].join([live[i] for i in members], "concate_and_append")
                for i in members:
                    text = reference[i].text
                    # A child forked from a poisoned state has no text of its own either.
                    target.add(None if text is None else text[reference[i].base :])
    return live, reference


def handle_value(handle: Handle, name: str) -> Any:
    return handle.peek(name)


def flat(value: Any) -> Any:
    """What reading gives: None where some part of it is poisoned."""
    if isinstance(value, list):
        parts = [flat(v) for v in value]
        return None if None in parts else parts
    return value


def read(handle: Handle, name: str) -> Any:
    try:
        return handle.read(name)
    except Boom:
        return None


@settings(
    max_examples=300, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(st.lists(ops, max_size=40), st.integers(0, 3), st.booleans())
def test_any_graph_means_what_the_reference_says(script: Script, pace: int, parallel: bool) -> None:
    clock = random.Random(0)
    backend = RecordingBackend(
        rules={"": said},
        failures={"!": Boom("boom")},
        delay=(lambda _: clock.choice([0, 0, 0.0005])) if pace == 0 else 0.0,
    )
    options = ExecOptions(parallel=parallel, hoist=pace != 1)
    root = Session(backend, DEFAULTS, 3, options=options).root()
    live, reference = execute(script, root)
    for handle, ref in zip(live, reference, strict=True):
        assert handle.label == ref.label
        text = handle.current_text()
        try:
            assert text.result(20) == ref.text
        except Boom:
            assert ref.text is None
        assert (handle.error().result(20) is None) == (ref.text is not None)
        assert set(handle.vars) == set(ref.vars)
        for name, value in ref.vars.items():
            assert read(handle, name) == flat(value)
    assert backend.prompts == {r.label: r.prompts for r in reference if r.prompts}
    assert not backend._flying


def test_the_reference_notices_a_wrong_prompt() -> None:
    handle = Session(RecordingBackend(rules={"": said}), DEFAULTS, 3).root()
    live, reference = execute([("text", 0, 1, 0), ("gen", 0, 0, 0)], handle)
    live[0].text(["more"])
    assert live[0].current_text().result(5) != reference[0].text
