from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gateway.media.audio import ABSENT, RATE, Pcm
from tests.gateway.media.lossy_legs import LossyLegs, click, noise, rms, voice
from tests.gateway.media.peers import tone


def _lost(packets: int, *numbers: int, rows: int = 1) -> np.ndarray[tuple[int, ...], np.dtype[np.bool_]]:
    lost = np.zeros((rows, packets), dtype=np.bool_)
    lost[:, list(numbers)] = True
    return lost


def _error_db(heard: Pcm, said: Pcm) -> float:
    return 20 * float(np.log10(rms(said) / max(1e-9, rms(heard.astype(np.int32) - said))))


def _begin(heard: Pcm, said: Pcm) -> int:
    """Where the sound begins in what was heard."""
    return int(np.argmax((heard == said[0]) & (np.roll(heard, -1) == said[1]) & (np.roll(heard, -2) == said[2])))


def test_what_arrived_is_not_touched_by_the_losses_of_others() -> None:
    sounds = np.stack([voice(2.0, 120), voice(2.0, 210)])
    lost = np.zeros((2, 100), dtype=np.bool_)
    lost[1, 20::7] = True
    heard = LossyLegs(sounds).play(lost)
    assert np.array_equal(heard[0], sounds[0])
    assert not np.array_equal(heard[1], sounds[1])


@pytest.mark.parametrize("hertz", [90.0, 140.0, 220.0])
def test_a_gap_whose_end_is_there_is_filled_from_both_sides(hertz: float) -> None:
    """Repeating the past alone drifts off at the end of the gap; from both sides it fits at both."""
    said = voice(3.0, hertz)
    places = range(20, 140, 9)
    lost = np.zeros((len(places), 150), dtype=np.bool_)
    lost[np.arange(len(places)), places] = True  # one each: after several, the buffer would wait by itself
    sounds = np.tile(said, (len(places), 1))
    errors = []
    for heard in (LossyLegs(sounds, start_ms=60).play(lost, ahead=2), LossyLegs(sounds).play(lost)):
        begin = _begin(heard[0], said[1000:]) - 1000
        gaps = [(row, number * 160) for row, number in enumerate(places)]
        made = [_error_db(heard[row, begin + at : begin + at + 160], said[at : at + 160]) for row, at in gaps]
        errors.append(np.mean(made))
    both_sides, one_side = errors
    assert both_sides > one_side + 3
    assert both_sides > 12


def test_where_packets_are_lost_the_next_one_is_waited_for() -> None:
    said = voice(6.0)
    legs = LossyLegs(np.stack([said, said]))
    lost = np.zeros((2, 300), dtype=np.bool_)
    lost[0, 10::30] = True
    legs.play(lost)
    assert legs.jitter.buffered(0) >= legs.jitter.buffered(1) + 160


