from __future__ import annotations

import threading
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import soundfile

from ccplatform.contracts.legs import LegAudible, PlaybackEnded, PlaybackStarted
from ccplatform.contracts.media import (
    CallTone,
    CallToneItem,
    FileItem,
    Play,
    PlayItem,
    SilenceItem,
    StreamItem,
    ToneCountry,
    ToneItem,
)
from ccplatform.contracts.words import PlaybackId
from gateway.media import sounds
from gateway.media.audio import peak_of
from gateway.media.call_tones import CALL_TONES
from gateway.media.legs import Leg
from tests.gateway.media.peers import Peer, Rig, level, steady_level, tone

PLAYBACK = PlaybackId("p")


def _play(
    rig: Rig, leg: Leg, *items: PlayItem, loop: bool = False, rounds: int = 1, name: PlaybackId = PLAYBACK
) -> None:
    rig.engine.play(leg, Play(leg=leg.id, playback=name, items=items, loop=loop, rounds=rounds))


def _until_loaded(rig: Rig) -> None:
    """Wait for the threads that read files, without looking at a clock: they answer one after the other."""
    library = rig.engine.parts.library
    done = threading.Event()
    while library._loading:
        done.wait(0.002)
        library.collect(rig.clock.now())


def _wave(path: Path, hertz: float, seconds: float, rate: int, channels: int = 1, lead: float = 0.0) -> str:
    time = np.arange(round(seconds * rate)) / rate
    sine = 0.25 * np.sin(2 * np.pi * hertz * time)
    mono = np.concatenate([np.zeros(round(lead * rate)), sine])
    kind = ("OGG", "OPUS") if path.suffix == ".opus" else (None, None)
    soundfile.write(path, np.column_stack([mono] * channels), rate, format=kind[0], subtype=kind[1])
    return str(path)


def _hear(rig: Rig, phone: Peer, ticks: int) -> np.ndarray[tuple[int], np.dtype[np.int16]]:
    phone.packets.clear()
    rig.ticks(ticks)
    return phone.heard()


@pytest.mark.parametrize(
    ("name", "rate", "channels"),
    [
        ("a.wav", 8000, 1),
        ("b.wav", 44100, 2),
        ("c.flac", 16000, 1),
        ("d.mp3", 22050, 1),
        ("e.opus", 48000, 2),
        ("f.ogg", 32000, 1),
    ],
)
def test_files_of_any_rate_are_heard_at_their_pitch(
    rig: Rig, tmp_path: Path, name: str, rate: int, channels: int
) -> None:
    leg, phone = rig.leg("a")
    _play(rig, leg, FileItem(path=_wave(tmp_path / name, 600, 0.5, rate, channels)))
    _until_loaded(rig)
    heard = _hear(rig, phone, 30)
    assert 7500 < level(heard[800:3200], 600) < 8800
    assert not np.any(np.abs(heard[4800:]) > 100)
    (ended,) = rig.told(PlaybackEnded)
    assert ended.finished
    assert ended.error == ""


def test_start_and_first_sound_are_told_when_they_are_sent(rig: Rig, tmp_path: Path) -> None:
    leg, phone = rig.leg("a")
    path = _wave(tmp_path / "a.wav", 600, 0.2, 8000)
    _play(rig, leg, FileItem(path=path))
    assert rig.told(PlaybackStarted) == []
    _until_loaded(rig)
    heard = _hear(rig, phone, 1)
    (started,), (audible,) = rig.told(PlaybackStarted), rig.told(LegAudible)
    assert started.at == audible.at == rig.clock.now()
    assert np.max(np.abs(heard)) > 5000


def test_a_playback_waits_until_its_leg_is_connected(rig: Rig) -> None:
    leg, local = rig.open("a")
    _play(rig, leg, ToneItem(hertz=(400.0,), seconds=0.1))
    rig.ticks(20)
    assert rig.told(PlaybackStarted) == []
    phone = rig.peer()
    phone.to = (local.host, local.port)
    rig.engine.connect_leg(leg, phone.remote())
    assert level(_hear(rig, phone, 5), 400) > 4000
    assert len(rig.told(PlaybackEnded)) == 1


