"""Guesses of a small native model whose loop over tokens is in C: several tokens a call."""

from __future__ import annotations

from collections import deque
from collections.abc import Sequence as Many
from time import perf_counter

from sglc_runtime.kv.node import common_length
from sglc_runtime.models.c_draft import CDraft
from sglc_runtime.sequence import Sequence
from sglc_runtime.speculation.proposer import NOTHING, Guess
from sglc_runtime.speculation.regions import Region, Regions
from sglc_runtime.speculation.sampling import pick

CHUNK = 256
"""Rows of a call that reads a prompt."""
MEASURED = 9
"""Latest calls that a cost is taken from."""
ASSUMED = 1e-4
"""Seconds of a token until one was measured."""


class CompiledDraftProposer:
    """As `DraftModelProposer`, for models that draft.c runs."""

    source = "draft"

    def __init__(self, model: CDraft, count: int, size: int) -> None:
        self.model = model
        self.regions = Regions(count, size)
        self._seconds: dict[int, deque[float]] = {}
        self._row_seconds: deque[float] = deque(maxlen=MEASURED)

    def seconds(self, sequences: int) -> float:
        """What one more guess for each of so many sequences takes."""
        measured = self._seconds.get(sequences)
        return min(measured) if measured else ASSUMED

    def forget(self) -> None:
        """Measure anew: the machine may have changed."""
        self._seconds.clear()
        self._row_seconds.clear()

    def entry_seconds(self, sequence: Sequence) -> float:
        """What reading the ids of a sequence takes that the draft has not read yet."""
        if sequence in self.regions.owned:
            return 0.0
        missing = len(sequence.ids) - self.regions.nearest(sequence.ids)[1]
        return missing * (min(self._row_seconds) if self._row_seconds else ASSUMED / 4)

    def propose(self, sequences: Many[Sequence], counts: Many[int]) -> list[Guess]:
        """See `Proposer`. A sequence for which there is no region gets no guess."""
        guesses: list[list[int]] = [[] for _ in sequences]
        regions: dict[int, Region] = {}
        for place, sequence in enumerate(sequences):
            region = self._catch_up(sequence, counts[place])
            if region is not None:
                regions[place] = region
        done = 0
        while places := [place for place in regions if counts[place] > done]:
            steps = min(counts[place] for place in places) - done
            if not all(sequences[place].samples[0].greedy for place in places):
                steps = 1
            began = perf_counter()
            tokens = self._go_on([regions[place] for place in places], steps)
            if steps == 1:
                runs = [sequences[place].samples[0] for place in places]
                tokens = pick(self._logits, runs, done)
            if self._rows <= 2 * len(places):
                taken = (perf_counter() - began) / steps
                self._seconds.setdefault(len(places), deque(maxlen=MEASURED)).append(taken)
            for index, place in enumerate(places):
                said = tokens[index :: len(places)]
                guesses[place] += said
                regions[place].ids += said
            done += steps
        return [Guess(tokens, self.source) if tokens else NOTHING for tokens in guesses]

    def _catch_up(self, sequence: Sequence, count: int) -> Region | None:
        """The sequence's region with its ids in it, nearly all of them read."""
        ids, regions = sequence.ids, self.regions
        if len(ids) + count > regions.size:
            return None
        region = regions.owned.get(sequence)
        if region is None:
            taken = regions.take(sequence)
            if taken is None:
                return None
            region, source = taken
            if source is not None:
                self._copy(source, region)
        regions.touch(region)
        start = region.agreed
        agreed = start + common_length(region.ids, start, ids, start)
        region.read = min(region.read, agreed, len(ids) - 1)
        region.ids[agreed:] = ids[agreed:]
        region.agreed = len(ids)
        self._read(region)
        return region

    def _read(self, region: Region) -> None:
        """Put all ids but a few into the pool."""
        while (missing := len(region.ids) - region.read) > CHUNK // 8:
            began = perf_counter()
            rows = min(missing - 1, CHUNK)
            span = range(region.read, region.read + rows)
            ids = region.ids[span.start : span.stop]
            self.model.run(ids, list(span), [region.start] * rows, [rows - 1], 1)
            region.read = span.stop
            self._row_seconds.append((perf_counter() - began) / rows)

    def _go_on(self, regions: list[Region], steps: int) -> list[int]:
        """The next `steps` greedy tokens of every region, step by step; notes logits and rows."""
        ids: list[int] = []
        positions: list[int] = []
        starts: list[int] = []
        last: list[int] = []
        for region in regions:
            end = len(region.ids)
            ids += region.ids[region.read :]
            positions += range(region.read, end)
            starts += [region.start] * (end - region.read)
            last.append(len(ids) - 1)
            region.read = end + steps - 1
        self._rows = len(ids)
        tokens, self._logits = self.model.run(ids, positions, starts, last, steps)
        return tokens

    def _copy(self, source: Region, target: Region) -> None:
        for pool in (self.model.keys, self.model.values):
            pool[:, target.start : target.start + target.read] = pool[
                :, source.start : source.start + target.read
            ]
