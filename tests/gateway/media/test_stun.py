"""STUN messages: the vectors of RFC 5769, and whatever a stranger may send."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.media import stun
from gateway.media.addresses import address_key
from gateway.media.errors import BadStun

PASSWORD = b"VOkJxbRl1RmTxUk/WvJxBt"  # of RFC 5769 section 2
REQUEST = bytes.fromhex(  # section 2.1
    "000100582112a442b7e7a701bc34d686fa87dfae"
    "802200105354554e207465737420636c69656e74"
    "002400046e0001ff80290008932ff9b151263b36"
    "000600096576746a3a68367659202020"
    "000800149aeaa70cbfd8cb56781ef2b5b2d3f249c1b571a2"
    "80280004e57a3bcf"
)
RESPONSE = bytes.fromhex(  # section 2.2
    "0101003c2112a442b7e7a701bc34d686fa87dfae"
    "8022000b7465737420766563746f7220"
    "002000080001a147e112a643"
    "000800142b91f599fd9e90c38c7489f92af9ba53f06be7d7"
    "80280004c07d4c96"
)
RESPONSE_BY_IPV6 = bytes.fromhex(  # section 2.3
    "010100482112a442b7e7a701bc34d686fa87dfae"
    "8022000b7465737420766563746f7220"
    "002000140002a1470113a9faa5d3f179bc25f4b5bed2b9d9"
    "00080014a382954e4be67bf11784c97c8292c275bfe3ed41"
    "80280004c8fb0b4c"
)


def test_the_request_of_rfc_5769_is_read() -> None:
    message = stun.parse(REQUEST)
    assert message.kind == stun.BINDING_REQUEST
    assert message.attributes[stun.USERNAME] == b"evtj:h6vY"
    assert message.attributes[stun.PRIORITY] == bytes.fromhex("6e0001ff")
    assert stun.ICE_CONTROLLED in message.attributes
    assert message.fingerprinted
    assert message.has_integrity(PASSWORD)
    assert not message.has_integrity(PASSWORD + b"x")


@pytest.mark.parametrize(
    ("response", "host"),
    [(RESPONSE, "192.0.2.1"), (RESPONSE_BY_IPV6, "2001:db8:1234:5678:11:2233:4455:6677")],
)
def test_the_responses_of_rfc_5769_are_read_and_their_addresses_built(response: bytes, host: str) -> None:
    message = stun.parse(response)
    assert message.kind == stun.BINDING_SUCCESS
    assert message.has_integrity(PASSWORD)
    assert message.attributes[stun.XOR_MAPPED_ADDRESS] == stun.xor_mapped(
        address_key(host, 32853), message.transaction
    )


@given(
    attributes=st.dictionaries(
        st.integers(0, 0xFFFF).filter(lambda kind: kind not in (stun.MESSAGE_INTEGRITY, stun.FINGERPRINT)),
        st.binary(max_size=40),
        max_size=6,
    ),
    transaction=st.binary(min_size=12, max_size=12),
    key=st.none() | st.binary(min_size=1, max_size=40),
)
def test_what_is_built_is_read_again(attributes: dict[int, bytes], transaction: bytes, key: bytes | None) -> None:
    message = stun.parse(stun.build(stun.BINDING_SUCCESS, transaction, attributes, key))
    assert (message.kind, message.transaction, message.attributes) == (
        stun.BINDING_SUCCESS,
        transaction,
        attributes,
    )
    assert message.fingerprinted
    assert message.has_integrity(key or b"none") == (key is not None)


@given(st.binary(max_size=700) | st.binary(max_size=80).map(lambda tail: REQUEST[:20] + tail))
def test_garbage_is_refused_or_read_never_more(data: bytes) -> None:
    try:
        message = stun.parse(data)
    except BadStun:
        return
    assert sum(4 + len(value) for value in message.attributes.values()) <= len(data) - 20


@given(position=st.integers(0, len(REQUEST) - 1), bit=st.integers(0, 7))
def test_no_bit_can_be_changed_unnoticed(position: int, bit: int) -> None:
    changed = bytearray(REQUEST)
    changed[position] ^= 1 << bit
    try:
        message = stun.parse(bytes(changed))
    except BadStun:
        return
    assert not (message.fingerprinted and message.has_integrity(PASSWORD))


@given(st.integers(0, len(REQUEST) - 1))
def test_a_message_cut_short_is_refused(length: int) -> None:
    with pytest.raises(BadStun):
        stun.parse(REQUEST[:length])


def test_attributes_behind_the_integrity_are_passed_over() -> None:
    """Whoever adds some on the way cannot make himself the nominated source (RFC 8489 section 14.5)."""
    signed = stun.build(stun.BINDING_REQUEST, bytes(12), {stun.USERNAME: b"a:b"}, b"key")[:-8]
    added = signed + bytes.fromhex("00250000")
    header = added[:2] + (len(added) - 20).to_bytes(2, "big") + added[4:]
    message = stun.parse(header)
    assert message.has_integrity(b"key")
    assert stun.USE_CANDIDATE not in message.attributes


def test_too_many_attributes_are_refused() -> None:
    body = bytes.fromhex("80220000") * (stun.MAX_ATTRIBUTES + 1)
    header = bytes.fromhex("0001") + len(body).to_bytes(2, "big") + bytes.fromhex("2112a442") + bytes(12)
    with pytest.raises(BadStun, match="many"):
        stun.parse(header + body)
