"""Builds voice mail in the control process, and the message light of phones."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable
from typing import Final

from acd.service import AcdService
from ccplatform.app.foundation import Foundation
from ccplatform.app.places import Places
from ccplatform.app.recorder import sounds_of
from ccplatform.app.settings import Settings
from ccplatform.calls.service import VOICE_MAIL
from ccplatform.contracts.facts import (
    AgentRemoved,
    AgentSaved,
    AgentStateChanged,
    Fact,
    FactEvent,
    MailboxChanged,
    MessageDropped,
    MessageHandedOut,
    MessageLeft,
    MessageMarked,
    QueueRemoved,
    QueueSaved,
)
from ccplatform.contracts.ports import Facts
from ccplatform.contracts.words import AgentId, Mailbox, RecordingId, SeatId
from ccplatform.security.model import Principal
from ccplatform.storage.journal import JournalWriter
from cti.live import LiveView
from cti.numbers import mask
from cti.permissions import sees_numbers
from cti.viewers import overseen
from gateway.sip.event_packages import MessageCounts
from gateway.sip.notifier import Notifier
from ivr.document import shipped_flows
from ivr.versions import Versions
from recording.messages.routes import Viewer
from recording.messages.service import MessageService
from recording.messages.store import MessageStore

#: Facts of voice mail.
MESSAGE_FACTS: Final = frozenset({MessageLeft, MessageDropped, MessageMarked, MessageHandedOut})
_CONFIGURED: Final = frozenset({AgentSaved, AgentRemoved, QueueSaved, QueueRemoved})


def message_store(ground: Foundation) -> MessageStore:
    """Where messages are listed."""
    return MessageStore(database=ground.database, vault=ground.vault, tenant=ground.tenant)


async def ensure_flow(ground: Foundation) -> None:
    """Publish the flow that takes messages for queues, unless the operator has one of that name."""
    versions = Versions(database=ground.database, tenant=ground.tenant)
    [flow] = [flow for flow in shipped_flows() if flow.flow == VOICE_MAIL]
    await versions.ship(flow, at=ground.clock.wall())


def build_messages(
    settings: Settings,
    places: Places,
    ground: Foundation,
    *,
    facts: Facts,
    journal: JournalWriter,
    live: LiveView,
    acd: AcdService,
    discard: Callable[[RecordingId], None],
) -> MessageService:
    """Voice mail on the platform's database; who works on which mailbox is as the pages show it."""

    def mailboxes_at(seat: SeatId) -> tuple[str, Collection[Mailbox]] | None:
        agent = acd.desk.agent_at(seat)
        return None if agent is None else (agent, live.mailboxes_of(agent))

    return MessageService(
        store=message_store(ground),
        sounds=sounds_of(settings, places, ground),
        facts=facts,
        clock=ground.clock,
        zone=settings.node.zone_info,
        known=live.has_mailbox,
        mailboxes_at=mailboxes_at,
        discard=discard,
        committed=journal.flushed,
        available=lambda: ground.database.available,
        most=settings.recording.max_messages,
    )


def message_viewer(live: LiveView) -> Callable[[Principal], Viewer]:
    """Agents see the messages of their queues and their own, with masked numbers; supervisors of teams those of
    their agents and of every queue; the others see all."""

    def viewer(principal: Principal) -> Viewer:
        agents = overseen(principal, live)
        if agents is not None:
            boxes = frozenset(Mailbox(f"agent:{agent}") for agent in agents)
            boxes |= {Mailbox(f"queue:{queue}") for queue in live.queues}
            return Viewer(mailboxes=boxes, shown=str, hands_to=boxes)
        if sees_numbers(principal):
            return Viewer(mailboxes=None, shown=str)
        own = () if principal.agent is None else live.mailboxes_of(principal.agent)
        return Viewer(mailboxes=frozenset(own), shown=mask)

    return viewer


class MessageLight:
    """Tells phones what waits for who is signed in there. ``live`` has taken a fact before it comes here."""

    def __init__(self, *, live: LiveView, messages: MessageService, notifier: Notifier) -> None:
        self._live = live
        self._messages = messages
        self._notifier = notifier
        self._seat_of: dict[AgentId, SeatId] = {}
        self._agent_at: dict[SeatId, AgentId] = {}
        notifier.count_messages(self.counts)

    @staticmethod
    def wants(kind: type[Fact]) -> bool:
        """Which facts may change what a light shows."""
        return kind in (MailboxChanged, AgentStateChanged) or kind in _CONFIGURED

    def counts(self, seat: SeatId) -> MessageCounts:
        """What waits for who is signed in at the seat; nothing for nobody."""
        agent = self._agent_at.get(seat)
        if agent is None:
            return MessageCounts()
        new, old = self._messages.counts(self._live.mailboxes_of(agent))
        return MessageCounts(new, old)

    def load(self) -> None:
        """Take who is signed in where."""
        self._seat_of = {row.id: row.seat for row in self._live.agents.values() if row.seat is not None}
        self._agent_at = {seat: agent for agent, seat in self._seat_of.items()}

    def take(self, event: FactEvent) -> None:
        """A fact that may change a light."""
        match event.fact:
            case AgentStateChanged(agent=agent, seat=seat):
                before = self._seat_of.get(agent)
                if seat == before:
                    return
                if before is not None and self._agent_at.get(before) == agent:
                    del self._agent_at[before]
                if seat is None:
                    self._seat_of.pop(agent, None)
                else:
                    self._seat_of[agent], self._agent_at[seat] = seat, agent
                self._changed(at for at in (before, seat) if at is not None)
            case MailboxChanged(mailbox=mailbox):
                agents = [agent for agent in self._seat_of if mailbox in self._live.mailboxes_of(agent)]
                self._changed(self._seat_of[agent] for agent in agents)
            case _:
                self._changed(self._seat_of.values())

    def _changed(self, seats: Iterable[SeatId]) -> None:
        for seat in tuple(seats):
            self._notifier.messages_changed(seat)
