"""Numbers as a kind of setting: which flow answers, and which one out of hours.

The id is the number itself; ``*11@seats`` is a number that only the centre's own seats reach.
"""

from __future__ import annotations

import re
from collections.abc import Awaitable, Callable, Collection, Mapping, Sequence
from typing import Annotated, Final

from pydantic import BaseModel, ConfigDict, Field

from ccplatform.configuration.kind import Document, Kind
from ccplatform.contracts.commands import ReloadFlows
from ccplatform.contracts.ports import Control
from ccplatform.contracts.words import FlowId, Role
from ccplatform.kernel.errors import Refusal
from ccplatform.operations.orders import tell
from ivr.store import EntryPoint, IvrStore

_SEATS: Final = "@seats"
_NUMBER: Final = re.compile(r"(\+?[0-9*#]{1,32})(@seats)?")

Calendars = Callable[[], Awaitable[Collection[str]]]


class NumberDocument(BaseModel):
    """The flow that answers a number; ``closed_flow`` does while ``calendar`` is closed."""

    model_config = ConfigDict(extra="forbid")

    flow: Annotated[str, Field(min_length=1, max_length=64)]
    calendar: Annotated[str, Field(max_length=64)] = ""
    closed_flow: Annotated[str, Field(max_length=64)] = ""


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
            f"{entry.number}{_SEATS if entry.from_seat else ''}": {
                "flow": entry.flow,
                "calendar": entry.calendar,
                "closed_flow": entry.closed_flow or "",
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
        await self._store.save_entry_point(
            EntryPoint(
                number=number,
                from_seat=from_seat,
                flow=FlowId(wanted.flow),
                calendar=wanted.calendar,
                closed_flow=FlowId(wanted.closed_flow) if wanted.closed_flow else None,
            )
        )
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
        """The numbers that go by a calendar."""
        return [
            f"number {number}"
            for number, document in (await self.all()).items()
            if document["calendar"] == calendar
        ]

    async def _check(self, name: str, wanted: NumberDocument) -> None:
        published = await self._store.published()
        for field, flow in (("flow", wanted.flow), ("closed_flow", wanted.closed_flow)):
            if flow and flow not in published:
                raise _refused(name, field, f"no flow {flow} is published")
        if wanted.calendar and wanted.calendar not in await self._calendars():
            raise _refused(name, "calendar", f"there is no calendar {wanted.calendar}")
        if bool(wanted.calendar) != bool(wanted.closed_flow):
            where = "closed_flow" if wanted.calendar else "calendar"
            raise _refused(name, where, "a calendar and a flow for when it is closed go together")


def number_kind(keeper: NumbersKept) -> Kind:
    """``configuration/numbers``."""
    return Kind(
        word="number",
        path="configuration/numbers",
        wanted=NumberDocument,
        item=NumberItem,
        keeper=keeper,
        readers=(Role.SUPERVISOR, Role.MAINTAINER, Role.ADMIN, Role.AUDITOR),
        changers=(Role.SUPERVISOR, Role.ADMIN),
        sheet=True,
    )


def _split(name: str) -> tuple[str, bool]:
    found = _NUMBER.fullmatch(name)
    if found is None:
        why = f"a number is digits, * and #, a + before them; {_SEATS} behind it: for calls of seats alone"
        raise _refused(name, "id", why)
    return found[1], found[2] is not None


def _refused(name: str, where: str, why: str) -> Refusal:
    return Refusal(f"number {name[:64]}: {why}", code="bad_number", where=where)
