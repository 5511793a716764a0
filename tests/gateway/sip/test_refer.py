"""REFER (RFC 3515, RFC 4488) on the wire: a seat's phone asks, is answered, and hears how far it is."""

from __future__ import annotations

import json
from urllib.parse import quote

import pytest

from ccplatform.contracts.facts import SipMessageSeen
from ccplatform.contracts.legs import (
    AdoptLeg,
    LegAnswered,
    LegTransferAsked,
    NumberTarget,
    ReportTransfer,
    SeatTarget,
    TransferStep,
)
from ccplatform.contracts.words import CallId, ContactId, LegId, LegRole, ReleaseCause, SeatId
from ccplatform.kernel.clock import VirtualClock
from gateway.sip.bindings import Binding
from gateway.sip.flows import Flow
from gateway.sip.message import SipRequest, SipResponse
from gateway.sip.outbound import PhoneFlow
from gateway.sip.parser import parse_message
from gateway.sip.responses import response_to
from gateway.sip.settings import SipSettings
from tests.gateway.sip.centre import Centre, seat, trunk
from tests.gateway.sip.network import Network
from tests.gateway.sip.raw import SDP, RawPeer

PHONE, CENTRE = ("10.0.0.9", 5060), ("10.0.0.2", 5060)


class SeatPhone:
    """The phone of seat-01 in a talk that the centre began: answers what it is asked, asks for transfers."""

    def __init__(self, network: Network, centre: Centre, *, host: str = PHONE[0], number: int = 1) -> None:
        self._stranger = network.stranger(host, 5060)
        self._centre = centre
        self._host, self._user, self._seat = host, str(8000 + number), SeatId(f"seat-{number:02}")
        self._sequence = 0
        self.invite: SipRequest
        self.leg: LegId
        self.notified: list[SipRequest] = []
        self.answers: list[SipResponse] = []
        self.notify_status = 200

    def is_called(self, clock: VirtualClock) -> None:
        self._register(clock)
        self.leg = self._centre.dial(SeatTarget(seat=self._seat), caller="13800000001")
        clock.advance(0.1)
        (self.invite,) = [message for message in self._heard() if isinstance(message, SipRequest)]
        sdp = SDP.format(host=self._host, direction="sendrecv").encode()
        answer = response_to(self.invite, 200, to_tag="phone", body=sdp)
        answer.headers.put("contact", f"<sip:{self._user}@{self._host}>")
        self._send(answer.encode())
        clock.advance(0.1)
        self.hear()
        assert self._centre.of(LegAnswered)

    def _register(self, clock: VirtualClock) -> None:
        binding = Binding(
            uri=f"sip:{self._user}@{self._host}",
            flow=Flow("UDP", self._host, 5060),
            call_id="r",
            sequence=1,
            expires_at=clock.now() + 3600,
            refreshed_at=clock.now(),
        )
        self._centre.access.registrations.load({self._seat: (binding,)})

    def refer(self, to: str = "<sip:8002@10.0.0.2>", extra: str = "") -> int | None:
        """Ask for a transfer; the status of its answer."""
        self.request("REFER", f"Refer-To: {to}\r\nReferred-By: <sip:{self._user}@10.0.0.2>\r\n{extra}")
        return self.answers[-1].status if self.answers else None

    def request(self, method: str, lines: str = "") -> None:
        self._sequence += 1
        invite = self.invite
        text = (
            f"{method} {invite.addresses('contact')[0].uri_text} SIP/2.0\r\n"
            f"Via: SIP/2.0/UDP {self._host}:5060;branch=z9hG4bKp{self._sequence};rport\r\n"
            f"From: {invite.to.party()};tag=phone\r\nTo: {invite.headers.first('from')}\r\n"
            f"Call-ID: {invite.call_id}\r\nCSeq: {self._sequence} {method}\r\n"
            f"Contact: <sip:{self._user}@{self._host}>\r\nMax-Forwards: 70\r\n{lines}Content-Length: 0\r\n\r\n"
        )
        self._send(text.encode())
        self.hear()

    def hear(self) -> None:
        for message in self._heard():
            if isinstance(message, SipResponse):
                self.answers.append(message)
            elif message.method != "ACK":
                if message.method == "NOTIFY":
                    self.notified.append(message)
                self._send(response_to(message, self.notify_status).encode())

    def news(self) -> list[tuple[str, str]]:
        """What was told: the status line, and whether more will come."""
        self.hear()
        return [
            (message.body.decode().strip(), (message.headers.first("subscription-state") or "").partition(";")[0])
            for message in self.notified
        ]

    def _send(self, data: bytes) -> None:
        self._stranger.send(data, CENTRE)

    def _heard(self) -> list[SipRequest | SipResponse]:
        return [parse_message(text.encode()) for text in self._stranger.heard()]


