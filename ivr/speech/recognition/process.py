"""A recogniser in a process of its own: ``python -m ivr.speech.recognition.process pocketsphinx``.

Orders come on stdin, reports go to stdout (:mod:`ivr.speech.recognition.wire`); a caller's sound comes over the
socket that his order names. A crash of the engine ends this process only; it ends when stdin does.
"""

from __future__ import annotations

import os
import sys
import threading
from collections.abc import Callable
from typing import Final, assert_never

import msgspec

from ccplatform.kernel.errors import LocalMisuse
from ivr.pipes import frame_of, read_frame_now
from ivr.speech.recognition.engine import Engine
from ivr.speech.recognition.hearing import Hearing
from ivr.speech.recognition.places import ModelPlaces, ServerPlace
from ivr.speech.recognition.wire import (
    Begin,
    Close,
    End,
    Failed,
    Open,
    Order,
    Ready,
    Report,
    order_of,
)


class Recogniser:
    """All hearings of an engine; ``tell`` may be called from any thread."""

    def __init__(self, engine: Engine, limit: int, tell: Callable[[Report], None]) -> None:
        self._engine = engine
        self._limit = limit
        self._tell = tell
        self._hearings: dict[str, Hearing] = {}

    def perform(self, order: Order) -> None:
        """Do it; orders for hearings that are gone are dropped."""
        if isinstance(order, Open):
            self._open(order)
            return
        hearing = self._hearings.get(order.hearing)
        if hearing is None:
            return
        match order:
            case Begin(at=at):
                hearing.begin(at)
            case End():
                hearing.end()
            case Close():
                hearing.close()
                del self._hearings[order.hearing]
            case _:
                assert_never(order)

    def _open(self, order: Open) -> None:
        self._hearings = {name: hearing for name, hearing in self._hearings.items() if hearing.is_alive()}
        if len(self._hearings) >= self._limit:
            self._tell(Failed(hearing=order.hearing, reason=f"{self._limit} callers are heard already"))
            return
        self._hearings[order.hearing] = hearing = Hearing(order, self._engine, self._tell)
        hearing.start()


def engine_of(name: str, place: str = "") -> Engine:
    """The engine of a name, ready to hear; imported here, so that a process loads only its own."""
    match name:
        case "pocketsphinx":
            from ivr.speech.recognition.sphinx import SphinxEngine

            engine = SphinxEngine()
            engine.prepare()
            return engine
        case "server":
            from ivr.speech.recognition.server import ServerEngine

            server = msgspec.json.decode(place, type=ServerPlace)
            return ServerEngine(server.url, rate=server.rate, timeout=server.timeout_seconds)
        case "vosk":
            from ivr.speech.recognition.vosk_engine import VoskEngine

            return VoskEngine(msgspec.json.decode(place, type=ModelPlaces))
        case "sherpa":
            from ivr.speech.recognition.sherpa import SherpaEngine

            return SherpaEngine(msgspec.json.decode(place, type=ModelPlaces))
        case _:
            raise LocalMisuse(f"there is no speech recogniser {name!r}")


def main(name: str, limit: str, place: str = "") -> None:
    """Take orders until stdin ends; whatever an engine prints goes to stderr."""
    replies: Final = os.fdopen(os.dup(1), "wb", buffering=0)
    os.dup2(2, 1)
    turn = threading.Lock()

    def tell(report: Report) -> None:
        with turn:
            replies.write(frame_of(report))

    recogniser = Recogniser(engine_of(name, place), int(limit), tell)
    tell(Ready())
    while (body := read_frame_now(sys.stdin.buffer)) is not None:
        recogniser.perform(order_of(body))


if __name__ == "__main__":
    main(*sys.argv[1:])
