"""A carrier is asked by REFER to connect its caller with a number, or with another of its own; else we do."""

from __future__ import annotations

import json
from dataclasses import replace
from urllib.parse import unquote

import pytest

from ccplatform.contracts.facts import CallerReferred
from ccplatform.contracts.legs import (
    AdoptLeg,
    DialLeg,
    DialTarget,
    HandOn,
    LegAnswered,
    LegEnded,
    LegEvent,
    LegOffered,
    LegReferred,
    LegRinging,
    NumberTarget,
    TrunkTarget,
)
from ccplatform.contracts.words import CallId, ContactId, LegId, LegRole, ReleaseCause, TrunkId
from ccplatform.kernel.clock import VirtualClock
from gateway.handing_on import ATTENDED_SECONDS, SILENCE_SECONDS
from gateway.sip.message import SipRequest, SipResponse
from gateway.sip.number_rules import NumberRule
from gateway.sip.outbound_routes import OutboundRoute, TrunkChoice
from gateway.sip.responses import response_to
from gateway.sip.settings import SipSettings
from gateway.sip.trunk import TrunkState, TrunkTransfer
from tests.gateway.sip.centre import Centre, to_trunk, trunk
from tests.gateway.sip.network import Network
from tests.gateway.sip.raw import SDP, RawPeer

PEER, CENTRE, NEAR = "10.0.0.1", "10.0.0.3", TrunkId("near")
OUTSIDE = NumberTarget(number="02155667788")
CARRIER = replace(
    trunk("near", PEER), transfer=TrunkTransfer.REFER, numbers_out=(NumberRule(prefix="0", strip=1, add="+86"),)
)


class Carrier(RawPeer):
    """The carrier of trunk ``near``, with a caller in the centre."""

    def __init__(self, network: Network, centre: Centre, clock: VirtualClock) -> None:
        super().__init__(network, PEER, CENTRE)
        self.network, self.centre, self.clock = network, centre, clock
        self.refers: list[SipRequest] = []
        self.invites: list[SipRequest] = []
        self.byes: list[SipRequest] = []
        self.call = CallId("call")

    def calls(self) -> LegId:
        self.centre.answers_everything()
        self.ask(self.request("INVITE", self.sdp()))
        self.ack()
        self.look()
        caller = self.centre.of(LegOffered)[0].leg
        contact = ContactId("contact")
        self.centre.legs.perform(AdoptLeg(leg=caller, call=self.call, contact=contact, role=LegRole.CALLER))
        return caller

    def look(self) -> list[SipResponse]:
        """Take what came; the responses among it."""
        answers = []
        for message in self.heard():
            if isinstance(message, SipResponse):
                answers.append(message)
            elif message.method in ("REFER", "INVITE", "BYE"):
                kept = {"REFER": self.refers, "INVITE": self.invites, "BYE": self.byes}[message.method]
                if message.via.branch not in [other.via.branch for other in kept]:  # else it is repeated
                    kept.append(message)
        return answers

    def says(self, status: int, request: SipRequest, *, tag: str = "", sdp: bool = False) -> None:
        body = SDP.format(host=PEER, direction="sendrecv").encode() if sdp else b""
        answer = response_to(request, status, to_tag=tag, body=body)
        answer.headers.put("contact", f"<sip:far@{PEER}>")
        self.send(answer.encode())
        self.look()

    def tells(self, status: int | str, *, state: str = "active", event: str = "refer", kind: str = "") -> int:
        """A NOTIFY; the status of its answer."""
        extra = f"Event: {event}\r\nSubscription-State: {state}"
        line = status if isinstance(status, str) else f"SIP/2.0 {status} Whatever\r\n"
        kind = kind or "message/sipfrag;version=2.0"
        self.send(self.request("NOTIFY", line, content_type=kind, extra=extra))
        return self.look()[-1].status

    def transfer(self, caller: LegId, target: DialTarget = OUTSIDE) -> LegId:
        leg = LegId("party")
        self.centre.legs.perform(
            DialLeg(
                leg=leg,
                call=self.call,
                contact=ContactId("contact"),
                role=LegRole.PARTY,
                target=target,
                caller="13800000001",
                transfers=caller,
            )
        )
        self.look()
        return leg

    def passes(self, seconds: float) -> None:
        self.clock.advance(seconds)
        self.look()

    async def is_served_anew(self, *legs: LegId) -> Centre:
        """Control dies, and the next process takes these legs back."""
        kept = [json.loads(json.dumps(self.centre.legs.snapshot(leg))) for leg in legs]
        before, self.centre = self.centre, await open_centre(self.network, self.clock)
        for leg, data in zip(legs, kept, strict=True):
            if leg in before.media.open:
                self.centre.media.open[leg] = before.media.open[leg]
            else:
                before.release(leg)  # nothing of it is on the wire: its timer dies with its process
            assert self.centre.legs.restore(leg, data, media=leg in before.media.open)
        self.look()
        return self.centre

    @property
    def told(self) -> list[tuple[bool, int]]:
        return [(fact.attended, fact.status) for fact in self.centre.facts_of(CallerReferred)]


