"""Offers and answers of encrypted media: what is agreed on, and what is refused with a reason."""

from __future__ import annotations

import base64
import json
import secrets
from contextlib import suppress

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.errors import SdpError
from gateway.media.port import DtlsPeer, IceSides, LocalAudio, RemoteAudio
from gateway.sip.audio_formats import AudioPolicy
from gateway.sip.media_protection import Encryption, MediaProtection, SrtpPolicy, rules_for
from gateway.sip.offer_answer import AudioNegotiation
from gateway.sip.sdp import MediaDescription, parse_sdp
from gateway.sip.secure_sdp import SUITES, cryptos

FINGERPRINT = "sha-256 " + ":".join(["AB"] * 32)
PEER = "sha-256 " + ":".join(["CD"] * 32)
LOCAL = LocalAudio(host="192.0.2.1", port=10_000, fingerprint=FINGERPRINT)
ELSEWHERE = LocalAudio(host="192.0.2.2", port=10_002, fingerprint="sha-256 " + ":".join(["EF"] * 32))

#: As Chromium writes it, shortened: BUNDLE, rtcp-mux, an audio and a video section, no address yet.
BROWSER = (
    "v=0\r\no=- 46117317 2 IN IP4 127.0.0.1\r\ns=-\r\nt=0 0\r\na=group:BUNDLE 0 1\r\na=extmap-allow-mixed\r\n"
    "a=msid-semantic: WMS\r\nm=audio 9 UDP/TLS/RTP/SAVPF 111 63 9 0 8 13 110 126\r\nc=IN IP4 0.0.0.0\r\n"
    "a=rtcp:9 IN IP4 0.0.0.0\r\na=ice-ufrag:4ZcD\r\na=ice-pwd:2/1muCWoOi3uLifh0NuRHlHi\r\n"
    f"a=fingerprint:{PEER}\r\na=setup:actpass\r\na=mid:0\r\n"
    "a=extmap:1 urn:ietf:params:rtp-hdrext:ssrc-audio-level\r\n"
    "a=sendrecv\r\na=rtcp-mux\r\na=rtpmap:111 opus/48000/2\r\na=rtpmap:63 red/48000/2\r\na=rtpmap:9 G722/8000\r\n"
    "a=rtpmap:0 PCMU/8000\r\na=rtpmap:8 PCMA/8000\r\na=rtpmap:13 CN/8000\r\na=rtpmap:110 telephone-event/48000\r\n"
    "a=rtpmap:126 telephone-event/8000\r\nm=video 9 UDP/TLS/RTP/SAVPF 96\r\nc=IN IP4 0.0.0.0\r\na=mid:1\r\n"
    "a=rtcp-mux\r\na=rtpmap:96 VP8/90000\r\n"
)


def negotiation(
    policy: SrtpPolicy = SrtpPolicy.ACCEPT, transport: str = "UDP", local: LocalAudio = LOCAL
) -> AudioNegotiation:
    protection = MediaProtection(rules_for(policy, transport), secrets.randbits)
    return AudioNegotiation(local, 42, AudioPolicy(), protection)


def phone(*lines: str, protocol: str = "RTP/SAVP") -> bytes:
    head = [
        "v=0",
        "o=- 1 1 IN IP4 192.0.2.5",
        "s=-",
        "c=IN IP4 192.0.2.5",
        "t=0 0",
        f"m=audio 4000 {protocol} 8 101",
    ]
    return ("\r\n".join([*head, "a=rtpmap:101 telephone-event/8000", *lines]) + "\r\n").encode()


def crypto(tag: int, suite: str, rest: str = "", size: int | None = None) -> str:
    key = base64.b64encode(bytes([tag]) * (SUITES[suite] if size is None else size)).decode()
    return f"a=crypto:{tag} {suite} inline:{key}{rest}"


def audio(sdp: bytes) -> MediaDescription:
    return next(media for media in parse_sdp(sdp).media if media.kind == "audio")


def remote(negotiation: AudioNegotiation) -> RemoteAudio:
    assert negotiation.remote is not None
    return negotiation.remote


def dtls(negotiation: AudioNegotiation) -> DtlsPeer:
    found = remote(negotiation).dtls
    assert found is not None
    return found


