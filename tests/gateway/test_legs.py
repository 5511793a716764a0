"""Legs of two gateways that call each other over a network in memory: commands in, events out."""

from __future__ import annotations

import json
from typing import Any

import pytest

from ccplatform.contracts.facts import CallRefused, SipMessageSeen, TrunkChannelsChanged
from ccplatform.contracts.legs import (
    AnswerLeg,
    LegAnswered,
    LegEnded,
    LegOffered,
    LegQuality,
    LegRinging,
    SeatTarget,
)
from ccplatform.contracts.words import LegId, ReleaseCause, SeatId
from ccplatform.kernel.clock import VirtualClock
from gateway.media.port import LegSilent
from gateway.sip.uac import NO_REPLY_LIMIT
from tests.gateway.sip.centre import Centre, to_trunk, trunk
from tests.gateway.sip.network import DELAY, Network


def settle(clock: VirtualClock) -> None:
    """Let every transaction and dialog come to its end."""
    clock.advance(200)


async def test_a_call_is_offered_rings_is_answered_and_cleared(
    calling: Centre, called: Centre, clock: VirtualClock, network: Network
) -> None:
    called.answers_everything(ring=True)
    leg = calling.dial(to_trunk("far"), caller="13800000001")
    clock.advance(1)
    offered = called.of(LegOffered)[0]
    assert (offered.caller, offered.dialled, offered.trunk, offered.seat) == ("13800000001", "95000", "near", None)
    assert [type(event) for event in calling.told] == [LegRinging, LegAnswered]
    assert called.of(LegAnswered)
    assert calling.media.connected[0][1].port == called.media.open[offered.leg].port
    assert called.media.connected[0][1].port == calling.media.open[leg].port
    calling.release(leg)
    settle(clock)
    assert calling.ended() == [(ReleaseCause.NORMAL, False)]
    assert called.ended() == [(ReleaseCause.NORMAL, True)]
    assert calling.is_clean()
    assert called.is_clean()
    assert network.sent == [
        "INVITE sip:95000@10.0.0.2:5060 SIP/2.0",
        "SIP/2.0 100 Trying",
        "SIP/2.0 180 Ringing",
        "SIP/2.0 200 OK",
        "ACK sip:ccplatform@10.0.0.2:5060 SIP/2.0",
        "BYE sip:ccplatform@10.0.0.2:5060 SIP/2.0",
        "SIP/2.0 200 OK",
    ]


async def test_media_is_connected_and_told_before_the_ack(
    calling: Centre, called: Centre, clock: VirtualClock, network: Network
) -> None:
    called.answers_everything()
    network.fate = lambda data: [] if data.startswith(b"SIP/2.0 200") else [DELAY]
    calling.dial(to_trunk("far"))
    clock.advance(0.1)
    assert called.of(LegAnswered)
    assert called.media.connected


async def test_quality_is_told_just_before_the_end(calling: Centre, called: Centre, clock: VirtualClock) -> None:
    called.answers_everything()
    leg = calling.dial(to_trunk("far"))
    clock.advance(1)
    calling.release(leg)
    assert [type(event) for event in calling.told[-2:]] == [LegQuality, LegEnded]


async def test_the_end_is_told_even_when_the_media_engine_is_mute(
    calling: Centre, called: Centre, clock: VirtualClock
) -> None:
    called.answers_everything()
    calling.media.silent = True
    leg = calling.dial(to_trunk("far"))
    clock.advance(1)
    calling.release(leg)
    assert calling.ended() == []
    clock.advance(3)
    assert calling.ended() == [(ReleaseCause.NORMAL, False)]


@pytest.mark.parametrize("moment", [n / 1000 for n in range(0, 80, 4)])
async def test_a_cancel_at_any_moment_ends_both_legs_once(
    calling: Centre, called: Centre, clock: VirtualClock, moment: float
) -> None:
    called.answers_everything(ring=True)
    leg = calling.dial(to_trunk("far"))
    clock.advance(moment)
    calling.release(leg, ReleaseCause.CANCELLED)
    settle(clock)
    assert len(calling.of(LegEnded)) == 1
    assert len(called.of(LegEnded)) == len(called.of(LegOffered))
    assert calling.is_clean()
    assert called.is_clean()


