"""REST of the metrics package: compliance, reports; and the handler of /metrics.

No ``from __future__ import annotations`` here: FastAPI could not see local names.
"""

import asyncio
import hmac
from collections.abc import Awaitable, Callable
from datetime import datetime, time, timedelta
from enum import StrEnum
from ipaddress import ip_address
from typing import Annotated, Any
from zoneinfo import ZoneInfo

from fastapi import APIRouter, Depends, Query, Request, Response
from pydantic import BaseModel, ConfigDict, Field

from ccplatform.kernel.clock import Clock
from ccplatform.kernel.errors import Refusal, Unavailable
from ccplatform.security.access import Access, Principal, Role
from ccplatform.security.errors import NotAllowed, NotAuthenticated
from ccplatform.security.model import Overseen
from metrics.adherence.model import Adherence
from metrics.adherence.plans import Plans
from metrics.adherence.routes import AdherenceFigures, figures_of
from metrics.budgets import Budget, Watched, short_name
from metrics.compliance import ComplianceRow
from metrics.day import Figure
from metrics.definitions import DEFINITIONS
from metrics.indicator import Comparison, Source, Unit
from metrics.model import MICROSECONDS, Verdict
from metrics.report_files import FILES
from metrics.report_words import WORDS, unit_of
from metrics.reports import ReportQuery
from metrics.service import MetricsService
from metrics.settings import MetricsSettings
from metrics.sheets import columns_of
from metrics.store import ReportStore
from metrics.text_format import CONTENT_TYPE

_MAY_SEE_COMPLIANCE = (Role.SUPERVISOR, Role.AUDITOR, Role.MAINTAINER, Role.ADMIN)
_HAVE_A_DAY = (Role.AGENT,)
_MAY_SEE_REPORTS = (Role.SUPERVISOR, Role.AUDITOR, Role.ADMIN)


class BurnItem(BaseModel):
    """How fast a budget is used up over a window."""

    window: str = Field(description="5m, 1h, 2h, 24h")
    burn: float | None = Field(description="used up / allowed: 1 is the target exactly; null without samples")
    samples: int


class BudgetItem(BaseModel):
    """What a requirement allows, and how fast that is used up (docs/packages/metrics.md)."""

    left: float | None = Field(description="share of what the clause's window allows; below 0 it is overdrawn")
    burns: list[BurnItem] = Field(description="the shortest window first, the clause's own last")
    stands: Watched


class ComplianceItem(BaseModel):
    """One requirement of section 10.3: what was measured and what it says."""

    model_config = ConfigDict(extra="forbid")

    id: str
    title: str
    title_zh: str
    clause: str
    clause_zh: str
    value: float | None
    target: float | None
    comparison: Comparison | None
    unit: Unit
    window: str
    samples: int
    samples_needed: int
    successes: int | None
    confidence_bound: float | None
    verdict: Verdict
    source: Source
    decided_by: Source
    label: str
    self_reported_value: float | None = Field(description="what the platform says where mystery calls decide")
    self_reported_samples: int | None
    numerator: str
    denominator: str
    exclusions: str
    version: int
    history: list[float | None] = Field(
        description="values at the last full steps of five minutes, oldest first, at most 24; null: no data then"
    )
    budget: BudgetItem


class ComplianceList(BaseModel):
    """All requirements, in the order of the standard."""

    items: list[ComplianceItem]
    next_cursor: str | None = None


class FigureItem(BaseModel):
    """A figure of the day so far (section 3.1), of all queues and agents together."""

    id: str
    title: str
    title_zh: str
    value: float | None = Field(description="null: nothing yet to compute it from")
    unit: Unit
    samples: int
    numerator: str
    denominator: str
    exclusions: str
    version: int


class FigureList(BaseModel):
    """The figures of the day."""

    items: list[FigureItem]
    next_cursor: str | None = None


