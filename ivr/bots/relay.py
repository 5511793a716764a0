"""One talk of a bot and a caller: sound from the media engine's tap to the WebSocket, and back into a file.

The tap's packets are the clock: for each of them one frame of the bot's sound is written into the file that the
media engine follows, so that both run at the pace of its tick, and what the bot sends ahead of time waits here,
where a voice of the caller can still silence it.
"""

from __future__ import annotations

import asyncio
import fcntl
import os
import socket
import time
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import Final, assert_never

from websockets.asyncio.client import ClientConnection
from websockets.exceptions import ConnectionClosed, WebSocketException

from ccplatform.kernel.errors import RemoteViolation, Unavailable
from ccplatform.kernel.tasks import TaskSupervisor
from ivr.bots.connecting import begin_talk, connect_to
from ivr.bots.masking import CardMask
from ivr.bots.protocol import (
    VERSION,
    Clear,
    Cleared,
    Dtmf,
    End,
    Mark,
    Marked,
    Ready,
    Start,
    Stop,
    ToBot,
    Transfer,
    Turn,
    Voice,
    message_from,
    text_of,
)
from ivr.bots.sound import FRAME_SECONDS, WaitingSound
from ivr.bots.wire import BotPlace, Done, Failed, Open, Opened, Report, Said, Sounds
from ivr.tapped import HEADER, PACKET_BYTES, listener

#: How far the file is ahead of what is played: what the tick and our own turn may be late, seconds.
LEAD_SECONDS: Final = 0.04
#: The file begins with the bot's first sound, or at the latest then: the media engine waits for it no longer.
FIRST_SOUND_SECONDS: Final = 5.0
#: A voice of this length silences the bot, seconds: an echo or a cough is shorter.
BARGE_IN_SECONDS: Final = 0.25
#: Most text messages of a bot in a second.
MAX_TEXTS: Final = 100