async def test_a_cancel_while_ringing_is_a_cancelled_leg(
    calling: Centre, called: Centre, clock: VirtualClock
) -> None:
    called.rings_everything()
    leg = calling.dial(to_trunk("far"))
    clock.advance(1)
    calling.release(leg, ReleaseCause.NO_ANSWER)
    settle(clock)
    assert called.ended() == [(ReleaseCause.CANCELLED, True)]
    assert called.is_clean()


async def test_an_answer_that_crosses_the_cancel_is_acknowledged_and_cleared(
    calling: Centre, called: Centre, clock: VirtualClock, network: Network
) -> None:
    called.rings_everything()
    leg = calling.dial(to_trunk("far"))
    clock.advance(1)
    called.legs.perform(AnswerLeg(leg=called.of(LegOffered)[0].leg))
    calling.release(leg)
    settle(clock)
    methods = [line.split()[0] for line in network.sent if not line.startswith("SIP/2.0")]
    assert methods == ["INVITE", "CANCEL", "ACK", "BYE"]
    assert called.ended() == [(ReleaseCause.NORMAL, True)]
    assert called.is_clean()


async def test_a_lost_ack_repeats_the_200_and_then_sends_a_bye(
    calling: Centre, called: Centre, clock: VirtualClock, network: Network
) -> None:
    called.answers_everything()
    network.fate = lambda data: [] if data.startswith(b"ACK") else [DELAY]
    calling.dial(to_trunk("far"))
    settle(clock)
    assert called.ended() == [(ReleaseCause.TIMEOUT, True)]
    assert calling.ended() == [(ReleaseCause.NORMAL, True)]
    assert network.sent.count("SIP/2.0 200 OK") > 8
    assert calling.is_clean()
    assert called.is_clean()


async def test_a_release_before_the_ack_waits_with_the_bye(
    calling: Centre, called: Centre, clock: VirtualClock, network: Network
) -> None:
    called.answers_everything()
    calling.dial(to_trunk("far"))
    clock.advance(2.5 * DELAY)
    called.release(called.of(LegOffered)[0].leg)
    assert called.ended() == [(ReleaseCause.NORMAL, False)]
    settle(clock)
    methods = [line.split()[0] for line in network.sent if not line.startswith("SIP/2.0")]
    assert methods == ["INVITE", "ACK", "BYE"]
    assert called.is_clean()


async def test_nobody_there_is_unreachable_before_the_caller_wonders(calling: Centre, clock: VirtualClock) -> None:
    calling.dial(to_trunk("far"))
    clock.advance(NO_REPLY_LIMIT - 0.1)
    assert calling.ended() == []
    clock.advance(0.2)
    assert calling.ended() == [(ReleaseCause.UNREACHABLE, True)]
    clock.advance(64 * 0.5)
    assert calling.is_clean()


async def test_who_comes_to_life_too_late_is_cancelled(
    calling: Centre, called: Centre, clock: VirtualClock, network: Network
) -> None:
    called.rings_everything()
    network.fate = lambda data: [NO_REPLY_LIMIT + 1.0] if data.startswith(b"INVITE") else [DELAY]
    calling.dial(to_trunk("far"))
    settle(clock)
    assert calling.ended() == [(ReleaseCause.UNREACHABLE, True)]
    assert called.ended() == [(ReleaseCause.CANCELLED, True)]
    assert calling.is_clean()
    assert called.is_clean()


@pytest.mark.parametrize(
    ("cause", "heard"),
    [
        (ReleaseCause.BUSY, ReleaseCause.BUSY),
        (ReleaseCause.REJECTED, ReleaseCause.REJECTED),
        (ReleaseCause.NOT_FOUND, ReleaseCause.NOT_FOUND),
        (ReleaseCause.NO_ANSWER, ReleaseCause.NO_ANSWER),
        (ReleaseCause.OVERLOAD, ReleaseCause.OVERLOAD),
    ],
)
async def test_a_refusal_tells_its_cause_to_the_other_side(
    calling: Centre, called: Centre, clock: VirtualClock, cause: ReleaseCause, heard: ReleaseCause
) -> None:
    calling.dial(to_trunk("far"))
    clock.advance(0.1)
    called.release(called.of(LegOffered)[0].leg, cause)
    settle(clock)
    assert calling.ended() == [(heard, True)]
    assert called.ended() == [(cause, False)]


