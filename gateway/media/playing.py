"""Playbacks: what is played to legs, one at a time each."""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum, auto
from typing import assert_never

from ccplatform.contracts.legs import PlaybackEnded
from ccplatform.contracts.media import FileItem, Play, PlayItem, SilenceItem, ToneItem
from ccplatform.contracts.words import LegId, PlaybackId
from gateway.media.audio import FRAME, Array, Pcm
from gateway.media.errors import BadSound
from gateway.media.sounds import Clip, SoundLibrary, Tones, silence


class Filled(Enum):
    """What became of a frame."""

    SOUNDING = auto()
    WAITING = auto()  # a file is still being read; the rest of the frame is silence
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


class Player:
    """One playback: its items and the place it has reached."""

    def __init__(self, order: Play, library: SoundLibrary, tones: Tones, now: float) -> None:
        self.order = order
        self.told_start = False
        self._library = library
        self._tones = tones
        self._clips: list[Clip | None] = [None] * len(order.items)
        self._item = 0
        self._done = 0
        self._played_in_round = False
        for item in order.items:
            if isinstance(item, FileItem):
                library.request(item.path, now)

    def fill(self, frame: Pcm) -> Filled:
        """Write the next samples; raises BadSound when an item cannot be played."""
        filled = 0
        while filled < FRAME:
            if self._item == len(self._clips):
                if not (self.order.loop and self._played_in_round):
                    frame[filled:] = 0
                    return Filled.OVER
                self._item, self._played_in_round = 0, False
            clip = self._clip()
            if clip is None:
                frame[filled:] = 0
                return Filled.WAITING
            filled += self._copy(clip, frame, filled)
        over = self._item == len(self._clips) and not self.order.loop
        return Filled.OVER if over else Filled.SOUNDING

    def _copy(self, clip: Clip, frame: Pcm, at: int) -> int:
        place = (clip.start + self._done) % max(1, len(clip.pcm))
        count = min(FRAME - at, clip.length - self._done, len(clip.pcm) - place)
        if count > 0:
            frame[at : at + count] = clip.pcm[place : place + count]
            self._done += count
            self._played_in_round = True
        if self._done >= clip.length or not len(clip.pcm):
            self._item, self._done = self._item + 1, 0
        return max(count, 0)

    def _clip(self) -> Clip | None:
        clip = self._clips[self._item]
        if clip is None:
            clip = self._clips[self._item] = self._make(self.order.items[self._item])
        return clip

    def _make(self, item: PlayItem) -> Clip | None:
        match item:
            case FileItem():
                sound = self._library.find(item.path)
                if isinstance(sound, BadSound):
                    raise sound
                return None if sound is None else sound.clip(item.trim)
            case ToneItem():
                return self._tones.clip(item.hertz, item.seconds, item.level_dbm0)
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

    def __contains__(self, row: int) -> bool:
        return row in self._players

    def play(self, row: int, order: Play, now: float) -> None:
        """Begin a playback; the row must have none."""
        self._players[row] = Player(order, self.library, self.tones, now)

    def stop(self, row: int) -> Player | None:
        """Take the row's playback away."""
        return self._players.pop(row, None)

    def grow(self, capacity: int) -> None:
        """See :class:`RowPart`; nothing is kept by row here but the players."""

    def clear(self, row: int) -> None:
        """See :class:`RowPart`."""
        self._players.pop(row, None)

    def fill(self, sound: Array, running: Array, now: float) -> tuple[list[Player], list[FinishedPlayback]]:
        """Write the next frames of legs that are ``running``; returns who began to sound and what ended."""
        self.library.collect(now)
        began: list[Player] = []
        ended: list[FinishedPlayback] = []
        for row, player in self._players.items():
            if not running[row]:
                continue
            error = ""
            try:
                filled = player.fill(sound[row])
            except BadSound as bad:
                sound[row] = 0
                filled, error = Filled.OVER, str(bad)
            if not player.told_start and filled is not Filled.WAITING and not error:
                player.told_start = True
                began.append(player)
            if filled is Filled.OVER:
                ended.append(FinishedPlayback(row, player.order.leg, player.order.playback, error))
        for finished in ended:
            del self._players[finished.row]
        return began, ended
