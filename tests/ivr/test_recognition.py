"""Speech recognition: engines in their processes, with people's voices and a server that plays Vosk's."""

from __future__ import annotations

import asyncio
import io
import json
import os
import signal
import socket
import sys
import time
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import ExitStack, closing, suppress
from pathlib import Path
from typing import Any

import msgspec
import numpy as np
import psutil
import pytest
import soundfile
from hypothesis import given
from hypothesis import strategies as st
from websockets.asyncio.server import ServerConnection, serve

from ccplatform.contracts.words import Severity
from ccplatform.kernel.clock import SystemClock
from ccplatform.kernel.errors import RemoteViolation
from ccplatform.kernel.tasks import TaskSupervisor
from ivr.errors import SpeechUnheard
from ivr.pipes import frame_of
from ivr.settings import RecognitionServerSettings, RecognitionSettings
from ivr.simulator.ears import Ears
from ivr.speech.recognition.client import ALARM, RecogniserProcess
from ivr.speech.recognition.engines import Recognisers, build_recognisers
from ivr.speech.recognition.port import TapPlace
from ivr.speech.recognition.server import joined, part_of
from ivr.speech.recognition.sphinx import with_mirrored_band
from ivr.speech.recognition.wire import Begin, End, Hypothesis, Open, order_of, report_of
from ivr.tapped import HEADER
from tests.support.alarms import Alarms
from tests.support.g711 import Samples
from tests.support.people import recorded

