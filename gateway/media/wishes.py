"""What control wants of the sound of its legs: enough to say it all again to another worker.

Commands go in, and come out again as the shortest list that leads to the same: what plays, who hears whom, what
is recorded. Nothing here knows workers.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection
from dataclasses import dataclass, replace
from typing import Any

from ccplatform.contracts.media import (
    Bridge,
    Echo,
    JoinRoom,
    MediaCommand,
    Mute,
    PauseRecording,
    Play,
    RecordParties,
    ResumeRecording,
    SecureCollect,
    SetGain,
    StartRecording,
    StartTap,
    StopPlay,
    StopRecording,
    StopTap,
    Unbridge,
    WatchVoice,
)
from ccplatform.contracts.words import LegId, PlaybackId, RecordingId
from gateway.media.protocol import decode_command, encode_command


@dataclass(frozen=True, slots=True)
class _Recording:
    order: StartRecording
    began: float


class Wishes:
    """The wishes for all legs."""

    def __init__(self) -> None:
        self._plays: dict[LegId, Play] = {}
        self._secure: set[LegId] = set()
        self._watches: dict[LegId, WatchVoice] = {}
        self._taps: dict[str, StartTap] = {}
        self._echoes: set[LegId] = set()
        self._rooms: dict[LegId, str] = {}
        self._bridges: defaultdict[LegId, set[LegId]] = defaultdict(set)
        self._gains: dict[tuple[LegId, LegId], float] = {}  # by who is heard and who hears
        self._muted: set[LegId] = set()
        self._recordings: dict[RecordingId, _Recording] = {}
        self._parties: dict[RecordingId, RecordParties] = {}
        self._paused: set[RecordingId] = set()
        self._recorded: dict[LegId, dict[RecordingId, None]] = {}  # what a leg is on: else each call looks at all
        self._wideband: set[LegId] = set()

    def speaks(self, leg: LegId, *, wideband: bool) -> None:
        """What a leg and its peer agreed on."""
        (self._wideband.add if wideband else self._wideband.discard)(leg)

    def are_wideband(self, *legs: LegId) -> bool:
        """Whether one of these legs speaks wideband."""
        return not self._wideband.isdisjoint(legs)

    def note(self, command: MediaCommand, now: float) -> None:
        """Take a command into account; those that leave nothing behind change nothing."""
        match command:
            case Play():
                self._plays[command.leg] = command
            case StopPlay():
                self._plays.pop(command.leg, None)
            case Echo():
                self._echoes.add(command.leg)
            case JoinRoom():
                self._rooms[command.leg] = command.room
            case Bridge():
                self._bridges[command.a].add(command.b)
                self._bridges[command.b].add(command.a)
            case SetGain(gain=0):
                self._gains.pop((command.source, command.sink), None)
            case SetGain():
                self._gains[command.source, command.sink] = command.gain
            case Mute():
                (self._muted.add if command.muted else self._muted.discard)(command.leg)
            case Unbridge():
                self._separate(command.leg)
            case StartRecording():
                self._begin_recording(command, now)
            case StopRecording():
                self.recording_ended(command.recording)
            case RecordParties() if command.recording in self._recordings:
                self._set_parties(command)
            case PauseRecording() if command.recording in self._recordings:
                self._paused.add(command.recording)
            case ResumeRecording():
                self._paused.discard(command.recording)
            case StartTap():
                self._taps.setdefault(command.tap, command)
            case StopTap():
                self.tap_ended(command.tap)
            case WatchVoice(on=True):
                self._watches[command.leg] = command
            case WatchVoice():
                self._watches.pop(command.leg, None)
            case SecureCollect():
                (self._secure.add if command.on else self._secure.discard)(command.leg)
            case _:
                pass

    def playing(self, leg: LegId) -> PlaybackId | None:
        """What plays, or is to play, to a leg."""
        play = self._plays.get(leg)
        return play.playback if play is not None else None

    def play_ended(self, leg: LegId, playback: PlaybackId) -> None:
        """A playback is over."""
        if self.playing(leg) == playback:
            del self._plays[leg]

    def recording_ended(self, recording: RecordingId) -> None:
        """A file is closed, or is about to be."""
        self._take_off(recording)
        self._recordings.pop(recording, None)
        self._parties.pop(recording, None)
        self._paused.discard(recording)

    def tap_ended(self, tap: str) -> StartTap | None:
        """A tap is over; returns what it was."""
        return self._taps.pop(tap, None)

    def taps(self, leg: LegId) -> list[StartTap]:
        """The taps of a leg."""
        return [order for order in self._taps.values() if order.leg == leg]

    def forget(self, leg: LegId) -> list[StartRecording]:
        """The leg is gone; returns the recordings that this ends."""
        for order in self.taps(leg):
            self.tap_ended(order.tap)
        self._watches.pop(leg, None)
        self._plays.pop(leg, None)
        self._secure.discard(leg)
        self._muted.discard(leg)
        self._wideband.discard(leg)
        self._separate(leg)
        on = [self._recordings[recording].order for recording in self._recorded.get(leg, ())]
        over = [order for order in on if leg in _both(order)]
        for known in over:
            self.recording_ended(known.recording)
        for recording in tuple(self._recorded.get(leg, ())):  # as one of its parties
            self._set_parties(without(self._parties[recording], {leg}))
        return over

    def room_of(self, leg: LegId) -> str | None:
        """The room that a leg is in."""
        return self._rooms.get(leg)

    def members(self, room: str) -> list[LegId]:
        """The legs of a room."""
        return [leg for leg, joined in self._rooms.items() if joined == room]

    def rooms(self) -> set[str]:
        """Every room that somebody is in."""
        return set(self._rooms.values())

    def pairs(self) -> set[tuple[LegId, LegId]]:
        """Every two legs that are joined, each pair once."""
        bridged = {tuple(sorted((a, b))) for a, others in self._bridges.items() for b in others}
        recorded = self._recorded_together()
        supervised = {tuple(sorted(pair)) for pair in self._gains}
        return {(a, b) for a, b in bridged | recorded | supervised}

    def joined(self, a: LegId, b: LegId) -> bool:
        """Whether one of two legs hears the other, or they are recorded together."""
        if (a, b) in self._gains or (b, a) in self._gains:
            return True
        if b in self._bridges.get(a, ()):
            return True
        together = self._recorded.get(a, {}).keys() & self._recorded.get(b, {}).keys()
        return any(self._recordings[recording].order.left in (a, b) for recording in together)

    def recording(self, recording: RecordingId) -> StartRecording | None:
        """A recording that is to go on."""
        known = self._recordings.get(recording)
        return known.order if known is not None else None

    def recordings(self) -> list[StartRecording]:
        """The recordings that are to go on."""
        return [known.order for known in self._recordings.values()]

    def of(self, leg: LegId, now: float) -> list[MediaCommand]:
        """What to say to a worker that has just got this leg. What concerns two legs is said of each."""
        commands: list[MediaCommand] = [SecureCollect(leg=leg, on=True)] if leg in self._secure else []
        commands += [Bridge(a=leg, b=other) for other in sorted(self._bridges.get(leg, ()))]
        commands += [
            SetGain(source=source, sink=sink, gain=gain)
            for (source, sink), gain in self._gains.items()
            if leg in (source, sink)
        ]
        if leg in self._muted:
            commands.append(Mute(leg=leg, muted=True))
        if leg in self._echoes:
            commands.append(Echo(leg=leg))
        if leg in self._rooms:
            commands.append(JoinRoom(leg=leg, room=self._rooms[leg]))
        for recording in self._recorded.get(leg, ()):
            known, parties = self._recordings[recording], self._parties.get(recording)
            if leg in _both(known.order):
                commands.append(replace(known.order, at_seconds=known.order.at_seconds + now - known.began))
                if recording in self._paused:
                    commands.append(PauseRecording(recording=recording))
            if parties is not None:
                commands.append(parties)
        commands += self.taps(leg)
        if leg in self._watches:
            commands.append(self._watches[leg])
        if leg in self._plays:
            commands.append(self._plays[leg])
        return commands

    def snapshot(self, legs: Collection[LegId], now: float, wall: float) -> dict[str, Any]:
        """The wishes for these legs as JSON-able data; instants are ages at ``wall``."""
        commands = [encode_command(command) for leg in sorted(legs) for command in self.of(leg, now)]
        return {"wall": wall, "commands": commands, "wideband": sorted(self._wideband.intersection(legs))}

    def restore(self, data: dict[str, Any], now: float, wall: float) -> None:
        """Take back what :meth:`snapshot` gave; raises KeyError or UnknownType for other data."""
        age = max(0.0, wall - float(data["wall"]))
        self._wideband.update(LegId(str(leg)) for leg in data.get("wideband", ()))
        for encoded in data["commands"]:
            command = decode_command(encoded)
            if isinstance(command, StartRecording):
                self._begin_recording(replace(command, at_seconds=0.0), now - age - command.at_seconds)
            elif isinstance(command, MediaCommand):
                self.note(command, now)

    def _begin_recording(self, order: StartRecording, began: float) -> None:
        if order.recording not in self._recordings:
            self._recordings[order.recording] = _Recording(order, began)
            self._put_on(order.recording)

    def _set_parties(self, parties: RecordParties) -> None:
        self._take_off(parties.recording)
        self._parties[parties.recording] = parties
        self._put_on(parties.recording)

    def _legs_on(self, recording: RecordingId) -> set[LegId]:
        known, parties = self._recordings.get(recording), self._parties.get(recording)
        legs = set(_both(known.order)) if known is not None else set()
        return legs if parties is None else legs.union(parties.left, parties.right)

    def _put_on(self, recording: RecordingId) -> None:
        for leg in self._legs_on(recording):
            self._recorded.setdefault(leg, {})[recording] = None

    def _take_off(self, recording: RecordingId) -> None:
        for leg in self._legs_on(recording):
            on = self._recorded[leg]
            del on[recording]
            if not on:
                del self._recorded[leg]

    def _recorded_together(self) -> set[tuple[LegId, LegId]]:
        """Each recording's left leg with every other leg of it: it is written where that leg is."""
        pairs: set[tuple[LegId, LegId]] = set()
        for recording, known in self._recordings.items():
            left, right, parties = known.order.left, known.order.right, self._parties.get(recording)
            more = () if parties is None else (*parties.left, *parties.right)
            pairs |= {(min(left, leg), max(left, leg)) for leg in (right, *more)}
        return pairs

    def _separate(self, leg: LegId) -> None:
        self._echoes.discard(leg)
        self._rooms.pop(leg, None)
        self._gains = {pair: gain for pair, gain in self._gains.items() if leg not in pair}
        for other in self._bridges.pop(leg, ()):
            self._bridges[other].discard(leg)
            if not self._bridges[other]:
                del self._bridges[other]


def _both(order: StartRecording) -> tuple[LegId, LegId]:
    return order.left, order.right


def without(parties: RecordParties, gone: Collection[LegId]) -> RecordParties:
    """The same without legs that are gone."""
    left, right = (tuple(leg for leg in legs if leg not in gone) for legs in (parties.left, parties.right))
    return replace(parties, left=left, right=right)