# --- browsers -------------------------------------------------------------------------------------------------


def test_a_browsers_offer_is_answered_by_the_profile_of_rfc_8827() -> None:
    ours = negotiation(transport="WSS")
    answer = parse_sdp(ours.answer(BROWSER.encode()))
    spoken, video = answer.media
    assert (video.kind, video.port) == ("video", 0)
    assert answer.attribute("group") == "BUNDLE 0"
    assert answer.attribute("ice-lite") == ""
    assert spoken.protocol == "UDP/TLS/RTP/SAVPF"
    wanted = {"mid": "0", "rtcp-mux": "", "fingerprint": FINGERPRINT, "setup": "passive", "end-of-candidates": ""}
    assert {name: spoken.attribute(name) for name in wanted} == wanted
    assert spoken.attribute("candidate") == "1 1 udp 2130706431 192.0.2.1 10000 typ host"
    ufrag, pwd = spoken.attribute("ice-ufrag"), spoken.attribute("ice-pwd")
    assert ufrag is not None
    assert pwd is not None
    assert len(pwd) >= 22
    assert remote(ours).rtcp_mux
    assert (remote(ours).sends, remote(ours).receives) == (True, True)  # 0.0.0.0 is no hold here
    sides = IceSides(ufrag=ufrag, pwd=pwd, remote_ufrag="4ZcD")
    assert remote(ours).dtls == DtlsPeer(fingerprint=PEER, active=False, ice=sides)


def test_an_offer_to_a_browser_is_answered_by_it() -> None:
    ours = negotiation(transport="WS")
    offer = parse_sdp(ours.offer())
    assert audio(ours.offer()).attribute("setup") == "actpass"
    assert offer.attribute("group") == "BUNDLE 0"
    browser = negotiation(transport="WS", local=ELSEWHERE)
    lite = b"a=ice-lite\r\n"
    answer = browser.answer(ours.offer().replace(lite, b"")).replace(lite, b"")
    ours.take_answer(answer.replace(b"setup:passive", b"setup:active"))
    assert not dtls(ours).active
    ours.take_answer(answer)
    assert dtls(ours).active
    assert dtls(ours).fingerprint == ELSEWHERE.fingerprint
    taken = dtls(ours).ice
    assert taken is not None
    assert taken.remote_ufrag == audio(answer).attribute("ice-ufrag")
    assert taken.ufrag == audio(ours.offer()).attribute("ice-ufrag")


def test_a_repeated_offer_gets_the_same_answer_and_the_same_version() -> None:
    ours = negotiation(transport="WSS")
    first = ours.answer(BROWSER.encode())
    before = ours.remote
    assert ours.answer(BROWSER.encode()) == first
    assert ours.remote == before


def test_hold_and_an_offer_of_ours_in_between_keep_the_association() -> None:
    ours = negotiation(transport="WSS")
    ours.answer(BROWSER.encode())
    before = dtls(ours)
    ours.answer(BROWSER.replace("a=sendrecv", "a=sendonly").encode())
    assert not remote(ours).receives
    assert dtls(ours) == before
    offer = audio(ours.offer())
    assert (offer.attribute("setup"), offer.attribute("mid")) == ("actpass", "0")
    assert before.ice is not None
    assert offer.attribute("ice-pwd") == before.ice.pwd


def test_a_restart_of_ice_by_the_peer_is_answered_with_a_new_password() -> None:
    ours = negotiation(transport="WSS")
    ours.answer(BROWSER.encode())
    before = dtls(ours)
    ours.answer(BROWSER.replace("4ZcD", "newu").encode())
    assert dtls(ours).fingerprint == before.fingerprint
    assert before.ice is not None
    assert dtls(ours).ice != before.ice
    assert dtls(ours).active == before.active


def test_another_worker_has_another_certificate_and_other_passwords() -> None:
    ours = negotiation(transport="WSS")
    ours.answer(BROWSER.encode())
    before = dtls(ours)
    ours.move(ELSEWHERE)
    offer = audio(ours.offer())
    assert offer.attribute("fingerprint") == ELSEWHERE.fingerprint
    assert before.ice is not None
    assert offer.attribute("ice-pwd") != before.ice.pwd


