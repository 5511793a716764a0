"""Trunks as a maintainer has them: a provider that is away and comes back, by REST, alarms and metrics."""

from __future__ import annotations

from typing import Any

from tests.e2e.centre import Centre, Row
from tests.support.kamailio import PASSWORD, Kamailio
from tests.support.ports import free_port


async def test_a_provider_that_is_away_is_an_alarm_until_it_is_back(centre: Centre) -> None:
    kamailio = Kamailio(far=free_port())
    trunk = {
        "host": "127.0.0.1",
        "port": kamailio.port,
        "transport": "TCP",
        "account": "trunk7",
        "password": PASSWORD,
        "domain": "provider.example",
        "registration": {"seconds": 600},
        "probe_seconds": 1,
    }

    async def now() -> Row:
        found: Row = await centre.get("trunks/provider", user="tech1")
        return found

    async def alarms() -> set[str]:
        rows = await centre.items("alarms", user="tech1", active=True)
        return {row["kind"] for row in rows if "provider" in row["subject"]}

    made = await centre.ask("PUT", "trunks/provider", user="tech1", json=trunk)
    assert made.status_code == 200, made.text
    assert PASSWORD not in made.text
    try:
        await centre.eventually(
            alarms, {"trunk_down", "trunk_server_down", "trunk_registration_lost"}.__eq__, limit=20
        )
        away = await now()
        assert (away["targets"][0]["state"], away["registered"]["state"]) == ("down", "lost")
        async with kamailio:
            answer = await centre.ask("POST", "trunks/provider/reset", user="tech1")
            assert answer.status_code == 204, answer.text
            back = await centre.eventually(now, _serves)
            assert back["targets"][0]["round_trip_seconds"] < 1
            await centre.eventually(alarms, lambda kinds: not kinds)
            text = await centre.eventually(
                centre.metrics, lambda page: 'cc_trunk_registered{trunk="provider"} 1.0' in page
            )
            assert 'cc_trunk_in_service{trunk="provider"} 1.0' in text
    finally:
        assert (await centre.ask("DELETE", "trunks/provider", user="tech1")).status_code == 200
    assert "provider" not in [row["id"] for row in await centre.items("trunks")]


def _serves(row: dict[str, Any]) -> bool:
    return row["targets"][0]["state"] == "up" and (row["registered"] or {}).get("state") == "registered"
