"""A recogniser's process as the control process sees it: started before it is needed, replaced when it fails.

Orders and reports of all callers share one pair of pipes (:mod:`ivr.speech.recognition.wire`). A process that
dies, hangs or talks nonsense is killed, every caller that it heard is told so at once, an alarm is raised, and the
next caller after a growing pause starts another; callers during the pause fail at once. So nobody waits for a dead
engine.
"""

from __future__ import annotations

import asyncio
import sys
from asyncio.subprocess import Process
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path
from typing import Final

from ccplatform.contracts.ports import Alarms
from ccplatform.contracts.words import Severity
from ccplatform.kernel.clock import Clock, sleep
from ccplatform.kernel.errors import RemoteViolation
from ccplatform.kernel.tasks import TaskSupervisor
from ivr.errors import SpeechUnheard
from ivr.numbers import Language
from ivr.pipes import frame_of, kill, read_frame, spawn
from ivr.settings import RecognitionSettings
from ivr.speech.recognition.port import Hypothesis, TapPlace
from ivr.speech.recognition.wire import (
    Begin,
    Close,
    End,
    Failed,
    Heard,
    Open,
    Opened,
    Order,
    Ready,
    Report,
    report_of,
)

#: Alarm kind of a recogniser that does not work; the subject is its name.
ALARM: Final = "asr_unavailable"


