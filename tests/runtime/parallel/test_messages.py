"""Batches arrive as they were sent; links say when the other end is gone."""

from __future__ import annotations

import socket
import threading

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from sglc_runtime.models.base import Batch, Run
from sglc_runtime.parallel.link import Link, LinkClosed
from sglc_runtime.parallel.messages import (
    Answer,
    CopySlots,
    Forward,
    Join,
    Order,
    Ready,
    decode_batch,
    encode_batch,
    to_bytes,
    to_tensor,
)

CPU = torch.device("cpu")
LARGE = st.integers(0, 2**62)
SMALL = st.integers(0, 2**31 - 1)
RUNS = st.lists(st.tuples(SMALL, SMALL, SMALL, SMALL, SMALL).map(lambda t: Run(*t)), max_size=9)


def links() -> tuple[Link[Answer], Link[Order]]:
    ours, theirs = socket.socketpair()
    return Link(ours, Answer), Link(theirs, Order)  # type: ignore[arg-type]


@given(st.lists(st.tuples(LARGE, LARGE, LARGE), max_size=40), st.lists(LARGE, max_size=9), RUNS)
def test_a_batch_arrives_as_it_was_sent(
    rows: list[tuple[int, int, int]], wanted: list[int], runs: list[Run]
) -> None:
    ids, positions, slots = torch.tensor(rows, dtype=torch.int64).reshape(-1, 3).T
    sent = Batch(ids, positions, slots, torch.tensor(wanted, dtype=torch.int64), tuple(runs))
    message, host = encode_batch(sent)
    ours, theirs = links()
    ours.send(message)
    arrived = theirs.receive()
    assert isinstance(arrived, Forward)
    for got in (decode_batch(arrived, CPU), host):
        for name in ("ids", "positions", "out_slots", "rows"):
            assert torch.equal(getattr(got, name), getattr(sent, name))
            assert getattr(got, name).is_contiguous()
        assert got.runs == sent.runs
    ours.close()
    theirs.close()


def test_orders_of_every_kind_keep_their_order() -> None:
    ours, theirs = links()
    orders: list[Order] = [
        Join(1, 2, "cpu", "folder/store", 3.0),
        CopySlots(to_bytes(torch.arange(3)), b""),
        Forward(0, b"", b""),
    ]
    for order in orders:
        ours.send(order)
    assert [theirs.receive() for _ in orders] == orders
    copied = orders[1]
    assert isinstance(copied, CopySlots)
    assert to_tensor(copied.source).tolist() == [0, 1, 2]
    assert to_tensor(copied.target).tolist() == []
    ours.close()
    theirs.close()


def test_the_end_is_noticed_by_who_waits_and_by_who_sends() -> None:
    ours, theirs = links()
    theirs.send(Ready(7))
    waiting = threading.Thread(target=ours.wait_for_end)
    waiting.start()
    theirs.close()
    waiting.join(30)
    assert not waiting.is_alive()
    # What was said before the end is still there.
    assert ours.receive() == Ready(7)
    with pytest.raises(LinkClosed):
        ours.receive()
    with pytest.raises(LinkClosed):
        ours.send(Ready(8))
    ours.close()


def test_half_a_message_is_an_end() -> None:
    ours, theirs = socket.socketpair()
    theirs.sendall((100).to_bytes(4, "big") + b"only this")
    theirs.close()
    link: Link[Order] = Link(ours, Order)  # type: ignore[arg-type]
    with pytest.raises(LinkClosed):
        link.receive()
    link.close()
