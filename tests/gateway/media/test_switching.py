"""Whatever is asked and whatever dies: in the end every leg hears what one worker would let it hear."""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from itertools import combinations
from typing import Any, TypeAlias

from hypothesis import given, settings
from hypothesis import strategies as st

from ccplatform.contracts.legs import PlaybackEnded
from ccplatform.contracts.media import (
    Bridge,
    Echo,
    JoinRoom,
    MediaCommand,
    PauseRecording,
    Play,
    RecordingClosed,
    RecordParties,
    SecureCollect,
    StartRecording,
    StartTap,
    StopPlay,
    StopRecording,
    StopTap,
    TapEnded,
    Unbridge,
    WatchVoice,
)
from ccplatform.contracts.words import CallId, LegId, PlaybackId, RecordingId
from ccplatform.kernel.clock import VirtualClock
from gateway.media.placing import Places
from gateway.media.protocol import CloseLink, Command, OpenLink
from gateway.media.switching import Switching
from tests.support.sealed import SEAL

A, B, C, D = LEGS = [LegId(name) for name in "abcd"]
WORKERS = 3


#: Who is recorded on the two channels.
Channels: TypeAlias = tuple[tuple[LegId, ...], tuple[LegId, ...]]


def leave(channels: Channels, leg: LegId) -> Channels:
    left, right = (tuple(other for other in channel if other != leg) for channel in channels)
    return left, right


@dataclass
class FakeWorker:
    """What a worker makes of its commands."""

    legs: set[LegId] = field(default_factory=set)
    links: dict[LegId, OpenLink] = field(default_factory=dict)
    heard_by: set[tuple[LegId, LegId]] = field(default_factory=set)
    rooms: dict[LegId, str] = field(default_factory=dict)
    recordings: dict[RecordingId, tuple[LegId, LegId]] = field(default_factory=dict)
    parties: dict[RecordingId, Channels] = field(default_factory=dict)
    plays: dict[LegId, PlaybackId] = field(default_factory=dict)
    secure: set[LegId] = field(default_factory=set)
    watched: set[LegId] = field(default_factory=set)
    paused: set[RecordingId] = field(default_factory=set)
    taps: dict[str, LegId] = field(default_factory=dict)

    def perform(self, command: Command) -> None:
        match command:
            case OpenLink():
                self.links.setdefault(command.link, command)
            case CloseLink(link=link):
                self.links.pop(link, None)
                self.forget(link)
            case Bridge(a=a, b=b):
                assert {a, b} <= self.legs | self.links.keys(), command
                self.heard_by |= {(a, b), (b, a)}
            case Unbridge(leg=leg):
                self.separate(leg)
            case Echo(leg=leg):
                self.heard_by.add((leg, leg))
            case JoinRoom(leg=leg, room=room):
                self.rooms[leg] = room
            case StartRecording(left=left, right=right):
                assert {left, right} <= self.legs | self.links.keys(), command
                self.recordings[command.recording] = (left, right)
                self.parties[command.recording] = ((left,), (right,))
            case RecordParties(left=lefts, right=rights):
                assert {*lefts, *rights} <= self.legs | self.links.keys(), command
                self.parties[command.recording] = (lefts, rights)
            case StopRecording():
                self.recordings.pop(command.recording, None)
            case PauseRecording():
                self.paused.add(command.recording)
            case Play():
                self.plays[command.leg] = command.playback
            case StopPlay():
                self.plays.pop(command.leg, None)
            case WatchVoice(leg=leg, on=on):
                (self.watched.add if on else self.watched.discard)(leg)
            case StartTap(leg=leg):
                self.taps[command.tap] = leg
            case StopTap():
                self.taps.pop(command.tap, None)
            case SecureCollect(leg=leg, on=on):
                (self.secure.add if on else self.secure.discard)(leg)
            case _:
                raise AssertionError(command)

    def separate(self, leg: LegId) -> None:
        self.rooms.pop(leg, None)
        self.heard_by = {(said, by) for said, by in self.heard_by if leg not in (said, by)}

    def forget(self, leg: LegId) -> None:
        self.legs.discard(leg)
        self.separate(leg)
        self.recordings = {name: both for name, both in self.recordings.items() if leg not in both}
        self.parties = {name: leave(channels, leg) for name, channels in self.parties.items()}

    def sources_of(self, leg: LegId) -> set[LegId]:
        """Legs and links that a leg hears."""
        bridged = {said for said, by in self.heard_by if by == leg}
        room = self.rooms.get(leg)
        return bridged | {other for other, joined in self.rooms.items() if joined == room is not None} - {leg}


