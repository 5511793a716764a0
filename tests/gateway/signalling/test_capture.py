"""tshark reads what is exported: capture files and HEP3, of every transport and both versions of IP."""

from __future__ import annotations

import ipaddress
import struct
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.signalling.hep import hep_packet
from gateway.signalling.pcap import capture
from gateway.sip.flows import Flow
from gateway.sip.parser import parse_message
from tests.gateway.signalling.samples import CONTACT, message, request, response
from tests.support import pcap

SDP = (
    "v=0\r\no=- 1 1 IN IP4 192.0.2.4\r\ns=-\r\nc=IN IP4 192.0.2.4\r\nt=0 0\r\nm=audio 4000 RTP/SAVP 8\r\n"
    "a=crypto:1 AES_CM_128_HMAC_SHA1_80 inline:c2VjcmV0c2VjcmV0c2VjcmV0c2VjcmV0c2VjcmV0\r\n"
)
#: Transport, our address and the peer's.
WAYS = [
    ("UDP", "192.0.2.1:5060", "192.0.2.4:5062"),
    ("TCP", "192.0.2.1:5060", "192.0.2.4:49152"),
    ("TLS", "192.0.2.1:5061", "192.0.2.4:49153"),
    ("WS", "192.0.2.1:5066", "192.0.2.4:49154"),
    ("WSS", "192.0.2.1:5066", "192.0.2.4:49155"),
    ("UDP", "[2001:db8::1]:5060", "[2001:db8::4]:5060"),
    ("TLS", "[2001:db8::1]:5061", "[2001:db8::4]:49156"),
    ("UDP", "192.0.2.1:5060", "[2001:db8::4]:5060"),
    ("UDP", "127.0.0.1:40000", "127.0.0.1:40001"),
]


def dialogue(transport: str, local: str, remote: str) -> list[Any]:
    way: dict[str, Any] = {"transport": transport, "local": local, "remote": remote}
    digest = 'Digest username="8001", realm="r", nonce="n", uri="sip:r", response="0123456789abcdef"'
    return [
        message(request(extra="Content-Type: application/sdp\r\n", body=SDP), **way),
        message(response(100), 2, outgoing=True, **way),
        message(request("REGISTER", extra=f"Authorization: {digest}\r\n"), 3, **way),
        message(request("INFO", extra="Content-Type: application/dtmf-relay\r\n", body="Signal=5\r\n"), 4, **way),
        message(request("BYE"), 5, outgoing=True, **way),
    ]


@pytest.mark.parametrize("way", WAYS, ids=lambda way: f"{way[0]} {way[2]}")
def test_a_capture_file_is_read_without_complaint(tmp_path: Path, way: tuple[str, str, str]) -> None:
    messages = dialogue(*way)
    file = tmp_path / "a.pcap"
    file.write_bytes(capture(messages))
    packets = pcap.read(file, "-o", "udp.check_checksum:TRUE", "-o", "ip.check_checksum:TRUE")
    assert [pcap.complaints(packet) for packet in packets] == [[]] * len(messages)
    for packet, one in zip(packets, messages, strict=True):
        assert packet["sip"]["sip.msg_hdr_tree"]["sip.Call-ID"] == one.call_id
        version = "ipv6" if "ipv6" in packet else "ip"
        source = f"{packet[version][f'{version}.src']}:{packet['udp']['udp.srcport']}"
        expected = (one.local if one.outgoing else one.remote).replace("[", "").replace("]", "")
        assert source.removeprefix("::ffff:") == expected
        assert packet["udp"]["udp.checksum.status"] == "1"
    stamps = [float(packet["frame"]["frame.time_relative"]) for packet in packets]
    assert stamps == [0, 1, 2, 3, 4]
    text = file.read_bytes()
    assert all(secret not in text for secret in (b"0123456789abcdef", b"c2VjcmV0", b"Signal=5"))


def chunks_of(packet: bytes) -> dict[int, bytes]:
    """A HEP3 packet, taken apart."""
    assert packet[:4] == b"HEP3"
    assert struct.unpack("!H", packet[4:6])[0] == len(packet)
    chunks, at = {}, 6
    while at < len(packet):
        vendor, kind, length = struct.unpack_from("!HHH", packet, at)
        assert vendor == 0
        assert kind not in chunks
        chunks[kind] = packet[at + 6 : at + length]
        at += length
    assert at == len(packet)
    return chunks


@pytest.mark.parametrize("way", WAYS, ids=lambda way: f"{way[0]} {way[2]}")
def test_hep_tells_addresses_time_and_message(tmp_path: Path, way: tuple[str, str, str]) -> None:
    messages = dialogue(*way)
    packets = [hep_packet(one, capture_id=2001, password="open", correlation=CONTACT) for one in messages]
    for packet, one in zip(packets, messages, strict=True):
        chunks = chunks_of(packet)
        family, first, second = (2, 3, 4) if 3 in chunks else (10, 5, 6)
        assert chunks[1] == bytes([family])
        assert chunks[2] == bytes([17 if one.transport == "UDP" else 6])
        ends = [
            (ipaddress.ip_address(chunks[host]), struct.unpack("!H", chunks[port])[0])
            for host, port in ((first, 7), (second, 8))
        ]
        shown = [f"{getattr(host, 'ipv4_mapped', None) or host}:{port}" for host, port in ends]
        wanted = [one.remote, one.local] if not one.outgoing else [one.local, one.remote]
        assert shown == [address.replace("[", "").replace("]", "") for address in wanted]
        assert struct.unpack("!II", chunks[9] + chunks[10]) == (int(one.at.timestamp()), 0)
        assert (chunks[11], chunks[12], chunks[14]) == (b"\1", struct.pack("!I", 2001), b"open")
        assert chunks[17] == CONTACT.encode()
    file = tmp_path / "payloads.pcap"
    us, them = ("192.0.2.1", 5060), ("192.0.2.4", 5060)
    pcap.write(file, [(us, them, chunks_of(packet)[15]) for packet in packets])
    assert [pcap.complaints(packet) for packet in pcap.read(file)] == [[]] * len(messages)


def test_what_is_not_set_is_not_in_a_hep_packet() -> None:
    chunks = chunks_of(hep_packet(message(), capture_id=7, password="", correlation=""))
    assert chunks[15] == request()
    assert not {14, 17} & chunks.keys()


@given(st.binary(max_size=70_000 // 40), st.integers(1, 40))
def test_whatever_was_received_frames_have_the_length_that_they_say(data: bytes, times: int) -> None:
    one = message(request() + data * times)
    out = capture([one])
    length = struct.unpack_from("<I", out, 24 + 8)[0]
    assert len(out) == 24 + 16 + length
    total, udp = struct.unpack_from("!H", out, 40 + 14 + 2)[0], struct.unpack_from("!H", out, 40 + 14 + 20 + 4)[0]
    assert total == length - 14 <= 65_535
    assert udp == total - 20


def test_flows_write_addresses_as_capture_reads_them() -> None:
    for host in ("192.0.2.4", "2001:db8::4"):
        assert parse_message(request())
        assert capture([message(remote=Flow("UDP", host, 5060).address(), local="[2001:db8::1]:1")])
