"""Phones that watch seats (RFC 6665): dialog-info (RFC 4235) and message-summary (RFC 3842)."""

from __future__ import annotations

import xml.etree.ElementTree as ET

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ccplatform.contracts.legs import LegOffered
from ccplatform.contracts.words import AgentId, SeatId
from ccplatform.kernel.clock import VirtualClock
from ccplatform.kernel.core import DEADLINE
from gateway.sip.dialogs import Identity
from gateway.sip.event_packages import DialogStage, MessageCounts, SeatDialog, dialog_info
from gateway.sip.flows import Flow
from gateway.sip.message import SipRequest, SipResponse
from gateway.sip.parser import parse_message
from gateway.sip.responses import response_to
from gateway.sip.subscriptions import (
    MAX_PER_SUBSCRIBER,
    Notify,
    NotifyOver,
    SeatChanged,
    SubscribeAnswered,
    SubscribeArrived,
    Subscriptions,
    SubscriptionTimes,
)
from tests.gateway.sip.centre import Centre
from tests.gateway.sip.network import Network
from tests.gateway.sip.raw import RawPeer

WATCHED = "sip:8002@10.0.0.2"
DIALOG = "Event: dialog\r\nAccept: application/dialog-info+xml"
NAMESPACE = "{urn:ietf:params:xml:ns:dialog-info}"


class Watcher:
    """The phone of seat-01 watches seat-02; it answers each NOTIFY with ``notify_status``."""

    def __init__(self, network: Network, user: str = "8001", password: str = "secret") -> None:
        self.peer = RawPeer(network, "10.0.0.9", "10.0.0.2", user=user)
        self.password = password
        self.notified: list[SipRequest] = []
        self.notify_status: int | None = 200

    def subscribe(self, lines: str = DIALOG, *, uri: str = WATCHED, expires: int | None = None) -> SipResponse:
        extra = lines + (f"\r\nExpires: {expires}" if expires is not None else "")
        to = f"<{uri}>"
        self.peer.send(self.peer.request("SUBSCRIBE", extra=extra, uri=uri, to=to))
        (challenge,) = self.hear()
        self.peer.send(
            self.peer.with_credentials("SUBSCRIBE", challenge, self.password, uri=uri, to=to, extra=extra)
        )
        (answer,) = self.hear()
        if answer.status == 200:
            self.peer.to_tag = answer.to.tag or ""
        return answer

    def hear(self) -> list[SipResponse]:
        answers = []
        for message in self.peer.heard():
            if isinstance(message, SipResponse):
                answers.append(message)
            elif message.method == "NOTIFY":
                if message.cseq not in [notify.cseq for notify in self.notified]:
                    self.notified.append(message)
                if self.notify_status is not None:
                    self.peer.send(response_to(message, self.notify_status).encode())
        return answers

    def states(self) -> list[str]:
        """What each NOTIFY said of seat-02, its subscription's state first."""
        self.hear()
        told = []
        for notify in self.notified:
            found = [state.text for state in ET.fromstring(notify.body).iter(f"{NAMESPACE}state")]
            state = (notify.headers.first("subscription-state") or "").partition(";")[0]
            told.append(f"{state} {' '.join(map(str, found))}")
        return told


@pytest.fixture
async def watcher(called: Centre, network: Network) -> Watcher:
    return Watcher(network)


def seat_calls(called: Centre, network: Network) -> RawPeer:
    """Seat-02 makes a call that rings."""
    called.rings_everything()
    phone = RawPeer(network, "10.0.0.8", "10.0.0.2", user="8002")
    challenge = phone.ask(phone.request("INVITE", phone.sdp()))
    phone.ack()
    phone.to_tag = ""
    phone.send(phone.with_credentials("INVITE", challenge, "secret", body=phone.sdp()))
    phone.heard()
    return phone


async def test_a_seat_is_watched_from_its_first_ring_to_its_end(
    called: Centre, watcher: Watcher, network: Network, clock: VirtualClock
) -> None:
    answer = watcher.subscribe(expires=600)
    assert (answer.status, answer.headers.first("expires")) == (200, "600")
    assert watcher.states() == ["active "]
    phone = seat_calls(called, network)
    assert watcher.states()[-1] == "active early"
    called.answers(called.of(LegOffered)[0].leg)
    phone.heard()
    phone.ack()
    assert watcher.states()[-1] == "active confirmed"
    phone.ask(phone.request("BYE"))
    clock.advance(1)
    assert watcher.states()[-1] == "active "
    info = ET.fromstring(watcher.notified[1].body)
    assert (info.get("entity"), info.get("state")) == (WATCHED, "full")
    assert [ET.fromstring(notify.body).get("version") for notify in watcher.notified] == ["0", "1", "2", "3"]
    assert watcher.notified[1].headers.first("event") == "dialog"
    assert watcher.notified[1].content_type == "application/dialog-info+xml"
    dialog = info.find(f"{NAMESPACE}dialog")
    assert dialog is not None
    assert dialog.get("direction") == "initiator"