class World:
    """Switching over workers that die, with the pool's part played by the test."""

    def __init__(self) -> None:
        self.clock = VirtualClock()
        self.workers: list[FakeWorker | None] = [FakeWorker() for _ in range(WORKERS)]
        self.told: list[RecordingClosed | PlaybackEnded | TapEnded] = []
        self.begin()

    def begin(self) -> None:
        """A control process that knows nothing."""
        self.places = Places(WORKERS)
        self.switching = Switching(
            places=self.places,
            clock=self.clock,
            sockets=[str(index) for index in range(WORKERS)],
            send=self.send,
            tell=self.told.append,
            recording_rate=16000,
        )

    def send(self, worker: int, command: Command) -> None:
        there = self.workers[worker]
        if there is not None:
            there.perform(command)

    def open(self, leg: LegId) -> None:
        """Each leg is a call of its own; a call goes where the fewest legs are."""
        place = self.places.add(CallId(leg))
        if self.places.of(leg) is None or leg in place.adrift:
            self.places.add_leg(place, leg)
            if place.worker is None:
                self.settle()
            else:
                self.begun(leg, place.worker)

    def settle(self) -> None:
        there = [index for index, worker in enumerate(self.workers) if worker is not None]
        for place in self.places.on(None):
            worker = self.places.least_loaded(there)
            if worker is not None:
                self.places.put(place, worker)
                for leg in sorted(place.legs):
                    self.begun(leg, worker)

    def begun(self, leg: LegId, worker: int) -> None:
        there = self.workers[worker]
        assert there is not None
        there.legs.add(leg)
        self.switching.leg_came(leg)

    def close(self, leg: LegId) -> None:
        worker = self.places.worker_of(leg)
        self.switching.leg_gone(leg)
        self.places.drop_leg(leg)
        there = self.workers[worker] if worker is not None else None
        if there is not None:
            there.forget(leg)

    def lose(self, worker: int) -> None:
        """A worker dies; its legs are opened again at once, where a worker is there."""
        if self.workers[worker] is None:
            return
        self.workers[worker] = None
        lost = []
        for place in self.places.on(worker):
            self.places.put(place, None)
            place.adrift |= place.legs
            lost += sorted(place.legs)
        self.switching.worker_lost(worker)
        for leg in lost:
            self.open(leg)

    def back(self, worker: int) -> None:
        if self.workers[worker] is None:
            self.workers[worker] = FakeWorker()
            self.settle()

    def restart(self) -> None:
        """Control dies and comes back: the workers report what they have, and the wishes that it left there."""
        now, wall = self.clock.now(), self.clock.wall().timestamp()
        kept = {leg: self.switching.wishes.snapshot([leg], now, wall) for leg in LEGS if self.places.of(leg)}
        workers = {leg: self.places.worker_of(leg) for leg in kept}
        self.begin()
        for leg, data in json.loads(json.dumps(kept)).items():
            place = self.places.add(CallId(leg))
            self.places.add_leg(place, leg)
            self.places.put(place, workers[leg])
            self.switching.wishes.restore(data, now, wall)
        links = {index: tuple(worker.links) for index, worker in enumerate(self.workers) if worker is not None}
        self.switching.know_again(links)

    # --- what is heard ------------------------------------------------------------------------------------

    def hears(self, leg: LegId) -> set[LegId]:
        """The legs that a leg hears, through links."""
        worker = self.places.worker_of(leg)
        assert worker is not None
        return self._resolve(worker, leg)

    def _resolve(self, worker: int, leg: LegId) -> set[LegId]:
        there = self.workers[worker]
        assert there is not None
        heard: list[LegId] = []
        for source in there.sources_of(leg):
            heard += [source] if source in there.legs else self._said_by(there.links[source], there)
        assert len(heard) == len(set(heard)), f"{leg} hears somebody twice: {heard}"
        return set(heard)

    def _said_by(self, link: OpenLink, there: FakeWorker) -> list[LegId]:
        twin = self.workers[int(link.peer)]
        assert twin is not None
        assert twin is not there
        carried = twin.links[link.link].leg
        if carried is not None:
            return [carried] if carried in twin.legs else []
        room = twin.rooms[link.link]
        return [leg for leg, joined in twin.rooms.items() if joined == room and leg in twin.legs]

    def recorded(self, recording: RecordingId) -> list[list[LegId]]:
        (worker,) = [worker for worker in self.workers if worker is not None and recording in worker.recordings]
        channels: list[list[LegId]] = []
        for sources in worker.parties[recording]:
            legs: list[LegId] = []
            for source in sources:
                legs += [source] if source in worker.legs else self._said_by(worker.links[source], worker)
            channels.append(legs)
        return channels


