"""Whose signalling a supervisor of teams sees: that of the contacts of their agents, and nobody's."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from ccplatform.calls.store import ContactStore
from ccplatform.contracts.words import AgentId, ContactId
from ccplatform.security.model import Principal
from cti.live import LiveView
from cti.viewers import agents_on, overseen
from gateway.signalling.message import TracedMessage
from gateway.store import GatewayStore


class SignallingSight:
    """Takes out of messages what does not concern who asks; everybody else sees all.

    A contact is of the agents who are on it now, else of who had it last; one that no agent had is everybody's. A
    message without a contact (a registration) is hidden when it is of the seat of somebody of another team.
    ``contact_of`` knows the contact of a message that came before its dialog had one.
    """

    def __init__(
        self,
        *,
        live: LiveView,
        contacts: ContactStore,
        seats: GatewayStore,
        contact_of: Callable[[TracedMessage], ContactId | None],
    ) -> None:
        self._live = live
        self._contacts = contacts
        self._seats = seats
        self._contact_of = contact_of

    async def __call__(self, principal: Principal, messages: Sequence[TracedMessage]) -> list[TracedMessage]:
        """Those that he sees, in their order; raises Unavailable."""
        mine = overseen(principal, self._live)
        if mine is None or not messages:
            return list(messages)
        named = [self._contact_of(message) for message in messages]
        hidden = await self._hidden({contact for contact in named if contact is not None}, mine)
        theirs = await self._phones_of_others(mine) if None in named else frozenset()

        def is_seen(message: TracedMessage, contact: ContactId | None) -> bool:
            if contact is not None:
                return contact not in hidden
            return theirs.isdisjoint((message.caller, message.called))

        pairs = zip(messages, named, strict=True)
        return [message for message, contact in pairs if is_seen(message, contact)]

    async def _hidden(self, contacts: set[ContactId], mine: frozenset[AgentId]) -> set[ContactId]:
        had = {contact: {agent} for contact, agent in (await self._contacts.agents_of(list(contacts))).items()}
        had |= {call.contact: agents for call in self._live.calls.values() if (agents := agents_on(call))}
        return {contact for contact in contacts if contact in had and mine.isdisjoint(had[contact])}

    async def _phones_of_others(self, mine: frozenset[AgentId]) -> frozenset[str]:
        taken = {agent.seat for agent in self._live.agents.values() if agent.seat and agent.id not in mine}
        return frozenset(row.sip_user for row in await self._seats.seat_rows() if row.id in taken)
