"""What each kind of step asks of the model, and the event it ends in."""

from __future__ import annotations

from typing import TYPE_CHECKING

from torch import Tensor

from sglc_runtime.choice_paths import ChoicePath, Want, choice_paths
from sglc_runtime.choices import (
    greedy_token_selection,
    mean,
    token_length_normalized,
    unconditional_likelihood_normalized,
)
from sglc_runtime.errors import RequestError
from sglc_runtime.generation import SampleRun, token_logprob, token_text
from sglc_runtime.protocol import (
    ChoiceScore,
    Delta,
    Event,
    Generate,
    Generated,
    Sample,
    Score,
    Scored,
    TokenLogprob,
    Warm,
)
from sglc_runtime.request import Request
from sglc_runtime.sequence import Order, Sequence

if TYPE_CHECKING:
    from sglc_runtime.context import EngineContext

WARM_ORDER = 1 << 40
"""Prefixes computed early come after everything that somebody waits for."""


class StepRun:
    """A step while it runs. `sequences` are those the engine has not finished with."""

    def __init__(self, request: Request, context: EngineContext) -> None:
        self.request = request
        self.context = context
        self.sequences: list[Sequence] = []
        self.prompt_tokens = len(request.path.ids)
        self.cached_tokens = 0

    @property
    def done(self) -> bool:
        """Every sequence has finished."""
        return not self.sequences

    def start(self) -> list[Sequence]:
        """The first sequences to run."""
        raise NotImplementedError

    def scored(self, sequence: Sequence, position: int, rows: Tensor) -> None:
        """Log probabilities [R, vocab] at `position` and after, where `targets` follow."""
        raise NotImplementedError

    def computed(self, sequence: Sequence, row: Tensor) -> list[Sequence]:
        """A sequence without samples is through; `row` [vocab] are its last logits."""
        raise NotImplementedError

    def event(self) -> Event | None:
        """The step's result; moves the request's path on."""
        raise NotImplementedError

    def _order(self, number: int) -> Order:
        return (-self.request.priority, self.request.id, number)

    def _add(self, sequence: Sequence) -> Sequence:
        sequence.arrival = self.request.arrival
        self.sequences.append(sequence)
        return sequence


class GenerateRun(StepRun):
    """`n` samples after one prompt."""

    def __init__(self, request: Request, context: EngineContext, step: Generate) -> None:
        super().__init__(request, context)
        self.step = step
        self.prompt: list[TokenLogprob] = []
        self.samples: list[SampleRun] = []
        self._first: Sample | None = None

    def start(self) -> list[Sequence]:
        sampling, context = self.step.sampling, self.context
        ids = self.request.path.ids.copy()
        limit = context.generation_limit(len(ids), sampling.max_new_tokens)
        compiled = context.constraint(sampling)
        source = compiled.result() if compiled is not None else None
        self.samples = [
            SampleRun(
                sampling,
                index=index,
                key=self.step.key,
                limit=limit,
                tokenizer=context.tokenizer,
                eos_ids=context.eos_ids,
                vocab_size=context.vocab_size,
                device=context.device,
                prompt=ids,
                constraint=source.copy() if source is not None else None,
                text=context.output_text(sampling, self.request.stream and index == 0),
                spellings=context.spellings,
                jump_forward=context.jump_forward,
            )
            for index in range(sampling.n)
        ]
        sequence = Sequence(self, self._order(0), ids, want_from=len(ids) - 1)
        sequence.samples = self.samples if limit else []
        if sampling.prompt_logprobs_from is not None:
            first = sampling.prompt_logprobs_from
            sequence.targets = ids
            sequence.want_from = min(max(0, first - 1), len(ids) - 1)
            if first == 0:
                text = token_text(context.tokenizer, ids[0])
                self.prompt.append(TokenLogprob(ids[0], text, None))
        return [self._add(sequence)]

    def fork(self, sequence: Sequence, run: SampleRun, tokens: list[int]) -> Sequence:
        """A sequence of its own for a sample other than the first, which keeps `sequence`."""
        ids = [*sequence.ids, *tokens]
        child = Sequence(self, self._order(run.index), ids, len(ids) - 1)
        child.samples = [run]
        return self._add(child)

    def scored(self, sequence: Sequence, position: int, rows: Tensor) -> None:
        top = self.step.sampling.top_logprobs
        for place, row in enumerate(rows):
            token = sequence.ids[position + place + 1]
            self.prompt.append(token_logprob(self.context.tokenizer, row, token, top))

    def computed(self, sequence: Sequence, row: Tensor) -> list[Sequence]:
        for run in self.samples:
            run.finish = "length"
        return []

    def delta(self, *, last: bool = False) -> Delta | None:
        """Text of sample 0 that has become certain since the last delta."""
        run = self.samples[0]
        if not self.request.stream or run.text is None:
            return None
        if last:
            self._first = run.result()
        text = run.text.take()
        return Delta(self.request.id, self.request.step, text) if text else None

    def event(self) -> Event:
        first = self._first if self._first is not None else self.samples[0].result()
        results = (first, *(run.result() for run in self.samples[1:]))
        path = self.request.path
        path.ids += results[0].ids
        path.text = results[0].tail
        return Generated(
            id=self.request.id,
            step=self.request.step,
            samples=results,
            prompt_tokens=self.prompt_tokens,
            cached_tokens=self.cached_tokens,
            prompt_logprobs=tuple(self.prompt),
        )