@pytest.fixture
async def phone(called: Centre, clock: VirtualClock, network: Network) -> SeatPhone:
    phone = SeatPhone(network, called)
    phone.is_called(clock)
    return phone


def report(
    centre: Centre, phone: SeatPhone, step: TransferStep, cause: ReleaseCause = ReleaseCause.NORMAL
) -> None:
    centre.legs.perform(ReportTransfer(leg=phone.leg, step=step, cause=cause))
    phone.hear()


def accepts(centre: Centre) -> None:
    def react(event: object) -> None:
        if isinstance(event, LegTransferAsked):
            centre.legs.perform(ReportTransfer(leg=event.leg, step=TransferStep.ACCEPTED))

    centre.on_event = react


async def test_a_transfer_is_accepted_and_its_progress_told(
    called: Centre, phone: SeatPhone, clock: VirtualClock
) -> None:
    accepts(called)
    assert phone.refer() == 202
    assert called.of(LegTransferAsked) == [LegTransferAsked(leg=phone.leg, number="8002")]
    report(called, phone, TransferStep.RINGING)
    report(called, phone, TransferStep.DONE)
    assert phone.news() == [
        ("SIP/2.0 100 Trying", "active"),
        ("SIP/2.0 180 Ringing", "active"),
        ("SIP/2.0 200 OK", "terminated"),
    ]
    notify = phone.notified[0]
    assert notify.headers.first("event") == "refer"
    assert notify.content_type == "message/sipfrag"
    assert phone.answers[0].addresses("contact")
    report(called, phone, TransferStep.DONE)
    assert len(phone.news()) == 3
    called.release(phone.leg)
    clock.advance(200)
    assert called.is_clean()


@pytest.mark.parametrize("told", [True, False])
async def test_progress_is_told_on_by_the_process_that_comes_after_a_restart(
    called: Centre, phone: SeatPhone, clock: VirtualClock, network: Network, told: bool
) -> None:
    accepts(called)
    phone.refer()  # its subscription is the first one: those after it have their number
    report(called, phone, TransferStep.FAILED, ReleaseCause.BUSY)
    assert phone.refer(extra="" if told else "Refer-Sub: false\r\n") == 202
    phone.notified.clear()
    kept = json.loads(json.dumps(called.legs.snapshot(phone.leg)))
    later = Centre(CENTRE[0], clock, network.wire(CENTRE[0]), seats=[seat(1), seat(2)])
    await later.open()
    later.media.open[phone.leg] = called.media.open[phone.leg]
    assert later.legs.restore(phone.leg, kept, media=True)
    accepts(later)
    assert phone.refer() == 491
    for step in (TransferStep.RINGING, TransferStep.DONE):
        report(later, phone, step)
    assert phone.news() == ([("SIP/2.0 180 Ringing", "active"), ("SIP/2.0 200 OK", "terminated")] if told else [])
    assert all((each.headers.first("event") or "").startswith("refer;id=") for each in phone.notified)
    assert phone.refer() == 202
    later.release(phone.leg)
    phone.hear()
    clock.advance(64)
    assert later.is_clean()


async def test_a_dialog_without_a_refer_tells_nothing_after_a_restart(
    called: Centre, phone: SeatPhone, clock: VirtualClock, network: Network
) -> None:
    kept = json.loads(json.dumps(called.legs.snapshot(phone.leg)))
    later = Centre(CENTRE[0], clock, network.wire(CENTRE[0]), seats=[seat(1)])
    await later.open()
    assert later.legs.restore(phone.leg, kept, media=True)
    report(later, phone, TransferStep.DONE)
    assert phone.news() == []


