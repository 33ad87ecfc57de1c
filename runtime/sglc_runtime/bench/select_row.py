"""Choosing between short texts after a cached prefix, over extending it once."""

from __future__ import annotations

import random

from sglc_runtime.bench.embedded_rows import threads_said
from sglc_runtime.bench.engine_side import EngineSide
from sglc_runtime.bench.figures import Amount, Figure
from sglc_runtime.bench.lab import Lab, draw
from sglc_runtime.bench.sides import Prompt
from sglc_runtime.bench.turns import take_turns
from sglc_runtime.errors import EngineError
from sglc_runtime.protocol import FlushCache, Generate, Sampling, Score, Scored

PREFIX = 512
CHOICES = 4
TOKENS = 8
ONE = (Generate(Sampling(max_new_tokens=1, temperature=0.0, ignore_eos=True)),)


class Chooser:
    """A prefix that stays cached, and new choices and extensions of it for every call."""

    def __init__(self, side: EngineSide, prefix: Prompt) -> None:
        self._side = side
        self._prefix = prefix
        self._numbers = random.Random(3)
        side.engine.submit([FlushCache()])
        side.finish([side.request(0, prefix, ONE)])

    def select(self) -> float:
        """Seconds to score new choices. Raises EngineError where one is not `TOKENS` long."""
        # Digits are tokens of their own; different first ones share nothing.
        firsts = self._numbers.sample("0123456789", CHOICES)
        texts = tuple(first + self._digits(TOKENS - 1) for first in firsts)
        events, seconds = self._side.finish([self._side.request(0, self._prefix, (Score(texts),))])
        (scored,) = (event for event in events if isinstance(event, Scored))
        if any(len(score.ids) != TOKENS for score in scored.scores):
            raise EngineError("internal", f"the choices {texts} are not {TOKENS} tokens each")
        return seconds

    def extend(self) -> float:
        """Seconds to compute as many new tokens as one choice has, and the logits after them."""
        tail = draw(self._numbers, self._side.info.vocab_size, TOKENS)
        _, seconds = self._side.finish([self._side.request(0, self._prefix + tail, ONE)])
        return seconds

    def _digits(self, count: int) -> str:
        return "".join(self._numbers.choices("0123456789", k=count))


def select(lab: Lab) -> Figure:
    """Seconds of a `select` over those of one extension."""
    shape, settings = lab.settings.large, lab.settings
    prefix = draw(random.Random(4), shape.vocabulary, settings.tokens(PREFIX))
    chooser = Chooser(lab.engine(shape), prefix)
    for warm in (chooser.select, chooser.extend):
        warm()
    sides = {"select": chooser.select, "extend": chooser.extend}
    done = take_turns(sides, settings.rounds())
    select, extend = (done.spread(name, lambda value: 1e3 * value) for name in sides)
    return Figure(
        value=done.ratio("select", "extend", lambda value: value),
        ours=Amount(select.median, "ms"),
        peer=Amount(extend.median, "ms"),
        notes=(
            f"{CHOICES} choices of {TOKENS} tokens that share none, over {TOKENS} new tokens, both"
            f" after {len(prefix)} cached ones, bfloat16, {threads_said(lab.threads(shape))}",
        ),
        partial=done.interrupted,
        detail=dict(done.given),
    )