class Ideal:
    """One worker that never dies."""

    def __init__(self) -> None:
        self.bridges: set[frozenset[LegId]] = set()
        self.rooms: dict[LegId, str] = {}
        self.recordings: dict[RecordingId, tuple[LegId, LegId]] = {}
        self.parties: dict[RecordingId, Channels] = {}

    def hears(self, leg: LegId) -> set[LegId]:
        bridged = {other for pair in self.bridges if leg in pair for other in pair - {leg}}
        room = self.rooms.get(leg)
        return bridged | {other for other, joined in self.rooms.items() if joined == room is not None} - {leg}

    def separate(self, leg: LegId) -> None:
        self.bridges = {pair for pair in self.bridges if leg not in pair}
        self.rooms.pop(leg, None)

    def close(self, leg: LegId) -> None:
        self.separate(leg)
        self.recordings = {name: both for name, both in self.recordings.items() if leg not in both}
        self.parties = {name: leave(channels, leg) for name, channels in self.parties.items()}


legs = st.sampled_from(LEGS)
pairs = st.sampled_from([pair for one, other in combinations(LEGS, 2) for pair in ((one, other), (other, one))])
some = st.lists(legs, max_size=3, unique=True).map(tuple)
steps = st.lists(
    st.one_of(
        st.tuples(st.just("bridge"), pairs),
        st.tuples(st.just("unbridge"), legs),
        st.tuples(st.just("room"), legs, st.sampled_from(["red", "blue"])),
        st.tuples(st.just("record"), pairs),
        st.tuples(st.just("stop"), pairs),
        st.tuples(st.just("parties"), pairs, some, some),
        st.tuples(st.just("close"), legs),
        st.tuples(st.just("open"), legs),
        st.tuples(st.just("lose"), st.integers(0, WORKERS - 1)),
        st.tuples(st.just("back"), st.integers(0, WORKERS - 1)),
        st.tuples(st.just("restart")),
    ),
    max_size=25,
)


