"""Speech: the real engine in its process, levels, and the cache."""

from __future__ import annotations

import asyncio
import fcntl
import os
import signal
import sys
from collections.abc import AsyncIterator
from contextlib import suppress
from pathlib import Path
from typing import Literal

import numpy as np
import psutil
import pytest
import soundfile
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from ccplatform.kernel.clock import VirtualClock
from ivr.document import shipped_flows
from ivr.errors import SpeechUnavailable
from ivr.music import compose_music, ensure_music
from ivr.numbers import Language
from ivr.prompts import static_utterances
from ivr.reference import ensure_reference
from ivr.settings import EspeakSettings, SpeechSettings
from ivr.speech.audio import Level, Samples, active_rms, levelled, prompt_samples, soft_limited, trimmed
from ivr.speech.cache import PromptCache
from ivr.speech.espeak import EspeakSpeech
from ivr.speech.piped import ALARM
from tests.ivr.doubles import Voice
from tests.support.alarms import Alarms

SENTENCES: dict[Language, str] = {"zh": "您的账户余额为一百二十八元五角。", "en": "Your balance is ten yuan."}


def db(value: float) -> float:
    return float(20 * np.log10(value))


def read(path: Path) -> tuple[Samples, int]:
    samples, rate = soundfile.read(path, dtype="float64")
    return samples, rate


@pytest.fixture
def alarms() -> Alarms:
    return Alarms()


@pytest.fixture
def clock() -> VirtualClock:
    return VirtualClock()


@pytest.fixture
async def speech(alarms: Alarms, clock: VirtualClock) -> AsyncIterator[EspeakSpeech]:
    engine = EspeakSpeech(settings=SpeechSettings(), clock=clock, alarms=alarms)
    yield engine
    await engine.close()


def children() -> list[psutil.Process]:
    return [c for c in psutil.Process().children() if "ivr.speech.espeak_process" in c.cmdline()]


# --- the engine -------------------------------------------------------------------------------------------


@pytest.mark.parametrize("language", ["zh", "en"])
async def test_both_languages_are_spoken_at_telephone_level(
    speech: EspeakSpeech, language: Language, tmp_path: Path
) -> None:
    await speech.synthesize(SENTENCES[language], language, tmp_path / "a.wav")
    samples, rate = read(tmp_path / "a.wav")
    assert rate == 16000
    assert 1.0 < len(samples) / rate < 6.0
    assert db(active_rms(samples, rate)) == pytest.approx(-20, abs=1.0)
    assert db(np.abs(samples).max()) < -3
    assert np.flatnonzero(np.abs(samples) > 10 ** (-45 / 20))[0] < 0.01 * rate, "no silence before the speech"


@pytest.mark.parametrize("rate", [8000, 16000])
@pytest.mark.parametrize("language", ["zh", "en"])
async def test_speech_sounds_before_it_is_finished(
    alarms: Alarms, language: Language, rate: Literal[8000, 16000], tmp_path: Path
) -> None:
    speech = EspeakSpeech(settings=SpeechSettings(sample_rate=rate), clock=VirtualClock(), alarms=alarms)
    text, path, seen = SENTENCES[language] * 5, tmp_path / "a.raw", []

    def begun(told: int) -> None:
        assert told == rate
        seen.append((path.stat().st_size, _is_locked(path)))

    await speech.stream(text, language, path, begun)
    await speech.synthesize(text, language, tmp_path / "a.wav")
    await speech.close()
    whole, _ = read(tmp_path / "a.wav")
    streamed = np.frombuffer(path.read_bytes(), "<i2") / 32768
    assert seen == [(seen[0][0], True)]
    assert 0 < seen[0][0] < 0.2 * path.stat().st_size, "the rest was still to come"
    assert not _is_locked(path)
    assert len(streamed) == pytest.approx(len(whole), abs=0.02 * rate)
    assert db(active_rms(streamed, rate)) == pytest.approx(-20, abs=1.5)
    assert db(np.abs(streamed).max()) < -3
    assert np.flatnonzero(np.abs(streamed) > 10 ** (-45 / 20))[0] < 0.01 * rate, "no silence before the speech"


def _is_locked(path: Path) -> bool:
    with path.open("rb") as file:
        try:
            fcntl.flock(file, fcntl.LOCK_SH | fcntl.LOCK_NB)
        except BlockingIOError:
            return True
    return False


