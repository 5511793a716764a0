"""What people ask of the access layer, carried out in the control process (R10.4.a)."""

from __future__ import annotations

from typing import Any, TypeAlias, assert_never

from ccplatform.contracts.commands import (
    Answer,
    Done,
    GetAccess,
    LiftBan,
    Refused,
    ReloadAccess,
    ResetPort,
    ResetSeat,
    ResetTrunk,
)
from ccplatform.contracts.words import TrunkId
from gateway.access import SipAccess
from gateway.errors import PortInUse

AccessCommand: TypeAlias = GetAccess | ReloadAccess | ResetTrunk | ResetPort | ResetSeat | LiftBan


async def execute(access: SipAccess, command: AccessCommand) -> Answer:
    """Carry it out; raises UnknownTrunk, UnknownSeat, UnknownPort, and Unavailable while the database is away."""
    match command:
        case GetAccess():
            return Done(result=describe(access))
        case ReloadAccess():
            await access.reload()
            return Done()
        case ResetTrunk(trunk=trunk):
            access.reset_trunk(trunk)
            return Done()
        case ResetPort(transport=transport):
            try:
                await access.reset_port(transport)
            except PortInUse as error:
                return Refused(code="port_in_use", message=str(error))
            return Done()
        case ResetSeat(seat=seat):
            access.reset_seat(seat)
            return Done()
        case LiftBan(source=source):
            if not access.sip.strangers.lift(source):
                return Refused(code="not_found", message=f"{source!r} is not banned")
            return Done()
        case _:
            assert_never(command)


def describe(access: SipAccess) -> dict[str, Any]:
    """How the access layer is, as plain data."""
    return {
        "trunks": {trunk.id: _trunk(access, trunk.id) for trunk in access.trunks.all()},
        "bans": access.sip.strangers.describe(),
        "ports": [{"transport": transport, "port": port} for transport, port in access.sip.ports.items()],
    }


def _trunk(access: SipAccess, name: TrunkId) -> dict[str, Any]:
    trunk = access.trunks.get(name)
    incoming, outgoing = access.channels.by_way(trunk.id)
    return {
        "state": trunk.state.value,
        "incoming": incoming,
        "outgoing": outgoing,
        **access.trunk_service.describe(trunk),
    }
