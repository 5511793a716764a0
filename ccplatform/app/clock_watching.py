"""Asks time servers and the kernel how right this machine's clock is; raises and clears the alarms (R10.6.b)."""

from __future__ import annotations

import asyncio
import ctypes
import secrets
import socket
from ctypes import Structure, c_int, c_long, c_uint
from dataclasses import dataclass
from typing import Any, Final

from ccplatform.contracts.ports import Alarms
from ccplatform.contracts.words import Severity
from ccplatform.kernel.clock import Clock, sleep
from ccplatform.operations.clock_routes import ClockItem, TimeServerItem
from ccplatform.operations.settings import ClockSettings, time_server
from ccplatform.operations.timekeeping import OFF, BadAnswer, ClockWatch, Reading, question, reading

#: How long an answer is waited for, seconds.
ANSWER_SECONDS: Final = 2.0
_MOST_ANSWER: Final = 1024
#: What the clock may have been set by between question and answer, seconds; an answer then says nothing.
_MOST_STEP: Final = 0.05
#: What ``adjtimex`` returns when the clock is not disciplined.
_TIME_ERROR: Final = 5


class _Timex(Structure):
    """``struct timex`` of Linux, up to what is looked at; the rest is room."""

    _fields_ = [
        ("modes", c_uint),
        ("offset", c_long),
        ("freq", c_long),
        ("maxerror", c_long),
        ("esterror", c_long),
        ("status", c_int),
        ("more", c_long * 32),
    ]


@dataclass(frozen=True, slots=True)
class KernelClock:
    """What the kernel says of its clock."""

    synchronised: bool
    most_error_seconds: float


def kernel_clock() -> KernelClock | None:
    """``adjtimex`` with nothing to be set; None where there is no such thing, or it may not be asked."""
    told = _Timex()
    try:
        state = ctypes.CDLL(None, use_errno=True).adjtimex(ctypes.byref(told))
    except (OSError, AttributeError):
        return None
    return KernelClock(state != _TIME_ERROR, told.maxerror / 1e6) if state >= 0 else None


class ClockWatching:
    """Run :meth:`run` under the task supervisor."""

    def __init__(self, settings: ClockSettings, *, clock: Clock, alarms: Alarms) -> None:
        self._settings, self._clock, self._alarms = settings, clock, alarms
        self._watch = ClockWatch(settings.servers, settings.most_offset_seconds)

    async def run(self) -> None:
        """Round by round."""
        while True:
            await self.look()
            await sleep(self._clock, self._settings.every_seconds)

    async def look(self) -> None:
        """One round."""
        names = self._settings.servers
        answers = await asyncio.gather(*(self._ask(name) for name in names))
        self._watch.round(dict(zip(names, answers, strict=True)))
        for kind, text in self._watch.due().items():
            if text:
                severity = Severity.URGENT if kind == OFF else Severity.NON_URGENT
                self._alarms.raise_alarm(kind, "", severity, text)
            else:
                self._alarms.clear_alarm(kind, "")

    def state(self) -> ClockItem:
        """For REST."""
        kernel, best = kernel_clock(), self._watch.best()
        return ClockItem(
            at=self._clock.wall(),
            source="ntp" if kernel is not None and kernel.synchronised else "system",
            synchronised=None if kernel is None else kernel.synchronised,
            most_error_seconds=None if kernel is None else kernel.most_error_seconds,
            offset_seconds=None if best is None else best.offset,
            limit_seconds=self._settings.most_offset_seconds,
            every_seconds=self._settings.every_seconds,
            servers=[
                _told(server.name, server.reading, server.problem) for server in self._watch.servers.values()
            ],
        )

    def gauges(self) -> dict[str, float]:
        """For Prometheus: ``offset`` from the servers, ``synchronised`` and ``most_error`` by the kernel."""
        kernel, best = kernel_clock(), self._watch.best()
        told = {} if best is None else {"offset": best.offset}
        if kernel is not None:
            told |= {"synchronised": float(kernel.synchronised), "most_error": kernel.most_error_seconds}
        return told

    async def _ask(self, name: str) -> Reading | str:
        try:
            async with asyncio.timeout(ANSWER_SECONDS):
                return await self._reading(name)
        except TimeoutError:
            return "no answer"
        except OSError as error:
            return error.strerror or str(error)
        except BadAnswer as error:
            return str(error)

    async def _reading(self, name: str) -> Reading:
        loop = asyncio.get_running_loop()
        host, port = time_server(name)
        family, _, _, _, address = (await loop.getaddrinfo(host, port, type=socket.SOCK_DGRAM))[0]
        with socket.socket(family, socket.SOCK_DGRAM) as asking:
            asking.setblocking(False)
            await loop.sock_connect(asking, address)
            cookie = secrets.randbits(64)
            sent, begun = self._clock.wall().timestamp(), self._clock.now()
            await loop.sock_sendall(asking, question(cookie))
            while True:
                answer = await loop.sock_recv(asking, _MOST_ANSWER)
                received, took = self._clock.wall().timestamp(), self._clock.now() - begun
                if abs(received - sent - took) > _MOST_STEP:
                    raise BadAnswer("the clock was set meanwhile")
                return reading(answer, cookie=cookie, sent=sent, received=received)


def _told(name: str, found: Reading | None, problem: str) -> TimeServerItem:
    parts: dict[str, Any] = dict.fromkeys(("offset_seconds", "delay_seconds", "distance_seconds", "stratum"))
    if found is not None:
        parts = {
            "offset_seconds": found.offset,
            "delay_seconds": found.delay,
            "distance_seconds": found.distance,
            "stratum": found.stratum,
        }
    return TimeServerItem(server=name, problem=problem, **parts)