async def test_speech_that_breaks_off_is_told_and_its_file_let_go(
    alarms: Alarms, clock: VirtualClock, tmp_path: Path
) -> None:
    header, sound = b'{"rate": 8000}', bytes([0, 64]) * 4000
    frames = b"".join(len(body).to_bytes(4, "big") + body for body in (header, sound))
    script = f"import sys; sys.stdout.buffer.write({frames!r})"
    whole = (
        f"{script}; sys.stdout.buffer.write(bytes(4)); sys.stdout.flush(); sys.stdin.buffer.read(200); {script}"
    )
    engine = EspeakSpeech(
        settings=SpeechSettings(), clock=clock, alarms=alarms, command=(sys.executable, "-c", whole)
    )
    rates: list[int] = []
    with pytest.raises(SpeechUnavailable):
        await engine.stream("one", "en", tmp_path / "a.raw", rates.append)
    assert rates == [16000]
    assert (tmp_path / "a.raw").stat().st_size > 4000
    assert not _is_locked(tmp_path / "a.raw")
    assert (ALARM, "espeak") in alarms.up
    await engine.close()


async def test_wideband_prompts_hold_more_than_telephone_sound(alarms: Alarms, tmp_path: Path) -> None:
    wide = EspeakSpeech(settings=SpeechSettings(sample_rate=16000), clock=VirtualClock(), alarms=alarms)
    await wide.synthesize("Sixty six sisters", "en", tmp_path / "a.wav")
    await wide.close()
    samples, rate = read(tmp_path / "a.wav")
    spectrum = np.abs(np.fft.rfft(samples)) ** 2
    above = spectrum[np.fft.rfftfreq(len(samples), 1 / rate) > 4500].sum() / spectrum.sum()
    assert rate == 16000
    assert above > 0.01


async def test_the_library_is_loaded_in_another_process_only(speech: EspeakSpeech, tmp_path: Path) -> None:
    await speech.synthesize("one", "en", tmp_path / "a.wav")
    (child,) = children()
    assert any("espeak" in mapped.path and ".so" in mapped.path for mapped in child.memory_maps())
    assert not any("libespeak" in mapped.path for mapped in psutil.Process().memory_maps())
    await speech.close()
    assert children() == []


async def test_a_crash_is_an_alarm_and_the_next_request_after_a_pause_speaks(
    speech: EspeakSpeech, alarms: Alarms, clock: VirtualClock, tmp_path: Path
) -> None:
    await speech.synthesize("one", "en", tmp_path / "a.wav")
    os.kill(children()[0].pid, signal.SIGKILL)
    with pytest.raises(SpeechUnavailable):
        await speech.synthesize("two", "en", tmp_path / "b.wav")
    assert (ALARM, "espeak") in alarms.up
    assert speech.working() == {"espeak": False}
    with pytest.raises(SpeechUnavailable, match="restarted"):
        await speech.synthesize("two", "en", tmp_path / "b.wav")
    clock.advance(0.6)
    await speech.synthesize("two", "en", tmp_path / "b.wav")
    assert (ALARM, "espeak") not in alarms.up
    assert speech.working() == {"espeak": True}
    assert {name for name in os.listdir(tmp_path)} == {"a.wav", "b.wav"}


@pytest.mark.parametrize(
    "script",
    [
        "import time; time.sleep(60)",
        "import sys; sys.exit(3)",
        "import sys; sys.stdout.write('garbage that is no frame at all')",
        "import sys; sys.stdout.buffer.write(bytes([0, 0, 0, 2]) + b'{}' + bytes([255] * 8)); sys.stdout.flush()",
        "import sys; sys.stdout.buffer.write(bytes([0, 0, 0, 2]) + b'xx' + bytes(100)); sys.stdout.flush()",
    ],
)
async def test_an_engine_that_hangs_dies_or_talks_nonsense_is_unavailable(
    script: str, alarms: Alarms, clock: VirtualClock, tmp_path: Path
) -> None:
    settings = SpeechSettings(espeak=EspeakSettings(timeout_seconds=0.5))
    command = (sys.executable, "-c", script)
    engine = EspeakSpeech(settings=settings, clock=clock, alarms=alarms, command=command)
    with pytest.raises(SpeechUnavailable):
        await engine.synthesize("one", "en", tmp_path / "a.wav")
    assert (ALARM, "espeak") in alarms.up
    assert not (tmp_path / "a.wav").exists()
    await engine.close()


