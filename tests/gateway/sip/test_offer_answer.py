"""Session descriptions, offers and answers."""

from __future__ import annotations

import secrets
from contextlib import suppress

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.errors import SdpError
from gateway.media.port import LocalAudio
from gateway.sip.audio_formats import AudioPolicy
from gateway.sip.media_protection import MediaProtection, ProtectionRules
from gateway.sip.offer_answer import AudioNegotiation
from gateway.sip.sdp import MAX_LINES, parse_sdp

LOCAL = LocalAudio(host="127.0.0.1", port=10_000)


def negotiation(local: LocalAudio = LOCAL) -> AudioNegotiation:
    return AudioNegotiation(local, 42, AudioPolicy(), MediaProtection(ProtectionRules(), secrets.randbits))


def offer(
    *lines: str, media: str = "audio 4000 RTP/AVP 0 8 101", address: str = "IN IP4 192.0.2.5", direction: str = ""
) -> bytes:
    head = ["v=0", "o=- 1 1 IN IP4 192.0.2.5", "s=-", f"c={address}", "t=0 0", f"m={media}"]
    tail = ["a=rtpmap:101 telephone-event/8000", *lines, *([f"a={direction}"] if direction else [])]
    return ("\r\n".join(head + tail) + "\r\n").encode()


def test_the_first_codec_of_the_offer_that_we_speak_is_taken() -> None:
    audio = negotiation()
    answer = audio.answer(offer(media="audio 4000 RTP/AVP 18 0 8 101"))
    assert b"m=audio 10000 RTP/AVP 0 101\r\n" in answer
    assert audio.remote is not None
    assert (audio.remote.codec, audio.remote.payload_type, audio.remote.dtmf_payload_type) == ("PCMU", 0, 101)
    assert (audio.remote.host, audio.remote.port) == ("192.0.2.5", 4000)


def test_a_dynamic_payload_type_for_pcma_is_kept() -> None:
    audio = negotiation()
    answer = audio.answer(offer("a=rtpmap:97 PCMA/8000/1", media="audio 4000 RTP/AVP 97"))
    assert b"m=audio 10000 RTP/AVP 97\r\n" in answer
    assert audio.remote is not None
    assert (audio.remote.codec, audio.remote.payload_type, audio.remote.dtmf_payload_type) == ("PCMA", 97, None)


@pytest.mark.parametrize(
    ("direction", "answered", "sends", "receives"),
    [
        ("sendrecv", "sendrecv", True, True),
        ("sendonly", "recvonly", True, False),
        ("recvonly", "sendonly", False, True),
        ("inactive", "inactive", False, False),
        ("", "sendrecv", True, True),
    ],
)
def test_directions_are_mirrored(direction: str, answered: str, sends: bool, receives: bool) -> None:
    audio = negotiation()
    assert f"a={answered}\r\n".encode() in audio.answer(offer(direction=direction))
    assert audio.remote is not None
    assert (audio.remote.sends, audio.remote.receives) == (sends, receives)


def test_hold_by_an_address_of_zeros_sends_nothing_there() -> None:
    audio = negotiation()
    audio.answer(offer(address="IN IP4 0.0.0.0"))
    assert audio.remote is not None
    assert not audio.remote.receives


def test_other_media_are_refused_with_port_0() -> None:
    both = offer() + b"m=video 5000 RTP/AVP 96\r\na=rtpmap:96 VP8/90000\r\n"
    assert b"m=video 0 RTP/AVP 96\r\n" in negotiation().answer(both)
    swapped = b"\r\n".join([b"v=0", b"o=- 1 1 IN IP4 192.0.2.5", b"s=-", b"c=IN IP4 192.0.2.5", b"t=0 0",
                            b"m=video 5000 RTP/AVP 96", b"m=audio 4000 RTP/AVP 8", b""])  # fmt: skip
    lines = [line for line in negotiation().answer(swapped).split(b"\r\n") if line.startswith(b"m=")]
    assert lines == [b"m=video 0 RTP/AVP 96", b"m=audio 10000 RTP/AVP 8"]


