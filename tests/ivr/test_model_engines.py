"""Engines with models that operators supply: in processes of their own, with stand-ins for their libraries.

Where a real library is installed, it is asked what it says to a model that is none.
"""

from __future__ import annotations

import asyncio
import inspect
import json
import os
from collections.abc import AsyncIterator, Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import soundfile

from ccplatform.app.speech import speech_engine
from ccplatform.kernel.clock import SystemClock, VirtualClock
from ccplatform.kernel.tasks import TaskSupervisor
from ivr.errors import SpeechUnavailable, SpeechUnheard, VoiceLoads
from ivr.settings import IvrSettings, RecognitionSettings, SpeechSettings
from ivr.speech.modelled import ModelSpeech
from ivr.speech.recognition.client import ALARM
from ivr.speech.recognition.engines import Recognisers, build_recognisers
from ivr.speech.recognition.spotting import spotted
from tests.ivr.fake_engines import write_libraries
from tests.ivr.test_recognition import hear
from tests.support import audio
from tests.support.alarms import Alarms
from tests.support.milestone import PATIENCE

SAID = np.full(16000, 1000, dtype=np.int16)


@pytest.fixture
def alarms() -> Alarms:
    return Alarms()


@pytest.fixture
def libraries(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Processes that are started find the stand-ins."""
    place = tmp_path / "libraries"
    place.mkdir()
    write_libraries(place)
    monkeypatch.setenv("PYTHONPATH", os.pathsep.join((str(place), os.environ.get("PYTHONPATH", ""))))
    return place


def piper_voice(place: Path, *, content: bytes = b"model", **config: Any) -> Path:
    """A Piper voice of 22,050 Hz."""
    model = place / "voice.onnx"
    model.write_bytes(content)
    told = {"audio": {"sample_rate": 22050}, **config}
    (place / "voice.onnx.json").write_text(json.dumps(told), encoding="utf-8")
    return model


def sherpa_voice(place: Path) -> Path:
    """A directory as sherpa-onnx has them."""
    made = place / "vits-zh"
    made.mkdir()
    for name in ("model.onnx", "tokens.txt", "lexicon.txt"):
        (made / name).write_bytes(b"model")
    return made


def settings_of(engine: str, **model: Any) -> SpeechSettings:
    return SpeechSettings.model_validate({"engine": engine, "model": model})


Make = Callable[[SpeechSettings], ModelSpeech]


@pytest.fixture
async def make(alarms: Alarms, libraries: Path) -> AsyncIterator[Make]:
    made: list[ModelSpeech] = []

    def build(settings: SpeechSettings) -> ModelSpeech:
        made.append(ModelSpeech(settings=settings, clock=VirtualClock(), alarms=alarms))
        return made[-1]

    yield build
    for engine in made:
        await engine.close()


# --- voices -----------------------------------------------------------------------------------------------


async def test_piper_speaks_with_a_voice_that_is_supplied(make: Make, tmp_path: Path) -> None:
    voice = make(settings_of("piper", en=piper_voice(tmp_path)))
    await voice.synthesize("One.Two", "en", tmp_path / "a.wav")
    samples, rate = soundfile.read(tmp_path / "a.wav")
    assert rate == 16000
    assert len(samples) / rate == pytest.approx(0.8, abs=0.05)
    assert audio.has_tone(samples * 32767, 500, rate=rate)
    assert voice.working() == {"piper": True}
    with pytest.raises(SpeechUnavailable, match="no model of 'zh'"):
        await voice.synthesize("你好", "zh", tmp_path / "b.wav")


async def test_sherpa_speaks_with_a_directory_that_is_supplied_faster_if_wanted(
    make: Make, tmp_path: Path
) -> None:
    voice = make(settings_of("sherpa", zh=sherpa_voice(tmp_path), speed=2.0))
    begun: list[int] = []
    await voice.stream("您好", "zh", tmp_path / "a.raw", begun.append)
    assert begun == [16000]
    assert (tmp_path / "a.raw").stat().st_size / 2 / 16000 == pytest.approx(0.2, abs=0.05)


async def test_another_model_is_another_voice_for_caches(make: Make, tmp_path: Path) -> None:
    voice = make(settings_of("piper", en=piper_voice(tmp_path)))
    before = voice.voice("en")
    piper_voice(tmp_path, content=b"a better one")
    assert voice.voice("en") != before


@pytest.mark.parametrize("content", [b"no model", b""])
async def test_a_file_that_is_no_model_is_told_with_its_name(
    make: Make, alarms: Alarms, tmp_path: Path, content: bytes
) -> None:
    voice = make(settings_of("piper", en=piper_voice(tmp_path, content=content)))
    with pytest.raises(SpeechUnavailable):
        await voice.synthesize("One", "en", tmp_path / "a.wav")
    assert "voice.onnx is no model" in alarms.up["tts_unavailable", "piper"][1]
    assert voice.working() == {"piper": False}


async def test_a_directory_without_its_files_is_told(make: Make, alarms: Alarms, tmp_path: Path) -> None:
    (tmp_path / "empty").mkdir()
    voice = make(settings_of("sherpa", en=tmp_path / "empty"))
    with pytest.raises(SpeechUnavailable):
        await voice.synthesize("One", "en", tmp_path / "a.wav")
    assert "has 0 files *.onnx" in alarms.up["tts_unavailable", "sherpa"][1]


async def test_while_a_voice_is_loaded_others_are_told_at_once(make: Make, tmp_path: Path) -> None:
    voice = make(settings_of("piper", en=piper_voice(tmp_path, loads=1.0)))
    async with asyncio.TaskGroup() as both:
        first = both.create_task(voice.synthesize("One", "en", tmp_path / "a.wav"))
        async with asyncio.timeout(PATIENCE):
            while not voice._loading:  # noqa: ASYNC110 it has no event of its own
                await asyncio.sleep(0.01)
        with pytest.raises(VoiceLoads):
            await voice.synthesize("Two", "en", tmp_path / "b.wav")
        assert not first.done()
    await voice.synthesize("Two", "en", tmp_path / "b.wav")


async def test_a_voice_that_never_loads_is_given_up(make: Make, alarms: Alarms, tmp_path: Path) -> None:
    voice = make(settings_of("piper", en=piper_voice(tmp_path, loads=60), start_seconds=0.2))
    with pytest.raises(SpeechUnavailable):
        await voice.synthesize("One", "en", tmp_path / "a.wav")
    assert "TimeoutError" in alarms.up["tts_unavailable", "piper"][1]


async def test_a_crash_in_the_midst_leaves_the_bundled_voice_and_an_alarm(
    alarms: Alarms, libraries: Path, tmp_path: Path
) -> None:
    clock = VirtualClock()
    voice = speech_engine(settings_of("piper", en=piper_voice(tmp_path)), clock, alarms)
    try:
        await voice.synthesize("Two", "en", tmp_path / "a.wav")
        assert "piper" in voice.voice("en")
        assert "espeak" in voice.voice("zh")
        await voice.synthesize("One.crash", "en", tmp_path / "b.wav")
        assert (tmp_path / "b.wav").stat().st_size > 1000, "spoken by the bundled voice"
        assert ("tts_unavailable", "piper") in alarms.up
        assert "espeak" in voice.voice("en")
        clock.advance(31)
        await voice.synthesize("Two", "en", tmp_path / "c.wav")
        assert ("tts_unavailable", "piper") not in alarms.up
        assert voice.working() == {"piper": True, "espeak": True}
    finally:
        await voice.close()


# --- recognisers ------------------------------------------------------------------------------------------


def hearing(engine: str, model: Path) -> RecognitionSettings:
    return RecognitionSettings.model_validate(
        {"engine_en": engine, "model": {"en": model}, "start_seconds": 30, "answer_seconds": 5}
    )


@pytest.fixture
async def listen(
    tmp_path: Path, alarms: Alarms, libraries: Path
) -> AsyncIterator[Callable[[RecognitionSettings], Recognisers]]:
    clock = SystemClock()
    tasks = TaskSupervisor(clock)
    made: list[Recognisers] = []

    def build(settings: RecognitionSettings) -> Recognisers:
        made.append(build_recognisers(settings, sockets=tmp_path, clock=clock, alarms=alarms, tasks=tasks))
        return made[-1]

    yield build
    for recognisers in made:
        await recognisers.close()
    await tasks.close()


Listen = Callable[[RecognitionSettings], Recognisers]


async def test_vosk_hears_phrases_and_tells_alternatives_by_shares(listen: Listen, tmp_path: Path) -> None:
    recognisers = listen(hearing("vosk", tmp_path / "small"))
    found = await hear(recognisers, SAID, ["one", "two"])
    assert [text for text, _ in found] == ["one", "two"]
    assert sum(share for _, share in found) == pytest.approx(1.0)
    assert found[0][1] > 0.98, "what is said with and without other sounds is one answer"
    with pytest.raises(SpeechUnheard, match="does not know 'xyzzy'"):
        await recognisers.open("h", "en", ["one xyzzy"], 1)


async def test_vosk_without_alternatives_has_the_words_own_confidence(listen: Listen, tmp_path: Path) -> None:
    recognisers = listen(hearing("vosk", tmp_path / "small"))
    assert await hear(recognisers, SAID, None, alternatives=1) == [("anything", 0.75)]


async def test_sherpa_finds_the_phrase_in_what_it_heard(listen: Listen, tmp_path: Path) -> None:
    model = tmp_path / "zipformer"
    model.mkdir()
    names = ("encoder-9.int8.onnx", "encoder-9.onnx", "decoder-9.onnx", "joiner-9.onnx", "tokens.txt")
    for name in names:
        (model / name).touch()
    recognisers = listen(hearing("sherpa", model))
    ((text, confidence),) = await hear(recognisers, SAID, ["balance", "my balance", "hours"])
    assert text == "my balance"
    assert confidence == pytest.approx(0.6)
    assert await hear(recognisers, SAID, ["hours"]) == []
    ((text, _),) = await hear(recognisers, SAID, None)
    assert text == "I WANT MY BALANCE PLEASE"


def test_mandarin_phrases_are_found_whatever_the_spaces() -> None:
    assert spotted("我要查余额", ["余额", "挂失"]) == "余额"
    assert spotted("我 要 挂 失", ["余额", "卡片 挂失", "挂失"]) == "挂失"
    assert spotted("THE TOWN", ["own", "one"]) == ""


@pytest.mark.parametrize("engine", ["vosk", "sherpa"])
async def test_a_directory_that_is_no_model_is_an_alarm(
    listen: Listen, alarms: Alarms, tmp_path: Path, engine: str
) -> None:
    recognisers = listen(hearing(engine, tmp_path / "other"))
    await recognisers.prepare(["en"])
    assert (ALARM, engine) in alarms.up


# --- the configuration says what is missing -----------------------------------------------------------------


def problems(**settings: Any) -> list[str]:
    return list(IvrSettings.model_validate(settings).problems())


def test_an_engine_without_its_model_is_not_available(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr("ivr.engine_files.find_spec", lambda name: None)
    assert problems(speech={"engine": "piper"}) == [
        "ivr.speech.engine = 'piper': not available: set ivr.speech.model.en or ivr.speech.model.zh to its model",
        "ivr.speech.engine = 'piper': not available: it is not installed: pip install 'ccplatform[piper]' "
        "or set ivr.speech.model.python to the Python that has it",
    ]
    assert problems(recognition={"engine_zh": "vosk"}) == [
        "ivr.recognition.engine_zh = 'vosk': not available: set ivr.recognition.model.zh to its model",
        "ivr.recognition.engine_zh = 'vosk': not available: it is not installed: pip install 'ccplatform[vosk]'",
    ]


def test_a_model_that_is_not_there_is_named(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr("ivr.engine_files.find_spec", lambda name: object())
    (tmp_path / "a.onnx").touch()
    (one,) = problems(speech={"engine": "piper", "model": {"en": tmp_path / "a.onnx"}})
    assert "a.onnx.json is not beside it" in one
    (one,) = problems(speech={"engine": "piper", "model": {"en": tmp_path / "b.onnx"}})
    assert one.endswith("b.onnx': the file cannot be read")
    (one,) = problems(recognition={"engine_en": "sherpa", "model": {"en": tmp_path / "c"}})
    assert "there is no such directory" in one
    model = piper_voice(tmp_path)
    assert problems(speech={"engine": "piper", "model": {"en": model}}) == []
    (one,) = problems(speech={"engine": "piper", "model": {"en": model, "python": tmp_path / "python"}})
    assert one.endswith("there is no such program")


# --- the real libraries, where they are installed -------------------------------------------------------------


@pytest.mark.parametrize("engine", ["piper", "sherpa"])
async def test_the_real_voices_refuse_what_is_no_model(alarms: Alarms, tmp_path: Path, engine: str) -> None:
    pytest.importorskip({"piper": "piper", "sherpa": "sherpa_onnx"}[engine])
    model = piper_voice(tmp_path) if engine == "piper" else sherpa_voice(tmp_path)
    voice = ModelSpeech(settings=settings_of(engine, en=model), clock=VirtualClock(), alarms=alarms)
    with pytest.raises(SpeechUnavailable):
        await voice.synthesize("One", "en", tmp_path / "a.wav")
    reason = alarms.up["tts_unavailable", engine][1]
    assert "ModuleNotFoundError" not in reason
    assert "TypeError" not in reason
    print(reason)


@pytest.mark.parametrize("name", ["vosk", "sherpa_onnx"])
async def test_the_real_recognisers_refuse_what_is_no_model(tmp_path: Path, alarms: Alarms, name: str) -> None:
    pytest.importorskip(name)
    engine = name.removesuffix("_onnx")
    clock = SystemClock()
    tasks = TaskSupervisor(clock)
    recognisers = build_recognisers(
        hearing(engine, tmp_path), sockets=tmp_path, clock=clock, alarms=alarms, tasks=tasks
    )
    await recognisers.prepare(["en"])
    assert (ALARM, engine) in alarms.up
    await recognisers.close()
    await tasks.close()


def test_the_real_libraries_have_what_their_stand_ins_have() -> None:
    vosk = pytest.importorskip("vosk")
    assert {"model_path"} <= inspect.signature(vosk.Model).parameters.keys()
    wanted = ("SetWords", "SetMaxAlternatives", "Reset", "AcceptWaveform", "Result", "FinalResult")
    assert all(hasattr(vosk.KaldiRecognizer, name) for name in wanted)
    sherpa = pytest.importorskip("sherpa_onnx").OnlineRecognizer
    wanted = ("from_transducer", "create_stream", "is_ready", "decode_stream", "get_result", "ys_probs")
    assert all(hasattr(sherpa, name) for name in wanted)
