"""What control could not be told it is told again."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator

import pytest

from ccplatform.app.reloading import RETRY_SECONDS, ReloadingControl
from ccplatform.contracts.commands import Answer, Command, Done, Drain, Refused, ReloadAccess, ReloadFlows
from ccplatform.kernel.clock import VirtualClock
from ccplatform.kernel.errors import Unavailable
from ccplatform.kernel.tasks import TaskSupervisor


class Link:
    """A link to control: what arrived, and what becomes of it."""

    def __init__(self) -> None:
        self.away = False
        self.refusal: Refused | None = None
        self.asked: list[Command] = []
        self.answers = asyncio.Event()
        self.answers.set()

    async def ask(self, command: Command) -> Answer:
        self.asked.append(command)
        await self.answers.wait()
        if self.away:
            raise Unavailable("control is away")
        return self.refusal or Done()


@pytest.fixture
def link() -> Link:
    return Link()


@pytest.fixture
def clock() -> VirtualClock:
    return VirtualClock()


@pytest.fixture
async def control(link: Link, clock: VirtualClock) -> AsyncIterator[ReloadingControl]:
    tasks = TaskSupervisor(clock)
    reloading = ReloadingControl(link, clock)
    tasks.keep_running("reloads", reloading.tell_again)
    yield reloading
    await tasks.close()


async def settled() -> None:
    """Every task that can go on has gone on."""
    for _ in range(10):
        await asyncio.sleep(0)


async def pause(clock: VirtualClock) -> None:
    clock.advance(RETRY_SECONDS)
    await settled()


async def test_a_reload_is_told_again_until_control_took_it(
    control: ReloadingControl, link: Link, clock: VirtualClock
) -> None:
    link.away = True
    with pytest.raises(Unavailable):
        await control.ask(ReloadFlows(by="ada"))
    await settled()
    await pause(clock)
    link.away = False
    link.asked.clear()
    await pause(clock)
    assert link.asked == [ReloadFlows(by="ada")]
    await pause(clock)
    assert link.asked == [ReloadFlows(by="ada")], "once it is done it is not told again"


async def test_a_reload_that_control_could_not_do_is_told_again(
    control: ReloadingControl, link: Link, clock: VirtualClock
) -> None:
    link.refusal = Refused(code="unavailable", message="PostgreSQL cannot be reached")
    assert await control.ask(ReloadAccess(by="ada")) == link.refusal
    await settled()
    link.refusal = None
    await pause(clock)
    assert link.asked == [ReloadAccess(by="ada")] * 3
    await pause(clock)
    assert len(link.asked) == 3


async def test_of_each_kind_the_last_is_enough(control: ReloadingControl, link: Link, clock: VirtualClock) -> None:
    link.away = True
    for command in (ReloadFlows(by="ada"), ReloadFlows(by="bob"), ReloadAccess(by="ada")):
        with pytest.raises(Unavailable):
            await control.ask(command)
    await settled()
    link.away = False
    link.asked.clear()
    await pause(clock)
    assert link.asked == [ReloadFlows(by="bob"), ReloadAccess(by="ada")]


async def test_a_reload_whose_asker_went_away_is_told_again(
    control: ReloadingControl, link: Link, clock: VirtualClock
) -> None:
    link.answers.clear()
    asking = asyncio.ensure_future(control.ask(ReloadFlows(by="ada")))
    await settled()
    asking.cancel()
    link.answers.set()
    await settled()
    assert link.asked == [ReloadFlows(by="ada")] * 2


async def test_orders_of_people_are_never_repeated(
    control: ReloadingControl, link: Link, clock: VirtualClock
) -> None:
    link.away = True
    with pytest.raises(Unavailable):
        await control.ask(Drain(by="ada"))
    link.away = False
    await settled()
    await pause(clock)
    assert link.asked == [Drain(by="ada")]
