"""DTLS-SRTP handshakes, both roles wired back to back."""

from __future__ import annotations

import contextlib
import datetime
import time

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import rsa
from hypothesis import given
from hypothesis import strategies as st
from OpenSSL import SSL

from gateway.media.dtls import MTU, Certificate, Handshake
from gateway.media.errors import HandshakeFailed
from gateway.media.srtp import MasterKeys

NOW = datetime.datetime.now(datetime.UTC)
OURS, THEIRS = Certificate(NOW), Certificate(NOW)


def pair(server_expects: str = "", client_expects: str = "") -> tuple[Handshake, Handshake]:
    server = Handshake(OURS, fingerprint=server_expects or THEIRS.fingerprint, active=False)
    client = Handshake(THEIRS, fingerprint=client_expects or OURS.fingerprint, active=True)
    return server, client


def shake(server: Handshake, client: Handshake) -> tuple[MasterKeys | None, MasterKeys | None]:
    """Carry datagrams to and fro until nobody says anything; keys of the server and of the client."""
    keys: dict[Handshake, MasterKeys | None] = {server: None, client: None}
    flying = [(server, datagram) for datagram in client.start().datagrams]
    while flying:
        to, datagram = flying.pop(0)
        step = to.receive(datagram)
        keys[to] = keys[to] or step.keys
        flying += [(client if to is server else server, answer) for answer in step.datagrams]
    return keys[server], keys[client]


def test_both_sides_get_the_same_keys() -> None:
    server, client = shake(*pair())
    assert server is not None
    assert client is not None
    assert (server.local, server.remote) == (client.remote, client.local)
    assert server.profile.name == "AEAD_AES_128_GCM"


def test_nothing_is_awaited_when_it_is_complete() -> None:
    server, client = pair()
    assert server.timeout() is None
    client.start()
    assert client.timeout() is not None
    server, client = pair()
    shake(server, client)
    assert server.timeout() is None
    assert client.timeout() is None


def test_datagrams_fit_the_path() -> None:
    server, client = pair()
    hello = client.start().datagrams
    flight = [datagram for part in hello for datagram in server.receive(part).datagrams]
    assert flight
    assert all(len(datagram) <= MTU for datagram in hello + flight)
    assert sum(map(len, flight)) < 1000  # a checked source asked for it; it is still no amplifier


@pytest.mark.parametrize("side", ["server", "client"])
def test_a_certificate_that_was_not_signalled_fails(side: str) -> None:
    other = Certificate(NOW).fingerprint
    server, client = pair(other, "") if side == "server" else pair("", other)
    with pytest.raises(HandshakeFailed, match="session description"):
        shake(server, client)


def test_a_hash_function_that_we_do_not_take_fails() -> None:
    with pytest.raises(HandshakeFailed, match="can be checked"):
        shake(*pair("sha-1 00:11"))


def test_other_hash_functions_are_taken() -> None:
    certificate, _ = _rsa()
    digest = certificate.fingerprint(hashes.SHA512()).hex(":")
    server = Handshake(OURS, fingerprint=f"sha-512 {digest}", active=False)
    keys = _shake_with_plain_client(server, b"SRTP_AES128_CM_SHA1_80")
    assert keys is not None
    assert keys.profile.name == "AES_CM_128_HMAC_SHA1_80"


def test_a_peer_without_srtp_fails() -> None:
    certificate, _ = _rsa()
    digest = certificate.fingerprint(hashes.SHA256()).hex(":")
    server = Handshake(OURS, fingerprint=f"sha-256 {digest}", active=False)
    with pytest.raises(HandshakeFailed, match="no SRTP profile"):
        _shake_with_plain_client(server, None)


def test_a_peer_that_missed_our_last_flight_gets_it_again() -> None:
    server, client = pair()
    (hello,) = client.start().datagrams
    flight = server.receive(hello).datagrams
    second = [datagram for part in flight for datagram in client.receive(part).datagrams]
    assert any(server.receive(part).keys for part in second)  # what it answered is lost
    while wait := client.timeout():  # OpenSSL's timer, on a clock of its own
        time.sleep(wait)
    repeated = [datagram for part in client.repeat().datagrams for datagram in server.receive(part).datagrams]
    assert any(client.receive(part).keys for part in repeated)


@given(st.lists(st.binary(max_size=100) | st.binary(max_size=60).map(lambda tail: b"\x16\xfe\xfd" + tail)))
def test_garbage_before_the_handshake_does_not_spoil_it(datagrams: list[bytes]) -> None:
    server, client = pair()
    for datagram in datagrams:
        try:
            server.receive(datagram)
        except HandshakeFailed:
            return
    assert all(shake(server, client))


def test_an_alert_ends_it_with_its_reason() -> None:
    server, client = pair()
    (hello,) = client.start().datagrams
    server.receive(hello)
    with pytest.raises(HandshakeFailed, match="DTLS"):
        server.receive(bytes.fromhex("15fefd000000000000000100020228"))


def _rsa() -> tuple[x509.Certificate, rsa.RSAPrivateKey]:
    name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "peer")])
    certificate = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(_RSA_KEY.public_key())
        .serial_number(1)
        .not_valid_before(NOW)
        .not_valid_after(NOW + datetime.timedelta(days=1))
        .sign(_RSA_KEY, hashes.SHA256())
    )
    return certificate, _RSA_KEY


_RSA_KEY = rsa.generate_private_key(65537, 2048)


def _shake_with_plain_client(server: Handshake, srtp: bytes | None) -> MasterKeys | None:
    """A client with an RSA certificate, made of OpenSSL alone."""
    certificate, key = _rsa()
    context = SSL.Context(SSL.DTLS_METHOD)
    context.use_certificate(certificate)
    context.use_privatekey(key)
    if srtp is not None:
        context.set_tlsext_use_srtp(srtp)
    client = SSL.Connection(context, None)
    client.set_connect_state()
    for _ in range(6):
        with contextlib.suppress(SSL.WantReadError):
            client.do_handshake()
        try:
            step = server.receive(client.bio_read(65536))
        except SSL.WantReadError:
            return None
        if step.keys is not None:
            return step.keys
        for datagram in step.datagrams:
            client.bio_write(datagram)
    return None
