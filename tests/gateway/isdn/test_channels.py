"""Which channel a call gets."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from gateway.isdn.channels import BEARERS, Channels, ChannelState


def test_sides_begin_at_opposite_ends() -> None:
    assert Channels(ascending=True, begun=0).seize("a", 0) == 1
    assert Channels(ascending=False, begun=0).seize("a", 0) == 31


def test_the_least_used_channel_is_next() -> None:
    channels = Channels(ascending=True, begun=0)
    slots = []
    for number in range(31):
        slots.append(channels.seize(f"c{number}", number))
        channels.free(f"c{number}", number)
    assert slots == [*BEARERS, 1]


def test_traffic_is_the_share_of_time_that_a_channel_was_busy() -> None:
    channels = Channels(ascending=True, begun=100.0)
    assert channels.take(5, "a", 100.0)
    channels.free("a", 154.0)
    assert channels.erlangs(5, 160.0) == 0.9
    assert channels.take(5, "b", 160.0)
    assert channels.erlangs(5, 200.0) == 0.94
    assert channels.erlangs(6, 200.0) == 0.0


def test_a_blocked_channel_keeps_its_call_and_gets_no_other() -> None:
    channels = Channels(ascending=True, begun=0)
    assert channels.take(3, "a", 0)
    channels.get(3).blocked = True
    assert channels.get(3).state is ChannelState.BUSY
    channels.free("a", 1)
    assert channels.get(3).state is ChannelState.BLOCKED
    assert not channels.take(3, "b", 1)
    assert not channels.take(16, "b", 1)
    assert not channels.take(0, "b", 1)


@given(st.lists(st.tuples(st.sampled_from(["seize", "take", "free", "block"]), st.integers(0, 32)), max_size=80))
def test_no_channel_has_two_calls_and_none_is_lost(steps: list[tuple[str, int]]) -> None:
    channels, calls = Channels(ascending=True, begun=0), dict[str, int]()
    for number, (step, at) in enumerate(steps):
        name = f"c{number}"
        if step == "seize" and (slot := channels.seize(name, number)) is not None:
            assert slot not in calls.values()
            calls[name] = slot
        elif step == "take" and channels.take(at, name, number):
            assert at not in calls.values()
            calls[name] = at
        elif step == "free" and calls:
            gone = sorted(calls)[at % len(calls)]
            channels.free(gone, number)
            del calls[gone]
        elif step == "block" and at in BEARERS:
            channels.get(at).blocked = True
    assert {channel.call: channel.slot for channel in channels.all() if channel.call} == calls
    assert channels.busy == len(calls)
