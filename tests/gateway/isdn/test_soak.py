"""A day's worth of calls over one span, as fast as two stacks of libpri carry them, while its layer 2 flaps, both
sides seize one channel, channels are restarted and libpri dies. Nothing may be left at the end."""

from __future__ import annotations

import asyncio
import os
import random
import signal
from dataclasses import dataclass, field
from functools import partial

import psutil
import pytest

from ccplatform.kernel.clock import sleep
from gateway.isdn.channels import BEARERS, ChannelState
from gateway.isdn.span_calls import CallState
from gateway.isdn.switch import Switch
from tests.gateway.isdn.back_to_back import needs_libpri
from tests.gateway.isdn.spans import CLOCK, Pair, joined, until
from tests.support.milestone import PATIENCE

pytestmark = needs_libpri

#: A busy day of 30 channels: 0.9 Erl at two minutes a call are 19,440 calls.
DAY = 20_000
#: How long a day may take: real time, since libpri's timers know no other.
LONGEST_SECONDS = 1500.0
#: Most that libpri's program may grow, bytes.
MOST_GROWTH = 8 << 20


@dataclass
class Day:
    """What was done and what became of it."""

    pair: Pair
    calls: int
    source: random.Random = field(default_factory=lambda: random.Random(1))
    begun: int = 0
    answered: int = 0
    over: bool = False

    async def caller(self, ours: Switch, theirs: Switch) -> None:
        """One caller, call after call."""
        while self.begun < self.calls:
            slot = self.source.choice(BEARERS) if self.source.random() < 0.1 else None
            voice = ours.call(f"{self.source.randrange(10**9)}9", "13800000001", slot=slot)
            if voice is None:  # layer 2 is away, or that channel is busy
                await sleep(CLOCK, 0.02)
                continue
            self.begun += 1
            if await ours.reached(voice, CallState.CONNECTED, PATIENCE):
                self.answered += 1
                await sleep(CLOCK, self.source.random() * 0.2)
                answerer = next((one for one in theirs.voices.values() if one.call.slot == voice.call.slot), None)
                if answerer is not None and self.source.random() < 0.5:
                    theirs.hang_up(answerer, self.source.choice((16, 31)))
            ours.hang_up(voice)
            assert await ours.reached(voice, CallState.ENDING, PATIENCE)
            theirs.arrived.clear()

    async def glare(self) -> None:
        """Both sides seize one channel."""
        while not self.over:
            await sleep(CLOCK, 1.0)
            near, far = self.pair.near, self.pair.far
            idle = [one.slot for one in near.span.channels.all() if one.state is ChannelState.IDLE]
            for side in (near, far) if idle else ():
                voice = side.call("1", slot=idle[0])
                if voice is not None:
                    self.begun += 1
                    CLOCK.call_at(CLOCK.now() + 0.5, partial(side.hang_up, voice))

    async def trouble(self) -> None:
        """Layer 2 flaps, channels are restarted, libpri dies, the line has bit errors."""
        lines = self.pair.near_line, self.pair.far_line
        for turn in range(10_000):
            await sleep(CLOCK, 4.0)
            if self.over:
                break
            side = self.source.choice((self.pair.near, self.pair.far))
            match turn % 5:
                case 0 | 3:
                    for line in lines:
                        line.faults.silent = True
                    await sleep(CLOCK, 1.0 + self.source.random())
                    for line in lines:
                        line.faults.silent = False
                case 1:
                    for slot in self.source.sample(BEARERS, 3):
                        side.span.restart(slot)
                case 2:
                    lines[0].faults.bit_error_rate = lines[1].faults.bit_error_rate = 1e-4
                    lines[turn % 2].faults.slip = 1
                case 4:
                    if turn % 10 == 9 and side.span.pid is not None:
                        os.kill(side.span.pid, signal.SIGKILL)


async def day_of(calls: int) -> None:
    """Raises AssertionError where something is left."""
    async with joined(timers={"T203": 1000, "T200": 500, "T309": 3000}) as pair:
        day = Day(pair, calls)
        before = {side.span.pid: memory(side) for side in (pair.near, pair.far)}
        others = [asyncio.ensure_future(day.glare()), asyncio.ensure_future(day.trouble())]
        async with asyncio.timeout(LONGEST_SECONDS):
            pairs = [(pair.near, pair.far), (pair.far, pair.near)] * 13
            await asyncio.gather(*(day.caller(*sides) for sides in pairs))
        day.over = True
        await asyncio.gather(*others)
        for line in (pair.near_line, pair.far_line):
            line.faults.silent, line.faults.bit_error_rate = False, 0.0
        await until(lambda: not pair.near.span.calls and not pair.far.span.calls)
        await until(lambda: pair.near.span.usable and pair.far.span.usable)
        for side in (pair.near, pair.far):
            counters = side.span.counters
            assert not side.voices
            assert {one.state for one in side.span.channels.all()} == {ChannelState.IDLE}
            assert sum(counters.by_cause.values()) == counters.incoming + counters.outgoing, counters
            assert memory(side) - before.get(side.span.pid, memory(side)) < MOST_GROWTH
        # Who is refused calls again at once, so that this says little of the span.
        assert day.answered > calls / 2, f"{day.answered} of {day.begun} were answered"
        print(
            f"{day.begun} calls, {day.answered} answered; near {pair.near.span.counters}; "
            f"far {pair.far.span.counters}"
        )
        last = pair.near.call("1")
        assert last is not None
        assert await pair.near.reached(last, CallState.CONNECTED, PATIENCE)


def memory(side: Switch) -> int:
    """Resident bytes of a side's program of libpri; 0 while it is away."""
    try:
        return int(psutil.Process(side.span.pid).memory_info().rss) if side.span.pid is not None else 0
    except psutil.NoSuchProcess:
        return 0


async def test_some_hundred_calls_leave_nothing() -> None:
    await day_of(300)


@pytest.mark.soak
async def test_a_days_calls_leave_nothing() -> None:
    await day_of(DAY)
