"""Shifts as a kind of setting: ``configuration/shifts``, by page, REST and CSV."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping, Sequence
from datetime import UTC, date, datetime, time, timedelta
from typing import Annotated, Final
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from pydantic import AfterValidator, BaseModel, ConfigDict, Field

from ccplatform.configuration.kind import Document, Kind
from ccplatform.contracts.words import Role
from ccplatform.kernel.clock import Clock
from ccplatform.kernel.errors import Refusal
from metrics.adherence.model import Activity, Shift, instants
from metrics.adherence.store import ShiftStore
from metrics.model import MICROSECONDS

READERS: Final = (Role.SUPERVISOR, Role.ADMIN, Role.AUDITOR)
CHANGERS: Final = (Role.SUPERVISOR, Role.ADMIN)

#: Most shifts that are kept at a time, and how long after their end.
MAX_SHIFTS: Final = 20_000
KEPT_DAYS: Final = 7


def _local(at: time) -> time:
    if at.tzinfo is not None:
        raise ValueError("a local time has no offset; the zone says where it is")
    return at


def _zone(name: str) -> str:
    try:
        if name:
            ZoneInfo(name)
    except (ZoneInfoNotFoundError, ValueError, OSError):
        raise ValueError(f"there is no time zone {name[:64]}") from None
    return name


_Id = Annotated[str, Field(min_length=1, max_length=64)]
_Local = Annotated[time, AfterValidator(_local), Field(description="local time", examples=["09:00:00"])]
Knows = Callable[[str], Awaitable[bool]]


class ActivityDocument(BaseModel):
    """A planned pause; times before the shift's start are on the next day."""

    model_config = ConfigDict(extra="forbid")

    reason: Annotated[str, Field(max_length=64, description="a reason for not being ready; '': any")] = ""
    start: _Local
    end: _Local


class ShiftDocument(BaseModel):
    """What is planned for an agent on a day; an end that is not after the start is on the next one."""

    model_config = ConfigDict(extra="forbid")

    agent: _Id
    day: date
    start: _Local
    end: _Local
    zone: Annotated[str, AfterValidator(_zone), Field(max_length=64, description="'': that of the node")] = ""
    activities: Annotated[list[ActivityDocument], Field(max_length=20)] = []

    def shift(self, node_zone: ZoneInfo) -> Shift:
        """In instants."""
        zone = ZoneInfo(self.zone) if self.zone else node_zone
        start, end = instants(self.day, self.start, self.end, zone)
        pauses = []
        for one in self.activities:
            begins, ends = instants(self.day, one.start, one.end, zone, self.start)
            pauses.append(Activity(reason=one.reason, start_us=begins, end_us=ends))
        return Shift(agent=self.agent, start_us=start, end_us=end, activities=tuple(pauses))


class ShiftItem(ShiftDocument):
    """A planned shift."""

    id: str


class Shifts:
    """See :class:`~ccplatform.configuration.kind.Keeper`; and the shifts of a time, for adherence."""

    def __init__(
        self, store: ShiftStore, *, clock: Clock, zone: ZoneInfo, knows_agent: Knows, knows_reason: Knows
    ) -> None:
        self._store = store
        self._clock = clock
        self._zone = zone
        self._knows_agent = knows_agent
        self._knows_reason = knows_reason

    async def all(self) -> Mapping[str, Document]:
        """See Keeper."""
        return await self._store.documents()

    async def one(self, name: str) -> Document | None:
        """See Keeper."""
        return (await self._store.documents(name)).get(name)

    async def save(self, name: str, document: Document, *, by: str, trial: bool) -> None:
        """See Keeper."""
        wanted = ShiftDocument.model_validate(document)
        if not await self._knows_agent(wanted.agent):
            raise _refused(name, "agent", f"there is no agent {wanted.agent}")
        shift = wanted.shift(self._zone)
        _check_activities(name, shift)
        for place, one in enumerate(wanted.activities):
            if one.reason and not await self._knows_reason(one.reason):
                raise _refused(name, f"activities.{place}.reason", f"there is no reason {one.reason}")
        begins, ends = _at(shift.start_us), _at(shift.end_us)
        others = [other for other in await self._store.between(begins, ends, wanted.agent) if other != name]
        if others:
            raise _refused(name, "start", f"agent {wanted.agent} has shift {others[0]} in this time")
        if await self.one(name) is None and await self._store.count() >= MAX_SHIFTS:
            raise Refusal(f"there are {MAX_SHIFTS} shifts; remove old ones", code="too_many", where="id")
        if not trial:
            await self._store.save(name, document, begins, ends)
            await self._store.remove_ended(self._clock.wall() - timedelta(days=KEPT_DAYS))

    async def remove(self, name: str, *, by: str) -> None:
        """See Keeper."""
        await self._store.remove(name)

    async def users(self, name: str) -> Sequence[str]:
        """Nothing uses them."""
        return []

    def clashes(self, documents: Mapping[str, Document]) -> dict[str, tuple[str, str]]:
        """Those of one agent that have time in common with an earlier one of his."""
        found: dict[str, tuple[str, str]] = {}
        last: dict[str, tuple[int, str]] = {}  # of each agent: when his last shift ends, and which that is
        shifts = {name: ShiftDocument.model_validate(one).shift(self._zone) for name, one in documents.items()}
        for name, shift in sorted(shifts.items(), key=lambda item: item[1].start_us):
            end, other = last.get(shift.agent, (shift.start_us, ""))
            if end > shift.start_us:
                found[name] = ("start", f"agent {shift.agent} has shift {other} of this sheet in this time")
            if end <= shift.end_us:
                last[shift.agent] = (shift.end_us, name)
        return found

    async def planned_for(self, agent: str) -> list[str]:
        """What is still planned for an agent, as what names him."""
        return await self._store.planned_for(agent, self._clock.wall())

    async def between(self, start: datetime, end: datetime, agent: str | None = None) -> list[Shift]:
        """The shifts that have time in common with this; all, or those of an agent; raises Unavailable."""
        found = await self._store.between(start, end, agent)
        return [ShiftDocument.model_validate(document).shift(self._zone) for document in found.values()]


def shift_kind(shifts: Shifts) -> Kind:
    """``configuration/shifts``: supervisors plan."""
    return Kind(
        word="shift",
        path="configuration/shifts",
        wanted=ShiftDocument,
        item=ShiftItem,
        keeper=shifts,
        readers=READERS,
        changers=CHANGERS,
        clashes=shifts.clashes,
    )


def _check_activities(name: str, shift: Shift) -> None:
    """Raise Refusal unless they lie inside and one after the other."""
    at = shift.start_us
    order = sorted(range(len(shift.activities)), key=lambda place: shift.activities[place].start_us)
    for place in order:
        one = shift.activities[place]
        if one.end_us > shift.end_us or one.start_us < shift.start_us:
            raise _refused(name, f"activities.{place}", "it is not inside the shift")
        if one.start_us < at:
            raise _refused(name, f"activities.{place}.start", "another activity has not ended by then")
        at = one.end_us


def _at(us: int) -> datetime:
    return datetime.fromtimestamp(us // MICROSECONDS, UTC)


def _refused(name: str, where: str, why: str) -> Refusal:
    return Refusal(f"shift {name[:64]}: {why}", code="illegal_setting", where=where)
