"""What a scrape delays: ``python -m bench.scrape [--queues 200] [--agents 1000] [--seconds 40] [--rounds 2]``.

A platform of its own with so many queues and agents, all signed in at registered phones; each queue has had a
call, so that every series is there. Then, in turn, nobody reads ``/metrics``, somebody every 15 s, and every
second, while calls come at ``--rate`` a second, sockets of a supervisor and of agents are open, an agent changes
his state again and again, and a page asks by REST. Measured at the far ends: INVITE → first audible sample as the
caller has it, how late the packets of a standing call are, REST, from an event's time to each socket, and the
scrape itself. Ratios are to the phase without scrapes; everything shares the CPUs.
"""

from __future__ import annotations

import argparse
import asyncio
import sys
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

import httpx

from bench.calls import measure_answers
from bench.cti_sockets import Came, Socket, tokens_of
from bench.figures import Figure, conditions, distribution, percentile, show, single, write_json
from bench.office import Office, office
from bench.phones import Answer
from tests.support.milestone import PeerError
from tests.support.phone import SipPhone
from tests.support.phone_call import PhoneCall
from tests.support.platform import PlatformProcess

#: Seconds between scrapes; 0: none. What Prometheus asks for by default here, and fifteen times as often.
PACES: Final = (0.0, 15.0, 1.0)
#: A queue in which nobody works: who calls it hears music as long as he likes.
MUSIC: Final = "95599"
RATE_HZ: Final = 8000


@dataclass(slots=True)
class Delays:
    """What one pace of scrapes went with, seconds."""

    connect: list[float] = field(default_factory=list)
    rtp: list[float] = field(default_factory=list)
    rest: list[float] = field(default_factory=list)
    events: list[float] = field(default_factory=list)
    scrapes: list[float] = field(default_factory=list)
    cpu: list[float] = field(default_factory=list)  # of web, cores, one of each round
    size: int = 0


class Load:
    """What goes on in every phase alike."""

    def __init__(self, bench: Office, options: argparse.Namespace, came: Came, music: PhoneCall) -> None:
        self._bench = bench
        self._options = options
        self._came = came
        self._music = music
        self._http = bench.platform.http
        self.problems: list[str] = []

    async def phase(self, pace: float, into: Delays, caller: SipPhone) -> None:
        """One pace, for ``--seconds``."""
        seconds, web = self._options.seconds, self._bench.platform
        events, packets = len(self._came.took), len(self._music.ear.packets)
        cpu, begun = web.cpu_seconds("web"), time.monotonic()
        beside = [self._every(0.05, self._asks(into)), self._every(0.2, self._changes_state())]
        if pace:
            beside.append(self._every(pace, self._scrapes(into)))
        tasks = [asyncio.ensure_future(one) for one in beside]
        try:
            times = await measure_answers(
                caller, web.number("95000"), rate=self._options.rate, seconds=seconds, problems=self.problems
            )
        finally:
            for task in tasks:
                task.cancel()
            ends = await asyncio.gather(*tasks, return_exceptions=True)
        self.problems += [repr(end) for end in ends if not isinstance(end, asyncio.CancelledError)]
        into.cpu.append((web.cpu_seconds("web") - cpu) / (time.monotonic() - begun))
        into.connect += times.to_audible
        into.events += self._came.took[events:]
        into.rtp += lateness([(one.at, one.timestamp) for one in self._music.ear.packets[packets:]])

    async def _every(self, seconds: float, one: Callable[[], Awaitable[None]]) -> None:
        """Again and again, at fixed times whatever the answers take."""
        at = time.monotonic()
        while True:
            await one()
            at = max(at + seconds, time.monotonic())
            await asyncio.sleep(at - time.monotonic())

    def _asks(self, into: Delays) -> Callable[[], Awaitable[None]]:
        path = f"agents/{self._bench.agents[0]}"

        async def one() -> None:
            begun = time.monotonic()
            (await self._bench.rest.get(path)).raise_for_status()
            into.rest.append(time.monotonic() - begun)

        return one

    def _changes_state(self) -> Callable[[], Awaitable[None]]:
        states = ["not_ready", "ready"]

        async def one() -> None:
            states.reverse()
            await self._bench.set_state(self._bench.agents[-1], states[0])

        return one

    def _scrapes(self, into: Delays) -> Callable[[], Awaitable[None]]:
        client = httpx.AsyncClient(base_url=self._http, timeout=15.0)

        async def one() -> None:
            begun = time.monotonic()
            answer = await client.get("/metrics")
            answer.raise_for_status()
            into.scrapes.append(time.monotonic() - begun)
            into.size = len(answer.content)

        return one


def lateness(packets: list[tuple[float, int]]) -> list[float]:
    """How late each packet (arrival in seconds, RTP timestamp) is against the earliest, by its timestamp."""
    if not packets:
        return []
    ages = [at - timestamp / RATE_HZ for at, timestamp in packets]
    return [age - min(ages) for age in ages]


