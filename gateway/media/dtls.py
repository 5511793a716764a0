"""DTLS-SRTP handshakes (RFC 5763, RFC 5764) of legs by OpenSSL, without IO: datagrams in, datagrams out, timers.

The worker makes one certificate when it starts (ECDSA P-256, self-signed, never on a disk). Who the peer is, is
told by the fingerprint in its session description, not by a certificate authority.
"""

from __future__ import annotations

import datetime
import hmac
from dataclasses import dataclass
from typing import Final

from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from OpenSSL import SSL

from gateway.media.errors import HandshakeFailed
from gateway.media.srtp import PROFILES, MasterKeys, keys_of_dtls

#: Hash functions of fingerprints that we take (RFC 8122); SHA-1 and MD5 no more.
HASHES: Final = {"sha-256": hashes.SHA256(), "sha-384": hashes.SHA384(), "sha-512": hashes.SHA512()}
#: Largest datagram that we send.
MTU: Final = 1200
#: Longest datagram that is looked at.
MAX_DATAGRAM: Final = 4096

_DTLS_1_2: Final = 0xFEFD
_CIPHERS: Final = b"ECDHE+AESGCM:ECDHE+CHACHA20"
_LABEL: Final = b"EXTRACTOR-dtls_srtp"
_BY_DTLS_NAME: Final = {profile.dtls_name: profile for profile in PROFILES.values()}
_RECORD_HEADER: Final = 13
_READ_BYTES: Final = 65536
_DAYS: Final = 30


class Certificate:
    """Key, certificate and context of all handshakes of a worker. ``wall`` is the time now, aware."""

    def __init__(self, wall: datetime.datetime) -> None:
        key = ec.generate_private_key(ec.SECP256R1())
        certificate = _self_signed(key, wall)
        self.fingerprint = fingerprint_of(certificate, "sha-256")
        context = SSL.Context(SSL.DTLS_METHOD)
        context.set_min_proto_version(_DTLS_1_2)
        context.set_options(SSL.OP_NO_RENEGOTIATION | SSL.OP_NO_TICKET | SSL.OP_NO_QUERY_MTU)
        context.set_session_cache_mode(SSL.SESS_CACHE_OFF)
        context.set_cipher_list(_CIPHERS)
        context.set_tlsext_use_srtp(":".join(_BY_DTLS_NAME).encode())
        # The fingerprint decides, after the handshake has proven that the peer has the certificate's key.
        context.set_verify(SSL.VERIFY_PEER | SSL.VERIFY_FAIL_IF_NO_PEER_CERT, lambda *_: True)
        context.use_certificate(certificate)
        context.use_privatekey(key)
        self.context = context


@dataclass(frozen=True, slots=True)
class Step:
    """What came of one step: datagrams to send, and the keys when the handshake is complete."""

    datagrams: list[bytes]
    keys: MasterKeys | None = None


class Handshake:
    """One association. ``fingerprint`` is the peer's, as in SDP: ``sha-256 AB:CD:…``; ``active``: we begin.

    After the keys have been told, datagrams go on to be taken: a peer that missed our last flight repeats its own.
    """

    def __init__(self, certificate: Certificate, *, fingerprint: str, active: bool) -> None:
        self._fingerprint = fingerprint
        self._active = active
        self._connection = SSL.Connection(certificate.context, None)
        self._connection.set_ciphertext_mtu(MTU)
        if active:
            self._connection.set_connect_state()
        else:
            self._connection.set_accept_state()
        self._complete = False

    def start(self) -> Step:
        """The first step: the client's hello."""
        return self._go_on() if self._active else Step([])

    def receive(self, datagram: bytes) -> Step:
        """Take a datagram; raises :class:`HandshakeFailed`. Garbage is passed over, as RFC 6347 says."""
        if not _RECORD_HEADER < len(datagram) <= MAX_DATAGRAM:
            return Step([])
        self._connection.bio_write(datagram)
        return self._go_on()

    def timeout(self) -> float | None:
        """Seconds until :meth:`repeat` is due; None when nothing is awaited."""
        return None if self._complete else self._connection.DTLSv1_get_timeout()

    def repeat(self) -> Step:
        """The timer ran out: what was lost perhaps is sent again."""
        try:
            self._connection.DTLSv1_handle_timeout()
        except SSL.Error as error:
            raise HandshakeFailed(_reason(error)) from None
        return Step(self._flight())

    def _go_on(self) -> Step:
        try:
            if self._complete:
                self._read_on()
                return Step(self._flight())
            self._connection.do_handshake()
        except SSL.WantReadError:
            return Step(self._flight())
        except SSL.Error as error:
            raise HandshakeFailed(_reason(error)) from None
        self._complete = True
        self._check_peer()
        return Step(self._flight(), self._keys())

    def _read_on(self) -> None:
        try:
            self._connection.recv(_READ_BYTES)  # there is no application data; this repeats our last flight
        except (SSL.WantReadError, SSL.ZeroReturnError):
            return

    def _check_peer(self) -> None:
        certificate = self._connection.get_peer_certificate(as_cryptography=True)
        name, _, _ = self._fingerprint.partition(" ")
        if certificate is None or name not in HASHES:
            raise HandshakeFailed("the peer has no certificate that can be checked")
        found = fingerprint_of(certificate, name)
        if not hmac.compare_digest(found.lower().encode(), self._fingerprint.lower().encode()):
            raise HandshakeFailed("the peer's certificate is not the one of its session description")

    def _keys(self) -> MasterKeys:
        profile = _BY_DTLS_NAME.get(self._connection.get_selected_srtp_profile().decode())
        if profile is None:
            raise HandshakeFailed("no SRTP profile was agreed on")
        exported = self._connection.export_keying_material(_LABEL, 2 * profile.master_bytes)
        return keys_of_dtls(profile, exported, is_client=self._active)

    def _flight(self) -> list[bytes]:
        try:
            data = self._connection.bio_read(_READ_BYTES)
        except SSL.WantReadError:
            return []
        return _datagrams(data)


def fingerprint_of(certificate: x509.Certificate, name: str) -> str:
    """The fingerprint as in SDP (RFC 8122): hash function, space, pairs of hexadecimal digits with colons."""
    return f"{name} {certificate.fingerprint(HASHES[name]).hex(':').upper()}"


def _datagrams(data: bytes) -> list[bytes]:
    """Records (RFC 6347 section 4.1) put together to datagrams of at most ``MTU`` bytes."""
    datagrams: list[bytes] = []
    at = start = 0
    while at < len(data):
        end = at + _RECORD_HEADER + int.from_bytes(data[at + 11 : at + 13], "big")
        if end - start > MTU and at > start:
            datagrams.append(data[start:at])
            start = at
        at = end
    datagrams.append(data[start:])
    return datagrams


def _reason(error: SSL.Error) -> str:
    stack = error.args[0] if error.args else None
    if isinstance(stack, list) and stack:
        return f"DTLS: {stack[-1][-1]}"
    return "DTLS: the connection ended"


def _self_signed(key: ec.EllipticCurvePrivateKey, wall: datetime.datetime) -> x509.Certificate:
    name = x509.Name(
        [x509.NameAttribute(x509.NameOID.COMMON_NAME, "WebRTC")]
    )  # names nobody (RFC 8827 section 6.5)
    return (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(wall - datetime.timedelta(days=1))
        .not_valid_after(wall + datetime.timedelta(days=_DAYS))
        .sign(key, hashes.SHA256())
    )
