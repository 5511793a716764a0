"""What sessions ask of bots, done; what comes of it is an event for the session."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final, assert_never

import structlog

from ccplatform.contracts.ports import Alarms
from ccplatform.contracts.words import ContactId, Severity
from ccplatform.kernel.clock import Clock, sleep
from ccplatform.kernel.tasks import TaskSupervisor
from ivr.bots.child import PROGRAM, RelayProcess
from ivr.bots.wire import (
    BotPlace,
    Close,
    Configure,
    Done,
    Failed,
    Open,
    Opened,
    Pressed,
    Probe,
    Probed,
    Report,
    Said,
    Sounds,
    Started,
    Voiced,
)
from ivr.settings import BotSettings
from ivr.work import (
    BotDone,
    BotFailed,
    BotOrder,
    BotReady,
    BotResult,
    BotSaid,
    BotSounds,
    CloseBot,
    OpenBot,
    TellKey,
)

#: Alarm kinds; the subject is the bot, or all of them: it cannot be reached, is slow or breaks off; it does what
#: the protocol does not allow.
AWAY: Final = "bot_unavailable"
FAULT: Final = "bot_fault"
ALL: Final = "all"
#: First and longest pause before a bot that was away is looked for again, seconds.
PROBE_SECONDS: Final = (1.0, 30.0)

_log = structlog.get_logger("ivr")


@dataclass(slots=True, kw_only=True)
class _Talk:
    talk: int
    bot: str
    post: Callable[[BotResult], None]


@dataclass(slots=True, kw_only=True)
class BotState:
    """How a bot fares: talks that run, that it failed since the start, and why it is away ('': it is not)."""

    talks: int = 0
    failures: int = 0
    away: str = ""


class Bots:
    """The talks of all sessions. Nothing runs until there is a bot in the settings."""

    def __init__(
        self,
        settings: Mapping[str, BotSettings],
        *,
        sockets: Path,
        clock: Clock,
        alarms: Alarms,
        tasks: TaskSupervisor,
        program: Sequence[str] = PROGRAM,
    ) -> None:
        self.states = {name: BotState() for name in settings}
        self._clock = clock
        self._alarms = alarms
        self._tasks = tasks
        self._talks: dict[str, _Talk] = {}
        self._probing: dict[str, float] = {}  # the next pause of each bot that is looked for
        self._child = RelayProcess(
            configure=Configure(
                directory=str(sockets), bots={name: place_of(bot) for name, bot in settings.items()}
            ),
            tell=self._reported,
            gone=self._gone,
            clock=clock,
            tasks=tasks,
            program=program,
        )

    async def prepare(self) -> None:
        """Start the relays before a caller needs them."""
        if self.states:
            await self._child.start()

    async def close(self) -> None:
        """End them."""
        await self._child.close()

    def perform(self, contact: ContactId, order: BotOrder, post: Callable[[BotResult], None]) -> None:
        """Do it; ``post`` gets what comes of it, until the talk is closed."""
        name = f"{contact}/{order.talk}"
        match order:
            case OpenBot():
                self._open(name, contact, order, post)
            case TellKey(digit=digit):
                self._child.write(Pressed(talk=name, digit=digit))
            case CloseBot(reason=reason):
                self._forget(name)
                self._child.write(Close(talk=name, reason=reason))
            case _:
                self._child.write(Voiced(talk=name, speaking=order.speaking, at=order.at))

    def _open(self, name: str, contact: ContactId, order: OpenBot, post: Callable[[BotResult], None]) -> None:
        opened = order.bot in self.states and self._child.write(
            Open(
                talk=name,
                bot=order.bot,
                contact=contact,
                language=order.language,
                max_seconds=order.max_seconds,
                resumed=order.resumed,
                barge_in=order.barge_in,
                variables=order.variables,
            )
        )
        if not opened:
            post(BotFailed(talk=order.talk, cause="bot_unavailable"))
            return
        self._talks[name] = _Talk(talk=order.talk, bot=order.bot, post=post)
        self.states[order.bot].talks += 1

    def _forget(self, name: str) -> _Talk | None:
        talk = self._talks.pop(name, None)
        if talk is not None:
            self.states[talk.bot].talks -= 1
        return talk

    # --- reports ------------------------------------------------------------------------------------------

    def _reported(self, report: Report) -> None:
        match report:
            case Started():
                self._alarms.clear_alarm(AWAY, ALL)
            case Probed(bot=bot, reason=reason):
                self._probed(bot, reason)
            case Failed():
                self._failed(report)
            case Opened() | Sounds() | Said() | Done():
                self._went_on(report)
            case _:
                assert_never(report)

    def _went_on(self, report: Opened | Sounds | Said | Done) -> None:
        talk = self._talks.get(report.talk)
        if talk is None:
            return
        match report:
            case Opened(path=path, sound=sound, rate=rate):
                self._there(talk.bot)
                talk.post(BotReady(talk=talk.talk, path=path, sound=sound, rate=rate))
            case Sounds(sound=sound):
                talk.post(BotSounds(talk=talk.talk, sound=sound))
            case Said(speaker=speaker, text=text):
                talk.post(BotSaid(talk=talk.talk, speaker=speaker, text=text))
            case Done(to=to, outcome=outcome, variables=variables):
                self._alarms.clear_alarm(FAULT, talk.bot)
                talk.post(BotDone(talk=talk.talk, to=to, outcome=outcome, variables=variables))

    def _failed(self, report: Failed) -> None:
        _log.warning("a talk with a bot broke", bot=report.bot, talk=report.talk, reason=report.reason)
        talk = self._forget(report.talk)
        if report.bot in self.states and report.fault:
            self.states[report.bot].failures += 1
            if report.cause == "bot_fault":
                text = f"the bot {report.bot} does what it may not: {report.reason}; callers take the failure path"
                self._alarms.raise_alarm(FAULT, report.bot, Severity.URGENT, text)
            else:
                self._away(report.bot, report.reason)
        if talk is not None:
            talk.post(BotFailed(talk=talk.talk, cause=report.cause))

    def _gone(self, reason: str) -> None:
        """The process of the relays is gone, and every talk with it."""
        text = f"no bot talks with callers: the process of their relays is gone: {reason}"
        self._alarms.raise_alarm(AWAY, ALL, Severity.URGENT, text)
        for name in tuple(self._talks):
            talk = self._forget(name)
            if talk is not None:
                talk.post(BotFailed(talk=talk.talk, cause="bot_unavailable"))
        for bot, pause in self._probing.items():
            self._tasks.run_once("bot probe", self._probe(bot, pause))

    # --- whether they are there ---------------------------------------------------------------------------

    def _away(self, bot: str, reason: str) -> None:
        self.states[bot].away = reason
        text = f"the bot {bot} does not talk with callers: {reason}; they take the failure path"
        self._alarms.raise_alarm(AWAY, bot, Severity.URGENT, text)
        if bot not in self._probing:
            self._probing[bot] = PROBE_SECONDS[0]
            self._tasks.run_once("bot probe", self._probe(bot, PROBE_SECONDS[0]))

    def _there(self, bot: str) -> None:
        self.states[bot].away = ""
        self._probing.pop(bot, None)
        self._alarms.clear_alarm(AWAY, bot)

    def _probed(self, bot: str, reason: str) -> None:
        if bot not in self._probing:
            return
        if not reason:
            self._there(bot)
            return
        pause = self._probing[bot] = min(PROBE_SECONDS[1], self._probing[bot] * 2)
        self._tasks.run_once("bot probe", self._probe(bot, pause))

    async def _probe(self, bot: str, pause: float) -> None:
        await sleep(self._clock, pause)
        if bot in self._probing:
            self._child.write(Probe(bot=bot))


def place_of(settings: BotSettings) -> BotPlace:
    """A bot's settings, as its relays are told them."""
    return BotPlace(
        url=settings.url,
        secret=settings.secret.get_secret_value(),
        networks=tuple(str(network) for network in settings.networks),
        ca_file=None if settings.ca_file is None else str(settings.ca_file),
        rate=settings.sample_rate,
        start_seconds=settings.start_seconds,
        slow_seconds=settings.slow_seconds,
        max_buffered_seconds=settings.max_buffered_seconds,
        max_turns=settings.max_turns,
        max_callers=settings.max_callers,
    )
