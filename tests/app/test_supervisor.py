"""The supervisor with tiny children: order, restarts, refusals, and an end that leaves nothing behind."""

from __future__ import annotations

import asyncio
import os
import signal
import sys
import threading
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import psutil
import pytest

from ccplatform.app import supervisor as module
from ccplatform.app.stopping import Stopped, StopSignal
from ccplatform.app.supervisor import START_REFUSED, WRONG_CONFIGURATION, Child, StartRefused, Supervisor
from ccplatform.kernel.clock import SystemClock
from ccplatform.kernel.tasks import TaskSupervisor
from ccplatform.storage.errors import ServerNotStarted
from tests.support.milestone import until

#: A child: notes its life in a file, does what its arguments say.
CHILD = """
import os, signal, sys, time
diary, name, what = sys.argv[1:4]
ready_fd = int(sys.argv[sys.argv.index("--ready-fd") + 1])
def note(text):
    with open(diary, "a") as file:
        file.write(f"{name} {text} {os.getpid()}\\n")
def end(*_):
    note("ended")
    sys.exit(0)
note("began")
if what == "stubborn":
    signal.signal(signal.SIGTERM, signal.SIG_IGN)
else:
    signal.signal(signal.SIGTERM, end)
if what.startswith("exit"):
    sys.exit(int(what[4:]))
if what != "never-ready":
    note("ready")
    os.write(ready_fd, b"ready\\n")
if what == "once-then-fails":
    life = open(diary).read().count(f"{name} began")
    sys.exit(1 if life < 4 else time.sleep(60))
time.sleep(60)
"""


class FakeDatabase:
    """A server that starts when told to and can be killed."""

    def __init__(self) -> None:
        self.pid: int | None = None
        self.starts = 0
        self.stops = 0
        self.fails = 0
        self.slow = threading.Event()
        self.slow.set()

    def start(self) -> None:
        self.starts += 1
        self.slow.wait(10)
        if self.fails:
            self.fails -= 1
            raise ServerNotStarted("PostgreSQL does not start: no space left")
        self.pid = 1

    def stop(self) -> None:
        self.stops += 1
        self.pid = None


class Run:
    """A supervisor with children that do what their word says."""

    def __init__(self, directory: Path, database: FakeDatabase | None = None, **children: str) -> None:
        script = directory / "child.py"
        script.write_text(CHILD)
        self.diary = directory / "diary"
        self.diary.write_text("")
        self.children = {
            name: Child(name, [str(self.diary), name, what], stop_seconds=0.3 if what == "stubborn" else 5.0)
            for name, what in children.items()
        }
        self.tasks = TaskSupervisor(SystemClock())
        first, *others = self.children.values()
        self.supervisor = Supervisor(
            clock=SystemClock(),
            tasks=self.tasks,
            database=database,
            before_database=[first],
            after_database=others,
            stop_order=[child.name for child in reversed(self.children.values())],
            program=(sys.executable, "-S", str(script)),
        )

    def notes(self, *words: str) -> list[str]:
        """What the children noted, without their pids; only lines with one of the words."""
        lines = [line.rpartition(" ")[0] for line in self.diary.read_text().splitlines()]
        return [line for line in lines if not words or line.split()[1] in words]

    def pid(self, name: str) -> int:
        process = self.children[name].process
        assert process is not None
        return process.pid

    def pids(self) -> list[int]:
        return [int(line.rpartition(" ")[2]) for line in self.diary.read_text().splitlines()]


@asynccontextmanager
async def running(run: Run) -> AsyncIterator[Run]:
    try:
        yield run
    finally:
        await run.supervisor.stop()
        alive = [pid for pid in run.pids() if psutil.pid_exists(pid)]
        assert not alive


async def test_children_start_with_the_database_and_end_in_the_order_given(tmp_path: Path) -> None:
    database = FakeDatabase()
    async with running(Run(tmp_path, database, media="stays", control="stays", web="stays")) as run:
        await run.supervisor.start()
        assert sorted(run.notes("ready")) == ["control ready", "media ready", "web ready"]
        assert (database.starts, database.stops) == (1, 0)
    assert run.notes("ended") == ["web ended", "control ended", "media ended"]
    assert database.stops == 1


async def test_a_child_that_dies_is_started_again(tmp_path: Path) -> None:
    async with running(Run(tmp_path, media="stays", control="stays")) as run:
        await run.supervisor.start()
        killed = run.pid("control")
        os.kill(killed, signal.SIGKILL)
        await until(lambda: run.notes("ready").count("control ready") == 2, lambda: str(run.notes()))
        assert run.pid("control") != killed
        assert run.children["control"].restarts == 1