def test_leading_silence_is_trimmed_when_asked(rig: Rig, tmp_path: Path) -> None:
    leg, phone = rig.leg("a")
    path = _wave(tmp_path / "a.wav", 600, 0.2, 8000, lead=0.5)
    _play(rig, leg, FileItem(path=path))
    _until_loaded(rig)
    assert np.max(np.abs(_hear(rig, phone, 1))) > 5000
    _play(rig, leg, FileItem(path=path, trim=False))
    assert np.max(np.abs(_hear(rig, phone, 25)[160:])) <= 8  # what played before has faded


def test_items_follow_one_another_without_a_gap_and_loop(rig: Rig) -> None:
    leg, phone = rig.leg("a")
    items = (
        ToneItem(hertz=(400.0,), seconds=0.25, level_dbm0=-10.0),
        SilenceItem(seconds=0.05),
        ToneItem(hertz=(1000.0, 1400.0), seconds=0.2, level_dbm0=-16.0),
    )
    _play(rig, leg, *items, loop=True)
    heard = _hear(rig, phone, 50)
    for start in (0, 4000):
        assert level(heard[start : start + 2000], 400) == pytest.approx(peak_of(-10), rel=0.03)
        assert not np.any(np.abs(heard[start + 2000 : start + 2400]) > 8)
        assert level(heard[start + 2400 : start + 4000], 1000) == pytest.approx(peak_of(-16), rel=0.05)
        assert level(heard[start + 2400 : start + 4000], 1400) == pytest.approx(peak_of(-16), rel=0.05)
    assert rig.told(PlaybackEnded) == []
    rig.engine.stop_play(leg)
    (ended,) = rig.told(PlaybackEnded)
    assert not ended.finished
    assert not np.any(np.abs(_hear(rig, phone, 3)[160:]) > 8)


def test_a_new_playback_replaces_the_old_one(rig: Rig) -> None:
    leg, phone = rig.leg("a")
    _play(rig, leg, ToneItem(hertz=(400.0,), seconds=5))
    rig.ticks(5)
    _play(rig, leg, ToneItem(hertz=(900.0,), seconds=5), name=PlaybackId("q"))
    heard = _hear(rig, phone, 11)
    assert level(heard[160:], 900) > 4000
    assert level(heard[160:], 400) < 100
    assert level(heard[:80], 400) > 3000  # the old one fades while the new one begins
    (ended,) = rig.told(PlaybackEnded)
    assert (ended.playback, ended.finished) == ("p", False)


def test_a_playback_and_a_partner_are_heard_together_and_never_wrap(rig: Rig) -> None:
    a, caller = rig.leg("a")
    b, agent = rig.leg("b")
    rig.engine.routing.bridge(a, b)
    _play(rig, b, ToneItem(hertz=(400.0,), seconds=5, level_dbm0=0.0))
    rig.talk((caller, tone(900, 0.6, peak=30000)))
    heard = agent.heard()[1600:]
    assert level(heard, 900) > 10000
    assert level(heard, 400) > 10000
    assert np.max(np.abs(np.diff(heard.astype(int)))) < 40000


def test_a_file_begins_where_asked_in_its_first_round_only_at_the_gain_asked(rig: Rig, tmp_path: Path) -> None:
    leg, phone = rig.leg("a")
    soundfile.write(tmp_path / "a.wav", np.concatenate([tone(400, 0.2), tone(900, 0.2)]), 8000)
    item = FileItem(path=str(tmp_path / "a.wav"), start_seconds=0.2, gain_db=-6.0)
    _play(rig, leg, item, rounds=2)
    _until_loaded(rig)
    heard = _hear(rig, phone, 31)
    quieter = pytest.approx(8000 * 10 ** (-6 / 20), rel=0.03)
    assert level(heard[:1600], 900) == quieter
    assert level(heard[1600:3200], 400) == quieter
    assert level(heard[3200:4800], 900) == quieter
    assert not np.any(np.abs(heard[4800:]) > 8)
    assert rig.told(PlaybackEnded)[0].finished


