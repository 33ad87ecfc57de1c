"""The key-value cache: an extent allocator and a radix tree over token ids."""

from sglc_runtime.kv.allocator import Extent, ExtentAllocator, PoolExhaustedError
from sglc_runtime.kv.cache import KVCache
from sglc_runtime.kv.radix import Match, Node, RadixTree

__all__ = [
    "Extent",
    "ExtentAllocator",
    "KVCache",
    "Match",
    "Node",
    "PoolExhaustedError",
    "RadixTree",
]
