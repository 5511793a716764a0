"""Who hears whom, what plays and what is recorded, whatever workers the legs are on and whatever becomes of these.

What is wanted is remembered; what can be done is said to the workers at once, the rest as soon as its legs are
there.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import replace

from ccplatform.contracts.legs import PlaybackEnded
from ccplatform.contracts.media import (
    Bridge,
    ForgetCall,
    JoinRoom,
    KeepSnapshot,
    MediaCommand,
    PauseRecording,
    Play,
    RecordingClosed,
    RecordParties,
    ResumeRecording,
    SetGain,
    StartRecording,
    StopPlay,
    StopRecording,
    StopTap,
    TapEnded,
    Unbridge,
)
from ccplatform.contracts.words import LegId, RecordingId
from ccplatform.kernel.clock import Clock
from gateway.media.audio import RATE
from gateway.media.placing import Places
from gateway.media.protocol import Command
from gateway.media.sealed_file import cut_recording
from gateway.media.spanning import Spans
from gateway.media.wishes import Wishes, without


class Switching:
    """``send`` gives a command to a worker, ``tell`` takes what no worker is there to tell. ``recording_rate``: of
    what wideband legs say, samples a second."""

    def __init__(
        self,
        *,
        places: Places,
        clock: Clock,
        sockets: Sequence[str],
        send: Callable[[int, Command], None],
        tell: Callable[[RecordingClosed | PlaybackEnded | TapEnded], None],
        recording_rate: int = RATE,
    ) -> None:
        self._places = places
        self._clock = clock
        self._send = send
        self._tell = tell
        self._recording_rate = recording_rate
        self._spans = Spans(sockets=sockets, send=send)
        self._running: dict[RecordingId, tuple[int, StartRecording]] = {}
        self.wishes = Wishes()

    # --- from control -------------------------------------------------------------------------------------

    def perform(self, command: MediaCommand) -> None:
        """Want it from now on, and have it done if its legs are there. Nothing is wanted of legs that are gone."""
        if isinstance(command, StopRecording):
            self._stop_recording(command)
            return
        if isinstance(command, RecordParties):
            command = without(command, [leg for leg in legs_of(command) if self._places.of(leg) is None])
        if any(self._places.of(leg) is None for leg in legs_of(command)):
            if isinstance(command, StartRecording):
                self._tell(cut_recording(command))
            return
        if isinstance(command, Play | StopPlay) and self._places.worker_of(command.leg) is None:
            self._end_play(command.leg)
        if isinstance(command, StopTap) and self._places.worker_of(command.leg) is None:
            self._end_taps(command.leg, command.tap)
        if isinstance(command, StartRecording) and command.rate is None:
            wideband = self.wishes.are_wideband(command.left, command.right)
            command = replace(command, rate=self._recording_rate if wideband else RATE)
        left = self.wishes.room_of(command.leg) if isinstance(command, Unbridge | JoinRoom) else None
        self.wishes.note(command, self._clock.now())
        self._say(command)
        if isinstance(command, Unbridge):
            self._unbridge_far_ends(command.leg)
        if left is not None:
            self._seat(left)

    def leg_came(self, leg: LegId) -> None:
        """A worker has the leg now: say what is wanted of it."""
        for command in self.wishes.of(leg, self._clock.now()):
            self._say(command)

    def leg_gone(self, leg: LegId) -> None:
        """The leg is over; so are the recordings of it that no worker writes."""
        room = self.wishes.room_of(leg)
        if self._places.worker_of(leg) is None:
            self._end_taps(leg)
        for order in self.wishes.forget(leg):
            if order.recording not in self._running:
                self._tell(cut_recording(order))
        self._spans.prune(leg, self.wishes.joined)
        if room is not None:
            self._seat(room)

    # --- from the workers ---------------------------------------------------------------------------------

    def worker_lost(self, worker: int) -> None:
        """A worker is gone, and its legs are adrift."""
        self._spans.worker_lost(worker)
        for room in self.wishes.rooms():
            self._seat(room)
        wanted = {order.recording for order in self.wishes.recordings()}
        for recording, (writer, order) in tuple(self._running.items()):
            if writer == worker:
                del self._running[recording]
                if recording not in wanted:
                    self._tell(cut_recording(order))

    def heard(self, event: RecordingClosed | PlaybackEnded | TapEnded) -> None:
        """Something that was wanted is over."""
        match event:
            case RecordingClosed():
                known = self._running.pop(event.recording, None)
                self.wishes.recording_ended(event.recording)
                if known is not None:
                    self._spans.prune(known[1].left, self.wishes.joined)
            case PlaybackEnded():
                self.wishes.play_ended(event.leg, event.playback)
            case TapEnded():
                self.wishes.tap_ended(event.tap)

    def know_again(self, reported: Mapping[int, Iterable[LegId]]) -> None:
        """After a restart of control, when the wishes are back: take the recordings and links that the workers
        have for ours, and close links that nobody wants any more."""
        for order in self.wishes.recordings():
            worker = self._places.worker_of(order.left)
            if worker is not None:
                self._running[order.recording] = (worker, order)
        for a, b in sorted(self.wishes.pairs()):
            self._seen_from(a, b)
        for room in self.wishes.rooms():
            self._seat(room)
        for worker, links in reported.items():
            self._spans.close_others(worker, links)

    # --- saying it ----------------------------------------------------------------------------------------

    def _say(self, command: MediaCommand) -> None:
        match command:
            case Bridge(a=a, b=b):
                worker_a, worker_b = self._places.worker_of(a), self._places.worker_of(b)
                if worker_a is None or worker_b is None:
                    return
                if worker_a == worker_b:
                    self._send(worker_a, command)
                    return
                link = self._spans.pair(a, worker_a, b, worker_b)
                self._send(worker_a, Bridge(a=a, b=link))
                self._send(worker_b, Bridge(a=link, b=b))
            case SetGain(source=source, sink=sink):
                worker, seen = self._places.worker_of(sink), self._seen_from(sink, source)
                if worker is not None and seen is not None:
                    self._send(worker, replace(command, source=seen))
                    self._spans.prune(source, self.wishes.joined)
            case StartRecording(left=left, right=right):
                worker, seen = self._places.worker_of(left), self._seen_from(left, right)
                if worker is not None and seen is not None:
                    self._running[command.recording] = (worker, command)
                    self._send(worker, replace(command, right=seen))
            case RecordParties():
                self._say_parties(command)
            case PauseRecording() | ResumeRecording():
                known = self._running.get(command.recording)
                if known is not None:
                    self._send(known[0], command)
            case _:
                for leg in legs_of(command):
                    worker = self._places.worker_of(leg)
                    if worker is not None:
                        self._send(worker, command)
                if isinstance(command, JoinRoom):
                    self._seat(command.room)

    def _say_parties(self, command: RecordParties) -> None:
        known = self._running.get(command.recording)
        if known is None:
            return
        worker, order = known
        left, right = (
            tuple(seen for leg in legs if (seen := self._seen_from(order.left, leg)) is not None)
            for legs in (command.left, command.right)
        )
        self._send(worker, replace(command, left=left, right=right))
        self._spans.prune(order.left, self.wishes.joined)

    def _seen_from(self, leg: LegId, other: LegId) -> LegId | None:
        """What stands for the other leg on this leg's worker: itself or a link."""
        here, there = self._places.worker_of(leg), self._places.worker_of(other)
        if here is None or there is None:
            return None
        return other if here == there else self._spans.pair(leg, here, other, there)

    def _unbridge_far_ends(self, leg: LegId) -> None:
        for link, worker in self._spans.far_ends(leg):
            self._send(worker, Unbridge(leg=link))
        self._spans.prune(leg, self.wishes.joined)

    def _seat(self, room: str) -> None:
        workers = {self._places.worker_of(leg) for leg in self.wishes.members(room)}
        self._spans.seat(room, [worker for worker in workers if worker is not None])

    def _stop_recording(self, command: StopRecording) -> None:
        known = self._running.get(command.recording)
        if known is not None:
            self._send(known[0], command)
        order = self.wishes.recording(command.recording)
        if order is not None:
            self.wishes.note(command, self._clock.now())
            if known is None:
                self._tell(cut_recording(order))
            self._spans.prune(order.left, self.wishes.joined)

    def _end_play(self, leg: LegId) -> None:
        """What was to play is replaced or stopped while no worker is there to tell it."""
        playback = self.wishes.playing(leg)
        if playback is not None:
            self._tell(PlaybackEnded(leg=leg, playback=playback, finished=False))

    def _end_taps(self, leg: LegId, tap: str = "") -> None:
        """Tell the end of a tap, or of all of a leg, that no worker can tell."""
        for order in self.wishes.taps(leg):
            if not tap or order.tap == tap:
                self.wishes.tap_ended(order.tap)
                error = "the media worker was gone"
                self._tell(TapEnded(leg=leg, tap=order.tap, seconds=0.0, lost_seconds=0.0, error=error))


def legs_of(command: MediaCommand) -> tuple[LegId, ...]:
    """The legs that a command names."""
    match command:
        case Bridge():
            return command.a, command.b
        case SetGain():
            return command.source, command.sink
        case StartRecording():
            return command.left, command.right
        case RecordParties():
            return (*command.left, *command.right)
        case StopRecording() | PauseRecording() | ResumeRecording() | KeepSnapshot() | ForgetCall():
            return ()
        case _:
            return (command.leg,)
