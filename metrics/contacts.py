"""Contacts that are open: what later facts of a contact need to know about earlier ones."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import Any, Final

from ccplatform.contracts.facts import (
    CallRefused,
    CallsRefused,
    ConnectionCleared,
    ContactArrived,
    ContactEnded,
    ContactNoted,
    FlowNodeEntered,
    LegMeasured,
    Queued,
    QueueLeft,
    RecordingStarted,
    Transferred,
)
from ccplatform.contracts.words import Direction, LegRole, Outcome, ReleaseCause, TrunkId
from metrics.model import ONE_DAY, Counted, Observation, Stamp
from metrics.names import Names

#: Nodes after which the caller hears somebody else's sound, or his own: it may be silent without a fault of ours.
_FOREIGN_SOUND: Final = frozenset({"echo", "transfer"})


@dataclass(slots=True, kw_only=True)
class OpenContact:
    """What is remembered of a contact until it ends."""

    direction: Direction
    trunk: str | None
    arrived: int  # second
    voiced: bool = False  # its first voice was sent
    foreign_sound: bool = False  # what the caller hears is not the centre's own
    sent: bool = False  # RTP was sent to the caller
    caller_left: bool = False  # the caller's side hung up
    met_agent: bool = False  # an agent answered it
    talked: bool = False  # a talk of it ended
    queue: str | None = None  # where it waits now
    delay_second: int = 0  # where its voice delay is counted
    delay_us: int = -1  # the worst of its legs, −1: none measured


class Contacts:
    """The table of open contacts, bounded: beyond ``limit`` the oldest is forgotten."""

    def __init__(self, *, limit: int, queues: Names, trunks: Names, dispositions: Names) -> None:
        self._limit = limit
        self._queues = queues
        self._trunks = trunks
        self._dispositions = dispositions
        self._open: dict[str, OpenContact] = {}
        self.waiting: dict[str, int] = {}

    @property
    def active(self) -> int:
        """How many contacts are open."""
        return len(self._open)

    def get(self, contact: str) -> OpenContact | None:
        """The open contact, or None when it is not known (any more)."""
        return self._open.get(contact)

    def arrived(self, fact: ContactArrived, stamp: Stamp, out: list[Observation]) -> None:
        """A contact opens; one that began more than a day ago and never ended was lost, and is forgotten."""
        oldest = next(iter(self._open), None)
        if oldest is not None and (
            len(self._open) >= self._limit or self._open[oldest].arrived < stamp.second - ONE_DAY
        ):
            self._forget(oldest)
        self._open[fact.contact] = OpenContact(
            direction=fact.direction, trunk=self._trunks.maybe(fact.trunk), arrived=stamp.second
        )

    def refused(self, fact: CallRefused, stamp: Stamp, out: list[Observation]) -> None:
        """A call that never became a contact."""
        self._refused(Direction.INBOUND if fact.seat is None else Direction.INTERNAL, fact.trunk, 1, out)
        out.append(Counted("cc_call_failures", (fact.cause, str(fact.sip_status))))

    def refused_unread(self, fact: CallsRefused, stamp: Stamp, out: list[Observation]) -> None:
        """Calls that overload control did not let in; those without a trunk were seats'."""
        self._refused(Direction.INTERNAL if fact.trunk is None else Direction.INBOUND, fact.trunk, fact.calls, out)
        out.append(Counted("cc_call_failures", (fact.cause, str(fact.sip_status)), fact.calls))

    def _refused(self, direction: Direction, trunk: TrunkId | None, calls: int, out: list[Observation]) -> None:
        name = self._trunks.maybe(trunk) or ""
        out.append(Counted("cc_calls", (direction, name, Outcome.REFUSED), calls))

    def queued(self, fact: Queued, stamp: Stamp, out: list[Observation]) -> None:
        """It waits; a contact that comes back to its queue waits once."""
        contact = self._open.get(fact.contact)
        if contact is None:
            return
        self._stop_waiting(contact)
        contact.queue = self._queues.of(fact.queue)
        self.waiting[contact.queue] = self.waiting.get(contact.queue, 0) + 1

    def left_queue(self, fact: QueueLeft, stamp: Stamp, out: list[Observation]) -> None:
        """It no longer waits."""
        contact = self._open.get(fact.contact)
        if contact is not None:
            self._stop_waiting(contact)

    def ended(self, fact: ContactEnded, stamp: Stamp, out: list[Observation]) -> None:
        """It is complete: counted by its outcome, then forgotten."""
        contact = self._open.get(fact.contact)
        trunk = self._trunks.maybe(fact.trunk) or ""
        unknown = Direction.INBOUND if fact.trunk is not None else Direction.INTERNAL
        direction = contact.direction if contact is not None else unknown
        out.append(Counted("cc_calls", (direction, trunk, fact.outcome)))
        out.append(Counted("cc_contacts", (self._queues.maybe(fact.queue) or "", fact.outcome)))
        if fact.cause is not ReleaseCause.NORMAL:
            out.append(Counted("cc_call_failures", (fact.cause, "")))
        self._forget(fact.contact)

    def entered_node(self, fact: FlowNodeEntered, stamp: Stamp, out: list[Observation]) -> None:
        """Its flow went on."""
        contact = self._open.get(fact.contact)
        if contact is not None and fact.kind in _FOREIGN_SOUND:
            contact.foreign_sound = True

    def measured(self, fact: LegMeasured, stamp: Stamp, out: list[Observation]) -> None:
        """A leg of it ended."""
        contact = self._open.get(fact.contact)
        if contact is not None and fact.role is LegRole.CALLER:
            contact.sent = fact.packets_sent > 0

    def cleared(self, fact: ConnectionCleared, stamp: Stamp, out: list[Observation]) -> None:
        """A party of it is gone."""
        contact = self._open.get(fact.contact)
        if contact is not None and fact.role is LegRole.CALLER:
            contact.caller_left = fact.released_by == "remote"

    def recorded(self, fact: RecordingStarted, stamp: Stamp, out: list[Observation]) -> None:
        """A recording of it began."""
        out.append(Counted("cc_recordings", (fact.mode,)))

    def transferred(self, fact: Transferred, stamp: Stamp, out: list[Observation]) -> None:
        """It was handed on, by the flow or by an agent."""
        out.append(Counted("cc_transfers", ("flow" if fact.by == "flow" else "agent",)))

    def noted(self, fact: ContactNoted, stamp: Stamp, out: list[Observation]) -> None:
        """An agent wrote down what it came to; a correction is one more."""
        out.append(
            Counted("cc_dispositions", (self._dispositions.of(fact.disposition) if fact.disposition else "",))
        )

    def snapshot(self) -> dict[str, Any]:
        """JSON-able state."""
        return {
            "open": {name: asdict(contact) for name, contact in self._open.items()},
            "waiting": dict(self.waiting),
        }

    def restore(self, data: dict[str, Any]) -> None:
        """Take the state of a snapshot."""
        self._open = {
            name: OpenContact(**{**fields, "direction": Direction(fields["direction"])})
            for name, fields in data["open"].items()
        }
        self.waiting = dict(data["waiting"])

    def _stop_waiting(self, contact: OpenContact) -> None:
        if contact.queue is not None:
            self.waiting[contact.queue] -= 1
            contact.queue = None

    def _forget(self, name: str) -> None:
        contact = self._open.pop(name, None)
        if contact is not None:
            self._stop_waiting(contact)
