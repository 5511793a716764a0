"""The routing matrix: gains from sources to sinks. Bridge, echo, rooms and playbacks are entries of it.

A source is a *plane* of a leg's row: what the leg says (:data:`VOICE`) or what is played to it
(:data:`PLAYBACK`). A sink is a leg. Most sinks hear one source at gain 1: those are copied; the others are
summed in layers (the n-th source of each sink together) and limited softly.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Final

import numpy as np

from gateway.media.audio import FRAME, Array, Floats, Pcm, Rows
from gateway.media.rows import RowArrays

VOICE: Final = 0
PLAYBACK: Final = 1
PLANES: Final = 2
_NOTHING: Final = -1
_SILENCE: Final[Mapping[int, float]] = MappingProxyType({})

#: Where the soft limiter begins and where it ends, in samples.
_KNEE: Final = 24576.0
_CEILING: Final = 32640.0


def source_of(row: int, plane: int) -> int:
    """The number of a source."""
    return row * PLANES + plane


@dataclass(frozen=True, slots=True)
class _Layer:
    places: Rows  # in the list of summed sinks
    sources: Rows
    gains: Floats


class Mixer(RowArrays):
    """The gains, and the frames that come out of them."""

    def __init__(self) -> None:
        super().__init__()
        self.sound: Array
        self._copied_from: Array
        self.row_array("sound", np.int16, 0, (PLANES, FRAME))
        self.row_array("_copied_from", np.intp, _NOTHING)  # the source of a sink that needs no sum
        self._gains: dict[int, dict[int, float]] = {}
        self._heard_by: dict[int, set[int]] = {}
        self._sums: set[int] = set()
        self._dirty = False
        self._summed: Rows = np.zeros(0, dtype=np.intp)
        self._layers: list[_Layer] = []

    def clear(self, row: int) -> None:
        """See :class:`RowPart`."""
        super().clear(row)
        for source in tuple(self._gains.get(row, ())):
            self.unroute(source, row)
        for plane in range(PLANES):
            source = source_of(row, plane)
            for sink in tuple(self._heard_by.get(source, ())):
                self.unroute(source, sink)

    def route(self, source: int, sink: int, gain: float = 1.0) -> None:
        """Let a sink hear a source."""
        self._gains.setdefault(sink, {})[source] = gain
        self._heard_by.setdefault(source, set()).add(sink)
        self._classify(sink)

    def unroute(self, source: int, sink: int) -> None:
        """Take an entry away; harmless when there is none."""
        gains = self._gains.get(sink, {})
        if gains.pop(source, None) is None:
            return
        if not gains:
            del self._gains[sink]
        sinks = self._heard_by[source]
        sinks.discard(sink)
        if not sinks:
            del self._heard_by[source]
        self._classify(sink)

    def gains_of(self, sink: int) -> Mapping[int, float]:
        """What a sink hears, and how loud."""
        return self._gains.get(sink, _SILENCE)

    def sources_of(self, sink: int) -> tuple[int, ...]:
        """What a sink hears."""
        return tuple(self._gains.get(sink, ()))

    def hearers(self, row: int) -> tuple[int, ...]:
        """The legs that hear what another leg says."""
        return tuple(sink for sink in self._heard_by.get(source_of(row, VOICE), ()) if sink != row)

    def mix(self, high: int) -> Pcm:
        """The frames of sinks ``[:high]``; silence where nothing is routed."""
        if self._dirty:
            self._plan()
        flat = self.sound.reshape(-1, FRAME)
        out = np.zeros((high, FRAME), dtype=np.int16)
        copied = np.flatnonzero(self._copied_from[:high] != _NOTHING)
        out[copied] = flat[self._copied_from[copied]]
        if len(self._summed):
            total = np.zeros((len(self._summed), FRAME), dtype=np.float32)
            for layer in self._layers:
                total[layer.places] += flat[layer.sources] * layer.gains[:, np.newaxis]
            out[self._summed] = limit(total)
        return out

    def _classify(self, sink: int) -> None:
        """Note how a sink whose gains changed is served from now on."""
        gains = self._gains.get(sink, {})
        source, gain = next(iter(gains.items())) if len(gains) == 1 else (_NOTHING, 0.0)
        self._copied_from[sink] = source if gain == 1.0 else _NOTHING
        needs_sum = bool(gains) and gain != 1.0
        if needs_sum or sink in self._sums:
            self._dirty = True
        (self._sums.add if needs_sum else self._sums.discard)(sink)

    def _plan(self) -> None:
        entries: list[list[tuple[int, int, float]]] = []
        for place, sink in enumerate(self._sums):
            _spread(place, self._gains[sink].items(), entries)
        self._summed = _rows(self._sums)
        self._layers = [_layer(entry) for entry in entries]
        self._dirty = False


def limit(total: Floats) -> Pcm:
    """16-bit samples of a sum: exact up to the knee, then bent so that no sum ever wraps or clips hard."""
    magnitude = np.abs(total)
    if magnitude.size and magnitude.max() > _KNEE:
        over = np.maximum(magnitude - _KNEE, 0)
        room = _CEILING - _KNEE
        bent = np.minimum(magnitude, _KNEE) + room * over / (over + room)
        total = np.copysign(bent, total)
    return np.rint(total).astype(np.int16)


def _spread(place: int, gains: Iterable[tuple[int, float]], entries: list[list[tuple[int, int, float]]]) -> None:
    for depth, (source, gain) in enumerate(gains):
        if depth == len(entries):
            entries.append([])
        entries[depth].append((place, source, gain))


def _layer(entries: list[tuple[int, int, float]]) -> _Layer:
    places, sources, gains = zip(*entries, strict=True)
    return _Layer(_rows(places), _rows(sources), np.asarray(gains, dtype=np.float32))


def _rows(numbers: Iterable[int]) -> Rows:
    return np.fromiter(numbers, dtype=np.intp)
