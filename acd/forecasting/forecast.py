"""The forecast of all queues: profile, staff and Erlang A put together. Pure."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from datetime import datetime

from acd.forecasting.model import QUARTER, Limits, Load, QueueForecast, Staff, Step, quarter_of
from acd.forecasting.profile import Profile
from acd.forecasting.staffing import missing, prospect, shared_out
from ccplatform.contracts.words import QueueId


def forecasts(
    profile: Profile,
    *,
    queues: Mapping[QueueId, str],
    staff: Staff,
    now: datetime,
    quarters: int,
    limits: Limits,
) -> Iterator[QueueForecast]:
    """The next ``quarters`` quarters of each queue (id → name), the present one first, one queue at a time.

    Whoever is signed in now is taken to stay: there are no schedules.
    """
    begin = quarter_of(now)
    times = [begin + number * QUARTER for number in range(quarters)]
    loads = {queue: _loads(profile, queue, times, now) for queue in queues}
    agents = [
        shared_out(staff, {queue: of[number].erlang if of else 0.0 for queue, of in loads.items()})
        for number in range(quarters)
    ]
    for queue, name in queues.items():
        yield QueueForecast(
            queue=queue,
            name=name,
            handling_seconds=profile.handling(queue, now),
            patience_seconds=profile.patience(queue, now),
            steps=tuple(
                _step(at, load, agents[number][queue], limits)
                for number, (at, load) in enumerate(zip(times, loads[queue], strict=False))
            ),
        )


def _loads(profile: Profile, queue: QueueId, times: list[datetime], now: datetime) -> list[Load]:
    handling = profile.handling(queue, now)
    if handling is None:
        return []
    patience = profile.patience(queue, now)
    return [
        Load(
            arrivals=profile.arrivals(queue, at, now) / QUARTER.total_seconds(),
            handling_seconds=handling,
            patience_seconds=patience,
        )
        for at in times
    ]


def _step(at: datetime, load: Load, agents: float, limits: Limits) -> Step:
    expected = prospect(load, agents)
    return Step(
        begins=at,
        arrived=load.arrivals * QUARTER.total_seconds(),
        agents=agents,
        wait_seconds=expected.wait_seconds,
        abandoned=expected.abandoned,
        more=missing(load, agents, limits),
    )