class RecogniserProcess:
    """One engine; ``arguments`` of its program, ``sockets`` the directory of the callers' taps."""

    def __init__(
        self,
        *,
        name: str,
        arguments: Sequence[str],
        sockets: Path,
        settings: RecognitionSettings,
        clock: Clock,
        alarms: Alarms,
        tasks: TaskSupervisor,
        program: Sequence[str] = (sys.executable, "-m", "ivr.speech.recognition.process"),
    ) -> None:
        self._name = name
        self._command = (*program, *arguments)
        self._sockets = sockets
        self._settings = settings
        self._clock = clock
        self._alarms = alarms
        self._tasks = tasks
        self._process: Process | None = None
        self._starting = asyncio.Lock()
        self._gone = asyncio.Event()  # nothing is left of the last process
        self._gone.set()
        self._ready = asyncio.Event()
        self._closing = False
        self._answers: dict[str, asyncio.Future[Report]] = {}
        self._serial = 0
        self._pause = 0.0
        self._not_before = 0.0
        self._working = True

    @property
    def works(self) -> bool:
        """Whether nothing is wrong with it as far as is known."""
        return self._working

    async def prepare(self) -> None:
        """Start the engine, if need be, before a caller needs it; a failure is an alarm."""
        with suppress(SpeechUnheard):
            await self._started()

    # --- the port -----------------------------------------------------------------------------------------

    async def open(
        self, hearing: str, language: Language, phrases: Sequence[str] | None, alternatives: int
    ) -> TapPlace:
        """See the port."""
        self._serial += 1
        path = str(self._sockets / f"ear-{self._name}-{self._serial}.sock")
        order = Open(
            hearing=hearing,
            path=path,
            language=language,
            phrases=None if phrases is None else tuple(phrases),
            alternatives=alternatives,
        )
        await self._started()
        match await self._ask(order, self._settings.answer_seconds):
            case Opened(rate=rate):
                self._works()
                return TapPlace(path=path, rate=rate)
            case Failed(reason=reason):
                raise self._failed(reason)
            case _:
                raise SpeechUnheard("the recogniser answers what it was not asked")

    def begin(self, hearing: str, at: float) -> None:
        """See the port."""
        self._write(Begin(hearing=hearing, at=at))

    async def end(self, hearing: str) -> tuple[Hypothesis, ...]:
        """See the port."""
        if self._process is None:
            raise SpeechUnheard("the recogniser is gone")
        match await self._ask(End(hearing=hearing), self._settings.answer_seconds):
            case Heard(hypotheses=found):
                self._works()
                self._pause = 0.0
                return tuple(Hypothesis(text=one.text, confidence=one.confidence) for one in found)
            case Failed(reason=reason):
                raise self._failed(reason)
            case _:
                raise SpeechUnheard("the recogniser answers what it was not asked")

    def close_hearing(self, hearing: str) -> None:
        """See the port."""
        answer = self._answers.pop(hearing, None)
        if answer is not None:
            answer.cancel()
        self._write(Close(hearing=hearing))

    async def close(self) -> None:
        """End the process."""
        self._closing = True
        self._let_go("the recogniser is stopped")
        await self._gone.wait()

    # --- the process --------------------------------------------------------------------------------------

    async def _ask(self, order: Open | End, limit: float) -> Report:
        answer: asyncio.Future[Report] = asyncio.get_running_loop().create_future()
        try:
            async with asyncio.timeout(limit):
                self._answers[order.hearing] = answer
                self._write(order)
                return await answer
        except TimeoutError as error:
            self._lost("it does not answer in time")
            raise SpeechUnheard("the recogniser does not answer") from error
        finally:
            if self._answers.get(order.hearing) is answer:
                del self._answers[order.hearing]

    async def _started(self) -> None:
        """Have a process that is ready; raises SpeechUnheard."""
        try:
            async with asyncio.timeout(self._settings.start_seconds), self._starting:
                if self._clock.now() < self._not_before:
                    raise SpeechUnheard("the recogniser is being restarted")
                if self._process is None:
                    await self._start()
                await self._ready.wait()
        except (OSError, TimeoutError) as error:
            self._lost(str(error) or "it does not start in time")
            raise SpeechUnheard("the recogniser does not start") from error
        if self._process is None:
            raise SpeechUnheard("the recogniser is gone")

    async def _start(self) -> None:
        self._ready = asyncio.Event()
        self._process = await spawn(self._command)
        self._gone = asyncio.Event()
        self._tasks.run_once(f"recogniser {self._name}", self._read(self._process, self._gone))

    def _write(self, order: Order) -> None:
        process = self._process
        if process is not None and process.stdin is not None and not process.stdin.is_closing():
            process.stdin.write(frame_of(order))

    async def _read(self, process: Process, gone: asyncio.Event) -> None:
        """Give every report to who waits for it, until the process is gone."""
        reason = "it ended"
        try:
            while process.stdout is not None:
                report = report_of(await read_frame(process.stdout))
                if isinstance(report, Ready):
                    self._works()
                    self._ready.set()
                    continue
                answer = self._answers.pop(report.hearing, None)
                if answer is not None and not answer.done():
                    answer.set_result(report)
        except (EOFError, OSError):
            pass
        except RemoteViolation as error:
            reason = str(error)
        finally:
            kill(process)
        if self._process is process:
            self._lost(reason)
        await process.communicate()
        gone.set()

    def _works(self) -> None:
        self._working = True
        self._alarms.clear_alarm(ALARM, self._name)

    def _failed(self, reason: str) -> SpeechUnheard:
        self._alarms.raise_alarm(ALARM, self._name, Severity.NON_URGENT, f"a caller was not heard: {reason}")
        return SpeechUnheard(reason)

    def _lost(self, reason: str) -> None:
        self._working = False
        first, longest = self._settings.restart_seconds
        self._pause = min(longest, self._pause * 2 or first)
        self._not_before = self._clock.now() + self._pause
        text = f"the recogniser {self._name} does not work: {reason}"
        self._alarms.raise_alarm(ALARM, self._name, Severity.URGENT, text)
        self._let_go(reason)
        if not self._closing:
            self._tasks.run_once(f"restart {self._name}", self._restart(self._pause))

    async def _restart(self, pause: float) -> None:
        """Have another ready for the next caller."""
        await sleep(self._clock, pause)
        self._not_before = self._clock.now()
        await self.prepare()

    def _let_go(self, reason: str) -> None:
        process, self._process = self._process, None
        self._ready.set()  # whoever waits for it sees that it is gone
        answers, self._answers = self._answers, {}
        for answer in answers.values():
            if not answer.done():
                answer.set_exception(SpeechUnheard(f"the recogniser is gone: {reason}"))
        if process is not None:
            kill(process)  # who reads its reports waits for its end
