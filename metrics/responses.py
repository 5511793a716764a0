"""How fast the centre answers (voice, keys, queries, agents), and IVR success over a day (R10.3.2)."""

from __future__ import annotations

from typing import Any

from ccplatform.contracts.facts import (
    Established,
    FirstVoiceSent,
    FlowLeft,
    KeyAnswered,
    QueryAnswered,
    QueueLeft,
)
from ccplatform.contracts.words import FlowOutcome, LegRole
from metrics.access import counts_as_session
from metrics.contacts import Contacts
from metrics.hours import Hours
from metrics.model import (
    DAILY,
    HOURLY,
    ONE_DAY,
    TWO_HOURS,
    Counted,
    Observation,
    Observed,
    Stamp,
    microseconds,
)
from metrics.windows import SlidingSums


class Responses:
    """Sums of durations (µs) and counts; a pair of fields is (samples, sum)."""

    def __init__(self, *, contacts: Contacts) -> None:
        self._contacts = contacts
        self._connect = SlidingSums(HOURLY, 2)
        self._keys = SlidingSums(DAILY, 2)
        self._queries = SlidingSums(DAILY, 3)
        self._agents = SlidingSums(DAILY, 2)
        self._sessions = SlidingSums(DAILY, 2)
        self.hours = Hours()

    def voiced(self, fact: FirstVoiceSent, stamp: Stamp, out: list[Observation]) -> None:
        """The caller heard us for the first time."""
        self._connect.add(stamp.second, 1, microseconds(fact.connect_seconds))
        out.append(Observed("cc_call_connect_seconds", fact.connect_seconds))

    def key_answered(self, fact: KeyAnswered, stamp: Stamp, out: list[Observation]) -> None:
        """A completed input was answered by voice."""
        self._keys.add(stamp.second, 1, microseconds(fact.response_seconds))
        out.append(Observed("cc_dtmf_response_seconds", fact.response_seconds))

    def query_answered(self, fact: QueryAnswered, stamp: Stamp, out: list[Observation]) -> None:
        """A query was answered, or failed (counted apart: it has no result)."""
        amounts = (1, microseconds(fact.response_seconds), 0) if fact.ok else (0, 0, 1)
        self._queries.add(stamp.second, *amounts)
        if fact.ok:
            out.append(Observed("cc_ivr_query_seconds", fact.response_seconds))
        else:
            out.append(Counted("cc_ivr_query_failures"))

    def left_flow(self, fact: FlowLeft, stamp: Stamp, out: list[Observation]) -> None:
        """An IVR session is over."""
        out.append(Counted("cc_ivr_sessions", (fact.outcome,)))
        if counts_as_session(fact):
            self._sessions.add(stamp.second, 1, int(fact.outcome is FlowOutcome.COMPLETED))

    def established(self, fact: Established, stamp: Stamp, out: list[Observation]) -> None:
        """An agent answered; the contact's first one ends the wait of R10.3.2.d."""
        if fact.role is not LegRole.AGENT:
            return
        contact = self._contacts.get(fact.contact)
        if contact is not None:
            if contact.met_agent:
                return
            contact.met_agent = True
        wait = fact.wait_seconds if fact.wait_seconds is not None else fact.queue_seconds
        if wait is not None:
            self._agents.add(stamp.second, 1, microseconds(wait))
            self.hours.answered(stamp.second, microseconds(wait))
            out.append(Observed("cc_agent_wait_seconds", wait))

    def left_queue(self, fact: QueueLeft, stamp: Stamp, out: list[Observation]) -> None:
        """Somebody who waited for an agent gave up."""
        if fact.reason == "abandoned":
            self.hours.gave_up(stamp.second)

    def connect(self, now: int, window: int = TWO_HOURS) -> tuple[int, int]:
        """Samples and sum of connect delays; windows are those of `model.HOURLY`."""
        return _pair(self._connect, now, window)

    def keys(self, window: int, now: int) -> tuple[int, int]:
        """Samples and sum of DTMF responses; this window and the next ones are those of `model.DAILY`."""
        return _pair(self._keys, now, window)

    def queries(self, window: int, now: int) -> tuple[int, int, int]:
        """Samples and sum of query responses, and how many queries failed."""
        samples, total, failed = self._queries.totals(now, window)
        return samples, total, failed

    def agents(self, now: int, window: int = ONE_DAY) -> tuple[int, int]:
        """Samples and sum of waits for an agent."""
        return _pair(self._agents, now, window)

    def sessions(self, now: int, window: int = ONE_DAY) -> tuple[int, int]:
        """IVR sessions and how many of them completed."""
        return _pair(self._sessions, now, window)

    def snapshot(self) -> dict[str, Any]:
        """JSON-able state."""
        windows = {name: window.snapshot() for name, window in self._windows().items()}
        return {**windows, "hours": self.hours.snapshot()}

    def restore(self, data: dict[str, Any]) -> None:
        """Take the state of a snapshot."""
        for name, window in self._windows().items():
            window.restore(data[name])
        self.hours.restore(data["hours"])

    def _windows(self) -> dict[str, SlidingSums]:
        return {
            "connect": self._connect,
            "keys": self._keys,
            "queries": self._queries,
            "agents": self._agents,
            "sessions": self._sessions,
        }


def _pair(sums: SlidingSums, now: int, window: int) -> tuple[int, int]:
    samples, total = sums.totals(now, window)
    return samples, total
