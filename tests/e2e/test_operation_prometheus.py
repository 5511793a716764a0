"""A real Prometheus scrapes a running platform by the files of `deploy/`: targets, rules, alerts, every panel."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest

from metrics.definitions import REQUIREMENTS
from metrics.monitoring.boards import boards
from metrics.monitoring.rules import groups
from tests.e2e.centre import Centre
from tests.e2e.rig import calls_in_vain, centre_of
from tests.support.fixtures import MakePhone
from tests.support.platform import PlatformProcess
from tests.support.prometheus import PrometheusProcess


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
        for board in boards().values():
            for panel in board["panels"]:
                for query in panel["targets"]:
                    await prometheus.ask("query", query=query["expr"].replace("$trunk", ".*"))


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
