"""The message light of phones: whose messages it shows follows who is signed in and whose work they are."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from datetime import UTC
from typing import cast

import pytest

from ccplatform.app.voice_mail import MessageLight, message_viewer
from ccplatform.contracts.facts import (
    AgentSaved,
    AgentStateChanged,
    Fact,
    FactEvent,
    MessageDropped,
    MessageHandedOut,
    MessageLeft,
    MessageMarked,
    SeatRegistered,
)
from ccplatform.contracts.words import (
    AgentId,
    AgentState,
    ContactId,
    Mailbox,
    MessageState,
    QueueId,
    RecordingId,
    Role,
    SeatId,
)
from ccplatform.kernel.clock import VirtualClock
from ccplatform.kernel.ids import Ids
from ccplatform.kernel.stream import Stream
from ccplatform.security.model import Principal
from cti.live import LiveView
from cti.model import AgentSetup, QueueSetup
from gateway.sip.event_packages import MessageCounts
from gateway.sip.notifier import Notifier
from recording.messages.book import MessageBook
from recording.messages.service import MessageService

CONTACT, MESSAGE = ContactId("contact-1"), RecordingId("message-1")
SUPPORT, SALES = Mailbox("queue:support"), Mailbox("queue:sales")
ANNA, BEN = AgentId("1004"), AgentId("1001")
SEAT, OTHER = SeatId("seat-04"), SeatId("seat-01")
DARK, NEW, HEARD = MessageCounts(), MessageCounts(1, 0), MessageCounts(0, 1)


class Phones:
    """Stands for the subscriptions of phones: asks for the counts when it is told, and keeps each light."""

    def __init__(self) -> None:
        self.told: list[SeatId] = []
        self.lights: dict[SeatId, MessageCounts] = {}
        self.counts: Callable[[SeatId], MessageCounts] = lambda _: DARK

    def count_messages(self, counts: Callable[[SeatId], MessageCounts]) -> None:
        self.counts = counts

    def messages_changed(self, seat: SeatId) -> None:
        self.told.append(seat)
        self.lights[seat] = self.counts(seat)


class Waiting:
    """What waits, as the message service counts it; changes are told as facts."""

    def __init__(self, stream: Stream[Fact]) -> None:
        self._stream = stream
        self._book = MessageBook()

    def observe(self, event: FactEvent) -> None:
        if isinstance(event.fact, MessageLeft | MessageDropped | MessageMarked | MessageHandedOut):
            for mailbox in self._book.apply(event.fact, event.at):
                self._stream.publish(self._book.counts(mailbox))

    def counts(self, mailboxes: tuple[Mailbox, ...]) -> tuple[int, int]:
        told = [self._book.counts(mailbox) for mailbox in mailboxes]
        return sum(one.new for one in told), sum(one.heard for one in told)


class Office:
    """Anna serves support, Ben sales; the subscribers stand in the order of the control process."""

    def __init__(self) -> None:
        clock = VirtualClock()
        self.stream: Stream[Fact] = Stream(clock, Ids(clock), "default")
        self.phones = Phones()
        self.live = LiveView(zone=UTC)
        self.live.configure(
            agents=[
                AgentSetup(id=ANNA, name="Anna", skills={"it": 5}),
                AgentSetup(id=BEN, name="Ben", skills={"sell": 5}),
            ],
            queues=[
                QueueSetup(id=QueueId("support"), name="Support", skills={"it": 1}),
                QueueSetup(id=QueueId("sales"), name="Sales", skills={"sell": 1}),
            ],
        )
        waiting = Waiting(self.stream)
        self.light = MessageLight(
            live=self.live, messages=cast(MessageService, waiting), notifier=cast(Notifier, self.phones)
        )
        self.stream.subscribe(lambda event: self.live.apply(event) and None)
        self.stream.subscribe(self.light.take, MessageLight.wants)
        self.stream.subscribe(waiting.observe)

    def sits(self, agent: AgentId, seat: SeatId | None, state: AgentState = AgentState.NOT_READY) -> None:
        """He is signed in there, or nowhere."""
        self.stream.publish(
            AgentStateChanged(
                agent=agent,
                seat=seat,
                state=state if seat else AgentState.SIGNED_OUT,
                reason="",
                previous=AgentState.SIGNED_OUT,
                previous_seconds=0.0,
            )
        )

    def leave(self, mailbox: Mailbox = SUPPORT) -> None:
        """A caller leaves the message."""
        self.stream.publish(MessageLeft(contact=CONTACT, message=MESSAGE, mailbox=mailbox, seconds=3.0))

    def hand_out(self, to: Mailbox, before: Mailbox = SUPPORT) -> None:
        """It becomes somebody else's work."""
        self.stream.publish(
            MessageHandedOut(contact=CONTACT, message=MESSAGE, mailbox=to, before=before, by="sup1")
        )

    def mark(self, state: MessageState) -> None:
        """Somebody works on it."""
        self.stream.publish(MessageMarked(contact=CONTACT, message=MESSAGE, mailbox=SUPPORT, state=state, by=ANNA))


