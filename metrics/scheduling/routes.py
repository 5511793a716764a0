"""REST of reports that are made by themselves.

No ``from __future__ import annotations`` here: the routes' annotations hold objects of a function.
"""

from dataclasses import asdict, replace
from typing import Annotated, Any
from uuid import UUID
from zoneinfo import ZoneInfo

from fastapi import APIRouter, Depends, Response
from pydantic import AwareDatetime, BaseModel, ConfigDict, Field

from ccplatform.contracts.words import Role
from ccplatform.kernel.clock import Clock
from ccplatform.kernel.errors import Refusal
from ccplatform.security.access import Access
from ccplatform.security.audit import Audit
from ccplatform.security.model import Principal
from metrics.scheduling.model import Every, FileFormat, Schedule
from metrics.scheduling.settings import MailSettings
from metrics.scheduling.store import ScheduleStore

Address = Annotated[str, Field(pattern=r"^[A-Za-z0-9._%+-]{1,64}@[A-Za-z0-9.-]{1,190}$")]


class SchedulePut(BaseModel):
    """A report that is to be made by itself."""

    model_config = ConfigDict(extra="forbid")

    name: str = Field(
        pattern=r"^[^\W_][\w .()-]{0,79}$", description="of the file, too", examples=["Queues of the day"]
    )
    report: str = Field(max_length=40, examples=["queues"])
    group_by: str = Field(max_length=40, examples=["queue"])
    period: Every = Field(description="the whole period that it is of; it is made when that is over")
    format: FileFormat = FileFormat.XLSX
    minute: int = Field(
        default=6 * 60, ge=0, le=1439, description="of the day after the period, by the centre's clock"
    )
    mail_to: list[Address] = Field(default=[], max_length=20, description="none: into the folder")
    paused: bool = False


class ScheduleItem(SchedulePut):
    """One with what came of it."""

    id: str
    next_at: AwareDatetime = Field(description="when the next one is due")
    tried_at: AwareDatetime | None = Field(description="when the last one was made; null: none was yet")
    last_period: str = Field(description="the period of the last one", examples=["2026-01-05"])
    last_result: str = Field(description="the file or the addresses; what went wrong, if last_ok is false")
    last_ok: bool | None


class ScheduleList(BaseModel):
    """All of them, by name, and where reports can go."""

    items: list[ScheduleItem]
    next_cursor: str | None = None
    mail_domains: list[str] = Field(description="domains of the addresses; none: no report goes by e-mail")


def build_schedule_routes(
    *, access: Access, store: ScheduleStore, audit: Audit, clock: Clock, zone: ZoneInfo, mail: MailSettings
) -> APIRouter:
    """The routes; paths without the prefix ``/api/v1``."""
    router = APIRouter(tags=["metrics"])
    reader = Annotated[
        Principal, Depends(access.require(Role.SUPERVISOR, Role.AUDITOR, Role.ADMIN, whole_centre=True))
    ]
    writer = Annotated[Principal, Depends(access.require(Role.ADMIN))]

    @router.get("/report-schedules", response_model=ScheduleList)
    async def list_schedules(_: reader) -> Any:
        """Reports that are made by themselves, and what came of the last ones."""
        items = [asdict(one) for one in await store.all()]
        return {"items": items, "mail_domains": mail.domains if mail.usable else []}

    @router.put("/report-schedules/{schedule_id}", response_model=ScheduleItem)
    async def put_schedule(schedule_id: UUID, body: SchedulePut, principal: writer) -> Any:
        """Add one, or change it: what was missed while it was paused is not made up."""
        now, before = clock.wall(), await store.get(str(schedule_id))
        fresh = Schedule(id=str(schedule_id), next_at=now, **{**body.model_dump(), "mail_to": tuple(body.mail_to)})
        fresh = replace(fresh, next_at=fresh.after(now, zone))
        fresh.query(zone)  # which raises what is wrong with it
        _check_addresses(fresh.mail_to, mail)
        same = before is not None and (before.period, before.minute) == (fresh.period, fresh.minute)
        if same and before is not None and not before.paused:
            fresh = replace(fresh, next_at=before.next_at)
        async with store.database.transaction() as connection:
            await store.put(fresh, connection)
            await audit.record(
                subject=principal.user,
                action="report_schedule.add" if before is None else "report_schedule.change",
                object=fresh.name,
                result="ok",
                detail=body.model_dump(mode="json"),
                connection=connection,
            )
        return asdict(await store.get(fresh.id) or fresh)

    @router.delete("/report-schedules/{schedule_id}", status_code=204)
    async def remove_schedule(schedule_id: UUID, principal: writer) -> Response:
        """Forget one; reports that it made stay."""
        async with store.database.transaction() as connection:
            gone = await store.remove(str(schedule_id), connection)
            await audit.record(
                subject=principal.user,
                action="report_schedule.remove",
                object=gone.name,
                result="ok",
                connection=connection,
            )
        return Response(status_code=204)

    return router


def _check_addresses(addresses: tuple[str, ...], mail: MailSettings) -> None:
    if not addresses:
        return
    if not mail.usable:
        raise Refusal(
            "no report goes by e-mail: reports.mail has no host or no domains", code="no_mail", where="mail_to"
        )
    for address in addresses:
        if address.rpartition("@")[2].lower() not in {domain.lower() for domain in mail.domains}:
            raise Refusal(
                f"reports may not go to {address}: see reports.mail.domains", code="bad_address", where="mail_to"
            )