async def test_pauses_before_restarts_grow(alarms: Alarms, clock: VirtualClock, tmp_path: Path) -> None:
    engine = EspeakSpeech(
        settings=SpeechSettings(), clock=clock, alarms=alarms, command=(sys.executable, "-c", "pass")
    )
    for pause in (0.5, 1.0, 2.0):
        with pytest.raises(SpeechUnavailable, match="does not answer"):
            await engine.synthesize("one", "en", tmp_path / "a.wav")
        clock.advance(pause - 0.01)
        with pytest.raises(SpeechUnavailable, match="restarted"):
            await engine.synthesize("one", "en", tmp_path / "a.wav")
        clock.advance(0.02)
    await engine.close()


async def test_a_cancelled_request_does_not_confuse_the_next(speech: EspeakSpeech, tmp_path: Path) -> None:
    await speech.synthesize("one", "en", tmp_path / "a.wav")
    short = len(read(tmp_path / "a.wav")[0])
    tasks = [asyncio.ensure_future(speech.synthesize("A long text. " * 50, "en", tmp_path / "b.wav"))]
    await asyncio.sleep(0)
    await asyncio.sleep(0)
    tasks[0].cancel()
    await asyncio.gather(*tasks, return_exceptions=True)
    await speech.synthesize("one", "en", tmp_path / "c.wav")
    assert len(read(tmp_path / "c.wav")[0]) == short


@pytest.mark.parametrize("text", ["\0", "<speak>", "[[x]]", "\ud800", "😀", "a" * 2000])
async def test_strange_texts_do_not_hurt_the_engine(
    speech: EspeakSpeech, alarms: Alarms, text: str, tmp_path: Path
) -> None:
    with suppress(SpeechUnavailable):
        await speech.synthesize(text, "en", tmp_path / "a.wav")
    assert (ALARM, "espeak") not in alarms.up, "a text may be refused, the engine lives on"
    await speech.synthesize("one", "en", tmp_path / "b.wav")


async def test_a_text_beyond_the_limit_is_refused(speech: EspeakSpeech, tmp_path: Path) -> None:
    with pytest.raises(SpeechUnavailable, match="too long"):
        await speech.synthesize("a" * 2001, "en", tmp_path / "a.wav")


async def test_every_shipped_text_is_spoken(speech: EspeakSpeech, tmp_path: Path) -> None:
    texts = {(text.text, text.language) for flow in shipped_flows() for text in static_utterances(flow)}
    for text, language in texts:
        await speech.synthesize(text, language, tmp_path / "a.wav")
        samples, rate = read(tmp_path / "a.wav")
        assert len(samples) / rate > 0.04 * len(text), text
        assert db(active_rms(samples, rate)) == pytest.approx(-20, abs=1.5), text


# --- levels -----------------------------------------------------------------------------------------------


@given(hnp.arrays(np.float64, st.integers(0, 2000), elements=st.floats(-1, 1)), st.sampled_from([8000, 16000]))
def test_no_sample_ever_passes_the_peak(samples: Samples, rate: int) -> None:
    out = prompt_samples(samples, 22050, rate, Level())
    assert np.all(np.isfinite(out))
    assert not out.size or np.abs(out).max() <= 10 ** (-3 / 20)


def test_pauses_do_not_make_a_text_louder() -> None:
    noise = np.random.default_rng(1).normal(0, 0.02, 8000)
    with_pause = np.concatenate([noise, np.zeros(40_000), noise])
    assert db(active_rms(levelled(with_pause, 8000, Level()), 8000)) == pytest.approx(-20, abs=0.5)


def test_silence_stays_silence() -> None:
    assert not trimmed(np.zeros(8000), 8000).size
    assert not levelled(np.zeros(8000), 8000, Level()).any()


def test_quiet_sound_passes_the_limiter_unchanged() -> None:
    quiet = np.linspace(-0.4, 0.4, 100)
    assert np.array_equal(soft_limited(quiet, 0.7), quiet)


# --- the cache --------------------------------------------------------------------------------------------


def cache_of(directory: Path, voice: Voice, limit: int = 10**9) -> PromptCache:
    cache = PromptCache(directory=directory, speech=voice, limit_bytes=limit)
    cache.open()
    return cache


async def test_a_text_is_spoken_once_also_for_many_at_once(tmp_path: Path) -> None:
    voice = Voice()
    cache = cache_of(tmp_path, voice)
    assert cache.find("hi", "en") is None
    paths = await asyncio.gather(*(cache.render("hi", "en") for _ in range(20)))
    assert set(paths) == {cache.find("hi", "en")}
    assert voice.spoken == ["hi"]


