"""Who may see compliance, reports and the scrape, and what they look like."""

from __future__ import annotations

from collections.abc import AsyncIterator, Collection
from contextlib import asynccontextmanager
from datetime import UTC, datetime
from typing import Any, cast
from zoneinfo import ZoneInfo

import httpx
import pytest
from fastapi import APIRouter

from ccplatform.app.http import build_http
from ccplatform.contracts.words import AgentId, Role
from ccplatform.security.access import Access
from ccplatform.security.errors import NotAuthenticated
from ccplatform.security.model import Principal, Session
from ccplatform.security.tokens import Tokens
from ccplatform.storage.errors import DatabaseUnavailable
from metrics.adherence.model import Shift
from metrics.adherence.plans import Plans
from metrics.adherence.routes import build_router as build_adherence_routes
from metrics.figures import FIGURES
from metrics.model import wall_us
from metrics.reports import ReportQuery, ReportRow
from metrics.routes import build_router, build_scrape
from metrics.service import MetricsService
from metrics.settings import MetricsSettings
from metrics.store import ReportStore
from tests.metrics.telling import Centre

LOOPBACK = ("127.0.0.1", 4711)


class FakeTokens:
    """The token is a role's name; ``red`` is a supervisor of the agents of that team, ``of 1004`` an agent."""

    async def session(self, token: str) -> Session:
        if token not in {*Role, "red", "of 1004"}:
            raise NotAuthenticated
        own = AgentId("1004") if token == "of 1004" else None
        role = Role.SUPERVISOR if token == "red" else Role.AGENT if own is not None else Role(token)
        teams = frozenset({"red"} if token == "red" else ())
        principal = Principal(user=f"the {token}", roles=frozenset({role}), agent=own, teams=teams)
        return Session(principal=principal, must_change=False, expires_at=datetime(2027, 1, 1, tzinfo=UTC))


class FakeReports:
    """Remembers what was asked."""

    def __init__(self) -> None:
        self.asked: list[ReportQuery] = []
        self.of: list[Collection[AgentId] | None] = []

    async def rows(self, query: ReportQuery, agents: Collection[AgentId] | None = None) -> list[ReportRow]:
        self.asked.append(query)
        self.of.append(agents)
        return [{query.grouping.value: "sales", **dict.fromkeys(query.report.columns, 1)}]


class FakeShifts:
    """These, or none while the database is away."""

    def __init__(self) -> None:
        self.there: list[Shift] = []
        self.away = False

    async def between(self, start: datetime, end: datetime, agent: str | None = None) -> list[Shift]:
        if self.away:
            raise DatabaseUnavailable("away")
        return [shift for shift in self.there if agent in (None, shift.agent)]


def overseen(principal: Principal) -> frozenset[AgentId] | None:
    return frozenset({AgentId("1005")}) if principal.teams else None


SHANGHAI = ZoneInfo("Asia/Shanghai")


class Web:
    """The routes over a centre with one call."""

    def __init__(self, **settings: Any) -> None:
        self.centre = Centre()
        chosen = MetricsSettings.model_validate(settings)
        service = MetricsService(clock=self.centre.clock, settings=chosen, zone=SHANGHAI)
        self.centre.voice(self.centre.arrive(), seconds=0.25)
        for event in self.centre.events:
            service.apply(event)
        self.reports = FakeReports()
        self.shifts = FakeShifts()
        self.plans = Plans(
            self.shifts,
            clock=self.centre.clock,
            zone=SHANGHAI,
            attendance=lambda: service.fold.attendance,
        )
        access = Access(tokens=cast(Tokens, FakeTokens()))
        router = build_router(
            access=access,
            service=service,
            reports=cast(ReportStore, self.reports),
            clock=self.centre.clock,
            zone=SHANGHAI,
            overseen=overseen,
            plans=self.plans,
        )
        watched = build_adherence_routes(access=access, plans=self.plans, overseen=overseen)
        root = APIRouter()
        root.add_api_route("/metrics", build_scrape(service=service, settings=chosen))
        self.app = build_http(
            routers=[router, watched],
            root_routers=[root],
            readiness=_ready,
            pages=None,
            max_body_bytes=1000,
        )

    @asynccontextmanager
    async def http(
        self, who: str | None = None, client: tuple[str, int] = LOOPBACK
    ) -> AsyncIterator[httpx.AsyncClient]:
        headers = {"Authorization": f"Bearer {who}"} if who is not None else {}
        transport = httpx.ASGITransport(app=self.app, client=client)
        async with httpx.AsyncClient(transport=transport, base_url="http://node", headers=headers) as opened:
            yield opened

    async def get(self, path: str, who: str | None = None, client: tuple[str, int] = LOOPBACK) -> httpx.Response:
        async with self.http(who, client) as http:
            return await http.get(path)


