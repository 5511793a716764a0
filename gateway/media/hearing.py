"""What is told about, and handed on of, what legs say: taps, voice activity, levels and hints, as events."""

from __future__ import annotations

from collections.abc import Callable
from typing import assert_never

from ccplatform.contracts.media import (
    AnswerHint,
    StartTap,
    StopTap,
    VoiceChanged,
    VoiceEvent,
    VoiceLevel,
    WatchVoice,
)
from gateway.media.audio import Pcm
from gateway.media.legs import Leg, LegBook
from gateway.media.parts import Parts
from gateway.media.taps import Taps
from gateway.media.voice import Changed, Hinted, Metered


class Hearing:
    """``tell`` gets the events. Legs that nobody taps or watches cost nothing."""

    def __init__(self, parts: Parts, legs: LegBook, tap_limit: int, tell: Callable[[VoiceEvent], None]) -> None:
        self._voice = parts.voice
        self._wide = parts.wide
        self._legs = legs
        self._tell = tell
        self._taps = Taps(tap_limit)

    def perform(self, leg: Leg, command: StartTap | StopTap | WatchVoice) -> None:
        """Begin or end."""
        match command:
            case StartTap():
                refused = self._taps.start(command, leg.row)
                if refused is not None:
                    self._tell(refused)
            case StopTap():
                for ended in self._taps.stop(command.tap):
                    self._tell(ended)
            case WatchVoice():
                self._voice.watch(leg.row, command.on, command.level_seconds)
            case _:
                assert_never(command)

    def forget(self, leg: Leg) -> None:
        """The leg is about to close."""
        for ended in self._taps.leg_closed(leg.row):
            self._tell(ended)

    def take(self, frame: Pcm, now: float) -> None:
        """Take 20 ms of all legs (rows × 160)."""
        if len(self._taps):
            for ended in self._taps.take(frame, self._wide.high_bands, now):
                self._tell(ended)
        for event in self._voice.hear(frame):
            leg = self._legs.by_row[event.row].id
            match event:
                case Changed(_, speaking, age):
                    self._tell(VoiceChanged(leg=leg, speaking=speaking, at=now - age))
                case Hinted(_, answerer):
                    self._tell(AnswerHint(leg=leg, answerer=answerer))
                case Metered(_, rms, peak):
                    self._tell(VoiceLevel(leg=leg, rms_dbm0=rms, peak_dbm0=peak))
                case _:
                    assert_never(event)
