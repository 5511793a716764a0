"""How many facts a second the fold takes, and what a scrape of a big centre costs.

``python -m bench.metrics [--facts 200000] [--queues 200] [--agents 1000] [--json FILE]``

Facts are whole calls (13 facts each) over the queues, at 20 calls a second of virtual time, made beforehand. One
core, one process. A scrape copies the figures at once and makes its text in pieces, between other work. What it
delays in a running platform is for ``bench.scrape``.
"""

from __future__ import annotations

import argparse
import asyncio
import gc
import time
from collections.abc import Iterator
from pathlib import Path
from zoneinfo import ZoneInfo

from bench.figures import Figure, conditions, distribution, show, single, write_json
from ccplatform.contracts.facts import (
    AgentStateChanged,
    ContactArrived,
    ContactEnded,
    Established,
    Fact,
    FactEvent,
    FirstVoiceSent,
    FlowLeft,
    KeyAnswered,
    LegMeasured,
    Queued,
    QueueLeft,
    TalkEnded,
    TrunkChannelsChanged,
    WrapUpEnded,
)
from ccplatform.contracts.words import (
    AgentId,
    AgentState,
    CallId,
    Channel,
    ContactId,
    Direction,
    FlowId,
    FlowOutcome,
    LegId,
    LegRole,
    Outcome,
    QueueId,
    ReleaseCause,
    TrunkId,
)
from ccplatform.kernel.clock import SystemClock, VirtualClock, sleep
from ccplatform.kernel.ids import Ids
from ccplatform.kernel.stream import Stream
from metrics.fold import Fold
from metrics.model import AnswerLimits
from metrics.prometheus import Exposition
from metrics.service import MetricsService
from metrics.settings import MetricsSettings
from metrics.text_format import pieces

#: At least this many facts a second on one core.
FACTS_GOAL = 20_000.0
#: What one fact may take for that, µs.
FACT_GOAL_US = 1e6 / FACTS_GOAL
CALLS_PER_SECOND = 20
SCRAPES = 20
TRUNK = TrunkId("pstn")


def call(name: str, number: int, queues: int, agents: int) -> Iterator[Fact]:
    """The facts of a handled call."""
    contact, queue = ContactId(name), QueueId(f"queue-{number % queues}")
    agent, leg = AgentId(str(1000 + number % agents)), LegId(name)
    yield ContactArrived(
        contact=contact,
        call=CallId(name),
        leg=leg,
        channel=Channel.VOICE,
        direction=Direction.INBOUND,
        dialled="95000",
        trunk=TRUNK,
        seat=None,
        transport="udp",
        sip_call_id=name,
        caller="",
    )
    yield TrunkChannelsChanged(trunk=TRUNK, in_use=number % 600, capacity=600)
    yield FirstVoiceSent(contact=contact, trunk=TRUNK, connect_seconds=0.05)
    yield KeyAnswered(contact=contact, node="menu", response_seconds=0.1)
    yield Queued(contact=contact, queue=queue, priority=5, waited_seconds=0.0)
    yield FlowLeft(contact=contact, flow=FlowId("main"), outcome=FlowOutcome.COMPLETED, cause="")
    yield QueueLeft(contact=contact, queue=queue, reason="answered", waited_seconds=8.0)
    yield Established(
        contact=contact, leg=leg, role=LegRole.AGENT, device="8001", agent=agent, queue=queue, wait_seconds=9.0
    )
    yield AgentStateChanged(
        agent=agent,
        seat=None,
        state=AgentState.TALKING,
        reason="",
        previous=AgentState.READY,
        previous_seconds=8.0,
    )
    yield LegMeasured(
        contact=contact,
        leg=leg,
        role=LegRole.CALLER,
        codec="PCMA",
        packets_received=6000,
        packets_lost=3,
        packets_sent=6000,
        remote_packets_lost=2,
        jitter_seconds=0.003,
        round_trip_seconds=0.03,
        delay_seconds=0.09,
        mos=None,
    )
    yield TalkEnded(contact=contact, queue=queue, agent=agent, talk_seconds=120.0, hold_seconds=0.0)
    yield ContactEnded(
        contact=contact,
        outcome=Outcome.HANDLED,
        cause=ReleaseCause.NORMAL,
        dialled="95000",
        trunk=TRUNK,
        total_seconds=140.0,
        queue=queue,
    )
    yield WrapUpEnded(contact=contact, queue=queue, agent=agent, wrap_up_seconds=10.0)


