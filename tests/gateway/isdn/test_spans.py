"""Two spans in service, with their lines, their programs of libpri and the sound of their calls."""

from __future__ import annotations

import os
import signal

import numpy as np
import pytest

from gateway.isdn.channels import BEARERS, ChannelState
from gateway.isdn.line import LineAlarm
from gateway.isdn.span_calls import CallState
from gateway.isdn.switch import Switch, Voice
from gateway.media.audio import RATE, Pcm
from tests.gateway.isdn.back_to_back import needs_libpri
from tests.gateway.isdn.spans import joined, until
from tests.support.milestone import PATIENCE

pytestmark = needs_libpri


def tone(hertz: float) -> Pcm:
    """A second of a whole number of waves."""
    return np.asarray(8000 * np.sin(2 * np.pi * hertz * np.arange(RATE) / RATE), dtype=np.int16)


def loudest(pcm: Pcm) -> float:
    """The loudest frequency of the last half second, hertz."""
    piece = pcm[-RATE // 2 :].astype(float)
    return float(np.argmax(np.abs(np.fft.rfft(piece * np.hanning(len(piece))))) * RATE / len(piece))


async def talk(caller: Switch, called: Switch, number: str, **more: object) -> tuple[Voice, Voice]:
    """A call that was answered, as both sides have it."""
    before = len(called.arrived)
    voice = caller.call(number, "13800000001", **more)
    assert voice is not None
    assert await caller.reached(voice, CallState.CONNECTED, PATIENCE)
    await until(lambda: called.arrived[before:])
    return voice, called.arrived[before]


async def test_thirty_calls_at_once_each_hear_their_own_channel() -> None:
    async with joined() as pair:
        talks = [
            await talk(*((pair.far, pair.near) if slot % 2 else (pair.near, pair.far)), "95000", slot=slot)
            for slot in BEARERS
        ]
        assert [(ours.call.slot, theirs.call.slot) for ours, theirs in talks] == [(s, s) for s in BEARERS]
        for ours, theirs in talks:
            ours.repeat(tone(300 + 40 * ours.call.slot))
            theirs.repeat(tone(1800 + 40 * ours.call.slot))
        at = len(talks[-1][0].heard_rows)
        await until(lambda: len(talks[-1][0].heard_rows) > at + 60)
        for ours, theirs in talks:
            assert loudest(theirs.heard()) == pytest.approx(300 + 40 * ours.call.slot, abs=4)
            assert loudest(ours.heard()) == pytest.approx(1800 + 40 * ours.call.slot, abs=4)
        assert pair.near.call("1") is None
        assert pair.near.span.counters.no_channel == 1
        for ours, _ in talks:
            (pair.far if ours.call.slot % 2 else pair.near).hang_up(ours)
        await until(lambda: not pair.near.span.calls and not pair.far.span.calls)
        assert {channel.state for channel in pair.near.span.channels.all()} == {ChannelState.IDLE}
        assert sum(pair.near.span.channels.erlangs(slot, 1e9) > 0 for slot in BEARERS) == 30


@pytest.mark.parametrize("cause", [1, 17, 18, 19, 21, 27, 28, 34, 38, 42, 88, 102, 127])
async def test_a_refusal_tells_its_cause(cause: int) -> None:
    async with joined() as pair:
        voice = pair.near.call(f"8{cause:05}")
        assert voice is not None
        assert await pair.near.reached(voice, CallState.ENDING, PATIENCE)
        assert voice.call.cause == cause


async def test_a_number_comes_digit_by_digit() -> None:
    async with joined(overlap=True) as pair:
        voice = pair.near.call("9", complete=False)
        assert voice is not None
        await until(lambda: pair.far.arrived)
        theirs = pair.far.arrived[0].call
        for digit in "5000":
            pair.near.span.digits(voice.call, digit)
        await until(lambda: theirs.called == "95000")
        assert not theirs.complete


async def test_both_sides_seize_one_channel_and_both_calls_get_one() -> None:
    async with joined() as pair:
        near, far = pair.near.call("1", slot=9), pair.far.call("2", slot=9)
        assert near is not None
        assert far is not None
        assert await pair.near.reached(near, CallState.CONNECTED, PATIENCE)
        assert await pair.far.reached(far, CallState.CONNECTED, PATIENCE)
        assert far.call.slot == 9
        assert near.call.slot != 9
        slots = [(voice.call.slot, pair.far.arrived[0].call.slot) for voice in (near,)]
        assert slots == [(near.call.slot, near.call.slot)]
        assert pair.near.span.counters.glare + pair.far.span.counters.glare >= 1


async def test_who_is_held_has_no_channel_until_he_is_retrieved() -> None:
    async with joined() as pair:
        ours, theirs = await talk(pair.far, pair.near, "1", slot=9)
        ours.repeat(tone(1000))
        pair.far.span.hold(ours.call)
        await until(lambda: ours.call.held and theirs.call.held)
        assert {pair.near.span.channels.get(9).state, pair.far.span.channels.get(9).state} == {ChannelState.IDLE}
        heard = len(theirs.heard_rows)
        await until(
            lambda: len(theirs.heard_rows) > heard + 60
        )  # silence goes on, so that nobody takes it for an end
        assert not np.any(theirs.heard()[-RATE // 2 :] > 100)
        other, _ = await talk(pair.near, pair.far, "2", slot=9)
        assert pair.far.span.retrieve(ours.call)
        await until(lambda: not ours.call.held and not theirs.call.held)
        assert ours.call.slot == theirs.call.slot != other.call.slot
        heard = len(theirs.heard_rows)
        await until(lambda: len(theirs.heard_rows) > heard + 60)
        assert loudest(theirs.heard()) == pytest.approx(1000, abs=4)
        pair.far.hang_up(ours)
        pair.near.hang_up(other)
        await until(lambda: not pair.near.span.calls and not pair.far.span.calls)
        assert {channel.state for channel in pair.near.span.channels.all()} == {ChannelState.IDLE}


async def test_a_switch_joins_two_calls_and_both_end() -> None:
    async with joined() as pair:
        incoming, ours = await talk(pair.far, pair.near, "1")
        outgoing, _ = await talk(pair.near, pair.far, "2")
        pair.near.span.transfer(ours.call, outgoing.call)
        await until(lambda: not pair.near.span.calls and not pair.far.span.calls)
        assert len(pair.far.joined) == 1
        assert incoming.call in pair.far.joined[0]
        assert (ours.call.cause, outgoing.call.cause) == (16, 16)


async def test_a_held_call_may_end() -> None:
    async with joined() as pair:
        ours, theirs = await talk(pair.near, pair.far, "1")
        pair.near.span.hold(ours.call)
        await until(lambda: ours.call.held and theirs.call.held)
        pair.far.hang_up(theirs)
        await until(lambda: not pair.near.span.calls and not pair.far.span.calls)
        assert ours.call.cause == 16


async def test_blocked_channels_and_spans_get_no_calls() -> None:
    async with joined() as pair:
        for slot in BEARERS[1:]:
            pair.near.span.channels.get(slot).blocked = True
        voice = pair.near.call("1")
        assert voice is not None
        assert voice.call.slot == BEARERS[0]
        assert pair.near.call("1") is None
        refused = pair.far.call("2", slot=5, exclusive=True)
        assert refused is not None
        assert await pair.far.reached(refused, CallState.ENDING, PATIENCE)
        assert refused.call.cause == 44


async def test_a_restarted_channel_loses_its_call_on_both_sides() -> None:
    async with joined() as pair:
        ours, theirs = await talk(pair.near, pair.far, "1", slot=3)
        pair.near.span.restart(3)
        await until(lambda: not pair.near.span.calls and not pair.far.span.calls)
        assert theirs.call.cause == 41
        assert ours.call.cause == 41
        await until(lambda: pair.near.span.channels.get(3).state is ChannelState.IDLE)


async def test_calls_outlive_a_short_break_and_end_with_the_span() -> None:
    async with joined(timers={"T203": 1000, "T200": 500, "T309": 3000}) as pair:
        ours, theirs = await talk(pair.near, pair.far, "1")
        pair.far_line.faults.silent = pair.near_line.faults.silent = True
        await until(lambda: not pair.near.span.layer2 and not pair.far.span.layer2)
        assert pair.near_line.alarms == {LineAlarm.LOS}
        assert pair.near.call("2") is None
        pair.far_line.faults.silent = pair.near_line.faults.silent = False
        await until(lambda: pair.near.span.usable and pair.far.span.usable)
        heard = len(ours.heard_rows)
        await until(lambda: len(ours.heard_rows) > heard + 10)
        assert ours.call.state is theirs.call.state is CallState.CONNECTED
        pair.far_line.faults.silent = pair.near_line.faults.silent = True
        await until(lambda: not pair.near.span.calls and not pair.far.span.calls)
        assert ours.call.cause in (27, 38, 41)


async def test_the_far_end_hears_that_it_is_not_heard() -> None:
    async with joined() as pair:
        pair.far_line.faults.ais = True
        await until(lambda: pair.near_line.alarms == {LineAlarm.AIS})
        await until(lambda: pair.far_line.alarms == {LineAlarm.RAI})
        pair.far_line.faults.ais = False
        await until(lambda: not pair.near_line.alarms and not pair.far_line.alarms)


async def test_a_far_end_that_begins_anew_within_a_moment_is_heard() -> None:
    async with joined() as pair:
        await until(lambda: pair.near_line.counters.blocks_received > 60)
        pair.far_line._sequence = 0  # as a program that was started again counts
        slips = pair.near_line.counters.slips
        await until(lambda: pair.near_line.counters.blocks_received > 100)
        assert pair.near_line.counters.slips - slips <= 1


async def test_slips_and_bit_errors_are_survived_and_slips_counted() -> None:
    async with joined() as pair:
        pair.far_line.faults.bit_error_rate = 1e-4
        ours, theirs = await talk(pair.far, pair.near, "1")
        pair.far_line.faults.slip = 2
        await until(lambda: pair.near_line.counters.slips == 1)  # two blocks at once
        theirs.repeat(tone(1000))
        heard = len(ours.heard_rows)
        await until(lambda: len(ours.heard_rows) > heard + 60)
        assert loudest(ours.heard()) == pytest.approx(1000, abs=4)


async def test_a_looped_channel_is_tested_from_the_far_end() -> None:
    async with joined() as pair:
        assert pair.near.span.loop(7, on=True)
        result = await pair.far.span.test_loop(7)
        assert result is not None
        assert (result.looped, result.errors) == (True, 0)
        assert pair.near.call("1", slot=7) is None  # no calls meanwhile
        pair.far_line.faults.bit_error_rate = 1e-3
        result = await pair.far.span.test_loop(7)
        assert result is not None
        assert 0 < result.errors < result.bits / 100
        pair.far_line.faults.bit_error_rate = 0.0
        assert pair.near.span.loop(7, on=False)
        result = await pair.far.span.test_loop(7)
        assert result is not None
        assert not result.looped
        ours, _ = await talk(pair.near, pair.far, "1", slot=7)
        assert not pair.near.span.loop(7, on=True)
        assert await pair.near.span.test_loop(7) is None
        assert ours.call.state is CallState.CONNECTED


async def test_a_program_that_is_killed_ends_its_calls_and_comes_back() -> None:
    async with joined() as pair:
        ours, _ = await talk(pair.near, pair.far, "1")
        pid = pair.near.span.pid
        assert pid is not None
        os.kill(pid, signal.SIGKILL)
        await until(lambda: ours.call.name not in pair.near.voices)
        assert ours.call.cause == 38
        await until(lambda: pair.near.span.usable)
        assert pair.near.span.pid != pid
        again, _ = await talk(pair.near, pair.far, "1", slot=20)
        assert again.call.slot == 20
