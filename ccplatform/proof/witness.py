"""What the platform records of the prober's own calls, taken from the facts as they come. Pure."""

from __future__ import annotations

from collections import OrderedDict
from dataclasses import dataclass, field
from typing import Final

from ccplatform.contracts.facts import (
    ContactArrived,
    ContactEnded,
    Established,
    Fact,
    FirstVoiceSent,
    KeyAnswered,
    LegMeasured,
    Offered,
    QueryAnswered,
)
from ccplatform.contracts.words import ContactId, LegRole

#: Calls that are followed at once; the oldest makes room.
_MOST_CALLS: Final = 64


@dataclass(slots=True)
class Recorded:
    """What the platform says of one call, seconds. ``keys`` are the answered inputs without those that ended in a
    query, ``total`` is None until the contact has ended. ``staffed``: a robot stood in for an agent; None: no
    robot was rung."""

    contact: ContactId
    connect: float | None = None
    keys: list[float] = field(default_factory=list)
    queries: list[float] = field(default_factory=list)
    packets_sent: int | None = None
    total: float | None = None
    agent_wait: float | None = None
    staffed: bool | None = None


class Witness:
    """Follows calls by their SIP Call-ID; facts of others cost one look-up."""

    def __init__(self) -> None:
        self._expected: OrderedDict[str, Recorded | None] = OrderedDict()
        self._contacts: dict[ContactId, Recorded] = {}

    def expect(self, sip_call_id: str) -> None:
        """A call is about to be made."""
        self._expected[sip_call_id] = None
        if len(self._expected) > _MOST_CALLS:
            self._forget(next(iter(self._expected)))

    def take(self, fact: Fact) -> bool:
        """Take a fact of the platform; whether a call that is followed is recorded to its end by it."""
        if isinstance(fact, ContactArrived):
            if fact.sip_call_id in self._expected:
                found = self._expected[fact.sip_call_id] = Recorded(fact.contact)
                self._contacts[fact.contact] = found
            return False
        recorded = self._contacts.get(getattr(fact, "contact", None) or ContactId(""))
        if recorded is None:
            return False
        match fact:
            case FirstVoiceSent():
                recorded.connect = fact.connect_seconds
            case KeyAnswered():
                recorded.keys.append(fact.response_seconds)
            case QueryAnswered(ok=True):
                recorded.queries.append(fact.response_seconds)
                if fact.response_seconds in recorded.keys:  # its last key was answered by the result
                    recorded.keys.remove(fact.response_seconds)
            case Offered(robot=True):
                recorded.staffed = fact.instead_of is not None
            case Established(role=LegRole.AGENT):
                recorded.agent_wait = fact.wait_seconds if fact.wait_seconds is not None else fact.queue_seconds
            case LegMeasured(role=LegRole.CALLER):
                recorded.packets_sent = fact.packets_sent
            case ContactEnded():
                recorded.total = fact.total_seconds
        return recorded.total is not None

    def lost(self) -> None:
        """Facts may be missing from here on: calls that are followed have no testimony."""
        for sip_call_id in tuple(self._expected):
            self._forget(sip_call_id)

    def follows(self, sip_call_id: str) -> bool:
        """Whether every fact since :meth:`expect` was seen."""
        return sip_call_id in self._expected

    def testimony(self, sip_call_id: str) -> Recorded | None:
        """What was recorded of a call, which is forgotten by this; None: no such call reached the platform."""
        found = self._expected.get(sip_call_id)
        self._forget(sip_call_id)
        return found

    def recorded(self, sip_call_id: str) -> Recorded | None:
        """What was recorded of a call so far."""
        return self._expected.get(sip_call_id)

    def recorded_whole(self, sip_call_id: str) -> bool:
        """Whether the call is there and has ended."""
        found = self._expected.get(sip_call_id)
        return found is not None and found.total is not None

    def _forget(self, sip_call_id: str) -> None:
        found = self._expected.pop(sip_call_id, None)
        if found is not None:
            self._contacts.pop(found.contact, None)
