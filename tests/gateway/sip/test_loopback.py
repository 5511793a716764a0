"""The whole access layer over real sockets: two gateways by UDP and TCP, a TCP phone, and SIPp."""

from __future__ import annotations

import asyncio
import shutil
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from pathlib import Path

import pytest

from ccplatform.contracts.facts import Fact, SeatRegistered, SeatUnregistered
from ccplatform.contracts.legs import LegAnswered, LegEnded, LegEvent
from ccplatform.contracts.words import ReleaseCause, SeatId, TrunkId
from ccplatform.kernel.clock import SystemClock, VirtualClock
from gateway.sip.message import SipResponse
from gateway.sip.parser import StreamFramer
from gateway.sip.settings import SipSettings
from gateway.sip.trunk import Trunk, TrunkDirection
from tests.gateway.sip.centre import Centre, seat, to_trunk, trunk
from tests.gateway.sip.network import Network
from tests.gateway.sip.raw import RawPeer


class Waiting:
    """Lets a test wait for an event or fact of a centre."""

    def __init__(self, centre: Centre) -> None:
        self.told: asyncio.Queue[LegEvent | Fact] = asyncio.Queue()
        listen, record = centre.on_event, centre.facts.record

        def on_event(event: LegEvent) -> None:
            listen(event)
            self.told.put_nowait(event)

        def on_fact(fact: Fact) -> None:
            record(fact)
            self.told.put_nowait(fact)

        centre.on_event = on_event
        centre.facts.record = on_fact  # type: ignore[method-assign]

    async def next(self, kind: type[object]) -> LegEvent | Fact:
        async with asyncio.timeout(20):
            while True:
                event = await self.told.get()
                if isinstance(event, kind):
                    return event


@asynccontextmanager
async def real_centre(
    trunks: Callable[[], list[Trunk]] = list, host: str = "127.0.0.1", dns_servers: tuple[str, ...] = ()
) -> AsyncIterator[Centre]:
    centre = Centre(
        host,
        SystemClock(),
        None,
        trunks=trunks(),
        seats=[seat(1)],
        settings=SipSettings(
            bind_ip=host,
            port=0,
            ws_port=0,
            t1_seconds=0.1,
            t2_seconds=0.5,
            t4_seconds=0.5,
            dns_servers=dns_servers,
        ),
    )
    await centre.open()
    yield centre
    await centre.access.close()
    await centre.tasks.close()
    assert centre.crashes == []


@pytest.mark.parametrize("host", ["127.0.0.1", "::1"])
@pytest.mark.parametrize("transport", ["UDP", "TCP"])
async def test_two_gateways_talk_over_real_sockets(transport: str, host: str) -> None:
    near = Trunk(id=TrunkId("near"), peers=(host,), direction=TrunkDirection.IN)
    async with real_centre(lambda: [near], host) as called:
        far = Trunk(
            id=to_trunk("far").trunk,
            host=host,
            port=called.access.sip.port,
            transport=transport,
            direction=TrunkDirection.OUT,
        )
        async with real_centre(lambda: [far], host) as calling:
            called.answers_everything(ring=True)
            waiting, there = Waiting(calling), Waiting(called)
            leg = calling.dial(to_trunk("far"))
            await waiting.next(LegAnswered)
            calling.release(leg)
            await there.next(LegEnded)
            assert called.ended() == [(ReleaseCause.NORMAL, True)]


async def test_a_tcp_phone_is_gone_with_its_connection() -> None:
    async with real_centre() as centre:
        waiting = Waiting(centre)
        reader, writer = await asyncio.open_connection("127.0.0.1", centre.access.sip.port)
        local = writer.get_extra_info("sockname")[1]
        peer = RawPeer(Network(VirtualClock()), "127.0.0.1", "127.0.0.1", user="8001", port=local)
        to, uri = "<sip:8001@127.0.0.1>", "sip:127.0.0.1"
        writer.write(_tcp(peer.request("REGISTER", uri=uri, to=to)))
        challenge = await _response(reader)
        writer.write(_tcp(peer.with_credentials("REGISTER", challenge, "secret", uri=uri, to=to)))
        assert (await _response(reader)).status == 200
        await waiting.next(SeatRegistered)
        writer.close()
        gone = await waiting.next(SeatUnregistered)
        assert isinstance(gone, SeatUnregistered)
        assert gone.reason == "connection_lost"


async def test_registrations_over_tcp_outlive_our_own_stop() -> None:
    async with real_centre() as centre:
        waiting = Waiting(centre)
        reader, writer = await asyncio.open_connection("127.0.0.1", centre.access.sip.port)
        peer = RawPeer(Network(VirtualClock()), "127.0.0.1", "127.0.0.1", user="8001")
        to, uri = "<sip:8001@127.0.0.1>", "sip:127.0.0.1"
        writer.write(_tcp(peer.request("REGISTER", uri=uri, to=to)))
        challenge = await _response(reader)
        writer.write(_tcp(peer.with_credentials("REGISTER", challenge, "secret", uri=uri, to=to)))
        await waiting.next(SeatRegistered)
        await centre.access.close()
        assert await reader.read() is not None
        writer.close()
        assert centre.access.seats.reachable(SeatId("seat-01"))
        assert centre.facts_of(SeatUnregistered) == []


@pytest.mark.parametrize("mode", ["u1", "t1"])
async def test_sipps_own_caller_scenario_passes(mode: str, tmp_path: Path) -> None:
    sipp = shutil.which("sipp")
    assert sipp is not None, "install sipp: apt-get install sip-tester"
    async with real_centre(lambda: [trunk("near", "127.0.0.1", capacity=100)]) as centre:
        centre.answers_everything(ring=True)
        process = await asyncio.create_subprocess_exec(
            *(sipp, "-sn", "uac", "-t", mode, "-s", "95000", "-i", "127.0.0.1", "-m", "20", "-r", "50"),
            *("-nostdin", "-timeout", "30", "-timeout_error", f"127.0.0.1:{centre.access.sip.port}"),
            cwd=tmp_path,
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.STDOUT,
        )
        output, _ = await process.communicate()
        assert process.returncode == 0, output.decode(errors="replace")[-3000:]
        assert centre.ended() == [(ReleaseCause.NORMAL, True)] * 20
        assert len(centre.of(LegAnswered)) == 20


async def _response(reader: asyncio.StreamReader) -> SipResponse:
    framer = StreamFramer()
    while True:
        for message in framer.feed(await reader.read(4096)):
            if isinstance(message, SipResponse):
                return message


def _tcp(data: bytes) -> bytes:
    return data.replace(b"SIP/2.0/UDP", b"SIP/2.0/TCP")
