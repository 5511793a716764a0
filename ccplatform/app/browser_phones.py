"""Accounts of browsers' phones: joins the seats of the gateway with what the desk asks for."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

from ccplatform.contracts.words import SeatId
from ccplatform.kernel.clock import Clock
from cti.errors import NotAvailable
from cti.softphone import SoftphoneAccount
from gateway.errors import UnknownSeat
from gateway.sip.settings import SipSettings
from gateway.sip.uri import host_text
from gateway.store import GatewayStore


class BrowserPhones:
    """Implements cti's Softphones. ``access()`` is how the access layer is, with its ports, as far as known."""

    def __init__(
        self, seats: GatewayStore, settings: SipSettings, clock: Clock, access: Callable[[], dict[str, Any]]
    ) -> None:
        self._seats = seats
        self._settings = settings
        self._clock = clock
        self._access = access
        self._passes = seats.passes()

    async def account(self, seat: SeatId, host: str) -> SoftphoneAccount:
        """See :class:`~cti.softphone.Softphones`."""
        known = (await self._seats.seat_documents(seat)).get(seat)
        if known is None:
            raise UnknownSeat(f"no seat {seat}")
        server = self._server(host)
        issued = self._passes.issue(known["sip_user"], self._clock.wall().timestamp())
        return SoftphoneAccount(
            uri=f"sip:{known['sip_user']}@{host_text(self._settings.public_host)}",
            user=issued.user,
            password=issued.password,
            server=server,
            ends_at=datetime.fromtimestamp(issued.ends_at, UTC),
        )

    def _server(self, host: str) -> str:
        """Where SIP over WebSocket is served, for a page that was opened by this host."""
        settings = self._settings
        if settings.ws_url:
            return settings.ws_url
        if not settings.ws:
            raise NotAvailable("SIP over WebSocket")
        scheme = "WS" if settings.tls is None else "WSS"
        ports = {port["transport"]: port["port"] for port in self._access().get("ports", [])}
        port = ports.get(scheme, settings.ws_port)
        return f"{scheme.lower()}://{host_text(host or settings.public_host)}:{port}/"
