"""A speech server over HTTP, and the bundled voice that stands in for it."""

from __future__ import annotations

import asyncio
import struct
from contextlib import suppress
from pathlib import Path

import numpy as np
import pytest
import soundfile
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from ccplatform.kernel.clock import VirtualClock
from ccplatform.kernel.errors import RemoteViolation
from ivr.errors import SpeechUnavailable
from ivr.settings import HttpSpeechSettings, SpeechSettings
from ivr.speech.cache import PromptCache
from ivr.speech.falling_back import ALARM, FallingBack
from ivr.speech.http import HttpSpeech
from ivr.speech.wav_stream import MAX_SOUND_BYTES, WavStream
from tests.ivr.doubles import Voice
from tests.ivr.speech_server import RATE, Answer, ok, server, streaming_head, tone, wav
from tests.support.alarms import Alarms


def engine(url: str, **limits: float) -> HttpSpeech:
    http = HttpSpeechSettings(url_en=url, **limits)
    return HttpSpeech(settings=SpeechSettings(engine="http", http=http))


async def test_what_the_server_says_is_brought_to_telephone_level(tmp_path: Path) -> None:
    async with server(ok(wav(bytes(RATE) + tone(1.0)))) as (url, texts):
        await engine(url).synthesize("Hello.", "en", tmp_path / "a.wav")
    samples, rate = soundfile.read(tmp_path / "a.wav")
    assert texts == ["Hello."]
    assert rate == 16000
    assert len(samples) / rate == pytest.approx(1.0, abs=0.1), "the silence before it is gone"
    assert 20 * np.log10(np.sqrt(np.mean(samples**2))) == pytest.approx(-20, abs=1)


async def test_speech_sounds_while_the_server_still_speaks(tmp_path: Path) -> None:
    sounded = asyncio.Event()

    async def answer(_: asyncio.StreamReader, writer: asyncio.StreamWriter, text: str) -> None:
        writer.write(b"HTTP/1.0 200 OK\r\n\r\n" + streaming_head() + tone(0.5))
        if text == "Long.":  # the text by which the level is learnt is whole
            await writer.drain()
            await sounded.wait()
            writer.write(tone(0.5))

    async with server(answer) as (url, _):
        await engine(url).stream("Long.", "en", tmp_path / "a.raw", lambda rate: sounded.set())
    assert (tmp_path / "a.raw").stat().st_size / 2 / 16000 == pytest.approx(1.0, abs=0.1)


async def _never(reader: asyncio.StreamReader, _: asyncio.StreamWriter, __: str) -> None:
    await reader.read()  # until the other side gives up


async def _cut(_: asyncio.StreamReader, writer: asyncio.StreamWriter, __: str) -> None:
    writer.write(b"HTTP/1.1 200 OK\r\nContent-Length: 100000\r\n\r\n" + wav(tone(1.0))[:2000])


@pytest.mark.parametrize(
    ("answer", "reason"),
    [
        (ok(b"", "500 Internal Server Error"), "500"),
        (ok(wav(tone(0.1)), "302 Found"), "302"),
        (ok(b"<html>"), "not whole"),
        (ok(b"<html>" * 10), "no WAV"),
        (ok(b""), "not whole"),
        (_never, "Timeout|timed out"),
        (_cut, "not whole"),
    ],
)
async def test_a_server_that_fails_is_told_in_time(answer: Answer, reason: str, tmp_path: Path) -> None:
    async with server(answer) as (url, _):
        with pytest.raises(SpeechUnavailable, match=reason):
            await engine(url, first_sound_seconds=0.3).synthesize("Hello.", "en", tmp_path / "a.wav")


async def test_a_server_that_is_away_and_a_language_without_one(tmp_path: Path) -> None:
    speech = engine("http://127.0.0.1:1/")
    with pytest.raises(SpeechUnavailable, match="refused"):
        await speech.synthesize("Hello.", "en", tmp_path / "a.wav")
    with pytest.raises(SpeechUnavailable, match="'zh'"):
        await speech.synthesize("你好。", "zh", tmp_path / "a.wav")


@pytest.mark.parametrize("url", ["file:///etc/passwd", "ftp://x/", "http://", "http://a b/"])
def test_other_addresses_are_refused(url: str) -> None:
    with pytest.raises(ValidationError):
        HttpSpeechSettings(url_en=url)


def test_an_engine_without_an_address_is_refused() -> None:
    with pytest.raises(ValidationError, match="url_zh"):
        SpeechSettings(engine="http")


