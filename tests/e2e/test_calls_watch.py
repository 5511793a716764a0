"""The watch over section 10.3 on a running platform: a breach becomes an alarm, and the budget shows it."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Final

import pytest

from gateway.trunk_schema import TrunkDefinition
from tests.e2e.centre import Centre, Row
from tests.e2e.rig import Journal, calls_in_vain, centre_of, metric
from tests.support.fixtures import MakePhone
from tests.support.platform import PlatformProcess

_WATCHING: Final = {"CCP_METRICS__WATCH_SECONDS": "0.2", "CCP_ACD__FORECAST__EVERY_SECONDS": "0.5"}


@pytest.fixture
def watched(tmp_path: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[PlatformProcess]:
    """A platform that looks at section 10.3, trunks and forecasts all the time."""
    with PlatformProcess(tmp_path_factory.mktemp("p"), environment=_WATCHING) as started:
        yield started


@pytest.fixture
def missed(tmp_path: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[PlatformProcess]:
    """One that makes mystery calls besides, which find nobody: ten of them are a verdict."""
    environment = {**_WATCHING, **calls_in_vain(tmp_path)}
    with PlatformProcess(tmp_path_factory.mktemp("p"), environment=environment) as started:
        yield started


async def test_a_missed_requirement_is_an_alarm_and_its_budget_is_overdrawn(
    missed: PlatformProcess, callers: Iterator[int]
) -> None:
    async with centre_of(missed, callers) as centre:
        (row,) = await centre.eventually(lambda: _alarms(centre), _is_a_breach)
        assert (row["kind"], row["subject"], row["severity"]) == ("requirement_missed", "R10.3.2.a", "urgent")
        assert re.search(r"IVR self-service success rate: misses its target >= 0.98 \(n = [1-9]\d", row["text"])
        budgets = {row["id"]: row["budget"] for row in await centre.items("compliance")}
        overdrawn = budgets.pop("R10.3.2.a")
        assert (overdrawn["stands"], round(overdrawn["left"])) == ("missed", -49)
        assert [(burn["window"], round(burn["burn"])) for burn in overdrawn["burns"]] == [
            (window, 50) for window in ("5m", "1h", "2h", "24h")
        ]
        assert {budget["stands"] for budget in budgets.values()} == {"unknown"}
        metrics = await centre.metrics()
        assert metric(metrics, "cc_compliance_burn", requirement="R10.3.2.a", window="1h") == pytest.approx(50)
        assert metric(metrics, "cc_compliance_budget_left", requirement="R10.3.2.a") == pytest.approx(-49)


#: Four weeks with 60 calls in every quarter of an hour, which 200 s each makes 13 Erlang; one in ten gives up.
#: The quarter that runs has them too: it may end within the test.
_HISTORY: Final = """
    INSERT INTO queue_quarters (begins, queue, arrived, abandoned, waited_seconds, talks, handling_seconds)
    SELECT begins, 'support', 60, 6, 1800, 54, 10800
    FROM generate_series(date_bin('15 min', now(), '2000-01-01Z') - interval '29 days',
                         date_bin('15 min', now(), '2000-01-01Z'), '15 min') begins
    ON CONFLICT DO NOTHING
"""


async def test_a_coming_rush_is_told_before_it_comes(watched: PlatformProcess, callers: Iterator[int]) -> None:
    async with centre_of(watched, callers) as centre:
        await Journal(watched).rows(_HISTORY)
        killed = watched.kill("web")  # the next one learns from what is there
        await watched.wait_ready_again("web", killed)
        (support,) = await centre.eventually(lambda: _forecasts(centre), lambda rows: bool(rows))
        assert support["handling_seconds"] == pytest.approx(200)
        assert support["patience_seconds"] == pytest.approx(300)
        assert support["steps"][0]["arrivals"] == pytest.approx(60)
        assert support["misses"][0]["more"] == support["steps"][0]["more"]
        assert "wait_forecast" not in {row["kind"] for row in await _alarms(centre)}, "nobody is signed in"
        async with centre.desk("1006"):
            rows = await centre.eventually(lambda: _coming(centre), lambda rows: bool(rows))
            (missed,) = [row for row in await _forecasts(centre) if row["queue"] == "support"]
            assert missed["steps"][0]["agents"] == 1.0
            assert rows[0]["subject"] == "support"
            assert f"{missed['misses'][0]['more']} more agents would hold it" in rows[0]["text"]
            assert "名座席即可达标" in rows[0]["text"]
        await centre.eventually(lambda: _coming(centre), lambda rows: not rows)


async def test_a_trunk_that_is_almost_full_is_an_alarm_until_it_is_not(
    watched: PlatformProcess, callers: Iterator[int], phone: MakePhone
) -> None:
    async with centre_of(watched, callers) as centre:
        told = await centre.get("trunks/pstn", user="tech1")
        trunk = {name: told[name] for name in TrunkDefinition.model_fields} | {"capacity": 1}
        made = await centre.ask("PUT", "trunks/pstn", user="tech1", json=trunk)
        assert made.status_code == 200, made.text
        number = centre.new_caller()
        call = await (await phone(number)).dial(centre.number("95002"))
        await call.answered.wait()
        (row,) = await centre.eventually(lambda: _filling(centre), lambda rows: bool(rows))
        assert (row["subject"], row["severity"]) == ("pstn", "non_urgent")
        assert "pstn: 1 of 1 channels in use" in row["text"]
        await call.hang_up()
        await centre.eventually(lambda: _filling(centre), lambda rows: not rows)


async def _filling(centre: Centre) -> list[Row]:
    return [row for row in await centre.items("alarms", active=True) if row["kind"] == "trunk_filling"]


async def _forecasts(centre: Centre) -> list[Row]:
    return [row for row in await centre.items("forecast") if row["steps"]]


async def _coming(centre: Centre) -> list[Row]:
    return [row for row in await centre.items("alarms", active=True) if row["kind"] == "wait_forecast"]


def _is_a_breach(rows: list[Row]) -> bool:
    """Not yet while its budget burns only."""
    return [row["kind"] for row in rows] == ["requirement_missed"]


async def _alarms(centre: Centre) -> list[Row]:
    rows = await centre.items("alarms", active=True)
    return [row for row in rows if row["kind"] != "mystery_call_failed"]
