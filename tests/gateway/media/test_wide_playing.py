"""What wide legs hear of prompts, music and speech that is being made: both bands, as far as there are two."""

from __future__ import annotations

import threading
from pathlib import Path

import numpy as np
import pytest
import soundfile

from ccplatform.contracts.media import FileItem, Play, PlayItem, StreamItem, ToneItem
from ccplatform.contracts.words import PlaybackId
from gateway.media.audio import Pcm
from gateway.media.bands import Bands, Splitter
from gateway.media.legs import Leg
from tests.gateway.media.peers import Rig, level
from tests.gateway.media.wide import FRAME, WidePeer, wide_leg, wide_level, wide_tone


def _play(rig: Rig, leg: Leg, *items: PlayItem) -> None:
    rig.engine.play(leg, Play(leg=leg.id, playback=PlaybackId("p"), items=items))
    pause = threading.Event()
    rig.tick()
    while rig.engine.parts.library._loading:
        pause.wait(0.002)
        rig.engine.parts.library.collect(rig.clock.now())


def _hear(rig: Rig, peer: WidePeer, ticks: int) -> Pcm:
    peer.packets.clear()
    rig.ticks(ticks)
    return peer.heard()


def _both_bands(path: Path, rate: int, seconds: float = 1.0) -> str:
    time = np.arange(round(seconds * rate)) / rate
    wave = 4000 * np.sin(2 * np.pi * 1000 * time)
    if rate > 8000:
        wave = wave + 4000 * np.sin(2 * np.pi * 5600 * time)
    soundfile.write(path, np.rint(wave).astype(np.int16), rate)
    return str(path)


@pytest.mark.parametrize("rate", [16000, 44100])
def test_a_wide_leg_hears_all_of_a_prompt_and_a_narrow_one_what_it_can(
    rig: Rig, tmp_path: Path, rate: int
) -> None:
    path = _both_bands(tmp_path / "a.wav", rate)
    leg, phone = wide_leg(rig, "a")
    _play(rig, leg, FileItem(path=path))
    heard = _hear(rig, phone, 40)[3200:]
    for hertz in (1000, 5600):
        assert wide_level(heard, hertz) == pytest.approx(4000, rel=0.2)
    other, narrow = rig.leg("b")
    _play(rig, other, FileItem(path=path))
    narrow.packets.clear()
    rig.ticks(40)
    assert level(narrow.heard()[1600:], 1000) == pytest.approx(4000, rel=0.05)
    assert level(narrow.heard()[1600:], 2400) < 100  # 5600 Hz would alias to it


def test_a_gain_is_for_both_bands_and_a_stop_fades_both(rig: Rig, tmp_path: Path) -> None:
    leg, phone = wide_leg(rig, "a")
    _play(rig, leg, FileItem(path=_both_bands(tmp_path / "a.wav", 16000), gain_db=-6.0))
    heard = _hear(rig, phone, 20)[3200:]
    for hertz in (1000, 5600):
        assert wide_level(heard, hertz) == pytest.approx(2000, rel=0.2)
    rig.engine.stop_play(leg)
    fading = _hear(rig, phone, 4).astype(float)
    assert np.abs(fading[:160]).max() > 1500
    assert np.abs(fading[2 * FRAME :]).max() < 30


def test_a_narrow_file_and_a_tone_after_a_wide_one_have_no_high_band(rig: Rig, tmp_path: Path) -> None:
    leg, phone = wide_leg(rig, "a")
    wide, narrow = (_both_bands(tmp_path / f"{rate}.wav", rate, 0.2) for rate in (16000, 8000))
    _play(rig, leg, FileItem(path=wide), FileItem(path=narrow), ToneItem(hertz=(400.0,), seconds=0.2))
    heard = _hear(rig, phone, 29)
    assert wide_level(heard[:2400], 5600) > 3000
    assert wide_level(heard[4800:], 5600) < 30
    assert wide_level(heard[4800:6000], 1000) > 3500


def test_speech_that_is_still_being_made_is_wide_too(rig: Rig, tmp_path: Path) -> None:
    leg, phone = wide_leg(rig, "a")
    said = wide_tone(1000, 1.0) // 2 + wide_tone(5600, 1.0) // 2
    path = tmp_path / "speech.raw"
    path.write_bytes(said.astype("<i2").tobytes())
    _play(rig, leg, StreamItem(path=str(path), rate=16000))
    stream, pause = rig.engine.parts.players._players[leg.row]._source, threading.Event()
    while stream is not None and not stream._ended:  # type: ignore[attr-defined]
        pause.wait(0.002)
    heard = _hear(rig, phone, 40)[3200:]
    for hertz in (1000, 5600):
        assert wide_level(heard, hertz) == pytest.approx(4000, rel=0.2)


@pytest.mark.parametrize("piece", [1, 100, 320, 7777])
def test_a_sound_split_in_pieces_is_the_sound_split_at_once(piece: int) -> None:
    wide = (np.random.default_rng(2).standard_normal(16000) * 3000).astype(np.int16)
    splitter = Splitter()
    parts = [splitter.split(wide[at : at + piece], last=False) for at in range(0, len(wide), piece)]
    parts.append(splitter.split(wide[:0], last=True))
    bands = Bands()
    bands.grow(1)
    whole = [bands.split(np.array([0]), frame[np.newaxis]) for frame in wide.reshape(-1, FRAME)]
    for band in (0, 1):
        assert np.array_equal(
            np.concatenate([part[band] for part in parts]), np.concatenate([frame[band][0] for frame in whole])
        )
