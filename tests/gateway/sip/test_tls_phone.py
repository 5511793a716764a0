"""A phone that we did not write over TLS: baresip registers, is called, holds and hangs up."""

from __future__ import annotations

from pathlib import Path

from ccplatform.contracts.facts import SeatRegistered
from ccplatform.contracts.legs import LegAnswered, LegEnded, SeatTarget
from ccplatform.contracts.words import ReleaseCause, SeatId
from ccplatform.kernel.clock import SystemClock
from gateway.sip.settings import SipSettings
from gateway.sip.tls import TlsFiles
from tests.gateway.sip.centre import Centre, seat
from tests.gateway.sip.test_loopback import Waiting
from tests.gateway.sip.test_secure_transports import files
from tests.support.baresip import Baresip

__all__ = ["files"]


async def test_baresip_registers_and_is_called_over_tls(files: TlsFiles) -> None:
    settings = SipSettings(port=0, ws_port=0, tls_port=0, tls_certificate=files.certificate, tls_key=files.key)
    centre = Centre("127.0.0.1", SystemClock(), None, seats=[seat(1)], settings=settings)
    await centre.open()
    waiting = Waiting(centre)
    address = ("127.0.0.1", centre.access.sip.ports["TLS"])
    phone = Baresip(
        "8001", password="secret", registrar=address, transport="tls", authorities=Path(files.certificate)
    )
    async with phone:
        await phone.registered()
        registered = await waiting.next(SeatRegistered)
        assert isinstance(registered, SeatRegistered)
        assert registered.transport == "TLS"
        leg = centre.dial(SeatTarget(seat=SeatId("seat-01")))
        await waiting.next(LegAnswered)
        await phone.established()
        centre.release(leg)
        await waiting.next(LegEnded)
    assert centre.ended() == [(ReleaseCause.NORMAL, False)]
    await centre.access.close()
    await centre.tasks.close()
    assert centre.crashes == []
