"""Calls through the media engine that carry recorded speech, in virtual time or over sockets."""

from __future__ import annotations

import asyncio
import selectors
import socket
import struct
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final
from unittest import mock

import numpy as np

from bench.speech import Sample
from ccplatform.contracts.legs import LegQuality
from ccplatform.contracts.media import Bridge
from ccplatform.contracts.words import CallId, LegId
from ccplatform.kernel.clock import SystemClock, VirtualClock
from ccplatform.kernel.tasks import TaskSupervisor
from ccplatform.proof.networks import Network
from gateway.media.addresses import address_key, parts_of
from gateway.media.audio import TICK_SECONDS, Array, Bytes, Mask, Pcm, Rows
from gateway.media.client import MediaPool
from gateway.media.codecs import CODECS, Codec
from gateway.media.engine import Engine
from gateway.media.g711 import Law, decode, encode
from gateway.media.hot_path import Streams
from gateway.media.native import LIBRARY, NativeHotPath
from gateway.media.packet_io import Slots, Watch
from gateway.media.port import RemoteAudio
from gateway.media.rtp import HEADER_BYTES
from gateway.media.settings import MediaSettings
from tests.gateway.media.workers import WorkerProcess
from tests.support.impairment import ImpairedLink

_HEADER: Final = struct.Struct("!BBHII")
_PCMA: Final = 8
_RTCP: Final = range(192, 224)  # types of packets that are no RTP (RFC 5761 section 4)
_G711: Final = CODECS["PCMA"]
_HOST: Final = "127.0.0.1"
_AFTER: Final = 1.0  # seconds that the calls go on after the last packet was sent


@dataclass(frozen=True, slots=True)
class Call:
    """What the agent heard, and what the engine measured on the caller's leg."""

    heard: Pcm
    quality: LegQuality | None