class ScoreRun(StepRun):
    """
    Choices after one prompt, in one pass where it has room for them.

    The first sequence is the prompt with the ids of a choice behind it; the others start where they
    part from those before them, which hand their ids to the radix tree when they are planned.
    """

    def __init__(self, request: Request, context: EngineContext, step: Score) -> None:
        super().__init__(request, context)
        self.step = step
        self.choices: list[list[int]] = []
        self.logprobs: list[list[float]] = []
        self.unconditional: list[list[float]] = []
        self._wants: list[tuple[list[list[float]], int, list[list[Want]]]] = []
        """
        For each sequence: which table its log probabilities go to, the position of its first
        logits, and what they are read for.
        """

    def start(self) -> list[Sequence]:
        ids = self.request.path.ids.copy()
        if not self.step.choices:
            raise RequestError("bad_request", "there are no choices to select from")
        for choice in self.step.choices:
            tokens = list(self.context.encode(choice, False))
            if not tokens:
                raise RequestError("bad_request", f"the choice {choice!r} has no tokens")
            self.choices.append(tokens)
        self.context.check_length(len(ids))
        longest = max(map(len, self.choices))
        self.context.check_length(len(ids) + longest, "the prompt and its longest choice")
        self.logprobs = [[0.0] * len(tokens) for tokens in self.choices]
        self.unconditional = [[] for _ in self.choices]
        first, paths = choice_paths(self.choices)
        # The prompt's last row comes with the first path, or alone where nothing follows it.
        alone = ChoicePath([], 0, [])
        head = paths[0] if paths else alone
        self._sequence(self.logprobs, ids + head.ids, len(ids) - 1, [first, *head.wants])
        for path in paths[1:]:
            self._sequence(self.logprobs, ids + path.ids, len(ids) + path.shared, path.wants)
        if self.step.method == "unconditional_likelihood_normalized":
            # The first id of all has no probability of its own.
            self.unconditional = [[0.0] * len(tokens) for tokens in self.choices]
            for path in paths:
                self._sequence(self.unconditional, path.ids, path.shared, path.wants)
        return self.sequences.copy()

    def _sequence(
        self, table: list[list[float]], ids: list[int], want_from: int, wants: list[list[Want]]
    ) -> None:
        """Add a sequence whose logits from `want_from` on are read for `wants`."""
        number = len(self._wants)
        # What follows the last id differs from choice to choice; what is wanted says which.
        targets = [*ids, ids[-1]]
        self._wants.append((table, want_from, wants))
        self._add(Sequence(self, self._order(number), ids, want_from, targets=targets))

    def computed(self, sequence: Sequence, row: Tensor) -> list[Sequence]:
        return []

    def scored(self, sequence: Sequence, position: int, rows: Tensor) -> None:
        table, first, wants = self._wants[sequence.order[2]]
        at = position - first
        found = [
            (row, want) for row, each in enumerate(wants[at : at + len(rows)]) for want in each
        ]
        places = [row for row, _ in found], [token for _, (_, _, token) in found]
        for (_, (choice, place, _)), value in zip(found, rows[places].tolist(), strict=True):
            table[choice][place] = value

    def event(self) -> Event:
        if self.step.method == "token_length_normalized":
            winner = token_length_normalized(self.logprobs)
        elif self.step.method == "greedy_token_selection":
            winner = greedy_token_selection(self.logprobs)
        else:
            winner = unconditional_likelihood_normalized(self.logprobs, self.unconditional)
        self.request.path.ids += self.choices[winner]
        scores = tuple(
            ChoiceScore(
                ids=tuple(tokens),
                logprobs=tuple(values),
                normalized=mean(values),
                unconditional=tuple(alone),
            )
            for tokens, values, alone in zip(
                self.choices, self.logprobs, self.unconditional, strict=True
            )
        )
        return Scored(
            id=self.request.id,
            step=self.request.step,
            winner=winner,
            scores=scores,
            prompt_tokens=self.prompt_tokens,
            cached_tokens=self.cached_tokens,
        )


class WarmRun(StepRun):
    """A prefix computed before anything needs it."""

    def __init__(self, request: Request, context: EngineContext, warm: Warm) -> None:
        super().__init__(request, context)
        self.warm = warm
        self.pin = warm.pin

    def start(self) -> list[Sequence]:
        ids = self.request.path.ids[: min(self.context.context_length, self.context.kv_slots)]
        if not ids:
            return []
        return [self._add(Sequence(self, (WARM_ORDER, self.request.id, 0), ids, len(ids) - 1))]

    def computed(self, sequence: Sequence, row: Tensor) -> list[Sequence]:
        return []

    def event(self) -> None:
        return None
