"""HEP3 read by programs that we did not write: Kamailio's capture module, which Homer began with, and sngrep."""

from __future__ import annotations

import asyncio
import os
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress

import pytest
from pydantic import SecretStr

from ccplatform.kernel.clock import SystemClock
from gateway.signalling.exporter import HepExporter
from gateway.signalling.settings import HepSettings
from tests.gateway.signalling.samples import BEGIN, message, request, response
from tests.support.kamailio import CaptureServer
from tests.support.milestone import until
from tests.support.ports import free_port

#: Transport, our address and the peer's; what Kamailio calls them (its own numbers of protocol and family).
WAYS = [
    ("UDP", "192.0.2.1:5060", "192.0.2.4:5062", "1", "2"),
    ("TCP", "192.0.2.1:5060", "192.0.2.4:49152", "2", "2"),
    ("TLS", "192.0.2.1:5061", "192.0.2.4:49153", "2", "2"),
    ("UDP", "[2001:db8::1]:5060", "[2001:db8::4]:5060", "1", "10"),
]


@asynccontextmanager
async def exporting(port: int, password: str = "") -> AsyncIterator[HepExporter]:
    settings = HepSettings(host="127.0.0.1", port=port, capture_id=2001, password=SecretStr(password))
    exporter = HepExporter(settings, clock=SystemClock())
    running = asyncio.create_task(exporter.run())
    yield exporter
    running.cancel()
    with suppress(asyncio.CancelledError):
        await running


async def test_a_capture_server_stores_who_sent_what_to_whom_and_when() -> None:
    async with CaptureServer() as server, exporting(server.port, "open") as exporter:
        for number, (transport, local, remote, _, _) in enumerate(WAYS):
            ends = {"transport": transport, "local": local, "remote": remote, "contact": "contact-1"}
            exporter.put(message(request(call_id=f"c{number}@b"), number, **ends))
            exporter.put(message(response(), number, outgoing=True, **ends))
        rows = await server.captured(2 * len(WAYS))
    assert len(rows) == 2 * len(WAYS)
    for number, (_, local, remote, protocol, family) in enumerate(WAYS):
        asked, answered = rows[2 * number : 2 * number + 2]
        assert (asked["method"], asked["callid"], asked["cseq"]) == ("INVITE", f"c{number}@b", "7 INVITE")
        assert (answered["method"], answered["reply_reason"]) == ("200", "Word")
        for row, source, target in ((asked, remote, local), (answered, local, remote)):
            assert (row["proto"], row["family"], row["node"]) == (protocol, family, "tests:2001")
            assert f"{row['source_ip']}:{row['source_port']}" == source.replace("[", "").replace("]", "")
            assert f"{row['destination_ip']}:{row['destination_port']}" == target.replace("[", "").replace("]", "")
            assert (row["correlation_id"], int(row["date"])) == ("contact-1", BEGIN.timestamp() + number)
        assert asked["msg"].encode() == request(call_id=f"c{number}@b")


@pytest.mark.skipif(os.geteuid() != 0, reason="sngrep opens a device besides")
async def test_sngrep_sees_the_calls() -> None:
    port = free_port()
    sngrep = await asyncio.create_subprocess_exec(
        *("sngrep", "-F", "-N", "-d", "nflog", "-L", f"udp:127.0.0.1:{port}"),
        stdin=asyncio.subprocess.PIPE,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.STDOUT,
    )
    said = bytearray()

    async def listen() -> None:
        assert sngrep.stdout is not None
        while piece := await sngrep.stdout.read(1000):
            said.extend(piece)

    hearing = asyncio.create_task(listen())
    try:
        await until(lambda: b"Dialog count: 0" in said, lambda: f"sngrep listens: {said[-500:]!r}")
        async with exporting(port) as exporter:
            for number, (transport, local, remote, _, _) in enumerate(WAYS):
                data = request(call_id=f"c{number}@b")
                exporter.put(message(data, transport=transport, local=local, remote=remote))
                exporter.put(message(data, transport=transport, local=local, remote=remote))
            wanted = f"Dialog count: {len(WAYS)}".encode()
            await until(lambda: wanted in said, lambda: f"sngrep sees {len(WAYS)} calls: {said[-500:]!r}")
    finally:
        sngrep.kill()
        await sngrep.wait()
        await hearing