def make_events(count: int, queues: int, agents: int) -> list[FactEvent]:
    """Events of calls, made before anything is timed."""
    clock = VirtualClock()
    ids = Ids(clock)
    stream: Stream[Fact] = Stream(clock, ids, "default")
    events: list[FactEvent] = []
    stream.subscribe(events.append)
    number = 0
    while len(events) < count:
        for fact in call(ids.new(), number, queues, agents):
            stream.publish(fact)
        clock.advance(1 / CALLS_PER_SECOND)
        number += 1
    return events


def fold_speed(events: list[FactEvent]) -> list[Figure]:
    """Facts folded and observed as in the web process."""
    fold, exposition = Fold(MetricsSettings().rules(ZoneInfo("Asia/Shanghai"))), Exposition()
    begin = time.perf_counter()
    for event in events:
        exposition.observe(fold.apply(event))
    seconds = time.perf_counter() - begin
    rate = len(events) / seconds
    return [
        single(
            "one fact folded", seconds / len(events) * 1e6, "µs", goal=FACT_GOAL_US, note=f"{rate:,.0f} facts/s"
        ),
        *single_scrapes(fold, exposition, events),
    ]


def single_scrapes(fold: Fold, exposition: Exposition, events: list[FactEvent]) -> Iterator[Figure]:
    """The halves of a scrape, apart, and what the second holds the loop for at most."""
    now = int(events[-1].at.timestamp())
    copies, texts, longest, size = [], [], [], 0
    for _ in range(SCRAPES):
        begin = time.perf_counter()
        samples = exposition.collect(fold, now, AnswerLimits())
        copies.append(time.perf_counter() - begin)
        took, size, making = [], 0, pieces(samples)
        while True:
            begin = time.perf_counter()
            piece = next(making, None)
            took.append(time.perf_counter() - begin)
            if piece is None:
                break
            size += len(piece)
        texts.append(sum(took))
        longest.append(max(took))
    for name, seconds in (
        ("scrape: copy", copies),
        ("scrape: text, all pieces", texts),
        ("scrape: longest piece", longest),
    ):
        figure = distribution(name, seconds, note=f"{size / 1e6:.2f} MB")
        if figure is not None:
            yield figure


async def loop_delays(events: list[FactEvent]) -> list[float]:
    """How late a 1 ms timer of the same loop comes while scrapes go on."""
    clock = SystemClock()
    service = MetricsService(clock=clock, settings=MetricsSettings(), zone=ZoneInfo("Asia/Shanghai"))
    for event in events:
        service.apply(event)
    late: list[float] = []
    scraping = asyncio.ensure_future(_scrapes(service, clock))
    while not scraping.done():
        begin = clock.now()
        await sleep(clock, 0.001)
        late.append(max(0.0, clock.now() - begin - 0.001))
    await scraping
    return late


async def _scrapes(service: MetricsService, clock: SystemClock) -> None:
    for _ in range(3):
        await service.scrape()
        await sleep(clock, 1.05)  # closer together they share one text


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--facts", type=int, default=200_000)
    parser.add_argument("--queues", type=int, default=200)
    parser.add_argument("--agents", type=int, default=1000)
    parser.add_argument("--json", type=Path, help="also write the figures here")
    options = parser.parse_args()
    facts = conditions() | {"queues": str(options.queues), "agents": str(options.agents)}
    events = make_events(options.facts, options.queues, options.agents)
    gc.freeze()  # the events themselves are no part of what is measured
    figures = fold_speed(events)
    delays = distribution("lateness of a 1 ms timer during scrapes", asyncio.run(loop_delays(events[:100_000])))
    if delays is not None:
        figures.append(delays)
    show("metrics", figures, facts)
    if options.json is not None:
        write_json(options.json, figures, facts)


if __name__ == "__main__":
    main()
