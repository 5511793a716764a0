"""The fold: what all facts so far amount to. Pure; the only state behind every figure that anybody is shown.

``apply`` takes numbered events, each once whatever the repetitions, and returns observations for counters and
histograms. Figures are read at an instant; reading changes nothing. The state depends on the events alone: a
rebuild from the journal, and a restored snapshot with the later events, equal the live state.

Test calls and robots (R10.3.2: mystery calls) count in no figure but those of mystery calls: a contact that
arrived as one, and an agent who is one, are passed over here, for all parts at once.

Counts in windows do not depend on the order of independent facts; facts of one contact, agent, trunk or alarm
are taken in their own order (that of their numbers).
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, TypeAlias

from ccplatform.contracts import facts
from ccplatform.contracts.facts import FactEvent
from metrics.access import Access
from metrics.adherence.attendance import Attendance
from metrics.agents import Agents
from metrics.alarms import StandingAlarms
from metrics.backlog import called_back, message_done
from metrics.calendar import Calendar
from metrics.contacts import Contacts
from metrics.model import FoldRules, Observation, Stamp
from metrics.mystery import MysteryCalls
from metrics.names import Names
from metrics.queues import Queues
from metrics.replay import ReplayWindow
from metrics.responses import Responses
from metrics.voice import Voice

#: Takes a fact of the type it is registered for.
Handler: TypeAlias = Callable[[Any, Stamp, list[Observation]], None]

#: Version of the snapshot's shape.
SNAPSHOT_VERSION = 6


class Fold:
    """All parts together, and the table that says which fact feeds which part."""

    def __init__(self, rules: FoldRules) -> None:
        self.rules = rules
        self.queue_names = Names(rules.max_names)
        self.trunk_names = Names(rules.max_names)
        calendar = Calendar(rules.zone)
        self.disposition_names = Names(rules.max_names)
        self.contacts = Contacts(
            limit=rules.max_open_contacts,
            queues=self.queue_names,
            trunks=self.trunk_names,
            dispositions=self.disposition_names,
        )
        self.access = Access(contacts=self.contacts, trunks=self.trunk_names)
        self.voice = Voice(contacts=self.contacts)
        self.responses = Responses(contacts=self.contacts)
        self.queues = Queues(rules=rules, contacts=self.contacts, names=self.queue_names, calendar=calendar)
        self.agents = Agents(rules=rules, calendar=calendar)
        self.attendance = Attendance()
        self.alarms = StandingAlarms()
        self.mystery = MysteryCalls()

        self._replay = ReplayWindow()
        self._handlers = self._table()
        self.folded = 0

    @property
    def fact_types(self) -> tuple[str, ...]:
        """Names of the facts that mean something here; all others are passed over."""
        return tuple(sorted(cls.__name__ for cls in self._handlers))

    @property
    def repeated(self) -> int:
        """Events that came again and were left out."""
        return self._replay.repeated

    def apply(self, event: FactEvent) -> list[Observation]:
        """Take one event; a repetition gives nothing and changes nothing."""
        out: list[Observation] = []
        handlers = self._handlers.get(type(event.fact))
        if handlers is None or not self._replay.first_sight(event.epoch, event.seq):
            return out
        self.folded += 1
        if self.mystery.passes_over(event.fact):
            return out
        stamp = Stamp.of(event)
        for handler in handlers:
            handler(event.fact, stamp, out)
        return out

    def snapshot(self) -> dict[str, Any]:
        """JSON-able state, all of it."""
        return {"v": SNAPSHOT_VERSION, "folded": self.folded} | {
            name: part.snapshot() for name, part in self._parts().items()
        }

    def restore(self, data: dict[str, Any]) -> None:
        """Take the state of a snapshot."""
        if data["v"] != SNAPSHOT_VERSION:
            raise ValueError(f"snapshot of the fold has version {data['v']}, not {SNAPSHOT_VERSION}")
        self.folded = data["folded"]
        for name, part in self._parts().items():
            part.restore(data[name])

    def _parts(self) -> dict[str, Any]:
        return {
            "queue_names": self.queue_names,
            "trunk_names": self.trunk_names,
            "disposition_names": self.disposition_names,
            "contacts": self.contacts,
            "access": self.access,
            "voice": self.voice,
            "responses": self.responses,
            "queues": self.queues,
            "agents": self.agents,
            "attendance": self.attendance,
            "alarms": self.alarms,
            "mystery": self.mystery,
            "replay": self._replay,
        }

    def _table(self) -> dict[type, tuple[Handler, ...]]:
        """Which fact feeds which part. The table of contacts opens first and forgets last: others ask it."""
        return {
            facts.ContactArrived: (self.contacts.arrived,),
            facts.CallRefused: (self.contacts.refused, self.access.refused),
            facts.CallsRefused: (self.contacts.refused_unread, self.access.refused_unread),
            facts.FirstVoiceSent: (self.access.voiced, self.responses.voiced),
            facts.Established: (self.responses.established,),
            facts.FlowNodeEntered: (self.contacts.entered_node,),
            facts.LegMeasured: (self.contacts.measured, self.voice.measured),
            facts.MediaMoved: (self.voice.moved,),
            facts.ConnectionCleared: (self.contacts.cleared,),
            facts.ContactEnded: (self.access.ended, self.contacts.ended),
            facts.Transferred: (self.contacts.transferred,),
            facts.ContactNoted: (self.contacts.noted,),
            facts.CallBackEnded: (called_back,),
            facts.MessageMarked: (message_done,),
            facts.KeyAnswered: (self.responses.key_answered,),
            facts.QueryAnswered: (self.responses.query_answered,),
            facts.MysteryCallMade: (self.mystery.made,),
            facts.MysteryCallCompared: (self.mystery.compared,),
            facts.FlowLeft: (self.access.left_flow, self.responses.left_flow),
            facts.Queued: (self.contacts.queued,),
            facts.QueueLeft: (self.contacts.left_queue, self.queues.left, self.responses.left_queue),
            facts.TalkEnded: (self.queues.talked,),
            facts.WrapUpEnded: (self.queues.wrapped_up,),
            facts.AgentStateChanged: (self.agents.changed, self.attendance.changed),
            facts.RecordingStarted: (self.contacts.recorded,),
            facts.AlarmRaised: (self.alarms.raised,),
            facts.AlarmCleared: (self.alarms.cleared,),
            facts.TrunkChannelsChanged: (self.access.channels,),
        }
