"""How fast calls are answered, keys take effect and agents ring, and what memory a call takes.

``python -m bench.calls [--only answer,keys,agent,memory] [--rate 10] [--seconds 10] [--json FILE]``

Without ``--target HOST:PORT`` (and ``--http URL``) a platform with the demo centre is started for the run. Callers
are the tests' own SIP phones on this machine; arrivals are the kernel's time stamps. Audible is the first RTP
packet whose decoded level is above -50 dBm0. Callers and platform share the CPUs: figures are upper bounds.
"""

from __future__ import annotations

import argparse
import asyncio
import sys
import tempfile
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path

import httpx

from bench.figures import Figure, add_phases, conditions, distribution, show, single, write_json
from tests.support.milestone import PeerError
from tests.support.phone import AutoAnswer, SipPhone
from tests.support.phone_call import PhoneCall
from tests.support.platform import PlatformProcess, logged_in
from tests.support.sip import Address

ANSWER_GOAL_MS = 80.0
KEY_GOAL_MS = 120.0
AGENT_GOAL_MS = 40.0
PHASES = ("answer", "keys", "agent", "memory")


@dataclass(slots=True, kw_only=True)
class Bench:
    """What is called, and what was measured."""

    sip: Address
    http: str
    platform: PlatformProcess | None
    figures: list[Figure] = field(default_factory=list)
    problems: list[str] = field(default_factory=list)

    def number(self, number: str) -> str:
        return f"sip:{number}@{self.sip[0]}:{self.sip[1]}"

    def add(self, *figures: Figure | None) -> None:
        self.figures += [figure for figure in figures if figure is not None]


@dataclass(slots=True)
class AnswerTimes:
    """Seconds, one entry per call."""

    to_200: list[float] = field(default_factory=list)
    to_audible: list[float] = field(default_factory=list)
    from_200_to_audible: list[float] = field(default_factory=list)


async def at_rate(rate: float, count: int, one: Callable[[int], Awaitable[None]], problems: list[str]) -> None:
    """Run ``one(n)`` for n in 0…count-1, started at a fixed rate whatever the others do (open loop)."""

    async def guarded(number: int) -> None:
        try:
            await one(number)
        except PeerError as error:
            problems.append(str(error))

    begun = time.monotonic()
    async with asyncio.TaskGroup() as group:
        for number in range(count):
            await asyncio.sleep(max(0.0, begun + number / rate - time.monotonic()))
            group.create_task(guarded(number))


async def measure_answers(
    phone: SipPhone, uri: str, *, rate: float, seconds: float, problems: list[str]
) -> AnswerTimes:
    """INVITE → 200 → first audible sample, at ``rate`` calls a second."""
    times = AnswerTimes()

    async def one(number: int) -> None:
        call = await phone.dial(uri, caller=f"1380000{number % 10000:04d}")
        try:
            await call.answered.wait(10)
            audible_at = await call.heard(limit=10)
        finally:
            await call.hang_up()
            call.close()
        assert call.answered.at is not None
        times.to_200.append(call.answered.at - call.started_at)
        times.to_audible.append(audible_at - call.started_at)
        times.from_200_to_audible.append(audible_at - call.answered.at)

    await at_rate(rate, round(rate * seconds), one, problems)
    return times


async def measure_keys(
    phone: SipPhone, uri: str, *, key: str, count: int, rate: float, quiet: float, problems: list[str]
) -> list[float]:
    """End of a key, pressed in the silence after the prompt → first audible sample of the answer."""
    times: list[float] = []

    async def one(number: int) -> None:
        call = await phone.dial(uri, caller=f"1380000{number % 10000:04d}")
        try:
            await call.answered.wait(10)
            await call.heard(limit=10)
            await call.ear.silent_for(quiet, limit=60)
            ended_at = await call.press(key)
            times.append(await call.heard(since=ended_at, limit=10) - ended_at)
        finally:
            await call.hang_up()
            call.close()

    await at_rate(rate, count, one, problems)
    return times