def test_a_steady_tone_goes_on_through_losses_without_a_click() -> None:
    said = tone(400, 3.0)
    lost = _lost(150, *range(20, 140, 5))
    for ahead in (0, 2):
        heard = LossyLegs(said[np.newaxis], start_ms=10 + 20 * ahead).play(lost, ahead=ahead)[0][1000:20000]
        assert click(heard, 400) < 200
        frames = np.abs(heard[: len(heard) // 160 * 160].reshape(-1, 160)).max(axis=1)
        assert frames.min() > 7000


def test_a_long_gap_fades_to_the_background_and_the_voice_comes_back_softly() -> None:
    background = noise(6.0, 60.0)
    said = background.copy()
    said[16000:32000] += voice(2.0)  # from 2 to 4 s
    lost = _lost(300, *range(150, 170))  # 400 ms
    heard = LossyLegs(said[np.newaxis]).play(lost)[0]
    gap = heard[24000:27200]
    assert rms(gap[:80]) > 0.7 * rms(said[23920:24000])
    levels = [rms(gap[start : start + 80]) for start in range(0, 480, 80)]
    assert levels == sorted(levels, reverse=True)
    assert 40 < rms(gap[480:]) < 90
    assert rms(heard[27200:27240]) < 0.7 * rms(said[27200:27240])
    assert rms(heard[27280:30000]) == pytest.approx(rms(said[27280:30000]), rel=0.1)


def test_without_a_background_a_long_gap_is_silent() -> None:
    lost = _lost(100, *range(50, 70))
    heard = LossyLegs(tone(500, 2.0)[np.newaxis]).play(lost)[0]
    assert not heard[8480:11200].any()


def test_short_packets_may_leave_several_gaps_in_a_frame() -> None:
    said = tone(320, 2.0)
    lost = _lost(400, *range(101, 300, 2))  # every other packet of 5 ms
    legs = LossyLegs(said[np.newaxis], size=40)
    heard = legs.play(lost)[0]
    assert int(legs.concealer.gaps[0]) == 100
    assert int(legs.concealer.concealed[0]) == 4000
    assert click(heard[2000:12000], 320) < 600


def test_the_second_half_of_a_late_packet_is_still_used() -> None:
    said = tone(400, 1.0)
    legs = LossyLegs(said[np.newaxis], size=320)
    for number in range(20):
        if number != 10:
            legs.put(number)
        legs.take()
        if number == 10:
            legs.put(11)
            legs.put(10)  # its first 20 ms are gone
        legs.take()
    assert int(legs.concealer.concealed[0]) == 160
    assert int(legs.jitter.discarded[0]) == 0


def test_more_losses_at_once_than_can_be_repaired_leave_no_hole() -> None:
    sounds = np.tile(tone(300, 0.6), (400, 1))
    lost = _lost(30, 20, rows=400)
    legs = LossyLegs(sounds)
    heard = legs.play(lost)
    assert (heard != ABSENT).all()
    assert int((legs.concealer.concealed > 0).sum()) == 256


def test_repair_is_the_same_at_16_khz() -> None:
    time = np.arange(32000) / 16000
    said = np.rint(8000 * np.sin(2 * np.pi * 400 * time)).astype(np.int16)
    lost = _lost(100, *range(20, 90, 5))
    heard = LossyLegs(said[np.newaxis], size=320, rate=16000)
    heard.jitter.set_clock(0, 16000)
    sound = heard.play(lost)[0][2000:24000]
    assert click(sound, 400, 16000) < 200
    assert np.abs(sound[: len(sound) // 320 * 320].reshape(-1, 320)).max(axis=1).min() > 7000


def test_what_was_repaired_is_reported() -> None:
    legs = LossyLegs(tone(400, 2.0)[np.newaxis])
    legs.play(_lost(100, 20, 21, 40, 41, 60, 61))
    report = legs.concealer.report(0)
    assert report.concealed_ratio == pytest.approx(0.06, abs=0.005)
    assert report.burst_ratio == pytest.approx(2 * 0.94, abs=0.1)
    assert legs.jitter.mean_delay(0) == pytest.approx(0.02, abs=0.011)


@settings(deadline=None, max_examples=60)
@given(
    lost=st.lists(st.booleans(), min_size=60, max_size=60),
    size=st.sampled_from([40, 80, 100, 160, 240, 320, 480]),
    ahead=st.integers(0, 3),
    muted=st.sets(st.integers(0, 40), max_size=3),
)
def test_no_pattern_of_losses_leaves_a_hole_or_an_outburst(
    lost: list[bool], size: int, ahead: int, muted: set[int]
) -> None:
    said = np.rint(np.clip(voice(60 * size / RATE), -9000, 9000)).astype(np.int16)
    legs = LossyLegs(said[np.newaxis], size=size)
    put, heard = 0, []
    for tick in range(60 * size // 160):
        while put < min(60, (tick + 1) * 160 / size + ahead):
            if not lost[put]:
                legs.put(put)
            put += 1
        legs.concealer.muted[0] = tick in muted
        heard.append(legs.take()[0])
    sound = np.concatenate(heard) if heard else np.zeros(1, dtype=np.int16)
    assert (sound != ABSENT).all()
    assert np.abs(sound.astype(np.int32)).max() <= 1.5 * 9000