async def test_a_full_trunk_refuses_the_next_call_and_tells_it(
    calling: Centre, called: Centre, clock: VirtualClock
) -> None:
    called.access.trunks.replace([trunk("near", "10.0.0.1", capacity=1)])
    called.answers_everything()
    calling.dial(to_trunk("far"))
    calling.dial(to_trunk("far"))
    clock.advance(1)
    assert calling.ended() == [(ReleaseCause.BUSY, True)]
    refused = called.facts_of(CallRefused)
    assert [(fact.trunk, fact.cause, fact.sip_status) for fact in refused] == [("near", ReleaseCause.BUSY, 486)]
    called.release(called.of(LegOffered)[0].leg)
    settle(clock)
    assert [fact.in_use for fact in called.facts_of(TrunkChannelsChanged)] == [1, 0]
    # The second call was there for no time at all.
    assert [fact.in_use for fact in calling.facts_of(TrunkChannelsChanged)] == [1, 0]


async def test_our_own_full_trunk_is_busy_at_once(calling: Centre) -> None:
    calling.access.trunks.replace([trunk("far", "10.0.0.2", capacity=1)])
    calling.dial(to_trunk("far"))
    calling.dial(to_trunk("far"))
    assert calling.ended() == [(ReleaseCause.BUSY, False)]


async def test_calls_are_refused_while_draining(calling: Centre, called: Centre, clock: VirtualClock) -> None:
    called.refusing = ReleaseCause.UNAVAILABLE
    calling.dial(to_trunk("far"))
    clock.advance(1)
    assert called.of(LegOffered) == []
    assert [fact.sip_status for fact in called.facts_of(CallRefused)] == [503]


async def test_no_media_worker_ends_the_leg_unavailable(
    calling: Centre, called: Centre, clock: VirtualClock
) -> None:
    called.media.full = True
    called.answers_everything()
    calling.dial(to_trunk("far"))
    settle(clock)
    assert called.ended() == [(ReleaseCause.UNAVAILABLE, False)]
    assert called.is_clean()


async def test_a_seat_without_a_phone_is_unreachable(called: Centre) -> None:
    called.dial(SeatTarget(seat=SeatId("seat-01")))
    called.dial(SeatTarget(seat=SeatId("no-such-seat")))
    assert called.ended() == [(ReleaseCause.UNREACHABLE, False)] * 2


async def test_lost_audio_ends_its_leg(calling: Centre, called: Centre, clock: VirtualClock) -> None:
    called.answers_everything()
    first, _ = calling.dial(to_trunk("far")), calling.dial(to_trunk("far"))
    clock.advance(1)
    calling.legs.media_event(LegSilent(leg=first, seconds=30))
    settle(clock)
    assert [cause for cause, _ in calling.ended()] == [ReleaseCause.MEDIA_LOST]
    assert len(called.legs) == 1


async def test_every_message_of_a_contact_is_traced(calling: Centre, called: Centre, clock: VirtualClock) -> None:
    called.answers_everything()
    leg = calling.dial(to_trunk("far"))
    clock.advance(1)
    calling.release(leg)
    settle(clock)
    seen = [(fact.outgoing, fact.text.split("\r\n")[0][:7]) for fact in called.facts_of(SipMessageSeen)]
    assert seen == [
        (False, "INVITE "),
        (True, "SIP/2.0"),
        (True, "SIP/2.0"),
        (False, "ACK sip"),
        (False, "BYE sip"),
        (True, "SIP/2.0"),
    ]
    contact = called.facts_of(SipMessageSeen)[0].contact
    assert {fact.contact for fact in called.facts_of(SipMessageSeen)} == {contact}


async def test_a_restarted_process_answers_the_peers_bye(
    calling: Centre, called: Centre, clock: VirtualClock, network: Network
) -> None:
    called.answers_everything()
    leg = calling.dial(to_trunk("far"))
    clock.advance(1)
    theirs = called.of(LegOffered)[0].leg
    data = json.loads(json.dumps(called.legs.snapshot(theirs)))
    restarted = Centre("10.0.0.2", clock, network.wire("10.0.0.2"), trunks=[trunk("near", "10.0.0.1")])
    await restarted.open()
    restarted.media.open[theirs] = called.media.open[theirs]
    assert restarted.legs.restore(theirs, data, media=True)
    assert not restarted.legs.restore(theirs, data, media=True)
    calling.release(leg)
    settle(clock)
    assert restarted.ended() == [(ReleaseCause.NORMAL, True)]
    assert [fact.in_use for fact in restarted.facts_of(TrunkChannelsChanged)] == [1, 0]
    assert restarted.is_clean()


