"""What the CRM is told: a message for each offer, answer and end of a contact that an agent was offered.

Pure: a fold of facts. It remembers, of contacts that go on, what the facts of their ends do not say again.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any, Final

from ccplatform.contracts import facts as f
from ccplatform.contracts.words import ContactId, LegRole
from cti.model import LiveCall

#: Names the shape of messages; it changes when a receiver would have to.
VERSION: Final = 1


@dataclass(slots=True, kw_only=True)
class _Known:
    """A contact that goes on: where it waited last, and whom it was offered to last."""

    head: dict[str, Any]
    queue: str | None = None
    agent: str | None = None
    seat: str | None = None


class Messages:
    """Makes messages of the facts; ``queues``: only of contacts of these, of all when there are none."""

    def __init__(self, queues: Iterable[str] = ()) -> None:
        self._queues = frozenset(queues)
        self._known: dict[ContactId, _Known] = {}

    def begin(self, calls: Iterable[LiveCall]) -> None:
        """Facts may have been missed: these calls go on, and no others."""
        self._known = {
            call.contact: _Known(
                head=_head(call.contact, call.id, call.direction, call.caller, call.caller_name, call.dialled),
                queue=call.queue,
                agent=call.agent,
                seat=call.seat,
            )
            for call in calls
            if not call.ended
        }

    def message(self, event: f.FactEvent) -> dict[str, Any] | None:
        """What this fact has to be told as, JSON-able; None: nothing."""
        match event.fact:
            case f.ContactArrived() as fact:
                self._known[fact.contact] = _Known(
                    head=_head(
                        fact.contact, fact.call, fact.direction, fact.caller, fact.caller_name, fact.dialled
                    )
                )
                return None
            case f.Offered() as fact:
                return self._told(event, "offered", fact.contact, fact.queue, fact.agent, fact.seat)
            case f.Established(role=LegRole.AGENT) as fact if fact.agent is not None:
                return self._told(event, "answered", fact.contact, fact.queue, fact.agent, fact.device)
            case f.ContactEnded() as fact:
                told = self._told(event, "ended", fact.contact, fact.queue, fact.agent, fact.seat)
                known = self._known.pop(fact.contact, None)
                if told is None or known is None or known.agent is None:
                    return None
                return told | {"outcome": fact.outcome, "talk_seconds": fact.talk_seconds}
            case _:
                return None

    def _told(
        self,
        event: f.FactEvent,
        kind: str,
        contact: ContactId,
        queue: str | None,
        agent: str | None,
        seat: str | None,
    ) -> dict[str, Any] | None:
        known = self._known.get(contact)
        if known is None:
            return None
        known.queue, known.agent, known.seat = queue or known.queue, agent or known.agent, seat or known.seat
        if self._queues and known.queue not in self._queues:
            return None
        return {
            "version": VERSION,
            "id": event.id,
            "type": kind,
            "at": event.at.isoformat(),
            **known.head,
            "queue": known.queue,
            "agent": known.agent,
            "seat": known.seat,
        }


def _head(contact: str, call: str, direction: str, caller: str, caller_name: str, dialled: str) -> dict[str, Any]:
    return {
        "contact": contact,
        "call": call,
        "direction": str(direction),
        "caller": caller,
        "caller_name": caller_name,
        "dialled": dialled,
    }
