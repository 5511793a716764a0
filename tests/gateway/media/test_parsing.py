"""RTP, RTCP and telephone-event parsers: whatever comes, they answer or refuse, and never read beyond."""

from __future__ import annotations

import struct

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.media import rtcp
from gateway.media.errors import BadRtcp
from gateway.media.packet_io import MAX_PACKET
from gateway.media.rtp import HEADER_BYTES, parse
from gateway.media.telephone_event import DigitListener


def _parse(*packets: bytes, truncated: bool = False) -> tuple[list[bool], list[bytes]]:
    buffer = np.zeros((len(packets), MAX_PACKET), dtype=np.uint8)
    for index, packet in enumerate(packets):
        buffer[index, : len(packet)] = np.frombuffer(packet, dtype=np.uint8)
    length = np.array([len(packet) for packet in packets], dtype=np.int32)
    headers = parse(buffer, length, np.full(len(packets), truncated))
    payloads = [
        buffer[index, HEADER_BYTES : HEADER_BYTES + size].tobytes()
        for index, size in enumerate(headers.payload_length.tolist())
    ]
    return headers.valid.tolist(), payloads


@given(
    payload=st.binary(max_size=480),
    csrcs=st.integers(0, 15),
    extension=st.none() | st.integers(0, 10),
    padding=st.integers(0, 20),
)
def test_the_payload_is_found_behind_csrcs_extension_and_before_padding(
    payload: bytes, csrcs: int, extension: int | None, padding: int
) -> None:
    flags = 0x80 | csrcs | (0x10 if extension is not None else 0) | (0x20 if padding else 0)
    packet = struct.pack("!BBHII", flags, 8, 1, 2, 3) + b"\xaa" * 4 * csrcs
    if extension is not None:
        packet += struct.pack("!HH", 0xBEDE, extension) + b"\xbb" * 4 * extension
    packet += payload
    if padding:
        packet += b"\xcc" * (padding - 1) + bytes([padding])
    if len(packet) <= MAX_PACKET:
        assert _parse(packet) == ([True], [payload])


@given(st.lists(st.binary(max_size=MAX_PACKET), min_size=1, max_size=8))
def test_garbage_is_valid_only_within_its_own_length(packets: list[bytes]) -> None:
    valid, payloads = _parse(*packets)
    for good, packet, payload in zip(valid, packets, payloads, strict=True):
        if good:
            assert packet[0] >> 6 == 2
            assert payload in packet


def test_truncated_packets_are_not_rtp() -> None:
    packet = struct.pack("!BBHII", 0x80, 8, 1, 2, 3) + bytes(160)
    assert _parse(packet, truncated=True)[0] == [False]


_COUNT = st.integers(0, 0xFFFFFFFF)


@given(
    ssrc=_COUNT,
    sender=st.none()
    | st.builds(
        rtcp.SenderInfo, ntp=st.integers(0, 2**64 - 1), rtp_timestamp=_COUNT, packets=_COUNT, octets=_COUNT
    ),
    block=st.none()
    | st.builds(
        rtcp.ReportBlock,
        ssrc=_COUNT,
        fraction_lost=st.integers(0, 255),
        lost=st.integers(-0x800000, 0x7FFFFF),
        highest=_COUNT,
        jitter=_COUNT,
        last_report=_COUNT,
        delay=_COUNT,
    ),
    ends=st.booleans(),
)
def test_what_is_built_is_parsed_again(
    ssrc: int, sender: rtcp.SenderInfo | None, block: rtcp.ReportBlock | None, ends: bool
) -> None:
    data = rtcp.build(ssrc, "name", sender, block) + (rtcp.goodbye(ssrc) if ends else b"")
    assert len(data) % 4 == 0
    (report,) = rtcp.parse(data)
    assert report == rtcp.Report(ssrc=ssrc, sender=sender, blocks=(block,) if block else ())


@given(st.binary(max_size=200))
def test_garbage_rtcp_is_refused(data: bytes) -> None:
    try:
        reports = rtcp.parse(data)
    except BadRtcp:
        return
    assert len(data) % 4 == 0
    assert reports


@given(st.binary(min_size=1, max_size=8), st.integers(0, 80))
def test_damaged_rtcp_is_refused_or_read_within_bounds(damage: bytes, at: int) -> None:
    block = rtcp.ReportBlock(ssrc=1, fraction_lost=0, lost=0, highest=0, jitter=0, last_report=0, delay=0)
    data = bytearray(rtcp.build(5, "name", None, block))
    data[at : at + len(damage)] = damage
    try:
        rtcp.parse(bytes(data))
    except BadRtcp:
        return


@pytest.mark.parametrize(
    "data", [b"", b"\x80\xc9\x00\x01", b"\x80\xca\x00\x01\x00\x00\x00\x01", b"\x81\xc9\x00\x01" + bytes(4)]
)
def test_packets_that_are_no_compound_report_are_refused(data: bytes) -> None:
    with pytest.raises(BadRtcp):
        rtcp.parse(data)


@given(st.lists(st.tuples(st.binary(max_size=8), _COUNT, st.floats(0, 1000)), max_size=40))
def test_any_telephone_events_yield_only_digits(packets: list[tuple[bytes, int, float]]) -> None:
    heard: list[str] = []
    listener = DigitListener(lambda digit, at: heard.append(digit))
    for payload, timestamp, arrival in packets:
        listener.packet(payload, timestamp, arrival)
        listener.tick(arrival)
    listener.tick(1e6)
    assert set(heard) <= set("0123456789*#ABCD")
    assert len(heard) <= len(packets)