async def open_centre(network: Network, clock: VirtualClock) -> Centre:
    settings = SipSettings(bind_ip=CENTRE)
    made = Centre(CENTRE, clock, network.wire(CENTRE), trunks=[CARRIER], settings=settings)
    routes = [OutboundRoute(prefix="0", choices=(TrunkChoice(trunk=NEAR),))]
    made.access.routes.replace([*routes, OutboundRoute(prefix="110", emergency=True, choices=routes[0].choices)])
    await made.open()
    return made


@pytest.fixture
async def centre(network: Network, clock: VirtualClock) -> Centre:
    return await open_centre(network, clock)


@pytest.fixture
def carrier(network: Network, centre: Centre, clock: VirtualClock) -> Carrier:
    return Carrier(network, centre, clock)


def since(centre: Centre, kind: type[LegEvent]) -> list[LegEvent]:
    return [event for event in centre.told if isinstance(event, kind) and event.leg == LegId("party")]


async def test_the_carrier_connects_its_caller_and_tells_how_far_it_is(carrier: Carrier, centre: Centre) -> None:
    caller = carrier.calls()
    party = carrier.transfer(caller)
    (refer,) = carrier.refers
    assert refer.headers.first("refer-to") == f"<sip:+862155667788@{PEER}:5060>"
    assert refer.addresses("referred-by")[0].uri.user == "95000"
    assert carrier.invites == []
    carrier.says(202, refer)
    assert carrier.tells(100) == 200
    carrier.passes(SILENCE_SECONDS + 1)  # it told something: it may take its time
    assert carrier.tells(180) == carrier.tells(183) == 200
    assert since(centre, LegRinging) == [LegRinging(leg=party, device="02155667788")]
    assert carrier.tells(200, state="terminated;reason=noresource") == 200
    assert centre.of(LegReferred) == [LegReferred(leg=caller, to=party)]
    for leg in (party, caller):
        centre.release(leg)
    carrier.look()
    carrier.says(200, carrier.byes[0])
    assert carrier.told == [(False, 200)]
    assert carrier.invites == []
    carrier.passes(64)
    assert centre.is_clean()


@pytest.mark.parametrize("status", [403, 405, 420, 603])
async def test_what_the_carrier_refuses_is_dialled(carrier: Carrier, centre: Centre, status: int) -> None:
    caller = carrier.calls()
    party = carrier.transfer(caller)
    carrier.says(status, carrier.refers[0])
    assert [invite.uri.user for invite in carrier.invites] == ["+862155667788"]
    assert carrier.told == [(False, status)]
    carrier.says(200, carrier.invites[0], tag="far", sdp=True)
    assert LegAnswered(leg=party, device="02155667788") in centre.told
    centre.legs.perform(HandOn(leg=caller, to=party))
    carrier.look()
    assert len(carrier.refers) == 1  # once is enough


async def test_a_carrier_that_could_not_reach_it_has_us_try(carrier: Carrier) -> None:
    carrier.transfer(carrier.calls())
    carrier.says(202, carrier.refers[0])
    assert carrier.tells(486, state="terminated;reason=noresource") == 200
    assert (carrier.told, len(carrier.invites)) == ([(False, 486)], 1)
    assert carrier.tells(200) == 200  # too late, and no news
    assert (carrier.told, len(carrier.invites)) == ([(False, 486)], 1)


