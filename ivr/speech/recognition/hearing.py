"""One caller who is heard, in a thread of the recogniser's process: from the media engine's tap to the ear.

The tap connects to our socket and sends a packet every 20 ms (``gateway.media.taps`` describes it). What was said
just before the media engine noticed a voice belongs to the utterance, so that the last seconds are always kept.
"""

from __future__ import annotations

import os
import select
import socket
import threading
from collections import deque
from collections.abc import Callable
from contextlib import suppress
from typing import Final

from ccplatform.kernel.errors import PlatformError
from ivr.speech.recognition.engine import Ear, Engine
from ivr.speech.recognition.wire import Failed, Heard, Open, Opened, Report
from ivr.tapped import HEADER, PACKET_BYTES, listener

#: How much is kept of what was said before the voice was noticed, packets of 20 ms, and how much of it is heard.
KEPT_PACKETS: Final = 250
LEAD_SECONDS: Final = 0.3

_POLL_SECONDS: Final = 0.05


class Hearing(threading.Thread):
    """Runs until closed; ``tell`` is called from its own thread."""

    def __init__(self, order: Open, engine: Engine, tell: Callable[[Report], None]) -> None:
        super().__init__(name=f"hearing {order.hearing}", daemon=True)
        self._order = order
        self._engine = engine
        self._tell = tell
        self._closed = False
        self._begun: float | None = None
        self._ended = False
        self._orders = threading.Lock()
        self._recent: deque[tuple[float, bytes]] = deque(maxlen=KEPT_PACKETS)

    # --- orders, from another thread ----------------------------------------------------------------------

    def begin(self, at: float) -> None:
        """He speaks since then."""
        with self._orders:
            self._begun, self._ended = at, False

    def end(self) -> None:
        """He fell silent."""
        with self._orders:
            self._ended = True

    def close(self) -> None:
        """Hear no more; the thread ends soon."""
        self._closed = True

    # --- the thread ---------------------------------------------------------------------------------------

    def run(self) -> None:
        """Listen; whatever the engine cannot do is told, and is the end."""
        name = self._order.hearing
        try:
            with listener(self._order.path) as listening:
                ear = self._engine.open(self._order.language, self._order.phrases, self._order.alternatives)
                try:
                    self._tell(Opened(hearing=name, rate=self._engine.rate))
                    self._listen(listening, ear)
                finally:
                    ear.close()
        except (PlatformError, OSError) as error:
            self._tell(Failed(hearing=name, reason=str(error)))
        finally:
            with suppress(OSError):
                os.unlink(self._order.path)

    def _listen(self, listening: socket.socket, ear: Ear) -> None:
        connection: socket.socket | None = None
        hears = False
        try:
            while not self._closed:
                select.select([connection or listening], [], [], _POLL_SECONDS)
                begun, ended = self._ordered()  # what was said before an order is read before it is carried out
                connection = self._read(listening, connection)
                hears = self._work(ear, begun, ended, hears)
        finally:
            if connection is not None:
                connection.close()

    def _read(self, listening: socket.socket, connection: socket.socket | None) -> socket.socket | None:
        """Keep all packets that are there. A leg that moved to another media worker connects anew."""
        while connection is not None or (connection := _accepted(listening)) is not None:
            if self._take(connection):
                return connection
            connection.close()
            connection = None
        return None

    def _ordered(self) -> tuple[float | None, bool]:
        with self._orders:
            begun, self._begun = self._begun, None
            ended, self._ended = self._ended, False
        return begun, ended

    def _take(self, connection: socket.socket) -> bool:
        """Keep all packets that are there; False when there will be no more."""
        while True:
            try:
                packet = connection.recv(PACKET_BYTES, socket.MSG_DONTWAIT)
            except BlockingIOError:
                return True
            except OSError:
                return False
            if len(packet) < HEADER.size:
                return False
            _, _, at = HEADER.unpack_from(packet)
            self._recent.append((at, packet[HEADER.size :]))

    def _work(self, ear: Ear, begun: float | None, ended: bool, hears: bool) -> bool:
        """Do what was ordered, and give the ear what came; returns whether an utterance goes on."""
        if begun is not None:
            hears = True
            ear.begin()
            while self._recent and self._recent[0][0] < begun - LEAD_SECONDS:
                self._recent.popleft()
        if hears and self._recent:
            ear.feed(b"".join(samples for _, samples in self._recent))
            self._recent.clear()
        if ended:
            hypotheses = tuple(ear.finish()) if hears else ()
            self._tell(Heard(hearing=self._order.hearing, hypotheses=hypotheses))
            hears = False
        return hears


def _accepted(listening: socket.socket) -> socket.socket | None:
    try:
        return listening.accept()[0]
    except BlockingIOError:
        return None
