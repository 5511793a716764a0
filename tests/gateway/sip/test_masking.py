"""Nothing secret is ever shown, and everything else is (R10.4.d)."""

from __future__ import annotations

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from gateway.sip.masking import masked, sendable
from gateway.sip.parser import parse_message

SECRET = "c2VjcmV0"


def message(method: str = "INVITE", extra: str = "", body: str = "", uri: str = "sip:95000@192.0.2.1") -> bytes:
    return (
        f"{method} {uri} SIP/2.0\r\nVia: SIP/2.0/UDP 192.0.2.4;branch=z9hG4bK1\r\n"
        f"From: <sip:8001@192.0.2.4>;tag=a1\r\nTo: <sip:95000@192.0.2.1>\r\nCall-ID: a@b\r\n"
        f"CSeq: 7 {method}\r\n{extra}Content-Length: {len(body.encode())}\r\n\r\n{body}"
    ).encode()


def typed(kind: str) -> str:
    return f"Content-Type: {kind}\r\n"


@pytest.mark.parametrize(
    ("value", "shown"),
    [
        (f'Digest username="8001", response="{SECRET}", nc=1', 'Digest username="8001", response="***", nc=1'),
        (f"Digest response={SECRET}, nc=1", "Digest response=***, nc=1"),
        (f"Digest nc=1, RESPONSE = {SECRET}", "Digest nc=1, RESPONSE=***"),
        (f"Basic {SECRET}", "***"),
        (f'Digest response="{SECRET}', 'Digest response="***"'),
        (f'Digest response="{SECRET}, nc=1', "Digest ***"),
        (f'Digest opaque="response=", response="{SECRET}"', 'Digest opaque="response=", response="***"'),
        (f'Digest opaque="\\"response=", response="{SECRET}"', 'Digest opaque="***", response="***"'),
        (f"Digest nonce=1 response={SECRET}", "Digest nonce=***"),
        (f'Digest nonce="1" response="{SECRET}"', 'Digest nonce="***"'),
        (f'Digest\r\n username="8001",\r\n response="{SECRET}"', 'Digest username="8001", response="***"'),
    ],
)
@pytest.mark.parametrize("header", ["Authorization", "Proxy-Authorization", "AUTHORIZATION "])
def test_digest_responses_are_masked(header: str, value: str, shown: str) -> None:
    text = masked(message(extra=f"{header}: {value}\r\n"))
    assert f"{header}: {shown}\r\n" in text
    assert SECRET not in text


def test_what_proves_the_server_is_masked() -> None:
    text = masked(message(extra=f'Authentication-Info: rspauth="{SECRET}", qop=auth\r\n'))
    assert 'Authentication-Info: rspauth="***", qop=auth' in text


@pytest.mark.parametrize("end", ["\r\n", "\n", ""])
@pytest.mark.parametrize(
    "key",
    [
        f"a=crypto:1 AES_CM_128_HMAC_SHA1_80 inline:{SECRET}",
        f"a=ice-pwd:{SECRET}",
        f"k=clear:{SECRET}",
        f" A=Crypto:1 x inline:{SECRET}",
        f"a=key-mgmt:mikey {SECRET}",
        f"x inline:{SECRET}",
    ],
)
def test_keys_of_media_are_masked(key: str, end: str) -> None:
    for kind in ("application/sdp", "multipart/mixed;boundary=b"):
        text = masked(message(extra=typed(kind), body=f"v=0{end or chr(10)}{key}{end}"))
        assert SECRET not in text
        assert "***" in text


def test_fingerprints_are_public() -> None:
    assert "a=fingerprint:sha-256 AB" in masked(message(body="a=fingerprint:sha-256 AB\r\n"))


@pytest.mark.parametrize(
    ("kind", "body", "shown"),
    [
        ("application/dtmf-relay", "Signal=5\r\nDuration=160\r\n", "Signal=***\r\nDuration=160\r\n"),
        ("application/dtmf-relay", "SIGNAL = 5\nDuration=160", "SIGNAL =***\nDuration=160"),
        ("application/dtmf-relay", "5", "***"),
        ("Application/DTMF", "5", "***"),
        ("application/vnd.nortelnetworks.digits", "d=5", "***"),
        ("multipart/mixed;boundary=b", "--b\r\nContent-Type: application/dtmf\r\n\r\n5\r\n--b--", "***"),
        ("", "5", "***"),
    ],
)
def test_keys_pressed_are_masked(kind: str, body: str, shown: str) -> None:
    assert masked(message("INFO", typed(kind) if kind else "", body)).endswith(f"\r\n\r\n{shown}")


