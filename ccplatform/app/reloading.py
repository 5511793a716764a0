"""Control is told again to take what is stored, once it can be reached: nothing that was published is forgotten.

A setting is committed before control is told of it; the link may be away just then, or break before the answer,
and a control process that lives on would not look again. Such orders carry nothing but "take it as it is stored
now", so that the last of each kind is all that has to be kept.
"""

from __future__ import annotations

import asyncio
from typing import Final

import structlog

from ccplatform.contracts.commands import (
    Answer,
    Command,
    Refused,
    ReloadAccess,
    ReloadCallingRules,
    ReloadFlows,
)
from ccplatform.contracts.ports import Control
from ccplatform.kernel.clock import Clock, sleep
from ccplatform.kernel.errors import Unavailable

#: Pause between attempts, seconds.
RETRY_SECONDS: Final = 1.0

_RELOADS: Final = (ReloadAccess, ReloadFlows, ReloadCallingRules)

_log = structlog.get_logger("web")


class ReloadingControl:
    """The Control port of routes; run :meth:`tell_again` under ``TaskSupervisor.keep_running``."""

    def __init__(self, control: Control, clock: Clock) -> None:
        self._control = control
        self._clock = clock
        self._owed: dict[type[Command], Command] = {}
        self._any = asyncio.Event()

    async def ask(self, command: Command) -> Answer:
        """See :class:`~ccplatform.contracts.ports.Control`."""
        if not isinstance(command, _RELOADS):
            return await self._control.ask(command)
        self._owed[type(command)] = command  # until it is known to be done
        answer: Answer | None = None
        try:
            answer = await self._control.ask(command)
        finally:  # also when who asked went away before the answer
            if answer is None or (isinstance(answer, Refused) and answer.code == "unavailable"):
                self._any.set()
            elif self._owed.get(type(command)) is command:
                del self._owed[type(command)]
        return answer

    async def tell_again(self) -> None:
        """Tell control what it could not be told, as often as it takes."""
        while True:
            await self._any.wait()
            self._any.clear()
            for command in list(self._owed.values()):
                try:
                    answer = await self.ask(command)
                except Unavailable:
                    continue
                _log.info("told again", command=type(command).__name__, answer=type(answer).__name__)
            if self._any.is_set():
                await sleep(self._clock, RETRY_SECONDS)
