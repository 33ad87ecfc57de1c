"""Guesses what decoding sequences say next, as far as that pays, and learns from what they said."""

from __future__ import annotations

from time import perf_counter
from typing import NamedTuple

from sglc_runtime.batching import Work
from sglc_runtime.counters import Counters
from sglc_runtime.kv import KVCache
from sglc_runtime.sequence import Sequence
from sglc_runtime.speculation.acceptance import Acceptance
from sglc_runtime.speculation.costs import FORGET, PassCosts, cost_of
from sglc_runtime.speculation.lengths import Candidate, choose_lengths
from sglc_runtime.speculation.proposer import Drafter, Guess, Proposer

MOST = 16
"""Guesses for one sequence in one pass."""
MOST_SKIPPED = 8
"""Passes that are left alone when nothing could be gained in the last ones."""
ENTRY = 0.1
"""A draft model may take this share of the time that the tokens to come will take, to read ids."""
EXPECTED = 64
"""Tokens to come at most, for that: most samples end before their limit."""
MOST_DRAFTED = 6
"""The same for guesses that a draft model makes one after another."""


class Made(NamedTuple):
    """Guesses that are in the pass under way."""

    sequence: Sequence
    guess: Guess
    before: int
    """Tokens that the sample had."""


class Speculation:
    """
    Puts guesses into passes that do nothing but decode.

    `lookups` are asked in turn and cost next to nothing; the first that knows something is taken.
    `drafter` takes time, and is asked where it promises more. `always` checks that many guesses
    whatever they cost: for tests and measurements.
    """

    def __init__(
        self,
        cache: KVCache,
        lookups: tuple[Proposer, ...],
        drafter: Drafter | None = None,
        *,
        counters: Counters | None = None,
        always: int = 0,
    ) -> None:
        self.cache = cache
        self.counters = counters if counters is not None else Counters()
        self.lookups = lookups
        self.drafter = drafter
        self.always = always
        self.acceptance = Acceptance()
        self.costs = PassCosts()
        self._made: list[Made] = []
        self._pass: tuple[int, int] | None = None
        self._began = 0.0
        self._who: tuple[int, Sequence] | None = None
        self._quiet = self._skip = 0
        self._plain = 0

    @property
    def kind(self) -> str:
        """What guesses, for people."""
        names = [*(("ngram",) if self.lookups else ()), *(("draft",) if self.drafter else ())]
        return "+".join(names) or "off"

    def draft(self, work: list[Work], most_rows: int) -> list[Work]:
        """`work` with guesses behind sequences that decode, of at most `most_rows` rows in all."""
        self._made.clear()
        self._pass = None
        if self._skips(work):
            return work
        for item in work:
            if not item.sequence.decoding:
                return work
        guesses = self._guess([item.sequence for item in work], most_rows - len(work))
        self._quiet = 0 if guesses else self._quiet + 1
        self._skip = 0 if self.always else min(self._quiet // 2, MOST_SKIPPED)
        if guesses:
            work = [self._attach(item, guesses.get(place)) for place, item in enumerate(work)]
        rows = len(work) + sum(len(made.guess.tokens) for made in self._made)
        self._pass = len(work), rows
        self._began = perf_counter()
        return work

    def learn(self) -> None:
        """After the pass: what it cost, and which guesses were kept."""
        if self._pass is None:
            return
        self.costs.add(*self._pass, perf_counter() - self._began)
        if not self._made and self.drafter is not None:
            self._plain += 1
            if self._plain % FORGET == 0:
                self.drafter.forget()
        for sequence, guess, before in self._made:
            said = sequence.samples[0].tokens[before:]
            kept = matching(guess.tokens, said)
            # A sample that ended on the way says nothing of the guesses behind its end.
            proposed = len(guess.tokens) if kept < len(said) else kept
            self.counters.drafted_tokens += len(guess.tokens)
            self.counters.accepted_tokens += kept
            self.acceptance.learn(sequence.track.estimates, guess.source, proposed, kept)

    def _skips(self, work: list[Work]) -> bool:
        """Whether to leave a pass alone, because there was nothing to gain for the same ones."""
        who = len(work), work[0].sequence
        if who != self._who:
            self._who = who
            self._quiet = self._skip = 0
        if not self._skip:
            return False
        self._skip -= 1
        return True

    def _guess(self, sequences: list[Sequence], rows_left: int) -> dict[int, Guess]:
        """Guesses worth checking, by place in `sequences`."""
        places: list[int] = []
        found: list[Guess] = []
        candidates: list[Candidate] = []
        for place, sequence in enumerate(sequences):
            room = min(MOST, room_of(sequence), rows_left)
            if room > 0 and (offer := self._offer(sequence, room)) is not None:
                places.append(place)
                found.append(offer[0])
                candidates.append(offer[1])
        if not places:
            return {}
        lengths = self._lengths(candidates, len(sequences), rows_left)
        guesses: dict[int, Guess] = {}
        asked: list[tuple[int, int]] = []
        for place, guess, length in zip(places, found, lengths, strict=True):
            if guess.tokens and length:
                guesses[place] = Guess(guess.tokens[:length], guess.source)
            elif length:
                asked.append((place, length))
            else:
                self.acceptance.of(sequences[place].track.estimates, guess.source).rest()
        if asked and self.drafter is not None:
            drafts = self.drafter.propose(
                [sequences[place] for place, _ in asked], [length for _, length in asked]
            )
            guesses |= {
                place: draft
                for (place, _), draft in zip(asked, drafts, strict=True)
                if draft.tokens
            }
        return guesses

    def _offer(self, sequence: Sequence, room: int) -> tuple[Guess, Candidate] | None:
        """The guess that is likeliest to be kept; one of the drafter has no tokens yet."""
        estimates = sequence.track.estimates
        best: tuple[Guess, Candidate] | None = None
        for lookup in self.lookups:
            (guess,) = lookup.propose((sequence,), (room,))
            if guess.tokens:
                rate = self.acceptance.of(estimates, guess.source).value
                best = guess, Candidate(rate, len(guess.tokens))
                break
        drafter = self.drafter
        if drafter is not None and self._worth_reading(drafter, sequence, room):
            rate = self.acceptance.of(estimates, drafter.source).value
            if best is None or rate > best[1].acceptance:
                best = Guess([], drafter.source), Candidate(rate, min(room, MOST_DRAFTED), 1.0)
        return best

    def _worth_reading(self, drafter: Drafter, sequence: Sequence, room: int) -> bool:
        """Whether the draft model may read a sequence that it has not read yet."""
        track = sequence.track
        if track.entry is None:
            track.entry = drafter.entry_seconds(sequence)
        base = self.costs.base(1)
        if self.always or base is None:
            return True
        return track.entry <= ENTRY * base * min(room_of(sequence), EXPECTED)

    def _lengths(self, candidates: list[Candidate], sequences: int, rows_left: int) -> list[int]:
        if self.always:
            fair = min(self.always, rows_left // len(candidates))
            return [min(candidate.most, fair) for candidate in candidates]
        base = self.costs.base(sequences)
        if base is None:
            return [0] * len(candidates)
        if self.drafter is not None:
            each = self.drafter.seconds(sequences) / base
            candidates = [
                candidate._replace(drafted=candidate.drafted * each) for candidate in candidates
            ]
        table = self.costs.table(sequences)
        return choose_lengths(
            candidates, sequences, lambda guesses: cost_of(table, sequences, guesses), rows_left
        )

    def _attach(self, item: Work, guess: Guess | None) -> Work:
        """Give guesses their slots, as many as can be had."""
        if guess is None:
            return item
        sequence = item.sequence
        count = self.cache.lengthen(sequence, len(guess.tokens))
        if not count:
            return item
        sequence.draft = guess.tokens[:count]
        self._made.append(
            Made(sequence, Guess(sequence.draft, guess.source), len(sequence.samples[0].tokens))
        )
        return item._replace(end=item.end + count)


def room_of(sequence: Sequence) -> int:
    """How many guesses a sequence can use: one token comes without any."""
    run = sequence.samples[0]
    return 0 if run.jumps else run.limit - len(run.tokens) - 1


def matching(guess: list[int], said: list[int]) -> int:
    """How many ids agree from the start."""
    count = 0
    for guessed, token in zip(guess, said, strict=False):
        if guessed != token:
            break
        count += 1
    return count