@pytest.mark.parametrize(
    ("setup", "answered", "active"),
    [("actpass", "passive", False), ("active", "passive", False), ("passive", "active", True)],
)
def test_who_begins_the_handshake(setup: str, answered: str, active: bool) -> None:
    ours = negotiation()
    answer = ours.answer(BROWSER.replace("setup:actpass", f"setup:{setup}").encode())
    assert audio(answer).attribute("setup") == answered
    assert dtls(ours).active is active


@pytest.mark.parametrize(
    ("old", "new", "reason"),
    [
        ("a=rtcp-mux\r\na=rtpmap:111", "a=rtpmap:111", "rtcp-mux"),
        (f"a=fingerprint:{PEER}\r\n", "", "no a=fingerprint by sha-256, sha-384, sha-512"),
        (PEER, "sha-1 " + ":".join(["CD"] * 20), "no a=fingerprint"),
        (PEER, "sha-256 CD:CD", "no a=fingerprint"),
        ("a=setup:actpass", "a=setup:holdconn", "setup:holdconn"),
        ("a=ice-pwd:2/1muCWoOi3uLifh0NuRHlHi", "a=ice-pwd:short", "malformed"),
        ("UDP/TLS/RTP/SAVPF 111", "TCP/DTLS/RTP/SAVPF 111", "not served"),
    ],
)
def test_what_cannot_be_secured_says_why_and_changes_nothing(old: str, new: str, reason: str) -> None:
    ours = negotiation(transport="WSS")
    before = json.dumps(ours.snapshot())
    with pytest.raises(SdpError, match=reason):
        ours.answer(BROWSER.replace(old, new, 1).encode())
    assert json.dumps(ours.snapshot()) == before


def test_fingerprint_and_ice_may_stand_at_the_session() -> None:
    lines = f"a=fingerprint:{PEER}\r\na=ice-ufrag:4ZcD\r\na=ice-pwd:2/1muCWoOi3uLifh0NuRHlHi\r\na=setup:active\r\n"
    offer = phone("a=rtcp-mux", protocol="UDP/TLS/RTP/SAVP").replace(b"t=0 0\r\n", b"t=0 0\r\n" + lines.encode())
    ours = negotiation()
    answer = ours.answer(offer)
    assert audio(answer).protocol == "UDP/TLS/RTP/SAVP"
    assert audio(answer).attribute("mid") is None
    assert dtls(ours).ice is not None


@pytest.mark.parametrize("lines", [(), ("a=ice-lite", "a=ice-ufrag:4ZcD", "a=ice-pwd:2/1muCWoOi3uLifh0NuRHlHi")])
def test_a_phone_without_ice_or_only_lite_is_reached_at_its_address(lines: tuple[str, ...]) -> None:
    offer = phone("a=rtcp-mux", "a=setup:actpass", f"a=fingerprint:{PEER}", protocol="UDP/TLS/RTP/SAVP")
    session = "".join(f"{line}\r\n" for line in lines).encode()
    ours = negotiation()
    answer = ours.answer(offer.replace(b"t=0 0\r\n", b"t=0 0\r\n" + session))
    assert dtls(ours) == DtlsPeer(fingerprint=PEER, active=False)
    assert audio(answer).attribute("ice-ufrag") is None


def test_savp_with_a_fingerprint_and_no_key_means_dtls() -> None:
    ours = negotiation()
    ours.answer(phone("a=rtcp-mux", "a=setup:actpass", f"a=fingerprint:{PEER}", protocol="RTP/SAVPF"))
    assert dtls(ours).fingerprint == PEER


# --- keys in SDP ----------------------------------------------------------------------------------------------


@pytest.mark.parametrize("suite", SUITES)
def test_the_first_usable_crypto_line_is_answered(suite: str) -> None:
    ours = negotiation()
    answer = audio(ours.answer(phone("a=crypto:1 AES_256_CM_HMAC_SHA1_80 inline:AAAA", crypto(2, suite, "|2^31"))))
    (line,) = cryptos(answer)
    assert (line.tag, line.suite) == ("2", suite)
    assert answer.protocol == "RTP/SAVP"
    keys = remote(ours).sdes
    assert keys is not None
    assert (keys.profile, keys.local, keys.remote) == (suite, line.key, bytes([2]) * SUITES[suite])
    assert keys.local != keys.remote
    assert not remote(ours).rtcp_mux