def test_packet_time_is_what_the_peer_asks_within_reason() -> None:
    for wanted, taken in (("30", 30), ("5", 20), ("200", 20), ("x", 20)):
        audio = negotiation()
        audio.answer(offer(f"a=ptime:{wanted}"))
        assert audio.remote is not None
        assert audio.remote.ptime_ms == taken


@pytest.mark.parametrize(
    ("body", "reason"),
    [
        (b"", "v=0 is missing"),
        (b"v=0\r\n", "o= line is missing"),
        (offer(media="audio 4000 RTP/AVP 18"), "no common codec"),
        (offer(media="audio 4000 RTP/SAVP 0"), "encrypted media are switched off"),
        (offer(media="audio 0 RTP/AVP 0"), "port 0"),
        (offer(media="audio 70000 RTP/AVP 0"), "bad port"),
        (offer(media="audio 4000 RTP/AVP 300"), "not a payload type"),
        (offer(media="video 4000 RTP/AVP 0"), "no audio stream"),
        (offer(address="IN IP4 phone.example.com"), "host names are not looked up"),
        (offer(address="IN IP4 224.0.0.1"), "unicast"),
        (offer(address="IN IP4 2001:db8::1"), "unicast"),
        (offer(address="IN IP6 192.0.2.1"), "unicast"),
        (offer(address="IN IP6 fe80::1%eth0"), "unicast"),
        (offer(address="IN IP6 ff02::1"), "unicast"),
        (offer(address="IN IP6 2001:db8::1"), "media go over IPv4 here"),
        (offer(*["a=x"] * MAX_LINES), "lines"),
        (offer(*["m=audio 1 RTP/AVP 0"] * 20), "m= lines"),
    ],
)
def test_what_cannot_be_agreed_says_why_and_changes_nothing(body: bytes, reason: str) -> None:
    audio = negotiation()
    before = audio.snapshot()
    with pytest.raises(SdpError, match=reason):
        audio.answer(body)
    assert (audio.snapshot(), audio.remote) == (before, None)


def test_our_offer_and_its_answer_meet() -> None:
    caller, called = negotiation(), negotiation(LocalAudio(host="192.0.2.9", port=20_000))
    caller.take_answer(called.answer(caller.offer()))
    assert caller.remote is not None
    assert called.remote is not None
    assert (caller.remote.port, called.remote.port) == (20_000, 10_000)
    assert caller.remote.codec == called.remote.codec == "PCMA"
    assert caller.remote.dtmf_payload_type == called.remote.dtmf_payload_type == 101


def test_an_answer_must_fit_its_offer() -> None:
    audio = negotiation()
    audio.offer()
    with pytest.raises(SdpError, match="m= lines"):
        audio.take_answer(offer() + b"m=video 5000 RTP/AVP 96\r\n")
    with pytest.raises(SdpError, match="port 0"):
        audio.take_answer(offer(media="audio 0 RTP/AVP 0"))
    with pytest.raises(SdpError, match="media go over IPv4 here, not to 2001:db8::1"):
        audio.take_answer(offer(address="IN IP6 2001:db8::1"))


def test_the_version_counts_changes_only() -> None:
    audio = negotiation()
    first, again = audio.answer(offer()), audio.answer(offer())
    held = audio.answer(offer(direction="sendonly"))
    versions = [parse_sdp(body).origin.version for body in (first, again, held)]
    assert versions == [1, 1, 2]
    restored = AudioNegotiation.restore(audio.snapshot(), AudioPolicy(), secrets.randbits)
    assert parse_sdp(restored.answer(offer())).origin.version == 3


@given(st.binary(max_size=300))
def test_no_bytes_raise_anything_but_an_sdp_error(data: bytes) -> None:
    for body in (data, offer() + data):
        with suppress(SdpError):
            description = parse_sdp(body)
            parse_sdp(description.encode())
            negotiation().answer(body)


@given(st.integers(0, 400), st.integers(0, 255))
def test_no_changed_byte_raises_anything_but_an_sdp_error(at: int, octet: int) -> None:
    body = bytearray(offer("a=ptime:20", "a=fmtp:101 0-15"))
    body[at % len(body)] = octet
    with suppress(SdpError):
        negotiation().answer(bytes(body))