async def test_one_that_was_ready_once_is_started_again_for_ever(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "BACKOFF_SECONDS", (0.01, 0.02))
    monkeypatch.setattr(module, "MAX_ATTEMPTS", 2)
    async with running(Run(tmp_path, media="stays", control="once-then-fails")) as run:
        await run.supervisor.start()
        await until(lambda: run.notes("ready").count("control ready") == 4, lambda: str(run.notes()))
        assert run.children["control"].restarts == 3


@pytest.mark.parametrize("code", [START_REFUSED, WRONG_CONFIGURATION])
async def test_a_child_that_refuses_to_start_ends_the_whole_run(tmp_path: Path, code: int) -> None:
    async with running(Run(tmp_path, media="stays", control=f"exit{code}", web="stays")) as run:
        with pytest.raises(StartRefused, match="control cannot start"):
            await run.supervisor.start()
        assert run.notes("began").count("control began") == 1


async def test_a_child_that_never_gets_ready_is_given_up(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "BACKOFF_SECONDS", (0.01, 0.02))
    async with running(Run(tmp_path, media="stays", web="exit1")) as run:
        with pytest.raises(StartRefused, match="web cannot start"):
            await run.supervisor.start()
        assert run.notes("began").count("web began") == module.MAX_ATTEMPTS


async def test_a_program_that_is_not_there_is_given_up(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "BACKOFF_SECONDS", (0.01, 0.02))
    run = Run(tmp_path, media="stays")
    run.supervisor._program = ("/nowhere/python",)
    async with running(run):
        with pytest.raises(StartRefused):
            await run.supervisor.start()


async def test_a_child_that_does_not_listen_is_killed(tmp_path: Path) -> None:
    async with running(Run(tmp_path, media="stays", control="stubborn")) as run:
        await run.supervisor.start()
    assert run.notes("ended") == ["media ended"]


async def test_a_database_that_does_not_start_is_told_and_the_children_end(tmp_path: Path) -> None:
    database = FakeDatabase()
    database.fails = 1
    async with running(Run(tmp_path, database, media="stays", control="stays")) as run:
        with pytest.raises(ServerNotStarted, match="no space left"):
            await run.supervisor.start()
        assert run.notes("began") in ([], ["media began"])


async def test_a_killed_database_is_started_again_until_it_runs(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "DATABASE_CHECK_SECONDS", 0.01)
    database = FakeDatabase()
    async with running(Run(tmp_path, database, media="stays")) as run:
        await run.supervisor.start()
        database.pid, database.fails = None, 2
        await until(lambda: database.pid is not None, lambda: f"{database.starts} starts")
        assert database.starts == 4
        assert run.tasks.crashes == 0


async def test_a_stop_while_the_database_starts_waits_for_it_and_undoes_it(tmp_path: Path) -> None:
    database = FakeDatabase()
    database.slow.clear()
    run = Run(tmp_path, database, media="stays")
    starting = asyncio.ensure_future(run.supervisor.start())
    await until(lambda: bool(database.starts and run.notes("ready")), lambda: "the start began")
    starting.cancel()
    stopping = asyncio.ensure_future(run.supervisor.stop())
    await until(lambda: run.notes("ended") == ["media ended"], lambda: str(run.notes()))
    assert database.stops == 0
    database.slow.set()
    await stopping
    assert (database.pid, database.stops) == (None, 1)
    with pytest.raises(asyncio.CancelledError):
        await starting


async def test_a_stop_while_children_start_leaves_none_behind(tmp_path: Path) -> None:
    run = Run(tmp_path, media="never-ready", control="never-ready")
    starting = asyncio.ensure_future(run.supervisor.start())
    await until(lambda: len(run.notes("began")) >= 1, lambda: str(run.notes()))
    starting.cancel()
    async with running(run):
        pass


async def test_the_stop_signal_interrupts_what_is_under_way() -> None:
    stop = StopSignal()
    assert await stop.or_do(asyncio.sleep(0, "done")) == "done"
    cleaned = []

    async def work() -> None:
        os.kill(os.getpid(), signal.SIGTERM)
        try:
            await asyncio.Event().wait()
        finally:
            cleaned.append(True)

    with pytest.raises(Stopped):
        await stop.or_do(work())
    assert cleaned == [True]
    await stop.wait()


async def test_what_fails_before_the_signal_is_told() -> None:
    async def work() -> None:
        raise ServerNotStarted("no")

    with pytest.raises(ServerNotStarted):
        await StopSignal().or_do(work())