async def test_the_cache_outlives_the_process_but_not_the_voice(tmp_path: Path) -> None:
    voice = Voice()
    await cache_of(tmp_path, voice).render("hi", "en")
    assert cache_of(tmp_path, voice).find("hi", "en") is not None
    assert cache_of(tmp_path, voice).find("hi", "zh") is None
    voice.version = "2"
    assert cache_of(tmp_path, voice).find("hi", "en") is None


async def test_the_cache_is_bounded_and_keeps_what_is_used_and_pinned(tmp_path: Path) -> None:
    voice = Voice()
    cache = cache_of(tmp_path, voice, limit=5 * 844)
    cache.pin([("p", "en")])
    for text in ("p", "a", "b", "c", "d"):
        await cache.render(text, "en")
    cache.find("a", "en")
    await cache.render("e", "en")
    kept = [text for text in "pabcde" if cache.find(text, "en")]
    assert kept == ["p", "a", "c", "d", "e"]
    assert len([name for name in os.listdir(tmp_path) if name.endswith(".wav")]) == 5


async def test_texts_of_callers_are_not_kept(tmp_path: Path) -> None:
    voice = Voice()
    cache = cache_of(tmp_path, voice)
    one, two = cache.passing_file(), cache.passing_file()
    assert one != two
    await voice.stream("Zhang Wei", "en", one, lambda rate: None)
    assert cache.find("Zhang Wei", "en") is None
    cache_of(tmp_path, Voice())
    assert not one.exists()


async def test_a_failure_is_told_to_all_who_wait_and_is_tried_again(tmp_path: Path) -> None:
    voice = Voice()
    cache = cache_of(tmp_path, voice)
    voice.away = True
    results = await asyncio.gather(*(cache.render("hi", "en") for _ in range(3)), return_exceptions=True)
    assert all(isinstance(result, SpeechUnavailable) for result in results)
    voice.away = False
    assert (await cache.render("hi", "en")).exists()


async def test_a_deleted_file_is_spoken_again_after_a_recheck(tmp_path: Path) -> None:
    cache = cache_of(tmp_path, Voice())
    (await cache.render("hi", "en")).unlink()
    cache.recheck()
    assert (await cache.render("hi", "en")).exists()


# --- music and reference ----------------------------------------------------------------------------------


def test_music_on_hold_is_soft_and_loops_without_a_seam(tmp_path: Path) -> None:
    samples, rate = read(ensure_music(tmp_path))
    assert rate == 8000
    assert 20 <= len(samples) / rate <= 30
    assert db(float(np.sqrt(np.mean(samples**2)))) == pytest.approx(-22, abs=1)
    steps = np.abs(np.diff(np.concatenate([samples, samples[:1]])))
    assert steps[-1] <= np.quantile(steps, 0.999)


def test_music_on_hold_is_music() -> None:
    """Most of its power lies on notes of C major, on many of them, and they change."""
    samples = compose_music()
    spectrum = np.abs(np.fft.rfft(samples)) ** 2
    hertz = np.fft.rfftfreq(len(samples), 1 / 8000)
    note = 69 + 12 * np.log2(np.maximum(hertz, 1) / 440)
    in_scale = np.isin(np.round(note).astype(int) % 12, [0, 2, 4, 5, 7, 9, 11]) & (
        np.abs(note - np.round(note)) < 0.2
    )
    audible = hertz > 60
    assert spectrum[audible & in_scale].sum() / spectrum[audible].sum() > 0.75
    loudest = set()
    for bar in np.array_split(samples, 32):
        peak = np.fft.rfftfreq(len(bar), 1 / 8000)[np.argmax(np.abs(np.fft.rfft(bar)))]
        loudest.add(round(69 + 12 * np.log2(peak / 440)))
    assert len(loudest) >= 6
    assert np.array_equal(samples, compose_music())


async def test_the_reference_speech_lasts_eight_seconds(speech: EspeakSpeech, tmp_path: Path) -> None:
    path = await ensure_reference(tmp_path, speech)
    samples, rate = read(path)
    assert len(samples) == 8 * rate
    assert db(active_rms(samples, rate)) == pytest.approx(-20, abs=1)
    assert np.abs(samples[int(6.0 * rate) :]).max() > 0.05, "it speaks nearly to the end"
    before = path.stat().st_mtime_ns
    assert (await ensure_reference(tmp_path, speech)).stat().st_mtime_ns == before
