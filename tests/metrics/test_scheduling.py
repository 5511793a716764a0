"""Reports that make themselves: when, of what, where to, and what comes of a fault."""

from __future__ import annotations

import asyncio
import csv
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from email import message_from_bytes, policy
from email.message import EmailMessage
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ccplatform.kernel.clock import VirtualClock
from ccplatform.kernel.errors import Refusal
from ccplatform.storage.database import Database
from metrics import reports
from metrics.scheduling.model import MOST_MADE_UP, Every, FileFormat, Schedule
from metrics.scheduling.sending import Finished, NotDelivered, mail, put
from metrics.scheduling.service import ALARM, ReportSchedules
from metrics.scheduling.settings import MailSettings, ReportSettings
from metrics.scheduling.store import ScheduleStore
from metrics.settings import MetricsSettings
from metrics.store import ReportStore
from tests.metrics.telling import Centre, queue_left
from tests.metrics.test_reports import RULES, SHANGHAI, write
from tests.storage.stream import NotedAlarms
from tests.support.database import database, postgres_dsn  # noqa: F401

BERLIN = ZoneInfo("Europe/Berlin")
#: A Monday, six in the morning.
NOW = datetime(2026, 1, 5, 6, 0, tzinfo=SHANGHAI)
FINISHED = Finished(
    name="Day 2026-01-05", ending="csv", media="text/csv", text="words\n", data=b"a,b\n", reference="x.1"
)


def schedule(**changes: object) -> Schedule:
    plain = Schedule(
        id="0197a0c0-0000-7000-8000-000000000001",
        name="Day",
        report="queues",
        group_by="queue",
        period=Every.DAY,
        format=FileFormat.CSV,
        minute=360,
        mail_to=(),
        paused=False,
        next_at=NOW,
    )
    return replace(plain, **changes)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("period", "begin", "end", "name", "after"),
    [
        (Every.DAY, "2026-01-04", "2026-01-05", "2026-01-04", "2026-01-06"),
        (Every.WEEK, "2025-12-29", "2026-01-05", "2026-W01", "2026-01-12"),
        (Every.MONTH, "2025-12-01", "2026-01-01", "2025-12", "2026-02-01"),
        (Every.QUARTER, "2025-10-01", "2026-01-01", "2025-Q4", "2026-04-01"),
        (Every.YEAR, "2025-01-01", "2026-01-01", "2025", "2027-01-01"),
    ],
)
def test_a_report_is_of_the_last_whole_period(period: Every, begin: str, end: str, name: str, after: str) -> None:
    day = datetime.fromisoformat(end).replace(hour=6, tzinfo=SHANGHAI)
    due = schedule(period=period, next_at=day)
    query = due.query(SHANGHAI)
    assert (query.begin.date().isoformat(), query.end.date().isoformat()) == (begin, end)
    assert due.period_name(SHANGHAI) == name
    following = due.after(day, SHANGHAI)
    assert (following.date().isoformat(), following.hour) == (after, 6)
    assert due.after(day - timedelta(seconds=1), SHANGHAI) == day


@given(
    st.sampled_from(Every),
    st.integers(0, 1439),
    st.datetimes(datetime(2024, 1, 1), datetime(2030, 1, 1), timezones=st.just(UTC)),  # noqa: DTZ001
)
def test_no_period_is_left_out_and_none_comes_twice(period: Every, minute: int, at: datetime) -> None:
    one = schedule(period=period, minute=minute, next_at=at)
    first = replace(one, next_at=one.after(at, BERLIN))  # a zone whose clocks change
    second = replace(one, next_at=one.after(first.next_at, BERLIN))
    assert at < first.next_at < second.next_at
    assert first.query(BERLIN).end == second.query(BERLIN).begin


def test_after_a_long_absence_only_so_many_are_made_up() -> None:
    one = schedule()
    assert one.made_up_from(NOW, SHANGHAI) == NOW
    assert one.made_up_from(NOW + timedelta(days=2), SHANGHAI) == NOW
    oldest = one.made_up_from(NOW + timedelta(days=100), SHANGHAI)
    assert oldest == NOW + timedelta(days=101 - MOST_MADE_UP)