async def measure_agent(
    caller: SipPhone, seat: SipPhone, uri: str, *, key: str, count: int, between: Callable[[], Awaitable[None]]
) -> list[float]:
    """End of the key that chooses an idle agent's queue → INVITE at the agent's phone, one call after another.

    ``between`` makes the agent ready, before every call.
    """
    times: list[float] = []
    for _ in range(count):
        await between()
        call = await caller.dial(uri)
        try:
            await call.answered.wait(10)
            await call.heard(limit=10)
            ended_at = await call.press(key)
            rung = await seat.next_call(10)
            times.append(rung.started_at - ended_at)
            await rung.answered.wait(10)
        finally:
            await call.hang_up()
            call.close()
        await rung.ended.wait(10)
        rung.close()
    return times


async def hold_calls(phone: SipPhone, uri: str, count: int, rate: float, problems: list[str]) -> list[PhoneCall]:
    """Bring up ``count`` calls that stay."""
    calls: list[PhoneCall] = []

    async def one(number: int) -> None:
        call = await phone.dial(uri, caller=f"1380000{number % 10000:04d}")
        await call.answered.wait(10)
        calls.append(call)

    await at_rate(rate, count, one, problems)
    return calls


async def answer_phase(bench: Bench, options: argparse.Namespace) -> None:
    async with SipPhone("bench") as phone:
        times = await measure_answers(
            phone, bench.number("95000"), rate=options.rate, seconds=options.seconds, problems=bench.problems
        )
    note = f"at {options.rate:g} calls/s"
    bench.add(
        distribution("INVITE → 200", times.to_200, note=note),
        distribution("200 → first audible sample", times.from_200_to_audible, note=note),
        distribution("INVITE → first audible sample", times.to_audible, goal_ms=ANSWER_GOAL_MS, note=note),
    )


async def keys_phase(bench: Bench, options: argparse.Namespace) -> None:
    async with SipPhone("bench") as phone:
        times = await measure_keys(
            phone,
            bench.number("95000"),
            key=options.key,
            count=options.keys,
            rate=2,
            quiet=options.quiet,
            problems=bench.problems,
        )
    bench.add(
        distribution("key end → first sample of the answer", times, goal_ms=KEY_GOAL_MS, note=f"key {options.key}")
    )


async def agent_phase(bench: Bench, options: argparse.Namespace) -> None:
    async with (
        logged_in(bench.http, "1004", "demo-1004") as rest,
        SipPhone("bench") as caller,
        SipPhone("8004", password="demo-8004", incoming=AutoAnswer(seconds=0.05)) as seat,
    ):
        await seat.register(bench.sip)
        await set_state(rest, {"state": "not_ready", "seat": "seat-04"})
        try:
            times = await measure_agent(
                caller,
                seat,
                bench.number("95000"),
                key="2",
                count=options.agent_calls,
                between=lambda: make_ready(rest),
            )
        except PeerError as error:
            bench.problems.append(str(error))
            times = []
        finally:
            await set_state(rest, {"state": "signed_out"})
    bench.add(distribution("key 2 end → INVITE at the idle agent", times, goal_ms=AGENT_GOAL_MS))


async def set_state(rest: httpx.AsyncClient, body: dict[str, str]) -> None:
    response = await rest.put("agents/1004/state", json=body)
    if response.status_code >= 300:
        raise PeerError(f"PUT agents/1004/state {body}: {response.status_code} {response.text[:300]}")


async def make_ready(rest: httpx.AsyncClient) -> None:
    """Ready, out of wrap-up too; waits until the agent's state says so."""
    seen = ""
    for _ in range(100):
        await set_state(rest, {"state": "ready"})
        seen = (await rest.get("agents/1004")).json().get("state", "")
        if seen == "ready":
            return
        await asyncio.sleep(0.05)
    raise PeerError(f"agent 1004 is {seen!r}, not ready")


