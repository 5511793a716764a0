"""What one process is: the supervisor, or one of its children."""

from __future__ import annotations

import asyncio
import ctypes
import os
import signal
import sys
from collections.abc import Callable, Sequence

import structlog

from ccplatform.app import logs
from ccplatform.app.errors import CannotStart
from ccplatform.app.places import places_of
from ccplatform.app.settings import Settings
from ccplatform.app.stopping import Stopped
from ccplatform.app.supervisor import START_REFUSED
from ccplatform.kernel.errors import PlatformError

_log = structlog.get_logger("start")
_PR_SET_PDEATHSIG = 1


def run(
    role: str | None,
    settings: Settings,
    *,
    demo: bool,
    index: int,
    ready_fd: int | None,
    arguments: Sequence[str],
) -> int:
    """Be that process until it ends; returns the exit code."""
    name = role if role != "media" else f"media-{index}"
    json_lines, level = settings.log.format == "json", settings.log.level
    logs.configure(json_lines=json_lines, role=name or "supervisor", level=level, for_good=True)
    if role is None:
        from ccplatform.app.node import run_node

        return asyncio.run(run_node(settings, demo=demo, arguments=arguments))
    _die_with_parent()
    try:
        _run_child(role, settings, demo=demo, index=index, ready=_ready_teller(ready_fd))
    except Stopped:
        return 0
    except PlatformError as error:
        _log.error("cannot start", reason=str(error))
        return START_REFUSED if isinstance(error, CannotStart) else 1
    return 0


def _run_child(role: str, settings: Settings, *, demo: bool, index: int, ready: Callable[[], None]) -> None:
    places = places_of(settings.node.data_dir)
    match role:
        case "media":
            from gateway.media.worker import run_worker

            run_worker(settings.media, str(places.media_socket(index)), index, ready)
        case "control":
            import uvloop

            from ccplatform.app.control import run_control

            uvloop.run(run_control(settings, places, demo=demo, ready=ready))
        case "web":
            import uvloop

            from ccplatform.app.web import run_web

            uvloop.run(run_web(settings, places, ready=ready))
        case "probe":
            from ccplatform.app.probing import run_probe

            asyncio.run(run_probe(settings, places, demo=demo, ready=ready))
        case "e1":
            import uvloop

            from ccplatform.app.e1 import run_e1

            uvloop.run(run_e1(settings, places, ready=ready))
        case "e1-switch":
            import uvloop

            from ccplatform.app.e1_switch import run_switch

            uvloop.run(run_switch(settings, places, ready=ready))
        case "demo-bot":
            from ivr.bots.parrot import run_parrot

            asyncio.run(run_parrot(str(places.parrot), ready))
        case _:
            raise CannotStart(f"there is no role {role!r}: control, media, web, e1, e1-switch, probe or demo-bot")


def _ready_teller(descriptor: int | None) -> Callable[[], None]:
    def ready() -> None:
        if descriptor is None:
            return
        try:
            os.write(descriptor, b"ready\n")
        except BrokenPipeError:  # killed before this process asked the kernel to be told
            raise CannotStart("the supervisor is gone") from None
        os.close(descriptor)

    return ready


def _die_with_parent() -> None:
    """Let the kernel end this process when the supervisor is killed."""
    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(_PR_SET_PDEATHSIG, signal.SIGTERM)
