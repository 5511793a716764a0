"""Trunks as a kind of setting. They live in the database and nowhere else: settings files name none."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from ccplatform.configuration.kind import Document, Kind, Users
from ccplatform.contracts.commands import ReloadAccess
from ccplatform.contracts.ports import Control
from ccplatform.contracts.words import Role, TrunkId
from ccplatform.operations.orders import tell
from gateway.errors import BadTrunk, UnknownTrunk
from gateway.sip.trunk import Trunk, TrunkState
from gateway.trunk_schema import ConfiguredTrunk, TrunkChange, trunk_definition
from gateway.trunk_store import TrunkStore


class _Kept:
    """See :class:`~ccplatform.configuration.kind.Keeper`. Calls in progress are not touched by a change."""

    def __init__(self, store: TrunkStore, control: Control) -> None:
        self._store = store
        self._control = control

    async def all(self) -> Mapping[str, Document]:
        return {trunk.id: trunk_document(trunk) for trunk in await self._store.all()}

    async def one(self, name: str) -> Document | None:
        found = await self._find(name)
        return None if found is None else trunk_document(found)

    async def save(self, name: str, document: Document, *, by: str, trial: bool) -> None:
        change, before = TrunkChange.model_validate(document), await self._find(name)
        account = before.credentials if before is not None else None
        known = account.password if account is not None and account.user == change.account else None
        if change.account and not (change.password or known):
            raise BadTrunk(f"trunk {name}: the account needs a password", "password")
        trunk = change.trunk(TrunkId(name), known, before.state if before is not None else TrunkState.ACTIVE)
        trunk.check()
        if not trial:
            await self._store.save(trunk)
            await tell(self._control, ReloadAccess(by=by))

    async def remove(self, name: str, *, by: str) -> None:
        await self._store.delete(TrunkId(name))
        await tell(self._control, ReloadAccess(by=by))

    async def users(self, name: str) -> Sequence[str]:
        return await self._store.users(name)

    async def _find(self, name: str) -> Trunk | None:
        try:
            return await self._store.get(TrunkId(name))
        except UnknownTrunk:
            return None


def trunk_kind(*, store: TrunkStore, control: Control, also: tuple[Users, ...] = ()) -> Kind:
    """``trunks``, whose list shows how they are now, too."""
    return Kind(
        word="trunk",
        path="trunks",
        wanted=TrunkChange,
        item=ConfiguredTrunk,
        keeper=_Kept(store, control),
        readers=(Role.MAINTAINER, Role.SUPERVISOR, Role.ADMIN),
        changers=(Role.MAINTAINER, Role.ADMIN),
        secrets=frozenset({"password"}),
        also=also,
        listed=False,
    )


def trunk_document(trunk: Trunk) -> Document:
    """A trunk as people configure it."""
    return trunk_definition(trunk).model_dump(mode="json")
