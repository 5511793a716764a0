from __future__ import annotations

import numpy as np
import pytest

from ccplatform.contracts.media import Answerer, AnswerHint, VoiceChanged, VoiceLevel, WatchVoice
from gateway.media.audio import Pcm, peak_of
from gateway.media.legs import Leg
from tests.gateway.media.peers import Rig, tone


def _watch(rig: Rig, leg: Leg, level_seconds: float = 0.0, on: bool = True) -> None:
    rig.engine.hearing.perform(leg, WatchVoice(leg=leg.id, on=on, level_seconds=level_seconds))


def _babble(seconds: float, peak: float = 6000.0) -> Pcm:
    """Syllables: noise that swells four times a second."""
    rng = np.random.default_rng(3)
    count = round(seconds * 8000)
    swell = 0.55 + 0.45 * np.sin(2 * np.pi * 4 * np.arange(count) / 8000)
    return (rng.uniform(-peak, peak, count) * swell).astype(np.int16)


def _hush(seconds: float) -> Pcm:
    return np.random.default_rng(4).integers(-20, 21, round(seconds * 8000)).astype(np.int16)


def _line(*parts: Pcm) -> Pcm:
    return np.concatenate(parts)


def test_speech_begins_and_ends_as_events_with_their_instants(rig: Rig) -> None:
    leg, caller = rig.leg("a")
    rig.talk((caller, _hush(0.5)))
    _watch(rig, leg)
    begin = rig.clock.now()
    rig.talk((caller, _line(_hush(0.6), _babble(1.0), _hush(1.0), _babble(0.6), _hush(0.8))))
    changes = [(event.speaking, event.at - begin) for event in rig.told(VoiceChanged)]
    assert [speaking for speaking, _ in changes] == [True, False, True, False]
    assert [at for _, at in changes] == pytest.approx([0.6, 1.6, 2.6, 3.2], abs=0.1)
    _watch(rig, leg, on=False)
    rig.talk((caller, _babble(0.5)))
    assert len(rig.told(VoiceChanged)) == 4


def test_steady_noise_is_no_speech_and_speech_over_it_is(rig: Rig) -> None:
    leg, caller = rig.leg("a")
    _watch(rig, leg)
    noise = np.random.default_rng(5).uniform(-900, 900, 12 * 8000).astype(np.int16)
    rig.talk((caller, noise))
    rig.events.clear()
    rig.talk(
        (caller, noise[:16000]),
    )
    assert rig.told(VoiceChanged) == []
    rig.talk((caller, noise[:8000] + _babble(1.0, 9000)))
    assert [event.speaking for event in rig.told(VoiceChanged)][:1] == [True]


@pytest.mark.parametrize(
    ("said", "answerer"),
    [
        (_line(_hush(0.8), _babble(0.7), _hush(2.0)), Answerer.PERSON),
        (_line(_hush(0.4), _babble(0.5), _hush(0.5), _babble(0.6), _hush(2.0)), Answerer.PERSON),
        (_line(_hush(0.8), _babble(5.0), _hush(1.0)), Answerer.MACHINE),
        (_line(_hush(0.3), _babble(1.5), _hush(0.5), _babble(3.0)), Answerer.MACHINE),
        (_line(_hush(0.3), _babble(2.6), _hush(1.5)), Answerer.UNCLEAR),
        (_hush(6.0), Answerer.SILENCE),
    ],
    ids=["hello", "hello-hello", "greeting", "greeting-with-pause", "in-between", "nobody"],
)
def test_who_answers_is_guessed_once_by_how_long_he_talks(rig: Rig, said: Pcm, answerer: Answerer) -> None:
    leg, caller = rig.leg("a")
    rig.talk((caller, _hush(0.2)))
    _watch(rig, leg)
    rig.talk((caller, said), (caller, said[:0]))
    rig.talk((caller, _babble(4.0)))
    (hint,) = rig.told(AnswerHint)
    assert hint.answerer is answerer


def test_levels_are_told_as_often_as_asked(rig: Rig) -> None:
    leg, caller = rig.leg("a")
    other, _ = rig.leg("b")
    _watch(rig, leg, level_seconds=0.5)
    _watch(rig, other)
    rig.talk((caller, tone(440, 2.0, peak=peak_of(-13))))
    levels = rig.told(VoiceLevel)
    assert [event.leg for event in levels] == ["a"] * 4
    assert levels[-1].rms_dbm0 == pytest.approx(-13, abs=0.3)
    assert levels[-1].peak_dbm0 == pytest.approx(-13, abs=0.5)
    rig.ticks(75)
    assert rig.told(VoiceLevel)[-1].rms_dbm0 < -60