class Office:
    """A centre with a queue's day behind it, and what makes its reports."""

    def __init__(self, database: Database, folder: Path, mail: MailSettings | None = None) -> None:  # noqa: F811
        self.clock = VirtualClock(wall=NOW)
        self.alarms = NotedAlarms()
        self.folder = folder
        self.store = ScheduleStore(database)
        self._database = database
        self._settings = ReportSettings(mail=mail or MailSettings())
        self.begin()

    def begin(self) -> None:
        """The process starts (again)."""
        reports = ReportStore(self._database, clock=self.clock, settings=MetricsSettings(), zone=SHANGHAI)
        self.schedules = ReportSchedules(
            self.store,
            reports,
            alarms=self.alarms,
            clock=self.clock,
            zone=SHANGHAI,
            settings=self._settings,
            folder=self.folder,
        )

    async def keep(self, one: Schedule) -> None:
        async with self._database.transaction() as connection:
            await self.store.put(one, connection)

    async def looked(self) -> Schedule:
        await self.schedules.look()
        (one,) = await self.store.all()
        return one

    @property
    def files(self) -> list[str]:
        return sorted(file.name for file in self.folder.iterdir()) if self.folder.is_dir() else []


@pytest.fixture
async def office(database: Database, tmp_path: Path) -> Office:  # noqa: F811
    centre = Centre(RULES, wall=NOW - timedelta(hours=12))
    centre.tell(queue_left(centre.arrive(), "answered", 3.0))
    await write(database, centre.events)
    return Office(database, tmp_path / "reports")


async def test_a_report_is_made_when_it_is_due_and_once(office: Office) -> None:
    await office.keep(schedule(next_at=NOW + timedelta(minutes=1)))
    await office.looked()
    assert office.files == []
    office.clock.advance(60)
    done = await office.looked()
    assert office.files == ["Day 2026-01-04.csv"]
    (row,) = csv.DictReader((office.folder / office.files[0]).read_text("utf-8").splitlines())
    assert (row["queue"], row["offered"]) == ("sales", "1")
    assert (done.last_ok, done.last_result, done.last_period) == (True, "Day 2026-01-04.csv", "2026-01-04")
    assert done.next_at == NOW + timedelta(days=1)
    office.clock.advance(3600)
    await office.looked()
    assert len(office.files) == 1


async def test_what_was_missed_is_made_up_once_after_a_restart(office: Office) -> None:
    await office.keep(schedule())
    office.clock.advance(3 * 86_400)
    office.begin()
    assert (await office.looked()).next_at == NOW + timedelta(days=4)
    assert office.files == [f"Day 2026-01-0{day}.csv" for day in (4, 5, 6, 7)]
    office.begin()
    await office.looked()
    assert len(office.files) == 4


async def test_who_pauses_gets_nothing(office: Office) -> None:
    await office.keep(schedule(paused=True))
    office.clock.advance(86_400)
    assert (await office.looked()).last_ok is None
    assert office.files == []


@pytest.mark.parametrize("format", FileFormat)
async def test_every_format_arrives(office: Office, format: FileFormat) -> None:
    await office.keep(schedule(format=format))
    assert (await office.looked()).last_ok is True
    assert (office.folder / f"Day 2026-01-04.{format}").read_bytes()[:4] in (b"queu", b"PK\x03\x04", b"%PDF")


async def test_a_folder_that_is_none_is_an_alarm_until_it_is_one(office: Office) -> None:
    office.folder.write_text("a file")
    await office.keep(schedule())
    failed = await office.looked()
    assert (failed.last_ok, failed.next_at) == (False, NOW)
    assert "File exists" in failed.last_result or "Not a directory" in failed.last_result
    assert office.alarms.up == {ALARM}
    office.folder.unlink()
    assert (await office.looked()).last_ok is False, "it is tried again after a pause"
    office.begin()
    office.clock.advance(600)
    assert (await office.looked()).last_ok is True
    assert (office.files, office.alarms.up) == (["Day 2026-01-04.csv"], set())


