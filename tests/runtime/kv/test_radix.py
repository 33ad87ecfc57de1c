"""The radix tree alone: lookup, sharing, eviction order."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from sglc_runtime.kv import ExtentAllocator, Node, RadixTree
from sglc_runtime.kv.node import common_length

IDS = st.lists(st.integers(0, 2), max_size=40)


def add(tree: RadixTree, ids: list[int]) -> Node:
    """Insert ids as a sequence would, and return the node it keeps locked."""
    node, length = tree.descend(tree.root, ids, 0)
    tree.lock(node)
    if length < len(ids):
        extents = tree.allocator.allocate(len(ids) - length)
        node, _ = tree.insert(node, ids, length, extents)
    return node


def slots(node: Node) -> list[int]:
    """Slots of the path to a node."""
    return [
        slot
        for part in node.chain()
        for start, length in part.extents
        for slot in range(start, start + length)
    ]


@given(IDS, IDS, st.integers(0, 5), st.integers(0, 5))
def test_common_length(a: list[int], b: list[int], i: int, j: int) -> None:
    expected = 0
    for x, y in zip(a[i:], b[j:], strict=False):
        if x != y:
            break
        expected += 1
    assert common_length(a, i, b, j) == expected


def test_shared_prefix_has_the_same_slots() -> None:
    tree = RadixTree(ExtentAllocator(100))
    left = add(tree, [1, 2, 3, 4, 5])
    right = add(tree, [1, 2, 3, 9])
    assert slots(left)[:3] == slots(right)[:3]
    assert len(set(slots(left)) | set(slots(right))) == 6
    assert tree.size == 6
    tree.check_integrity()


def test_match_reads_only() -> None:
    tree = RadixTree(ExtentAllocator(100))
    node = add(tree, [1, 2, 3, 4])
    version = tree.version
    assert tree.match([1, 2, 9]) == (2, 0)
    assert tree.match([1, 2, 3, 4, 5]) == (4, 0)
    assert tree.match([1, 2, 3, 4], limit=3) == (3, 0)
    assert tree.match([7]) == (0, 0)
    assert tree.version == version
    tree.unlock(node)
    assert tree.match([1, 2, 9]) == (2, 2)


def test_duplicate_slots_go_back() -> None:
    allocator = ExtentAllocator(20)
    tree = RadixTree(allocator)
    add(tree, [1, 2, 3])
    tree.lock(tree.root)
    mine = allocator.allocate(5)
    node, kept = tree.insert(tree.root, [1, 2, 3, 4, 5], 0, mine)
    assert allocator.free == 15
    assert sum(length for _, length in kept) == 2
    assert len(slots(node)) == 5
    tree.check_integrity()


def test_a_lone_leaf_grows_in_place() -> None:
    tree = RadixTree(ExtentAllocator(50))
    node = add(tree, [1, 2])
    longer, _ = tree.insert(node, [1, 2, 3, 4], 2, tree.allocator.allocate(2, after=2))
    assert longer is node
    assert node.extents == [(0, 4)]
    other = add(tree, [1, 2, 3, 4])
    assert other is node
    longer, _ = tree.insert(node, [1, 2, 3, 4, 5], 4, tree.allocator.allocate(1))
    assert longer is not node
    tree.check_integrity()


def test_eviction_takes_the_least_recently_used_leaf_from_its_end() -> None:
    allocator = ExtentAllocator(30)
    tree = RadixTree(allocator)
    old, new = add(tree, [1] * 10), add(tree, [2] * 10)
    tree.unlock(new)
    tree.unlock(old)
    again, _ = tree.descend(tree.root, [2] * 10, 0)
    tree.lock(again)
    tree.unlock(again)
    assert tree.evict(4) == 4
    assert tree.match([1] * 10).length == 6
    assert tree.match([2] * 10).length == 10
    assert allocator.free == 14


def test_locked_paths_stay() -> None:
    allocator = ExtentAllocator(30)
    tree = RadixTree(allocator)
    keep = add(tree, [1, 2, 3])
    tree.unlock(add(tree, [1, 2, 3, 4, 5, 6]))
    assert tree.evictable == 3
    assert tree.evict(100) == 3
    assert tree.match([1, 2, 3, 4]).length == 3
    tree.unlock(keep)
    assert tree.evict(100) == 3
    assert allocator.free == 30
    tree.check_integrity()


def test_what_is_known_to_be_used_again_goes_last() -> None:
    tree = RadixTree(ExtentAllocator(30))
    known = add(tree, [1] * 5)
    tree.expect(known, 1)
    tree.unlock(known)
    tree.unlock(add(tree, [2] * 5))
    assert tree.evict(5) == 5
    assert tree.match([1] * 5).length == 5
    # Its one use arrives; from then on it is like any other.
    node, _ = tree.descend(tree.root, [1] * 5, 0)
    tree.lock(node)
    tree.arrive(node)
    tree.unlock(add(tree, [3] * 5))
    tree.unlock(node)
    assert tree.evict(5) == 5
    assert tree.match([1] * 5).length == 5
    assert tree.evict(5) == 5
    assert tree.size == 0
