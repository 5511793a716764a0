"""Time slots and RTP over loopback."""

from __future__ import annotations

import socket
import struct
from collections.abc import Iterator

import pytest

from gateway.isdn.bearers import Bearer
from gateway.isdn.line import OCTETS, SILENCE
from gateway.isdn.row_store import FIRST_ROWS, MOST_ROWS
from gateway.media.port import RemoteAudio


@pytest.fixture
def worker() -> Iterator[socket.socket]:
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as made:
        made.bind(("127.0.0.1", 0))
        made.settimeout(5)
        yield made


@pytest.fixture
def bearer(worker: socket.socket) -> Iterator[Bearer]:
    made = Bearer("127.0.0.1", ssrc=0xFFFFFFFF)
    host, port = worker.getsockname()
    made.connect(RemoteAudio(host=host, port=port, codec="PCMA", payload_type=8))
    yield made
    made.close()


def row(number: int) -> bytes:
    return bytes([number]) * OCTETS


def packet(number: int, *, kind: int = 8) -> bytes:
    return struct.pack("!BBHII", 0x80, kind, number, number * OCTETS, 1) + row(number)


def test_rows_of_the_line_are_packets_in_order(bearer: Bearer, worker: socket.socket) -> None:
    for number in range(3):
        bearer.hear(row(number))
    heads = []
    for number in range(3):
        data = worker.recv(2048)
        assert data[12:] == row(number)
        heads.append(struct.unpack("!BBHII", data[:12]))
    assert [head[1] for head in heads] == [0x88, 8, 8]  # the first bears the marker
    assert [head[2] for head in heads] == [0xFFFF, 0, 1]
    assert [head[3] for head in heads] == [0xFFFFFFFF, OCTETS - 1, 2 * OCTETS - 1]


def test_the_line_hears_rows_in_order_after_the_first_have_come(bearer: Bearer, worker: socket.socket) -> None:
    to = bearer.local.host, bearer.local.port
    worker.sendto(packet(1), to)
    assert bearer.say() == SILENCE
    for number in range(2, FIRST_ROWS + 2):
        worker.sendto(packet(number), to)
    assert [bearer.say() for _ in range(FIRST_ROWS + 1)] == [row(number) for number in range(1, FIRST_ROWS + 2)]
    assert bearer.say() == SILENCE
    assert (bearer.rows.lost, bearer.rows.dropped) == (1, 0)


def test_what_is_too_much_is_left_out_and_counted(bearer: Bearer, worker: socket.socket) -> None:
    for number in range(1, MOST_ROWS + 4):
        worker.sendto(packet(number), (bearer.local.host, bearer.local.port))
    assert bearer.say() == row(4)
    assert bearer.rows.dropped == 3


def test_what_is_no_pcma_is_not_heard(bearer: Bearer, worker: socket.socket) -> None:
    to = bearer.local.host, bearer.local.port
    for data in (b"", packet(1)[:-1], packet(2, kind=0), packet(3, kind=101), b"x" * 172):
        worker.sendto(data, to)
    assert [bearer.say() for _ in range(3)] == [SILENCE] * 3


def test_a_canceller_sees_both_ways(worker: socket.socket) -> None:
    class Half:
        def cancel(self, heard: bytes, said: bytes) -> bytes:
            assert said == SILENCE
            return heard[::-1]

    bearer = Bearer("127.0.0.1", ssrc=1, canceller=Half())
    bearer.hear(bytes(range(160)))  # nobody is there yet
    host, port = worker.getsockname()
    bearer.connect(RemoteAudio(host=host, port=port, codec="PCMA", payload_type=8))
    bearer.hear(bytes(range(160)))
    assert worker.recv(2048)[12:] == bytes(reversed(range(160)))
    bearer.close()
