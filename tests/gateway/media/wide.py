"""Peers that speak wideband, and the measures of what they hear."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

import numpy as np

from gateway.media.audio import Pcm
from gateway.media.codecs import CODECS, Codec
from gateway.media.legs import Leg
from gateway.media.port import RemoteAudio
from tests.gateway.media.peers import Peer, Rig

RATE = 16000
FRAME = 320


def wide_tone(hertz: float, seconds: float, peak: float = 8000.0) -> Pcm:
    time = np.arange(round(seconds * RATE)) / RATE
    return np.rint(peak * np.sin(2 * np.pi * hertz * time)).astype(np.int16)


def wide_level(pcm: Pcm, hertz: float) -> float:
    """Peak of the sine of that frequency: the median of windows of 50 ms."""
    wave = np.exp(-2j * np.pi * hertz * np.arange(800) / RATE)
    windows = [pcm[start : start + 800] for start in range(0, len(pcm) - 799, 800)]
    return float(np.median([2 * abs(np.dot(window.astype(np.float64), wave)) / 800 for window in windows] or [0]))


@dataclass
class WidePeer(Peer):
    """A phone that speaks G.722 or Opus."""

    codec: Codec = field(default_factory=lambda: CODECS["G722"])
    fmtp: str = ""

    def __post_init__(self) -> None:
        super().__post_init__()
        assert self.codec.coder is not None
        self.coder = self.codec.coder(self.fmtp)
        self.payload_type = self.codec.payload_type

    def remote(self, **changes: Any) -> RemoteAudio:
        return super().remote(**({"codec": self.codec.name, "fmtp": self.fmtp} | changes))

    def audio(self, pcm: Pcm) -> bytes:
        data = self.packet(self.coder.encode(pcm))
        self.timestamp = (self.timestamp + len(pcm) * self.codec.clock // RATE) & 0xFFFFFFFF
        return data

    def heard(self) -> Pcm:
        payloads = [packet.payload for packet in self.packets if packet.payload_type == self.payload_type]
        decoded = [self.coder.decode(payload) for payload in payloads]
        return np.concatenate(decoded) if decoded else np.zeros(0, dtype=np.int16)


def wide_leg(rig: Rig, name: str, codec: str = "G722", call: str = "call", **fields: Any) -> tuple[Leg, WidePeer]:
    leg, local = rig.open(name, call)
    peer = WidePeer(host=rig.host, codec=CODECS[codec], to=(local.host, local.port), **fields)
    rig.peers.append(peer)
    rig.engine.connect_leg(leg, peer.remote())
    return leg, peer


def converse(rig: Rig, *speeches: tuple[Peer, Pcm]) -> None:
    """Let peers say what they have to say, 20 ms per tick each."""
    pieces = [
        (peer, pcm.reshape(-1, FRAME if isinstance(peer, WidePeer) else FRAME // 2)) for peer, pcm in speeches
    ]
    for tick in range(max(len(frames) for _, frames in pieces)):
        for peer, frames in pieces:
            if tick < len(frames):
                peer.say(frames[tick])
        rig.tick()
