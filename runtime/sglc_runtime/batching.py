"""Packs the chunks of a pass into one `Batch`, so that shared prefixes are read once."""

from __future__ import annotations

from array import array
from itertools import chain, repeat
from typing import NamedTuple

import torch
from torch import Tensor

from sglc_runtime.kv.node import Node
from sglc_runtime.models.base import Batch, Run
from sglc_runtime.sequence import Sequence

ALIGNMENT = 2
"""Numbers that rows of a table begin at multiples of: what 16 bytes hold, as Triton asks for."""


class Work(NamedTuple):
    """Positions start .. end - 1 of a sequence; logits are wanted from `want` on."""

    sequence: Sequence
    start: int
    end: int
    want: int


class Packed(NamedTuple):
    """A batch and its work in row order."""

    batch: Batch
    work: list[Work]


class Packer:
    """
    Orders sequences as a depth-first walk of the radix tree visits them: those that share a node
    are neighbours, and each node becomes one run over all their rows. While the same sequences
    decode over an unchanged tree, order and shared runs are kept from pass to pass.
    """

    def __init__(self, device: torch.device) -> None:
        self.device = device
        self._version = -1
        self._members: list[Sequence] = []
        self._lengths: list[int] = []
        self._order: list[int] = []
        """Places of `_members` in row order."""
        self._shared: list[Run] = []
        self._arange = torch.arange(0, device=device)

    def pack(self, work: list[Work], version: int) -> Packed:
        """Pack; `version` is the radix tree's. Every sequence's slots reach up to its `end`."""
        if all(item.end - item.start == 1 for item in work):
            ordered = self.order(work, version)
            # Every row has logits here, a chunk of one id whose logits nobody wants included.
            return self._decode(
                [
                    item if item.want < item.end else item._replace(want=item.start)
                    for item in ordered
                ]
            )
        by_sequence = {id(item.sequence): item for item in work}
        order, runs = shared_runs([(item.sequence, item.end - item.start) for item in work])
        return self._mixed([by_sequence[id(sequence)] for sequence in order], runs)

    def order(self, work: list[Work], version: int) -> list[Work]:
        """Work of one row each in row order; `version` is the radix tree's."""
        members = [item.sequence for item in work]
        # A sequence that jumped forward keeps its place, but more of it is the tree's.
        lengths = [sequence.node_length for sequence in members]
        if (version, lengths) != (self._version, self._lengths) or members != self._members:
            order, self._shared = shared_runs([(sequence, 1) for sequence in members])
            places = {id(sequence): place for place, sequence in enumerate(members)}
            self._order = [places[id(sequence)] for sequence in order]
            self._members, self._lengths, self._version = members, lengths, version
        return [work[place] for place in self._order]

    def _decode(self, work: list[Work]) -> Packed:
        ids: list[int] = []
        positions: list[int] = []
        out_slots: list[int] = []
        runs = self._shared.copy()
        for row, (sequence, position, _, _) in enumerate(work):
            ids.append(sequence.ids[position])
            positions.append(position)
            at = sequence.node_length
            if position < at:
                out_slots.extend(sequence.slots(position, position + 1))
                continue
            for start, length in sequence.own:
                runs.append(Run(row, row + 1, start, length, at))
                at += length
            last = sequence.own[-1]
            out_slots.append(last[0] + last[1] - 1)
        count = len(ids)
        if count > len(self._arange):
            self._arange = torch.arange(2 * count, device=self.device)
        table = self._table([ids, positions, out_slots])
        batch = Batch(table[0], table[1], table[2], self._arange[:count], tuple(runs))
        return Packed(batch, work)

    def _mixed(self, work: list[Work], runs: list[Run]) -> Packed:
        ids: list[int] = []
        positions: list[int] = []
        out_slots: list[int] = []
        rows: list[int] = []
        for sequence, start, end, want in work:
            row = len(ids)
            ids += sequence.tokens(start, end)
            positions += range(start, end)
            out_slots += sequence.slots(start, end)
            rows += range(row + max(want, start) - start, row + end - start)
            at = sequence.node_length
            for first, length in sequence.own:
                runs.append(Run(row, row + end - start, first, length, at))
                at += length
        # A pass of chunks that all end before their logits are wanted still has one row.
        table = self._table([ids, positions, out_slots])
        wanted = self._table([rows or [len(ids) - 1]])[0]
        return Packed(Batch(table[0], table[1], table[2], wanted, tuple(runs)), work)

    def _table(self, lines: list[list[int]]) -> Tensor:
        """Lists of one length as the rows of an int64 tensor, each of them aligned."""
        width = len(lines[0])
        # Kernels are compiled for what is known of their pointers: an odd number of rows must not
        # be another form of them.
        gap = -width % ALIGNMENT
        padded = chain.from_iterable(
            (chain(line, repeat(0, gap)) for line in lines) if gap else lines
        )
        # `torch.tensor` looks at every number by itself, which takes longer than all else here.
        flat = array("q", padded)
        table = torch.frombuffer(flat, dtype=torch.int64).to(self.device)
        return table.view(len(lines), width + gap)[:, :width]


def shared_runs(members: list[tuple[Sequence, int]]) -> tuple[list[Sequence], list[Run]]:
    """Sequences in depth-first order, and the runs of the tree's nodes, parents first."""
    chains = [
        (sequence.node.chain() if sequence.node is not None else [], sequence, rows)
        for sequence, rows in members
    ]
    chains.sort(key=lambda entry: (tuple(node.serial for node in entry[0]), entry[1].order))
    spans: list[tuple[Node, int, list[int]]] = []
    open_nodes: list[tuple[Node, list[int]]] = []
    row = 0
    for nodes, _, rows in chains:
        depth = 0
        while (
            depth < len(nodes) and depth < len(open_nodes) and nodes[depth] is open_nodes[depth][0]
        ):
            depth += 1
        del open_nodes[depth:]
        position = sum(len(node.ids) for node in nodes[:depth])
        for node in nodes[depth:]:
            span = [row, row]
            spans.append((node, position, span))
            open_nodes.append((node, span))
            position += len(node.ids)
        row += rows
        for _, span in open_nodes:
            span[1] = row
    runs: list[Run] = []
    for node, position, (first, last) in spans:
        for start, length in node.extents:
            runs.append(Run(first, last, start, length, position))
            position += length
    return [sequence for _, sequence, _ in chains], _merge(runs)


def _merge(runs: list[Run]) -> list[Run]:
    """Join neighbours that the same rows read and that continue each other in the pool."""
    merged: list[Run] = []
    for run in runs:
        if merged:
            last = merged[-1]
            if (
                last.row_start == run.row_start
                and last.row_end == run.row_end
                and last.slot_start + last.length == run.slot_start
                and last.position + last.length == run.position
            ):
                merged[-1] = last._replace(length=last.length + run.length)
                continue
        merged.append(run)
    return merged