DIGITS = ("zero", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine")
SETTINGS = RecognitionSettings(restart_seconds=(0.01, 0.01), start_seconds=20, answer_seconds=5)


class Tap:
    """A media worker's tap: 20 ms a packet, the instants of the samples running on."""

    def __init__(self, place: TapPlace) -> None:
        self.socket = socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        self.socket.connect(place.path)
        self.frame = place.rate // 50
        self.number = 0
        self.at = time.monotonic()

    def close(self) -> None:
        self.socket.close()

    def say(self, samples: Samples) -> None:
        for start in range(0, len(samples) - self.frame + 1, self.frame):
            data = samples[start : start + self.frame].astype("<i2").tobytes()
            self.at += 0.02
            self.socket.send(HEADER.pack(self.number, 0, self.at) + data)
            self.number += 1

    def pause(self, seconds: float) -> None:
        self.say(np.zeros(round(seconds * self.frame * 50), dtype=np.int16))


Make = Callable[..., Recognisers]


@pytest.fixture
def alarms() -> Alarms:
    return Alarms()


@pytest.fixture
async def make(tmp_path: Path, alarms: Alarms) -> AsyncIterator[Make]:
    clock = SystemClock()
    tasks = TaskSupervisor(clock)
    made: list[Recognisers] = []

    def build(settings: RecognitionSettings = SETTINGS) -> Recognisers:
        made.append(build_recognisers(settings, sockets=tmp_path, clock=clock, alarms=alarms, tasks=tasks))
        return made[-1]

    yield build
    for recognisers in made:
        await recognisers.close()
    await tasks.close()
    assert not tasks.crashes


async def hear(
    recogniser: Recognisers,
    samples: Samples,
    phrases: Sequence[str] | None,
    name: str = "h",
    *,
    alternatives: int = 3,
) -> list[tuple[str, float]]:
    """One utterance, begun after half a second of silence."""
    place = await recogniser.open(name, "en", phrases, alternatives)
    with closing(Tap(place)) as tap:
        tap.pause(0.5)
        recogniser.begin(name, tap.at)
        tap.say(samples)
        tap.pause(0.5)
        found = await recogniser.end(name)
    recogniser.close_hearing(name)
    return [(one.text, one.confidence) for one in found]


# --- the bundled engine -----------------------------------------------------------------------------------


async def test_a_person_says_two(make: Make) -> None:
    found = await hear(make(), recorded("digits/2"), DIGITS)
    text, confidence = found[0]
    assert text == "two"
    assert confidence > 0.5


async def test_a_person_at_the_microphone_of_a_page_says_two(make: Make) -> None:
    """Sent at once and at a browser's rate, into the same process that hears callers."""
    file = io.BytesIO()
    quiet = np.zeros(4000, dtype=np.int16)
    said = np.concatenate([quiet, recorded("digits/2").astype(np.int16), quiet])
    soundfile.write(file, said, 8000, format="WAV", subtype="PCM_16")
    found = await Ears(make()).hear("en", DIGITS, file.getvalue())
    assert found[0].text == "two"
    assert found[0].confidence > 0.5


async def test_what_is_in_no_phrase_is_not_believed(make: Make) -> None:
    found = await hear(make(), recorded("call-forwarding"), DIGITS)
    assert not found or found[0][1] < 0.5


async def test_several_utterances_of_one_caller_and_other_callers_beside_him(make: Make) -> None:
    recogniser = make()
    places = [await recogniser.open(name, "en", DIGITS, 1) for name in ("a", "b")]
    with ExitStack() as stack:
        taps = [stack.enter_context(closing(Tap(place))) for place in places]
        for said in ("three", "seven"):
            for name, tap in zip("ab", taps, strict=True):
                tap.pause(0.4)
                recogniser.begin(name, tap.at)
                tap.say(recorded(f"digits/{DIGITS.index(said)}"))
                tap.pause(0.4)
            found = await asyncio.gather(recogniser.end("a"), recogniser.end("b"))
            assert [[one.text for one in heard] for heard in found] == [[said], [said]]


async def test_a_tap_that_moved_to_another_worker_goes_on(make: Make) -> None:
    recogniser = make()
    place = await recogniser.open("h", "en", DIGITS, 1)
    with closing(Tap(place)) as first:
        first.pause(0.4)
    with closing(Tap(place)) as second:
        second.pause(0.4)
        recogniser.begin("h", second.at)
        second.say(recorded("digits/4"))
        second.pause(0.3)
        assert (await recogniser.end("h"))[0].text == "four"


async def test_nothing_said_is_nothing_heard(make: Make) -> None:
    recogniser = make()
    await recogniser.open("h", "en", DIGITS, 1)
    assert await recogniser.end("h") == ()


async def test_unknown_words_and_languages_are_refused_by_name(make: Make, alarms: Alarms) -> None:
    recogniser = make()
    with pytest.raises(SpeechUnheard, match="xyzzyq"):
        await recogniser.open("h", "en", ["two", "xyzzyq"], 1)
    with pytest.raises(SpeechUnheard, match="no recogniser of 'zh'"):
        await recogniser.open("i", "zh", ["二"], 1)
    assert (ALARM, "pocketsphinx") in alarms.up


async def test_more_callers_than_allowed_are_refused(make: Make) -> None:
    recogniser = make(SETTINGS.model_copy(update={"max_callers": 1}))
    await recogniser.open("a", "en", DIGITS, 1)
    with pytest.raises(SpeechUnheard, match="1 callers are heard already"):
        await recogniser.open("b", "en", DIGITS, 1)


# --- an engine that fails ---------------------------------------------------------------------------------


async def test_an_engine_that_dies_fails_its_callers_at_once_and_comes_back(make: Make, alarms: Alarms) -> None:
    recogniser = make()
    await recogniser.open("h", "en", DIGITS, 1)
    child = next(
        child for child in psutil.Process().children() if "ivr.speech.recognition.process" in child.cmdline()
    )
    os.kill(child.pid, signal.SIGSTOP)
    waiting = asyncio.ensure_future(recogniser.end("h"))
    os.kill(child.pid, signal.SIGKILL)
    with pytest.raises(SpeechUnheard):
        await waiting
    assert alarms.up[ALARM, "pocketsphinx"][0] is Severity.URGENT
    found: list[tuple[str, float]] = []
    while not found:
        with suppress(SpeechUnheard):  # it is being restarted
            found = await hear(recogniser, recorded("digits/2"), DIGITS, "again")
        await asyncio.sleep(0)
    assert found[0][0] == "two"
    assert (ALARM, "pocketsphinx") not in alarms.up


@pytest.mark.parametrize(
    ("program", "reason"),
    [
        ("import sys; sys.stdin.read()", "in time"),
        ("import sys; sys.stdout.write('\\0\\0\\0\\2{}'); sys.stdout.flush(); sys.stdin.read()", "no report"),
        ("import sys; sys.stdout.write('\\x7f' * 64); sys.stdout.flush(); sys.stdin.read()", "is longer than"),
        ("pass", "it ended"),
    ],
)
async def test_a_program_that_is_none_is_killed(tmp_path: Path, alarms: Alarms, program: str, reason: str) -> None:
    clock = SystemClock()
    tasks = TaskSupervisor(clock)
    process = RecogniserProcess(
        name="odd",
        arguments=(),
        sockets=tmp_path,
        settings=SETTINGS.model_copy(update={"start_seconds": 0.5}),
        clock=clock,
        alarms=alarms,
        tasks=tasks,
        program=(sys.executable, "-c", program),
    )
    with pytest.raises(SpeechUnheard):
        await process.open("h", "en", None, 1)
    assert reason in alarms.up[ALARM, "odd"][1]
    await process.close()
    await tasks.close()


# --- a server that speaks Vosk's protocol -----------------------------------------------------------------


class Server:
    """Counts what it gets; answers as told. ``mute``: never."""

    def __init__(self, *answers: dict[str, Any], mute: bool = False) -> None:
        self.answers = answers
        self.mute = mute
        self.config: dict[str, Any] = {}
        self.bytes = 0

    async def serve(self, connection: ServerConnection) -> None:
        async for message in connection:
            if isinstance(message, bytes):
                self.bytes += len(message)
                await connection.send('{"partial": "tw"}')
            elif "config" in message:
                self.config = json.loads(message)["config"]
            elif not self.mute:
                assert message == '{"eof" : 1}'
                for answer in self.answers:
                    await connection.send(json.dumps(answer))
                return


async def heard_by(server: Server, make: Make, phrases: Sequence[str] | None = DIGITS) -> list[tuple[str, float]]:
    async with serve(server.serve, "127.0.0.1", 0) as listening:
        port = listening.sockets[0].getsockname()[1]
        place = RecognitionServerSettings(url=f"ws://127.0.0.1:{port}/asr", sample_rate=16000)
        settings = SETTINGS.model_copy(update={"engine_en": "server", "server": place, "answer_seconds": 1.0})
        return await hear(make(settings), np.ones(16000, dtype=np.int16), phrases)


async def test_a_server_hears(make: Make) -> None:
    server = Server({"alternatives": [{"text": "two", "confidence": 0.9}, {"text": "too", "confidence": 0.1}]})
    assert await heard_by(server, make) == [("two", 0.9), ("too", 0.1)]
    assert server.config == {"sample_rate": 16000, "max_alternatives": 3, "phrase_list": list(DIGITS)}
    assert server.bytes >= 2 * 16000


async def test_parts_of_a_server_are_one_utterance(make: Make) -> None:
    server = Server(
        {"text": "four two", "result": [{"word": "four", "conf": 1.0}, {"word": "two", "conf": 0.5}]},
        {"text": "one", "result": [{"word": "one", "conf": 0.9}]},
        {"text": ""},
    )
    assert await heard_by(server, make, None) == [("four two one", 0.75)]
    assert "phrase_list" not in server.config


async def test_a_server_that_is_too_slow_fails_in_time(make: Make, alarms: Alarms) -> None:
    with pytest.raises(SpeechUnheard, match="too slow"):
        await heard_by(Server(mute=True), make)
    assert (ALARM, "server") in alarms.up


async def test_a_server_that_talks_nonsense_fails(make: Make) -> None:
    with pytest.raises(SpeechUnheard, match="no text"):
        await heard_by(Server({"alternatives": [7]}), make)


async def test_a_server_that_is_away_is_known_before_the_caller_speaks(make: Make, alarms: Alarms) -> None:
    place = RecognitionServerSettings(url="ws://127.0.0.1:9/")
    recogniser = make(SETTINGS.model_copy(update={"engine_zh": "server", "server": place}))
    with pytest.raises(SpeechUnheard, match="cannot be reached"):
        await recogniser.open("h", "zh", None, 1)
    assert (ALARM, "server") in alarms.up


# --- words on the wire ------------------------------------------------------------------------------------


@given(st.binary(max_size=200))
def test_garbage_on_the_pipe_is_told(data: bytes) -> None:
    for read in (order_of, report_of):
        with pytest.raises(RemoteViolation):
            read(data)


@given(st.text(max_size=30), st.lists(st.text(max_size=20), max_size=5), st.floats(0, 1e9))
def test_orders_come_back_as_they_went(name: str, phrases: list[str], at: float) -> None:
    for order in (
        Open(hearing=name, path="/x", language="en", phrases=tuple(phrases), alternatives=2),
        Begin(hearing=name, at=at),
        End(hearing=name),
    ):
        assert order_of(frame_of(order)[4:]) == order


_NAMES = st.sampled_from(["text", "result", "alternatives", "confidence", "conf"])


@given(
    st.recursive(
        st.none() | st.floats(allow_nan=False) | st.text() | st.booleans(),
        lambda inner: st.lists(inner) | st.dictionaries(_NAMES, inner, max_size=4),
    )
)
def test_whatever_a_server_answers_is_a_part_or_told(answer: Any) -> None:
    try:
        part = part_of(msgspec.json.encode(answer))
    except ValueError:
        return
    if part is not None:
        assert all(0 <= one.confidence <= 1 for one in joined([part]))


def test_parts_without_a_word_are_left_out() -> None:
    nothing = (Hypothesis(text="", confidence=1.0),)
    assert joined([nothing, nothing]) == ()
    assert joined([]) == ()


@given(st.lists(st.integers(-32768, 32767), max_size=50))
def test_the_upper_band_mirrors_the_lower(samples: list[int]) -> None:
    narrow = np.array(samples, dtype="<i2")
    wide = np.frombuffer(with_mirrored_band(narrow.tobytes()), "<i2")
    assert len(wide) == 2 * len(narrow)
    assert not wide[1::2].any()
    assert np.array_equal(wide[::2], np.clip(2 * narrow.astype(int), -32768, 32767))
