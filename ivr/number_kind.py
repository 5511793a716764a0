"""Numbers as a kind of setting: which flow answers, which one out of hours, and which ones at some dates.

The id is the number itself; ``*11@seats`` is a number that only the centre's own seats reach.
"""

from __future__ import annotations

import re
from collections.abc import Awaitable, Callable, Collection, Mapping, Sequence
from dataclasses import asdict
from typing import Annotated, Any, Final

from pydantic import AwareDatetime, BaseModel, ConfigDict, Field

from ccplatform.configuration.kind import Document, Kind
from ccplatform.contracts.commands import ReloadFlows
from ccplatform.contracts.ports import Control
from ccplatform.contracts.words import FlowId, Role
from ccplatform.kernel.errors import Refusal
from ccplatform.operations.orders import tell
from ivr.store import EntryPoint, EntryRule, IvrStore

#: Who looks at numbers.
READERS: Final = (Role.SUPERVISOR, Role.MAINTAINER, Role.ADMIN, Role.AUDITOR)

_SEATS: Final = "@seats"
_NUMBER: Final = re.compile(r"(\+?[0-9*#]{1,32})(@seats)?")

Calendars = Callable[[], Awaitable[Collection[str]]]


class NumberRule(BaseModel):
    """Another flow at some time; a rule says when by its dates, its calendar or both."""

    model_config = ConfigDict(extra="forbid")

    flow: Annotated[str, Field(min_length=1, max_length=64)]
    calendar: Annotated[str, Field(max_length=64, description="only by this calendar; empty: at any hour")] = ""
    closed: bool = Field(False, description="while the calendar is closed, not while it is open")
    start: AwareDatetime | None = Field(None, description="from then on; null: since ever")
    end: AwareDatetime | None = Field(None, description="before then; null: for ever")


class NumberDocument(BaseModel):
    """The flow that answers a number.

    That of the first rule that applies, else ``closed_flow`` while ``calendar`` is closed, else ``flow``.
    """

    model_config = ConfigDict(extra="forbid")

    flow: Annotated[str, Field(min_length=1, max_length=64)]
    calendar: Annotated[str, Field(max_length=64)] = ""
    closed_flow: Annotated[str, Field(max_length=64)] = ""
    rules: Annotated[list[NumberRule], Field(max_length=50)] = []


class NumberItem(NumberDocument):
    """A number that a flow answers."""

    id: str


class NumbersKept:
    """See :class:`~ccplatform.configuration.kind.Keeper`; ``calendars`` are those that there are."""

    def __init__(self, store: IvrStore, control: Control, calendars: Calendars) -> None:
        self._store = store
        self._control = control
        self._calendars = calendars

    async def all(self) -> Mapping[str, Document]:
        """See Keeper."""
        return {
            _name(entry): {
                "flow": entry.flow,
                "calendar": entry.calendar,
                "closed_flow": entry.closed_flow or "",
                "rules": [_rule_document(rule) for rule in entry.rules],
            }
            for entry in await self._store.entry_points()
        }

    async def one(self, name: str) -> Document | None:
        """See Keeper."""
        return (await self.all()).get(name)

    async def save(self, name: str, document: Document, *, by: str, trial: bool) -> None:
        """See Keeper."""
        wanted = NumberDocument.model_validate(document)
        number, from_seat = _split(name)
        await self._check(name, wanted)
        if trial:
            return
        await self._store.save_entry_point(entry_point(number, wanted, from_seat=from_seat))
        await tell(self._control, ReloadFlows(by=by))

    async def remove(self, name: str, *, by: str) -> None:
        """See Keeper."""
        number, from_seat = _split(name)
        await self._store.remove_entry_point(number, from_seat=from_seat)
        await tell(self._control, ReloadFlows(by=by))

    async def users(self, name: str) -> Sequence[str]:
        """See Keeper."""
        return []

    async def opened_by(self, calendar: str) -> list[str]:
        """The numbers that go by a calendar, and where."""
        return [
            f"number {_name(entry)} ({where})"
            for entry in await self._store.entry_points()
            for where in _going_by(entry, calendar)
        ]

    async def check(self, name: str, wanted: NumberDocument) -> None:
        """Raise Refusal, with the field, for what names a flow or a calendar that is not there, or no time."""
        await self._check(name, wanted)

    async def answered_by(self, flow: str) -> list[str]:
        """The numbers that a flow answers, at some hours at least."""
        return [f"number {_name(entry)}" for entry in await self._store.entry_points() if flow in entry.flows()]

    async def _check(self, name: str, wanted: NumberDocument) -> None:
        rules = [(f"rules.{number}.", rule) for number, rule in enumerate(wanted.rules)]
        flows = [("flow", wanted.flow), ("closed_flow", wanted.closed_flow)]
        published = await self._store.published()
        for field, flow in (*flows, *((f"{path}flow", rule.flow) for path, rule in rules)):
            if flow and flow not in published:
                raise _refused(name, field, f"no flow {flow} is published")
        calendars = await self._calendars()
        for path, calendar in (("", wanted.calendar), *((path, rule.calendar) for path, rule in rules)):
            if calendar and calendar not in calendars:
                raise _refused(name, f"{path}calendar", f"there is no calendar {calendar}")
        for path, rule in rules:
            _check_rule(name, path, rule)
        if bool(wanted.calendar) != bool(wanted.closed_flow):
            where = "closed_flow" if wanted.calendar else "calendar"
            raise _refused(name, where, "a calendar and a flow for when it is closed go together")