class Signed:
    """Agent 1004 is signed in where ``seat`` says."""

    def __init__(self, called: Centre) -> None:
        self.seat: SeatId | None = None
        self.there = True
        self._notifier = called.access.sip.notifier
        self._notifier.follow_agents(self)

    def knows_agent(self, agent: AgentId) -> bool:
        return self.there and agent == "1004"

    def seat_of(self, agent: AgentId) -> SeatId | None:
        assert self.there
        return self.seat

    def agent_at(self, seat: SeatId) -> AgentId | None:
        return AgentId("1004") if seat == self.seat else None

    def moves(self, seat: SeatId | None) -> None:
        self.seat = seat
        self._notifier.agent_moved(AgentId("1004"))


AGENT_1004 = "sip:1004@10.0.0.2"


async def test_an_agent_is_watched_wherever_he_signs_in(
    called: Centre, watcher: Watcher, network: Network
) -> None:
    signed = Signed(called)
    assert watcher.subscribe(uri=AGENT_1004, expires=600).status == 200
    assert watcher.states() == ["active "]
    seat_calls(called, network)
    assert watcher.states() == ["active "]  # he is not there
    signed.moves(SeatId("seat-02"))
    assert watcher.states() == ["active ", "active early"]
    called.release(called.of(LegOffered)[0].leg)
    assert watcher.states()[2:] == ["active "]
    signed.moves(SeatId("seat-01"))
    seat_calls(called, network)
    assert watcher.states()[3:] == ["active "]
    assert ET.fromstring(watcher.notified[0].body).get("entity") == AGENT_1004


async def test_an_agent_who_is_removed_does_nothing_any_more(called: Centre, watcher: Watcher) -> None:
    signed = Signed(called)
    assert watcher.subscribe(uri=AGENT_1004).status == 200
    signed.there = False
    signed.moves(None)
    assert watcher.states() == ["active ", "active "]
    assert called.crashes == []


async def test_only_what_agents_do_can_be_watched_by_their_numbers_and_by_seats(
    called: Centre, watcher: Watcher, network: Network
) -> None:
    Signed(called)
    accept = "Event: message-summary\r\nAccept: application/simple-message-summary"
    assert watcher.subscribe(accept, uri=AGENT_1004).status == 404
    peer = RawPeer(network, "10.0.0.1", "10.0.0.2")
    assert peer.ask(peer.request("SUBSCRIBE", extra=DIALOG, uri=AGENT_1004)).status == 401


async def test_an_agent_that_is_not_there_cannot_be_watched(called: Centre, watcher: Watcher) -> None:
    Signed(called)
    assert watcher.subscribe(uri="sip:1005@10.0.0.2").status == 404


async def test_what_waits_for_a_seat_is_told_once(called: Centre, watcher: Watcher, network: Network) -> None:
    accept = "Event: message-summary\r\nAccept: application/simple-message-summary"
    assert watcher.subscribe(accept, uri="sip:8001@10.0.0.2").status == 200
    watcher.hear()
    seat_calls(called, network)
    watcher.hear()
    (notify,) = watcher.notified
    assert b"Messages-Waiting: no\r\n" in notify.body
    assert notify.content_type == "application/simple-message-summary"


async def test_the_message_light_follows_the_counts_and_repeats_none(
    called: Centre, watcher: Watcher, network: Network
) -> None:
    counts = MessageCounts(2, 1)
    called.access.sip.notifier.count_messages(lambda seat: counts if seat == "seat-01" else MessageCounts())
    assert watcher.subscribe("Event: message-summary", uri="sip:8001@10.0.0.2").status == 200
    watcher.hear()
    assert watcher.notified[-1].body == (
        b"Messages-Waiting: yes\r\nMessage-Account: sip:8001@10.0.0.2\r\nVoice-Message: 2/1 (0/0)\r\n"
    )
    called.access.sip.notifier.messages_changed(SeatId("seat-01"))
    called.access.sip.notifier.messages_changed(SeatId("seat-02"))
    watcher.hear()
    assert len(watcher.notified) == 1, "it knows already"
    counts = MessageCounts(0, 3)
    called.access.sip.notifier.messages_changed(SeatId("seat-01"))
    watcher.hear()
    assert len(watcher.notified) == 2
    assert b"Messages-Waiting: no\r\n" in watcher.notified[-1].body
    assert b"Voice-Message: 0/3 (0/0)\r\n" in watcher.notified[-1].body


