"""An engine in a process of its own, spoken to over pipes: one request at a time, replaced when it fails.

A child that crashes, hangs or talks nonsense is killed, an alarm is raised, and the next request after a growing
pause starts another; requests during the pause fail at once, so that no caller waits for a dead engine. What child
and platform say is told in :mod:`ivr.speech.espeak_process`.
"""

from __future__ import annotations

import asyncio
import json
from abc import abstractmethod
from asyncio.subprocess import Process
from typing import Any

from ccplatform.contracts.ports import Alarms
from ccplatform.contracts.words import Severity
from ccplatform.kernel.clock import Clock
from ccplatform.kernel.errors import RemoteViolation
from ivr.errors import SpeechUnavailable
from ivr.numbers import Language
from ivr.pipes import framed, kill, read_frame, spawn
from ivr.settings import SpeechSettings
from ivr.speech.shaped import ShapedSpeech, Take

#: Alarm kind of a speech engine that does not work; the subject is its name.
ALARM = "tts_unavailable"

_MAX_ANSWER_BYTES = 16 * 2**20
_RATES = range(4000, 192_001)


class PipedSpeech(ShapedSpeech):
    """The port on a child that speaks; ``command`` starts it, ``timeout`` is the longest that a text may take,
    ``restart`` the first and the longest pause before it is started again, seconds."""

    def __init__(
        self,
        *,
        name: str,
        command: tuple[str, ...],
        timeout: float,
        restart: tuple[float, float],
        settings: SpeechSettings,
        clock: Clock,
        alarms: Alarms,
    ) -> None:
        super().__init__(settings)
        self._name = name
        self._command = command
        self._timeout = timeout
        self._restart = restart
        self._clock = clock
        self._alarms = alarms
        self._lock = asyncio.Lock()
        self._process: Process | None = None
        self._pause = 0.0
        self._not_before = 0.0

    @abstractmethod
    def _request(self, text: str, language: Language) -> dict[str, Any]:
        """What the child is asked."""

    async def _say(self, text: str, language: Language, take: Take) -> None:
        async with self._lock:
            await self._ask(json.dumps(self._request(text, language)).encode(), take)

    def working(self) -> dict[str, bool]:
        """See the port."""
        return {self._name: not self._pause}

    async def close(self) -> None:
        """End the child."""
        async with self._lock:
            await self._kill()

    async def _ask(self, request: bytes, take: Take) -> None:
        if self._clock.now() < self._not_before:
            raise SpeechUnavailable("the speech engine is being restarted")
        try:
            process = await self._started()
            async with asyncio.timeout(self._timeout):
                refused = await _exchange(process, request, take)
        except (OSError, EOFError, TimeoutError, ValueError, RemoteViolation) as error:
            await self._lost(error)
            raise SpeechUnavailable("the speech engine does not answer") from error
        except asyncio.CancelledError:
            await self._kill()  # an answer half read would be taken for the next one
            raise
        self._alarms.clear_alarm(ALARM, self._name)
        self._pause = 0.0
        if refused:
            raise SpeechUnavailable(f"the speech engine refused a text: {refused}")

    async def _started(self) -> Process:
        if self._process is None:
            self._process = await spawn(self._command)
            await self._begun(self._process)
        return self._process

    async def _begun(self, process: Process) -> None:
        """Wait until a new child can speak, if it takes its time; it raises what a failed answer does."""

    async def _lost(self, error: Exception) -> None:
        first, longest = self._restart
        self._pause = min(longest, self._pause * 2 or first)
        self._not_before = self._clock.now() + self._pause
        reason = str(error) or type(error).__name__
        text = f"the speech engine does not work: {reason}"
        self._alarms.raise_alarm(ALARM, self._name, Severity.URGENT, text)
        await self._kill()

    async def _kill(self) -> None:
        process, self._process = self._process, None
        if process is None:
            return
        kill(process)
        if process.stdin is not None:
            process.stdin.close()
        await process.communicate()


async def _exchange(process: Process, request: bytes, take: Take) -> str:
    """Give what the engine says to ``take``, at its end nothing; returns why it said nothing at all."""
    if process.stdin is None or process.stdout is None:
        raise EOFError("the engine has no pipes")
    process.stdin.write(framed(request))
    await process.stdin.drain()
    answer = json.loads(await read_frame(process.stdout, _MAX_ANSWER_BYTES))
    match answer:
        case {"error": reason}:
            return str(reason)
        case {"rate": int(rate)} if rate in _RATES:
            size = 0
            while sound := await read_frame(process.stdout, _MAX_ANSWER_BYTES):
                size += len(sound)
                if size > _MAX_ANSWER_BYTES:
                    raise ValueError(f"the engine's answer of more than {_MAX_ANSWER_BYTES} bytes is too long")
                take(rate, sound)
            take(rate, b"")
            return ""
        case _:
            raise ValueError("the engine's answer has an unknown form")