class OwnDay(AdherenceFigures):
    """An agent's day so far, from midnight of the centre's time zone; durations in seconds."""

    agent: str = Field(examples=["1004"])
    talks: int = Field(description="that ended: of queues, by direct calls, consultations")
    talk_seconds: float = Field(description="hold included")
    wrap_up_seconds: float
    idle_seconds: float = Field(description="ready, or ringing")
    pause_seconds: float = Field(description="signed in and not ready, meals included")
    handle_seconds: float | None = Field(description="(talk + wrap-up) / talks; null without a talk that ended")
    occupancy: float | None = Field(description="(talk + wrap-up) / (talk + wrap-up + idle), or null")


class ReportFormat(StrEnum):
    """How a report comes."""

    JSON = "json"
    CSV = "csv"
    XLSX = "xlsx"
    PDF = "pdf"


class ReportColumn(BaseModel):
    """A column of a report, the group first."""

    name: str
    title: str
    title_zh: str
    unit: str = Field(description="count, seconds, ratio, text; group: what the row stands for")


class ReportList(BaseModel):
    """The rows of a report with what they were computed for."""

    report: str
    columns: list[ReportColumn]
    group_by: str
    begin: datetime
    end: datetime
    items: list[dict[str, Any]]
    next_cursor: str | None = None


def build_router(
    *,
    access: Access,
    service: MetricsService,
    reports: ReportStore,
    clock: Clock,
    zone: ZoneInfo,
    overseen: Overseen,
    plans: Plans,
) -> APIRouter:
    """The routes; paths without the prefix ``/api/v1``."""
    router = APIRouter(tags=["metrics"])

    @router.get("/compliance")
    async def compliance(
        principal: Annotated[Principal, Depends(access.require(*_MAY_SEE_COMPLIANCE))],
    ) -> ComplianceList:
        """Every requirement of section 10.3: value, target, samples and verdict now."""
        lines = service.lines()
        rows = zip(service.compliance(), service.budgets(), strict=True)
        return ComplianceList(items=[_item(row, lines[row.definition.id], budget) for row, budget in rows])

    @router.get("/figures")
    async def figures(
        principal: Annotated[Principal, Depends(access.require(*_MAY_SEE_COMPLIANCE))],
    ) -> FigureList:
        """The figures of section 3.1 for today so far: service level and its variants, speed of answer, times."""
        return FigureList(items=[_figure_item(figure) for figure in service.figures()])

    @router.get("/me/day")
    async def own_day(principal: Annotated[Principal, Depends(access.require(*_HAVE_A_DAY))]) -> OwnDay:
        """My own day so far: calls, average handle time, occupancy, adherence to my shift."""
        if principal.agent is None:
            raise Refusal("you have no agent number", code="no_agent_number")
        times = service.day_of(principal.agent)
        planned = await _planned(plans, principal.agent)
        return OwnDay(
            agent=principal.agent,
            talks=times.talks,
            talk_seconds=times.talk / MICROSECONDS,
            wrap_up_seconds=times.wrap_up / MICROSECONDS,
            idle_seconds=times.idle / MICROSECONDS,
            pause_seconds=(times.rest + times.meal) / MICROSECONDS,
            handle_seconds=times.handle_seconds,
            occupancy=times.occupancy,
            **figures_of(planned).model_dump(),
        )

    @router.get("/reports/{name}", response_model=ReportList)
    async def report(
        name: str,
        principal: Annotated[Principal, Depends(access.require(*_MAY_SEE_REPORTS))],
        begin: Annotated[datetime | None, Query(alias="from", description="today's midnight by default")] = None,
        end: Annotated[datetime | None, Query(alias="to", description="exclusive; now by default")] = None,
        group_by: str | None = None,
        format: ReportFormat = ReportFormat.JSON,
    ) -> ReportList | Response:
        """Queues, agents (those of a supervisor's teams), trunks, flows, contacts, surveys, resolution."""
        now = clock.wall()
        query = ReportQuery.of(name, begin or _midnight(now, zone), end or now + timedelta(seconds=1), group_by)
        rows = await reports.rows(query, overseen(principal))
        if format is not ReportFormat.JSON:
            media, write = FILES[format]
            head = {"Content-Disposition": f'attachment; filename="{query.report.name}.{format}"'}
            return Response(await asyncio.to_thread(write, query, rows, zone), media_type=media, headers=head)
        return ReportList(
            report=query.report.name,
            columns=[_column(query, name) for name in columns_of(query)],
            group_by=query.grouping,
            begin=query.begin,
            end=query.end,
            items=rows,
        )

    return router


