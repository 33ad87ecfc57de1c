"""Attention on GPUs: Triton kernels over pieces of the batch."""

from __future__ import annotations

from collections.abc import Sequence

import torch

from sglc_runtime.attention.batch_plan import BatchPlan, Span, TileCut, plan_batch
from sglc_runtime.attention.decode_inputs import DecodeInputs
from sglc_runtime.attention.pieces import Cut, Pieces, plan_pieces
from sglc_runtime.attention.pool import KvPool
from sglc_runtime.attention.sharing import LEAST_BLOCKS, TileShape, Traffic
from sglc_runtime.attention.tiles import Kind, choose_tile
from sglc_runtime.attention.tree_pieces import plan_tree
from sglc_runtime.attention.triton_batch import TritonBoundAttention
from sglc_runtime.attention.triton_decode import DecodeShape, TritonDecodeAttention, decode_partials
from sglc_runtime.kernels.triton.attend import Partials, Tile
from sglc_runtime.kernels.triton.split import Splitting
from sglc_runtime.models.base import Batch, ModelSpec, Run

SPLIT = 512
"""Keys of a piece with fixed cuts."""
RESIDENT = 2
"""Programs of the decode kernel that a multiprocessor holds: its registers allow two."""
INT32 = 2**31 - 1
INTERPRETED = 6
"""Programs where nothing runs side by side: enough for splits to exist."""


class TritonAttention(KvPool):
    """
    Attention over the KV pool in Triton.

    `fixed` cuts at the same positions always, with one shape of tile: a row's result then depends
    on its own keys alone. Runs on CPU tensors where `TRITON_INTERPRET=1` was set before Triton was
    imported, which is for tests. `programs`: how many of the decode kernel run at once, by default
    what the device holds.
    """

    name = "triton"
    _partials: Partials | None = None

    def __init__(
        self,
        spec: ModelSpec,
        slots: int,
        device: torch.device,
        dtype: torch.dtype,
        *,
        fixed: bool = False,
        split: int = SPLIT,
        programs: int | None = None,
    ) -> None:
        super().__init__(spec, slots, device, dtype)
        self.deterministic = fixed
        self.programs = programs or _programs(device)
        self._split = split
        # Numbers of 8 bits are only kept: they are multiplied in the model's type.
        self._computing = dtype if dtype.itemsize > 1 else spec.dtype
        self._traffic = Traffic.of(spec.num_heads, spec.num_kv_heads, spec.head_dim, dtype.itemsize)

    def bind(self, batch: Batch) -> TritonBoundAttention:
        """Cut a batch into pieces; raises ValueError where the runs of a row have a gap."""
        return TritonBoundAttention(self, batch)

    def bind_decode(self, inputs: DecodeInputs) -> TritonDecodeAttention:
        """
        Attention of all decode steps over these tensors, whatever they hold: for CUDA graphs.

        Call it once before it is captured. What it returns is overwritten by its next call. Raises
        ValueError for a slot table whose places do not fit into int32.
        """
        if inputs.slot_table.numel() > INT32:
            raise ValueError(f"a slot table of {tuple(inputs.slot_table.shape)} is too large")
        shape = self._decode_shape()
        room = self._room(decode_partials(inputs, shape))
        return TritonDecodeAttention(self, inputs, shape, room)

    def _room(self, count: int) -> Partials:
        """Room for partial results, the same for steps of every size: they run in turn."""
        spec = self.spec
        if self._partials is None or len(self._partials.lse) < count:
            # Steps that were bound before keep theirs.
            self._partials = Partials.empty(count, spec.num_heads, spec.head_dim, self.device)
        return Partials(self._partials.out[:count], self._partials.lse[:count])

    @property
    def shared_rows(self) -> int:
        """Rows that a piece of `SharedPieces` may have."""
        return self._tile("fixed" if self.deterministic else "shared").block_m // self._group

    @property
    def decode_block(self) -> int:
        """Keys that a program of a decode step reads at a time."""
        return self._tile("decode").block_n

    @property
    def _group(self) -> int:
        return self.spec.num_heads // self.spec.num_kv_heads

    @property
    def at_once(self) -> int:
        """Partial results that are added up together; one after another where bits count."""
        return 1 if self.deterministic else 16

    @property
    def extend_tile(self) -> Tile:
        """The tile of prompts."""
        return self._tile("extend")

    def _decode_shape(self) -> DecodeShape:
        queues = max(1, self.programs // self.spec.num_kv_heads)
        if self.deterministic:
            splitting = Splitting(self._split, queues, fixed=True)
            tile = self._tile("fixed")
            return DecodeShape(tile, tile, splitting, self.at_once)
        tile = self._tile("decode")
        splitting = Splitting(tile.block_n, queues, LEAST_BLOCKS)
        return DecodeShape(tile, self._tile("shared"), splitting, self.at_once)

    def _tile(self, kind: Kind) -> Tile:
        return choose_tile(kind, self.spec.head_dim, self._group, self._computing)

    def plan(
        self, batch: Batch, positions: list[int], window: int | None
    ) -> tuple[Tile, BatchPlan]:
        """The tile of the batch's pieces, and its tables."""
        if self.deterministic:
            tile = self._tile("fixed")
            cut = Cut(tile.block_m // self._group, self._split, fixed=True)

            def fixed(
                runs: Sequence[Run], rows: Sequence[int], _: Sequence[Span], single: bool
            ) -> Pieces:
                return plan_pieces(runs, rows, cut, window=window)

            return tile, plan_batch(batch.runs, positions, None, fixed, window=window)

        def by_cost(
            runs: Sequence[Run], rows: Sequence[int], without: Sequence[Span], single: bool
        ) -> Pieces:
            return plan_tree(runs, rows, self._tile_shape(single), window=window, without=without)

        extend = self.extend_tile
        prompts = TileCut(extend.block_m // self._group, self.shared_rows, extend.block_n)
        plan = plan_batch(batch.runs, positions, prompts, by_cost, window=window)
        return self._tile("decode" if plan.single else "shared"), plan

    def _tile_shape(self, single: bool) -> TileShape:
        tile = self._tile("decode" if single else "shared")
        return TileShape(
            tile_rows=tile.block_m // self._group,
            kv_heads=self.spec.num_kv_heads,
            traffic=self._traffic,
            programs=self.programs,
            block=tile.block_n,
            shortest=LEAST_BLOCKS * tile.block_n,
        )


def _programs(device: torch.device) -> int:
    if device.type != "cuda":
        return INTERPRETED
    return RESIDENT * torch.cuda.get_device_properties(device).multi_processor_count
