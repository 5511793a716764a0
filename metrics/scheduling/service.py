"""Makes reports when they are due, and those that were missed while the platform was away, each once.

A report whose place cannot be reached is tried again until it is there: its schedule moves on only then. One that
cannot be made at all (of too many rows), or that a mail server took for some addresses only, is told and passed
over. Both are alarms until the next that is well.
"""

from __future__ import annotations

import asyncio
from dataclasses import replace
from datetime import datetime, timedelta
from pathlib import Path
from typing import Final
from zoneinfo import ZoneInfo

import structlog

from ccplatform.contracts.ports import Alarms
from ccplatform.contracts.words import Severity
from ccplatform.kernel.clock import Clock, sleep
from ccplatform.kernel.errors import Refusal
from ccplatform.storage.errors import DatabaseUnavailable
from metrics.report_files import FILES
from metrics.report_words import WORDS
from metrics.scheduling.model import Schedule
from metrics.scheduling.sending import Finished, NotDelivered, mail, put
from metrics.scheduling.settings import ReportSettings
from metrics.scheduling.store import ScheduleStore
from metrics.sheets import period_of
from metrics.store import ReportStore

#: The alarm of a report that was not made or did not arrive; its subject is the schedule's name.
ALARM: Final = "report_not_sent"

_log = structlog.get_logger("reports")


class ReportSchedules:
    """Run :meth:`run` under ``TaskSupervisor.keep_running``. ``folder`` is where files go."""

    def __init__(
        self,
        store: ScheduleStore,
        reports: ReportStore,
        *,
        alarms: Alarms,
        clock: Clock,
        zone: ZoneInfo,
        settings: ReportSettings,
        folder: Path,
    ) -> None:
        self._store = store
        self._reports = reports
        self._alarms = alarms
        self._clock = clock
        self._zone = zone
        self._settings = settings
        self._folder = folder
        self._failed: set[str] = set()

    async def run(self) -> None:
        """Look again and again; without a database later."""
        while True:
            try:
                await self.look()
            except DatabaseUnavailable:
                _log.info("reports that are due wait for the database")
            await sleep(self._clock, self._settings.look_seconds)

    async def look(self) -> None:
        """Make everything that is due; raises DatabaseUnavailable."""
        schedules = await self._store.all()
        for name in self._failed - {one.name for one in schedules if not one.paused}:
            self._well(name)  # removed, renamed or paused
        for schedule in schedules:
            if schedule.last_ok is False and not schedule.paused and schedule.name not in self._failed:
                self._wrong(schedule.name, schedule.last_result)  # it failed before this process began
            await self._catch_up(schedule)

    async def _catch_up(self, schedule: Schedule) -> None:
        now = self._clock.wall()
        pause = timedelta(seconds=self._settings.retry_seconds)
        rests = schedule.last_ok is False and schedule.tried_at is not None and now < schedule.tried_at + pause
        if schedule.paused or rests or schedule.next_at > now:
            return
        oldest = schedule.made_up_from(now, self._zone)
        if oldest > schedule.next_at:
            _log.warning("reports of long ago are not made up", schedule=schedule.name, until=oldest.isoformat())
            await self._store.tried(
                schedule, at=now, period=schedule.last_period, result="", ok=True, next_at=oldest
            )
            schedule = replace(schedule, next_at=oldest)
        while schedule.next_at <= now:
            following = await self._one(schedule)
            if following == schedule.next_at:
                return
            schedule = replace(schedule, next_at=following)

    async def _one(self, schedule: Schedule) -> datetime:
        """Make one; when the next is due: the same again when it did not arrive."""
        following, ok = schedule.after(schedule.next_at, self._zone), True
        period = schedule.period_name(self._zone)
        try:
            result = await self._deliver(schedule, await self._made(schedule, period))
        except NotDelivered as error:
            result, ok, following = str(error), False, schedule.next_at
        except Refusal as error:
            result, ok = str(error), False
        await self._store.tried(
            schedule, at=self._clock.wall(), period=period, result=result, ok=ok, next_at=following
        )
        if ok:
            self._well(schedule.name)
            _log.info("report made", schedule=schedule.name, period=period)
        else:
            self._wrong(schedule.name, f"{period}: {result}")
        return following

    async def _made(self, schedule: Schedule, period: str) -> Finished:
        query = schedule.query(self._zone)
        rows = await self._reports.rows(query)
        media, write = FILES[schedule.format]
        zh, en = WORDS[query.report.name]
        when = period_of(query, self._zone)
        return Finished(
            name=f"{schedule.name} {period}",
            ending=schedule.format,
            media=media,
            text=f"{zh}\n{en}\n{when}\n{len(rows)}\n",
            data=await asyncio.to_thread(write, query, rows, self._zone),
            reference=f"{schedule.id}.{period}",
        )

    async def _deliver(self, schedule: Schedule, report: Finished) -> str:
        if schedule.mail_to:
            await asyncio.to_thread(mail, self._settings.mail, schedule.mail_to, report)
            return ", ".join(schedule.mail_to)
        return (await asyncio.to_thread(put, self._folder, report)).name

    def _wrong(self, name: str, text: str) -> None:
        self._failed.add(name)
        self._alarms.raise_alarm(ALARM, name, Severity.NON_URGENT, text)

    def _well(self, name: str) -> None:
        self._failed.discard(name)
        self._alarms.clear_alarm(ALARM, name)
