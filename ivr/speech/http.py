"""An engine behind HTTP, at an address that the operator set: a text is posted, speech comes back as it is made.

``POST`` of ``{"text": …}`` as JSON; the answer is a WAV of one channel and 16 bits, whole or as a stream. That is
what Piper's own server speaks (``python -m piper.http_server``; under the GPL, so a process of its own).
The text goes to that address alone: no redirect is followed.
"""

from __future__ import annotations

import asyncio
import http.client
import json
import ssl
from urllib.parse import urlsplit

from ccplatform.kernel.errors import RemoteViolation
from ivr.errors import SpeechUnavailable
from ivr.numbers import Language
from ivr.settings import SpeechSettings
from ivr.speech.shaped import ShapedSpeech, Take
from ivr.speech.wav_stream import WavStream

_PIECE_BYTES = 16_384


class HttpSpeech(ShapedSpeech):
    """Speaks the languages that have an address."""

    def __init__(self, *, settings: SpeechSettings) -> None:
        super().__init__(settings)
        own = settings.http
        self._urls: dict[Language, str] = {"zh": own.url_zh, "en": own.url_en}
        self._works = True

    def voice(self, language: Language) -> str:
        """See the port; another voice behind the same address is told apart by its path or query."""
        return f"http {self._urls[language]} {self._settings.sample_rate} {self._level}"

    def working(self) -> dict[str, bool]:
        """See the port."""
        return {"http": self._works}

    async def close(self) -> None:
        """Nothing is kept open."""

    async def _say(self, text: str, language: Language, take: Take) -> None:
        url = self._urls[language]
        if not url:
            raise SpeechUnavailable(f"no speech server for {language!r}")
        try:
            async with asyncio.timeout(self._settings.http.timeout_seconds):
                await self._receive(url, text, take)
            self._works = True
        except (OSError, TimeoutError, http.client.HTTPException, RemoteViolation) as error:
            self._works = False
            raise SpeechUnavailable(f"the speech server failed: {str(error) or type(error).__name__}") from error

    async def _receive(self, url: str, text: str, take: Take) -> None:
        connection = self._connection(url)
        try:
            async with asyncio.timeout(self._settings.http.first_sound_seconds):
                response = await asyncio.to_thread(_post, connection, url, text)
                piece = await asyncio.to_thread(response.read1, _PIECE_BYTES)
            wav = WavStream()
            while piece:
                sound = wav.feed(piece)
                if sound:
                    take(wav.rate, sound)
                piece = await asyncio.to_thread(response.read1, _PIECE_BYTES)
            if not wav.whole:
                raise RemoteViolation("its sound is not whole")
            take(wav.rate, b"")
        finally:
            connection.close()

    def _connection(self, url: str) -> http.client.HTTPConnection:
        parts = urlsplit(url)
        limit = self._settings.http.first_sound_seconds
        if parts.scheme == "https":
            context = ssl.create_default_context()
            return http.client.HTTPSConnection(parts.hostname or "", parts.port, timeout=limit, context=context)
        return http.client.HTTPConnection(parts.hostname or "", parts.port, timeout=limit)


def _post(connection: http.client.HTTPConnection, url: str, text: str) -> http.client.HTTPResponse:
    parts = urlsplit(url)
    path = (parts.path or "/") + (f"?{parts.query}" if parts.query else "")
    connection.request("POST", path, json.dumps({"text": text}), {"Content-Type": "application/json"})
    response = connection.getresponse()
    if response.status != http.client.OK:
        raise RemoteViolation(f"its answer is {response.status} {response.reason}")
    return response
