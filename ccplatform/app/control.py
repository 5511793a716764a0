"""The control process: the real-time side and the single writer of what happens."""

from __future__ import annotations

import asyncio
import gc
from collections.abc import Callable

import structlog

from ccplatform.app.bootstrap import build_control
from ccplatform.app.control_process import ControlProcess
from ccplatform.app.demo import load_demo
from ccplatform.app.foundation import Foundation, lay_foundation
from ccplatform.app.liveview import load_live_view, show_agents
from ccplatform.app.places import Places
from ccplatform.app.restart import take_back_calls
from ccplatform.app.settings import Settings
from ccplatform.app.stopping import StopSignal
from ccplatform.app.voice_mail import ensure_flow
from ccplatform.calls.calling_rules import CallingRules
from ccplatform.contracts.words import Severity
from ccplatform.kernel.errors import Unavailable
from ccplatform.kernel.faults import describe
from ccplatform.storage.migrate import migrate

_log = structlog.get_logger("control")

#: How long calls may take to end once they are told to, seconds.
HANG_UP_SECONDS = 5.0
#: How long the end waits for the files of the last talks, seconds.
RECORDINGS_SECONDS = 5.0
#: When garbage is looked for. A call makes thousands of objects, and hardly a cycle: with Python's 700 the search
#: alone is a twentieth of a call's CPU.
GC_THRESHOLDS = (20_000, 20, 20)


async def run_control(settings: Settings, places: Places, *, demo: bool, ready: Callable[[], None]) -> None:
    """Be the control process until SIGTERM and the end of the drain."""
    stop = StopSignal()
    ground = await stop.or_do(lay_foundation(settings, places))
    control = await stop.or_do(_started(settings, places, ground, demo=demo))
    ready()
    await stop.wait()
    await drain(control, settings.node.drain_seconds)
    await stop_control(control, ground)


async def _started(settings: Settings, places: Places, ground: Foundation, *, demo: bool) -> ControlProcess:
    await migrate(ground.database)
    if demo:
        await load_demo(ground, settings)
    await ensure_flow(ground)
    control = build_control(settings, places, ground)
    await start_control(control, ground)
    return control


async def start_control(control: ControlProcess, ground: Foundation) -> None:
    """Load, take back what survived, then open the doors."""
    tasks = ground.tasks
    tasks.on_crash = lambda name, error: control.alarms.raise_alarm(
        "internal_error", name, Severity.NON_URGENT, describe(error)
    )
    tasks.keep_running("journal", control.journal.run)
    active = await control.alarm_store.active()
    control.alarms.restore(active)
    await load_live_view(control.live, ground, control.settings.node.zone_info, active)
    for alarm in active:
        if alarm.kind in ("media_worker_lost", "overload", "source_banned"):  # met anew: raised again if still so
            control.alarms.clear_alarm(alarm.kind, alarm.subject)
    ground.database.on_availability(control.database_changed)
    control.database_changed(ground.database.available)
    await control.calling.begin_with(CallingRules.of(control.settings.calls.out))
    control.calls.take_calling_rules(await control.calling.rules())
    await control.gateway.load()
    await control.acd.load()
    control.gateway.tell_registered()
    await control.speech.data.open(tasks)
    await control.flows.load()
    await control.load_recording_rules()
    await control.media.start()
    await take_back_calls(control, ground)
    await control.call_backs.load(control.calls.call_backs())
    show_agents(control.live, control.acd.describe_agents(), ground.clock.wall())
    control.message_light.load()
    await control.messages.load(control.calls.contacts())
    control.acd.start_matching()
    await control.gateway.open()
    await control.link.start()
    tasks.keep_running("retention", control.retention.run)
    tasks.keep_running("recording retention", control.recording.retention.run)
    tasks.keep_running("recording space", control.recording.space.run)
    tasks.keep_running("recording repair", control.recording.service.run_repairs)
    gc.set_threshold(*GC_THRESHOLDS)
    gc.freeze()  # agents, queues, code: what is there now stays, and no collection within a call looks at it again
    _log.info("control takes calls", workers=len(control.media.workers), restored=control.calls.active)


async def drain(control: ControlProcess, seconds: float) -> None:
    """No new calls; running calls end by themselves or, when the time is over, are ended."""
    control.draining = True
    if not control.calls.active:
        return
    idle = asyncio.Event()
    control.calls.on_idle = idle.set
    try:
        async with asyncio.timeout(seconds):
            await idle.wait()
    except TimeoutError:
        _log.warning("the drain's time is over; ending calls", calls=control.calls.active)
        control.calls.hang_up_all()
        try:
            async with asyncio.timeout(HANG_UP_SECONDS):
                await idle.wait()
        except TimeoutError:
            _log.error("calls did not end", calls=control.calls.active)


async def stop_control(control: ControlProcess, ground: Foundation) -> None:
    """Write what is still to be written, then let go of everything."""
    try:
        async with asyncio.timeout(RECORDINGS_SECONDS):
            await control.recording.service.all_ended()
    except TimeoutError:
        _log.warning("recordings are still being written; the next start finishes them")
    control.recording.service.close()
    await control.journal.close()
    try:
        await control.acd.close()
        await control.call_backs.close()
    except Unavailable as error:
        _log.warning("presence or call-backs not written", reason=str(error))
    await control.link.close()
    await control.gateway.close()
    await control.media.close()
    await control.speech.close()
    await ground.tasks.close()
    await ground.database.close()
