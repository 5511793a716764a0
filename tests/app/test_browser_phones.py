"""Accounts of browsers' phones: whose, until when, and which server they are told."""

from __future__ import annotations

from typing import Any, cast

import pytest

from ccplatform.app.browser_phones import BrowserPhones, phone_server
from ccplatform.contracts.words import SeatId
from ccplatform.kernel.clock import VirtualClock
from cti.errors import NotAvailable
from gateway.errors import UnknownSeat
from gateway.sip.passes import PASS_SECONDS, Passes
from gateway.sip.settings import SipSettings
from gateway.store import GatewayStore

PASSES = Passes(key=b"k" * 32, realm="ccplatform")
SEAT = SeatId("seat-04")


class Seats:
    """One seat, as the store has it."""

    def passes(self) -> Passes:
        return PASSES

    async def seat_documents(self, seat: str) -> dict[str, dict[str, str]]:
        return {"seat-04": {"sip_user": "8004"}} if seat == "seat-04" else {}


def phones(settings: SipSettings, clock: VirtualClock, **access: Any) -> BrowserPhones:
    server = phone_server(settings, lambda: access)
    return BrowserPhones(cast(GatewayStore, Seats()), settings, clock, server)


async def test_an_account_is_a_pass_of_the_seat_that_the_gateway_recognizes() -> None:
    clock = VirtualClock()
    account = await phones(SipSettings(), clock).account(SEAT, "localhost")
    assert (account.uri, account.user.partition("~")[0]) == ("sip:8004@127.0.0.1", "8004")
    assert (account.ends_at - clock.wall()).total_seconds() == pytest.approx(PASS_SECONDS, abs=1)
    assert PASSES.secrets(account.user, "8004", clock.wall().timestamp()) is not None
    assert account.password not in repr(account)


@pytest.mark.parametrize(
    ("settings", "access", "host", "server"),
    [
        ({}, {}, "localhost", "ws://localhost:5066/"),
        ({}, {}, "", "ws://127.0.0.1:5066/"),
        ({}, {}, "::1", "ws://[::1]:5066/"),
        ({"ws_port": 0}, {"ports": [{"transport": "WS", "port": 41_000}]}, "centre", "ws://centre:41000/"),
        ({"tls_certificate": "c.pem", "tls_key": "k.pem"}, {}, "centre", "wss://centre:5066/"),
        ({"ws_url": "wss://sip.example/ws"}, {}, "centre", "wss://sip.example/ws"),
    ],
)
async def test_a_page_is_told_where_sip_over_websocket_is_served(
    settings: dict[str, Any], access: dict[str, Any], host: str, server: str
) -> None:
    account = await phones(SipSettings(**settings), VirtualClock(), **access).account(SEAT, host)
    assert account.server == server


async def test_what_is_not_served_and_who_is_not_there_is_said() -> None:
    with pytest.raises(NotAvailable):
        await phones(SipSettings(ws=False), VirtualClock()).account(SEAT, "centre")
    with pytest.raises(UnknownSeat):
        await phones(SipSettings(), VirtualClock()).account(SeatId("seat-99"), "centre")