@pytest.mark.parametrize("accepts", [True, False])
async def test_a_carrier_that_says_nothing_has_us_dial(carrier: Carrier, accepts: bool) -> None:
    carrier.transfer(carrier.calls())
    if accepts:
        carrier.says(202, carrier.refers[0])
    carrier.passes(SILENCE_SECONDS - 0.5)
    assert carrier.invites == []
    carrier.passes(1.0)
    assert (carrier.told, len(carrier.invites)) == ([(False, 408)], 1)


async def test_a_subscription_that_ends_without_a_word_has_us_dial(carrier: Carrier) -> None:
    carrier.transfer(carrier.calls())
    carrier.says(202, carrier.refers[0])
    assert carrier.tells(100, state="terminated;reason=giveup") == 200
    assert (carrier.told, len(carrier.invites)) == ([(False, 480)], 1)


async def test_a_caller_who_leaves_meanwhile_is_told_as_such(carrier: Carrier, centre: Centre) -> None:
    caller = carrier.calls()
    party = carrier.transfer(caller)
    carrier.says(202, carrier.refers[0])
    carrier.send(carrier.request("BYE"))
    carrier.look()
    assert centre.of(LegEnded) == [LegEnded(leg=caller, cause=ReleaseCause.NORMAL, by_remote=True)]
    centre.release(party, ReleaseCause.CANCELLED)
    carrier.passes(60)
    assert (carrier.told, carrier.invites) == ([(False, 0)], [])
    assert centre.is_clean()


async def test_a_transfer_that_is_given_up_is_dialled_no_more(carrier: Carrier, centre: Centre) -> None:
    party = carrier.transfer(carrier.calls())
    centre.release(party, ReleaseCause.CANCELLED)
    carrier.says(603, carrier.refers[0])
    assert (carrier.told, carrier.invites) == ([(False, 487)], [])
    assert len(centre.legs) == 1


@pytest.mark.parametrize(
    ("target", "changed"),
    [
        (NumberTarget(number="110"), CARRIER),
        (OUTSIDE, replace(CARRIER, transfer=TrunkTransfer.BRIDGE)),
        (TrunkTarget(trunk=TrunkId("other"), number="0215"), CARRIER),
        (OUTSIDE, replace(CARRIER, state=TrunkState.BLOCKED, transfer=TrunkTransfer.BRIDGE)),
    ],
)
async def test_not_every_call_is_the_carriers(
    carrier: Carrier, centre: Centre, target: DialTarget, changed: object
) -> None:
    caller = carrier.calls()
    assert isinstance(changed, type(CARRIER))
    centre.access.configure_trunks([changed])
    carrier.transfer(caller, target)
    assert carrier.refers == []


async def test_two_who_talk_through_us_are_connected_by_replaces(carrier: Carrier, centre: Centre) -> None:
    caller = carrier.calls()
    other = centre.dial(to_trunk("near", "0215"))
    carrier.look()
    (invite,) = carrier.invites
    carrier.says(200, invite, tag="far", sdp=True)
    centre.legs.perform(HandOn(leg=caller, to=other))
    carrier.look()
    uri, _, named = (carrier.refers[0].headers.first("refer-to") or "").strip("<>").partition("?Replaces=")
    assert uri == f"sip:far@{PEER}"
    assert unquote(named) == f"{invite.call_id};to-tag=far;from-tag={invite.from_.tag}"
    carrier.says(202, carrier.refers[0])
    carrier.tells(200, state="terminated;reason=noresource")
    assert centre.of(LegReferred) == [LegReferred(leg=caller, to=other)]
    assert carrier.told == [(True, 200)]


async def test_two_who_talk_through_us_talk_on_when_the_carrier_does_nothing(
    carrier: Carrier, centre: Centre
) -> None:
    caller = carrier.calls()
    other = centre.dial(to_trunk("near", "0215"))
    carrier.look()
    carrier.says(200, carrier.invites[0], tag="far", sdp=True)
    centre.legs.perform(HandOn(leg=caller, to=other))
    carrier.look()
    carrier.says(202, carrier.refers[0])
    carrier.passes(ATTENDED_SECONDS + 1)
    assert carrier.told == [(True, 408)]
    assert (centre.of(LegEnded), len(carrier.byes)) == ([], 0)


