"""Schedules of reports over REST: who may, what is refused, and that everything is in the audit."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any, Final, cast

import httpx
import pytest

from ccplatform.app.http import build_http
from ccplatform.kernel.clock import VirtualClock
from ccplatform.kernel.ids import Ids
from ccplatform.security.access import Access
from ccplatform.security.audit import Audit
from ccplatform.security.tokens import Tokens
from ccplatform.storage.database import Database
from metrics.scheduling.routes import build_schedule_routes
from metrics.scheduling.settings import MailSettings
from metrics.scheduling.store import MOST_SCHEDULES, ScheduleStore
from tests.metrics.test_reports import SHANGHAI
from tests.metrics.test_routes import FakeTokens
from tests.support.database import database, postgres_dsn  # noqa: F401

NOW: Final = datetime(2026, 1, 5, 6, 0, tzinfo=UTC)  # two in the afternoon there
PATH: Final = "/api/v1/report-schedules"
ONE: Final = f"{PATH}/0197a0c0-0000-7000-8000-000000000001"
TWO: Final = f"{PATH}/0197a0c0-0000-7000-8000-000000000002"
DAY: Final[dict[str, Any]] = {"name": "Day", "report": "queues", "group_by": "queue", "period": "day"}
MAIL: Final = MailSettings(host="mail", domains=("Example.org",))


class Desk:
    def __init__(self, database: Database) -> None:  # noqa: F811
        self.clock = VirtualClock(wall=NOW)
        self.audit = Audit(database, clock=self.clock, ids=Ids(self.clock))
        self.store = ScheduleStore(database)

    def http(self, who: str = "admin", mail: MailSettings = MAIL) -> httpx.AsyncClient:
        router = build_schedule_routes(
            access=Access(tokens=cast(Tokens, FakeTokens())),
            store=self.store,
            audit=self.audit,
            clock=self.clock,
            zone=SHANGHAI,
            mail=mail,
        )

        async def ready() -> Any:
            raise AssertionError("nobody asks")

        app = build_http(routers=[router], root_routers=[], readiness=ready, pages=None, max_body_bytes=10_000)
        return httpx.AsyncClient(
            transport=httpx.ASGITransport(app), base_url="http://x", headers={"Authorization": f"Bearer {who}"}
        )


@pytest.fixture
def desk(database: Database) -> Desk:  # noqa: F811
    return Desk(database)


async def test_one_is_added_paused_and_removed_and_the_audit_tells(desk: Desk) -> None:
    async with desk.http() as http:
        made = (await http.put(ONE, json=DAY)).json()
        assert (made["next_at"], made["last_ok"], made["minute"]) == ("2026-01-05T22:00:00Z", None, 360)
        assert (await http.put(ONE, json=DAY)).status_code == 200, "the same once more is no other one"
        paused = (await http.put(ONE, json={**DAY, "paused": True})).json()
        (listed,) = (await http.get(PATH)).json()["items"]
        assert (paused["paused"], listed["paused"], listed["name"]) == (True, True, "Day")
        desk.clock.advance(10 * 86_400)
        goes_on = (await http.put(ONE, json=DAY)).json()
        assert goes_on["next_at"] == "2026-01-15T22:00:00Z", "nothing of the pause is made up"
        assert (await http.delete(ONE)).status_code == 204
        assert (await http.delete(ONE)).status_code == 404
        assert (await http.get(PATH)).json() == {
            **{"items": [], "next_cursor": None, "mail_domains": ["Example.org"]},
        }
    told = [(row.action, row.object, row.subject) for row in await desk.audit.page(limit=10)]
    kinds = ("remove", "change", "change", "change", "add")
    assert told == [(f"report_schedule.{kind}", "Day", "the admin") for kind in kinds]


async def test_what_was_due_stays_due_when_only_its_name_changes(desk: Desk) -> None:
    async with desk.http() as http:
        await http.put(ONE, json=DAY)
        desk.clock.advance(2 * 86_400)
        renamed = (await http.put(ONE, json={**DAY, "name": "Queues"})).json()
        assert renamed["next_at"].startswith("2026-01-0")
        assert datetime.fromisoformat(renamed["next_at"]) < desk.clock.wall()
        later = (await http.put(ONE, json={**DAY, "minute": 420})).json()
        assert datetime.fromisoformat(later["next_at"]) > desk.clock.wall()


@pytest.mark.parametrize(
    ("change", "status", "told"),
    [
        ({"report": "secrets"}, 404, "no report named 'secrets'"),
        ({"group_by": "flow"}, 422, "has no grouping 'flow'"),
        ({"report": "contacts", "group_by": "contact", "period": "year"}, 422, "31 days at most"),
        ({"group_by": "quarter_hour", "period": "quarter"}, 422, "31 days at most"),
        ({"name": "../etc"}, 422, "name"),
        ({"name": "a/b"}, 422, "name"),
        ({"name": "a\nBcc: x"}, 422, "name"),
        ({"minute": 1440}, 422, "minute"),
        ({"mail_to": ["x"]}, 422, "mail_to"),
        ({"mail_to": ["x@elsewhere.org"]}, 422, "may not go to x@elsewhere.org"),
        ({"mail_to": ["x@example.org\nBcc: y@example.org"]}, 422, "mail_to"),
    ],
)
async def test_what_cannot_be_is_refused_with_its_reason(
    desk: Desk, change: dict[str, Any], status: int, told: str
) -> None:
    async with desk.http() as http:
        answer = await http.put(ONE, json={**DAY, **change})
        assert answer.status_code in (status, 400, 409), answer.text
        assert answer.is_client_error
        assert told in answer.text
        assert (await http.get(PATH)).json()["items"] == []


async def test_two_may_not_share_a_name_and_there_is_an_end(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    async with desk.http() as http:
        await http.put(ONE, json=DAY)
        assert "named 'DAY'" in (await http.put(TWO, json={**DAY, "name": "DAY"})).text
        monkeypatch.setattr("metrics.scheduling.store.MOST_SCHEDULES", 1)
        assert (await http.put(TWO, json={**DAY, "name": "Other"})).json()["code"] == "too_many"
    assert MOST_SCHEDULES == 100


async def test_without_a_mail_server_nothing_is_promised(desk: Desk) -> None:
    async with desk.http(mail=MailSettings()) as http:
        answer = await http.put(ONE, json={**DAY, "mail_to": ["a@example.org"]})
        assert answer.json()["code"] == "no_mail"
        assert (await http.get(PATH)).json()["mail_domains"] == []


async def test_an_address_of_the_domain_is_taken(desk: Desk) -> None:
    async with desk.http() as http:
        assert (await http.put(ONE, json={**DAY, "mail_to": ["a@EXAMPLE.org"]})).status_code == 200


async def test_only_administrators_change_and_supervisors_of_teams_do_not_see(desk: Desk) -> None:
    for who, see in (("supervisor", 200), ("auditor", 200), ("red", 403), ("agent", 403), ("maintainer", 403)):
        async with desk.http(who) as http:
            assert (await http.get(PATH)).status_code == see, who
            assert (await http.put(ONE, json=DAY)).status_code == 403, who
            assert (await http.delete(ONE)).status_code == 403, who
