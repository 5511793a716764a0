"""Whose a message is: which trunk's, which seat's. Asked when somebody searches, not for every message."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from ccplatform.contracts.words import SeatId, TrunkId
from ccplatform.kernel.errors import NotFound
from gateway.signalling.message import TracedMessage
from gateway.signalling.selection import host_and_port
from gateway.sip.flows import Flow
from gateway.sip.trunks import TrunkDirectory
from gateway.store import GatewayStore


class Places:
    """``present()`` is what control says of its access layer, for the addresses of trunks' servers."""

    def __init__(self, store: GatewayStore, present: Callable[[], Mapping[str, Any]]) -> None:
        self._store = store
        self._present = present

    async def number_of(self, seat: SeatId) -> str:
        """The number of a seat: the user of From or To in what its phone says and hears. Raises NotFound."""
        for row in await self._store.seat_rows():
            if row.id == seat:
                return row.sip_user
        raise NotFound(f"no seat {seat!r}")

    async def belonging_to(self, trunk: TrunkId) -> Callable[[TracedMessage], bool]:
        """Whether a message is the trunk's: its peer has an address of the trunk and is no phone of a seat.
        Raises UnknownTrunk."""
        directory = TrunkDirectory(await self._store.trunks.all())
        directory.get(trunk)
        for name, now in self._present().get("trunks", {}).items():
            directory.learn(TrunkId(name), [_flow(target) for target in now["targets"]])
        seats = {row.sip_user for row in await self._store.seat_rows()}
        known: dict[str, bool] = {}

        def belongs(message: TracedMessage) -> bool:
            if message.caller in seats or message.called in seats:
                return False
            if (ours := known.get(message.remote)) is None:
                found = directory.of_source(Flow(message.transport, *host_and_port(message.remote)))
                ours = known[message.remote] = found is not None and found.id == trunk
            return ours

        return belongs


def _flow(target: Mapping[str, Any]) -> Flow:
    return Flow(target["transport"], *host_and_port(target["address"]), name=target["name"])
