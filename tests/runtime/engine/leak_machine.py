"""
Random operations on a real engine, with every page accounted for after each.

`LeakMachine` holds a small engine that is always short of something: slots, places, rows. Its
operations are what a client, a clock and a broken model can do to it. `check` compares the pool
with everybody who may hold a part of it, and requests with the events they have given.
"""

from __future__ import annotations

import io
from collections import Counter
from contextlib import redirect_stderr
from dataclasses import dataclass
from random import Random
from typing import get_args

from sglc_runtime.config import EngineConfig
from sglc_runtime.engine import EngineLoop
from sglc_runtime.protocol import (
    Append,
    Cancel,
    Done,
    Event,
    Failed,
    FlushCache,
    Generate,
    Ids,
    Sampling,
    Score,
    Segment,
    Step,
    Submit,
    Text,
    Unpin,
    Warm,
)
from sglc_runtime.queueing import Policy
from sglc_runtime.speculation.speculation import Speculation
from sglc_runtime.start import start_engine
from tests.runtime.engine.driving import checkpoint
from tests.runtime.engine.late_executor import make_late
from tests.runtime.speculation.speculating import LOOKUPS

WORDS = ("The ", "capital", " of", " France", "é", "\n\n", " is a sunny day. ", "It", " 23")
SHARED = "The quick brown fox jumps over the lazy dog. It is a sunny day. "
SLOTS = (90, 130, 400)
PATTERNS = (None, None, None, None, "[a-z]{2,9}", "(yes|no)")


@dataclass
class Clock:
    """Time that an operation moves."""

    now: float = 0.0

    def __call__(self) -> float:
        return self.now


class Breaking:
    """A model that can be told to fail in its next pass."""

    def __init__(self, engine: EngineLoop) -> None:
        self.inner = engine.model
        self.spec = engine.model.spec
        self.error: Exception | None = None

    def forward(self, *args: object) -> object:
        """As the model's; raises what was asked for, once."""
        error, self.error = self.error, None
        if error is not None:
            raise error
        return self.inner.forward(*args)  # type: ignore[arg-type]


OPERATIONS = {
    "step": 40,
    "steps": 8,
    "submit": 14,
    "fork": 4,
    "score": 4,
    "warm": 3,
    "pin": 2,
    "unpin": 2,
    "cancel": 5,
    "expire": 3,
    "flush": 2,
    "evict": 2,
    "too_large": 2,
    "fail": 1,
    "interrupt": 1,
}
"""Methods of `LeakMachine` and how often each comes, relative to the others."""