def test_reports_share_the_port_when_the_phone_offers_that() -> None:
    ours = negotiation()
    answer = ours.answer(phone(crypto(1, "AES_CM_128_HMAC_SHA1_80"), "a=rtcp-mux"))
    assert audio(answer).attribute("rtcp-mux") == ""
    assert remote(ours).rtcp_mux


@pytest.mark.parametrize(
    "line",
    [
        crypto(1, "AES_CM_128_HMAC_SHA1_80", "|2^20|1:4"),  # a key identifier in every packet
        crypto(1, "AES_CM_128_HMAC_SHA1_80", "|1:4"),
        crypto(1, "AES_CM_128_HMAC_SHA1_80", " UNENCRYPTED_SRTP"),
        crypto(1, "AES_CM_128_HMAC_SHA1_80", " UNAUTHENTICATED_SRTP"),
        crypto(1, "AES_CM_128_HMAC_SHA1_80", " KDR=1"),
        crypto(1, "AES_CM_128_HMAC_SHA1_80", size=29),
        "a=crypto:1 AES_CM_128_HMAC_SHA1_80 inline:not base64!",
        "a=crypto:1 AES_CM_128_HMAC_SHA1_80 other:AAAA",
        "a=crypto:x AES_CM_128_HMAC_SHA1_80 inline:AAAA",
        "a=crypto:1 F8_128_HMAC_SHA1_80 inline:AAAA",
        "a=crypto:",
        "a=crypto",
    ],
)
def test_crypto_lines_that_cannot_be_used_are_passed_over(line: str) -> None:
    with pytest.raises(SdpError, match="no usable a=crypto line; suites served: AEAD_AES_128_GCM"):
        negotiation().answer(phone(line))
    ours = negotiation()
    ours.answer(phone(line, crypto(7, "AES_CM_128_HMAC_SHA1_32", " WSH=64")))
    keys = remote(ours).sdes
    assert keys is not None
    assert keys.profile == "AES_CM_128_HMAC_SHA1_32"


def test_our_keys_stay_the_same_over_re_invites() -> None:
    ours = negotiation()
    offer = phone(crypto(1, "AES_CM_128_HMAC_SHA1_80"))
    first = ours.answer(offer)
    assert ours.answer(offer) == first
    changed = ours.answer(phone(crypto(3, "AES_CM_128_HMAC_SHA1_80")))
    assert cryptos(audio(changed))[0].key == cryptos(audio(first))[0].key
    ours.move(ELSEWHERE)
    assert cryptos(audio(ours.answer(offer)))[0].key != cryptos(audio(first))[0].key


def test_our_offer_over_tls_names_all_suites_and_takes_the_one_that_is_answered() -> None:
    ours, theirs = negotiation(SrtpPolicy.OFFER, "TLS"), negotiation(local=ELSEWHERE)
    offer = ours.offer()
    assert audio(offer).protocol == "RTP/SAVP"
    lines = cryptos(audio(offer))
    assert [line.suite for line in lines] == list(SUITES)
    assert len({line.key for line in lines}) == len(lines)
    ours.take_answer(theirs.answer(offer))
    mine, yours = remote(ours).sdes, remote(theirs).sdes
    assert mine is not None
    assert yours is not None
    assert (mine.profile, mine.local, mine.remote) == (yours.profile, yours.remote, yours.local)
    assert remote(ours).rtcp_mux


@pytest.mark.parametrize(
    "answer",
    [
        phone(protocol="RTP/AVP"),
        phone(),
        phone(crypto(9, "AES_CM_128_HMAC_SHA1_80")),
        phone(crypto(1, "AES_CM_128_HMAC_SHA1_80")),  # the tag of another suite
    ],
)
def test_an_answer_that_does_not_answer_our_keys_is_refused(answer: bytes) -> None:
    ours = negotiation(SrtpPolicy.OFFER, "TLS")
    ours.offer()
    with pytest.raises(SdpError):
        ours.take_answer(answer)
    assert ours.remote is None


