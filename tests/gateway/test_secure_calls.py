"""Encrypted calls between two gateways: what is agreed reaches the media engines, and no key anybody else."""

from __future__ import annotations

import secrets
from pathlib import Path

import pytest

from ccplatform.contracts.facts import CallRefused, SipMessageSeen
from ccplatform.contracts.legs import LegAnswered, LegEnded, SeatTarget
from ccplatform.contracts.words import ReleaseCause, SeatId
from ccplatform.kernel.clock import SystemClock, VirtualClock
from gateway.leg_sessions import LegSessions
from gateway.media.port import LegNotSecured, LocalAudio
from gateway.sip.audio_formats import AudioPolicy
from gateway.sip.media_protection import SrtpPolicy
from gateway.sip.sdp import parse_sdp
from gateway.sip.secure_sdp import SUITES
from gateway.sip.settings import SipSettings
from gateway.sip.tls import TlsFiles
from tests.gateway.sip.centre import FINGERPRINT, Centre, seat, to_trunk, trunk
from tests.gateway.sip.network import Network
from tests.gateway.sip.test_loopback import Waiting
from tests.gateway.sip.test_secure_transports import files
from tests.support.baresip import Baresip

__all__ = ["files"]


@pytest.fixture
async def calling(clock: VirtualClock, network: Network) -> Centre:
    """It insists on encryption; without TLS that is DTLS-SRTP."""
    settings = SipSettings(bind_ip="10.0.0.1", srtp=SrtpPolicy.REQUIRE)
    centre = Centre(
        "10.0.0.1", clock, network.wire("10.0.0.1"), trunks=[trunk("far", "10.0.0.2")], settings=settings
    )
    await centre.open()
    return centre


async def test_both_engines_get_the_certificate_of_the_other(
    calling: Centre, called: Centre, clock: VirtualClock
) -> None:
    called.answers_everything()
    leg = calling.dial(to_trunk("far"))
    clock.advance(1)
    ours, theirs = calling.media.connected[0][1], called.media.connected[0][1]
    assert ours.dtls is not None
    assert theirs.dtls is not None
    assert (ours.dtls.fingerprint, theirs.dtls.fingerprint) == (FINGERPRINT, FINGERPRINT)
    assert {ours.dtls.active, theirs.dtls.active} == {True, False}
    assert (ours.rtcp_mux, theirs.rtcp_mux) == (True, True)
    calling.release(leg)
    clock.advance(200)
    assert calling.is_clean()
    assert called.is_clean()


async def test_a_peer_that_cannot_is_a_clear_488_on_both_sides(
    clock: VirtualClock, network: Network, calling: Centre
) -> None:
    settings = SipSettings(bind_ip="10.0.0.2", srtp=SrtpPolicy.OFF)
    plain = Centre(
        "10.0.0.2", clock, network.wire("10.0.0.2"), trunks=[trunk("near", "10.0.0.1")], settings=settings
    )
    await plain.open()
    calling.dial(to_trunk("far"))
    clock.advance(1)
    assert calling.ended() == [(ReleaseCause.INCOMPATIBLE, True)]
    assert [fact.cause for fact in plain.facts_of(CallRefused)] == [ReleaseCause.INCOMPATIBLE]
    refusals = [fact.text for fact in calling.facts_of(SipMessageSeen) if fact.text.startswith("SIP/2.0 488")]
    assert "encrypted media are switched off, RTP/AVP is served" in refusals[0]


async def test_a_leg_whose_handshake_fails_is_cleared(
    calling: Centre, called: Centre, clock: VirtualClock
) -> None:
    called.answers_everything()
    leg = calling.dial(to_trunk("far"))
    clock.advance(1)
    assert calling.of(LegAnswered)
    calling.legs.media_event(LegNotSecured(leg=leg, reason="no DTLS handshake in time"))
    clock.advance(200)
    assert calling.ended() == [(ReleaseCause.MEDIA_LOST, False)]
    assert len(called.ended()) == 1
    assert calling.is_clean()
    assert called.is_clean()


async def test_no_key_is_in_the_trace_nor_in_the_log(
    calling: Centre, called: Centre, clock: VirtualClock, capsys: pytest.CaptureFixture[str]
) -> None:
    called.answers_everything()
    leg = calling.dial(to_trunk("far"))
    clock.advance(1)
    calling.legs.media_event(LegNotSecured(leg=leg, reason="no DTLS handshake in time"))
    clock.advance(200)
    kept = calling.media.connected[0][1].dtls
    texts = [fact.text for fact in (*calling.facts_of(SipMessageSeen), *called.facts_of(SipMessageSeen))]
    described = [text for text in texts if "a=ice-pwd" in text]
    assert kept is not None
    assert described
    assert all("a=ice-pwd:***\r\na=candidate" in text for text in described)
    assert "a=fingerprint:sha-256 AB" in described[0]
    logged = capsys.readouterr()
    assert "leg cannot be encrypted" in logged.out + logged.err
    assert "ice-pwd" not in logged.out + logged.err


def test_phones_of_one_seat_get_what_each_can(clock: VirtualClock) -> None:
    sessions = LegSessions(audio=AudioPolicy(), srtp=SrtpPolicy.ACCEPT, random_number=secrets.randbits)
    local = LocalAudio(host="192.0.2.1", port=10_000, fingerprint=FINGERPRINT)
    offered = sessions.sessions(local, {"desk": "UDP", "browser": "WSS", "other": "TCP"})
    protocols = {phone: parse_sdp(session.offer()).media[0].protocol for phone, session in offered.items()}
    assert protocols == {"desk": "RTP/AVP", "browser": "UDP/TLS/RTP/SAVPF", "other": "RTP/AVP"}
    assert offered["desk"] is offered["other"]


@pytest.mark.parametrize("policy", [SrtpPolicy.OFFER, SrtpPolicy.REQUIRE])
async def test_baresip_on_tls_is_offered_keys_and_answers_with_its_own(
    files: TlsFiles, policy: SrtpPolicy
) -> None:
    settings = SipSettings(
        port=0, ws_port=0, tls_port=0, tls_certificate=files.certificate, tls_key=files.key, srtp=policy
    )
    centre = Centre("127.0.0.1", SystemClock(), None, seats=[seat(1)], settings=settings)
    await centre.open()
    waiting = Waiting(centre)
    phone = Baresip(
        "8001",
        password="secret",
        registrar=("127.0.0.1", centre.access.sip.ports["TLS"]),
        transport="tls",
        authorities=Path(files.certificate),
        encryption="srtp-mand",
    )
    async with phone:
        await phone.registered()
        leg = centre.dial(SeatTarget(seat=SeatId("seat-01")))
        await waiting.next(LegAnswered)
        keys = centre.media.connected[0][1].sdes
        assert keys is not None
        assert keys.profile in SUITES
        assert keys.local != keys.remote
        assert "SRTP is Enabled" in phone.output()
        centre.release(leg)
        await waiting.next(LegEnded)
    await centre.access.close()
    await centre.tasks.close()
    assert centre.crashes == []