def entry_point(number: str, wanted: NumberDocument, *, from_seat: bool = False) -> EntryPoint:
    """A document as it is kept."""
    return EntryPoint(
        number=number,
        from_seat=from_seat,
        flow=FlowId(wanted.flow),
        calendar=wanted.calendar,
        closed_flow=FlowId(wanted.closed_flow) if wanted.closed_flow else None,
        rules=tuple(_rule(rule) for rule in wanted.rules),
    )


def _going_by(entry: EntryPoint, calendar: str) -> list[str]:
    rules = [f"rules.{number}.calendar" for number, rule in enumerate(entry.rules) if rule.calendar == calendar]
    return [*(["calendar"] if entry.calendar == calendar else []), *rules]


def number_kind(keeper: NumbersKept) -> Kind:
    """``configuration/numbers``."""
    return Kind(
        word="number",
        path="configuration/numbers",
        wanted=NumberDocument,
        item=NumberItem,
        keeper=keeper,
        readers=READERS,
        changers=(Role.SUPERVISOR, Role.ADMIN),
    )


def _check_rule(name: str, path: str, rule: NumberRule) -> None:
    if rule.closed and not rule.calendar:
        raise _refused(name, f"{path}closed", "it names the calendar that is closed")
    if not rule.calendar and rule.start is None and rule.end is None:
        raise _refused(name, f"{path}start", "a rule says when: by its dates, its calendar or both")
    if rule.start is not None and rule.end is not None and rule.end <= rule.start:
        raise _refused(name, f"{path}end", "it ends before it begins")


def _name(entry: EntryPoint) -> str:
    return f"{entry.number}{_SEATS if entry.from_seat else ''}"


def _rule(rule: NumberRule) -> EntryRule:
    return EntryRule(
        flow=FlowId(rule.flow), calendar=rule.calendar, closed=rule.closed, start=rule.start, end=rule.end
    )


def _rule_document(rule: EntryRule) -> dict[str, Any]:
    return NumberRule.model_validate(asdict(rule)).model_dump(mode="json")


def _split(name: str) -> tuple[str, bool]:
    found = _NUMBER.fullmatch(name)
    if found is None:
        why = f"a number is digits, * and #, a + before them; {_SEATS} behind it: for calls of seats alone"
        raise _refused(name, "id", why)
    return found[1], found[2] is not None


def _refused(name: str, where: str, why: str) -> Refusal:
    return Refusal(f"number {name[:64]}: {why}", code="bad_number", where=where)
