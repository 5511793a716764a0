"""Jitter buffer and concealment of some legs, fed packet by packet in virtual time."""

from __future__ import annotations

import numpy as np

from gateway.media.audio import RATE, Array, Floats, Pcm
from gateway.media.conceal import Concealer
from gateway.media.hot_path import HotPath
from gateway.media.jitter import JitterBuffer
from gateway.media.portable import PortableHotPath


class LossyLegs:
    """``sounds`` (rows × samples) are cut into packets; each tick plays 20 ms of every row."""

    def __init__(
        self,
        sounds: Pcm,
        *,
        start_ms: int = 10,
        size: int = 160,
        rate: int = RATE,
        hot_path: HotPath | None = None,
    ) -> None:
        self.jitter = JitterBuffer(
            hot_path or PortableHotPath(), start_ms=start_ms, min_ms=10, max_ms=400, rate=rate
        )
        self.concealer = Concealer(self.jitter)
        self._rows = len(sounds)
        self.jitter.grow(self._rows)
        self.concealer.grow(self._rows)
        self._size = size
        self._packets = sounds[:, : sounds.shape[1] // size * size].reshape(self._rows, -1, size)
        self._begun = np.zeros(self._rows, dtype=np.bool_)

    def put(self, number: int, rows: Array | None = None, lead: float = 60.0) -> None:
        """Packet ``number`` of these rows (all of them) arrives."""
        rows = np.arange(self._rows) if rows is None else rows
        if len(rows):
            timestamp = np.full(len(rows), (0xFFFF0000 + number * self._size) & 0xFFFFFFFF, dtype=np.uint32)
            begins = ~self._begun[rows]
            self._begun[rows] = True
            none, leads = np.zeros(len(rows), dtype=np.bool_), np.full(len(rows), lead)
            self.jitter.place(rows, timestamp, self._packets[rows, number], none, begins, leads)

    def play_at(self, lost: Array, leads: Array) -> Pcm:
        """Send all packets but the ``lost`` ones (rows × packets), each so many samples before a take."""
        per_tick, heard, put = self.jitter.frame / self._size, [], 0
        for tick in range(int(lost.shape[1] / per_tick)):
            while put < (tick + 1) * per_tick:
                self.put(put, np.flatnonzero(~lost[:, put]), float(leads[put]))
                put += 1
            heard.append(self.take())
        return np.concatenate(heard, axis=1)

    def take(self) -> Pcm:
        frame = self.jitter.take(self._rows)
        self.concealer.repair(frame)
        return frame

    def play(self, lost: Array, ahead: int = 0) -> Pcm:
        """Send all packets but the ``lost`` ones (rows × packets), ``ahead`` of their time; play as many."""
        packets, heard = self._packets.shape[1], []
        per_tick = self.jitter.frame / self._size
        put = 0
        for tick in range(round(packets / per_tick)):
            while put < min(packets, (tick + 1) * per_tick + ahead):
                self.put(put, np.flatnonzero(~lost[:, put]))
                put += 1
            heard.append(self.take())
        return np.concatenate(heard, axis=1)


def voice(seconds: float, hertz: float = 120.0, rate: int = RATE) -> Pcm:
    """A buzz whose pitch and formant move slowly, as a vowel's do."""
    time = np.arange(round(seconds * rate)) / rate
    pitch = hertz * (1 + 0.08 * np.sin(2 * np.pi * 0.7 * time))
    phase = 2 * np.pi * np.cumsum(pitch) / rate
    formant = 600 + 200 * np.sin(2 * np.pi * 0.5 * time)
    sound = sum(np.sin(k * phase) / (1 + ((k * pitch - formant) / 200) ** 2) for k in range(1, 25))
    return np.asarray(np.rint(4000 * np.asarray(sound)), dtype=np.int16)


def noise(seconds: float, rms: float, seed: int = 1) -> Pcm:
    wave = np.random.default_rng(seed).standard_normal(round(seconds * RATE))
    return np.asarray(np.rint(wave * rms), dtype=np.int16)


def click(heard: Pcm, hertz: float, rate: int = RATE) -> float:
    """How far any sample of a sine is from what the two before it foretell; 0 but for rounding without a click."""
    x: Floats = heard.astype(np.float32)
    return float(np.abs(x[2:] - 2 * np.cos(2 * np.pi * hertz / rate) * x[1:-1] + x[:-2]).max())


def rms(sound: Pcm) -> float:
    return float(np.sqrt(np.mean(np.square(sound, dtype=np.float64))))