def take(world: World, ideal: Ideal, step: tuple[Any, ...]) -> None:
    perform = world.switching.perform
    match step:
        case ("bridge", (a, b)) if world.places.of(a) and world.places.of(b) and not {a, b} & ideal.rooms.keys():
            perform(Bridge(a=a, b=b))
            ideal.bridges.add(frozenset((a, b)))
        case ("unbridge", leg):
            perform(Unbridge(leg=leg))
            ideal.separate(leg)
        case ("room", leg, str(room)) if world.places.of(leg):
            perform(Unbridge(leg=leg))
            ideal.separate(leg)
            perform(JoinRoom(leg=leg, room=room))
            ideal.rooms[leg] = room
        case ("record", (left, right)) if world.places.of(left) and world.places.of(right):
            name = RecordingId(f"{left}{right}")
            if name not in ideal.recordings:
                perform(
                    StartRecording(
                        call=CallId("c"), recording=name, left=left, right=right, path="/nowhere.wav", seal=SEAL
                    )
                )
                ideal.recordings[name] = (left, right)
                ideal.parties[name] = ((left,), (right,))
        case ("parties", (left, right), tuple(lefts), tuple(rights)):
            name = RecordingId(f"{left}{right}")
            perform(RecordParties(recording=name, left=lefts, right=rights))
            there: Channels = (lefts, rights)
            for leg in LEGS:
                there = there if world.places.of(leg) else leave(there, leg)
            if name in ideal.recordings:
                ideal.parties[name] = there
        case ("stop", (left, right)):
            name = RecordingId(f"{left}{right}")
            perform(StopRecording(recording=name))
            if ideal.recordings.pop(name, None):
                world.switching.heard(RecordingClosed(call=CallId("c"), recording=name, seconds=1, size_bytes=1))
        case ("close", leg):
            world.close(leg)
            ideal.close(leg)
        case ("open", leg):
            world.open(leg)
        case ("lose", int(worker)):
            world.lose(worker)
        case ("back", int(worker)):
            world.back(worker)
        case ("restart",) if None not in world.workers:
            world.restart()
        case _:
            pass


@settings(max_examples=400, deadline=None)
@given(steps)
def test_every_leg_hears_in_the_end_what_one_worker_would_let_it_hear(story: list[tuple[Any, ...]]) -> None:
    world, ideal = World(), Ideal()
    for leg in LEGS:
        world.open(leg)
    for step in story:
        take(world, ideal, step)
    for worker in range(WORKERS):
        world.back(worker)
    for leg in LEGS:
        if world.places.of(leg):
            assert world.hears(leg) == ideal.hears(leg), leg
    for name in ideal.recordings:
        assert world.recorded(name) == [list(channel) for channel in ideal.parties[name]]
    for leg in LEGS:
        world.close(leg)
    assert all(worker is not None and not worker.links for worker in world.workers)
    assert world.switching.wishes.pairs() == set()


def test_what_plays_is_played_again_and_what_is_hidden_stays_hidden() -> None:
    world = World()
    for leg in (A, B):
        world.open(leg)
    commands: list[MediaCommand] = [
        Play(leg=A, playback=PlaybackId("music"), items=(), loop=True),
        SecureCollect(leg=B, on=True),
        WatchVoice(leg=A, on=True),
        WatchVoice(leg=A, on=False),
        WatchVoice(leg=B, on=True),
        StartRecording(
            call=CallId("c"), recording=RecordingId("r"), left=A, right=B, path="/nowhere.wav", seal=SEAL
        ),
        PauseRecording(recording=RecordingId("r")),
    ]
    for command in commands:
        world.switching.perform(command)
    for worker in range(WORKERS):
        world.lose(worker)
    for worker in range(WORKERS):
        world.back(worker)
    there = [worker for worker in world.workers if worker is not None]
    assert [worker.plays for worker in there if worker.plays] == [{A: "music"}]
    assert [worker.secure for worker in there if worker.secure] == [{B}]
    assert [worker.watched for worker in there if worker.watched] == [{B}]
    assert [worker.paused for worker in there if worker.paused] == [{"r"}]


def test_taps_are_made_again_and_those_that_end_meanwhile_are_told_as_ended() -> None:
    world = World()
    for leg in (A, B):
        world.open(leg)
    for name, leg in (("kept", A), ("ended", A), ("stopped", B), ("with its leg", B)):
        world.switching.perform(StartTap(leg=leg, tap=name, path="/nowhere"))
    world.switching.heard(TapEnded(leg=A, tap="ended", seconds=1.0, lost_seconds=0.0))
    for worker in range(WORKERS):
        world.lose(worker)
    world.switching.perform(StopTap(leg=B, tap="stopped"))
    world.close(B)
    ended = [event for event in world.told if isinstance(event, TapEnded)]
    assert [(event.leg, event.tap) for event in ended] == [(B, "stopped"), (B, "with its leg")]
    assert all(event.error for event in ended)
    for worker in range(WORKERS):
        world.back(worker)
    assert [worker.taps for worker in world.workers if worker is not None and worker.taps] == [{"kept": A}]


