"""What times spans is kept where somebody chose otherwise than the settings say, with who did."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from types import SimpleNamespace
from typing import Any, cast

import pytest

from ccplatform.app import e1_timing
from ccplatform.app.e1 import Office
from ccplatform.app.e1_timing import ChosenTimings
from ccplatform.app.places import places_of
from ccplatform.app.settings import Settings
from ccplatform.kernel.clock import SystemClock
from ccplatform.kernel.ids import Ids
from ccplatform.kernel.tasks import TaskSupervisor
from ccplatform.security.audit import Audit
from ccplatform.storage.database import Database
from ccplatform.storage.errors import DatabaseUnavailable
from gateway.isdn.timing_store import TimingStore
from tests.support.database import database, postgres_dsn  # noqa: F401

CLOCK = SystemClock()


class _Driver:
    """Says what it was timed by last."""

    source = ""

    def time_by(self, source: str) -> bool:
        self.source = source
        return True


def _office(settings: Settings) -> tuple[Office, _Driver]:
    office, driver = Office(settings, clock=CLOCK, tasks=TaskSupervisor(CLOCK)), _Driver()
    office.spans["e1-1"] = cast(Any, SimpleNamespace(driver=driver))
    return office, driver


async def test_a_choice_is_kept_with_its_history_until_it_is_what_the_settings_say(
    database: Database,  # noqa: F811
) -> None:
    store, audit = TimingStore(database), Audit(database, clock=CLOCK, ids=Ids(CLOCK))
    for source in ("system", "span"):
        await store.choose("e1-1", source, configured="span", by="admin", audit=audit)
        await store.choose("e1-2", "span", configured="system", by="admin", audit=audit)
        assert (
            await store.all() == {"system": {"e1-1": "system", "e1-2": "span"}, "span": {"e1-2": "span"}}[source]
        )
    rows = await audit.page(object="e1-1", actions=["span.timing"], limit=9)
    assert [(row.subject, json.loads(row.detail)) for row in rows] == [
        ("admin", {"before": {"timing": "system"}, "after": {"timing": "span"}}),
        ("admin", {"before": {"timing": "span"}, "after": {"timing": "system"}}),
    ]


async def test_a_front_that_starts_takes_what_was_chosen(
    database: Database,  # noqa: F811
    tmp_path: Path,
) -> None:
    await TimingStore(database).choose(
        "e1-1", "system", configured="span", by="admin", audit=Audit(database, clock=CLOCK, ids=Ids(CLOCK))
    )
    settings = Settings.model_validate({"database": {"url": database.dsn}})
    office, driver = _office(settings)
    assert await ChosenTimings(office, settings, places_of(tmp_path), CLOCK).apply()
    assert driver.source == "system"


async def test_what_is_chosen_after_the_start_is_newer_than_what_is_read_late(tmp_path: Path) -> None:
    office, driver = _office(Settings())
    assert await office.answer({"do": "time-by", "span": "e1-1", "source": "span"}) == {"answer": None}
    office.timed_before("e1-1", "system")
    office.timed_before("e1-9", "system")  # a span that is no more
    assert driver.source == "span"


async def test_without_a_database_the_settings_hold(tmp_path: Path) -> None:
    settings = Settings.model_validate({"database": {"url": "postgresql://nobody@127.0.0.1:1/none"}})
    office, driver = _office(settings)
    timings = ChosenTimings(office, settings, places_of(tmp_path), CLOCK)
    assert not await timings.apply()
    assert driver.source == ""


async def test_what_was_chosen_is_taken_as_soon_as_the_database_is_there(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked = 0

    async def chosen(_: ChosenTimings) -> Mapping[str, str]:
        nonlocal asked
        asked += 1
        if asked < 3:
            raise DatabaseUnavailable("it is away")
        return {"e1-1": "system"}

    monkeypatch.setattr(ChosenTimings, "_chosen", chosen)
    monkeypatch.setattr(e1_timing, "_AGAIN_SECONDS", 0.001)
    office, driver = _office(Settings())
    await ChosenTimings(office, Settings(), places_of(tmp_path), CLOCK).keep_trying()
    assert (driver.source, asked) == ("system", 3)