class LeakMachine:
    """One engine, the ids that are open in it, and a count of what was done."""

    def __init__(self, seed: int) -> None:
        self.random = Random(seed)
        self.slots = self.random.choice(SLOTS)
        config = EngineConfig(
            model=str(checkpoint()),
            kv_slots=self.slots,
            max_running=self.random.choice((2, 5, 16)),
            max_waiting=self.random.choice((None, 6)),
            chunk_tokens=self.random.choice((3, 17, 128)),
            eviction=self.random.choice(("next_use", "lru")),  # type: ignore[arg-type]
            disable_radix_cache=self.random.random() < 0.2,
            schedule_policy=self.random.choice(get_args(Policy)),
            threads=1,
        )
        self.engine, _ = start_engine(config)
        if self.random.random() < 0.4:
            self.engine.speculation = Speculation(self.engine.cache, LOOKUPS, always=4)
        if self.random.random() < 0.6:
            make_late(self.engine, slow=self.random.random() < 0.5)
        self.clock = Clock()
        self.engine.lifecycle.clock = self.clock
        self.model = Breaking(self.engine)
        self.engine.model = self.model  # type: ignore[assignment]
        self.open: set[int] = set()
        self.pinned: set[int] = set()
        self.counts: Counter[str] = Counter()
        self._next = 0

    def operate(self, name: str, seed: int) -> None:
        """One operation, whose details follow from `seed`, and the check after it."""
        self.random.seed(seed)
        self.counts[name] += 1
        getattr(self, name)()
        self.check()

    def finish(self) -> None:
        """Run out; afterwards nothing may be left that anything holds."""
        while self.engine.step():
            self.check()
        self.engine.submit([Unpin(number) for number in sorted(self.pinned)])
        self.pinned.clear()
        self.engine.submit([FlushCache()])
        self.check()
        assert not self.open, "requests without an end"
        assert not self.engine.requests
        assert not self.engine.admission.unstarted
        assert self.engine.cache.allocator.free == self.slots, "slots leaked"
        assert self.engine.cache.tree.count == 0

    def check(self) -> None:
        """Every slot has one owner, every lock a holder, every request one end."""
        engine = self.engine
        engine.check_integrity()
        for event in engine.take_events():
            self._ended(event)
        assert set(engine.requests) == self.open, "requests and their events disagree"
        assert engine.admission.unstarted <= self.open
        lost = {number for number in self.pinned if number not in engine.cache.pins}
        assert not lost, "a pin was lost"

    # --- operations -----------------------------------------------------------------------------

    def step(self) -> None:
        """One pass."""
        self.engine.step()

    def steps(self) -> None:
        """Several passes."""
        for _ in range(self.random.randint(2, 12)):
            self.engine.step()
            self.engine.check_integrity()

    def submit(self) -> None:
        """A chain of any steps."""
        steps = [self._step() for _ in range(self.random.randint(1, 3))]
        self._submit(tuple(steps))

    def fork(self) -> None:
        """Several samples of one prompt."""
        self._submit((Generate(self._sampling(self.random.randint(2, 6)), self._next),))

    def score(self) -> None:
        """Choices, with a first step or without."""
        self._submit((self._score(),))

    def warm(self) -> None:
        """A prefix computed early, with hints."""
        uses = self.random.randint(0, 3)
        after = self.random.choice((None, 0, 5))
        self._open(Warm(self._number(), self._prefix(), uses, after))

    def pin(self) -> None:
        """A prefix that stays."""
        self._open(Warm(self._number(), self._prefix(), pin=True))

    def unpin(self) -> None:
        """Let go of a pinned prefix, or of one that will be."""
        known = sorted(self.pinned | self.open)
        if known:
            number = self.random.choice(known)
            self.engine.submit([Unpin(number)])
            self.pinned.discard(number)

    def cancel(self) -> None:
        """End a request, known or not."""
        self.engine.submit([Cancel(self.random.choice([*sorted(self.open), 10**9]))])

    def expire(self) -> None:
        """Let time pass."""
        self.clock.now += self.random.choice((0.1, 1.0))

    def flush(self) -> None:
        """Empty the cache of what nobody uses."""
        self.engine.submit([FlushCache()])

    def evict(self) -> None:
        """Evict some of it."""
        self.engine.cache.tree.evict(self.random.randint(1, 40))

    def too_large(self) -> None:
        """What cannot fit into the pool, or grows until it does not."""
        if self.random.random() < 0.5:
            self._open(Submit(self._number(), (Text(SHARED * 40),), (Generate(self._sampling()),)))
        else:
            long = Sampling(max_new_tokens=300, temperature=0.0, ignore_eos=True)
            self._open(Submit(self._number(), (Text("It"),), (Generate(long),)))

    def fail(self) -> None:
        """A pass that breaks, or runs out of memory, half-way."""
        self._break(self.random.choice((RuntimeError("broken"), MemoryError("no room"))))

    def interrupt(self) -> None:
        """Ctrl-C in the middle of a pass."""
        accepting = self.engine.accepting
        hooks = accepting.take, accepting.take_tokens

        def take(*args: object) -> None:
            raise KeyboardInterrupt

        accepting.take = accepting.take_tokens = take  # type: ignore[method-assign]
        try:
            self.engine.step()
        except KeyboardInterrupt:
            self.pinned.clear()
        finally:
            accepting.take, accepting.take_tokens = hooks  # type: ignore[method-assign]

    # --- their parts ----------------------------------------------------------------------------

    def _break(self, error: Exception) -> None:
        self.model.error = error
        with redirect_stderr(io.StringIO()):
            self.engine.step()
        if self.model.error is None:
            self.pinned.clear()
        self.model.error = None

    def _ended(self, event: Event) -> None:
        if isinstance(event, Done | Failed):
            assert event.id in self.open, "an end that nobody waits for"
            self.open.discard(event.id)
            if isinstance(event, Failed):
                self.counts[f"failed: {event.kind}"] += 1
                assert event.kind != "internal" or "broken" in event.message, event.message
            elif event.id in self.engine.cache.pins:
                self.pinned.add(event.id)

    def _number(self) -> int:
        self._next += 1
        return self._next

    def _submit(self, steps: tuple[Step, ...]) -> None:
        random = self.random
        self._open(
            Submit(
                self._number(),
                self._prefix(),
                steps,
                stream=random.random() < 0.3,
                priority=random.choice((0, 0, 0, 1, 2)),
                deadline=random.choice((None, None, None, 0.5, 2.0)),
                uses=random.choice((0, 0, 2)),
                next_use=random.choice((None, 3)),
            )
        )

    def _open(self, command: Submit | Warm) -> None:
        self.open.add(command.id)
        self.engine.submit([command])

    def _prefix(self) -> tuple[Segment, ...]:
        random = self.random
        shared = SHARED[: random.choice((0, 20, 45, len(SHARED)))]
        parts: list[Segment] = [Text("It" + shared + self._text())]
        if random.random() < 0.3:
            parts.append(Ids(tuple(random.randint(4, 12) for _ in range(random.randint(1, 8)))))
        return tuple(parts)

    def _text(self) -> str:
        return "".join(self.random.choices(WORDS, k=self.random.randint(0, 6)))

    def _sampling(self, n: int = 1) -> Sampling:
        random = self.random
        return Sampling(
            max_new_tokens=random.choice((0, 1, 5, 14)),
            n=n,
            temperature=random.choice((0.0, 0.8)),
            ignore_eos=random.random() < 0.5,
            stop=random.choice(((), (), ("e", "is"))),
            regex=random.choice(PATTERNS),
            prompt_logprobs_from=random.choice((None, None, 0, 5)),
        )

    def _score(self) -> Score:
        choices = self.random.choice(((" yes", " no"), ("a", "a b", "a b c", SHARED[:30])))
        method = self.random.choice(
            ("token_length_normalized", "unconditional_likelihood_normalized")
        )
        return Score(choices, method)  # type: ignore[arg-type]

    def _step(self) -> Step:
        kind = self.random.random()
        if kind < 0.2:
            return Append(self._text())
        return self._score() if kind < 0.35 else Generate(self._sampling(), self._next)
