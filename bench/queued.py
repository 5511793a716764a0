"""Queued calls through the whole platform: how soon the agent's phone has the INVITE, and what a call costs.

``python -m bench.queued [--only ready,enters] [--agents 1000] [--waiting 500] [--rate 50] [--json FILE]``

A platform of its own with ``--agents`` agents who are all signed in at registered phones (one process answers for
them all) and one queue. ``ready``: ``--waiting`` callers wait; one agent after the other becomes ready by REST,
and his phone rings. ``enters``: the agents are ready; SIPp calls at ``--rate`` a second, and each call is offered
at once, answered and held for a second. Latencies run from the fact (its stamp in the journal) or the REST request
to the kernel's stamp of the INVITE at the phone; CPU is that of each process beyond an idle platform. Beside other
work begin it with ``nice -n -15``.
"""

from __future__ import annotations

import argparse
import asyncio
import sys
import time
from collections.abc import Awaitable, Callable
from datetime import UTC, datetime
from pathlib import Path

from bench.figures import Figure, add_phases, conditions, distribution, percentile, show, single, write_json
from bench.office import NUMBER, ROLES, Office, office
from bench.phones import Answer, Rung
from tests.support import sipp
from tests.support.milestone import PeerError

#: Goals: 20 ms at the 99th percentile for an agent who becomes ready, 5 ms at the 95th for a contact that enters.
READY_GOAL_MS, ENTERS_GOAL_MS = 20.0, 5.0
#: CPU of a whole queued call of Asterisk on a machine like this one, ms.
ASTERISK_MS = 3.5
PHASES = ("ready", "enters")


async def ready_phase(bench: Office, options: argparse.Namespace) -> None:
    """Callers wait; agents become ready."""
    phones = bench.phones
    phones.behave(Answer.REJECT)  # who rejects is not ready any more, and the caller waits on
    await asyncio.to_thread(phones.call, NUMBER, options.waiting, 40.0)
    try:
        await asyncio.sleep(1.0)
        phones.rung()
        asked: dict[str, float] = {}
        begun = datetime.now(UTC)
        for agent in bench.agents[: options.samples]:
            await asyncio.sleep(1 / options.readies)
            asked[agent] = time.time()
            await bench.set_state(agent, "ready")
        changes = await bench.facts("AgentStateChanged", begun)
        rung = {one.user: one.at for one in phones.rung()}
    finally:
        phones.hang_up()
    if len(rung) != len(asked):
        raise PeerError(f"{len(asked)} agents became ready, {len(rung)} phones rang")
    became = {row["agent"]: row["at"].timestamp() for row in changes if row["state"] == "ready"}
    note = f"{len(bench.agents)} agents signed in, {options.waiting} callers wait"
    inside = [rung[agent] - became[agent] for agent in asked if agent in became]
    whole = [rung[agent] - at for agent, at in asked.items()]
    bench.add(
        distribution("agent is ready → INVITE at his phone", inside, note=note),
        p99("agent is ready → INVITE, p99", inside, READY_GOAL_MS, note),
        distribution("PUT state ready → INVITE at his phone", whole, note=note),
        p99("PUT state ready → INVITE, p99", whole, READY_GOAL_MS, f"{note}; REST and the presence row included"),
    )


async def enters_phase(bench: Office, options: argparse.Namespace) -> None:
    """Agents are ready; callers come."""
    platform, phones = bench.platform, bench.phones
    phones.behave(Answer.TALK)
    await bench.set_all("ready")
    await sipp.run("uac", platform.sip, number=NUMBER, calls=20, rate=20)
    phones.rung()
    before, begun = await bench.cpu(), time.monotonic()
    await asyncio.sleep(2)
    after = await bench.cpu()
    idle = {role: (after[role] - before[role]) / (time.monotonic() - begun) for role in ROLES}
    since, before, begun = datetime.now(UTC), after, time.monotonic()
    count = round(options.rate * options.seconds)
    result = await sipp.run(
        "uac",
        platform.sip,
        number=NUMBER,
        calls=count,
        rate=options.rate,
        hold=1.0,
        limit=options.seconds + 60,
    )
    elapsed, after = time.monotonic() - begun, await bench.cpu()
    queued = {str(row["contact"]): row["at"].timestamp() for row in await bench.facts("Queued", since)}
    arrived = {str(row["contact"]): row["at"].timestamp() for row in await bench.facts("ContactArrived", since)}
    rung = phones.rung()
    note = f"{options.rate:g} calls/s, {len(bench.agents)} agents ready, {result.failed} of {count} failed"
    bench.add(
        distribution(
            "enters a queue → INVITE at the agent", _after(queued, rung), goal_ms=ENTERS_GOAL_MS, note=note
        ),
        distribution("call arrives → INVITE at the agent", _after(arrived, rung), note=note),
    )
    for role in ROLES:
        used = (after[role] - before[role] - idle[role] * elapsed) * 1000 / max(1, result.successful)
        goal = ASTERISK_MS if role == "control" else None
        what = "goal: all of Asterisk's" if role == "control" else f"idle {idle[role]:.0%} of a core"
        bench.add(single(f"CPU of a whole queued call, {role}", used, "ms", goal=goal, note=what))


def _after(facts: dict[str, float], rung: list[Rung]) -> list[float]:
    return [one.at - facts[one.contact] for one in rung if one.contact in facts]


def p99(name: str, seconds: list[float], goal: float, note: str) -> Figure | None:
    """The 99th percentile as a figure of its own: goals of tables are for the 95th."""
    if not seconds:
        return None
    return single(name, percentile(sorted(seconds), 0.99) * 1000, "ms", goal=goal, note=note)


async def run(options: argparse.Namespace) -> int:
    """All phases asked for, on one platform."""
    facts, problems = conditions(), []
    phases: dict[str, Callable[[Office, argparse.Namespace], Awaitable[None]]] = {
        "ready": ready_phase,
        "enters": enters_phase,
    }
    async with office(options.agents) as bench:
        await bench.set_all("not_ready", sign_in=True)
        for name in options.only:
            try:
                await phases[name](bench, options)
            except PeerError as error:
                problems.append(f"{name}: {error}")
    figures = bench.figures
    show("Queued calls", figures, facts, problems)
    if options.json:
        write_json(options.json, figures, facts, problems)
    return 1 if problems else 0


def parse(arguments: list[str] | None = None) -> argparse.Namespace:
    """The command line."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    add_phases(parser, PHASES)
    parser.add_argument("--agents", type=int, default=1000, help="agents who are signed in")
    parser.add_argument("--waiting", type=int, default=500, help="callers who wait in the ready phase")
    parser.add_argument("--samples", type=int, default=300, help="agents who become ready in the ready phase")
    parser.add_argument("--readies", type=float, default=20.0, help="of them, at most, a second")
    parser.add_argument("--rate", type=float, default=50.0, help="calls a second of the enters phase")
    parser.add_argument("--seconds", type=float, default=10.0, help="how long they are offered")
    parser.add_argument("--json", type=Path, help="write the figures there too")
    return parser.parse_args(arguments)


if __name__ == "__main__":
    sys.exit(asyncio.run(run(parse())))