async def _ready() -> dict[str, Any]:
    return {"ready": True}


async def test_compliance_has_the_fields_of_the_contract() -> None:
    answer = await Web().get("/api/v1/compliance", "auditor")
    assert answer.status_code == 200
    body = answer.json()
    assert body["next_cursor"] is None
    rows = {row["id"]: row for row in body["items"]}
    contract = {"id", "title", "clause", "value", "target", "comparison", "unit", "window", "samples", "verdict"}
    assert all(contract <= set(row) for row in rows.values())
    row = rows["R10.3.1.2"]
    assert (row["value"], row["target"], row["comparison"], row["unit"]) == (0.25, 1.0, "<=", "seconds")
    assert (row["samples"], row["verdict"], row["source"], row["window"]) == (
        1,
        "insufficient",
        "self_reported",
        "PT2H",
    )
    assert rows["R10.3.2.a"]["decided_by"] == "mystery_calls"
    assert rows["R10.3.1.4.c"]["verdict"] == "no_data"


@pytest.mark.parametrize("role", list(Role))
async def test_agents_see_neither_compliance_nor_reports(role: Role) -> None:
    web = Web()
    compliance = await web.get("/api/v1/compliance", role)
    assert compliance.is_success == (role is not Role.AGENT)
    report = await web.get("/api/v1/reports/queues", role)
    assert report.is_success == (role in (Role.SUPERVISOR, Role.AUDITOR, Role.ADMIN))


async def test_nobody_unknown_sees_anything() -> None:
    web = Web()
    for path in ("/api/v1/compliance", "/api/v1/reports/queues"):
        assert (await web.get(path)).status_code == 401


async def test_a_report_is_of_today_unless_a_period_is_given() -> None:
    web = Web()
    answer = await web.get("/api/v1/reports/agents", "supervisor")
    assert answer.json()["items"][0]["agent"] == "sales"
    assert web.reports.asked[0].begin.isoformat() == "2026-01-05T00:00:00+08:00"
    path = "/api/v1/reports/queues?from=2026-01-01T00:00:00Z&to=2026-01-02T00:00:00Z&group_by=hour"
    assert (await web.get(path, "supervisor")).json()["group_by"] == "hour"
    assert web.reports.asked[1].end == datetime(2026, 1, 2, tzinfo=UTC)


async def test_a_supervisor_of_teams_gets_the_figures_of_their_agents() -> None:
    web = Web()
    for who in ("red", "supervisor", "auditor"):
        assert (await web.get("/api/v1/reports/agents", who)).is_success
    assert web.reports.of == [{"1005"}, None, None]


async def test_csv_is_a_download() -> None:
    answer = await Web().get("/api/v1/reports/queues?format=csv", "supervisor")
    assert answer.headers["content-type"] == "text/csv; charset=utf-8"
    assert answer.text.startswith("queue,offered,")


@pytest.mark.parametrize(
    ("path", "status", "code"),
    [
        ("nothing", 404, "no_such_report"),
        ("queues?group_by=agent", 400, "bad_request"),
        ("queues?from=2026-01-05T00:00:00", 400, "bad_request"),
        ("queues?format=doc", 422, "invalid"),
        ("queues?from=yesterday", 422, "invalid"),
    ],
)
async def test_what_a_report_cannot_do_is_said(path: str, status: int, code: str) -> None:
    answer = await Web().get(f"/api/v1/reports/{path}", "supervisor")
    assert (answer.status_code, answer.json()["code"]) == (status, code)