def build_scrape(
    *, service: MetricsService, settings: MetricsSettings
) -> Callable[[Request], Awaitable[Response]]:
    """The handler of GET /metrics, at the root: for a bearer of the scrape token where one is set, else for the
    allowed networks (the node itself by default). Raises NotAuthenticated or NotAllowed."""
    token = settings.scrape_token.get_secret_value().encode() if settings.scrape_token is not None else None

    async def scrape(request: Request) -> Response:
        """Figures in the Prometheus text format."""
        if token is not None:
            scheme, _, given = request.headers.get("authorization", "").partition(" ")
            if scheme.lower() != "bearer" or not hmac.compare_digest(given.strip().encode(), token):
                raise NotAuthenticated("GET /metrics needs the scrape token as bearer token")
        elif not _in_networks(request.client.host if request.client is not None else "", settings):
            raise NotAllowed("GET /metrics is not allowed from this address; see metrics.scrape_networks")
        return Response(await service.scrape(), media_type=CONTENT_TYPE)

    return scrape


def _in_networks(host: str, settings: MetricsSettings) -> bool:
    try:
        address = ip_address(host)
    except ValueError:
        return False
    mapped = getattr(address, "ipv4_mapped", None)
    address = mapped if mapped is not None else address
    return any(address.version == network.version and address in network for network in settings.scrape_networks)


async def _planned(plans: Plans, agent: str) -> Adherence:
    """The rest of his day is known while the database is away."""
    try:
        return await plans.of(agent)
    except Unavailable:
        return Adherence(0, 0, None)


def _midnight(now: datetime, zone: ZoneInfo) -> datetime:
    return datetime.combine(now.astimezone(zone).date(), time(), zone)


def _budget(budget: Budget) -> BudgetItem:
    burns = [
        BurnItem(window=short_name(burn.window), burn=burn.burn, samples=burn.samples) for burn in budget.burns
    ]
    return BudgetItem(left=budget.left, burns=burns, stands=budget.stands)


def _column(query: ReportQuery, name: str) -> ReportColumn:
    zh, en = WORDS[name]
    return ReportColumn(name=name, title=en, title_zh=zh, unit=unit_of(name, query.grouping))


def _figure_item(figure: Figure) -> FigureItem:
    definition = DEFINITIONS[figure.definition_id]
    return FigureItem(
        id=definition.id,
        title=definition.title_en,
        title_zh=definition.title_zh,
        value=figure.value,
        unit=definition.unit,
        samples=figure.samples,
        numerator=definition.numerator,
        denominator=definition.denominator,
        exclusions=definition.exclusions,
        version=definition.version,
    )


def _item(row: ComplianceRow, history: list[float | None], budget: Budget) -> ComplianceItem:
    definition, measured, own = row.definition, row.measurement, row.self_reported
    return ComplianceItem(
        id=definition.id,
        title=definition.title_en,
        title_zh=definition.title_zh,
        clause=definition.clause_en,
        clause_zh=definition.clause_zh,
        value=measured.value,
        target=definition.target,
        comparison=definition.comparison,
        unit=definition.unit,
        window=definition.window,
        samples=measured.samples,
        samples_needed=definition.min_samples,
        successes=measured.successes,
        confidence_bound=row.confidence_bound,
        verdict=row.verdict,
        source=definition.source,
        decided_by=definition.decides,
        label=measured.label,
        self_reported_value=own.value if own is not None else None,
        self_reported_samples=own.samples if own is not None else None,
        numerator=definition.numerator,
        denominator=definition.denominator,
        exclusions=definition.exclusions,
        version=definition.version,
        history=history,
        budget=_budget(budget),
    )
