"""No page is lost, whatever is done to an engine in whatever order."""

from __future__ import annotations

from collections import Counter
from typing import ClassVar

from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, rule

from tests.runtime.engine.leak_machine import OPERATIONS, LeakMachine

NAMES = [name for name, weight in OPERATIONS.items() for _ in range(weight)]
SEEDS = st.integers(0, 1 << 32)


class Leaks(RuleBasedStateMachine):
    """`LeakMachine`, driven by hypothesis; `done` counts over all examples."""

    done: ClassVar[Counter[str]] = Counter()

    @initialize(seed=SEEDS)
    def start(self, seed: int) -> None:
        self.machine = LeakMachine(seed)

    @rule(name=st.sampled_from(NAMES), seed=SEEDS)
    def operate(self, name: str, seed: int) -> None:
        self.machine.operate(name, seed)

    def teardown(self) -> None:
        if hasattr(self, "machine"):
            self.machine.finish()
            type(self).done.update(self.machine.counts)
            type(self).done["examples"] += 1


Leaks.TestCase.settings = settings(
    max_examples=40,
    stateful_step_count=60,
    deadline=None,
    suppress_health_check=list(HealthCheck),
)
TestLeaks = Leaks.TestCase