class Relay:
    """``tell`` gets the reports; ``serial`` names the socket and the files."""

    def __init__(
        self,
        order: Open,
        place: BotPlace,
        *,
        directory: Path,
        serial: int,
        tell: Callable[[Report], None],
        tasks: TaskSupervisor,
    ) -> None:
        self._order = order
        self._place = place
        self._directory = directory
        self._stem = str(directory / f"bot-{serial}")
        self._tell = tell
        self._tasks = tasks
        self._waiting = WaitingSound(place.rate, place.max_buffered_seconds)
        self._outbox: asyncio.Queue[str | bytes | None] = asyncio.Queue(
            maxsize=max(10, round(place.slow_seconds / FRAME_SECONDS))
        )
        self._connection: ClientConnection | None = None
        self._listener: socket.socket | None = None
        self._tap: socket.socket | None = None
        self._files: list[int] = []  # open for writing; the last is written to
        self._begun = False  # it holds something
        self._idle = 0  # frames without
        self._speaking_at: float | None = None
        self._silenced = False  # since he began to speak
        self._turns = 0
        self._mask = CardMask()
        self._texts = (0, 0)  # second, messages in it
        self._done: Done | None = None
        self._over = False  # the last report was made
        self._slow = False

    # --- orders -------------------------------------------------------------------------------------------

    def voiced(self, speaking: bool, at: float) -> None:
        """The caller began to speak, or fell silent."""
        self._speaking_at = at if speaking else None
        self._silenced = False
        self._say(Voice(speaking=speaking))

    def pressed(self, digit: str) -> None:
        """He pressed a key."""
        self._say(Dtmf(digit=digit))

    def close(self, reason: str) -> None:
        """The talk is over: the bot is told, and let go."""
        self._over = True
        self._let_go()
        self._say(Stop(reason=reason))
        self._post(None)

    # --- the talk -----------------------------------------------------------------------------------------

    async def run(self) -> None:
        """Until it is closed, or breaks."""
        try:
            async with asyncio.timeout(self._place.start_seconds):
                self._connection = await connect_to(self._place, self._directory)
                await begin_talk(self._connection, self._start())
            if self._over:
                return
            self._listen()
            self._tasks.run_once("bot outbox", self._send(self._connection))
            async for message in self._connection:
                self._take(message)
            self._failed("bot_left", "the bot closed the connection")
        except ConnectionClosed as error:
            self._failed("bot_slow" if self._slow else "bot_left", str(error))
        except (OSError, TimeoutError, WebSocketException, Unavailable) as error:
            self._failed("bot_unavailable", str(error) or "it does not answer in time")
        except RemoteViolation as error:
            self._failed("bot_fault", str(error))
        finally:
            self._let_go()
            if self._connection is not None:
                await self._connection.close()

    def _start(self) -> Start:
        order = self._order
        return Start(
            version=VERSION,
            contact=order.contact,
            language=order.language,
            rate=self._place.rate,
            max_seconds=order.max_seconds,
            resumed=order.resumed,
            variables=order.variables,
        )

    async def _send(self, connection: ClientConnection) -> None:
        with suppress(OSError, WebSocketException):  # who reads learns of it
            while (message := await self._outbox.get()) is not None:
                await connection.send(message)
            await connection.close()

    def _say(self, message: ToBot) -> None:
        self._post(text_of(message))

    def _post(self, message: str | bytes | None) -> None:
        try:
            self._outbox.put_nowait(message)
        except asyncio.QueueFull:
            self._slow = True
            if self._connection is not None:
                self._connection.transport.abort()

    def _failed(self, cause: str, reason: str) -> None:
        if not self._over:
            self._over = True
            order = self._order
            self._tell(Failed(talk=order.talk, bot=order.bot, cause=cause, reason=reason, fault=True))

    # --- what the bot says --------------------------------------------------------------------------------

    def _take(self, message: str | bytes) -> None:
        if self._over or self._done is not None:
            return
        if isinstance(message, bytes):
            self._waiting.put(message)
            return
        self._count_text()
        match said := message_from(message):
            case Clear():
                self._clear()
            case Mark(name=name):
                self._waiting.mark(name)
            case Turn(speaker=speaker, text=text):
                self._turns += 1
                if self._turns > self._place.max_turns:
                    raise RemoteViolation(f"more than {self._place.max_turns} turns")
                self._tell(Said(talk=self._order.talk, speaker=speaker, text=self._mask.masked(speaker, text)))
            case Transfer(to=to, variables=variables):
                self._done = Done(talk=self._order.talk, to=to, outcome="", variables=variables)
            case End(outcome=outcome, variables=variables):
                self._done = Done(talk=self._order.talk, to=None, outcome=outcome, variables=variables)
            case Ready():
                raise RemoteViolation("the bot is ready twice")
            case _:
                assert_never(said)

    def _count_text(self) -> None:
        second, texts = int(time.monotonic()), self._texts
        self._texts = (second, texts[1] + 1 if texts[0] == second else 1)
        if self._texts[1] > MAX_TEXTS:
            raise RemoteViolation(f"more than {MAX_TEXTS} messages in a second")

    def _clear(self) -> None:
        for name in self._waiting.clear():
            self._say(Marked(name=name, played=False))

    # --- sound --------------------------------------------------------------------------------------------

    def _listen(self) -> None:
        path = f"{self._stem}.sock"
        self._listener = listener(path)
        asyncio.get_running_loop().add_reader(self._listener, self._accept)
        sound = self._new_file()
        self._tell(Opened(talk=self._order.talk, path=path, sound=sound, rate=self._place.rate))

    def _accept(self) -> None:
        """The tap connects; one that connects anew is of another media worker, which begins to play, too."""
        assert self._listener is not None
        with suppress(OSError):
            connection = self._listener.accept()[0]
            again = self._begun
            self._close_tap()
            self._tap = connection
            asyncio.get_running_loop().add_reader(connection, self._hear)
            if again:
                os.ftruncate(self._files[-1], 0)  # which the other worker is told to play until it hears of this
                self._tell(Sounds(talk=self._order.talk, sound=self._new_file()))

    def _hear(self) -> None:
        """Take all packets that are there."""
        while self._tap is not None:
            try:
                packet = self._tap.recv(PACKET_BYTES, socket.MSG_DONTWAIT)
            except BlockingIOError:
                return
            except OSError:
                packet = b""
            if len(packet) < HEADER.size:
                self._close_tap()
                return
            _, _, at = HEADER.unpack_from(packet)
            self._post(packet[HEADER.size :])
            self._barge_in(at)
            # A frame that is late was missed by the player, which was silent instead: it is not made up for.
            if time.monotonic() - at <= LEAD_SECONDS:
                self._play()

    def _barge_in(self, at: float) -> None:
        spoken = self._speaking_at is not None and at - self._speaking_at >= BARGE_IN_SECONDS
        if spoken and self._order.barge_in and len(self._waiting):
            self._clear()
            if not self._silenced:
                self._silenced = True
                self._say(Cleared())

    def _play(self) -> None:
        frame = self._waiting.take()
        if not self._begun and frame is None:
            self._idle += 1
            if self._idle * FRAME_SECONDS < FIRST_SOUND_SECONDS and self._done is None:
                return
        if not self._begun:
            self._begun = True
            self._write(self._waiting.silence * round(LEAD_SECONDS / FRAME_SECONDS))
        self._write(frame or self._waiting.silence)
        for name in self._waiting.reached():
            self._say(Marked(name=name, played=True))
        if self._done is not None and not len(self._waiting) and not self._over:
            self._over = True
            self._tell(self._done)

    def _write(self, samples: bytes) -> None:
        if self._files:
            os.write(self._files[-1], samples)

    def _new_file(self) -> str:
        """A file that grows, as the media engine follows it: locked for as long as it may. Its path."""
        path = self._path_of(len(self._files))
        self._files.append(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600))
        fcntl.flock(self._files[-1], fcntl.LOCK_EX)
        self._begun = False
        return path

    def _path_of(self, number: int) -> str:
        return f"{self._stem}-{number}.pcm"

    # --- letting go ---------------------------------------------------------------------------------------

    def _close_tap(self) -> None:
        tap, self._tap = self._tap, None
        if tap is not None:
            asyncio.get_running_loop().remove_reader(tap)
            tap.close()

    def _close_files(self) -> None:
        """The media engine has them open, or wants them no more."""
        descriptors, self._files = self._files, []
        for number, descriptor in enumerate(descriptors):
            os.close(descriptor)
            with suppress(OSError):
                os.unlink(self._path_of(number))

    def _let_go(self) -> None:
        listening, self._listener = self._listener, None
        if listening is not None:
            asyncio.get_running_loop().remove_reader(listening)
            listening.close()
            with suppress(OSError):
                os.unlink(f"{self._stem}.sock")
        self._close_tap()
        self._close_files()
