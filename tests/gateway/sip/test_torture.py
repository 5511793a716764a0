"""RFC 4475 and RFC 5118: every valid message is accepted, every invalid one answered as the RFCs say."""

from __future__ import annotations

from pathlib import Path

import pytest

from ccplatform.kernel.clock import VirtualClock
from gateway.errors import SipParseError
from gateway.sip.headers import parse_via
from gateway.sip.message import SipRequest
from gateway.sip.parser import parse_message
from tests.gateway.sip.centre import Centre, trunk
from tests.gateway.sip.messages import INVALID, VALID, WIRE, torture
from tests.gateway.sip.network import Network

US, PEER = "192.0.2.1", "192.0.2.4"


def test_every_message_file_of_the_rfcs_has_a_verdict() -> None:
    files = {str(path.relative_to(WIRE).with_suffix("")) for path in WIRE.glob("rfc*/*.sip")}
    assert files == VALID.keys() | INVALID.keys()


@pytest.mark.parametrize("name", VALID)
def test_valid_messages_are_read_and_written_without_loss(name: str) -> None:
    read = parse_message(torture(name))
    again = parse_message(read.encode())
    read.headers.put("content-length", str(len(read.body)))
    assert again == read
    assert again.encode() == read.encode()


@pytest.mark.parametrize("name", [name for name in INVALID if name != "rfc4475/3.1.2.13-regbadct"])
def test_invalid_messages_are_refused_by_the_parser(name: str) -> None:
    """But for the Contact that a registrar has to look into."""
    with pytest.raises(SipParseError) as caught:
        parse_message(torture(name))
    assert INVALID[name] in (None, caught.value.status)
    assert (caught.value.message is None) == (INVALID[name] is None)


@pytest.mark.parametrize("name", [*VALID, *INVALID])
async def test_the_answer_is_the_one_that_the_rfc_says(name: str) -> None:
    clock = VirtualClock()
    network = Network(clock)
    centre = Centre(US, clock, network.wire(US), trunks=[trunk("peer", PEER)])
    centre.answers_everything()
    await centre.open()
    network.stranger(PEER).send(torture(name), (US, 5060))
    clock.advance(0.2)
    answers = [status for line in network.sent[1:] if (status := int(line.split(" ")[1])) >= 200]
    expected = (VALID | INVALID)[name]
    assert answers == ([] if expected is None else [expected])
    clock.advance(400)
    assert (centre.is_clean(), centre.access.sip.transactions) == (True, 0)


def test_the_tortuous_invite_means_what_it_says() -> None:
    message = parse_message(torture("rfc4475/3.1.1.1-wsinv"))
    assert isinstance(message, SipRequest)
    assert message.to.tag == "1918181833n"
    assert message.from_.display == 'J Rosenberg \\"'
    assert (message.cseq.number, message.number("max-forwards")) == (9, 68)
    vias = [parse_via(value) for value in message.headers.values("via")]
    assert [(via.transport, via.host, via.branch) for via in vias] == [
        ("UDP", "192.0.2.2", "390skdjuw"),
        ("TCP", "spindle.example.com", "z9hG4bK9ikj8"),
        ("UDP", "192.168.255.111", "z9hG4bK30239"),
    ]
    assert message.headers.first("newfangledheader") == "newfangled value continued newfangled value"
    assert message.addresses("contact")[0].params == {"newparam": "newvalue", "secondparam": None, "q": "0.33"}
    assert b"NewFangledHeader: " in message.encode()


def test_characters_beyond_the_usual_keep_their_meaning() -> None:
    message = parse_message(torture("rfc4475/3.1.1.2-intmeth"))
    assert isinstance(message, SipRequest)
    assert message.uri.user == "1_unusual.URI~(to-be!sure)&isn't+it$/crazy?,/;;*"
    assert message.to.display == "BEL:\a NUL:\0 DEL:\x7f"
    assert message.from_.display == "token1~` token2'+_ token3*%!.-"
    assert message.from_.params["fromparam''~+*_!.-%"] == "работающий"
    assert message.headers.first("extensionheader-!.%*+_`'~") == "\ufeff大停電"


def test_escapes_are_undone_for_people_only() -> None:
    message = parse_message(torture("rfc4475/3.1.1.3-esc01"))
    assert isinstance(message, SipRequest)
    assert (message.uri.name, message.uri.host) == ("sips:user@example.com", "example.net")
    assert message.from_.uri.name == "I have spaces"
    assert message.to.uri.identity() == parse_message(torture("rfc4475/3.1.1.6-lwsdisp")).to.uri.identity()
    assert "cal%6Cer@" in message.addresses("contact")[0].uri_text


def test_what_looks_like_an_escape_outside_of_uris_is_none() -> None:
    message = parse_message(torture("rfc4475/3.1.1.5-esc02"))
    assert isinstance(message, SipRequest)
    assert (message.method, message.to.display) == ("RE%47IST%45R", "%Z%45")
    assert [contact.uri.name for contact in message.addresses("contact")] == ["alias1", "alias3"]


def test_parameters_belong_to_the_header_or_to_the_uri() -> None:
    bare = parse_message(torture("rfc4475/3.3.12-cparam01")).addresses("contact")[0]
    angles = parse_message(torture("rfc4475/3.3.13-cparam02")).addresses("contact")[0]
    assert (list(bare.params), bare.uri.params) == (["unknownparam"], ())
    assert (list(angles.params), angles.uri.params) == ([], (("unknownparam", None),))


def test_bytes_after_the_body_are_no_part_of_it() -> None:
    assert parse_message(torture("rfc4475/3.1.1.8-dblreq")).body == b""


def test_three_colons_before_an_ipv4_address_are_two() -> None:
    bug = parse_message(torture("rfc5118/4.10-ipv6-bug-abnf-3-colons"))
    correct = parse_message(torture("rfc5118/4.10-ipv6-correct-abnf-2-colons"))
    assert bug.to.uri == correct.to.uri


def test_message_files_are_text_but_for_two() -> None:
    binary = [path.stem for path in sorted(Path(WIRE).glob("rfc*/*.sip")) if b"\0" in path.read_bytes()]
    assert binary == ["3.1.1.11-mpart01", "3.1.1.2-intmeth"]