@asynccontextmanager
async def open_pages(platform: PlatformProcess, count: int, problems: list[str]) -> AsyncIterator[Came]:
    """So many event sockets, of a supervisor and of agents in turn; those that break are a problem."""
    came = Came()
    async with httpx.AsyncClient(base_url=platform.http, timeout=15.0) as client:
        tokens = await tokens_of(client)
    sockets = [Socket(came) for _ in range(count)]
    tasks = []
    try:
        for place, socket in enumerate(sockets):
            reader = await socket.open(platform.http_port, tokens[place % len(tokens)])
            tasks.append(asyncio.ensure_future(socket.listen(reader)))
        yield came
        broken = sum(task.done() for task in tasks)
        problems += [f"{broken} sockets broke"] if broken else []
    finally:
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        for socket in sockets:
            socket.close()


def figures_of(pace: float, delays: Delays, still: Delays) -> list[Figure]:
    """One phase, beside the one without scrapes."""
    name = f"every {pace:g} s" if pace else "no scrapes"
    found: list[Figure | None] = []
    for what, seconds, without in (
        ("INVITE → first audible sample", delays.connect, still.connect),
        ("packets of a standing call, late by", delays.rtp, still.rtp),
        ("GET of an agent", delays.rest, still.rest),
        ("event → at a socket", delays.events, still.events),
    ):
        for share in (0.95, 0.99):
            if not seconds or not without:
                raise PeerError(f"{name}: nothing was measured of {what}")
            value, quiet = (percentile(sorted(some), share) for some in (seconds, without))
            note = f"{value / quiet:.2f} times that without scrapes" if pace else ""
            found.append(single(f"{name}: {what}, p{share * 100:g}", value * 1000, "ms", note=note))
        found.append(distribution(f"{name}: {what}", seconds))
    found.append(distribution(f"{name}: the scrape", delays.scrapes, note=f"{delays.size / 1e6:.2f} MB"))
    cores = 100 * sum(delays.cpu) / len(delays.cpu)
    found.append(single(f"{name}: CPU of web", cores, "% of a core"))
    return [figure for figure in found if figure is not None]


async def measured(platform: PlatformProcess, bench: Office, options: argparse.Namespace) -> list[str]:
    """All phases, in turn; what went wrong."""
    problems: list[str] = []
    async with (
        open_pages(platform, options.sockets, problems) as came,
        SipPhone("bench") as caller,
        SipPhone("ear") as ear,
    ):
        music = await ear.dial(platform.number(MUSIC))
        await music.heard(limit=10)
        load = Load(bench, options, came, music)
        delays = {pace: Delays() for pace in PACES}
        await load.phase(0.0, Delays(), caller)  # everything was done once before it counts
        for number in range(options.rounds):
            for pace in PACES if number % 2 == 0 else PACES[::-1]:
                await load.phase(pace, delays[pace], caller)
        await music.hang_up()
    for pace in PACES:
        bench.add(*figures_of(pace, delays[pace], delays[0.0]))
    return load.problems + problems


async def run(options: argparse.Namespace) -> int:
    """Furnish, sign in, call every queue once, measure."""
    facts = conditions()
    queues = {str(95_100 + number): f"queue-{number}" for number in range(options.queues)}
    many = {"CCP_CTI__EVENTS__SOCKETS_PER_USER": "1000"}
    async with office(options.agents, queues=queues, unstaffed={MUSIC: "nobody"}, environment=many) as bench:
        bench.phones.behave(Answer.TALK)
        await bench.set_all("ready", sign_in=True)
        for number in queues:
            await asyncio.to_thread(bench.phones.call, number, 1, 10.0)
            bench.phones.hang_up()
        problems = await measured(bench.platform, bench, options)
    figures = bench.figures
    facts |= {name: str(getattr(options, name)) for name in ("queues", "agents", "sockets", "rate")}
    show("Scrapes", figures, facts, problems)
    if options.json:
        write_json(options.json, figures, facts, problems)
    return 1 if problems or not figures else 0


def parse(arguments: list[str] | None = None) -> argparse.Namespace:
    """The command line."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--queues", type=int, default=200)
    parser.add_argument("--agents", type=int, default=1000, help="agents who are signed in")
    parser.add_argument("--sockets", type=int, default=50, help="pages that are open")
    parser.add_argument("--rate", type=float, default=5.0, help="calls a second")
    parser.add_argument("--seconds", type=float, default=40.0, help="how long each phase calls")
    parser.add_argument("--rounds", type=int, default=2, help="how often each phase is done")
    parser.add_argument("--json", type=Path, default=None, help="write the figures there too")
    return parser.parse_args(arguments)


if __name__ == "__main__":
    sys.exit(asyncio.run(run(parse())))
