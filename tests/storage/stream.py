"""A stream of facts with the journal writer on it, and alarms that are only noted."""

from __future__ import annotations

from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field

from ccplatform.contracts.facts import (
    CallAnswered,
    ContactArrived,
    ContactEnded,
    Fact,
    FactEvent,
    KeysEntered,
    SipMessageSeen,
)
from ccplatform.contracts.words import ContactId, Severity
from ccplatform.kernel.clock import SystemClock
from ccplatform.kernel.ids import Ids
from ccplatform.kernel.stream import Stream
from ccplatform.kernel.tasks import TaskSupervisor
from ccplatform.security.vault import Vault
from ccplatform.storage.database import Database
from ccplatform.storage.journal import JournalWriter, Projection
from ccplatform.storage.settings import JournalSettings
from tests.contracts.samples import sample

VAULT = Vault(b"k" * 32)


@dataclass
class NotedAlarms:
    """Alarms that are up, and everything that happened."""

    up: set[str] = field(default_factory=set)
    log: list[str] = field(default_factory=list)

    def raise_alarm(self, kind: str, subject: str, severity: Severity, text: str) -> None:
        if kind not in self.up:
            self.up.add(kind)
            self.log.append(f"+{kind}")

    def clear_alarm(self, kind: str, subject: str) -> None:
        if kind in self.up:
            self.up.remove(kind)
            self.log.append(f"-{kind}")


@dataclass
class Journal:
    """What a test needs of one run of the control process."""

    stream: Stream[Fact]
    writer: JournalWriter
    alarms: NotedAlarms
    ids: Ids

    def tell(self, *facts: Fact) -> list[FactEvent]:
        return [self.stream.publish(fact) for fact in facts]

    def contact(self) -> ContactId:
        return ContactId(self.ids.new())


@asynccontextmanager
async def open_journal(
    database: Database, *, settings: JournalSettings | None = None, projections: Sequence[Projection] = ()
) -> AsyncIterator[Journal]:
    clock = SystemClock()
    ids = Ids(clock)
    alarms = NotedAlarms()
    stream: Stream[Fact] = Stream(clock, ids, "default")
    writer = JournalWriter(
        database, sealer=VAULT, clock=clock, alarms=alarms, settings=settings, projections=projections
    )
    stream.subscribe(writer.append)
    tasks = TaskSupervisor(clock)
    tasks.keep_running("journal", writer.run)
    try:
        yield Journal(stream, writer, alarms, ids)
    finally:
        await tasks.close()


def story(contact: ContactId) -> list[Fact]:
    """The facts of a short call."""
    return [
        sample(ContactArrived, contact=contact, caller="13800000001", caller_name="李雷"),
        sample(CallAnswered, contact=contact),
        sample(KeysEntered, contact=contact, keys="600001"),
        sample(SipMessageSeen, contact=contact, text="BYE sip:13800000001@example SIP/2.0"),
        sample(ContactEnded, contact=contact),
    ]
