"""E1: connect delay at a rate of calls, cost and delay of calls that stand: ``python -m bench.isdn [--spans 4]``.

The switches (libpri's network side) are in this process, the demo centre is started by it; both share the CPUs.
Calls are of number 95002, which answers at once and says back what it hears.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import sys
import tempfile
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from pathlib import Path
from typing import Any, Final

import httpx
import numpy as np
import psutil

from bench.figures import Figure, conditions, distribution, show, single, write_json
from ccplatform.app.e1_link import ask_office
from ccplatform.app.places import Places, places_of
from ccplatform.kernel.clock import SystemClock, sleep
from ccplatform.kernel.tasks import TaskSupervisor
from gateway.isdn import causes
from gateway.isdn.line import BLOCK_SECONDS, SoftwareSpan
from gateway.isdn.span import Span
from gateway.isdn.span_calls import CallState
from gateway.isdn.switch import Switch, Voice
from gateway.media.audio import RATE, Pcm
from tests.support import audio, sources
from tests.support.milestone import PeerError
from tests.support.phone import SipPhone
from tests.support.platform import PlatformProcess
from tests.support.ports import PortBlock

CLOCK: Final = SystemClock()
CONNECT_GOAL_MS: Final = 150.0
NUMBER: Final = "95002"
_WITHIN: Final = 20.0
#: A channel of 0.9 Erl: so many seconds of a cycle it has a call.
_HELD, _CYCLE = 18.0, 20.0


def settings_of(ports: PortBlock, spans: int) -> list[dict[str, Any]]:
    """The spans of the platform, with three ports each."""
    return [
        {
            "id": f"e1-{number + 1}",
            "sip_port": ports.first + 3 * number,
            "local": f"127.0.0.1:{ports.first + 3 * number + 1}",
            "peer": f"127.0.0.1:{ports.first + 3 * number + 2}",
        }
        for number in range(spans)
    ]


@asynccontextmanager
async def switches(ports: PortBlock, spans: int) -> AsyncIterator[list[Switch]]:
    """The far ends, in service."""
    tasks = TaskSupervisor(CLOCK)
    found: list[Switch] = []
    for number in range(spans):
        near = ports.first + 3 * number + 1
        line = SoftwareSpan(local=("127.0.0.1", near + 1), peer=("127.0.0.1", near), master=True, clock=CLOCK)
        span = Span(f"e1-{number + 1}", side="network", driver=line, clock=CLOCK, tasks=tasks)
        found.append(Switch(span, CLOCK))
        await span.open(found[-1])
    while not all(switch.span.usable for switch in found):
        await sleep(CLOCK, 0.05)
    try:
        yield found
    finally:
        for switch in found:
            await switch.span.close()
        await tasks.close()


async def connect_delays(
    switch: Switch, rate: float, calls: int, problems: list[str], hold: float = 1.0
) -> list[float]:
    """Seconds from SETUP to CONNECT of calls at a rate."""
    delays: list[float] = []

    async def one(number: int) -> None:
        begun = CLOCK.now()
        voice = switch.call(NUMBER, f"1380{number:07}")
        if voice is None:
            problems.append("no channel was free")
            return
        if await switch.reached(voice, CallState.CONNECTED, _WITHIN):
            delays.append(CLOCK.now() - begun)
            await sleep(CLOCK, hold)
        else:
            problems.append(f"a call ended by cause {voice.call.cause}")
        switch.hang_up(voice)
        await switch.reached(voice, CallState.ENDING, _WITHIN)

    begun, tasks = CLOCK.now(), []
    for number in range(calls):
        await sleep(CLOCK, max(0.0, begun + number / rate - CLOCK.now()))
        tasks.append(asyncio.ensure_future(one(number)))
    await asyncio.gather(*tasks)
    return delays


def chirp() -> Pcm:
    """A fifth of a second that is like nothing else."""
    source = np.random.default_rng(1)
    return np.asarray(source.normal(0, 4000, RATE // 5), dtype=np.int16)


async def echo_delay(voice: Voice) -> float | None:
    """Seconds from the line to the centre and back, by a sound that comes back."""
    sound, at = chirp(), len(voice.heard_rows)
    voice.speak(sound)
    await sleep(CLOCK, 1.5)
    heard = voice.heard()[at * 160 :]
    found = audio.find(sound, heard)
    return found.lag_seconds if found.correlation > 0.5 else None


def cpu(platform: PlatformProcess, role: str) -> float:
    """CPU seconds of the processes of a role and their children."""
    found = [psutil.Process(pid) for pid in platform.pids(role)]
    family = [*found, *(child for process in found for child in process.children(recursive=True))]
    return sum(sum(process.cpu_times()[:2]) for process in family)


async def standing(
    found: list[Switch], platform: PlatformProcess, seconds: float, problems: list[str]
) -> list[Figure]:
    """All channels busy with speech-like sound: cost, slips, delay."""
    voices: list[Voice] = []
    for switch in found:
        for _ in range(30):
            voice = switch.call(NUMBER, "13800000001")
            if voice is None or not await switch.reached(voice, CallState.CONNECTED, _WITHIN):
                problems.append("a channel could not be filled")
                continue
            voices.append(voice)
    delays = [delay for voice in voices[:: max(1, len(voices) // 10)] if (delay := await echo_delay(voice))]
    roles, rows_before = ("e1", "media", "control"), await rows_of(platform)
    before, begun = [cpu(platform, role) for role in roles], CLOCK.now()
    slips = sum(switch.span.driver.counters.slips for switch in found)
    blocks = sum(switch.span.driver.counters.blocks_received for switch in found)
    for voice in voices:
        voice.repeat(chirp())
    await sleep(CLOCK, seconds)
    took = CLOCK.now() - begun
    front, worker, core = (cpu(platform, role) - was for role, was in zip(roles, before, strict=True))
    came = sum(switch.span.driver.counters.blocks_received for switch in found) - blocks
    note = f"{len(voices)} calls on {len(found)} spans, {took:.0f} s"
    for switch in found:
        for voice in list(switch.voices.values()):
            switch.hang_up(voice)
    await sleep(CLOCK, 1.0)
    rows = await rows_of(platform)
    return [
        single("rows put in or left out by the E1 process", rows - rows_before, "rows", note=note),
        *filter(None, [distribution("line → centre → line, echo", delays, note=note)]),
        single("E1 process and libpri, of a core", 100 * front / took, "%", note=note),
        single("  per call", 1000 * front / took / len(voices), "‰ of a core", note=note),
        single("media worker, per call", 1000 * worker / took / len(voices), "‰ of a core", note=note),
        single("control, per call", 1000 * core / took / len(voices), "‰ of a core", note=note),
        single("slips towards the switch", sum(s.span.driver.counters.slips for s in found) - slips, "blocks"),
        single("blocks missing", took / BLOCK_SECONDS * len(found) - came, "blocks", note=note),
    ]


async def by_sip(platform: PlatformProcess, seconds: float, problems: list[str], number: int = 30) -> list[Figure]:
    """As many calls by SIP, which the same centre serves: what is left without the line."""
    async with AsyncExitStack() as phones:
        for which in range(number):
            phone = await phones.enter_async_context(SipPhone(f"1382{which:07}", source=sources.tone(1000.0)))
            call = await phone.dial(platform.number(NUMBER))
            try:
                await call.answered.wait()
            except PeerError as error:
                problems.append(f"a SIP call was not answered: {error}")
        await sleep(CLOCK, 2.0)
        before, begun = [cpu(platform, role) for role in ("media", "control")], CLOCK.now()
        await sleep(CLOCK, seconds)
        took = CLOCK.now() - begun
        spent = [cpu(platform, role) - was for role, was in zip(("media", "control"), before, strict=True)]
    note = f"{number} SIP calls, {took:.0f} s"
    return [
        single(f"{role}, per SIP call", 1000 * used / took / number, "‰ of a core", note=note)
        for role, used in zip(("media worker", "control"), spent, strict=True)
    ]


async def busy_hour(
    switch: Switch, platform: PlatformProcess, seconds: float, problems: list[str]
) -> list[Figure]:
    """0.9 Erl on each of 30 channels (R10.3.1.1): a call of 18 s, a pause of 2 s, over and over."""
    lost = calls = 0
    end = CLOCK.now() + seconds

    async def channel(number: int) -> None:
        nonlocal lost, calls
        await sleep(CLOCK, number * _CYCLE / 30)
        while CLOCK.now() < end:
            calls += 1
            voice = switch.call(NUMBER, f"1381{number:07}")
            if voice is None or not await switch.reached(voice, CallState.CONNECTED, _WITHIN):
                lost += 1
                await sleep(CLOCK, _CYCLE)
                continue
            await sleep(CLOCK, _HELD)
            switch.hang_up(voice)
            if not await switch.reached(voice, CallState.ENDING, _WITHIN) or voice.call.cause != causes.NORMAL:
                lost += 1
            await sleep(CLOCK, _CYCLE - _HELD)

    places = places_of(platform.data_dir)
    work = asyncio.gather(*(channel(number) for number in range(30)))
    await sleep(CLOCK, _CYCLE)  # all channels have begun
    before, begun = await busy_seconds(places), CLOCK.now()
    await sleep(CLOCK, max(0.0, end - CLOCK.now()))
    carried = (await busy_seconds(places) - before) / (CLOCK.now() - begun)
    await work
    if lost:
        problems.append(f"{lost} of {calls} calls failed in the busy hour")
    note = f"{calls} calls, {seconds:.0f} s"
    rates = [(row["id"], row["value"], row["samples"]) for row in await connect_rates(platform)]
    return [
        *(
            single(f"connect rate, {name}, by the platform", 100 * value, "%", note=f"{of} calls")
            for name, value, of in rates
            if value is not None
        ),
        single("carried by 30 channels (R10.3.1.1)", carried, "Erl", note=note),
        single("calls that failed", lost, "calls", note=note),
    ]


async def connect_rates(platform: PlatformProcess) -> list[dict[str, Any]]:
    """The platform's own rows of R10.3.1.1, idle and busy."""
    async with httpx.AsyncClient(base_url=platform.http) as client:
        sign_in = {"username": "admin", "password": "demo-admin"}
        token = (await client.post("/api/v1/auth/login", json=sign_in)).json()["access_token"]
        answer = await client.get("/api/v1/compliance", headers={"Authorization": f"Bearer {token}"})
    return [row for row in answer.json()["items"] if row["id"].startswith("R10.3.1.1.")]


