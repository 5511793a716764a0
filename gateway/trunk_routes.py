"""REST of trunks, routes of calls out, bans and listeners (R10.4.a). No ``from __future__ import annotations``:
FastAPI reads local names here."""

from collections.abc import Callable
from enum import StrEnum
from typing import Annotated, Any

from fastapi import APIRouter, Depends, Path

from ccplatform.configuration.changes import Changes
from ccplatform.configuration.kind import Users, revision
from ccplatform.configuration.routes import add_kind
from ccplatform.contracts.commands import GetAccess, LiftBan, ReloadAccess, ResetPort, ResetTrunk
from ccplatform.contracts.ports import Control
from ccplatform.contracts.words import Role, TrunkId
from ccplatform.kernel.errors import Unavailable
from ccplatform.operations.orders import OnceBody, OnceKey, tell
from ccplatform.security.access import Access, Principal
from ccplatform.security.audit import Audit
from gateway.sip.trunk import Trunk, TrunkState
from gateway.trunk_kind import trunk_document, trunk_kind
from gateway.trunk_schema import (
    BanItem,
    Bans,
    PortItem,
    Ports,
    RouteItem,
    Routes,
    TrunkItem,
    Trunks,
    trunk_item,
)
from gateway.trunk_store import TrunkStore

READERS = (Role.MAINTAINER, Role.SUPERVISOR, Role.ADMIN)
OPERATORS = (Role.MAINTAINER, Role.ADMIN)

Name = Annotated[str, Path(min_length=1, max_length=64)]


class TrunkAction(StrEnum):
    """What can be done to a trunk."""

    ACTIVATE = "activate"
    BLOCK = "block"
    ISOLATE = "isolate"
    RESET = "reset"


_STATES = {
    TrunkAction.ACTIVATE: TrunkState.ACTIVE,
    TrunkAction.BLOCK: TrunkState.BLOCKED,
    TrunkAction.ISOLATE: TrunkState.ISOLATED,
}


def build_router(
    *,
    access: Access,
    store: TrunkStore,
    control: Control,
    audit: Audit,
    changes: Changes,
    channels_in_use: Callable[[TrunkId], int | None],
    traffic: Callable[[TrunkId], dict[str, Any] | None],
    also: tuple[Users, ...] = (),
) -> APIRouter:
    """``trunks``, ``outbound-routes``, ``sip/bans`` and ``sip/ports``; ``also`` says what else needs a trunk."""
    router = APIRouter(tags=["gateway"])
    Reader = Annotated[Principal, Depends(access.require(*READERS))]
    Operator = Annotated[Principal, Depends(access.require(*OPERATORS))]
    _add_trunks(router, Reader, Operator, store, control, audit, channels_in_use, traffic)
    add_kind(router, trunk_kind(store=store, control=control, also=also), access=access, changes=changes)
    _add_routes(router, Reader, Operator, store, control, audit)
    _add_bans(router, Reader, Operator, control, audit)
    return router


def _add_trunks(
    router: APIRouter,
    Reader: Any,
    Operator: Any,
    store: TrunkStore,
    control: Control,
    audit: Audit,
    channels_in_use: Callable[[TrunkId], int | None],
    traffic: Callable[[TrunkId], dict[str, Any] | None],
) -> None:
    def shown(trunk: Trunk, now: dict[str, Any] | None) -> TrunkItem:
        return trunk_item(trunk, now, channels_in_use(trunk.id), traffic(trunk.id))

    @router.get("/trunks")
    async def trunks(_: Reader) -> Trunks:
        """Every trunk: how it is configured, and how it is now."""
        now, there = await _present(control), await store.all()
        return Trunks(
            items=[shown(trunk, now.get(trunk.id)) for trunk in there],
            revisions={trunk.id: revision(trunk_document(trunk)) for trunk in there},
        )

    @router.get("/trunks/{trunk}")
    async def trunk(trunk: Name, _: Reader) -> TrunkItem:
        """One trunk."""
        name = TrunkId(trunk)
        found, now = await store.get(name), await _present(control)
        return shown(found, now.get(name))

    @router.post("/trunks/{trunk}/{action}", status_code=204)
    async def operate(trunk: Name, action: TrunkAction, by: Operator, order: OnceBody) -> None:
        """Activate, block (no new calls), isolate (calls are ended too) or reset a trunk (R10.4.a)."""
        name = TrunkId(trunk)
        if action is TrunkAction.RESET:
            await tell(control, ResetTrunk(trunk=name, by=by.user, key=order.key))
        else:
            await store.set_state(name, _STATES[action])
            await tell(control, ReloadAccess(by=by.user))
        await audit.record(subject=by.user, action=f"trunk.{action}", object=trunk, result="ok")


def _add_routes(
    router: APIRouter, Reader: Any, Operator: Any, store: TrunkStore, control: Control, audit: Audit
) -> None:
    @router.get("/outbound-routes")
    async def routes(_: Reader) -> Routes:
        """Which trunks numbers go out by; the longest prefix wins."""
        return Routes(items=[RouteItem.model_validate(route) for route in await store.routes()])

    @router.put("/outbound-routes")
    async def put_routes(change: Routes, by: Operator) -> Routes:
        """Take these routes in place of all."""
        await store.replace_routes([route.route() for route in change.items])
        detail: dict[str, Any] = {"routes": len(change.items)}
        await audit.record(subject=by.user, action="routes.put", object="", result="ok", detail=detail)
        await tell(control, ReloadAccess(by=by.user))
        return Routes(items=[RouteItem.model_validate(route) for route in await store.routes()])


def _add_bans(router: APIRouter, Reader: Any, Operator: Any, control: Control, audit: Audit) -> None:
    @router.get("/sip/bans")
    async def bans(_: Reader) -> Bans:
        """Sources that are not listened to for a while."""
        found = (await tell(control, GetAccess()))["bans"]
        items = [BanItem(**ban) for ban in found["active"]]
        return Bans(items=items, imposed=found["imposed"], dropped=found["dropped"])

    @router.delete("/sip/bans/{source}", status_code=204)
    async def lift(source: Name, by: Operator, key: OnceKey = "") -> None:
        """Listen to a source again."""
        await tell(control, LiftBan(source=source, by=by.user, key=key))
        await audit.record(subject=by.user, action="ban.lift", object=source, result="ok")

    @router.get("/sip/ports")
    async def ports(_: Reader) -> Ports:
        """The listeners of SIP."""
        return Ports(items=[PortItem(**port) for port in (await tell(control, GetAccess()))["ports"]])

    @router.post("/sip/ports/{transport}/reset", status_code=204)
    async def reset_port(transport: Name, by: Operator, order: OnceBody) -> None:
        """Close a listener with its connections and open it anew (R10.4.a)."""
        await tell(control, ResetPort(transport=transport.upper(), by=by.user, key=order.key))
        await audit.record(subject=by.user, action="port.reset", object=transport.upper(), result="ok")


async def _present(control: Control) -> dict[str, Any]:
    """How trunks are now; nothing while control is away."""
    try:
        found: dict[str, Any] = (await tell(control, GetAccess()))["trunks"]
    except Unavailable:
        return {}
    return found