def test_a_start_behind_the_end_plays_nothing(rig: Rig, tmp_path: Path) -> None:
    leg, _ = rig.leg("a")
    _play(rig, leg, FileItem(path=_wave(tmp_path / "a.wav", 400, 0.2, 8000), start_seconds=5))
    _until_loaded(rig)
    rig.tick()
    assert rig.told(PlaybackEnded)[0].finished


def test_a_playback_fades_in_the_tick_in_which_it_is_stopped(rig: Rig) -> None:
    leg, phone = rig.leg("a")
    _play(rig, leg, ToneItem(hertz=(300.0,), seconds=5, level_dbm0=-3.0))
    rig.ticks(5)
    phone.heard()
    before = _hear(rig, phone, 5)
    rig.engine.stop_play(leg)
    (ended,) = rig.told(PlaybackEnded)
    assert not ended.finished
    heard = np.concatenate([before, _hear(rig, phone, 2)])
    own_step = np.max(np.abs(np.diff(before.astype(int))))
    assert np.max(np.abs(np.diff(heard.astype(int)))) <= own_step
    assert not np.any(np.abs(heard[-160:]) > 8)
    assert np.max(np.abs(heard[-200:-160])) < 0.3 * peak_of(-3)
    assert rig.engine.parts.mixer.gains_of(leg.row) == {}


def test_a_playback_that_never_sounded_ends_in_silence(rig: Rig, tmp_path: Path) -> None:
    leg, phone = rig.leg("a")
    _play(rig, leg, FileItem(path=_wave(tmp_path / "a.wav", 600, 0.5, 8000)))
    rig.engine.stop_play(leg)
    _until_loaded(rig)
    assert not np.any(np.abs(_hear(rig, phone, 2)) > 8)


def test_a_tone_ends_without_a_click(rig: Rig) -> None:
    leg, phone = rig.leg("a")
    _play(rig, leg, ToneItem(hertz=(300.0,), seconds=0.1008, level_dbm0=-3.0))  # ends at its crest
    heard = _hear(rig, phone, 7)
    own_step = np.max(np.abs(np.diff(heard[:640].astype(int))))
    assert np.max(np.abs(np.diff(heard.astype(int)))) <= own_step
    assert not np.any(np.abs(heard[807:]) > 8)


@pytest.mark.parametrize("country", ToneCountry)
@pytest.mark.parametrize("kind", CallTone)
def test_tones_of_the_network_have_their_frequencies_and_cadence(
    rig: Rig, kind: CallTone, country: ToneCountry
) -> None:
    leg, phone = rig.leg("a")
    beats = CALL_TONES[country][kind]
    length = sum(beat.seconds for beat in beats)
    _play(rig, leg, CallToneItem(tone=kind, country=country, seconds=2 * length))
    heard = _hear(rig, phone, round(2 * length * 50) + 1)
    start = 0
    for beat in (*beats, *beats):
        part = heard[start + 40 : start + round(beat.seconds * 8000) - 40]
        start += round(beat.seconds * 8000)
        if not beat.hertz:
            assert not np.any(np.abs(part) > 8)
        for hertz in beat.hertz:
            assert level(part, hertz) == pytest.approx(peak_of(-13), rel=0.15)
    assert rig.told(PlaybackEnded)[0].finished


def test_the_tones_of_china_are_as_its_networks_make_them(rig: Rig) -> None:
    leg, phone = rig.leg("a")
    _play(rig, leg, CallToneItem(tone=CallTone.BUSY), loop=True)
    on = np.abs(_hear(rig, phone, 35).reshape(-1, 400)).max(axis=1) > 1000
    assert on.tolist() == [True] * 7 + [False] * 7


def test_an_endless_tone_closes_on_itself(rig: Rig) -> None:
    clip = sounds.Tones().clip((697.3, 1209.7), 30, -13.0)
    doubled = np.concatenate([clip.pcm, clip.pcm]).astype(int)
    step = np.max(np.abs(np.diff(doubled[:80_000])))
    assert abs(doubled[80_000] - doubled[79_999]) <= step


