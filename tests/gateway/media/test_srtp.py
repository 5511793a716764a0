"""SRTP on packets where they lie, and what shares their port."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from pylibsrtp import Policy, Session
from pylibsrtp._binding import ffi

from gateway.media.demux import Protocol, protocol
from gateway.media.errors import BadSrtp
from gateway.media.rtcp import build
from gateway.media.srtp import (
    PROFILES,
    TRAILER_BYTES,
    MasterKeys,
    Profile,
    Slots,
    SrtpSession,
    keys_of_dtls,
    length_slots,
    protect,
    unprotect,
)


def key(profile: Profile, salt: int) -> bytes:
    return bytes((salt + index) % 256 for index in range(profile.master_bytes))


def sessions(profile: Profile) -> tuple[SrtpSession, SrtpSession]:
    a, b = key(profile, 1), key(profile, 101)
    return (
        SrtpSession(MasterKeys(profile=profile, local=a, remote=b)),
        SrtpSession(MasterKeys(profile=profile, local=b, remote=a)),
    )


class Packet:
    """One packet in memory that C functions may change."""

    def __init__(self, data: bytes) -> None:
        self.memory = np.zeros(len(data) + TRAILER_BYTES, dtype=np.uint8)
        self.memory[: len(data)] = np.frombuffer(data, dtype=np.uint8)
        self.length = np.asarray([len(data)], dtype=np.int32)
        self.at = (Slots().of(self.memory[np.newaxis])[0], length_slots().of(self.length)[0])

    def bytes(self) -> bytes:
        return self.memory[: self.length[0]].tobytes()


def rtp(sequence: int, payload: bytes = bytes(160)) -> bytes:
    return bytes([0x80, 8]) + sequence.to_bytes(2, "big") + bytes(4) + b"ssrc" + payload


profiles = pytest.mark.parametrize("profile", PROFILES.values(), ids=PROFILES)


@profiles
def test_what_one_side_protects_the_other_reads(profile: Profile) -> None:
    ours, theirs = sessions(profile)
    for sequence in range(20):
        packet = Packet(rtp(sequence))
        assert protect(ours.outbound, *packet.at) == 0
        assert len(packet.bytes()) == 172 + ours.tag_bytes
        assert bytes(160) not in packet.bytes()
        assert unprotect(theirs.inbound, *packet.at) is True
        assert packet.bytes() == rtp(sequence)


@profiles
def test_pylibsrtps_own_functions_read_it_too(profile: Profile) -> None:
    ours, _ = sessions(profile)
    peer = Session(Policy(key=ours.keys.local, ssrc_type=Policy.SSRC_ANY_INBOUND, srtp_profile=profile.libsrtp))
    packet = Packet(rtp(7, b"speech"))
    protect(ours.outbound, *packet.at)
    assert peer.unprotect(packet.bytes()) == rtp(7, b"speech")


@profiles
def test_changed_repeated_and_foreign_packets_are_told_apart(profile: Profile) -> None:
    ours, theirs = sessions(profile)
    packet = Packet(rtp(1))
    protect(ours.outbound, *packet.at)
    sent = packet.bytes()
    changed = Packet(sent[:20] + bytes([sent[20] ^ 1]) + sent[21:])
    assert unprotect(theirs.inbound, *changed.at) is False
    assert unprotect(theirs.inbound, *Packet(sent).at) is True
    assert unprotect(theirs.inbound, *Packet(sent).at) is None
    assert unprotect(theirs.inbound, *Packet(rtp(2)).at) is False


@given(st.binary(max_size=300))
def test_garbage_is_not_authentic(data: bytes) -> None:
    _, theirs = sessions(PROFILES["AES_CM_128_HMAC_SHA1_80"])
    assert unprotect(theirs.inbound, *Packet(data).at) is False


@profiles
def test_rtcp_is_protected_and_a_change_noticed(profile: Profile) -> None:
    ours, theirs = sessions(profile)
    report = build(1, "name", None, None)
    sent = ours.protect_rtcp(report)
    assert b"name" not in sent
    with pytest.raises(BadSrtp):
        theirs.unprotect_rtcp(sent[:-1] + bytes([sent[-1] ^ 1]))
    assert theirs.unprotect_rtcp(sent) == report
    with pytest.raises(BadSrtp, match="replay"):
        theirs.unprotect_rtcp(sent)


@given(st.binary(max_size=2000))
def test_garbage_is_no_srtcp(data: bytes) -> None:
    _, theirs = sessions(PROFILES["AEAD_AES_128_GCM"])
    with pytest.raises(BadSrtp):
        theirs.unprotect_rtcp(data)


@profiles
def test_both_sides_cut_the_same_keys_out_of_a_handshake(profile: Profile) -> None:
    exported = bytes(range(2 * profile.master_bytes))
    client = keys_of_dtls(profile, exported, is_client=True)
    server = keys_of_dtls(profile, exported, is_client=False)
    assert (client.local, client.remote) == (server.remote, server.local)
    assert client.local == exported[: profile.key_bytes] + exported[2 * profile.key_bytes :][: profile.salt_bytes]
    assert len(client.remote) == profile.master_bytes


def test_a_direction_whose_key_stays_goes_on() -> None:
    """A re-INVITE that changes one key must not let the other direction use its key stream a second time."""
    profile = PROFILES["AES_CM_128_HMAC_SHA1_80"]
    ours, theirs = sessions(profile)
    first = Packet(rtp(1))
    protect(ours.outbound, *first.at)
    changed = MasterKeys(profile=profile, local=ours.keys.local, remote=key(profile, 200))
    again = SrtpSession(changed, before=ours)
    assert protect(again.outbound, *Packet(rtp(1)).at) != 0  # the same packet a second time
    second = Packet(rtp(2))
    assert protect(again.outbound, *second.at) == 0
    assert unprotect(theirs.inbound, *second.at) is True
    renewed = SrtpSession(MasterKeys(profile=profile, local=key(profile, 200), remote=b"r" * 30), before=again)
    assert protect(renewed.outbound, *Packet(rtp(1)).at) == 0


def test_addresses_follow_an_array_that_moves() -> None:
    slots = Slots()
    small, large = np.zeros((2, 8), dtype=np.uint8), np.zeros((4, 8), dtype=np.uint8)
    assert len(slots.of(small)) == 2
    assert len(slots.of(small[:1])) == 2
    addresses = slots.of(large)
    assert [int(ffi.cast("uintptr_t", address)) for address in addresses] == [
        large.ctypes.data + 8 * row for row in range(4)
    ]


def test_keys_are_not_shown() -> None:
    profile = PROFILES["AES_CM_128_HMAC_SHA1_80"]
    keys = MasterKeys(profile=profile, local=b"l" * 30, remote=b"r" * 30)
    assert repr(keys) == str(keys) == "MasterKeys(AES_CM_128_HMAC_SHA1_80)"


@pytest.mark.parametrize(
    ("first", "second", "expected"),
    [
        (0, 1, Protocol.STUN),
        (3, 0, Protocol.STUN),
        (4, 0, Protocol.UNKNOWN),
        (19, 0, Protocol.UNKNOWN),
        (20, 0, Protocol.DTLS),
        (63, 0, Protocol.DTLS),
        (64, 0, Protocol.UNKNOWN),
        (127, 0, Protocol.UNKNOWN),
        (128, 8, Protocol.RTP),
        (128, 0x88, Protocol.RTP),
        (191, 101, Protocol.RTP),
        (128, 191, Protocol.RTP),
        (128, 192, Protocol.RTCP),
        (129, 200, Protocol.RTCP),
        (143, 223, Protocol.RTCP),
        (128, 224, Protocol.RTP),
        (192, 8, Protocol.UNKNOWN),
        (255, 255, Protocol.UNKNOWN),
    ],
)
def test_the_first_bytes_tell_the_protocol(first: int, second: int, expected: Protocol) -> None:
    assert protocol(bytes([first, second, 0, 0])) is expected


def test_datagrams_without_content_are_nothing() -> None:
    assert protocol(b"") is Protocol.UNKNOWN
    assert protocol(b"\x80") is Protocol.UNKNOWN