# --- what is allowed ------------------------------------------------------------------------------------------

N, S, D = Encryption.NONE, Encryption.SDES, Encryption.DTLS


@pytest.mark.parametrize(
    ("policy", "transport", "accepts", "offers"),
    [
        (SrtpPolicy.OFF, "UDP", {N}, N),
        (SrtpPolicy.OFF, "TLS", {N}, N),
        (SrtpPolicy.OFF, "WSS", {N, D}, D),
        (SrtpPolicy.ACCEPT, "UDP", {N, S, D}, N),
        (SrtpPolicy.ACCEPT, "TLS", {N, S, D}, N),
        (SrtpPolicy.ACCEPT, "WS", {N, S, D}, D),
        (SrtpPolicy.OFFER, "TCP", {N, S, D}, N),
        (SrtpPolicy.OFFER, "TLS", {N, S, D}, S),
        (SrtpPolicy.OFFER, "WSS", {N, S, D}, D),
        (SrtpPolicy.REQUIRE, "UDP", {D}, D),
        (SrtpPolicy.REQUIRE, "TLS", {S, D}, S),
        (SrtpPolicy.REQUIRE, "WSS", {S, D}, D),
    ],
)
def test_the_rules(policy: SrtpPolicy, transport: str, accepts: set[Encryption], offers: Encryption) -> None:
    rules = rules_for(policy, transport)
    assert set(rules.accepts) == accepts
    assert rules.offers is offers


@pytest.mark.parametrize(
    ("policy", "offer", "reason"),
    [
        (SrtpPolicy.REQUIRE, phone(protocol="RTP/AVP"), "media must be encrypted"),
        (SrtpPolicy.REQUIRE, phone(crypto(1, "AES_CM_128_HMAC_SHA1_80")), "need signalling over TLS"),
        (SrtpPolicy.OFF, phone(crypto(1, "AES_CM_128_HMAC_SHA1_80")), "switched off"),
    ],
)
def test_what_the_rules_forbid_is_refused_with_the_reason(policy: SrtpPolicy, offer: bytes, reason: str) -> None:
    with pytest.raises(SdpError, match=reason):
        negotiation(policy).answer(offer)


def test_a_plain_call_knows_nothing_of_all_this() -> None:
    ours = negotiation()
    answer = ours.answer(phone(crypto(1, "AES_CM_128_HMAC_SHA1_80"), f"a=fingerprint:{PEER}", protocol="RTP/AVP"))
    assert (remote(ours).sdes, remote(ours).dtls, remote(ours).rtcp_mux) == (None, None, False)
    for name in (b"crypto", b"fingerprint", b"ice", b"rtcp-mux", b"group"):
        assert name not in answer
        assert name not in negotiation().offer()


# --- over a restart, and garbage ------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("transport", "offer"), [("WSS", BROWSER.encode()), ("UDP", phone(crypto(1, "AES_CM_128_HMAC_SHA1_80")))]
)
def test_a_restarted_control_answers_the_same(transport: str, offer: bytes) -> None:
    ours = negotiation(transport=transport)
    ours.answer(offer)
    data = json.loads(json.dumps(ours.snapshot()))
    restored = AudioNegotiation.restore(data, AudioPolicy(), secrets.randbits)
    assert audio(restored.answer(offer)).attributes == audio(ours.answer(offer)).attributes
    assert restored.remote == ours.remote
    agreed = [line for line in audio(ours.answer(offer)).attributes if line[0] in ("ice-pwd", "fingerprint")]
    assert set(agreed) <= set(audio(restored.offer()).attributes)


@given(
    st.lists(st.sampled_from(BROWSER.split("\r\n")) | st.text(max_size=30).map("a=crypto:".__add__), max_size=40)
)
def test_garbage_is_refused_or_answered(lines: list[str]) -> None:
    body = ("v=0\r\no=- 1 1 IN IP4 192.0.2.5\r\n" + "\r\n".join(lines)).encode("utf-8", "replace")
    ours = negotiation(transport="WSS")
    with suppress(SdpError):
        ours.answer(body)
        assert parse_sdp(ours.offer()).media
