"""Attention on GPUs: Triton kernels over pieces of the batch."""

from __future__ import annotations

import torch

from sglc_runtime.attention.decode_inputs import DecodeInputs
from sglc_runtime.attention.pieces import Cut, Pieces, plan_pieces
from sglc_runtime.attention.pool import KvPool
from sglc_runtime.attention.sharing import TileShape, Traffic
from sglc_runtime.attention.tiles import choose_tile
from sglc_runtime.attention.tree_pieces import plan_tree
from sglc_runtime.attention.triton_batch import TritonBoundAttention
from sglc_runtime.attention.triton_decode import DecodeShape, TritonDecodeAttention, decode_partials
from sglc_runtime.kernels.triton.attend import Partials, Tile
from sglc_runtime.kernels.triton.split import Splitting
from sglc_runtime.models.base import Batch, ModelSpec

SPLIT = 512
"""Keys of a piece with fixed cuts."""
RESIDENT = 2
"""Programs of the decode kernel that a multiprocessor holds: its registers allow two."""
LEAST_BLOCKS = 2
"""Blocks of keys that a split has at least: each split is one more partial result to merge."""
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
        self._traffic = Traffic.of(spec.num_heads, spec.num_kv_heads, spec.head_dim, dtype.itemsize)

    def bind(self, batch: Batch) -> TritonBoundAttention:
        """Cut a batch into pieces; raises ValueError where the runs of a row have a gap."""
        return TritonBoundAttention(self, batch)

    def bind_decode(self, inputs: DecodeInputs) -> TritonDecodeAttention:
        """
        Attention of all decode steps over these tensors, whatever they hold: for CUDA graphs.

        Call it once before it is captured. What it returns is overwritten by its next call.
        """
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
        shape = self._decode_shape()
        return max(shape.shared_m, shape.tile.block_m) // self._group

    @property
    def _group(self) -> int:
        return self.spec.num_heads // self.spec.num_kv_heads

    def _decode_shape(self) -> DecodeShape:
        tile = self._tile(decoding=True)
        queues = max(1, self.programs // self.spec.num_kv_heads)
        if self.deterministic:
            return DecodeShape(tile, 0, Splitting(self._split, queues, fixed=True))
        shared_m = max(64, tile.block_m)
        return DecodeShape(tile, shared_m, Splitting(tile.block_n, queues, LEAST_BLOCKS))

    def _tile(self, *, decoding: bool) -> Tile:
        return choose_tile(
            self.spec.head_dim, self._group, self.dtype, decoding=decoding, fixed=self.deterministic
        )

    def plan(self, batch: Batch, positions: list[int], window: int | None) -> tuple[Tile, Pieces]:
        """The tile for a batch, and its pieces."""
        single = len({row for run in batch.runs for row in (run.row_start, run.row_end)})
        tile = self._tile(decoding=single > len(positions))
        rows = tile.block_m // self._group
        if self.deterministic:
            cut = Cut(rows, self._split, fixed=True)
            return tile, plan_pieces(batch.runs, positions, cut, window=window)
        shape = TileShape(
            tile_rows=rows,
            kv_heads=self.spec.num_kv_heads,
            traffic=self._traffic,
            programs=self.programs,
            block=tile.block_n,
            shortest=LEAST_BLOCKS * tile.block_n,
        )
        return tile, plan_tree(batch.runs, positions, shape, window=window)


def _programs(device: torch.device) -> int:
    if device.type != "cuda":
        return INTERPRETED
    return RESIDENT * torch.cuda.get_device_properties(device).multi_processor_count
