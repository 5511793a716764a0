"""A real Prometheus scrapes a running platform by the files of `deploy/`: targets, rules, alerts, every panel."""

from __future__ import annotations

import math
import operator
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from functools import partial
from pathlib import Path
from typing import Any

import pytest

from metrics.definitions import REQUIREMENTS
from metrics.monitoring.boards import boards
from metrics.monitoring.rules import groups
from tests.e2e.centre import Centre
from tests.e2e.rig import calls_in_vain, centre_of, is_served
from tests.support.fixtures import MakePhone
from tests.support.platform import PlatformProcess
from tests.support.prometheus import PrometheusProcess

#: What may have no data in a centre that works and was called twice, by a part of the query, and why.
MAY_BE_EMPTY = {
    "cc_media_gap_seconds": "no media worker died",
    "cc_mystery_calls": "nobody makes mystery calls there, unlike at the platform of the test above",
    "R10.3.1.4": "PESQ comes from mystery calls",
    "R10.3.1.1.b": "no trunk was busy for two hours",
    "R10.3.1.5.b": "no trunk was busy for two hours",
    "R10.3.2.d.hours": "no hour has ended",
    "cc_compliance_ok": "the sample of every requirement may still be too small for a verdict",
    "cc_data_source_up": "the flows of the demo ask its own customers, no service",
    "cc_overload_refused_calls": "overload control refused no call",
    "cc_trunk_registered": "no trunk of the demo registers",
    "cc_trunk_server": "no trunk of the demo has a server that is probed",
    "cc:compliance_met:ratio30d": "the sample of every requirement may still be too small for a verdict",
}


@pytest.fixture
def bad(tmp_path: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[PlatformProcess]:
    """A platform that a mystery caller finds bad."""
    with PlatformProcess(tmp_path_factory.mktemp("p"), environment=calls_in_vain(tmp_path)) as started:
        yield started


@asynccontextmanager
async def scraping(platform: PlatformProcess, directory: Path) -> AsyncIterator[PrometheusProcess]:
    prometheus = PrometheusProcess(directory, f"{platform.host}:{platform.http_port}")
    try:
        yield prometheus
    finally:
        await prometheus.close()


async def test_prometheus_scrapes_evaluates_and_alerts(
    bad: PlatformProcess, callers: Iterator[int], phone: MakePhone, tmp_path_factory: pytest.TempPathFactory
) -> None:
    async with centre_of(bad, callers) as centre, scraping(bad, tmp_path_factory.mktemp("m")) as prometheus:
        (target,) = await centre.eventually(
            lambda: _targets(prometheus), lambda found: bool(found) and found[0]["health"] != "unknown"
        )
        assert (target["health"], target["lastError"]) == ("up", "")

        rules = await centre.eventually(lambda: _rules(prometheus), _all_evaluated)
        assert len(rules) == sum(len(group["rules"]) for group in groups())
        assert {rule["name"]: rule.get("lastError", "") for rule in rules if rule["health"] != "ok"} == {}

        firing = await centre.eventually(lambda: _firing(prometheus), bool)
        assert [alert["labels"]["requirement"] for alert in firing] == ["R10.3.2.a"]
        assert firing[0]["annotations"]["description"].startswith("Measured 0%, target >= 0.98 (ratio)")
        measured = await _series(prometheus, "cc_compliance_target")
        assert {found["requirement"] for found in measured} == {row.id for row in REQUIREMENTS}

        await _hear_the_menu(centre, phone)
        seen = "cc_call_connect_seconds_count"
        await centre.eventually(lambda: _series(prometheus, seen), bool)
        await _hear_the_menu(centre, phone)  # a counter has risen when it is seen twice
        heard = await centre.eventually(
            lambda: _series(prometheus, "cc:call_connect_seconds:mean2h"), lambda found: bool(found)
        )
        assert heard[0]["definition"] == "R10.3.1.2"
        assert await _series(prometheus, "sum by (fate) (increase(cc_mystery_calls_total[24h]))")


async def test_every_panel_of_every_board_gets_data(
    centre: Centre, phone: MakePhone, tmp_path_factory: pytest.TempPathFactory
) -> None:
    async with scraping(centre.platform, tmp_path_factory.mktemp("m")) as prometheus:
        await centre.eventually(
            lambda: _targets(prometheus), lambda found: bool(found) and found[0]["health"] == "up"
        )
        await centre.eventually(lambda: _series(prometheus, "cc_calls_active"), bool)
        before = await _handled(prometheus)
        for number in (1, 2):  # a counter has risen when it is seen twice
            await is_served(centre, phone)
            await centre.eventually(lambda: _handled(prometheus), partial(operator.le, before + number))
        asked = [*_queries()]
        assert {part for part in MAY_BE_EMPTY if not any(part in query for _, query in asked)} == set()
        due = [(panel, query) for panel, query in asked if not any(part in query for part in MAY_BE_EMPTY)]
        assert len(due) > len(asked) / 2
        await centre.eventually(lambda: _without_data(prometheus, due), lambda missing: missing == [])


def _queries() -> Iterator[tuple[str, str]]:
    """Every panel of the boards with each of its queries; a board's variable stands for all its values."""
    for name, board in boards().items():
        for panel in board["panels"]:
            for query in panel["targets"]:
                yield f"{name}: {panel['title']}", query["expr"].replace("$trunk", ".*")
        for variable in board["templating"]["list"]:
            family = variable["definition"].removeprefix("label_values(").partition(",")[0]
            yield f"{name}: variable {variable['name']}", f"count by ({variable['name']}) ({family})"


async def _without_data(prometheus: PrometheusProcess, asked: list[tuple[str, str]]) -> list[tuple[str, str]]:
    """Those that got no series with a number in it: NaN is what a quantile of nothing is."""
    missing = []
    for panel, query in asked:
        found = (await prometheus.ask("query", query=query)).get("result", [])
        if all(math.isnan(float(one["value"][1])) for one in found):
            missing.append((panel, query))
    return missing


async def _handled(prometheus: PrometheusProcess) -> float:
    """How many talks of agents Prometheus has seen the end of."""
    found = (await prometheus.ask("query", query="sum(cc_handle_seconds_count)")).get("result", [])
    return float(found[0]["value"][1]) if found else 0.0


async def _hear_the_menu(centre: Centre, phone: MakePhone) -> None:
    number = centre.new_caller()
    call = await (await phone(number)).dial(centre.number("95000"))
    await call.heard(speech=True)
    await call.hang_up()
    await centre.ended(number)


async def _targets(prometheus: PrometheusProcess) -> list[dict[str, Any]]:
    return list((await prometheus.ask("targets")).get("activeTargets", []))


async def _rules(prometheus: PrometheusProcess) -> list[dict[str, Any]]:
    return [rule for group in (await prometheus.ask("rules")).get("groups", []) for rule in group["rules"]]


def _all_evaluated(rules: list[dict[str, Any]]) -> bool:
    return bool(rules) and all(rule["health"] != "unknown" for rule in rules)


async def _firing(prometheus: PrometheusProcess) -> list[dict[str, Any]]:
    found = (await prometheus.ask("alerts")).get("alerts", [])
    return [
        row for row in found if row["state"] == "firing" and row["labels"]["alertname"].startswith("Requirement")
    ]


async def _series(prometheus: PrometheusProcess, query: str) -> list[dict[str, str]]:
    return [found["metric"] for found in (await prometheus.ask("query", query=query)).get("result", [])]
