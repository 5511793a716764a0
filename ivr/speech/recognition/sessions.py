"""What sessions ask of recognisers, done; what comes of it is an event for the session."""

from __future__ import annotations

from collections.abc import Callable, Collection
from typing import assert_never

import structlog

from ccplatform.contracts.words import ContactId
from ccplatform.kernel.tasks import TaskSupervisor
from ivr.errors import SpeechUnheard
from ivr.numbers import Language
from ivr.speech.recognition.port import Recogniser
from ivr.work import (
    CloseHearing,
    EndUtterance,
    HearingFailed,
    HearingOrder,
    HearingReady,
    HearingResult,
    HearUtterance,
    OpenHearing,
    SpeechFound,
)

_log = structlog.get_logger("ivr")


class Hearings:
    """The hearings of all sessions; each has a name of its own for the recogniser."""

    def __init__(self, *, recogniser: Recogniser, tasks: TaskSupervisor) -> None:
        self._recogniser = recogniser
        self._tasks = tasks

    async def prepare(self, languages: Collection[Language]) -> None:
        """Published flows listen in these languages."""
        await self._recogniser.prepare(languages)

    def perform(self, contact: ContactId, order: HearingOrder, post: Callable[[HearingResult], None]) -> None:
        """Do it; ``post`` gets the answer, if there is one."""
        name = f"{contact}/{order.hearing}"
        match order:
            case OpenHearing():
                self._tasks.run_once("ivr hearing", self._open(name, order, post))
            case HearUtterance():
                self._recogniser.begin(name, order.at)
            case EndUtterance():
                self._tasks.run_once("ivr hearing", self._end(name, order, post))
            case CloseHearing():
                self._recogniser.close_hearing(name)
            case _:
                assert_never(order)

    async def _open(self, name: str, order: OpenHearing, post: Callable[[HearingResult], None]) -> None:
        try:
            place = await self._recogniser.open(name, order.language, order.phrases, order.alternatives)
        except SpeechUnheard as error:
            _log.warning("a caller is not heard", hearing=name, reason=str(error))
            post(HearingFailed(hearing=order.hearing))
        else:
            post(HearingReady(hearing=order.hearing, path=place.path, rate=place.rate))

    async def _end(self, name: str, order: EndUtterance, post: Callable[[HearingResult], None]) -> None:
        try:
            found = await self._recogniser.end(name)
        except SpeechUnheard as error:
            _log.warning("a caller was not heard", hearing=name, reason=str(error))
            post(HearingFailed(hearing=order.hearing))
        else:
            post(SpeechFound(hearing=order.hearing, hypotheses=found))
