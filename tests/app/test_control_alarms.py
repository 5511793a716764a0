"""The web process's alarms reach control, later if it was away, and only the last word of each."""

from __future__ import annotations

import asyncio

from ccplatform.app.control_alarms import RETRY_SECONDS, ControlAlarms
from ccplatform.contracts.commands import Answer, ClearAlarm, Command, Done, RaiseAlarm
from ccplatform.contracts.words import Severity
from ccplatform.kernel.clock import VirtualClock
from ccplatform.kernel.errors import Unavailable
from ccplatform.kernel.tasks import TaskSupervisor


class FakeControl:
    def __init__(self) -> None:
        self.asked: list[Command] = []
        self.away = False

    async def ask(self, command: Command) -> Answer:
        if self.away:
            raise Unavailable("control is away")
        self.asked.append(command)
        return Done(result={})


async def quiet() -> None:
    for _ in range(20):
        await asyncio.sleep(0)


async def test_only_the_last_word_is_told_once_control_is_back() -> None:
    control, clock = FakeControl(), VirtualClock()
    alarms, tasks = ControlAlarms(control, clock), TaskSupervisor(clock)
    tasks.keep_running("alarms", alarms.run)
    alarms.clear_alarm("store", "far")  # nothing is known of an earlier run
    await quiet()
    assert control.asked == [ClearAlarm(kind="store", subject="far")]
    alarms.clear_alarm("store", "far")
    await quiet()
    assert len(control.asked) == 1
    control.away = True
    alarms.raise_alarm("store", "far", Severity.URGENT, "gone")
    alarms.raise_alarm("store", "near", Severity.URGENT, "gone")
    await quiet()
    alarms.clear_alarm("store", "near")
    control.away = False
    clock.advance(RETRY_SECONDS)
    await quiet()
    assert control.asked[1:] == [
        RaiseAlarm(kind="store", subject="far", severity=Severity.URGENT, text="gone"),
        ClearAlarm(kind="store", subject="near"),
    ]
    await tasks.close()
