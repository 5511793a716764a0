"""From the control process's rows to memory and to a capture server."""

from __future__ import annotations

import asyncio
import socket
from datetime import timedelta

import pytest
from pydantic import SecretStr

from ccplatform.kernel.clock import SystemClock, VirtualClock
from ccplatform.kernel.tasks import TaskSupervisor
from gateway.signalling import exporter
from gateway.signalling.exporter import HepExporter
from gateway.signalling.selection import Selection
from gateway.signalling.service import SignallingService
from gateway.signalling.settings import HepSettings, SignallingSettings
from gateway.sip.parser import parse_message
from gateway.sip.tap import MAX_WAITING_BYTES, PAUSE_SECONDS, SignallingTap, TappedRow
from gateway.sip.trace import Seen
from tests.gateway.signalling.samples import CONTACT, message, request, row


def test_rows_are_masked_numbered_and_timed() -> None:
    clock = VirtualClock()
    service = SignallingService(SignallingSettings(), clock=clock)
    service.linked()
    clock.advance(10)
    secret = request("INFO", extra="Content-Type: application/dtmf\r\n", body="5")
    service.take([row(request(), at=clock.now() - 4), row(secret, at=clock.now(), contact=CONTACT)])
    second, first = service.memory.newest_first(None, Selection())
    assert first.at == clock.wall() - timedelta(seconds=4)
    assert second.text.endswith("\r\n\r\n***")
    assert second.number == first.number + 1
    assert (first.contact, second.contact) == (None, CONTACT)
    assert service.memory.covers_from == clock.wall() - timedelta(seconds=10)


def test_numbers_of_a_later_process_are_above_those_of_an_earlier_one() -> None:
    clock = VirtualClock()
    services = []
    for _ in range(2):
        services.append(SignallingService(SignallingSettings(), clock=clock))
        services[-1].take([row(request(), at=clock.now())] * 1000)
        clock.advance(1)
    newest = [service.memory.last_number for service in services]
    assert newest[1] - 1000 > newest[0]


async def test_every_message_goes_to_the_capture_server() -> None:
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as server:
        server.bind(("127.0.0.1", 0))
        server.setblocking(False)
        clock, tasks = SystemClock(), TaskSupervisor(SystemClock())
        hep = HepSettings(host="127.0.0.1", port=server.getsockname()[1], password=SecretStr("open sesame"))
        service = SignallingService(SignallingSettings(hep=hep), clock=clock)
        service.start(tasks)
        service.take([row(request(), at=clock.now()), row(request("BYE"), at=clock.now())])
        loop = asyncio.get_running_loop()
        packets = [await loop.sock_recv(server, 65536) for _ in range(2)]
        await tasks.close()
    assert [packet[:4] for packet in packets] == [b"HEP3"] * 2
    assert [b"open sesame" in packet for packet in packets] == [True] * 2
    assert packets[1].endswith(request("BYE"))
    assert service.exporter is not None
    assert (service.exporter.sent, service.exporter.dropped) == (2, 0)


def test_what_does_not_go_is_dropped_and_counted(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(exporter, "MAX_WAITING", 3)
    sender = HepExporter(HepSettings(host="192.0.2.9"), clock=VirtualClock())
    for _ in range(5):
        sender.put(message())
    assert sender.dropped == 2


def test_a_tap_hands_over_in_batches_and_only_when_somebody_watches() -> None:
    clock, batches = VirtualClock(), list[list[TappedRow]]()
    tap = SignallingTap(clock)
    seen = Seen(parse_message(request()), request(), "UDP", "192.0.2.1:5060", "192.0.2.4:5060", False)

    def pass_by() -> None:
        tap.seen(seen, clock.now(), "")

    pass_by()
    tap.deliver = batches.append
    clock.advance(1)
    assert batches == []
    pass_by()
    pass_by()
    clock.advance(PAUSE_SECONDS)
    expected = (1.0, False, "UDP", "192.0.2.1:5060", "192.0.2.4:5060", "", request())
    assert [[entry[1:] for entry in batch] for batch in batches] == [[expected[1:]] * 2]
    pass_by()
    tap.close()
    assert len(batches) == 2


def test_a_tap_never_holds_more_than_its_bound() -> None:
    clock, batches = VirtualClock(), list[list[TappedRow]]()
    tap = SignallingTap(clock)
    tap.deliver = batches.append
    data = request(body="x" * 60_000)
    seen = Seen(parse_message(data), data, "UDP", "192.0.2.1:5060", "192.0.2.4:5060", False)
    for _ in range(100):
        tap.seen(seen, clock.now(), "")
    tap.close()
    (batch,) = batches
    assert sum(len(entry[-1]) for entry in batch) <= MAX_WAITING_BYTES
    assert len(batch) + tap.dropped == 100