# --- the bundled voice stands in ---------------------------------------------------------------------------


class Pair:
    """Two doubles; the first speaks English only."""

    def __init__(self) -> None:
        self.clock = VirtualClock()
        self.alarms = Alarms()
        self.first, self.second = Voice(), Voice()
        self.first.version, self.second.version = "first", "second"
        self.both = FallingBack(
            first=self.first,
            second=self.second,
            speaks=frozenset({"en"}),
            retry_seconds=30,
            clock=self.clock,
            alarms=self.alarms,
        )


async def test_the_bundled_voice_stands_in_until_the_server_is_back(tmp_path: Path) -> None:
    pair = Pair()
    pair.first.away = True
    await pair.both.synthesize("One.", "en", tmp_path / "a.wav")
    assert (ALARM, "http") in pair.alarms.up
    pair.first.away = False
    await pair.both.stream("Two.", "en", tmp_path / "a.raw", lambda rate: None)
    assert (pair.first.spoken, pair.second.spoken) == ([], ["One.", "Two."])
    pair.clock.advance(30)
    await pair.both.synthesize("Three.", "en", tmp_path / "a.wav")
    assert pair.first.spoken == ["Three."]
    assert not pair.alarms.up


async def test_a_language_without_a_server_is_no_fault(tmp_path: Path) -> None:
    pair = Pair()
    await pair.both.synthesize("你好。", "zh", tmp_path / "a.wav")
    assert pair.second.spoken == ["你好。"]
    assert not pair.alarms.raised


async def test_what_one_voice_said_is_not_kept_as_the_others(tmp_path: Path) -> None:
    pair = Pair()
    cache = PromptCache(directory=tmp_path, speech=pair.both, limit_bytes=10**9)
    cache.open()
    pair.first.away = True
    stood_in = await cache.render("One.", "en")
    assert stood_in.exists()
    pair.first.away = False
    pair.clock.advance(30)
    again = await cache.render("One.", "en")
    assert again != stood_in
    assert again.exists()
    assert pair.first.spoken == ["One."]


# --- reading WAVs -------------------------------------------------------------------------------------------


@given(st.binary(max_size=300), st.lists(st.integers(1, 50), max_size=20), st.booleans())
def test_a_wav_in_any_pieces_is_the_same_sound(sound: bytes, sizes: list[int], open_end: bool) -> None:
    whole = (streaming_head() if open_end else wav(sound)[:44]) + sound
    stream, got, at = WavStream(), b"", 0
    for size in [*sizes, len(whole)]:
        got += stream.feed(whole[at : at + size])
        at += size
    assert stream.rate == RATE
    assert got == sound[: len(sound) // 2 * 2]


@given(st.binary(max_size=200))
def test_garbage_is_no_sound_or_told(data: bytes) -> None:
    stream = WavStream()
    with suppress(RemoteViolation):
        assert stream.feed(data) == b""


def test_other_formats_and_endless_sound_are_refused() -> None:
    stereo = bytearray(wav(b"")[:44])
    stereo[22:24] = struct.pack("<H", 2)
    with pytest.raises(RemoteViolation, match="2 channels"):
        WavStream().feed(bytes(stereo))
    endless = WavStream()
    endless.feed(streaming_head())
    with pytest.raises(RemoteViolation, match="bytes of sound"):
        endless.feed(bytes(MAX_SOUND_BYTES + 2))
    with pytest.raises(RemoteViolation, match="no samples"):
        WavStream().feed(b"RIFF\0\0\0\0WAVE" + b"LIST\xff\xff\xff\x7f" + bytes(5000))


async def test_a_server_that_is_down_is_seen_until_it_speaks_again(tmp_path: Path) -> None:
    good = ok(wav(tone(0.2)))
    answers = [ok(b"", "500 Internal Server Error"), good, good, good]

    async def next_of_them(reader: asyncio.StreamReader, writer: asyncio.StreamWriter, text: str) -> None:
        await answers.pop(0)(reader, writer, text)

    async with server(next_of_them) as (url, _):
        speech = engine(url)
        assert speech.working() == {"http": True}
        with pytest.raises(SpeechUnavailable):
            await speech.synthesize("Hello.", "en", tmp_path / "a.wav")
        assert speech.working() == {"http": False}
        await speech.synthesize("Hello.", "en", tmp_path / "a.wav")
        assert speech.working() == {"http": True}


def test_both_voices_are_told() -> None:
    pair = Pair()
    pair.first.version, pair.first.away = "better", True
    assert pair.both.working() == {"better": False, "second": True}
