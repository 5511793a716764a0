"""SRTP and SRTCP (RFC 3711, RFC 7714) by libsrtp, on packets where they lie.

``pylibsrtp`` copies each packet into a Python object and back; its own binding to libsrtp works on the engine's
arrays as they are, which takes half the time (docs/decisions). So sessions are made by its public classes, and
packets go through the binding. pyproject keeps pylibsrtp within the version this was written for.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Final, TypeAlias

from pylibsrtp import Error, Policy, Session
from pylibsrtp._binding import ffi, lib

from gateway.media.audio import Array
from gateway.media.errors import BadSrtp

#: Room that a packet needs behind it for what protecting adds.
TRAILER_BYTES: Final = 144

_POINTER: Final = ffi.typeof("void *")
_LENGTH: Final = ffi.typeof("int *")
_OK: Final = lib.srtp_err_status_ok
_REPLAYED: Final = frozenset({9, 10})  # srtp_err_status_replay_fail, srtp_err_status_replay_old

#: Addresses of C objects, as cffi wants them.
Address: TypeAlias = Any


@dataclass(frozen=True, slots=True, kw_only=True)
class Profile:
    """A protection profile: its names in SDP (RFC 4568, RFC 7714) and in DTLS (RFC 5764), lengths in bytes."""

    name: str
    dtls_name: str
    libsrtp: int
    key_bytes: int
    salt_bytes: int
    tag_bytes: int

    @property
    def master_bytes(self) -> int:
        """Length of a master key with its salt, as SDES carries it."""
        return self.key_bytes + self.salt_bytes


#: In the order that we prefer: GCM costs less than HMAC-SHA1, 128 bits less than 256.
PROFILES: Final = {
    profile.name: profile
    for profile in (
        Profile(
            name="AEAD_AES_128_GCM",
            dtls_name="SRTP_AEAD_AES_128_GCM",
            libsrtp=Policy.SRTP_PROFILE_AEAD_AES_128_GCM,
            key_bytes=16,
            salt_bytes=12,
            tag_bytes=16,
        ),
        Profile(
            name="AEAD_AES_256_GCM",
            dtls_name="SRTP_AEAD_AES_256_GCM",
            libsrtp=Policy.SRTP_PROFILE_AEAD_AES_256_GCM,
            key_bytes=32,
            salt_bytes=12,
            tag_bytes=16,
        ),
        Profile(
            name="AES_CM_128_HMAC_SHA1_80",
            dtls_name="SRTP_AES128_CM_SHA1_80",
            libsrtp=Policy.SRTP_PROFILE_AES128_CM_SHA1_80,
            key_bytes=16,
            salt_bytes=14,
            tag_bytes=10,
        ),
        Profile(
            name="AES_CM_128_HMAC_SHA1_32",
            dtls_name="SRTP_AES128_CM_SHA1_32",
            libsrtp=Policy.SRTP_PROFILE_AES128_CM_SHA1_32,
            key_bytes=16,
            salt_bytes=14,
            tag_bytes=4,
        ),
    )
}


@dataclass(frozen=True, slots=True, kw_only=True)
class MasterKeys:
    """Master key and salt of each direction: ``local`` protects what we send, ``remote`` what the peer sends."""

    profile: Profile
    local: bytes
    remote: bytes

    def __repr__(self) -> str:
        return f"MasterKeys({self.profile.name})"


def keys_of_dtls(profile: Profile, exported: bytes, *, is_client: bool) -> MasterKeys:
    """The keys in what a DTLS handshake exports (RFC 5764 section 4.2): 2 · ``master_bytes``."""
    key, salt = profile.key_bytes, profile.salt_bytes
    client = exported[:key] + exported[2 * key : 2 * key + salt]
    server = exported[key : 2 * key] + exported[2 * key + salt : 2 * (key + salt)]
    local, remote = (client, server) if is_client else (server, client)
    return MasterKeys(profile=profile, local=local, remote=remote)


class SrtpSession:
    """Both directions of one leg. A direction whose key is that of ``before`` goes on where it is: its packet
    counter must not begin anew. The C objects live as long as this one."""

    def __init__(self, keys: MasterKeys, before: SrtpSession | None = None) -> None:
        self.keys = keys
        self.tag_bytes = keys.profile.tag_bytes
        self._out: Session
        self._in: Session
        kept = before if before is not None and before.keys.profile is keys.profile else None
        if kept is not None and kept.keys.local == keys.local:
            self._out = kept._out
        else:
            self._out = Session(_policy(keys, keys.local, Policy.SSRC_ANY_OUTBOUND))
        if kept is not None and kept.keys.remote == keys.remote:
            self._in = kept._in
        else:
            self._in = Session(_policy(keys, keys.remote, Policy.SSRC_ANY_INBOUND))
        self.outbound: Address = self._out._srtp[0]
        self.inbound: Address = self._in._srtp[0]

    def unprotect(self, packet: bytes) -> bytes:
        """One RTP packet, outside of the tick; raises :class:`BadSrtp`."""
        try:
            return bytes(self._in.unprotect(packet))
        except (Error, ValueError) as error:
            raise BadSrtp(f"SRTP: {error}") from None

    def protect_rtcp(self, packet: bytes) -> bytes:
        """SRTCP of a compound packet."""
        return bytes(self._out.protect_rtcp(packet))

    def unprotect_rtcp(self, packet: bytes) -> bytes:
        """The compound packet of SRTCP; raises :class:`BadSrtp`."""
        try:
            return bytes(self._in.unprotect_rtcp(packet))
        except (Error, ValueError) as error:
            raise BadSrtp(f"SRTCP: {error}") from None


def _policy(keys: MasterKeys, key: bytes, ssrc_type: int) -> Policy:
    return Policy(key=key, ssrc_type=ssrc_type, srtp_profile=keys.profile.libsrtp)


class Slots:
    """Addresses of the rows of an array that C functions change in place; made anew when the array moves."""

    def __init__(self, kind: Address = _POINTER) -> None:
        self._kind = kind
        self._place = (0, 0)
        self._addresses: list[Address] = []

    def of(self, array: Array) -> list[Address]:
        """The addresses, at least as many as the array has rows."""
        place = (array.ctypes.data, array.strides[0])
        if place != self._place:
            self._place, self._addresses = place, []
        base, stride = place
        for row in range(len(self._addresses), len(array)):
            self._addresses.append(ffi.cast(self._kind, base + stride * row))
        return self._addresses


def length_slots() -> Slots:
    """:class:`Slots` for lengths: C ``int`` that libsrtp reads and sets."""
    return Slots(_LENGTH)


#: ``protect(session.outbound, packet, length)``: RTP to SRTP in place; anything but 0 is a failure.
protect = lib.srtp_protect


def unprotect(inbound: Address, packet: Address, length: Address) -> bool | None:
    """SRTP to RTP in place. True: authentic; None: a repetition; False: neither that nor authentic."""
    status = lib.srtp_unprotect(inbound, packet, length)
    if status == _OK:
        return True
    return None if status in _REPLAYED else False
