"""The matrix of gains: who hears whom, how loud, and never a click or a wrap-around."""

from __future__ import annotations

import math
from collections.abc import Callable

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from ccplatform.contracts.media import (
    Bridge,
    JoinRoom,
    MediaCommand,
    Mute,
    Play,
    SetGain,
    StopPlay,
    ToneItem,
    Unbridge,
)
from ccplatform.contracts.words import LegId, PlaybackId
from gateway.media.audio import FRAME, Array, Pcm
from gateway.media.commands import Performer
from gateway.media.mixing import VOICE, Mixer, limit, source_of
from tests.gateway.media.peers import Peer, Rig, level, tone

HERTZ = {"customer": 400.0, "agent": 700.0, "supervisor": 1100.0}
_MUSIC = 1700.0


class _Floor:
    """Three parties who each hum their own note; ``heard`` is who hears whom, by the notes."""

    def __init__(self, rig: Rig) -> None:
        self._rig = rig
        self._performer = Performer(rig.engine, lambda event: None, lambda: None)
        self._peers: dict[str, Peer] = {name: rig.leg(name, call=name)[1] for name in HERTZ}

    def perform(self, *commands: MediaCommand) -> None:
        for command in commands:
            self._performer.perform(command)

    def levels(self) -> dict[str, dict[float, float]]:
        for peer in self._peers.values():
            peer.packets.clear()
        self._rig.talk(*((self._peers[name], tone(hertz, 0.5, peak=4000)) for name, hertz in HERTZ.items()))
        notes = (*HERTZ.values(), _MUSIC)
        return {
            name: {hertz: level(peer.heard()[1600:], hertz) for hertz in notes}
            for name, peer in self._peers.items()
        }

    def heard(self) -> dict[str, set[str]]:
        names = {hertz: name for name, hertz in HERTZ.items()} | {_MUSIC: "music"}
        return {
            name: {names[hertz] for hertz, loud in levels.items() if loud > 1000}
            for name, levels in self.levels().items()
        }


@pytest.fixture
def floor(rig: Rig) -> _Floor:
    return _Floor(rig)


def _gain(source: str, sink: str, gain: float) -> SetGain:
    return SetGain(source=LegId(source), sink=LegId(sink), gain=gain)


_TALK = Bridge(a=LegId("customer"), b=LegId("agent"))
_MONITOR = (_gain("customer", "supervisor", 1), _gain("agent", "supervisor", 1))
_WHISPER = _gain("supervisor", "agent", 1)
_BARGE = _gain("supervisor", "customer", 1)


def test_monitor_whisper_and_barge_are_entries_of_the_matrix(floor: _Floor) -> None:
    floor.perform(_TALK, *_MONITOR)
    assert floor.heard() == {
        "customer": {"agent"},
        "agent": {"customer"},
        "supervisor": {"customer", "agent"},
    }
    floor.perform(_WHISPER)
    assert floor.heard()["agent"] == {"customer", "supervisor"}
    assert floor.heard()["customer"] == {"agent"}
    floor.perform(_BARGE)
    assert floor.heard() == {name: set(HERTZ) - {name} for name in HERTZ}
    floor.perform(Unbridge(leg=LegId("supervisor")))
    assert floor.heard() == {"customer": {"agent"}, "agent": {"customer"}, "supervisor": set()}


def test_a_muted_leg_is_heard_by_nobody_wherever_it_is(floor: _Floor) -> None:
    floor.perform(_TALK, *_MONITOR, Mute(leg=LegId("agent"), muted=True))
    assert floor.heard() == {"customer": set(), "agent": {"customer"}, "supervisor": {"customer"}}
    floor.perform(Mute(leg=LegId("agent"), muted=False))
    assert floor.heard()["customer"] == {"agent"}
    floor.perform(*(Unbridge(leg=LegId(name)) for name in HERTZ))
    floor.perform(Mute(leg=LegId("agent"), muted=True))
    floor.perform(*(JoinRoom(leg=LegId(name), room="room") for name in HERTZ))
    assert floor.heard() == {
        "customer": {"supervisor"},
        "agent": {"customer", "supervisor"},
        "supervisor": {"customer"},
    }
    floor.perform(Mute(leg=LegId("agent"), muted=False))
    assert floor.heard() == {name: set(HERTZ) - {name} for name in HERTZ}


def test_hold_with_music_and_back(floor: _Floor) -> None:
    music = Play(
        leg=LegId("customer"),
        playback=PlaybackId("music"),
        items=(ToneItem(hertz=(_MUSIC,), seconds=1.0),),
        loop=True,
    )
    floor.perform(_TALK, Unbridge(leg=LegId("customer")), music)
    assert floor.heard() == {"customer": {"music"}, "agent": set(), "supervisor": set()}
    floor.perform(StopPlay(leg=LegId("customer")), _TALK)
    assert floor.heard() == {"customer": {"agent"}, "agent": {"customer"}, "supervisor": set()}


def test_a_member_of_a_room_hears_a_playback_and_a_whisper_besides(floor: _Floor) -> None:
    beep = Play(
        leg=LegId("agent"), playback=PlaybackId("p"), items=(ToneItem(hertz=(_MUSIC,), seconds=1.0),), loop=True
    )
    floor.perform(*(JoinRoom(leg=LegId(name), room="room") for name in ("customer", "agent")), beep, _WHISPER)
    assert floor.heard() == {
        "customer": {"agent"},
        "agent": {"customer", "supervisor", "music"},
        "supervisor": set(),
    }