async def test_a_restarted_process_can_hang_up(
    calling: Centre, called: Centre, clock: VirtualClock, network: Network
) -> None:
    called.answers_everything()
    leg = calling.dial(to_trunk("far"))
    clock.advance(1)
    data = calling.legs.snapshot(leg)
    assert data is not None
    restarted = Centre("10.0.0.1", clock, network.wire("10.0.0.1"), trunks=[trunk("far", "10.0.0.2")])
    await restarted.open()
    assert restarted.legs.restore(leg, data, media=True)
    restarted.release(leg)
    settle(clock)
    assert called.ended() == [(ReleaseCause.NORMAL, True)]
    assert restarted.is_clean()


async def _ringing_again(
    calling: Centre, called: Centre, clock: VirtualClock, network: Network
) -> tuple[Centre, LegId, LegId]:
    """A phone rings at the demand of a process that dies; the next one takes the leg back."""
    called.rings_everything()
    leg = calling.dial(to_trunk("far"))
    clock.advance(1)
    data = json.loads(json.dumps(calling.legs.snapshot(leg)))
    restarted = Centre("10.0.0.1", clock, network.wire("10.0.0.1"), trunks=[trunk("far", "10.0.0.2")])
    await restarted.open()
    restarted.media.open[leg] = calling.media.open[leg]
    assert restarted.legs.restore(leg, data, media=True)
    clock.advance(1)
    assert restarted.of(LegRinging) == []  # it was told before
    return restarted, leg, called.of(LegOffered)[0].leg


async def test_a_phone_that_rings_over_a_restart_can_be_answered(
    calling: Centre, called: Centre, clock: VirtualClock, network: Network
) -> None:
    restarted, leg, theirs = await _ringing_again(calling, called, clock, network)
    called.legs.perform(AnswerLeg(leg=theirs))
    clock.advance(1)
    assert [event.leg for event in restarted.of(LegAnswered)] == [leg]
    assert [connected for connected, _ in restarted.media.connected] == [leg]
    restarted.release(leg)
    settle(clock)
    assert called.ended() == [(ReleaseCause.NORMAL, True)]
    assert restarted.is_clean()


async def test_a_phone_that_rings_over_a_restart_can_be_told_to_stop(
    calling: Centre, called: Centre, clock: VirtualClock, network: Network
) -> None:
    restarted, leg, _ = await _ringing_again(calling, called, clock, network)
    restarted.release(leg)
    settle(clock)
    assert called.ended() == [(ReleaseCause.CANCELLED, True)]
    assert restarted.is_clean()


async def test_an_answer_given_while_nobody_listened_is_heard(
    calling: Centre, called: Centre, clock: VirtualClock, network: Network
) -> None:
    called.rings_everything()
    leg = calling.dial(to_trunk("far"))
    clock.advance(1)
    data = calling.legs.snapshot(leg)
    assert data is not None
    wire = network.wire("10.0.0.1")  # from here on the process that dialled hears nothing
    called.legs.perform(AnswerLeg(leg=called.of(LegOffered)[0].leg))
    clock.advance(3)
    restarted = Centre("10.0.0.1", clock, wire, trunks=[trunk("far", "10.0.0.2")])
    await restarted.open()
    restarted.media.open[leg] = calling.media.open[leg]
    assert restarted.legs.restore(leg, data, media=True)
    clock.advance(3)
    assert [event.leg for event in restarted.of(LegAnswered)] == [leg]
    assert called.ended() == []


async def test_a_caller_who_was_not_answered_has_no_snapshot(
    calling: Centre, called: Centre, clock: VirtualClock
) -> None:
    called.rings_everything()
    leg = calling.dial(to_trunk("far"))
    clock.advance(1)
    assert called.legs.snapshot(called.of(LegOffered)[0].leg) is None
    kept: tuple[dict[str, Any], ...] = (
        {},
        {"dialogs": []},
        {**(calling.legs.snapshot(leg) or {}), "dialogs": [{"invite": "x"}]},
    )
    for broken in kept:
        assert not called.legs.restore(leg, broken, media=True)