async def test_one_that_cannot_be_made_is_told_and_passed_over(
    office: Office, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("metrics.paper.MOST_ROWS", 0)
    await office.keep(schedule(format=FileFormat.PDF))
    failed = await office.looked()
    assert (failed.last_ok, failed.next_at) == (False, NOW + timedelta(days=1))
    assert "1 rows are too many for pdf" in failed.last_result
    assert office.alarms.up == {ALARM}
    await office.keep(replace(failed, paused=True))
    await office.looked()
    assert office.alarms.up == set()


def test_nothing_is_overwritten(tmp_path: Path) -> None:
    names = [put(tmp_path / "new", FINISHED).name for _ in range(3)]
    assert names == ["Day 2026-01-05.csv", "Day 2026-01-05 (2).csv", "Day 2026-01-05 (3).csv"]
    assert sorted(file.name for file in (tmp_path / "new").iterdir()) == sorted(names)


@asynccontextmanager
async def post_office(refuse: str = "") -> AsyncIterator[tuple[MailSettings, list[EmailMessage]]]:
    """A server that takes e-mail (RFC 5321), but for the address ``refuse``."""
    taken: list[EmailMessage] = []

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        def say(line: str) -> None:
            writer.write(f"{line}\r\n".encode())

        say("220 here")
        while line := (await reader.readline()).decode().strip():
            match line.split(" ", 1)[0].upper():
                case "DATA":
                    say("354 go on")
                    data = await reader.readuntil(b"\r\n.\r\n")
                    message = message_from_bytes(data[:-5], policy=policy.default)
                    assert isinstance(message, EmailMessage)
                    taken.append(message)
                    say("250 taken")
                case "RCPT" if refuse and refuse in line:
                    say("550 nobody of that name")
                case "QUIT":
                    say("221 bye")
                    break
                case _:
                    say("250 yes")
        writer.close()

    server = await asyncio.start_server(serve, "127.0.0.1", 0)
    port = server.sockets[0].getsockname()[1]
    async with server:
        yield (
            MailSettings(
                host="127.0.0.1", port=port, security="none", domains=("example.org",), sender="cc@example.org"
            ),
            taken,
        )


async def test_an_e_mail_carries_the_report(database: Database, tmp_path: Path) -> None:  # noqa: F811
    async with post_office() as (settings, taken):
        office = Office(database, tmp_path, settings)
        await office.keep(schedule(mail_to=("a@example.org", "b@example.org")))
        done = await office.looked()
    assert (done.last_ok, done.last_result) == (True, "a@example.org, b@example.org")
    (message,) = taken
    assert (message["Subject"], message["To"]) == ("Day 2026-01-04", "a@example.org, b@example.org")
    assert message["Message-ID"] == f"<{done.id}.2026-01-04@example.org>"
    (file,) = message.iter_attachments()
    assert file.get_filename() == "Day 2026-01-04.csv"
    assert file.get_content().startswith("queue,offered")
    assert office.files == []


async def test_whom_an_e_mail_did_not_reach_is_said() -> None:
    async with post_office("b@") as (settings, taken):
        with pytest.raises(Refusal, match=r"refused b@example\.org; the others have it"):
            await asyncio.to_thread(mail, settings, ["a@example.org", "b@example.org"], FINISHED)
        with pytest.raises(NotDelivered, match=r"refused b@example\.org"):
            await asyncio.to_thread(mail, settings, ["b@example.org"], FINISHED)
        starttls = settings.model_copy(update={"security": "starttls"})
        with pytest.raises(NotDelivered, match="STARTTLS"):  # nothing goes in the clear that should not
            await asyncio.to_thread(mail, starttls, ["a@example.org"], FINISHED)
    assert [message["To"] for message in taken] == ["a@example.org, b@example.org"]
    with pytest.raises(NotDelivered, match="refused"):
        await asyncio.to_thread(mail, settings, ["a@example.org"], FINISHED)


def test_every_report_of_a_schedule_may_have_its_longest_period() -> None:
    """What is refused is refused when somebody adds it, not at night."""
    for report in reports.REPORTS.values():
        for group_by in report.groupings:
            assert schedule(report=report.name, group_by=group_by).query(SHANGHAI).report is report