def test_a_gain_sets_the_level_and_one_out_of_bounds_changes_nothing(floor: _Floor) -> None:
    floor.perform(_TALK, _gain("agent", "customer", 0.5))
    assert floor.levels()["customer"][HERTZ["agent"]] == pytest.approx(2000, rel=0.05)
    for wrong in (-1.0, 5.0, math.nan, math.inf):
        floor.perform(_gain("agent", "customer", wrong))
    assert floor.levels()["customer"][HERTZ["agent"]] == pytest.approx(2000, rel=0.05)
    floor.perform(_gain("agent", "customer", 0))
    assert floor.heard()["customer"] == set()


def test_supervision_passes_no_digits_on(rig: Rig) -> None:
    legs = {name: rig.leg(name, call=name)[0] for name in HERTZ}
    routing = rig.engine.routing
    routing.bridge(legs["customer"], legs["agent"])
    routing.set_gain(legs["customer"], legs["supervisor"], 1.0)
    routing.set_gain(legs["supervisor"], legs["customer"], 1.0)
    routing.set_gain(legs["agent"], legs["customer"], 0.5)  # only quieter: still a bridge
    partners = {name: {partner.id for partner in routing.partners(leg)} for name, leg in legs.items()}
    assert partners == {"customer": {"agent"}, "agent": {"customer"}, "supervisor": set()}


def _mixer(rows: int) -> Mixer:
    mixer = Mixer()
    mixer.grow(rows)
    return mixer


def _heard(mixer: Mixer, count: int) -> Pcm:
    return mixer.mix(count).of(np.arange(count))


def _steps(frames: list[Array]) -> float:
    return float(np.abs(np.diff(np.concatenate(frames).astype(np.int64))).max())


def test_every_change_of_a_gain_is_a_ramp_over_one_frame() -> None:
    mixer = _mixer(3)
    mixer.sound[:, VOICE] = 8000
    frames = [_heard(mixer, 3)[1]]
    voice = source_of(0, VOICE)
    changes: tuple[Callable[[], None], ...] = (
        lambda: mixer.route(voice, 1),
        lambda: mixer.route(voice, 1, 0.25),
        lambda: mixer.mute(0, True),
        lambda: mixer.mute(0, False),
        lambda: mixer.route(voice, 1),
        lambda: mixer.unroute(voice, 1),
        lambda: mixer.join("room", 0),
        lambda: mixer.join("room", 1),
        lambda: mixer.mute(0, True),
        lambda: mixer.mute(0, False),
        lambda: mixer.leave(0),
        lambda: mixer.join("room", 0),
        lambda: mixer.leave(1),
    )
    for change in changes:
        change()
        frames += [_heard(mixer, 3)[1] for _ in range(2)]
    assert _steps(frames) <= 8000 / FRAME + 1
    after = [int(frame[-1]) for frame in frames[2::2]]
    assert after == [8000, 2000, 0, 2000, 8000, 0, 0, 8000, 0, 8000, 0, 8000, 0]
    assert all(np.ptp(frame) == 0 for frame in frames[2::2])


def test_a_row_that_is_handed_out_again_hears_nothing_and_is_heard_by_nobody() -> None:
    mixer = _mixer(3)
    mixer.route(source_of(0, VOICE), 1)
    mixer.route(source_of(1, VOICE), 0)
    mixer.join("room", 0)
    mixer.join("room", 2)
    mixer.mute(0, True)
    mixer.mix(3)
    mixer.clear(0)
    mixer.sound[:, VOICE] = 8000
    assert not _heard(mixer, 3).any()
    mixer.route(source_of(0, VOICE), 1)
    mixer.mix(3)
    assert (_heard(mixer, 3)[1] == 8000).all()


@given(
    st.lists(st.tuples(st.sampled_from("xy"), st.booleans()), min_size=1, max_size=8),
    st.integers(0, 2**32 - 1),
)
def test_a_room_is_the_sum_of_all_minus_own(members: list[tuple[str, bool]], seed: int) -> None:
    mixer = _mixer(len(members))
    rng = np.random.default_rng(seed)
    voices = rng.integers(-3000, 3000, (len(members), FRAME), dtype=np.int16)
    mixer.sound[:, VOICE] = voices
    for row, (room, apart) in enumerate(members):
        mixer.join(room, row, apart)
    mixer.mix(len(members))  # the ramps
    frames = _heard(mixer, len(members))
    for row, (room, apart) in enumerate(members):
        others = [
            other
            for other, (where, also_apart) in enumerate(members)
            if other != row and where == room and not (apart and also_apart)
        ]
        assert np.array_equal(frames[row], voices[others].astype(np.int64).sum(axis=0))
        assert dict(mixer.gains_of(row)) == {source_of(other, VOICE): 1.0 for other in others}


@given(st.integers(2, 40), st.sampled_from([-32768, 32767, 20000]))
def test_no_sum_wraps_around_however_many_shout(count: int, sample: int) -> None:
    mixer = _mixer(count)
    mixer.sound[:, VOICE] = sample
    for row in range(count):
        mixer.join("room", row)
    mixer.mix(count)
    frames = _heard(mixer, count).astype(np.int64)
    assert (np.sign(frames) == np.sign(sample)).all()
    assert np.abs(frames).max() <= 32640


def test_the_limiter_is_exact_below_its_knee_and_rises_above_it() -> None:
    total = np.arange(-200000, 200000, 7, dtype=np.float32)
    limited = limit(total).astype(np.int64)
    quiet = np.abs(total) <= 24576
    assert np.array_equal(limited[quiet], total[quiet])
    assert (np.diff(limited) >= 0).all()
    assert np.abs(limited).max() <= 32640
