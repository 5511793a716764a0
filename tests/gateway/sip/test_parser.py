"""The parser: what RFC 3261 allows is read, everything else is a SipParseError that says what and where."""

from __future__ import annotations

from contextlib import suppress
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.errors import SipParseError
from gateway.sip.headers import Headers, parse_cseq, parse_name_addr, parse_via
from gateway.sip.message import SipRequest, SipResponse
from gateway.sip.parser import MAX_HEADERS, MAX_MESSAGE_BYTES, StreamFramer, parse_message
from gateway.sip.responses import response_to
from gateway.sip.uri import SipUri, parse_uri
from tests.gateway.sip.messages import INVALID, VALID, fixtures, torture, wire

BASE = (
    b"OPTIONS sip:95000@192.0.2.1 SIP/2.0\r\nVia: SIP/2.0/UDP 192.0.2.4;branch=z9hG4bK1\r\n"
    b"From: <sip:alice@192.0.2.4>;tag=a1\r\nTo: <sip:95000@192.0.2.1>\r\nCall-ID: x@y\r\nCSeq: 7 OPTIONS\r\n"
)


@pytest.mark.parametrize("path", fixtures("accepted"), ids=lambda path: path.stem)
def test_what_the_rfcs_allow_is_read_and_survives_being_written_again(path: Path) -> None:
    message = parse_message(wire(path))
    assert parse_message(message.encode()) == message


@pytest.mark.parametrize("path", fixtures("refused"), ids=lambda path: path.stem)
def test_what_the_rfcs_forbid_is_refused_and_can_be_answered(path: Path) -> None:
    with pytest.raises(SipParseError) as caught:
        parse_message(wire(path))
    assert caught.value.status == int(path.stem.split("-")[2])
    assert isinstance(caught.value.message, SipRequest)
    assert response_to(caught.value.message, caught.value.status).encode()


@pytest.mark.parametrize("path", fixtures("dropped"), ids=lambda path: path.stem)
def test_what_cannot_be_answered_is_dropped(path: Path) -> None:
    with pytest.raises(SipParseError) as caught:
        parse_message(wire(path))
    if caught.value.message is not None:
        with pytest.raises(SipParseError):
            _ = caught.value.message.via


def test_an_escaped_nul_does_not_reach_people() -> None:
    assert parse_message(torture("rfc4475/3.1.1.4-escnull")).to.uri.name == "null-\ufffd-null"


def test_limits_hold() -> None:
    with pytest.raises(SipParseError, match="longer than"):
        parse_message(b"x" * (MAX_MESSAGE_BYTES + 1))
    with pytest.raises(SipParseError, match="header lines"):
        parse_message(BASE + b"X: 1\r\n" * MAX_HEADERS + b"\r\n")
    with pytest.raises(SipParseError, match="values"):
        _ = parse_message(BASE + b"Route: " + b",".join([b"<sip:a;lr>"] * 65) + b"\r\n\r\n").addresses("route")


def test_a_missing_header_is_named() -> None:
    with pytest.raises(SipParseError, match=r"CSeq: missing"):
        parse_message(BASE.replace(b"CSeq: 7 OPTIONS\r\n", b"") + b"\r\n")


# --- properties -------------------------------------------------------------------------------------------

tokens = st.text("abcdefghijklmnopqrstuvwxyzABC0123456789-.!%*_+`'~", min_size=1, max_size=12)
hosts = st.one_of(st.just("[2001:db8::1]"), st.from_regex(r"[a-z0-9]{1,8}(\.[a-z0-9]{1,8}){0,3}", fullmatch=True))
parameters = st.text("abc019-_.!~*'()[]/:&+$", min_size=1, max_size=8)
params = st.dictionaries(parameters, st.one_of(st.none(), parameters), max_size=3)
uris = st.builds(
    SipUri,
    scheme=st.sampled_from(["sip", "sips"]),
    user=st.text("abc0123456789-_.!~*'()&=+$,;?/", min_size=0, max_size=10).filter(lambda u: ":" not in u),
    host=hosts,
    port=st.one_of(st.none(), st.integers(1, 65535)),
    params=params.map(lambda found: tuple(found.items())),
)
#: Header values: anything a line may hold, also bytes that are no UTF-8.
values = st.text(
    st.characters(blacklist_categories=("Cc", "Cs"), blacklist_characters="\u2028\u2029\x85"), max_size=40
).map(str.strip)


@st.composite
def requests(draw: st.DrawFn) -> SipRequest:
    method = draw(tokens)
    headers = Headers()
    for _ in range(draw(st.integers(1, 3))):
        headers.add("via", f"SIP/2.0/UDP {draw(hosts)};branch=z9hG4bK{draw(tokens)}")
    headers.add("From", f"<{draw(uris)}>;tag={draw(tokens)}")
    headers.add("t", f"<{draw(uris)}>")
    headers.add("Call-ID", draw(tokens))
    headers.add("CSeq", f"{draw(st.integers(0, 2**31 - 1))} {method}")
    for name in draw(st.lists(tokens.map(lambda token: f"X-{token}"), max_size=4)):
        headers.add(name, draw(values))
    body = draw(st.binary(max_size=50))
    headers.put("Content-Length", str(len(body)))
    return SipRequest(method, str(draw(uris)), headers, body)


