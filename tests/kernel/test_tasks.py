from __future__ import annotations

import asyncio
import inspect

import pytest

from ccplatform.kernel import tasks as tasks_module
from ccplatform.kernel.clock import SystemClock
from ccplatform.kernel.tasks import TaskSupervisor


@pytest.fixture
def quick(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(tasks_module, "BACKOFF_SECONDS", (0.0, 0.0))


@pytest.mark.usefixtures("quick")
async def test_a_task_that_crashes_is_reported_and_started_again() -> None:
    runs, again, told = 0, asyncio.Event(), []

    async def work() -> None:
        nonlocal runs
        runs += 1
        if runs == 1:
            raise RuntimeError("broken")
        again.set()
        await asyncio.Event().wait()

    supervisor = TaskSupervisor(SystemClock(), on_crash=lambda name, error: told.append((name, str(error))))
    supervisor.keep_running("worker", work)
    await again.wait()
    assert told == [("worker", "broken")]
    assert supervisor.crashes == 1
    await supervisor.close()


async def test_closing_cancels_every_task_and_waits_for_its_end() -> None:
    ended = []

    async def work(name: str) -> None:
        try:
            await asyncio.Event().wait()
        finally:
            ended.append(name)

    supervisor = TaskSupervisor(SystemClock())
    supervisor.run_once("once", work("once"))
    supervisor.keep_running("kept", lambda: work("kept"))
    await asyncio.sleep(0)
    await asyncio.sleep(0)
    await supervisor.close()
    assert sorted(ended) == ["kept", "once"]


async def test_a_single_task_that_crashes_is_reported() -> None:
    crashed = asyncio.Event()

    async def work() -> None:
        raise RuntimeError("broken")

    supervisor = TaskSupervisor(SystemClock(), on_crash=lambda name, error: crashed.set())
    supervisor.run_once("once", work())
    await crashed.wait()
    await supervisor.close()


async def test_two_kept_tasks_cannot_have_one_name() -> None:
    supervisor = TaskSupervisor(SystemClock())
    supervisor.keep_running("worker", asyncio.Event().wait)  # type: ignore[arg-type]
    with pytest.raises(ValueError, match="running already"):
        supervisor.keep_running("worker", asyncio.Event().wait)  # type: ignore[arg-type]
    await supervisor.close()


def test_a_guarded_step_that_raises_is_reported_and_not_fatal() -> None:
    supervisor = TaskSupervisor(SystemClock())

    def step() -> None:
        raise KeyError("x")

    supervisor.guarded("calls")(step)
    assert supervisor.crashes == 1


async def test_what_the_loop_would_only_print_is_reported() -> None:
    told: asyncio.Queue[tuple[str, str]] = asyncio.Queue()
    supervisor = TaskSupervisor(
        SystemClock(), on_crash=lambda name, error: told.put_nowait((name, type(error).__name__))
    )
    supervisor.watch_loop()

    def fail() -> None:
        raise KeyError("x")

    asyncio.get_running_loop().call_soon(fail)
    assert await told.get() == ("event loop", "KeyError")
    assert supervisor.crashes == 1


async def test_work_that_is_closed_before_its_first_step_is_not_left_behind() -> None:
    async def work() -> None: ...

    waiting = work()
    supervisor = TaskSupervisor(SystemClock())
    supervisor.run_once("worker", waiting)
    await supervisor.close()
    assert inspect.getcoroutinestate(waiting) == inspect.CORO_CLOSED
