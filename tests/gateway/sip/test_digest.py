"""Digest: the vectors of RFC 7616 and RFC 2617, nonces, counts, and both sides against each other."""

from __future__ import annotations

import itertools
from contextlib import suppress

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.errors import SipParseError
from gateway.sip.digest import (
    NONCE_SECONDS,
    DigestServer,
    Secrets,
    Verdict,
    authorization,
    digest_response,
    hash_a1,
    parse_digest,
)

URI = "sip:127.0.0.1"


@pytest.mark.parametrize(
    ("algorithm", "response"),
    [
        ("MD5", "8ca523f5e9506fed4657c9700eebdbec"),
        ("SHA-256", "753927fa0e85d155564e2e272a28d1802ca10daf4496794697cf8db5856cb6c1"),
    ],
)
def test_vectors_of_rfc_7616_section_3_9_1(algorithm: str, response: str) -> None:
    ha1 = hash_a1(algorithm, "Mufasa", "http-auth@example.org", "Circle of Life")
    assert response == digest_response(
        algorithm,
        ha1,
        "GET",
        "/dir/index.html",
        "7ypf/xlj9XXwfDPEoM4URrv/xwf94BcCAzFZH4GiTo0v",
        nc="00000001",
        cnonce="f2/wE4q74E6zIJEtWaHKaf5wv/H5QzzpXusqGemxURZJ",
        qop="auth",
    )


def test_vector_of_rfc_2617_section_3_5() -> None:
    ha1 = hash_a1("MD5", "Mufasa", "testrealm@host.com", "Circle Of Life")
    assert ha1 == "939e7578ed9e3c518a452acee763bce9"
    nonce = "dcd98b7102dd2f0e8b11d0f600bfb0c093"
    arguments = {"nc": "00000001", "cnonce": "0a4f113b", "qop": "auth"}
    response = digest_response("MD5", ha1, "GET", "/dir/index.html", nonce, **arguments)
    assert response == "6629fae49393a05397450978507c4ef1"


def server(secret: bytes = b"k" * 32) -> DigestServer:
    counter = itertools.count()
    return DigestServer(
        realm="centre", secret=secret, random_bytes=lambda count: next(counter).to_bytes(count, "big")
    )


SECRETS = Secrets(
    ha1_md5=hash_a1("MD5", "8001", "centre", "secret"), ha1_sha256=hash_a1("SHA-256", "8001", "centre", "secret")
)


def attempt(
    judge: DigestServer,
    challenges: list[str],
    *,
    now: float = 0.0,
    password: str = "secret",
    count: int = 1,
    secrets: Secrets | None = SECRETS,
    method: str = "REGISTER",
    uri: str = URI,
) -> Verdict:
    value = authorization(
        challenges, user="8001", password=password, method="REGISTER", uri=URI, cnonce="c", count=count
    )
    assert value is not None
    credentials = parse_digest(value, "Authorization")
    assert credentials is not None
    return judge.judge(credentials, method=method, request_uri=uri, secrets=secrets, now=now)


def test_sha_256_is_offered_before_md5() -> None:
    first, second = server().challenges(0)
    assert "algorithm=SHA-256" in first
    assert "algorithm=MD5" in second


@pytest.mark.parametrize("choice", [0, 1])
def test_the_right_password_is_good_with_both_algorithms(choice: int) -> None:
    judge = server()
    assert attempt(judge, [judge.challenges(0)[choice]]) is Verdict.GOOD


def test_a_wrong_password_an_unknown_account_and_another_request_are_bad() -> None:
    judge = server()
    challenges = judge.challenges(0)
    assert attempt(judge, challenges, password="wrong") is Verdict.BAD
    assert attempt(judge, challenges, secrets=None) is Verdict.BAD
    assert attempt(judge, challenges, method="INVITE") is Verdict.BAD
    assert attempt(judge, challenges, uri="sip:95000@127.0.0.1") is Verdict.BAD


def test_an_old_nonce_is_stale_only_with_the_right_password() -> None:
    judge = server()
    challenges = judge.challenges(0)
    assert attempt(judge, challenges, now=NONCE_SECONDS + 1) is Verdict.STALE
    assert attempt(judge, challenges, now=NONCE_SECONDS + 1, password="wrong") is Verdict.BAD
    assert "stale=true" in judge.challenges(1, stale=True)[0]


def test_a_nonce_of_another_secret_is_stale() -> None:
    assert attempt(server(b"a" * 32), server(b"b" * 32).challenges(0)) is Verdict.STALE


def test_counts_must_rise() -> None:
    judge = server()
    challenges = judge.challenges(0)
    assert attempt(judge, challenges, count=1) is Verdict.GOOD
    assert attempt(judge, challenges, count=1) is Verdict.STALE
    assert attempt(judge, challenges, count=3) is Verdict.GOOD
    assert attempt(judge, challenges, count=2) is Verdict.STALE


def test_forgotten_counts_cannot_be_replayed(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("gateway.sip.digest.MAX_NONCES", 1)
    judge = server()
    first, second = judge.challenges(0), judge.challenges(1)
    assert attempt(judge, first, now=1) is Verdict.GOOD
    assert attempt(judge, second, now=1) is Verdict.GOOD
    assert attempt(judge, first, now=1) is Verdict.STALE


@given(st.dictionaries(st.sampled_from(["nonce", "nc", "cnonce", "qop", "uri", "response", "realm", "algorithm"]),
                       st.one_of(st.none(), st.text(max_size=40))))  # fmt: skip
def test_no_credentials_raise(credentials: dict[str, str | None]) -> None:
    full = {"realm": "centre", "qop": "auth", "nc": "00000001", "cnonce": "c", "uri": URI, **credentials}
    verdict = server().judge(full, method="REGISTER", request_uri=URI, secrets=SECRETS, now=0)
    assert verdict is not Verdict.GOOD


@given(st.text(max_size=60))
def test_no_header_raises_anything_but_a_parse_error(text: str) -> None:
    with suppress(SipParseError):
        parse_digest(f"Digest {text}", "Authorization")


def test_the_client_skips_what_it_cannot_answer() -> None:
    challenges = ["Basic realm=x", 'Digest realm="x", nonce="n", algorithm=SHA-512-256, qop="auth"']
    assert authorization(challenges, user="u", password="p", method="INVITE", uri=URI, cnonce="c") is None
    old = authorization(
        ['Digest realm="x", nonce="n", opaque="o"'], user="u", password="p", method="INVITE", uri=URI, cnonce="c"
    )
    assert old is not None
    assert "qop" not in old
    assert 'opaque="o"' in old
