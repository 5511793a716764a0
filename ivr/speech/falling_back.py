"""Two engines as one: the better voice, and the bundled one while that is away, or not there yet."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import structlog

from ccplatform.contracts.ports import Alarms
from ccplatform.contracts.words import Severity
from ccplatform.kernel.clock import Clock
from ivr.errors import SpeechUnavailable, VoiceLoads
from ivr.numbers import Language
from ivr.speech.port import Speech

_log = structlog.get_logger("ivr")

#: Alarm kind of a voice that is replaced; the subject is its name.
ALARM = "tts_unavailable"


class FallingBack:
    """Speaks the languages of ``speaks`` by ``first``, which alarms call ``name``; all others, and for
    ``retry_seconds`` after a failure of ``first``, which is an alarm, by ``second``."""

    def __init__(
        self,
        *,
        name: str = "http",
        first: Speech,
        second: Speech,
        speaks: frozenset[Language],
        retry_seconds: float,
        clock: Clock,
        alarms: Alarms,
    ) -> None:
        self._name = name
        self._first = first
        self._second = second
        self._speaks = speaks
        self._retry_seconds = retry_seconds
        self._clock = clock
        self._alarms = alarms
        self._not_before = 0.0

    def voice(self, language: Language) -> str:
        """Of the engine that would speak now, so that what one said is never kept as the other's."""
        return (self._first if self._usable(language) else self._second).voice(language)

    async def synthesize(self, text: str, language: Language, into: Path) -> None:
        """See the port."""
        if self._usable(language):
            try:
                await self._first.synthesize(text, language, into)
            except SpeechUnavailable as error:
                self._failed(error)
            else:
                self._works()
                return
        await self._second.synthesize(text, language, into)

    async def stream(self, text: str, language: Language, into: Path, begun: Callable[[int], None]) -> None:
        """See the port; what broke off in the midst is not begun anew."""
        heard = False

        def first_begun(rate: int) -> None:
            nonlocal heard
            heard = True
            begun(rate)

        if self._usable(language):
            try:
                await self._first.stream(text, language, into, first_begun)
            except SpeechUnavailable as error:
                self._failed(error)
                if heard:
                    raise
            else:
                self._works()
                return
        await self._second.stream(text, language, into, begun)

    def working(self) -> dict[str, bool]:
        """See the port."""
        return {**self._first.working(), **self._second.working()}

    async def close(self) -> None:
        """Let both go."""
        await self._first.close()
        await self._second.close()

    def _usable(self, language: Language) -> bool:
        return language in self._speaks and self._clock.now() >= self._not_before

    def _failed(self, error: SpeechUnavailable) -> None:
        if isinstance(error, VoiceLoads):
            return
        self._not_before = self._clock.now() + self._retry_seconds
        _log.warning("another voice speaks", reason=str(error))
        text = f"the bundled voice speaks instead: {error}"
        self._alarms.raise_alarm(ALARM, self._name, Severity.NON_URGENT, text)

    def _works(self) -> None:
        self._alarms.clear_alarm(ALARM, self._name)
