"""Who speaks: to callers, and to who listens to a prompt before they do."""

from __future__ import annotations

from pathlib import Path

import pytest

from ccplatform.app.openapi import unopened
from ccplatform.app.places import places_of
from ccplatform.app.settings import load_settings
from ccplatform.app.web import WebProcess
from tests.ivr.speech_server import ok, server, tone, wav


@pytest.mark.parametrize(("engine", "asked"), [("http", ["Hello."]), ("espeak", [])])
async def test_previews_speak_by_the_voice_that_callers_hear(
    engine: str, asked: list[str], tmp_path: Path
) -> None:
    async with server(ok(wav(tone(1.0)))) as (url, texts):
        settings = load_settings(flags={"ivr": {"speech": {"engine": engine, "http": {"url_en": url}}}})
        process = WebProcess(settings, places_of(tmp_path), unopened(settings))
        try:
            await process.speech.synthesize("Hello.", "en", tmp_path / "preview.wav")
        finally:
            await process.speech.close()
    assert texts == asked
    assert (tmp_path / "preview.wav").stat().st_size > 1000