@pytest.mark.parametrize(
    ("content", "reason"),
    [
        (None, "No such file"),
        (b"RIFF nonsense", "a.wav"),
        (b"", "a.wav"),
        ("big", "the limit is 2048"),
        ("folder", "not a file"),
        ("channels", "9 channels"),
        ("long", "longer than 1 s"),
    ],
)
def test_what_cannot_be_played_ends_with_its_reason(
    make_rig: Callable[..., Rig], tmp_path: Path, content: bytes | str | None, reason: str
) -> None:
    path = tmp_path / "a.wav"
    if isinstance(content, bytes):
        path.write_bytes(content)
    elif content == "folder":
        path.mkdir()
    elif content == "channels":
        soundfile.write(path, np.zeros((80, 9)), 8000)
    elif content is not None:
        _wave(path, 440, 2.0 if content == "long" else 0.5, 8000)
    limit = 2048 if content == "big" else 10**6
    rig = make_rig(max_sound_bytes=limit, max_sound_seconds=1)
    leg, phone = rig.leg("a")
    _play(rig, leg, FileItem(path=str(path)))
    _until_loaded(rig)
    rig.ticks(2)
    (ended,) = rig.told(PlaybackEnded)
    assert not ended.finished
    assert reason in ended.error
    assert str(path) in ended.error
    assert rig.told(PlaybackStarted) == []
    assert len(phone.packets) == 2


@pytest.mark.parametrize(
    "item",
    [
        ToneItem(hertz=(), seconds=1),
        ToneItem(hertz=(5000.0,), seconds=1),
        ToneItem(hertz=(400.0,), seconds=-1),
        ToneItem(hertz=(400.0,), seconds=1, level_dbm0=30),
        ToneItem(hertz=(float("nan"),), seconds=1),
        SilenceItem(seconds=1e9),
        CallToneItem(tone=CallTone.BUSY, level_dbm0=30),
        CallToneItem(tone=CallTone.BUSY, seconds=-1),
        FileItem(path="/nowhere", gain_db=90),
        StreamItem(path="/nowhere", gain_db=float("nan")),
    ],
)
def test_impossible_items_end_with_an_error(rig: Rig, item: PlayItem) -> None:
    leg, _ = rig.leg("a")
    _play(rig, leg, item)
    rig.tick()
    (ended,) = rig.told(PlaybackEnded)
    assert ended.error


def test_nothing_to_play_in_a_loop_ends_at_once(rig: Rig) -> None:
    leg, _ = rig.leg("a")
    _play(rig, leg, SilenceItem(seconds=0), ToneItem(hertz=(400.0,), seconds=0), loop=True)
    rig.tick()
    assert len(rig.told(PlaybackEnded)) == 1


def test_too_many_items_are_refused(make_rig: Callable[..., Rig]) -> None:
    rig = make_rig(max_items=2)
    leg, _ = rig.leg("a")
    _play(rig, leg, *[SilenceItem(seconds=1)] * 3)
    (ended,) = rig.told(PlaybackEnded)
    assert "3 items, the limit is 2" in ended.error


def test_a_changed_file_is_read_again_and_old_sounds_make_room(
    make_rig: Callable[..., Rig], tmp_path: Path
) -> None:
    rig = make_rig(sound_cache_bytes=2**20)
    leg, phone = rig.leg("a")
    paths = [_wave(tmp_path / f"{index}.wav", 400, 60, 8000) for index in range(3)]
    for path in paths:
        _play(rig, leg, FileItem(path=path))
        _until_loaded(rig)
        rig.tick()
    library = rig.engine.parts.library
    assert [library.find(path) is not None for path in paths] == [False, False, True]
    _wave(tmp_path / "2.wav", 900, 1, 8000)
    rig.clock.advance(5)
    _play(rig, leg, FileItem(path=paths[2]))
    _until_loaded(rig)
    _play(rig, leg, FileItem(path=paths[2]))
    assert steady_level(_hear(rig, phone, 20), 900) > 7000
