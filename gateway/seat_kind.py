"""Seats as a kind of setting: the device, its SIP account, what its calls out show."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from enum import StrEnum
from typing import Annotated, Final

from pydantic import BaseModel, ConfigDict, Field

from ccplatform.configuration.kind import Document, Kind, Users
from ccplatform.contracts.commands import ReloadAccess
from ccplatform.contracts.ports import Control
from ccplatform.contracts.words import Role, SeatId
from ccplatform.kernel.errors import Refusal
from ccplatform.operations.orders import tell
from gateway.sip.syntax import is_token
from gateway.store import GatewayStore

READERS: Final = (Role.SUPERVISOR, Role.MAINTAINER, Role.ADMIN, Role.AUDITOR)
CHANGERS: Final = (Role.MAINTAINER, Role.ADMIN)

#: Shortest password of a phone: who guesses it calls at our cost.
MIN_PASSWORD: Final = 8

_ID: Final = re.compile(r"[A-Za-z0-9._-]{1,64}")


class PhoneKind(StrEnum):
    """What rings at a seat."""

    DESK = "desk"  # a SIP phone
    WEB = "web"  # the browser


class SeatDocument(BaseModel):
    """A seat. Its password is taken and never given; a new account needs one."""

    model_config = ConfigDict(extra="forbid")

    sip_user: Annotated[str, Field(min_length=1, max_length=64, description="also the number that others dial")]
    name: Annotated[str, Field(max_length=128)] = ""
    phone: PhoneKind = PhoneKind.DESK
    caller: Annotated[str, Field(pattern=r"^(\+?[0-9*#]{2,32})?$", description="number shown for calls out")] = ""
    pick_up_group: Annotated[
        str, Field(max_length=64, description="phones of one group take each other's calls; empty: none")
    ] = ""
    password: Annotated[str | None, Field(max_length=128, description="null: as it is")] = None


class ConfiguredSeat(BaseModel):
    """A configured seat."""

    id: str
    sip_user: str
    name: str
    phone: PhoneKind
    caller: str
    pick_up_group: str


class _Kept:
    """See :class:`~ccplatform.configuration.kind.Keeper`."""

    def __init__(self, store: GatewayStore, control: Control) -> None:
        self._store = store
        self._control = control

    async def all(self) -> Mapping[str, Document]:
        return await self._store.seat_documents()

    async def one(self, name: str) -> Document | None:
        return (await self._store.seat_documents(name)).get(name)

    async def save(self, name: str, document: Document, *, by: str, trial: bool) -> None:
        wanted = SeatDocument.model_validate(document)
        there = await self._store.seat_documents()
        _check(name, wanted, there)
        if trial:
            return
        seat, what = SeatId(name), wanted.model_dump(mode="json", exclude={"sip_user", "password"})
        if wanted.password is not None:
            await self._store.save_seat(seat, wanted.sip_user, wanted.password, **what)
        else:
            await self._store.describe_seat(seat, **what)
        await tell(self._control, ReloadAccess(by=by))

    async def remove(self, name: str, *, by: str) -> None:
        await self._store.remove_seat(SeatId(name))
        await tell(self._control, ReloadAccess(by=by))

    async def users(self, name: str) -> Sequence[str]:
        return []


def kind(*, store: GatewayStore, control: Control, also: tuple[Users, ...] = ()) -> Kind:
    """``configuration/seats``; ``also`` says who sits there."""
    return Kind(
        word="seat",
        path="configuration/seats",
        wanted=SeatDocument,
        item=ConfiguredSeat,
        keeper=_Kept(store, control),
        readers=READERS,
        changers=CHANGERS,
        secrets=frozenset({"password"}),
        also=also,
    )


def _check(name: str, wanted: SeatDocument, there: Mapping[str, Document]) -> None:
    if not _ID.fullmatch(name):
        raise _refused(name, "id", "an id has 1 to 64 letters, digits, dots, hyphens and underscores")
    if not is_token(wanted.sip_user):
        raise _refused(name, "sip_user", "the SIP user must be a token (RFC 3261)")
    for field in ("name", "pick_up_group"):
        if not getattr(wanted, field).isprintable():
            raise _refused(name, field, "it must be printable")
    for other, document in there.items():
        if other != name and document["sip_user"] == wanted.sip_user:
            raise _refused(name, "sip_user", f"seat {other} has this SIP user")
    before = there.get(name)
    if wanted.password is None and (before is None or before["sip_user"] != wanted.sip_user):
        raise _refused(name, "password", "a new account needs a password")
    if wanted.password is not None and len(wanted.password) < MIN_PASSWORD:
        raise _refused(name, "password", f"it needs at least {MIN_PASSWORD} characters")


def _refused(name: str, where: str, why: str) -> Refusal:
    return Refusal(f"seat {name[:64]}: {why}", code="bad_seat", where=where)
