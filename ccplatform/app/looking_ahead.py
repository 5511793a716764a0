"""The forecast of queues, wired: who is signed in by the live view, what is missed by the definitions."""

from __future__ import annotations

from collections.abc import Iterable

from acd.forecasting.model import Staff
from acd.forecasting.service import Forecasting
from acd.forecasting.store import QuarterStore
from ccplatform.app.foundation import Foundation
from ccplatform.app.settings import Settings
from ccplatform.app.watching import FORECAST
from ccplatform.contracts.words import AgentState, Severity
from cti.figures import has_skills
from cti.live import LiveView
from metrics.definitions import DEFINITIONS
from metrics.watch import Due

#: The clause whose target a forecast is held against.
WAIT = "R10.3.2.d"


def forecasting_of(settings: Settings, ground: Foundation, live: LiveView) -> Forecasting:
    """The forecast of the queues that ``live`` shows."""
    target = DEFINITIONS[WAIT].target
    assert target is not None
    return Forecasting(
        store=QuarterStore(ground.database, tenant=ground.tenant),
        clock=ground.clock,
        zone=settings.node.zone_info,
        settings=settings.acd.forecast,
        wait_seconds=target,
        queues=lambda: {queue.id: queue.name for queue in live.queues.values()},
        staff=lambda: staff_of(live),
    )


def staff_of(live: LiveView) -> Staff:
    """Who is signed in, ready or not, and the queues that each has the skills for."""
    return {
        agent.id: frozenset(queue.id for queue in live.queues.values() if has_skills(agent.skills, queue.skills))
        for agent in live.agents.values()
        if agent.state is not AgentState.SIGNED_OUT
    }


def coming(forecasting: Forecasting) -> Iterable[Due]:
    """An alarm for each queue that will miss soon."""
    for forecast in forecasting.coming():
        text = " · ".join(forecasting.sentences(forecast))
        yield Due(kind=FORECAST, subject=forecast.queue, severity=Severity.NON_URGENT, text=text)