@pytest.mark.parametrize(
    ("lines", "uri", "status", "header"),
    [
        ("Event: presence", WATCHED, 489, ("allow-events", "dialog, message-summary, refer")),
        ("X: y", WATCHED, 489, ("allow-events", "dialog, message-summary, refer")),
        ("Event: dialog\r\nAccept: text/plain", WATCHED, 406, None),
        (DIALOG, "sip:8999@10.0.0.2", 404, None),
        (f"{DIALOG}\r\nExpires: 5", WATCHED, 423, ("min-expires", "60")),
        (f"{DIALOG}\r\nExpires: soon", WATCHED, 400, None),
        (f"{DIALOG}\r\nRequire: magic", WATCHED, 420, ("unsupported", "magic")),
    ],
)
async def test_what_cannot_be_watched_is_refused_with_the_reason(
    called: Centre, watcher: Watcher, lines: str, uri: str, status: int, header: tuple[str, str] | None
) -> None:
    answer = watcher.subscribe(lines, uri=uri)
    assert answer.status == status
    assert header is None or answer.headers.first(header[0]) == header[1]
    assert called.access.sip.subscriptions == 0


async def test_who_is_no_seat_watches_nobody(called: Centre, network: Network) -> None:
    assert Watcher(network, password="guess").subscribe().status == 401
    stranger = RawPeer(network, "10.0.0.7", "10.0.0.2", user="13800000001")
    assert stranger.ask(stranger.request("SUBSCRIBE", extra=DIALOG, uri=WATCHED)).status == 401


async def test_a_refresh_and_an_end(called: Centre, watcher: Watcher) -> None:
    watcher.subscribe(expires=600)
    watcher.states()
    assert watcher.subscribe(expires=900).headers.first("expires") == "900"
    assert watcher.states() == ["active ", "active "]
    assert watcher.subscribe(expires=0).headers.first("expires") == "0"
    assert watcher.states()[-1] == "terminated "
    watcher.hear()
    assert called.access.sip.subscriptions == 0
    assert watcher.subscribe(expires=600).status == 481


async def test_nobody_is_told_for_longer_than_he_asked(
    called: Centre, watcher: Watcher, clock: VirtualClock
) -> None:
    watcher.subscribe(expires=100)
    watcher.hear()
    clock.advance(101)
    assert watcher.states() == ["active ", "terminated "]
    watcher.hear()
    assert called.access.sip.subscriptions == 0


@pytest.mark.parametrize("status", [481, 500, None])
async def test_a_notify_that_fails_ends_it(
    called: Centre, watcher: Watcher, clock: VirtualClock, status: int | None
) -> None:
    watcher.notify_status = status
    watcher.subscribe()
    watcher.hear()
    clock.advance(33)
    assert called.access.sip.subscriptions == 0
    assert called.crashes == []


async def test_a_slow_phone_hears_the_last_state_and_not_every_one(
    called: Centre, watcher: Watcher, network: Network, clock: VirtualClock
) -> None:
    watcher.notify_status = None
    watcher.subscribe()
    phone = seat_calls(called, network)
    called.answers(called.of(LegOffered)[0].leg)
    phone.heard()
    phone.ack()
    watcher.hear()
    assert len(watcher.notified) == 1
    watcher.notify_status = 200
    watcher.peer.send(response_to(watcher.notified[0], 200).encode())
    assert watcher.states()[-1] == "active confirmed"


def test_the_document_can_be_read_whatever_the_names() -> None:
    info = dialog_info('sip:"<&@x', 7, [SeatDialog('a"<', DialogStage.EARLY, calls=False)])
    assert ET.fromstring(info).get("entity") == 'sip:"<&@x'


# --- the core by itself -----------------------------------------------------------------------------------

FLOW = Flow("UDP", "10.0.0.9", 5060)
IDENTITY = Identity.at(["10.0.0.2"], {"UDP": 5060}, "test")