async def memory_phase(bench: Bench, options: argparse.Namespace) -> None:
    platform = bench.platform
    if platform is None:
        bench.problems.append("memory per call is measured only on a platform that the bench starts itself")
        return
    roles = ("control", "media")
    async with SipPhone("bench") as phone:
        uri = bench.number("95002")
        for call in await hold_calls(phone, uri, 10, options.rate, bench.problems):  # caches and pools are filled
            await call.hang_up()
            call.close()
        await asyncio.sleep(1)
        before = {role: platform.rss_bytes(role) for role in roles}
        calls = await hold_calls(phone, uri, options.concurrent, options.rate, bench.problems)
        cpu, begun = {role: platform.cpu_seconds(role) for role in roles}, time.monotonic()
        await asyncio.sleep(options.hold)
        elapsed = time.monotonic() - begun
        for role in roles:
            grown = (platform.rss_bytes(role) - before[role]) / 1024 / max(1, len(calls))
            used = (platform.cpu_seconds(role) - cpu[role]) / elapsed
            note = f"{before[role] / 2**20:.0f} MiB before; {used:.0%} of a core at {len(calls)} calls"
            bench.add(single(f"memory per call, {role}", grown, "KiB", note=note))
        for call in calls:
            await call.hang_up()


@asynccontextmanager
async def prepared(options: argparse.Namespace) -> AsyncIterator[Bench]:
    """The platform to call: the one named, or one of our own."""
    if options.target:
        host, _, port = options.target.rpartition(":")
        yield Bench(sip=(host, int(port)), http=options.http, platform=None)
        return
    with tempfile.TemporaryDirectory(prefix="ccb-") as directory:
        platform = PlatformProcess(Path(directory) / "data")
        try:
            await asyncio.to_thread(platform.start)
            yield Bench(sip=platform.sip, http=platform.http, platform=platform)
            await asyncio.to_thread(platform.stop)
        finally:
            platform.close()


async def run(options: argparse.Namespace) -> int:
    """All phases asked for; 0 when no call failed."""
    facts = conditions()
    phases = {"answer": answer_phase, "keys": keys_phase, "agent": agent_phase, "memory": memory_phase}
    async with prepared(options) as bench:
        for name in options.only:
            await phases[name](bench, options)
    show("Calls", bench.figures, facts, bench.problems)
    if options.json:
        write_json(options.json, bench.figures, facts, bench.problems)
    return 1 if bench.problems else 0


def parse(arguments: list[str] | None = None) -> argparse.Namespace:
    """The command line."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--target", help="HOST:PORT of the SIP address of a running platform (demo centre)")
    parser.add_argument("--http", default="http://127.0.0.1:8080", help="its pages, with --target")
    add_phases(parser, PHASES)
    parser.add_argument("--rate", type=float, default=10.0, help="calls a second")
    parser.add_argument("--seconds", type=float, default=10.0, help="how long the answer phase calls")
    parser.add_argument("--key", default="9", help="key of the keys phase: 9 repeats the menu, 2 queues")
    parser.add_argument("--keys", type=int, default=20, help="calls of the keys phase")
    parser.add_argument(
        "--quiet", type=float, default=1.2, help="silence after the prompt before the key, seconds"
    )
    parser.add_argument("--agent-calls", type=int, default=20, help="calls of the agent phase")
    parser.add_argument("--concurrent", type=int, default=100, help="calls of the memory phase")
    parser.add_argument("--hold", type=float, default=5.0, help="how long the memory phase holds them, seconds")
    parser.add_argument("--json", type=Path, help="write the figures there too")
    return parser.parse_args(arguments)


def main() -> None:
    """Run and print; exit 1 when calls failed."""
    try:
        sys.exit(asyncio.run(run(parse())))
    except PeerError as error:
        sys.exit(str(error))


if __name__ == "__main__":
    main()
