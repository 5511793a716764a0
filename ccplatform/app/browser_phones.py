"""Accounts of browsers' phones: joins the seats of the gateway with what the desk asks for."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

from ccplatform.app.content_policy import PhoneServer
from ccplatform.contracts.words import SeatId
from ccplatform.kernel.clock import Clock
from cti.errors import NotAvailable
from cti.softphone import SoftphoneAccount
from gateway.errors import UnknownSeat
from gateway.sip.settings import SipSettings
from gateway.sip.uri import host_text
from gateway.store import GatewayStore


class BrowserPhones:
    """Implements cti's Softphones."""

    def __init__(self, seats: GatewayStore, settings: SipSettings, clock: Clock, server: PhoneServer) -> None:
        self._seats = seats
        self._settings = settings
        self._clock = clock
        self._server = server
        self._passes = seats.passes()

    async def account(self, seat: SeatId, host: str) -> SoftphoneAccount:
        """See :class:`~cti.softphone.Softphones`."""
        known = (await self._seats.seat_documents(seat)).get(seat)
        if known is None:
            raise UnknownSeat(f"no seat {seat}")
        server = self._server(host)
        if server is None:
            raise NotAvailable("SIP over WebSocket")
        issued = self._passes.issue(known["sip_user"], self._clock.wall().timestamp())
        return SoftphoneAccount(
            uri=f"sip:{known['sip_user']}@{host_text(self._settings.public_host)}",
            user=issued.user,
            password=issued.password,
            server=server,
            ends_at=datetime.fromtimestamp(issued.ends_at, UTC),
        )


def phone_server(settings: SipSettings, access: Callable[[], dict[str, Any]]) -> PhoneServer:
    """Says where SIP over WebSocket is served. ``access()`` is how the access layer is, with its ports, as far as
    known."""

    def server(host: str) -> str | None:
        if settings.ws_url:
            return settings.ws_url
        if not settings.ws:
            return None
        scheme = "WS" if settings.tls is None else "WSS"
        ports = {port["transport"]: port["port"] for port in access().get("ports", [])}
        port = ports.get(scheme, settings.ws_port)
        return f"{scheme.lower()}://{host_text(host or settings.public_host)}:{port}/"

    return server