async def test_the_scrape_is_for_the_node_itself_by_default() -> None:
    web = Web()
    here = await web.get("/metrics")
    assert here.status_code == 200
    assert here.headers["content-type"] == "text/plain; version=0.0.4; charset=utf-8"
    assert "cc_call_connect_seconds_count 1.0" in here.text
    assert (await web.get("/metrics", client=("::1", 1))).is_success
    assert (await web.get("/metrics", client=("::ffff:127.0.0.1", 1))).is_success
    for elsewhere in ("192.0.2.7", "2001:db8::1", "testclient"):
        assert (await web.get("/metrics", client=(elsewhere, 1))).status_code == 403


async def test_other_networks_may_scrape_when_they_are_named() -> None:
    web = Web(scrape_networks=["192.0.2.0/24"])
    assert (await web.get("/metrics", client=("192.0.2.7", 1))).is_success
    assert (await web.get("/metrics")).status_code == 403


async def test_with_a_token_everybody_needs_it() -> None:
    web = Web(scrape_token="geheim")
    assert (await web.get("/metrics")).status_code == 401
    assert (await web.get("/metrics", "falsch")).status_code == 401
    assert (await web.get("/metrics", "geheim", client=("192.0.2.7", 1))).is_success


def test_settings_refuse_what_they_do_not_know() -> None:
    with pytest.raises(ValueError, match="Extra inputs"):
        MetricsSettings.model_validate({"target": 1})


async def test_the_figures_of_the_day_come_with_their_words() -> None:
    web = Web()
    rows = (await web.get("/api/v1/figures", "auditor")).json()["items"]
    assert [row["id"] for row in rows] == [definition.id for definition in FIGURES]
    (level,) = [row for row in rows if row["id"] == "D-SL.without_short"]
    assert (level["value"], level["unit"], level["samples"]) == (None, "ratio", 0)
    assert "5 s" in level["exclusions"]
    assert (await web.get("/api/v1/figures", "agent")).status_code == 403


@pytest.mark.parametrize(
    ("format", "media", "begins"),
    [
        ("xlsx", "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet", b"PK"),
        ("pdf", "application/pdf", b"%PDF-"),
    ],
)
async def test_excel_and_pdf_are_downloads(format: str, media: str, begins: bytes) -> None:
    answer = await Web().get(f"/api/v1/reports/agents?format={format}&group_by=month", "supervisor")
    assert answer.headers["content-type"] == media
    assert answer.headers["content-disposition"] == f'attachment; filename="agents.{format}"'
    assert answer.content.startswith(begins)


async def test_an_agent_sees_his_own_day_and_nobody_else_s() -> None:
    web = Web()
    assert (await web.get("/api/v1/me/day", Role.AGENT)).json()["code"] == "no_agent_number"
    assert (await web.get("/api/v1/me/day", "of 1004")).json()["occupancy"] is None
    assert (await web.get("/api/v1/me/day", Role.SUPERVISOR)).status_code == 403


async def test_adherence_is_for_supervisors_of_their_agents_and_for_oneself() -> None:
    web = Web()
    nine = wall_us(web.centre.clock.wall())
    web.shifts.there = [
        Shift(agent=agent, start_us=nine - 3_600_000_000, end_us=nine + 3_600_000_000)
        for agent in ("1004", "1005")
    ]
    rows = (await web.get("/api/v1/adherence", "supervisor")).json()["items"]
    assert [(row["agent"], row["adherence"]) for row in rows] == [("1004", 0.0), ("1005", 0.0)]
    assert rows[0]["planned_now"]["reason"] is None
    assert [row["agent"] for row in (await web.get("/api/v1/adherence", "red")).json()["items"]] == ["1005"]
    assert (await web.get("/api/v1/adherence", "agent")).status_code == 403
    own = (await web.get("/api/v1/me/day", "of 1004")).json()
    assert (own["adherence"], own["planned_seconds"]) == (0.0, pytest.approx(3600, abs=5))


async def test_without_a_plan_or_the_database_there_is_no_adherence_but_the_rest_of_the_day() -> None:
    web = Web()
    assert (await web.get("/api/v1/me/day", "of 1004")).json()["adherence"] is None
    web.shifts.away = True
    day = (await web.get("/api/v1/me/day", "of 1004")).json()
    assert (day["adherence"], day["talks"]) == (None, 0)
    assert (await web.get("/api/v1/adherence", "supervisor")).status_code == 503