@given(requests())
def test_what_is_written_reads_back_the_same(request_: SipRequest) -> None:
    read = parse_message(request_.encode())
    assert isinstance(read, SipRequest)
    assert (read.method, read.uri_text, read.body) == (request_.method, request_.uri_text, request_.body)
    assert read == parse_message(read.encode())
    assert {line.partition(":")[0].lower() for line in read.headers.lines()} == {
        line.partition(":")[0].lower() for line in request_.headers.lines()
    }


@given(uris)
def test_uris_read_back_the_same(uri: SipUri) -> None:
    assert parse_uri(str(uri)) == uri
    assert parse_uri(str(uri)).identity() == uri.identity()


@given(st.binary(max_size=300))
def test_no_bytes_raise_anything_but_a_parse_error(data: bytes) -> None:
    for candidate in (data, BASE + data, BASE + data + b"\r\n\r\n"):
        with suppress(SipParseError):
            touch(parse_message(candidate))


@given(st.sampled_from([*VALID, *INVALID]), st.data())
def test_no_mutation_raises_anything_but_a_parse_error(name: str, data: st.DataObject) -> None:
    octets = bytearray(torture(name))
    for _ in range(data.draw(st.integers(1, 6))):
        at = data.draw(st.integers(0, len(octets) - 1))
        change = data.draw(st.sampled_from(["flip", "cut", "double", "insert"]))
        if change == "flip":
            octets[at] = data.draw(st.integers(0, 255))
        elif change == "cut":
            del octets[at : at + data.draw(st.integers(1, 20))]
        elif change == "double":
            octets[at:at] = octets[at : at + data.draw(st.integers(1, 20))]
        else:
            octets[at:at] = data.draw(
                st.sampled_from([b'"', b"<", b">", b";", b",", b"\\", b"\r\n ", b"%00", b"@"])
            )
        if not octets:
            return
    with suppress(SipParseError):
        touch(parse_message(bytes(octets)))


def touch(message: SipRequest | SipResponse) -> None:
    """Read everything that is read lazily."""
    _ = message.via, message.from_.uri, message.to.uri, message.cseq, message.call_id, message.content_type
    for key in ("contact", "route", "record-route"):
        for address in message.addresses(key):
            _ = address.uri, address.party()
    message.headers.values("via")
    message.number("expires")
    message.text()
    if isinstance(message, SipRequest):
        response_to(message, 200).encode()


@given(st.text(max_size=60))
def test_structured_values_raise_only_parse_errors(text: str) -> None:
    for read in (parse_via, parse_cseq, parse_uri):
        with suppress(SipParseError):
            read(text)
    with suppress(SipParseError):
        parse_name_addr(text, "To").uri.identity()


# --- streams ----------------------------------------------------------------------------------------------


@given(st.lists(requests(), min_size=1, max_size=4), st.lists(st.integers(1, 200), max_size=30))
def test_a_stream_yields_the_same_messages_however_it_is_cut(sent: list[SipRequest], cuts: list[int]) -> None:
    stream = b"\r\n\r\n".join(request_.encode() for request_ in sent)
    framer, read = StreamFramer(), []
    for cut in [*cuts, len(stream)]:
        read += framer.feed(stream[:cut])
        stream = stream[cut:]
    assert [message.body for message in read if isinstance(message, SipRequest)] == [r.body for r in sent]


@given(st.binary(max_size=400))
def test_no_stream_raises_anything_but_a_parse_error(data: bytes) -> None:
    framer = StreamFramer()
    with suppress(SipParseError):
        framer.feed(BASE + b"Content-Length: 3\r\n\r\nabc")
        framer.feed(data)
        framer.feed(b"\r\n\r\n")


def test_a_double_crlf_asks_for_a_pong() -> None:
    framer = StreamFramer()
    assert framer.feed(b"\r\n\r\n") == []
    assert framer.pings == 1


def test_a_stream_without_content_length_cannot_go_on() -> None:
    with pytest.raises(SipParseError, match="missing on a stream"):
        StreamFramer().feed(BASE + b"\r\n")


def test_a_stream_message_that_can_be_cut_out_is_an_error_and_the_next_is_read() -> None:
    framer = StreamFramer()
    bad = BASE.replace(b"CSeq: 7 OPTIONS", b"CSeq: 7 INVITE") + b"Content-Length: 0\r\n\r\n"
    good = BASE + b"Content-Length: 0\r\n\r\n"
    first, second = framer.feed(bad + good)
    assert isinstance(first, SipParseError)
    assert isinstance(second, SipRequest)


def test_a_stream_header_section_without_end_is_cut_off() -> None:
    with pytest.raises(SipParseError, match="longer than"):
        StreamFramer().feed(b"X" * (MAX_MESSAGE_BYTES + 1))


def test_endless_nesting_costs_linear_time() -> None:
    hostile = BASE + b"Contact: " + b'"\\' * 30_000 + b"\r\n\r\n"
    with pytest.raises(SipParseError, match="does not end"):
        parse_message(hostile).addresses("contact")


def test_a_new_requests_via_goes_to_the_top() -> None:
    headers = Headers()
    headers.put("to", "<sip:b@192.0.2.1>")
    headers.push("via", "SIP/2.0/UDP 192.0.2.4;branch=z9hG4bK1")
    headers.push("via", "SIP/2.0/UDP 192.0.2.5;branch=z9hG4bK2")
    assert [line[:26] for line in headers.lines()] == [
        "Via: SIP/2.0/UDP 192.0.2.5",
        "Via: SIP/2.0/UDP 192.0.2.4",
        "To: <sip:b@192.0.2.1>",
    ]
