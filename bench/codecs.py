"""What each codec costs; run with ``python -m bench.codecs``.

First the coders alone: 20 ms of speech-like sound, encoded and decoded, and the filter bank per leg. Then whole
calls: an engine in this process with ``--calls`` bridged calls of two legs, whose peers send real packets over
loopback. Only the CPU time of the engine's ticks counts: receive, decode, jitter buffer, concealment, mix, encode,
send. All figures are CPU time of one core; the packets are made before the measurement.
"""

from __future__ import annotations

import argparse
import os
import time
from collections.abc import Callable

import numpy as np

from ccplatform.contracts.words import CallId, LegId
from ccplatform.kernel.clock import VirtualClock
from gateway.media.audio import Pcm
from gateway.media.bands import WIDE_FRAME, Bands
from gateway.media.codecs import CODECS, Codec, usable_codecs
from gateway.media.engine import Engine
from gateway.media.g711 import encode
from gateway.media.settings import MediaSettings
from tests.gateway.media.peers import Peer
from tests.gateway.media.wide import WidePeer

_TICK = 0.02
_PAIRS = (("PCMA", "PCMU"), ("PCMA", "G722"), ("G722", "G722"), ("opus", "G722"), ("opus", "opus"))


def _speech(rate: int, seconds: float) -> Pcm:
    """A voice with a moving pitch, syllables and noise."""
    time_ = np.arange(round(seconds * rate)) / rate
    pitch = 2 * np.pi * np.cumsum(140 + 60 * np.sin(2 * np.pi * 1.5 * time_)) / rate
    voice = sum(np.sin(k * pitch + k) / k for k in range(1, rate // 500)) * (1 + np.sin(2 * np.pi * 4 * time_))
    noise = np.random.default_rng(1).normal(0, 100, len(time_))
    return np.asarray(voice * 2000 + noise, dtype=np.int16)


def _micros(work: Callable[[], object], times: int) -> float:
    """CPU microseconds of one of ``times`` steps of the work, the best of three rounds."""
    best = float("inf")
    for _ in range(3):
        begin = time.process_time()
        work()
        best = min(best, time.process_time() - begin)
    return best / times * 1e6


def _coders(codecs: tuple[Codec, ...]) -> None:
    print("# codec    encode µs  decode µs  payload octets (mean)   per 20 ms of one leg")
    frames = _speech(16000, 2.0).reshape(-1, WIDE_FRAME)
    for codec in codecs:
        if codec.coder is None:
            continue
        coder = codec.coder("useinbandfec=1")
        payloads = [coder.encode(frame) for frame in frames]
        encoding = _micros(lambda coder=coder: [coder.encode(frame) for frame in frames], len(frames))  # type: ignore[misc]
        decoding = _micros(
            lambda coder=coder, payloads=payloads: [coder.decode(payload) for payload in payloads],  # type: ignore[misc]
            len(frames),
        )
        size = sum(map(len, payloads)) / len(payloads)
        print(f"{codec.name:9} {encoding:10.1f} {decoding:10.1f} {size:10.1f}")
    for legs in (1, 10, 100):
        bands, rows = Bands(), np.arange(legs)
        bands.grow(legs)
        wide = np.tile(frames[5], (legs, 1))
        low, high = bands.split(rows, wide)
        split = _micros(lambda b=bands, r=rows, w=wide: [b.split(r, w) for _ in range(50)], 50 * legs)  # type: ignore[misc]
        joint = _micros(
            lambda b=bands, r=rows, lo=low, hi=high: [b.join(r, lo, hi) for _ in range(50)],  # type: ignore[misc]
            50 * legs,
        )
        print(f"bands of {legs:3} legs: split {split:.1f} µs, join {joint:.1f} µs a leg")


def _calls(pair: tuple[str, str], calls: int, seconds: float) -> None:
    settings = MediaSettings(rtp_ports="30000-39999")
    clock = VirtualClock()
    engine = Engine(settings=settings, ports=settings.ports_of(0), clock=clock, emit=lambda event: None)
    peers = [_leg(engine, index, CODECS[pair[index % 2]]) for index in range(2 * calls)]
    for call in range(calls):
        engine.routing.bridge(*(engine.legs.by_id[LegId(f"{2 * call + side}")] for side in (0, 1)))
    rounds = round(seconds / _TICK)
    payloads = {name: _payloads(CODECS[name], rounds + 50) for name in pair}
    packets = [_packets(peer, payloads[pair[index % 2]]) for index, peer in enumerate(peers)]
    spent: list[float] = []
    for round_ in range(rounds + 50):
        for peer, own in zip(peers, packets, strict=True):
            peer.send(own[round_])
            peer.listen()
            peer.packets.clear()
        clock.advance(_TICK)
        begin = time.process_time()
        engine.tick(clock.now(), time.time(), 0)
        spent.append(time.process_time() - begin)
    spent = spent[50:]
    cost = float(np.median(spent)) / calls
    print(
        f"{pair[0]:>5} - {pair[1]:5} {calls:5} {cost * 1e6:11.1f} {cost / _TICK:13.3%} {max(spent) * 1000:13.1f}"
    )
    engine.close()
    for peer in peers:
        peer.close()


def _leg(engine: Engine, index: int, codec: Codec) -> Peer:
    name = LegId(f"{index}")
    local = engine.open_leg(CallId(f"{index // 2}"), name)
    to = (local.host, local.port)
    if codec.law is None:
        peer: Peer = WidePeer(codec=codec, fmtp="useinbandfec=1", to=to, ssrc=index + 1)
    else:
        peer = Peer(law=codec.law, payload_type=codec.payload_type, to=to, ssrc=index + 1)
    engine.connect_leg(engine.legs.by_id[name], peer.remote())
    return peer


def _payloads(codec: Codec, count: int) -> list[bytes]:
    """What a peer says: two seconds of speech over and over, coded without a break."""
    frames = _speech(codec.rate, 2.0).reshape(-1, codec.rate // 50)
    if codec.law is not None:
        return [encode(codec.law, frames[number % len(frames)]).tobytes() for number in range(count)]
    assert codec.coder is not None
    coder = codec.coder("useinbandfec=1")
    return [coder.encode(frames[number % len(frames)]) for number in range(count)]


def _packets(peer: Peer, payloads: list[bytes]) -> list[bytes]:
    step = peer.codec.clock // 50 if isinstance(peer, WidePeer) else 160
    packets = []
    for payload in payloads:
        packets.append(peer.packet(payload))
        peer.timestamp = (peer.timestamp + step) & 0xFFFFFFFF
    return packets


def main() -> None:
    """Print both tables."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--calls", type=int, default=50)
    parser.add_argument("--seconds", type=float, default=4.0)
    options = parser.parse_args()
    codecs = usable_codecs(CODECS)
    print(f"# {os.cpu_count()} cores, load average {os.getloadavg()[0]:.1f}")
    _coders(codecs)
    print("#       pair  calls  µs/call/tick  core per call  longest tick ms")
    for pair in _PAIRS:
        if {CODECS[name] for name in pair} <= set(codecs):
            _calls(pair, options.calls, options.seconds)


if __name__ == "__main__":
    main()