async def test_what_went_wrong_is_told_and_another_transfer_may_follow(called: Centre, phone: SeatPhone) -> None:
    accepts(called)
    phone.refer()
    report(called, phone, TransferStep.FAILED, ReleaseCause.BUSY)
    assert phone.news()[-1] == ("SIP/2.0 486 Busy Here", "terminated")
    assert phone.refer() == 202
    assert (phone.notified[-1].headers.first("event") or "").startswith("refer;id=")


async def test_a_refusal_is_the_answer_itself(called: Centre, phone: SeatPhone) -> None:
    def react(event: object) -> None:
        if isinstance(event, LegTransferAsked):
            step, cause = TransferStep.REFUSED, ReleaseCause.NOT_FOUND
            called.legs.perform(ReportTransfer(leg=event.leg, step=step, cause=cause))

    called.on_event = react
    assert phone.refer() == 404
    assert phone.news() == []


async def test_a_refer_that_nobody_answered_is_answered_when_the_call_ends(
    called: Centre, phone: SeatPhone, clock: VirtualClock
) -> None:
    assert phone.refer() is None
    called.release(phone.leg)
    clock.advance(0.1)
    phone.hear()
    assert [answer.status for answer in phone.answers] == [487]
    clock.advance(200)
    assert called.access.sip.transactions == 0


async def test_a_second_refer_has_to_wait_for_the_first(called: Centre, phone: SeatPhone) -> None:
    accepts(called)
    assert (phone.refer(), phone.refer()) == (202, 491)
    assert len(called.of(LegTransferAsked)) == 1


@pytest.mark.parametrize("extra", ["Refer-Sub: false\r\n", "Refer-Sub: false\r\nRequire: norefersub\r\n"])
async def test_a_phone_that_wants_no_news_gets_none(called: Centre, phone: SeatPhone, extra: str) -> None:
    accepts(called)
    assert phone.refer(extra=extra) == 202
    assert phone.answers[-1].headers.first("refer-sub") == "false"
    report(called, phone, TransferStep.DONE)
    assert phone.news() == []
    assert phone.refer(extra=extra) == 202


async def test_a_phone_that_refuses_a_notify_hears_no_more(called: Centre, phone: SeatPhone) -> None:
    accepts(called)
    phone.notify_status = 481
    phone.refer()
    phone.news()
    report(called, phone, TransferStep.RINGING)
    report(called, phone, TransferStep.DONE)
    assert [text for text, _ in phone.news()] == ["SIP/2.0 100 Trying"]


@pytest.mark.parametrize(
    "to",
    [
        "<sip:10.0.0.2>",
        "<sip:8002@10.0.0.2>, <sip:8003@10.0.0.2>",
        "<sip:8002@10.0.0.2;method=BYE>",
        "<http://10.0.0.2/>",
        "<sip:8002@10.0.0.2?Replaces=a%40b%3Bto-tag%3Dc%3Bfrom-tag%3Dd&Replaces=e%3Bto-tag%3Df%3Bfrom-tag%3Dg>",
        "<sip:8002@10.0.0.2?Replaces=a%40b%3Bto-tag%3Dc>",
        "<sip:8002@10.0.0.2?Replaces=>",
        f"<sip:{'8' * 65}@10.0.0.2>",
        "nonsense",
    ],
)
async def test_a_refer_to_nobody_is_400(called: Centre, phone: SeatPhone, to: str) -> None:
    assert phone.refer(to) == 400
    assert called.of(LegTransferAsked) == []


def replaces(invite: SipRequest, *, ours: str = "", theirs: str = "phone") -> str:
    """A Refer-To that names the dialog of this INVITE of ours."""
    dialog = f"{invite.call_id};to-tag={ours or invite.from_.tag};from-tag={theirs}"
    return f"<sip:ccplatform@10.0.0.2?Replaces={quote(dialog, safe='')}&Require=replaces>"


async def test_a_phone_names_another_call_of_its_own_to_be_joined(
    called: Centre, phone: SeatPhone, clock: VirtualClock
) -> None:
    accepts(called)
    first, second = phone.leg, phone.invite
    phone.is_called(clock)
    assert phone.refer(replaces(second)) == 202
    assert called.of(LegTransferAsked) == [LegTransferAsked(leg=phone.leg, number="ccplatform", replaces=first)]


