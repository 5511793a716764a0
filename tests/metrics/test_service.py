"""The shell: rebuilding beside live facts, scraping."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from datetime import datetime
from zoneinfo import ZoneInfo

import pytest

from ccplatform.contracts.facts import FactEvent
from ccplatform.kernel.errors import LocalMisuse
from ccplatform.storage.errors import DatabaseUnavailable
from metrics.service import MetricsService
from metrics.settings import MetricsSettings
from tests.metrics.telling import Centre, queue_left

Meanwhile = Callable[[], Awaitable[None]]


class Journal:
    """A journal of given events. ``meanwhile`` runs while it is read, before the last event is given."""

    def __init__(
        self, events: Sequence[FactEvent], meanwhile: Callable[[], Awaitable[None]] | None = None
    ) -> None:
        self.events = list(events)
        self.meanwhile = meanwhile
        self.asked: list[datetime] = []

    async def since(
        self, at: datetime, *, until: datetime | None = None, types: Sequence[str] = ()
    ) -> AsyncIterator[FactEvent]:
        self.asked.append(at)
        for number, event in enumerate(tuple(self.events), 1):
            if number == len(self.events) and self.meanwhile is not None:
                meanwhile, self.meanwhile = self.meanwhile, None
                await meanwhile()
            if event.at >= at and type(event.fact).__name__ in types:
                yield event


def service_of(centre: Centre, **settings: object) -> MetricsService:
    return MetricsService(
        clock=centre.clock, settings=MetricsSettings.model_validate(settings), zone=ZoneInfo("UTC")
    )


def calls(centre: Centre, count: int) -> list[FactEvent]:
    """Events of good calls that begin now."""
    first = len(centre.events)
    for _ in range(count):
        centre.good_call()
        centre.wait(1)
    return centre.events[first:]


def attempts(service: MetricsService) -> int:
    (row,) = (row for row in service.compliance() if row.definition.id == "R10.3.1.1.a")
    return row.measurement.samples


async def test_a_restarted_process_shows_what_the_journal_holds() -> None:
    centre = Centre()
    calls(centre, 5)
    service = service_of(centre)
    assert attempts(service) == 0
    await service.load(Journal(centre.events))
    assert attempts(service) == 5
    assert service.fold.snapshot() == centre.fold.snapshot()


async def test_facts_that_arrive_during_a_rebuild_count_once() -> None:
    centre = Centre()
    before = calls(centre, 5)
    service = service_of(centre)
    journal = Journal(before)

    async def go_on() -> None:
        both = calls(centre, 2)  # told live, and written to the journal before it is read to its end
        only_live = calls(centre, 3)
        journal.events += both
        for event in both + only_live:
            service.apply(event)

    journal.meanwhile = go_on
    await service.load(journal)
    assert attempts(service) == 10
    assert service.fold.snapshot() == centre.fold.snapshot()


async def test_when_the_buffer_runs_over_the_journal_is_read_on() -> None:
    centre = Centre()
    before = calls(centre, 5)
    service = service_of(centre, live_buffer=1000)
    journal = Journal(before)

    async def go_on() -> None:
        for event in calls(centre, 400):  # 1,200 events
            service.apply(event)
            journal.events.append(event)

    journal.meanwhile = go_on
    await service.load(journal)
    assert len(journal.asked) == 2
    assert attempts(service) == 405


async def test_a_rebuild_that_fails_leaves_the_live_fold_as_it_is() -> None:
    centre = Centre()
    service = service_of(centre)
    live = calls(centre, 3)
    for event in live:
        service.apply(event)

    async def fail() -> None:
        raise DatabaseUnavailable("gone")

    with pytest.raises(DatabaseUnavailable):
        await service.load(Journal(live, fail))
    assert attempts(service) == 3
    await service.load(Journal(live))
    assert attempts(service) == 3


async def test_only_one_rebuild_at_a_time() -> None:
    centre = Centre()
    events = calls(centre, 1)
    service = service_of(centre)

    async def again() -> None:
        with pytest.raises(LocalMisuse):
            await service.load(Journal(events))

    await service.load(Journal(events, again))
    assert attempts(service) == 1


async def test_counters_begin_with_the_process_and_windows_do_not() -> None:
    centre = Centre()
    service = service_of(centre)
    await service.load(Journal(calls(centre, 5)))
    for event in calls(centre, 2):
        service.apply(event)
    text = (await service.scrape()).decode()
    assert 'cc_calls_total{direction="inbound",outcome="self_service",trunk="pstn"} 2.0' in text
    assert 'cc_compliance_samples{requirement="R10.3.1.1.a"} 7.0' in text


async def test_scrapes_within_a_second_share_one_text() -> None:
    centre = Centre()
    service = service_of(centre)
    first = await service.scrape()
    centre.good_call()
    for event in centre.events:
        service.apply(event)
    centre.wait(0.5)
    assert await service.scrape() == first
    centre.wait(0.5)
    assert await service.scrape() != first


async def test_scrapes_at_once_render_once() -> None:
    service = service_of(Centre())
    one, other = await asyncio.gather(service.scrape(), service.scrape())
    assert one is other


async def test_queues_have_their_own_service_levels() -> None:
    centre = Centre()
    service = MetricsService(
        clock=centre.clock,
        settings=MetricsSettings(),
        zone=ZoneInfo("UTC"),
        service_levels=lambda: {"sales": 60.0},
    )
    centre.tell(queue_left(centre.arrive(), "answered", 50.0))
    for event in centre.events:
        service.apply(event)
    (level,) = (figure for figure in service.figures() if figure.definition_id == "D-SL")
    assert level.value == 1.0