@pytest.fixture
def office() -> Office:
    return Office()


def test_the_light_shows_what_waits_for_who_signs_in(office: Office) -> None:
    office.leave()
    assert office.phones.told == [], "nobody sits anywhere"
    assert office.phones.counts(SEAT) == DARK
    office.sits(ANNA, SEAT)
    office.sits(BEN, OTHER)
    assert office.phones.lights == {SEAT: NEW, OTHER: DARK}
    office.sits(ANNA, None)
    assert office.phones.lights[SEAT] == DARK


def test_the_light_follows_the_message_until_it_is_handled(office: Office) -> None:
    office.sits(ANNA, SEAT)
    office.sits(BEN, OTHER)
    office.phones.told.clear()
    shown = []
    office.leave()
    for state in (MessageState.HEARD, MessageState.HANDLED):
        shown.append(office.phones.lights[SEAT])
        office.mark(state)
    assert [*shown, office.phones.lights[SEAT]] == [NEW, HEARD, DARK]
    assert office.phones.told == [SEAT] * 3, "those whose work it is not are not told"


@pytest.mark.parametrize("to", [SALES, Mailbox(f"agent:{BEN}")])
def test_a_message_that_is_handed_out_takes_its_light_along(office: Office, to: Mailbox) -> None:
    office.sits(ANNA, SEAT)
    office.sits(BEN, OTHER)
    office.leave()
    office.hand_out(to)
    assert office.phones.lights == {SEAT: DARK, OTHER: NEW}


def test_the_light_moves_with_the_agent_to_another_seat(office: Office) -> None:
    office.sits(ANNA, SEAT)
    office.leave()
    office.sits(ANNA, OTHER)
    assert office.phones.lights == {SEAT: DARK, OTHER: NEW}


def test_who_takes_a_seat_over_keeps_its_light_when_the_one_before_leaves(office: Office) -> None:
    office.leave()
    office.sits(BEN, SEAT)
    office.sits(ANNA, SEAT)
    office.sits(BEN, OTHER)
    assert office.phones.lights == {SEAT: NEW, OTHER: DARK}


def test_another_state_at_the_same_seat_tells_no_phone(office: Office) -> None:
    office.sits(ANNA, SEAT)
    office.phones.told.clear()
    office.sits(ANNA, SEAT, AgentState.READY)
    assert office.phones.told == []
    assert not MessageLight.wants(SeatRegistered)


def test_other_skills_are_other_messages(office: Office) -> None:
    office.sits(BEN, OTHER)
    office.leave()
    office.stream.publish(AgentSaved(agent=BEN, name="Ben", team="", skills={"it": 5}))
    assert office.phones.lights == {OTHER: NEW}


def test_a_supervisor_of_teams_has_the_mailboxes_of_their_agents_and_of_every_queue(office: Office) -> None:
    viewer = message_viewer(office.live)
    lead = Principal(user="lead", roles=frozenset({Role.SUPERVISOR}), agent=None, teams=frozenset({"it"}))
    office.stream.publish(AgentSaved(agent=BEN, name="Ben", team="it", skills={}))
    boxes = frozenset({Mailbox(f"agent:{BEN}"), SUPPORT, SALES})
    assert (viewer(lead).mailboxes, viewer(lead).hands_to) == (boxes, boxes)
    everybodys = viewer(replace(lead, teams=frozenset()))
    assert (everybodys.mailboxes, everybodys.hands_to) == (None, None)


def test_a_restart_knows_who_is_signed_in(office: Office) -> None:
    row = office.live.agents[ANNA]
    row.state, row.seat = AgentState.READY, SEAT
    office.light.load()
    office.leave()
    assert office.phones.lights == {SEAT: NEW}
