"""A whole node: the supervisor with its children, from start to the end of the drain."""

from __future__ import annotations

import os
from collections.abc import Sequence

import structlog

from ccplatform.app.greeting import tell_ready
from ccplatform.app.places import places_of
from ccplatform.app.recorder import prepare_keys
from ccplatform.app.settings import Settings
from ccplatform.app.stopping import Stopped, StopSignal
from ccplatform.app.supervisor import Child, Supervisor
from ccplatform.kernel.clock import SystemClock
from ccplatform.kernel.errors import PlatformError
from ccplatform.kernel.tasks import TaskSupervisor
from ccplatform.storage.embedded import EmbeddedPostgres
from gateway.isdn.pri_link import libpri_installed

_log = structlog.get_logger("supervisor")


async def run_node(settings: Settings, *, demo: bool, arguments: Sequence[str]) -> int:
    """Start everything, say ``ready``, wait for SIGTERM, drain; returns the exit code."""
    clock = SystemClock()
    started = clock.now()
    places = places_of(settings.node.data_dir)
    stop = StopSignal()
    try:
        places.prepare()
        prepare_keys(settings, places, clock)
        lock = places.lock()
    except PlatformError as error:
        _log.error("cannot start", reason=str(error))
        return 1
    supervisor = _supervisor(settings, clock, arguments, demo=demo)
    code = 0
    try:
        await stop.or_do(supervisor.start())
        tell_ready(settings, demo=demo, seconds=clock.now() - started)
        await stop.wait()
        _log.info("stopping: no new calls, running calls may end", drain_seconds=settings.node.drain_seconds)
    except Stopped:
        _log.info("stopping before everything had started")
    except PlatformError as error:
        _log.error("cannot start", reason=str(error))
        code = 1
    finally:
        await supervisor.stop()
        os.close(lock)
    _log.info("stopped")
    return code


def _e1(settings: Settings, arguments: Sequence[str], *, demo: bool) -> list[Child]:
    """The E1 front and the simulated switch; a demo goes on without libpri."""
    if not settings.isdn.spans:
        return []
    if demo and not libpri_installed():
        _log.warning("E1 is not available: install libpri1.4")
        return []
    front = Child("e1", [*arguments, "--role", "e1"])
    switch = Child("e1-switch", [*arguments, "--role", "e1-switch"])
    return [front, switch] if settings.isdn.switch else [front]


def _supervisor(settings: Settings, clock: SystemClock, arguments: Sequence[str], *, demo: bool) -> Supervisor:
    places = places_of(settings.node.data_dir)
    workers = [
        Child(f"media-{index}", [*arguments, "--role", "media", "--index", str(index)])
        for index in range(settings.media.workers)
    ]
    control = Child("control", [*arguments, "--role", "control"], stop_seconds=settings.node.drain_seconds + 15.0)
    web = Child("web", [*arguments, "--role", "web"])
    parrot = [Child("demo-bot", [*arguments, "--role", "demo-bot"])] if demo else []
    probe = [Child("probe", [*arguments, "--role", "probe"])] if settings.probe.every_seconds else []
    e1 = _e1(settings, arguments, demo=demo)
    database = EmbeddedPostgres(places.postgres) if not settings.database.url else None
    return Supervisor(
        clock=clock,
        tasks=TaskSupervisor(clock),
        database=database,
        # Control and web wait for the database themselves: their imports take longer than its start.
        before_database=[*workers, control, web, *parrot, *probe, *e1],
        after_database=[],
        stop_order=[
            *(child.name for child in probe),
            "control",
            *(child.name for child in e1),
            "web",
            *(child.name for child in (*parrot, *workers)),
        ],
    )