async def rows_of(platform: PlatformProcess) -> int:
    """Rows of 20 ms that calls which ended had too few or too many of."""
    state = await ask_office(places_of(platform.data_dir), {"do": "state"})
    return sum(span["calls"]["rows_put_in"] + span["calls"]["rows_left_out"] for span in state)


async def busy_seconds(places: Places) -> float:
    """What all channels of the first span have carried so far, as the platform counts it."""
    state = (await ask_office(places, {"do": "state"}))[0]
    return float(sum(channel["busy_seconds"] for channel in state["channels"]))


async def run(options: argparse.Namespace) -> int:
    """0 when no call failed."""
    facts, problems, figures = conditions(), list[str](), list[Figure]()
    ports = PortBlock(16)
    environment = {
        "CCP_ISDN__SPANS": json.dumps(settings_of(ports, options.spans)),
        "CCP_ISDN__SWITCH": "false",
    }
    with tempfile.TemporaryDirectory(prefix="ccp-isdn-") as directory:
        platform = PlatformProcess(Path(directory), environment=environment)
        try:
            await asyncio.to_thread(platform.start)
            async with switches(ports, options.spans) as found:
                await sleep(CLOCK, 1.0)
                await connect_delays(found[0], 5, 10, problems, 0.2)  # what is prepared at first calls
                delays = await connect_delays(found[0], options.rate, options.calls, problems)
                note = f"{options.calls} calls, {options.rate:g} calls/s on a span"
                connect = distribution("SETUP → CONNECT", delays, goal_ms=CONNECT_GOAL_MS, note=note)
                figures += filter(None, [connect])
                if options.busy:
                    figures += await busy_hour(found[0], platform, options.busy, problems)
                figures += await standing(found, platform, options.seconds, problems)
                if options.sip:
                    figures += await by_sip(platform, options.sip, problems)
                await sleep(CLOCK, 1.0)
        finally:
            await asyncio.to_thread(platform.stop)
            platform.close()
            ports.close()
    show("E1 spans", figures, facts, problems)
    if options.json:
        write_json(options.json, figures, facts, problems)
    return 1 if problems else 0


def main() -> None:
    """The command."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--spans", type=int, default=1, choices=range(1, 5))
    parser.add_argument("--rate", type=float, default=20.0, help="calls per second on the first span")
    parser.add_argument("--calls", type=int, default=400)
    parser.add_argument("--seconds", type=float, default=30.0, help="how long all channels stand")
    parser.add_argument("--busy", type=float, default=0.0, help="seconds of the busy hour, 0.9 Erl a channel")
    parser.add_argument("--sip", type=float, default=0.0, help="seconds of as many calls by SIP, to compare")
    parser.add_argument("--json", type=Path)
    sys.exit(asyncio.run(run(parser.parse_args())))


if __name__ == "__main__":
    main()
