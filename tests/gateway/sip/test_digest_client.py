"""Challenges of providers are answered, against the examples of RFC 7616 and our own server."""

from __future__ import annotations

import pytest

from gateway.sip.digest import DigestServer, Secrets, Verdict, hash_a1, parse_digest
from gateway.sip.digest_client import Credentials, DialogCredentials, DigestClient
from gateway.sip.headers import Headers
from gateway.sip.message import SipRequest, SipResponse

ACCOUNT = Credentials(user="trunk7", password="very secret")


def request(method: str = "INVITE", cseq: int = 1) -> SipRequest:
    headers = Headers()
    headers.put("cseq", f"{cseq} {method}")
    headers.put("via", "SIP/2.0/UDP 10.0.0.1;branch=z9hG4bK1")
    return SipRequest(method, "sip:95000@provider.example", headers)


def challenge(*values: str, status: int = 401) -> SipResponse:
    response = SipResponse(status)
    response.headers.put_all("www-authenticate" if status == 401 else "proxy-authenticate", list(values))
    return response


def client() -> DigestClient:
    return DigestClient(ACCOUNT, random_bytes=lambda count: b"\x01" * count)


def server() -> tuple[DigestServer, Secrets]:
    made = DigestServer(realm="provider", secret=b"s" * 32, random_bytes=lambda count: b"r" * count)
    secrets = Secrets(
        ha1_md5=hash_a1("MD5", ACCOUNT.user, "provider", ACCOUNT.password),
        ha1_sha256=hash_a1("SHA-256", ACCOUNT.user, "provider", ACCOUNT.password),
    )
    return made, secrets


def verdict(of: DigestServer, secrets: Secrets, sent: SipRequest, now: float) -> Verdict:
    given = parse_digest(sent.headers.all("authorization")[0], "Authorization")
    assert given is not None
    return of.judge(given, method=sent.method, request_uri=sent.uri_text, secrets=secrets, now=now)


@pytest.mark.parametrize("method", ["INVITE", "REGISTER", "OPTIONS", "BYE", "UPDATE", "INFO"])
@pytest.mark.parametrize("algorithms", [("SHA-256", "MD5"), ("MD5",), ("MD5", "SHA-256")])
def test_the_better_algorithm_is_answered_and_the_server_believes_it(
    method: str, algorithms: tuple[str, ...]
) -> None:
    provider, secrets = server()
    first = request(method)
    again = client().answer(first, challenge(*provider.challenges(0.0, algorithms=algorithms)), 2)
    assert again is not None
    assert str(again.cseq) == f"2 {method}"
    assert "via" not in again.headers
    assert ("algorithm=SHA-256" in again.headers.all("authorization")[0]) is ("SHA-256" in algorithms)
    assert verdict(provider, secrets, again, 1.0) is Verdict.GOOD
    assert "authorization" not in first.headers


def test_later_requests_carry_credentials_at_once_with_a_rising_count() -> None:
    provider, secrets = server()
    ours = client()
    ours.answer(request(), challenge(*provider.challenges(0.0)), 2)
    for count in ("00000002", "00000003"):
        later = request("BYE")
        ours.anticipate(later)
        assert f"nc={count}" in later.headers.all("authorization")[0]
        assert verdict(provider, secrets, later, 1.0) is Verdict.GOOD


def test_a_nonce_that_went_stale_is_replaced_once_and_wrong_credentials_are_not_repeated() -> None:
    provider, _ = server()
    ours = client()
    first = ours.answer(request(), challenge(*provider.challenges(0.0)), 2)
    assert first is not None
    assert ours.answer(first, challenge(*provider.challenges(1.0)), 3) is None  # fresh, and still refused
    later = request("OPTIONS")
    ours.anticipate(later)
    fresh = ours.answer(later, challenge(*provider.challenges(400.0, stale=True)), 2)
    assert fresh is not None
    assert ours.answer(fresh, challenge(*provider.challenges(401.0, stale=True)), 3) is None


def test_a_proxy_and_a_server_behind_it_are_both_answered() -> None:
    ours = client()
    proxied = ours.answer(
        request(), challenge('Digest realm="proxy", nonce="p", qop="auth", opaque="5ccc"', status=407), 2
    )
    assert proxied is not None
    both = ours.answer(proxied, challenge('Digest realm="server", nonce="s", algorithm=MD5'), 3)
    assert both is not None
    assert 'opaque="5ccc"' in both.headers.all("proxy-authorization")[0]
    (value,) = both.headers.all("authorization")
    assert "qop" not in value  # a server of RFC 2069


@pytest.mark.parametrize(
    "value",
    [
        'Basic realm="x"',
        'Digest realm="x"',
        'Digest realm="x", nonce="n", algorithm=SHA-512-256',
        'Digest realm="x", nonce="n", qop="auth-int"',
        'Digest realm="x, nonce=',
        "",
    ],
)
def test_what_cannot_be_answered_is_left(value: str) -> None:
    assert client().answer(request(), challenge(value), 2) is None


def test_an_ack_repeats_what_its_invite_had() -> None:
    provider, _ = server()
    ours = client()
    dialog = DialogCredentials(ours)
    invite = ours.answer(request(), challenge(*provider.challenges(0.0)), 2)
    assert invite is not None
    dialog.sign(invite)
    ack, stray = request("ACK", 2), request("ACK", 9)
    dialog.sign_ack(ack)
    dialog.sign_ack(stray)
    assert ack.headers.all("authorization") == invite.headers.all("authorization")
    assert "authorization" not in stray.headers
    cancel = request("CANCEL", 2)
    dialog.sign(cancel)
    assert "authorization" not in cancel.headers


def test_the_password_is_never_shown() -> None:
    assert ACCOUNT.password not in repr(ACCOUNT)
