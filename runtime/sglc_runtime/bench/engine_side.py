"""The engine in this process, given ids."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from time import perf_counter

from torch import Tensor

from sglc_runtime.bench.sides import Prompt, Told
from sglc_runtime.engine import EngineLoop
from sglc_runtime.errors import EngineError
from sglc_runtime.protocol import (
    EngineInfo,
    Event,
    Failed,
    FlushCache,
    Generate,
    Generated,
    Ids,
    Sampling,
    Step,
    Submit,
)


class EngineSide:
    """Drives an engine on this thread. Raises EngineError for a request that fails."""

    def __init__(self, engine: EngineLoop, info: EngineInfo) -> None:
        self.engine = engine
        self.info = info
        self.head = list(engine.context.encode("", True))
        """What the engine puts in front of every path; prompts have to begin with it."""

    def run(self, prompts: Sequence[Prompt], new: int) -> Told:
        """Continue all prompts together, with an empty cache."""
        engine = self.engine
        steps = (Generate(Sampling(max_new_tokens=new, temperature=0.0, ignore_eos=True)),)
        engine.submit([FlushCache()])
        wanted = engine.stats().completion_tokens + len(prompts)
        began = perf_counter()
        engine.submit(self.request(number, ids, steps) for number, ids in enumerate(prompts))
        first = 0.0
        events: list[Event] = []
        while engine.step():
            events += engine.take_events()
            if not first and engine.stats().completion_tokens >= wanted:
                first = perf_counter() - began
        whole = perf_counter() - began
        found = {event.id: event for event in checked(events) if isinstance(event, Generated)}
        ids = [list(found[number].samples[0].ids) for number in range(len(prompts))]
        return Told(ids, first, whole)

    def finish(self, commands: Iterable[Submit]) -> tuple[list[Event], float]:
        """Run requests with what is cached; their events, and the seconds they took."""
        began = perf_counter()
        self.engine.submit(commands)
        events: list[Event] = []
        while self.engine.step():
            events += self.engine.take_events()
        return checked(events), perf_counter() - began

    def request(self, number: int, prompt: Prompt, steps: tuple[Step, ...]) -> Submit:
        """A request whose path begins with exactly `prompt`."""
        return Submit(number, (Ids(tuple(prompt[len(self.head) :])),), steps)

    def watched(
        self, prompts: Sequence[Prompt], new: int, see: Callable[[int, int, Tensor], None]
    ) -> Told:
        """Like `run`; `see(prompt, token, logits)` gets the row each token is chosen from."""
        seen = [0] * len(prompts)

        def hook(request: int, step: int, sample: int, position: int, row: Tensor) -> None:
            see(request, seen[request], row)
            seen[request] += 1

        self.engine.on_logits = hook
        try:
            return self.run(prompts, new)
        finally:
            self.engine.on_logits = None


def checked(events: list[Event]) -> list[Event]:
    """The events; raises EngineError for the first request that failed."""
    for event in events:
        if isinstance(event, Failed):
            raise EngineError("internal", f"a request failed: {event.message}")
    return events
