"""Where calls of the proof count, and where they do not."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

from acd.forecasting.store import QuarterStore
from ccplatform.contracts.facts import MysteryCallMade
from ccplatform.contracts.words import MysteryFate
from ccplatform.storage.database import Database
from metrics.compliance import ComplianceRow, rows
from metrics.indicator import Source
from metrics.model import Verdict
from tests.acd.forecasting.test_service import BEGIN
from tests.metrics.telling import Centre, agent_answered, arrived, queue_left, talk_ended
from tests.metrics.test_reports import write
from tests.support.database import database, postgres_dsn  # noqa: F401


def row_of(centre: Centre, requirement: str) -> ComplianceRow:
    (row,) = (row for row in rows(centre.fold, centre.now) if row.definition.id == requirement)
    return row


def test_mystery_calls_decide_the_wait_for_an_agent_where_one_was_signed_in() -> None:
    centre = Centre()

    def call(wait: float | None, *, staffed: bool | None, pesq: float = 4.0) -> None:
        centre.tell(
            MysteryCallMade(
                number="95000",
                fate=MysteryFate.COMPLETED,
                loopback=True,
                for_agent=True,
                agent_wait_seconds=wait,
                staffed=staffed,
                network="poor",
                to_caller_pesq=pesq,
            )
        )

    centre.tell(agent_answered(centre.new_contact(), 20.0))
    call(1.0, staffed=False)
    assert row_of(centre, "R10.3.2.d").definition.source is Source.SELF_REPORTED
    for _ in range(30):
        call(70.0, staffed=True)
    wait, poor = row_of(centre, "R10.3.2.d"), row_of(centre, "R10.3.1.4.b")
    assert (wait.measurement.value, wait.measurement.samples, wait.verdict) == (70.0, 30, Verdict.FAIL)
    assert wait.measurement.label == "1 more while nobody was signed in"
    assert wait.self_reported is not None
    assert (wait.self_reported.value, wait.self_reported.samples) == (20.0, 1)
    assert (poor.measurement.value, poor.measurement.samples, poor.verdict) == (4.0, 31, Verdict.PASS)
    assert row_of(centre, "R10.3.2.a").measurement.samples == 0  # they are no self-service


async def test_no_forecast_learns_from_test_calls(database: Database) -> None:  # noqa: F811
    centre = Centre(wall=BEGIN)
    customer, test = centre.arrive(), centre.new_contact()
    centre.tell(replace(arrived(test), mystery=True))
    for contact in (customer, test):
        centre.tell(queue_left(contact, "answered", 30.0), talk_ended(contact, 100.0))
    await write(database, centre.events)
    store, nine = QuarterStore(database), BEGIN - timedelta(minutes=10)
    await store.sum_up(nine, nine + timedelta(hours=1))
    (quarter,) = await store.quarters(nine, nine + timedelta(days=1))
    assert (quarter.arrived, quarter.talks) == (1, 1)