def core() -> Subscriptions:
    return Subscriptions(dialogs=lambda _: (), identity=lambda: IDENTITY, times=SubscriptionTimes())


def subscribe(
    number: int, *, sequence: int = 1, tag: str = "", expires: int = 600, subscriber: str = "s1"
) -> SubscribeArrived:
    to_tag = f";tag={tag}" if tag else ""
    text = (
        f"SUBSCRIBE {WATCHED} SIP/2.0\r\nVia: SIP/2.0/UDP 10.0.0.9;branch=z9hG4bK{number}.{sequence}\r\n"
        f"From: <sip:8001@x>;tag=f\r\nTo: <{WATCHED}>{to_tag}\r\nCall-ID: {number}@x\r\n"
        f"CSeq: {sequence} SUBSCRIBE\r\nContact: <sip:8001@10.0.0.9>\r\nEvent: dialog;id=7\r\n"
        f"Expires: {expires}\r\nContent-Length: 0\r\n\r\n"
    )
    request = parse_message(text.encode())
    assert isinstance(request, SipRequest)
    key = (f"{number}.{sequence}",)
    return SubscribeArrived(SeatId(subscriber), SeatId("seat-02"), key, request, FLOW, f"t{number}")


def test_one_seat_cannot_take_all_the_room() -> None:
    subscriptions = core()
    for number in range(MAX_PER_SUBSCRIBER):
        subscriptions.handle(subscribe(number), 0.0)
    (refused,) = subscriptions.handle(subscribe(999), 0.0)
    assert isinstance(refused, SubscribeAnswered)
    assert (refused.response.status, refused.response.headers.first("retry-after")) == (503, "60")
    assert len(subscriptions.handle(subscribe(999, subscriber="s2"), 0.0)) == 2


def test_another_seat_cannot_refresh_or_end_a_subscription() -> None:
    subscriptions = core()
    subscriptions.handle(subscribe(1), 0.0)
    (refused,) = subscriptions.handle(subscribe(1, sequence=2, tag="t1", expires=0, subscriber="s2"), 1.0)
    assert isinstance(refused, SubscribeAnswered)
    assert refused.response.status == 481
    assert len(subscriptions) == 1


def test_the_id_of_an_event_is_repeated() -> None:
    _, notify = core().handle(subscribe(1), 0.0)
    assert isinstance(notify, Notify)
    assert notify.request.headers.first("event") == "dialog;id=7"


STEPS = st.one_of(
    st.tuples(st.just("subscribe"), st.integers(0, 3), st.sampled_from([0, 60, 600])),
    st.tuples(st.just("refresh"), st.integers(0, 3), st.sampled_from([0, 60, 600])),
    st.tuples(st.just("change"), st.just(0), st.just(0)),
    st.tuples(st.just("answer"), st.integers(0, 3), st.sampled_from([200, 481])),
    st.tuples(st.just("pass"), st.integers(1, 400), st.just(0)),
)


@settings(max_examples=200, deadline=None)
@given(st.lists(STEPS, max_size=40))
def test_every_subscription_ends_and_at_most_one_notify_is_under_way(steps: list[tuple[str, int, int]]) -> None:
    subscriptions, now = core(), 0.0
    under_way: dict[tuple[str, str], int] = {}

    def took(effects: list[SubscribeAnswered | Notify]) -> None:
        for effect in effects:
            if isinstance(effect, Notify):
                assert effect.subscription not in under_way
                under_way[effect.subscription] = effect.request.cseq.number

    for sequence, (what, number, value) in enumerate(steps, start=1):
        key = (f"{number}@x", f"t{number}")
        if what == "subscribe":
            if under_way.get(key) is None:
                took(subscriptions.handle(subscribe(number, sequence=sequence, expires=value), now))
        elif what == "refresh":
            took(subscriptions.handle(subscribe(number, sequence=sequence, tag=f"t{number}", expires=value), now))
        elif what == "change":
            took(subscriptions.handle(SeatChanged(SeatId("seat-02")), now))
        elif what == "answer" and under_way.pop(key, None) is not None:
            took(subscriptions.handle(NotifyOver(key, value), now))
        elif what == "pass":
            now += number
            took(subscriptions.handle(DEADLINE, now))
    for _ in range(3):
        now += 700
        took(subscriptions.handle(DEADLINE, now))
        while under_way:
            key, _ = under_way.popitem()
            took(subscriptions.handle(NotifyOver(key, 200), now))
    assert len(subscriptions) == 0
    assert subscriptions.next_deadline() is None
