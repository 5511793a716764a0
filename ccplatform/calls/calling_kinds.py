"""Classes of numbers and permissions to call them as kinds of settings.

A class has the beginning of its numbers as id; a permission that of its group (``agents``, ``supervisors``,
``seats``, ``flows``) or of one agent.
"""

from __future__ import annotations

import re
from collections.abc import Awaitable, Callable, Mapping, Sequence
from typing import Annotated, Final

from pydantic import BaseModel, ConfigDict, Field

from ccplatform.calls.calling_rules import GROUPS, Permission
from ccplatform.calls.calling_store import CallingStore
from ccplatform.calls.dial_plan import NumberClass
from ccplatform.calls.settings import Number
from ccplatform.configuration.kind import Document, Kind
from ccplatform.contracts.commands import ReloadCallingRules
from ccplatform.contracts.ports import Control
from ccplatform.contracts.words import Role
from ccplatform.kernel.errors import Refusal
from ccplatform.operations.orders import tell

READERS: Final = (Role.SUPERVISOR, Role.MAINTAINER, Role.ADMIN, Role.AUDITOR)
CHANGERS: Final = (Role.MAINTAINER, Role.ADMIN)

_PREFIX: Final = re.compile(r"\+?[0-9*#]{0,16}")
_Knows = Callable[[str], Awaitable[bool]]


class NumberClassDocument(BaseModel):
    """What numbers are that begin so; the longest beginning decides, what begins otherwise is international."""

    model_config = ConfigDict(extra="forbid")

    number_class: NumberClass


class NumberClassItem(NumberClassDocument):
    """The class of the numbers that begin with the id."""

    id: str


class PermissionDocument(BaseModel):
    """What a group or an agent may call."""

    model_config = ConfigDict(extra="forbid")

    may: Annotated[
        list[NumberClass] | None,
        Field(max_length=len(NumberClass), description="null: of an agent, as others; of a group, none"),
    ] = None
    caller: Number = Field("", description="number that an agent shows; empty: as others")


class PermissionItem(PermissionDocument):
    """What the group, or the agent, of that id may call."""

    id: str


class _Classes:
    """See :class:`~ccplatform.configuration.kind.Keeper`."""

    def __init__(self, store: CallingStore, control: Control) -> None:
        self._store = store
        self._control = control

    async def all(self) -> Mapping[str, Document]:
        return {prefix: {"number_class": kind.value} for prefix, kind in (await self._store.classes()).items()}

    async def one(self, name: str) -> Document | None:
        return (await self.all()).get(name)

    async def save(self, name: str, document: Document, *, by: str, trial: bool) -> None:
        wanted = NumberClassDocument.model_validate(document)
        if not name or not _PREFIX.fullmatch(name):
            raise _refused("class", name, "id", "a beginning has up to 16 digits, * or #, a + in front at most")
        if not trial:
            await self._store.save_class(name, wanted.number_class)
            await tell(self._control, ReloadCallingRules(by=by))

    async def remove(self, name: str, *, by: str) -> None:
        await self._store.remove_class(name)
        await tell(self._control, ReloadCallingRules(by=by))

    async def users(self, name: str) -> Sequence[str]:
        return []


class _Permissions:
    """See :class:`~ccplatform.configuration.kind.Keeper`."""

    def __init__(self, store: CallingStore, control: Control, knows_agent: _Knows) -> None:
        self._store = store
        self._control = control
        self._knows_agent = knows_agent

    async def all(self) -> Mapping[str, Document]:
        return {name: _document(one) for name, one in (await self._store.permissions()).items()}

    async def one(self, name: str) -> Document | None:
        return (await self.all()).get(name)

    async def save(self, name: str, document: Document, *, by: str, trial: bool) -> None:
        wanted = PermissionDocument.model_validate(document)
        group = name in GROUPS
        if not group and not await self._knows_agent(name):
            raise _refused(
                "permission", name, "id", "no such group (agents, supervisors, seats, flows), and no such agent"
            )
        if group and wanted.caller:
            raise _refused("permission", name, "caller", "only an agent shows a number of his own")
        if not trial:
            chosen = [] if group and wanted.may is None else wanted.may
            may = None if chosen is None else tuple(kind for kind in NumberClass if kind in chosen)
            await self._store.save_permission(name, Permission(may=may, caller=wanted.caller))
            await tell(self._control, ReloadCallingRules(by=by))

    async def remove(self, name: str, *, by: str) -> None:
        if name in GROUPS:
            raise _refused("permission", name, "id", "a group stays")
        await self._store.remove_permission(name)
        await tell(self._control, ReloadCallingRules(by=by))

    async def users(self, name: str) -> Sequence[str]:
        return []


def kinds(*, store: CallingStore, control: Control, knows_agent: _Knows) -> tuple[Kind, Kind]:
    """``configuration/number-classes`` and ``configuration/call-permissions``."""
    return (
        Kind(
            word="number_class",
            path="configuration/number-classes",
            wanted=NumberClassDocument,
            item=NumberClassItem,
            keeper=_Classes(store, control),
            readers=READERS,
            changers=CHANGERS,
        ),
        Kind(
            word="call_permission",
            path="configuration/call-permissions",
            wanted=PermissionDocument,
            item=PermissionItem,
            keeper=_Permissions(store, control, knows_agent),
            readers=READERS,
            changers=CHANGERS,
        ),
    )


def _document(permission: Permission) -> Document:
    may = None if permission.may is None else [kind.value for kind in permission.may]
    return {"may": may, "caller": permission.caller}


def _refused(kind: str, name: str, where: str, why: str) -> Refusal:
    return Refusal(f"{kind} {name[:64]}: {why}", code="bad_calling_rule", where=where)
