"""The latest signalling: bounded, in order, and followed."""

from __future__ import annotations

import asyncio
from datetime import timedelta

from gateway.signalling.memory import MAX_DIALOGS, SignallingMemory
from gateway.signalling.selection import Selection
from tests.gateway.signalling.samples import BEGIN, CONTACT, message, request

ALL = Selection()


def kept(memory: SignallingMemory) -> list[int]:
    return [one.number for one in memory.newest_first(None, ALL)]


def test_it_is_bounded_in_bytes_and_says_how_far_back_it_reaches() -> None:
    memory = SignallingMemory(max_bytes=message().size * 10, max_seconds=1e6)
    for number in range(1, 101):
        memory.put(message(number=number))
    assert kept(memory) == list(range(100, 90, -1))
    assert memory.bytes <= message().size * 10
    assert memory.covers_from == BEGIN + timedelta(seconds=91)


def test_a_message_larger_than_all_room_leaves_nothing() -> None:
    memory = SignallingMemory(max_bytes=10, max_seconds=60)
    memory.put(message())
    assert (len(memory), memory.bytes, memory.covers_from) == (0, 0, None)


def test_it_is_bounded_in_age() -> None:
    memory = SignallingMemory(max_bytes=1 << 20, max_seconds=60)
    for number in (1, 30, 62, 80):
        memory.put(message(number=number))
    assert kept(memory) == [80, 62, 30]


def test_pages_and_what_came_since() -> None:
    memory = SignallingMemory(max_bytes=1 << 20, max_seconds=1e6)
    for number in range(1, 6):
        memory.put(message(request("BYE" if number % 2 else "INVITE"), number))
    byes = Selection(method="BYE")
    assert [one.number for one in memory.newest_first(4, ALL)] == [3, 2, 1]
    assert [one.number for one in memory.newest_first(None, byes)] == [5, 3, 1]
    assert [one.number for one in memory.since(1, byes)] == [3, 5]
    assert memory.since(5, ALL) == []
    assert memory.last_number == 5


def test_a_message_from_before_its_dialog_had_a_contact_has_it_afterwards() -> None:
    memory = SignallingMemory(max_bytes=1 << 20, max_seconds=1e6)
    first = message(number=1)
    memory.put(first)
    assert memory.contact_of(first) is None
    memory.put(message(number=2, contact=CONTACT))
    assert memory.contact_of(first) == CONTACT
    for number in range(MAX_DIALOGS):
        memory.put(message(request(call_id=f"{number}@c"), number + 3, contact=CONTACT))
    assert memory.contact_of(first) is None, "forgotten with the oldest dialogs"


def test_after_a_new_link_it_does_not_claim_what_it_did_not_hear() -> None:
    memory = SignallingMemory(max_bytes=1 << 20, max_seconds=1e6)
    memory.put(message())
    memory.restart(BEGIN + timedelta(seconds=50))
    assert (len(memory), memory.bytes, memory.covers_from) == (0, 0, BEGIN + timedelta(seconds=50))


async def test_who_waits_is_woken_and_who_left_is_forgotten() -> None:
    memory = SignallingMemory(max_bytes=1 << 20, max_seconds=1e6)
    waiting, left = (asyncio.ensure_future(memory.something_new()) for _ in range(2))
    await asyncio.sleep(0)
    left.cancel()
    memory.wake()
    await waiting
    assert memory._waiting == set()
