"""tshark reads what the gateway says in calls, registrations and refusals, and finds nothing malformed."""

from __future__ import annotations

import asyncio
import ipaddress
import random
import shutil
import struct
from dataclasses import replace
from pathlib import Path

import pytest

from ccplatform.contracts.legs import TransferStep
from ccplatform.kernel.clock import VirtualClock
from gateway.sip.flows import Flow
from tests.gateway.sip.centre import Centre, seat, to_trunk, trunk
from tests.gateway.sip.messages import VALID, torture
from tests.gateway.sip.network import DELAY, Network
from tests.gateway.sip.test_fuzz import PEER, PHONE, US, Chaos, Ether, reacting
from tests.gateway.sip.test_refer import SeatPhone, accepts, report
from tests.gateway.sip.test_subscriptions import Watcher

#: Raw IP (LINKTYPE_RAW) in a pcap file.
_HEADER = struct.Struct("=IHHiIII")
_RECORD = struct.Struct("=IIII")


class Recorder(Ether):
    """Keeps what the gateway sends."""

    def __init__(self) -> None:
        super().__init__()
        self.all: list[bytes] = []

    def send(self, data: bytes, flow: Flow) -> None:
        super().send(data, flow)
        self.all.append(data)


def pcap(path: Path, datagrams: list[bytes]) -> None:
    """A capture file of UDP datagrams between two hosts on port 5060."""
    with path.open("wb") as file:
        file.write(_HEADER.pack(0xA1B2C3D4, 2, 4, 0, 0, 65535, 101))
        for number, data in enumerate(datagrams):
            udp = struct.pack("!HHHH", 5060, 5060, 8 + len(data), 0) + data
            addresses = ipaddress.ip_address(US).packed + ipaddress.ip_address(PEER).packed
            head = struct.pack("!BBHHHBBH", 0x45, 0, 20 + len(udp), number & 0xFFFF, 0, 64, 17, 0) + addresses
            packet = head + udp
            file.write(_RECORD.pack(number, 0, len(packet), len(packet)) + packet)


async def spoken(seed: int, messages: int) -> list[bytes]:
    """What a gateway sends when it is called, calls, is registered at and hears well-formed nonsense."""
    clock, ether = VirtualClock(), Recorder()
    centre = Centre(US, clock, ether, trunks=[trunk("peer", PEER, capacity=50)], seats=[seat(1)])
    await centre.open()
    reacting(centre, random.Random(seed))
    chaos = Chaos(seed, ether, mutating=False)
    for name, answer in VALID.items():
        if answer is not None:
            ether.give(torture(name), Flow("UDP", PHONE, 5060))
    for _ in range(messages):
        chaos.step(centre, clock)
    clock.advance(100)
    return [data for data in ether.all if len(data) < 60_000]


async def assert_well_formed(path: Path, datagrams: list[bytes]) -> None:
    """Every datagram is SIP to tshark, and none malformed."""
    tshark = shutil.which("tshark")
    assert tshark is not None, "install tshark: apt-get install tshark"
    pcap(path, datagrams)
    columns = ("frame.number", "_ws.malformed", "_ws.expert.message", "sip")
    fields = [part for column in columns for part in ("-e", column)]
    process = await asyncio.create_subprocess_exec(
        *(tshark, "-r", str(path), "-T", "fields", *fields), stdout=asyncio.subprocess.PIPE
    )
    output, _ = await process.communicate()
    assert process.returncode == 0
    rows = [line.split("\t") for line in output.decode().splitlines()]
    assert len(rows) == len(datagrams)
    bad = [(datagrams[int(row[0]) - 1].decode("utf-8", "replace"), row[1:3]) for row in rows if row[1]]
    assert bad == []
    assert all(len(row) > 3 and row[3] for row in rows)


@pytest.mark.parametrize("seed", range(2))
async def test_tshark_finds_nothing_malformed_in_what_we_send(seed: int, tmp_path: Path) -> None:
    datagrams = await spoken(seed, 600)
    assert len(datagrams) > 300
    await assert_well_formed(tmp_path / "sent.pcap", datagrams)


async def test_tshark_reads_transfers_lamps_and_forwarded_calls(
    called: Centre, network: Network, clock: VirtualClock, tmp_path: Path
) -> None:
    sent: list[bytes] = []

    def kept(data: bytes) -> list[float]:
        sent.append(data)
        return [DELAY]

    network.fate = kept
    accepts(called)
    watcher = Watcher(network)
    watcher.subscribe()
    watcher.subscribe("Event: message-summary", uri="sip:8001@10.0.0.2")
    phone = SeatPhone(network, called)
    phone.is_called(clock)
    phone.refer()
    report(called, phone, TransferStep.RINGING)
    report(called, phone, TransferStep.DONE)
    watcher.hear()
    forwarding = replace(called.dialled(to_trunk("near")), forwarded_from=("95000", "8888"))
    called.legs.perform(forwarding)
    clock.advance(1)
    methods = {data.split(b" ", 1)[0] for data in sent}
    assert {b"NOTIFY", b"REFER", b"SUBSCRIBE", b"INVITE"} <= methods
    assert any(b"\r\nHistory-Info: " in data for data in sent)
    await assert_well_formed(tmp_path / "sent.pcap", sent)
