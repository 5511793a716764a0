"""The published flows and the numbers that lead to them, in memory: calls go on while the database is away."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime

from ccplatform.contracts.ports import Alarms
from ccplatform.contracts.words import FlowId, Severity
from ccplatform.kernel.clock import Clock
from ivr.document import flow_from
from ivr.errors import FlowError
from ivr.model import Flow
from ivr.plan import Plan
from ivr.store import EntryPoint, IvrStore, StoredFlow
from ivr.together import parts_of

#: Alarm kind of a stored flow that this program cannot run; its subject is the flow.
ALARM_INVALID = "flow_invalid"


@dataclass(frozen=True, slots=True, kw_only=True)
class PublishedFlow:
    """A flow in one revision."""

    plan: Plan
    revision: str

    @property
    def flow(self) -> Flow:
        """Its document."""
        return self.plan.flow


def answering(entry: EntryPoint, now: datetime, is_open: Callable[[str], bool | None]) -> FlowId | None:
    """The flow that answers a number at an instant."""
    number = applying(entry, now, is_open)
    if number is not None:
        return entry.rules[number].flow
    return entry.flow if not entry.calendar or is_open(entry.calendar) is not False else entry.closed_flow


def applying(entry: EntryPoint, now: datetime, is_open: Callable[[str], bool | None]) -> int | None:
    """The first of a number's rules that applies at an instant; None: none does."""
    for number, rule in enumerate(entry.rules):
        begun = rule.start is None or now >= rule.start
        over = rule.end is not None and now >= rule.end
        closed = bool(rule.calendar) and is_open(rule.calendar) is False
        if begun and not over and closed is rule.closed:
            return number
    return None


class Catalogue:
    """What :meth:`load` found last; a load that fails leaves it as it was.

    ``is_open`` tells of calendars; a number whose calendar is not there is open.
    """

    def __init__(
        self,
        *,
        store: IvrStore,
        clock: Clock,
        alarms: Alarms,
        is_open: Callable[[str], bool | None] = lambda _: None,
    ) -> None:
        self._is_open = is_open
        self._store = store
        self._clock = clock
        self._alarms = alarms
        self._current: dict[FlowId, PublishedFlow] = {}
        self._parts: dict[FlowId, dict[FlowId, PublishedFlow]] = {}
        self._revisions: dict[tuple[FlowId, str], PublishedFlow] = {}
        self._entry_points: dict[tuple[str, bool], EntryPoint] = {}

    async def load(self) -> None:
        """Read everything again; raises DatabaseUnavailable."""
        stored = await self._store.flows(self._clock.wall())
        entry_points = await self._store.entry_points()
        current: dict[FlowId, PublishedFlow] = {}
        for row in stored:
            published = self._published(row)
            if published is not None:
                self._revisions[row.flow, row.revision] = published
                if row.current:
                    current[row.flow] = published
        self._current = current
        known = {str(name): published.flow for name, published in current.items()}
        self._parts = {
            name: {FlowId(part): current[FlowId(part)] for part in parts_of(published.flow, known)}
            for name, published in current.items()
        }
        self._entry_points = {(entry.number, entry.from_seat): entry for entry in entry_points}

    def entry_point(self, dialled: str, from_seat: bool) -> FlowId | None:
        """The flow behind a number now; a seat's own numbers come first, and only a seat reaches them."""
        own = self._entry_points.get((dialled, True)) if from_seat else None
        entry = own or self._entry_points.get((dialled, False))
        flow = None if entry is None else answering(entry, self._clock.wall(), self._is_open)
        return flow if flow in self._current else None

    def current(self, flow: FlowId) -> PublishedFlow | None:
        """What new sessions run."""
        return self._current.get(flow)

    def parts(self, flow: FlowId) -> dict[FlowId, PublishedFlow]:
        """The sub-flows that new sessions of a flow come through."""
        return self._parts.get(flow, {})

    def revision(self, flow: FlowId, revision: str) -> PublishedFlow | None:
        """What a session that began on a revision runs."""
        return self._revisions.get((flow, revision))

    def flows(self) -> list[Flow]:
        """Every current flow."""
        return [published.flow for published in self._current.values()]

    def recordings(self) -> set[str]:
        """What is in the recordings of every flow that a session may run."""
        flows = (published.flow for published in self._revisions.values())
        return {content for flow in flows for spoken in flow.recordings.values() for content in spoken.values()}

    def _published(self, row: StoredFlow) -> PublishedFlow | None:
        known = self._revisions.get((row.flow, row.revision))
        if known is not None:
            return known
        try:
            flow = flow_from(row.document, f"flow {row.flow} revision {row.revision}")
        except FlowError as error:
            if row.current:
                self._alarms.raise_alarm(ALARM_INVALID, row.flow, Severity.URGENT, str(error)[:1000])
            return None
        self._alarms.clear_alarm(ALARM_INVALID, row.flow)
        return PublishedFlow(plan=Plan(flow), revision=row.revision)