def coded(codec: Codec, pcm: Pcm, loss: float = 0.0) -> list[bytes]:
    """The payloads of some sound at the codec's rate, 20 ms each, of a coder that was told of so much ``loss``."""
    size = codec.rate // 50
    frames = pcm[: len(pcm) // size * size].reshape(-1, size)
    if codec.coder is None:
        return [payload.tobytes() for payload in encode(codec.law or Law.PCMA, frames)]
    coder = codec.coder(codec.fmtp)
    coder.expect_loss(loss)
    return [coder.encode(frame) for frame in frames]


def decoded(codec: Codec, payloads: list[bytes]) -> Pcm:
    """What a receiver hears that gets all of them."""
    if codec.coder is None:
        return decode(codec.law or Law.PCMA, np.frombuffer(b"".join(payloads), dtype=np.uint8))
    coder = codec.coder(codec.fmtp)
    return np.concatenate([coder.decode(payload) for payload in payloads])


def _packets(sample: Sample, ssrc: int, codec: Codec = _G711, loss: float = 0.0) -> list[bytes]:
    kind, step = codec.payload_type, codec.clock // 50
    return [
        _HEADER.pack(0x80, kind, 65530 + number & 0xFFFF, 0xFFFFF000 + number * step & 0xFFFFFFFF, ssrc) + payload
        for number, payload in enumerate(coded(codec, sample.pcm, loss))
    ]


# --- virtual time -----------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True, order=True)
class _Flying:
    arrival: float
    caller: int
    data: bytes


class _Wire(NativeHotPath):
    """The engine's sockets, in memory: gives it what has arrived by now and keeps what it sends.

    All else is done by the compiled helper, as in a worker.
    """

    name = "in memory"

    def __init__(self, flying: list[_Flying]) -> None:
        super().__init__(LIBRARY)
        self._flying = sorted(flying, reverse=True)
        self.row_of: dict[int, int] = {}  # of the callers
        self.sent: dict[int, list[bytes]] = {}

    def receive(
        self,
        slots: Slots,
        watch: Watch,
        first: int,
        per_socket: int,
        offset: float,
        now: float,
        streams: Streams | None,
    ) -> int:
        """See :class:`HotPath`."""
        total, turns = 0, dict.fromkeys(self.row_of.values(), 0)
        while self._flying and self._flying[-1].arrival <= now:
            packet = self._flying.pop()
            row = self.row_of[packet.caller]
            slots.packets[total, : len(packet.data)] = np.frombuffer(packet.data, dtype=np.uint8)
            slots.length[total], slots.truncated[total], slots.row[total] = len(packet.data), False, row
            slots.turn[total], turns[row] = turns[row], turns[row] + 1
            slots.source[total] = parts_of(address_key(_HOST, _port(packet.caller)))
            slots.arrival[total] = packet.arrival
            total += 1
        return total

    def send(
        self, fds: Array, rows: Rows, packets: Bytes, lengths: Array, names: Array, connected: Mask, sent: Array
    ) -> None:
        """See :class:`HotPath`."""
        for row in rows.tolist():
            if packets[row, 1] not in _RTCP:
                self.sent.setdefault(row, []).append(packets[row, HEADER_BYTES : lengths[row]].tobytes())


def _port(leg: int) -> int:
    return 40000 + 2 * leg


def virtual_calls(
    speech: list[Sample],
    network: Network,
    seed: int,
    caller_codec: Codec = _G711,
    agent_codec: Codec = _G711,
    told_loss: float = 0.0,
) -> Iterator[Call]:
    """Every sample in a call of its own, all through one engine; the result depends on nothing but the seed.

    ``told_loss`` is what callers know of the network's loss by our reports.
    """
    generator = np.random.default_rng([seed, 862])
    clock = VirtualClock()
    begin = clock.now()
    flying = []
    for caller, sample in enumerate(speech):
        packets = _packets(sample, caller + 1, caller_codec, told_loss)
        sent_at = begin + generator.uniform(0, TICK_SECONDS) + np.arange(len(packets)) * TICK_SECONDS
        arrivals = sent_at + network.fates(generator, len(packets))
        flying += [
            _Flying(arrival, caller, data)
            for arrival, data in zip(arrivals.tolist(), packets, strict=True)
            if arrival != np.inf
        ]
    wire = _Wire(flying)
    settings = MediaSettings(rtp_ports="42000-43999")
    with mock.patch("gateway.media.parts.find_hot_path", return_value=wire):
        engine = Engine(settings=settings, ports=settings.ports_of(0), clock=clock, emit=lambda event: None)
    codecs = (caller_codec, agent_codec)
    agents = [_open_call(engine, wire, caller, codecs) for caller in range(len(speech))]
    longest = max(len(sample.pcm) for sample in speech) / caller_codec.rate
    longest += (network.delay_ms + network.jitter_ms) / 1000
    for _ in range(round((longest + _AFTER) / TICK_SECONDS)):
        clock.advance(TICK_SECONDS)
        engine.tick(clock.now(), clock.now(), 0)
    for caller, row in enumerate(agents):
        quality = engine.close_leg(engine.legs.by_id[LegId(f"caller{caller}")])
        yield Call(decoded(agent_codec, wire.sent[row]), quality)
    engine.close()


def _open_call(engine: Engine, wire: _Wire, number: int, codecs: tuple[Codec, Codec] = (_G711, _G711)) -> int:
    """Bridge a caller and an agent; the agent's row."""
    legs = []
    for name, port, codec in zip(("caller", "agent"), (_port(number), _port(number) + 10000), codecs, strict=True):
        engine.open_leg(CallId(f"{number}"), LegId(f"{name}{number}"))
        leg = engine.legs.by_id[LegId(f"{name}{number}")]
        kind = codec.payload_type
        remote = RemoteAudio(host=_HOST, port=port, codec=codec.name, payload_type=kind, fmtp=codec.fmtp)
        engine.connect_leg(leg, remote)
        legs.append(leg)
    engine.routing.bridge(*legs)
    wire.row_of[number] = legs[0].row
    return legs[1].row


# --- real time --------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class RealTime:
    """Calls over sockets, and what a busy machine did to them: ``overruns`` of the worker's ticks, and packets of
    callers that left ``late_seconds`` after their time at worst."""

    calls: list[Call]
    overruns: int
    late_seconds: float


def real_time_calls(speech: list[Sample], network: Network) -> RealTime:
    """The same over sockets: a worker process, and for each call a caller, an impaired link and an agent."""
    sys.setswitchinterval(0.0005)  # links and callers are threads of this process
    with tempfile.TemporaryDirectory() as folder:
        settings = MediaSettings(rtp_ports="42000-43999")
        path = Path(folder) / "media"
        worker = WorkerProcess(settings, path)
        try:
            return asyncio.run(_in_real_time(str(path), speech, network))
        finally:
            worker.stop()


async def _in_real_time(path: str, speech: list[Sample], network: Network) -> RealTime:
    clock = SystemClock()
    pool = MediaPool(sockets=[path], listener=lambda event: None, clock=clock, tasks=TaskSupervisor(clock))
    await pool.start()
    agents = [_udp() for _ in speech]
    links = []
    for number, agent in enumerate(agents):
        caller_leg, agent_leg = LegId(f"caller{number}"), LegId(f"agent{number}")
        entry = await _ask(pool.open_leg, CallId(f"{number}"), caller_leg)
        await _ask(pool.open_leg, CallId(f"{number}"), agent_leg)
        links.append(ImpairedLink(network, (entry.host, entry.port), seed=number))
        for leg, udp in ((caller_leg, links[-1].far), (agent_leg, agent)):
            port = int(udp.getsockname()[1])
            pool.connect_leg(leg, RemoteAudio(host=_HOST, port=port, codec="PCMA", payload_type=_PCMA))
        pool.perform(Bridge(a=caller_leg, b=agent_leg))
    heard, late = await asyncio.to_thread(_talk, speech, [link.near.getsockname() for link in links], agents)
    calls = [Call(pcm, await _ask(pool.close_leg, LegId(f"caller{index}"))) for index, pcm in enumerate(heard)]
    overruns = sum(worker.stats.overruns for worker in pool.workers if worker.stats is not None)
    await pool.close()
    for link in links:
        link.close()
    for agent in agents:
        agent.close()
    return RealTime(calls, overruns, max(late, *(link.late_seconds for link in links)))


async def _ask(ask: Callable[..., None], *arguments: object) -> Any:
    answer: asyncio.Future[Any] = asyncio.get_running_loop().create_future()
    ask(*arguments, answer.set_result)
    return await answer


def _talk(speech: list[Sample], to: list[tuple[str, int]], agents: list[socket.socket]) -> tuple[list[Pcm], float]:
    """Send every caller's packets at their time; what the agents got, in order, and how late a packet left."""
    packets = [_packets(sample, ssrc=number + 1) for number, sample in enumerate(speech)]
    phases = np.random.default_rng(7).uniform(0, TICK_SECONDS, len(speech))
    plan = sorted(
        (float(phase) + index * TICK_SECONDS, number, data)
        for number, (stream, phase) in enumerate(zip(packets, phases, strict=True))
        for index, data in enumerate(stream)
    )
    got: list[list[bytes]] = [[] for _ in agents]
    with _udp() as udp, selectors.DefaultSelector() as selector:
        for number, agent in enumerate(agents):
            agent.setblocking(False)
            selector.register(agent, selectors.EVENT_READ, number)
        begin, latest = time.monotonic(), 0.0
        for due, number, data in [*plan, (plan[-1][0] + _AFTER, -1, b"")]:
            while (left := begin + due - time.monotonic()) > 0:
                for key, _ in selector.select(left):
                    got[key.data].append(agents[key.data].recv(2048)[HEADER_BYTES:])
            if data:
                latest = max(latest, -left)
                udp.sendto(data, to[number])
    return [decode(Law.PCMA, np.frombuffer(b"".join(payloads), dtype=np.uint8)) for payloads in got], latest


def _udp() -> socket.socket:
    udp = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    udp.bind((_HOST, 0))
    return udp
