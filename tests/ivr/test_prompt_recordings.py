"""Recorded prompts: what is taken, what it becomes, where it is played, and how long it is kept."""

from __future__ import annotations

import io
from collections.abc import AsyncIterator
from contextlib import suppress
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import soundfile
from hypothesis import given, settings
from hypothesis import strategies as st

from ccplatform.storage.database import Database
from ivr.errors import BadRecording
from ivr.recorded import RecordedPrompts
from ivr.settings import UploadSettings
from ivr.speech.audio import Level, active_rms
from ivr.speech.uploaded import prompt_of
from tests.ivr.flow_desk import FlowDesk, flow_desk
from tests.security.desk import bearer
from tests.support.database import database, postgres_dsn  # noqa: F401

LEVEL = Level(mean_dbfs=-20.0, peak_dbfs=-3.0)
LIMITS = UploadSettings(max_seconds=10.0)
FLOW = """
flow: hello
languages: [en]
start: tell
nodes:
  tell: {kind: say, prompt: {en: [{recording: welcome}, {text: Good day}]}, next: end, on_error: end}
  end: {kind: hangup}
"""


def sound(
    form: str = "WAV",
    subtype: str | None = None,
    *,
    rate: int = 44_100,
    channels: int = 1,
    level: float = 0.05,
    seconds: float = 1.0,
) -> bytes:
    """A tone in bursts with silence around it."""
    time = np.arange(round(rate * seconds)) / rate
    tone = level * np.sin(2 * np.pi * 440 * time) * (np.sin(2 * np.pi * 2 * time) > -0.5)
    silence = np.zeros(rate // 2)
    whole = np.concatenate([silence, tone, silence])
    file = io.BytesIO()
    soundfile.write(file, np.column_stack([whole] * channels), rate, format=form, subtype=subtype)
    return file.getvalue()


def samples(wav: bytes) -> tuple[np.ndarray, int]:
    read, rate = soundfile.read(io.BytesIO(wav))
    return np.asarray(read), rate


@pytest.mark.parametrize(
    ("form", "subtype", "rate"),
    [
        ("WAV", "PCM_16", 44_100),
        ("WAV", "PCM_24", 48_000),
        ("WAV", "FLOAT", 96_000),
        ("WAV", "ULAW", 8_000),
        ("WAV", "ALAW", 8_000),
        ("WAV", "MS_ADPCM", 22_050),
        ("WAVEX", "PCM_16", 16_000),
        ("FLAC", "PCM_16", 44_100),
        ("OGG", "VORBIS", 44_100),
        ("OGG", "OPUS", 48_000),
        ("MP3", "MPEG_LAYER_III", 44_100),
    ],
)
@pytest.mark.parametrize("channels", [1, 2])
@pytest.mark.parametrize("level", [0.02, 0.9])
def test_every_format_becomes_a_prompt_of_one_level(
    form: str, subtype: str, rate: int, channels: int, level: float
) -> None:
    made = prompt_of(sound(form, subtype, rate=rate, channels=channels, level=level), 16_000, LEVEL, LIMITS)
    heard, rate = samples(made.wav)
    assert (rate, heard.ndim) == (16_000, 1)
    assert made.seconds == pytest.approx(1.0, abs=0.3), "without the silence around it"
    assert 20 * np.log10(active_rms(heard, rate)) == pytest.approx(-20.0, abs=1.0)
    assert np.abs(heard).max() <= LEVEL.limit + 0.001
    wanted = -20.0 - 20 * np.log10(level / np.sqrt(2))
    assert made.gain_db == pytest.approx(wanted, abs=3.0)


@pytest.mark.parametrize(
    ("data", "says"),
    [
        (b"", "neither WAV"),
        (b"#!/bin/sh", "neither WAV"),
        (b"FORM\0\0\0\0AIFF", "neither WAV"),
        (b"RIFF\xff\xff\xff\xffWAVEfmt ", "cannot be decoded"),
        (b"fLaC" + bytes(1000), "cannot be decoded"),
        (b"OggS" + bytes(1000), "cannot be decoded"),
        (b"ID3" + bytes(1000), "cannot be decoded"),
        (sound(seconds=12.0), "longer than 10 s"),
        (sound("FLAC", level=0.0, seconds=30.0), "longer than 10 s"),
        (sound(level=0.0), "nothing is to be heard"),
        (sound(channels=3), "3 channels"),
        (sound(rate=4_000), "4000 Hz"),
        (sound()[:500], "nothing is to be heard"),
    ],
)
def test_what_is_no_prompt_is_refused_by_name(data: bytes, says: str) -> None:
    with pytest.raises(BadRecording, match=says):
        prompt_of(data, 16_000, LEVEL, LIMITS)


def test_a_file_that_is_too_large_is_not_even_looked_at() -> None:
    with pytest.raises(BadRecording, match="larger than 2000 bytes"):
        prompt_of(sound(), 16_000, LEVEL, UploadSettings(max_bytes=2000))


GOOD = {form: sound(form, seconds=0.2, rate=48_000) for form in ("WAV", "FLAC", "OGG", "MP3")}


@settings(max_examples=60, deadline=None)
@given(
    st.sampled_from(sorted(GOOD)), st.integers(0, 4000), st.binary(min_size=1, max_size=8), st.integers(0, 4000)
)
def test_files_with_holes_are_a_prompt_or_refused(form: str, at: int, hole: bytes, cut: int) -> None:
    data = bytearray(GOOD[form])
    data[at % len(data) : at % len(data) + len(hole)] = hole
    with suppress(BadRecording):
        prompt_of(bytes(data[: len(data) - cut % len(data)]), 16_000, LEVEL, LIMITS)


# --- over REST --------------------------------------------------------------------------------------------


@pytest.fixture
async def flows(database: Database, tmp_path: Path) -> AsyncIterator[FlowDesk]:  # noqa: F811
    async with flow_desk(database, tmp_path) as made:
        yield made


WELCOME = "flows/hello/recordings/welcome/en"


async def test_a_recording_is_uploaded_heard_played_by_versions_and_kept_for_them(
    flows: FlowDesk,
    database: Database,  # noqa: F811
    tmp_path: Path,
) -> None:
    await flows.save(FLOW)
    refused = await flows.publish("hello", 422)
    assert refused["errors"][0]["where"] == "nodes.tell.prompt.en.0"
    up = await flows.client.put(WELCOME, content=sound(level=0.01))
    assert up.status_code == 200, up.text
    assert up.json()["gain_db"] > 10
    heard = await flows.client.get(WELCOME)
    assert (heard.status_code, heard.headers["Content-Type"]) == (200, "audio/wav")
    first = await flows.publish("hello")
    assert first["number"] == 1
    document = (await flows.get("flows/hello/versions/1"))["document"]
    content = document["recordings"]["welcome"]["en"]
    recorded = RecordedPrompts(directory=tmp_path, recordings=flows.recordings)
    assert recorded.find(content) is None
    await recorded.load([content, "0" * 64])
    assert recorded.find("0" * 64) is None
    path = recorded.find(content)
    assert path is not None
    assert path.read_bytes() == heard.content

    assert (await flows.get("flows/hello"))["draft"] is False
    await flows.client.put(WELCOME, content=sound(seconds=2.0))
    found = await flows.get("flows/hello/differences")
    assert [change["path"] for change in found["fields"]] == ["recordings.welcome.en"]
    assert (await flows.publish("hello"))["number"] == 2, "another sound is another version"
    back = await flows.client.post("flows/hello/roll-back", json={"version": 1})
    assert back.status_code == 200
    current = await flows.versions.current("hello")
    assert current is not None
    assert current[1]["recordings"]["welcome"]["en"] == content, "rolled back, it sounds as it did"

    (row,) = (await flows.get("flows/hello/recordings"))["items"]
    assert row["used"] == ["version 1, nodes.tell.prompt.en.0"]
    used = await flows.client.delete(WELCOME)
    assert (used.status_code, used.json()["code"]) == (409, "in_use")
    assert "version 1, nodes.tell.prompt.en.0" in used.json()["detail"]
    await flows.save(FLOW.replace("{recording: welcome}, ", ""))
    await flows.publish("hello")
    assert (await flows.client.delete(WELCOME)).status_code == 204
    assert (await flows.client.get(WELCOME)).status_code == 404
    await flows.client.put(WELCOME, content=sound(seconds=3.0))
    assert (await flows.client.delete(WELCOME)).status_code == 204, "which was never published"
    assert await flows.recordings.remove_unused() == 1
    assert await flows.recordings.remove_unused() == 0
    assert await flows.recordings.sound(content) is not None, "versions keep what they play"
    actions = [row["action"] for row in (await flows.get("flows/hello/history"))["items"]]
    assert actions[0] == "drop_recording"
    assert actions.count("upload") == 3


async def test_who_may_upload_and_what_is_refused(flows: FlowDesk) -> None:
    await flows.save(FLOW)
    assert (await flows.client.put("flows/none/recordings/welcome/en", content=sound())).status_code == 404
    assert (await flows.client.put("flows/hello/recordings/..%2Fx/en", content=sound())).status_code in (404, 422)
    assert (await flows.client.put("flows/hello/recordings/welcome/fr", content=sound())).status_code == 422
    bad = await flows.client.put(WELCOME, content=b"<html>")
    assert (bad.status_code, bad.json()["code"]) == (422, "bad_recording")
    headers = await bearer(flows.client, "looks")
    assert (await flows.client.put(WELCOME, content=sound(), headers=headers)).status_code == 403
    assert (await flows.client.delete(WELCOME, headers=headers)).status_code == 403
    await flows.client.put(WELCOME, content=sound())
    assert (await flows.client.get(WELCOME, headers=headers)).status_code == 200
    assert (await flows.client.get(WELCOME, headers=await bearer(flows.client, "agent"))).status_code == 403


async def test_a_prompt_is_previewed_with_its_variables_and_recordings(flows: FlowDesk) -> None:
    await flows.save(FLOW)
    wanted = {
        "language": "en",
        "prompt": ["Your balance is", {"money": "balance"}],
        "variables": {"balance": "128.50"},
    }
    plain = [{"text": "Your balance is"}, {"money": "balance"}]
    answer = await flows.client.post("flows/preview", json=wanted | {"prompt": plain})
    assert answer.status_code == 200, answer.text
    assert len(samples(answer.content)[0]) == 800, "both pieces, one after the other"
    answer = await flows.client.post("flows/preview", json=wanted | {"prompt": plain, "variables": {}})
    assert answer.status_code == 400
    assert "balance" in answer.json()["detail"]
    more: dict[str, Any]
    for more in ({"prompt": "x" * 2000}, {"prompt": []}, {"language": "fr"}, {"more": 1}):
        assert (await flows.client.post("flows/preview", json=wanted | more)).status_code == 422
    unknown = await flows.client.post("flows/preview", json=wanted | {"prompt": [{"recording": "welcome"}]})
    assert unknown.status_code == 400