def test_keys_pressed_are_masked_in_other_methods_and_compact_forms() -> None:
    assert masked(message("MESSAGE", "c: application/dtmf-relay\r\n", "Signal=5")).endswith("\r\n\r\nSignal=***")
    assert masked(message("NOTIFY", typed("application/kpml-response+xml"), '<r digits="5"/>')).endswith("\r\n***")


def test_passwords_and_credentials_in_uris_are_masked() -> None:
    text = masked(message(uri=f"sip:8001:{SECRET}@192.0.2.1"))
    assert text.startswith("INVITE sip:8001:***@192.0.2.1 SIP/2.0\r\n")
    refer = masked(
        message("REFER", f"Refer-To: <sip:a@b?Replaces=x&Authorization=Digest%20{SECRET}&Subject=c>\r\n")
    )
    assert "<sip:a@b?Replaces=x&Authorization=***&Subject=c>" in refer
    plain = "Route: <sip:192.0.2.9:5070;lr>, <sips:a@192.0.2.10:5061>"
    assert plain in masked(message(extra=f"{plain}\r\n"))


def test_what_has_no_secret_is_shown_as_it_was() -> None:
    data = message(extra=typed("application/sdp"), body="v=0\r\na=rtpmap:8 PCMA/8000\r\n")
    assert masked(data).encode() == data


spaces = st.text(" \t", max_size=2)
names = st.sampled_from(["username", "realm", "nonce", "uri", "opaque", "qop", "nc", "cnonce", "x-other"])
values = st.text(st.characters(codec="ascii", exclude_characters='"\\\r\n'), max_size=12)


@st.composite
def credentials(draw: st.DrawFn) -> str:
    parts = [f'{name}="{value}"' for name, value in draw(st.lists(st.tuples(names, values), max_size=4))]
    quotes = draw(st.sampled_from(["", '"']))
    name = draw(st.sampled_from(["response", "Response", "RESPONSE"]))
    secret = f"{name}{draw(spaces)}={draw(spaces)}{quotes}{SECRET}{quotes}"
    parts.insert(draw(st.integers(0, len(parts))), secret)
    joint = draw(st.sampled_from([", ", ",", " ,\r\n ", ",\t"]))
    return f"Digest {joint.join(parts)}"


@given(credentials(), st.sampled_from(["Authorization", "proxy-authorization", "PROXY-Authorization\t"]))
def test_no_form_of_credentials_shows_the_response(value: str, header: str) -> None:
    assert SECRET not in masked(message("REGISTER", f"{header}:{value}\r\n"))


@given(st.text(max_size=40), st.text(max_size=40), st.sampled_from(["\r\n", "\n"]))
@example("", "", "\n")
def test_no_neighbours_of_a_digit_show_it(before: str, after: str, end: str) -> None:
    body = f"{before}{end}Signal={SECRET}{end}{after}"
    for kind in ("application/dtmf-relay", "application/dtmf", "text/plain"):
        assert SECRET not in masked(message("INFO", typed(kind), body))


@given(st.binary(max_size=400))
def test_whatever_the_bytes_there_is_a_text(data: bytes) -> None:
    assert isinstance(masked(data), str)
    assert isinstance(masked(message() + data), str)


@given(st.sampled_from(["INFO", "INVITE"]), st.text(max_size=60))
def test_what_is_masked_can_still_be_parsed(method: str, body: str) -> None:
    shown = sendable(masked(message(method, typed("application/dtmf-relay"), body)))
    assert parse_message(shown).headers.first("content-length") == str(len(parse_message(shown).body))


def test_what_is_no_secret_of_a_crypto_attribute_is_shown() -> None:
    sdp = f"v=0\r\na=crypto:1 AES_CM_128_HMAC_SHA1_80 inline:{SECRET}|2^20 KDR=1\r\na=x\r\n"
    assert "a=crypto:1 AES_CM_128_HMAC_SHA1_80 inline:***\r\na=x\r\n" in masked(message(body=sdp))
