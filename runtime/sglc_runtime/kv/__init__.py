"""The key-value cache: an extent allocator and a radix tree over token ids."""

from sglc_runtime.kv.allocator import Extent, ExtentAllocator, PoolExhaustedError
from sglc_runtime.kv.cache import KVCache
from sglc_runtime.kv.node import Match, Node
from sglc_runtime.kv.pins import PinError
from sglc_runtime.kv.policies import EvictionPolicy, LeastRecentlyUsed, NextUse, make_policy
from sglc_runtime.kv.radix import RadixTree

__all__ = [
    "EvictionPolicy",
    "Extent",
    "ExtentAllocator",
    "KVCache",
    "LeastRecentlyUsed",
    "Match",
    "NextUse",
    "Node",
    "PinError",
    "PoolExhaustedError",
    "RadixTree",
    "make_policy",
]
