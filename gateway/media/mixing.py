"""The routing matrix: gains from sources to sinks. Bridges, echo, rooms, playbacks, supervision are its entries.

A source is a *plane* of a leg's row: what the leg says (:data:`VOICE`) or what is played to it
(:data:`PLAYBACK`). A sink is a leg. Most sinks hear one source at gain 1: for those nothing is done. The others
are summed in layers (the n-th source of each sink together), with what they hear of a room, and limited softly. A
gain that changes goes from the old to the new value over one frame, so that nothing clicks; a sink with such a
gain is summed meanwhile.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Final

import numpy as np

from gateway.media.audio import FRAME, Array, Floats, Pcm, Rows
from gateway.media.hot_path import OWN_FRAME, SILENCE, Heard
from gateway.media.rooms import RISE, Rooms
from gateway.media.rows import RowArrays

VOICE: Final = 0
PLAYBACK: Final = 1
PLANES: Final = 2

#: Where the soft limiter begins and where it ends, in samples.
_KNEE: Final = 24576.0
_CEILING: Final = 32640.0


def source_of(row: int, plane: int) -> int:
    """The number of a source."""
    return row * PLANES + plane


@dataclass(slots=True)
class _Gain:
    """``wanted`` by the rest of the engine, ``present`` at the end of the last frame."""

    wanted: float
    present: float


@dataclass(frozen=True, slots=True)
class _Layer:
    places: Rows  # in the list of summed sinks
    sources: Rows
    present: Floats
    wanted: Floats

    def add(self, total: Floats, sound: Pcm) -> None:
        gains = self.present[:, np.newaxis]
        if (self.present != self.wanted).any():
            gains = gains + (self.wanted - self.present)[:, np.newaxis] * RISE
        total[self.places] += sound[self.sources] * gains


class Mixer(RowArrays):
    """The gains, and the frames that come out of them."""

    def __init__(self) -> None:
        super().__init__()
        self.sound: Array
        self._plain: Array
        self._source: Array
        self._frames: Array
        self.row_array("sound", np.int16, 0, (PLANES, FRAME))
        self.row_array("_plain", np.intp, SILENCE)  # the source of a sink that needs no sum
        self.row_array("_source", np.intp, SILENCE)  # what each hears in this tick
        self.row_array("_frames", np.int16, 0, (FRAME,))
        self._rooms = Rooms()
        self._gains: dict[int, dict[int, _Gain]] = {}
        self._heard_by: dict[int, set[int]] = {}
        self._muted: set[int] = set()
        self._sums: set[int] = set()
        self._changing: set[int] = set()  # sinks with a gain that is not reached yet
        self._dirty = False
        self._summed: Rows = np.zeros(0, dtype=np.intp)
        self._layers: list[_Layer] = []
        self._views: dict[str, Array] = {}

    def grow(self, capacity: int) -> None:
        """See :class:`RowPart`."""
        super().grow(capacity)
        self._views.clear()

    def voices(self, high: int) -> Pcm:
        """Where 20 ms of what each of the rows ``[:high]`` says are to be put (rows × 160)."""
        return self._view("voices", self.sound[:, VOICE], high)

    def clear(self, row: int) -> None:
        """See :class:`RowPart`. A row that is gone is not faded out: its sound is no longer there."""
        super().clear(row)
        self._muted.discard(row)
        self._rooms.leave(row)
        for source in tuple(self._gains.get(row, ())):
            self._drop(source, row)
        for plane in range(PLANES):
            for sink in tuple(self._heard_by.get(source_of(row, plane), ())):
                self._drop(source_of(row, plane), sink)
        self._sums.discard(row)
        self._dirty = True

    def route(self, source: int, sink: int, gain: float = 1.0) -> None:
        """Let a sink hear a source, from the next frame on at this gain. A playback begins and ends by itself."""
        before = gain if source % PLANES == PLAYBACK else 0.0
        entry = self._gains.setdefault(sink, {}).setdefault(source, _Gain(gain, before))
        entry.wanted = gain
        self._heard_by.setdefault(source, set()).add(sink)
        self._classify(sink)

    def unroute(self, source: int, sink: int) -> None:
        """Take an entry away; harmless when there is none."""
        entry = self._gains.get(sink, {}).get(source)
        if entry is None:
            return
        if entry.present == 0.0 or source % PLANES == PLAYBACK:
            self._drop(source, sink)
        else:
            entry.wanted = 0.0
            self._classify(sink)

    def mute(self, row: int, muted: bool) -> None:
        """Let nobody hear what a leg says, or let those hear it again who are to."""
        (self._muted.add if muted else self._muted.discard)(row)
        self._rooms.mute(row, muted)
        for sink in self._heard_by.get(source_of(row, VOICE), ()):
            self._classify(sink)
        self._dirty = True

    def join(self, room: str, row: int, apart: bool = False) -> None:
        """Let a row hear what everybody else in a room says and be heard; those ``apart`` not by one another."""
        self._rooms.join(room, row, row in self._muted, apart)
        self._classify(row)
        self._dirty = True

    def leave(self, row: int) -> None:
        """Take a row out of its room, if it is in one; what it said and heard there fades."""
        others = tuple(self._rooms.others(row))
        self._rooms.leave(row)
        for other in others:
            self._fade(row, other)
            self._fade(other, row)
        self._classify(row)
        self._dirty = True

    def gains_of(self, sink: int) -> Mapping[int, float]:
        """What a sink hears, and how loud, rooms included."""
        gains = {source_of(row, VOICE): 1.0 for row in self._rooms.others(sink)}
        gains.update({source: entry.wanted for source, entry in self._gains.get(sink, {}).items()})
        return {source: gain for source, gain in gains.items() if gain and not self._is_muted(source)}

    def sources_of(self, sink: int) -> tuple[int, ...]:
        """What a sink hears other than a room."""
        return tuple(source for source, entry in self._gains.get(sink, {}).items() if entry.wanted)

    def hearers(self, row: int) -> tuple[int, ...]:
        """The legs that hear what another leg says other than by a room, muted or not."""
        source = source_of(row, VOICE)
        sinks = (sink for sink in self._heard_by.get(source, ()) if sink != row)
        return tuple(sink for sink in sinks if self._gains[sink][source].wanted)

    def mix(self, high: int) -> Heard:
        """What sinks ``[:high]`` hear, silence where nothing is routed; valid until the next call."""
        if self._dirty:
            self._plan()
        sound = self._view("sound", self.sound.reshape(-1, FRAME), len(self.sound) * PLANES)
        heard = Heard(sound=sound, source=self._view("source", self._source, high), frames=self._frames)
        np.copyto(heard.source, self._plain[:high])
        if len(self._summed):
            total = np.zeros((len(self._summed), FRAME), dtype=np.float32)
            self._rooms.add(total, self.sound[:, VOICE])
            for layer in self._layers:
                layer.add(total, sound)
            self._frames[self._summed] = limit(total)
            heard.source[self._summed] = OWN_FRAME
            self._settle()
        return heard

    def _view(self, name: str, array: Array, high: int) -> Array:
        """The first rows, as the same object as long as these are the same: what the hot path knows by heart."""
        view = self._views.get(name)
        if view is None or len(view) != high:
            view = self._views[name] = array[:high]
        return view

    def _fade(self, row: int, sink: int) -> None:
        """Let a voice that a sink hears no longer fade, unless it hears it by an entry of its own."""
        source = source_of(row, VOICE)
        if row not in self._muted and source not in self._gains.get(sink, {}):
            self._gains.setdefault(sink, {})[source] = _Gain(0.0, 1.0)
            self._heard_by.setdefault(source, set()).add(sink)
        self._classify(sink)

    def _settle(self) -> None:
        """The gains of the last frame are reached now."""
        self._dirty |= self._rooms.settle()
        for sink in tuple(self._changing):
            for source, entry in tuple(self._gains.get(sink, {}).items()):
                entry.present = self._wanted(source, entry)
                if entry.wanted == 0.0:
                    self._drop(source, sink)
            self._classify(sink)

    def _is_muted(self, source: int) -> bool:
        return source % PLANES == VOICE and source // PLANES in self._muted

    def _wanted(self, source: int, entry: _Gain) -> float:
        return 0.0 if self._is_muted(source) else entry.wanted

    def _drop(self, source: int, sink: int) -> None:
        gains = self._gains[sink]
        del gains[source]
        if not gains:
            del self._gains[sink]
        sinks = self._heard_by[source]
        sinks.discard(sink)
        if not sinks:
            del self._heard_by[source]
        self._classify(sink)

    def _classify(self, sink: int) -> None:
        """Note how a sink whose gains changed is served from now on."""
        gains = self._gains.get(sink, {})
        changing = any(entry.present != self._wanted(source, entry) for source, entry in gains.items())
        (self._changing.add if changing else self._changing.discard)(sink)
        heard = [(source, entry.present) for source, entry in gains.items() if changing or entry.present]
        alone = not changing and sink not in self._rooms
        plain = alone and len(heard) == 1 and heard[0][1] == 1.0
        self._plain[sink] = heard[0][0] if plain else SILENCE
        needs_sum = not plain and (bool(heard) or sink in self._rooms)
        if needs_sum or sink in self._sums:
            self._dirty = True
        (self._sums.add if needs_sum else self._sums.discard)(sink)

    def _plan(self) -> None:
        entries: list[list[tuple[int, int, float, float]]] = []
        places = {sink: place for place, sink in enumerate(self._sums)}
        for sink, place in places.items():
            for depth, (source, entry) in enumerate(self._gains.get(sink, {}).items()):
                if depth == len(entries):
                    entries.append([])
                entries[depth].append((place, source, entry.present, self._wanted(source, entry)))
        self._rooms.plan(places)
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


def _layer(entries: list[tuple[int, int, float, float]]) -> _Layer:
    places, sources, present, wanted = zip(*entries, strict=True)
    return _Layer(
        _rows(places),
        _rows(sources),
        np.asarray(present, dtype=np.float32),
        np.asarray(wanted, dtype=np.float32),
    )


def _rows(numbers: Iterable[int]) -> Rows:
    return np.fromiter(numbers, dtype=np.intp)