@pytest.mark.parametrize(
    ("line", "event", "kind", "status"),
    [
        ("SIP/2.0 200 OK\r\n", "presence", "", 489),
        ("nonsense", "refer", "", 400),
        ("SIP/2.0 2000 OK", "refer", "", 400),
        ("SIP/2.0 200 OK", "refer", "text/plain", 400),
    ],
)
async def test_a_notify_that_makes_no_sense_is_refused_and_changes_nothing(
    carrier: Carrier, centre: Centre, line: str, event: str, kind: str, status: int
) -> None:
    carrier.transfer(carrier.calls())
    carrier.says(202, carrier.refers[0])
    assert carrier.tells(line, event=event, kind=kind) == status
    assert centre.of(LegReferred) == []


async def test_a_notify_that_nobody_asked_for_is_refused(carrier: Carrier) -> None:
    carrier.calls()
    assert carrier.tells(200) == 481


async def test_what_the_carrier_tells_after_a_restart_counts(carrier: Carrier) -> None:
    caller = carrier.calls()
    party = carrier.transfer(caller)
    carrier.says(202, carrier.refers[0])
    carrier.tells(100)
    later = await carrier.is_served_anew(caller, party)
    carrier.passes(SILENCE_SECONDS + 1)  # it told something before: it may take its time
    assert carrier.tells(180) == 200
    assert later.of(LegRinging) == [LegRinging(leg=party, device="02155667788")]
    assert carrier.tells(200, state="terminated;reason=noresource") == 200
    assert later.of(LegReferred) == [LegReferred(leg=caller, to=party)]
    assert (carrier.told, carrier.invites, len(carrier.refers)) == ([(False, 200)], [], 1)
    for leg in (party, caller):
        later.release(leg)
    carrier.look()
    carrier.says(200, carrier.byes[0])
    carrier.passes(64)
    assert later.is_clean()


@pytest.mark.parametrize("status", [0, 486])
async def test_a_carrier_that_does_not_connect_after_a_restart_has_us_dial(carrier: Carrier, status: int) -> None:
    caller = carrier.calls()
    party = carrier.transfer(caller)
    carrier.says(202, carrier.refers[0])
    later = await carrier.is_served_anew(caller, party)
    if status:
        carrier.tells(status, state="terminated;reason=noresource")
    else:
        carrier.passes(SILENCE_SECONDS + 1)
    assert [invite.uri.user for invite in carrier.invites] == ["+862155667788"]
    assert carrier.told == [(False, status or 408)]
    carrier.says(200, carrier.invites[0], tag="far", sdp=True)
    assert LegAnswered(leg=party, device="02155667788") in later.told
    later.legs.perform(HandOn(leg=caller, to=party))
    carrier.look()
    assert len(carrier.refers) == 1  # the new process knows that it was asked


async def test_two_who_talk_through_us_are_connected_after_a_restart(carrier: Carrier, centre: Centre) -> None:
    caller = carrier.calls()
    command = replace(centre.dialled(to_trunk("near", "0215")), call=carrier.call)
    centre.legs.perform(command)
    carrier.look()
    carrier.says(200, carrier.invites[0], tag="far", sdp=True)
    centre.legs.perform(HandOn(leg=caller, to=command.leg))
    carrier.look()
    carrier.says(202, carrier.refers[0])
    later = await carrier.is_served_anew(caller, command.leg)
    assert carrier.tells(200, state="terminated;reason=noresource") == 200
    assert later.of(LegReferred) == [LegReferred(leg=caller, to=command.leg)]
    assert carrier.told == [(True, 200)]


async def test_whom_a_carrier_was_asked_for_is_lost_with_the_caller(carrier: Carrier, centre: Centre) -> None:
    caller = carrier.calls()
    party = carrier.transfer(caller)
    kept = centre.legs.snapshot(party)
    assert kept is not None
    later = await open_centre(carrier.network, carrier.clock)
    assert not later.legs.restore(party, kept, media=False)
    assert not later.legs.restore(party, {"handing": {"command": {}}}, media=False)
    assert len(later.legs) == 0