def test_a_playback_that_is_stopped_while_no_worker_is_there_is_told_as_ended() -> None:
    world = World()
    world.open(A)
    world.switching.perform(Play(leg=A, playback=PlaybackId("one"), items=()))
    for worker in range(WORKERS):
        world.lose(worker)
    world.switching.perform(Play(leg=A, playback=PlaybackId("two"), items=()))
    world.switching.perform(StopPlay(leg=A))
    world.switching.perform(StopPlay(leg=A))
    ended = [event for event in world.told if isinstance(event, PlaybackEnded)]
    assert [(event.playback, event.finished) for event in ended] == [("one", False), ("two", False)]


def test_a_recording_goes_on_where_it_should_be_and_one_that_cannot_is_told_as_cut() -> None:
    world = World()
    world.open(A)
    world.open(B)
    starts: list[StartRecording] = []
    send = world.send

    def watch(worker: int, command: Command) -> None:
        starts.extend([command] if isinstance(command, StartRecording) else [])
        send(worker, command)

    world.switching._send = watch
    order = StartRecording(
        call=CallId("c"), recording=RecordingId("r"), left=A, right=B, path="/nowhere.wav", seal=SEAL
    )
    world.switching.perform(order)
    world.clock.advance(7.0)
    for worker in range(WORKERS):
        world.lose(worker)
    world.clock.advance(3.0)
    for worker in range(WORKERS):
        world.back(worker)
    assert (starts[0].at_seconds, starts[-1].at_seconds) == (0.0, 10.0)
    for worker in range(WORKERS):
        world.lose(worker)
    assert world.told == []
    world.close(B)
    (cut,) = world.told
    assert isinstance(cut, RecordingClosed)
    assert cut.recording == "r"
    assert cut.error
    gone = StartRecording(
        call=CallId("c"), recording=RecordingId("late"), left=A, right=B, path="/nowhere.wav", seal=SEAL
    )
    world.switching.perform(gone)
    assert len(world.told) == 2


def test_talks_with_a_wideband_leg_are_recorded_at_16_khz_and_go_on_so() -> None:
    world = World()
    for leg in LEGS:
        world.open(leg)
    world.switching.wishes.speaks(B, wideband=True)
    world.switching.wishes.speaks(C, wideband=True)
    world.switching.wishes.speaks(C, wideband=False)  # by a re-INVITE

    def record(left: LegId, right: LegId) -> None:
        order = StartRecording(
            call=CallId("c"),
            recording=RecordingId(left + right),
            left=left,
            right=right,
            path="/nowhere.wav",
            seal=SEAL,
        )
        world.switching.perform(order)

    record(A, B)
    record(C, D)
    world.restart()
    record(B, D)  # who is wideband is known after a restart of control
    world.switching.wishes.speaks(B, wideband=False)
    for worker in range(WORKERS):
        world.lose(worker)
        world.back(worker)
    assert {order.recording: order.rate for order in world.switching.wishes.recordings()} == {
        "ab": 16000,
        "cd": 8000,
        "bd": 16000,
    }


def test_the_load_of_the_workers_follows_their_legs() -> None:
    world = World()
    for leg in LEGS:
        world.open(leg)
    assert sorted(world.places.load(worker) for worker in range(WORKERS)) == [1, 1, 2]
    world.lose(0)
    assert world.places.load(0) == 0
    assert world.places.load(1) + world.places.load(2) == 4
    for leg in LEGS:
        world.close(leg)
    assert [world.places.load(worker) for worker in range(WORKERS)] == [0, 0, 0]