@pytest.mark.parametrize("wrong", [{"ours": "another"}, {"theirs": "another"}])
async def test_a_dialog_that_nobody_knows_cannot_be_joined_nor_is_it_taken_for_a_number(
    called: Centre, phone: SeatPhone, clock: VirtualClock, wrong: dict[str, str]
) -> None:
    second = phone.invite
    phone.is_called(clock)
    assert phone.refer(replaces(second, **wrong)) == 603
    assert called.of(LegTransferAsked) == []
    accepts(called)
    assert phone.refer() == 202


async def test_a_call_of_another_seat_cannot_be_joined(
    called: Centre, phone: SeatPhone, clock: VirtualClock, network: Network
) -> None:
    other = SeatPhone(network, called, host="10.0.0.8", number=2)
    other.is_called(clock)
    assert phone.refer(replaces(other.invite)) == 603


async def test_a_leg_that_is_adopted_by_another_call_takes_its_media_along(
    called: Centre, phone: SeatPhone, clock: VirtualClock
) -> None:
    first = phone.leg
    phone.is_called(clock)
    assert called.media.beside == {first: None, phone.leg: first}
    contact, call = ContactId("contact-1"), CallId("call-1")
    called.legs.perform(AdoptLeg(leg=phone.leg, call=call, contact=contact, role=LegRole.AGENT))
    called.legs.perform(AdoptLeg(leg=phone.leg, call=call, contact=contact, role=LegRole.AGENT))
    assert called.media.moved == [(phone.leg, call)]
    clock.advance(1.0)
    phone.request("UPDATE")
    assert called.facts_of(SipMessageSeen)[-1].contact == contact


async def test_a_gruu_names_one_phone_of_a_seat(called: Centre, phone: SeatPhone, clock: VirtualClock) -> None:
    other = Binding(
        uri="sip:8002@10.0.0.7",
        flow=Flow("UDP", "10.0.0.7", 5060),
        call_id="r2",
        sequence=1,
        expires_at=clock.now() + 3600,
        refreshed_at=clock.now(),
        phone=PhoneFlow(instance="<urn:uuid:desk>"),
    )
    called.access.registrations.load({SeatId("seat-02"): (other,)})
    phone.refer("<sip:8002@10.0.0.2;gr=urn:uuid:desk>")
    assert called.of(LegTransferAsked) == [LegTransferAsked(leg=phone.leg, number="8002", phone="urn:uuid:desk")]


async def test_a_number_may_be_a_tel_uri_or_carry_headers(called: Centre, phone: SeatPhone) -> None:
    accepts(called)
    phone.refer("<tel:+8613800000001>")
    report(called, phone, TransferStep.DONE)
    phone.refer("<sip:95001@10.0.0.2?Subject=x>")
    assert [event.number for event in called.of(LegTransferAsked)] == ["+8613800000001", "95001"]


async def test_a_trunk_connects_nobody_at_our_expense(called: Centre, network: Network) -> None:
    called.answers_everything()
    peer = RawPeer(network, "10.0.0.1", "10.0.0.2")
    assert peer.ask(peer.request("INVITE", peer.sdp())).status == 200
    peer.ack()
    peer.heard()
    refused = peer.ask(peer.request("REFER", extra="Refer-To: <sip:8002@10.0.0.2>"))
    assert refused.status == 603
    assert called.of(LegTransferAsked) == []


@pytest.mark.parametrize(
    ("number", "target"),
    [
        ("8002", SeatTarget(seat=SeatId("seat-02"))),
        ("021555", NumberTarget(number="021555")),
        ("00155", None),
        ("021;x", None),
        ("", None),
    ],
)
async def test_who_may_be_called_by_which_number(
    network: Network, clock: VirtualClock, number: str, target: object
) -> None:
    settings = SipSettings(bind_ip="10.0.0.3", transfer_prefixes=("021",))
    wire = network.wire("10.0.0.3")
    centre = Centre(
        "10.0.0.3", clock, wire, trunks=[trunk("near", "10.0.0.1")], seats=[seat(2)], settings=settings
    )
    assert centre.access.dialling.target(number) == target


async def test_by_default_no_number_outside_can_be_reached(called: Centre) -> None:
    assert called.access.dialling.target("021555") is None
