"""Playbacks: what is played to legs, one at a time each."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from enum import Enum, auto
from typing import Final, Protocol, assert_never

import numpy as np

from ccplatform.contracts.legs import PlaybackEnded
from ccplatform.contracts.media import CallToneItem, FileItem, Play, SilenceItem, StreamItem, ToneItem
from ccplatform.contracts.words import LegId, PlaybackId
from gateway.media.audio import FRAME, Array, Floats, Pcm
from gateway.media.errors import BadSound
from gateway.media.mixing import limit
from gateway.media.rooms import RISE
from gateway.media.sounds import EDGE, Clip, SoundLibrary, Tones, seconds_to_samples, silence
from gateway.media.streams import SpeechStream

#: Most that an item may be made louder or quieter.
_GAINS_DB: Final = (-60.0, 20.0)


class Filled(Enum):
    """What became of a frame."""

    SOUNDING = auto()
    WAITING = auto()  # a file is still being read, or speech being made; the frame is silence
    OVER = auto()  # the last sample was in this frame


@dataclass(frozen=True, slots=True)
class FinishedPlayback:
    """A playback that came to its end in this tick."""

    row: int
    leg: LegId
    playback: PlaybackId
    error: str = ""

    def event(self) -> PlaybackEnded:
        """As told to `calls`."""
        return PlaybackEnded(leg=self.leg, playback=self.playback, finished=not self.error, error=self.error)


class _Source(Protocol):
    """An item that is being played."""

    @property
    def over(self) -> bool:
        """Nothing more comes."""

    def read(self, out: Pcm, high: Pcm) -> int:
        """Write the next samples, as many as there are, and what they have above 4 kHz; raises BadSound."""


class _Reader:
    """Plays a clip from ``skipped`` samples on; its last ``edge`` samples fade."""

    def __init__(self, clip: Clip, skipped: int, edge: int = 0) -> None:
        self._clip = clip
        self._done = min(skipped, clip.length) if len(clip.pcm) else clip.length
        self._edge = edge

    @property
    def over(self) -> bool:
        """See :class:`_Source`."""
        return self._done >= self._clip.length

    def read(self, out: Pcm, high: Pcm) -> int:
        """See :class:`_Source`."""
        clip = self._clip
        count = 0
        while count < len(out) and not self.over:
            place = (clip.start + self._done) % len(clip.pcm)
            taken = min(len(out) - count, clip.length - self._done, len(clip.pcm) - place)
            out[count : count + taken] = clip.pcm[place : place + taken]
            high[count : count + taken] = 0 if clip.high is None else clip.high[place : place + taken]
            self._done += taken
            count += taken
        if self._edge and clip.length - self._done < self._edge:
            left = clip.length - self._done + np.arange(count)[::-1]
            out[:count] = np.rint(out[:count] * np.minimum(left / self._edge, 1))
        return count


class Player:
    """One playback: its items and the place it has reached."""

    def __init__(self, order: Play, library: SoundLibrary, tones: Tones, now: float, wide: bool) -> None:
        self.order = order
        self.told_start = False
        self._library = library
        self._tones = tones
        self._clips: list[Clip | None] = [None] * len(order.items)
        self._item = 0
        self._round = 1
        self._played_in_round = False
        self._source: _Source | None = None
        self._wide = wide
        self._nothing: Pcm = np.zeros(FRAME, dtype=np.int16)
        self._request(now)

    def fill(self, frame: Pcm, high: Pcm | None, now: float) -> Filled:
        """Write the next samples, for a wide leg in two bands; raises BadSound when an item cannot be played."""
        if high is not None and not self._wide and not self.told_start:
            self._wide = True
            self._request(now)
        return self._fill(frame, self._nothing if high is None else high)

    def _request(self, now: float) -> None:
        for item in self.order.items:
            if isinstance(item, FileItem):
                self._library.request(item.path, now, wide=self._wide, key=item.key)

    def _fill(self, frame: Pcm, high: Pcm) -> Filled:
        filled = 0
        while filled < FRAME:
            if self._item == len(self.order.items) and not self._again():
                frame[filled:] = high[filled:] = 0
                return Filled.OVER
            source = self._source or self._open()
            if source is None:
                break
            count = source.read(frame[filled:], high[filled:])
            self._amplify(frame[filled : filled + count], high[filled : filled + count])
            filled += count
            self._played_in_round |= count > 0
            if source.over:
                self._item, self._source = self._item + 1, None
            elif not count:
                break
        frame[filled:] = high[filled:] = 0
        if self._item == len(self.order.items) and not self._goes_on():
            return Filled.OVER
        return Filled.SOUNDING if filled else Filled.WAITING

    def fade(self, now: float) -> Floats:
        """The frame in which it goes silent, both bands."""
        bands = np.zeros((2, FRAME), dtype=np.int16)
        if self.told_start:
            with suppress(BadSound):
                self.fill(bands[0], bands[1], now)
        return bands * (1 - RISE)

    def close(self) -> None:
        """Nobody hears it any more."""
        if isinstance(self._source, SpeechStream):
            self._source.closed = True

    def _goes_on(self) -> bool:
        return self._played_in_round and (self.order.loop or self._round < self.order.rounds)

    def _again(self) -> bool:
        """Begin the next round, if there is one."""
        if not self._goes_on():
            return False
        self._item, self._played_in_round = 0, False
        self._round += 1
        return True

    def _amplify(self, *bands: Pcm) -> None:
        item = self.order.items[self._item]
        if isinstance(item, FileItem | StreamItem) and item.gain_db:
            for band in bands:
                band[:] = np.clip(np.rint(band * 10 ** (item.gain_db / 20)), -32767, 32767).astype(np.int16)

    def _open(self) -> _Source | None:
        item = self.order.items[self._item]
        if isinstance(item, FileItem | StreamItem) and not _GAINS_DB[0] <= item.gain_db <= _GAINS_DB[1]:
            raise BadSound(f"{item.path}: a gain of {item.gain_db} dB is not between -60 and 20")
        if isinstance(item, StreamItem):
            self._source = self._library.streams.open(item.path, item.rate, wide=self._wide)
            return self._source
        clip = self._clips[self._item]
        if clip is None:
            clip = self._clips[self._item] = self._make(item)
        if clip is None:
            return None
        skipped = item.start_seconds if isinstance(item, FileItem) and self._round == 1 else 0.0
        edge = EDGE if isinstance(item, ToneItem) and not self.order.loop else 0
        self._source = _Reader(clip, seconds_to_samples(skipped), edge)
        return self._source

    def _make(self, item: FileItem | ToneItem | CallToneItem | SilenceItem) -> Clip | None:
        match item:
            case FileItem():
                sound = self._library.find(item.path, wide=self._wide, key=item.key)
                if isinstance(sound, BadSound):
                    raise sound
                return None if sound is None else sound.clip(item.trim)
            case ToneItem():
                return self._tones.clip(item.hertz, item.seconds, item.level_dbm0)
            case CallToneItem():
                return self._tones.call_tone(item.tone, item.country, item.seconds, item.level_dbm0)
            case SilenceItem():
                return silence(item.seconds)
            case _:
                assert_never(item)


class Players:
    """The playbacks of all legs, at most one each."""

    def __init__(self, library: SoundLibrary) -> None:
        self.library = library
        self.tones = Tones()
        self._players: dict[int, Player] = {}
        self._fading: dict[int, Player] = {}  # stopped since the last frame

    def __contains__(self, row: int) -> bool:
        return row in self._players

    def play(self, row: int, order: Play, now: float, *, wide: bool) -> None:
        """Begin a playback; the row must have none."""
        self._players[row] = Player(order, self.library, self.tones, now, wide)

    def stop(self, row: int) -> Player | None:
        """Take the row's playback away; it fades within the next frame."""
        player = self._players.pop(row, None)
        if player is not None:
            if (older := self._fading.pop(row, None)) is not None:
                older.close()
            self._fading[row] = player
        return player

    def grow(self, capacity: int) -> None:
        """See :class:`RowPart`; nothing is kept by row here but the players."""

    def clear(self, row: int) -> None:
        """See :class:`RowPart`. A row that is gone is not faded out."""
        for players in (self._players, self._fading):
            if (player := players.pop(row, None)) is not None:
                player.close()

    def fill(
        self, sound: Array, high: Callable[[int], Pcm | None], running: Array, now: float
    ) -> tuple[list[Player], list[FinishedPlayback]]:
        """Write the next frames of legs that are ``running``, for wide ones the bands above 4 kHz to what ``high``
        gives; returns who began to sound and what ended."""
        self.library.collect(now)
        tails = {row: player.fade(now) for row, player in self._fading.items() if running[row]}
        began: list[Player] = []
        ended: list[FinishedPlayback] = []
        for row, player in self._players.items():
            if not running[row]:
                continue
            error, band = "", high(row)
            try:
                filled = player.fill(sound[row], band, now)
            except BadSound as bad:
                sound[row] = 0
                if band is not None:
                    band[:] = 0
                filled, error = Filled.OVER, str(bad)
            if not player.told_start and filled is not Filled.WAITING and not error:
                player.told_start = True
                began.append(player)
            if filled is Filled.OVER:
                ended.append(FinishedPlayback(row, player.order.leg, player.order.playback, error))
        for row, tail in tails.items():
            for place, band in zip((sound[row], high(row)), tail, strict=True):
                if place is not None:
                    place[:] = limit(band + place) if row in self._players else np.rint(band)
        for finished in ended:
            self._players.pop(finished.row).close()
        return began, ended

    def settle(self) -> list[int]:
        """What was stopped is silent now: the rows to which nothing plays any more."""
        silent = [row for row in self._fading if row not in self._players]
        for player in self._fading.values():
            player.close()
        self._fading.clear()
        return silent
