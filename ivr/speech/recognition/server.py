"""A recognition server over a WebSocket, by the protocol of Vosk's server (``alphacep/vosk-server``).

One connection an utterance. We send ``{"config": {"sample_rate", "max_alternatives", "phrase_list"?}}``, the
samples as binary messages, then ``{"eof": 1}``. The server answers every message of samples with ``{"partial"}``
or a part that is complete, ``{"text"}``, and the end with the last one. With alternatives a part is
``{"alternatives": [{"text", "confidence"}]}``, without them ``{"text", "result": [{"conf", "word"}]}``. Its models
decide the languages.
"""

from __future__ import annotations

import json
import threading
from collections.abc import Sequence
from typing import Any, Final

from websockets.exceptions import WebSocketException
from websockets.sync.client import ClientConnection, connect

from ivr.speech.recognition.engine import EngineGone
from ivr.speech.recognition.wire import Hypothesis

#: Longest answer that is read, bytes, and how many parts an utterance may have.
MAX_ANSWER_BYTES: Final = 1 << 20
MAX_PARTS: Final = 100


class ServerEngine:
    """Asks the server at ``url``; whatever takes longer than ``timeout`` seconds is a failure."""

    def __init__(self, url: str, *, rate: int, timeout: float) -> None:
        self._url = url
        self._rate = rate
        self._timeout = timeout

    @property
    def rate(self) -> int:
        """See the port."""
        return self._rate

    def open(self, language: str, phrases: Sequence[str] | None, alternatives: int) -> ServerEar:
        """See the port; connects once, so that a server that is away is known before the caller speaks."""
        config: dict[str, Any] = {"sample_rate": self._rate, "max_alternatives": alternatives}
        if phrases is not None:
            config["phrase_list"] = list(phrases)
        ear = ServerEar(self._url, {"config": config}, self._timeout)
        ear.begin()
        return ear


class ServerEar:
    """One caller; his connection is read by a thread, for a server answers while he speaks."""

    def __init__(self, url: str, config: dict[str, Any], timeout: float) -> None:
        self._url = url
        self._config = config
        self._timeout = timeout
        self._reader: _Reader | None = None
        self._fresh = False

    def begin(self) -> None:
        """See the port."""
        if self._fresh:
            return
        self.close()
        try:
            connection = connect(
                self._url,
                open_timeout=self._timeout,
                close_timeout=0.1,
                max_size=MAX_ANSWER_BYTES,
                compression=None,
                proxy=None,
            )
        except (OSError, TimeoutError, WebSocketException) as error:
            raise EngineGone(
                f"the recognition server cannot be reached: {error or type(error).__name__}"
            ) from error
        self._reader = _Reader(connection)
        self._send(json.dumps(self._config))
        self._reader.start()
        self._fresh = True

    def feed(self, samples: bytes) -> None:
        """See the port."""
        self._fresh = False
        self._send(samples)

    def finish(self) -> Sequence[Hypothesis]:
        """See the port."""
        self._fresh = False
        self._send('{"eof" : 1}')
        reader = self._reader
        if reader is None:
            return ()
        reader.join(self._timeout)
        if reader.is_alive():
            raise EngineGone("the recognition server is too slow")
        if reader.error:
            raise EngineGone(f"the recognition server broke off: {reader.error}")
        return joined(reader.parts)

    def close(self) -> None:
        """See the port."""
        reader, self._reader = self._reader, None
        if reader is not None:
            reader.end()

    def _send(self, message: str | bytes) -> None:
        if self._reader is None:
            raise EngineGone("there is no connection to the recognition server")
        try:
            self._reader.connection.send(message)
        except (OSError, WebSocketException) as error:
            raise EngineGone(f"the recognition server broke off: {error}") from error


class _Reader(threading.Thread):
    """Collects the parts that are complete until the server closes or the last one came."""

    def __init__(self, connection: ClientConnection) -> None:
        super().__init__(name="recognition server", daemon=True)
        self.connection = connection
        self.parts: list[tuple[Hypothesis, ...]] = []
        self.error = ""

    def run(self) -> None:
        """Read to the end; the server closes after the answer to ``eof``."""
        try:
            for message in self.connection:
                part = part_of(message)
                if part is not None and len(self.parts) < MAX_PARTS:
                    self.parts.append(part)
        except (OSError, WebSocketException, ValueError) as error:
            self.error = str(error) or type(error).__name__

    def end(self) -> None:
        """Let the connection go."""
        self.connection.close()


def part_of(message: str | bytes) -> tuple[Hypothesis, ...] | None:
    """The hypotheses of a part that is complete, None for what is not; raises ValueError for what is neither."""
    answer = json.loads(message)
    if not isinstance(answer, dict):
        raise ValueError("its answer is no object")
    if isinstance(several := answer.get("alternatives"), list):
        return tuple(_alternative(one) for one in several)
    if isinstance(text := answer.get("text"), str):
        return (Hypothesis(text=text.strip(), confidence=_mean(answer.get("result"))),)
    return None


def joined(parts: Sequence[tuple[Hypothesis, ...]]) -> tuple[Hypothesis, ...]:
    """One list of hypotheses for the whole utterance: of several parts the likeliest of each, together."""
    spoken = [part for part in parts if part and part[0].text]
    if len(spoken) == 1:
        return tuple(one for one in spoken[0] if one.text)
    if not spoken:
        return ()
    text = " ".join(part[0].text for part in spoken)
    return (Hypothesis(text=text, confidence=min(part[0].confidence for part in spoken)),)


def _alternative(one: Any) -> Hypothesis:
    if not isinstance(one, dict) or not isinstance(one.get("text"), str):
        raise ValueError("an alternative has no text")
    return Hypothesis(text=one["text"].strip(), confidence=_share(one.get("confidence", 1.0)))


def _mean(words: Any) -> float:
    """Of the words' own confidence; a server that tells none is believed."""
    told = words if isinstance(words, list) else []
    shares = [_share(word.get("conf", 1.0)) for word in told if isinstance(word, dict)]
    return sum(shares) / len(shares) if shares else 1.0


def _share(value: Any) -> float:
    """Vosk's alternatives carry scores, not shares: those above 1 say nothing."""
    return min(1.0, max(0.0, float(value))) if isinstance(value, int | float) else 1.0
