"""Voice mail: what waits, what is stored, what people may order, and what is found after a crash."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import AsyncIterator
from datetime import UTC, datetime
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ccplatform.contracts.commands import Done, HandOutMessage, MarkMessage, Refused
from ccplatform.contracts.facts import (
    Fact,
    FactEvent,
    MailboxChanged,
    MessageDropped,
    MessageHandedOut,
    MessageLeft,
    MessageMarked,
    RecordingEnded,
    RecordingStarted,
)
from ccplatform.contracts.recordings import Message
from ccplatform.contracts.words import (
    CallId,
    ContactId,
    Mailbox,
    MessageState,
    QueueId,
    RecordingId,
    RecordingMode,
    SeatId,
)
from ccplatform.kernel.clock import VirtualClock
from ccplatform.kernel.errors import Unavailable
from ccplatform.kernel.ids import Ids
from ccplatform.kernel.stream import Stream
from ccplatform.security.vault import Vault
from ccplatform.storage.database import Database
from recording.errors import NoMessage
from recording.files import RecordingFiles
from recording.messages.book import MessageBook, MessageFact
from recording.messages.model import WAITING, MessageFilter
from recording.messages.service import MessageService
from recording.messages.store import MessageProjection, MessageStore
from recording.sealed import Sounds
from recording.store import CatalogueProjection
from tests.recording.kit import CONTACT, Studio, wave_bytes
from tests.recording.test_service import closed
from tests.support.database import database, postgres_dsn  # noqa: F401
from tests.support.sealed import RING

SUPPORT, SALES, MINE = Mailbox("queue:support"), Mailbox("queue:sales"), Mailbox("agent:1004")
BOXES = (SUPPORT, SALES, MINE)
NAMES = [RecordingId(f"m{number}") for number in range(4)]
AT = datetime(2026, 1, 5, 9, tzinfo=UTC)


def left(message: RecordingId, mailbox: Mailbox = SUPPORT, contact: ContactId = CONTACT) -> MessageLeft:
    return MessageLeft(contact=contact, message=message, mailbox=mailbox, seconds=4.5, caller="13800000001")


def marked(message: RecordingId, state: MessageState, contact: ContactId = CONTACT) -> MessageMarked:
    return MessageMarked(contact=contact, message=message, mailbox=SUPPORT, state=state, by="1004")


FACTS = st.one_of(
    st.builds(left, st.sampled_from(NAMES), st.sampled_from(BOXES)),
    st.builds(marked, st.sampled_from(NAMES), st.sampled_from(MessageState)),
    st.builds(
        lambda name, to: MessageHandedOut(contact=CONTACT, message=name, mailbox=to, before=SUPPORT, by="sup1"),
        st.sampled_from(NAMES),
        st.sampled_from(BOXES),
    ),
    st.builds(lambda name: MessageDropped(contact=CONTACT, message=name, reason="silent"), st.sampled_from(NAMES)),
)


@given(st.lists(FACTS, max_size=30))
def test_the_counts_are_those_of_the_messages_and_only_changes_are_told(told: list[MessageFact]) -> None:
    book, known = MessageBook(), {box: (0, 0) for box in BOXES}
    for fact in told:
        before = {name: book.get(name) for name in NAMES}
        for mailbox in book.apply(fact, AT):
            counts = book.counts(mailbox)
            known[mailbox] = (counts.new, counts.heard)
        waiting = [row for row in (book.get(name) for name in NAMES) if row is not None]
        assert len(book) == len(waiting)
        assert all(row.state in WAITING for row in waiting)
        truth = Counter((row.mailbox, row.state) for row in waiting)
        for box in BOXES:
            assert known[box] == (truth[box, MessageState.NEW], truth[box, MessageState.HEARD])
            assert [row.state for row in book.new_ones([box])] == [MessageState.NEW] * known[box][0]
        if isinstance(fact, MessageLeft):
            assert (book.get(fact.message) is before[fact.message]) or before[fact.message] is None
    assert book.mailboxes() == sorted(box for box in BOXES if sum(known[box]))


class Office:
    """Voice mail over PostgreSQL; ``away``: the database is not there."""

    def __init__(self, opened: Database, directory: Path) -> None:
        self.clock = VirtualClock()
        self.ids = Ids(self.clock)
        self.database = opened
        self.vault = Vault(bytes(32))
        self.store = MessageStore(database=opened, vault=self.vault)
        self.stream: Stream[Fact] = Stream(self.clock, self.ids, "default")
        self.events: list[FactEvent] = []
        self.discarded: list[RecordingId] = []
        self.away = False
        self.written = 0
        self.service = self._service(directory)
        self.stream.subscribe(self.events.append)
        self.stream.subscribe(lambda event: self.service.observe(event))

    def _service(self, directory: Path) -> MessageService:
        return MessageService(
            store=self.store,
            sounds=Sounds(files=RecordingFiles(directory), keys=RING),
            facts=self,
            clock=self.clock,
            zone=UTC,
            known=lambda mailbox: mailbox in BOXES,
            mailboxes_at=lambda seat: ("1004", (MINE, SUPPORT)) if seat == "seat-04" else None,
            discard=self.discarded.append,
            committed=self.commit,
            available=lambda: not self.away,
            most=3,
        )

    def record(self, fact: Fact) -> None:
        self.stream.publish(fact)

    async def commit(self) -> None:
        """What the journal does."""
        events, self.written = self.events[self.written :], len(self.events)
        async with self.database.transaction() as connection:
            await CatalogueProjection().apply(connection, events)
            await MessageProjection(vault=self.vault).apply(connection, events)

    async def recorded(self, *, seconds: float = 4.5, mailbox: Mailbox = SUPPORT) -> tuple[RecordingId, ContactId]:
        """A recording of a message, its file closed."""
        self.clock.advance(60)
        recording, contact = RecordingId(self.ids.new()), ContactId(self.ids.new())
        self.record(
            RecordingStarted(
                contact=contact,
                recording=recording,
                mode=RecordingMode.MESSAGE,
                queue=QueueId(mailbox.partition(":")[2]),
                agent=None,
                seat=None,
            )
        )
        self.record(
            RecordingEnded(
                contact=contact, recording=recording, seconds=seconds, size_bytes=1, complete=True, reason=""
            )
        )
        await self.commit()
        return recording, contact

    async def left(self, mailbox: Mailbox = SUPPORT) -> RecordingId:
        """A message."""
        recording, contact = await self.recorded(mailbox=mailbox)
        self.record(left(recording, mailbox, contact))
        await self.commit()
        return recording

    def last_counts(self, mailbox: Mailbox) -> tuple[int, int]:
        told = [event.fact for event in self.events if isinstance(event.fact, MailboxChanged)]
        counts = [fact for fact in told if fact.mailbox == mailbox]
        return (counts[-1].new, counts[-1].heard) if counts else (0, 0)


@pytest.fixture
async def office(database: Database, tmp_path: Path) -> Office:  # noqa: F811
    return Office(database, tmp_path)


def mark(message: RecordingId, state: MessageState, mailbox: Mailbox = SUPPORT, note: str = "") -> MarkMessage:
    return MarkMessage(message=message, mailbox=mailbox, state=state, by="1004", note=note)


async def test_a_message_is_a_row_with_a_sealed_caller_and_is_counted(office: Office) -> None:
    message = await office.left()
    row = await office.store.get(message)
    assert (row.mailbox, row.state, row.caller, row.seconds) == (SUPPORT, MessageState.NEW, "13800000001", 4.5)
    assert office.last_counts(SUPPORT) == (1, 0)
    async with office.database.connection() as connection:
        (stored,) = await connection.fetch("SELECT * FROM voice_messages")
    assert "13800000001" not in json.dumps([str(value) for value in stored])


async def test_marks_are_committed_and_counted(office: Office) -> None:
    message = await office.left()
    assert isinstance(await office.service.command(mark(message, MessageState.HEARD)), Done)
    assert office.last_counts(SUPPORT) == (0, 1)
    await office.service.command(mark(message, MessageState.HANDLED, note="rang him"))
    row = await office.store.get(message)
    assert (row.state, row.handled_by, row.note) == (MessageState.HANDLED, "1004", "rang him")
    assert office.last_counts(SUPPORT) == (0, 0)
    ages = [event.fact.age_seconds for event in office.events if isinstance(event.fact, MessageMarked)]
    assert ages == [None, (office.clock.wall() - row.left_at).total_seconds()]
    await office.service.command(mark(message, MessageState.NEW))
    assert office.last_counts(SUPPORT) == (1, 0)
    found = await office.service.fetch(SeatId("seat-04"))
    assert found is not None
    assert (found.message, found.caller) == (message, "13800000001"), "what is known of it came back with it"
    await office.service.command(mark(message, MessageState.DELETED))
    with pytest.raises(NoMessage):
        await office.store.get(message)


async def test_a_message_that_was_handed_out_is_new_work_there(office: Office) -> None:
    message = await office.left()
    await office.service.command(mark(message, MessageState.HEARD))
    order = HandOutMessage(message=message, mailbox=SUPPORT, to=MINE, by="sup1")
    assert isinstance(await office.service.command(order), Done)
    assert (office.last_counts(SUPPORT), office.last_counts(MINE)) == ((0, 0), (1, 0))
    late = await office.service.command(mark(message, MessageState.HANDLED))
    assert isinstance(late, Refused)
    assert late.code == "message_moved"
    nobody = await office.service.command(
        HandOutMessage(message=message, mailbox=MINE, to=Mailbox("agent:4711"), by="sup1")
    )
    assert isinstance(nobody, Refused)
    assert nobody.code == "not_found"


async def test_without_the_database_nothing_changes_and_that_is_said(office: Office) -> None:
    message = await office.left()
    office.away = True
    answer = await office.service.command(mark(message, MessageState.HANDLED))
    assert isinstance(answer, Refused)
    assert answer.code == "unavailable"
    assert office.last_counts(SUPPORT) == (1, 0)
    with pytest.raises(Unavailable):
        await office.service.fetch(SeatId("seat-04"))


async def test_messages_are_fetched_by_phone_the_oldest_first(office: Office) -> None:
    first = await office.left()
    await office.left(SALES)
    second = await office.left(MINE)
    assert await office.service.fetch(SeatId("seat-09")) is None
    found = await office.service.fetch(SeatId("seat-04"))
    assert found is not None
    assert (found.message, found.count) == (first, 2)
    await office.service.mark(SeatId("seat-04"), first, "delete")
    found = await office.service.fetch(SeatId("seat-04"))
    assert found is not None
    assert (found.message, found.count) == (second, 1)
    assert await office.service.fetch(SeatId("seat-04")) is None
    with pytest.raises(NoMessage):
        await office.service.mark(SeatId("seat-09"), second, "handled")


async def test_lists_are_narrowed_and_paged(office: Office) -> None:
    messages = [await office.left(mailbox) for mailbox in (SUPPORT, SALES, SUPPORT)]
    await office.service.command(mark(messages[0], MessageState.HANDLED))

    async def listed(**wanted: object) -> list[RecordingId]:
        return [row.id for row in await office.store.page(MessageFilter(**wanted), 10)]  # type: ignore[arg-type]

    assert await listed() == messages[::-1]
    assert await listed(mailboxes=frozenset({SUPPORT})) == [messages[2], messages[0]]
    assert await listed(mailboxes=frozenset()) == []
    assert await listed(states=frozenset({MessageState.HANDLED})) == [messages[0]]
    assert await listed(before=messages[1]) == [messages[0]]
    assert await listed(start=office.clock.wall()) == [messages[2]]


async def test_a_full_or_unknown_mailbox_takes_no_message(office: Office) -> None:
    assert office.service.accepts(SUPPORT)
    assert not office.service.accepts(Mailbox("queue:nobody"))
    for _ in range(3):
        await office.left()
    assert not office.service.accepts(SUPPORT)


async def test_what_a_lost_session_left_is_delivered_after_a_restart(office: Office, tmp_path: Path) -> None:
    spoken, _ = await office.recorded()
    short, _ = await office.recorded(seconds=0.4)
    _, alive = await office.recorded()
    dropped, contact = await office.recorded()
    office.record(MessageDropped(contact=contact, message=dropped, reason="recorded_again"))
    kept = await office.left()
    await office.commit()
    office.discarded.clear()
    office.service = office._service(tmp_path)
    await office.service.load([alive])
    await office.commit()
    assert sorted(row.id for row in await office.store.page(MessageFilter(), 10)) == sorted([spoken, kept])
    assert office.last_counts(SUPPORT) == (2, 0)
    assert set(office.discarded) == {dropped, short}, "a crash may have come before its file was removed"


async def test_a_message_whose_retention_is_over_waits_no_more(office: Office) -> None:
    message = await office.left()
    office.service.recordings_deleted([message, RecordingId("another")])
    assert office.last_counts(SUPPORT) == (0, 0)


# --- the recorder ---------------------------------------------------------------------------------------------


@pytest.fixture
async def studio(tmp_path: Path) -> AsyncIterator[Studio]:
    studio = Studio(tmp_path / "recordings")
    yield studio
    await studio.end()


def take(studio: Studio, mailbox: Mailbox = SUPPORT) -> tuple[RecordingId, Path]:
    order = studio.service.take_message(Message(contact=CONTACT, call=CallId("call-1"), mailbox=mailbox))
    assert order is not None
    assert order.mode is RecordingMode.MESSAGE
    path = Path(order.path)
    path.write_bytes(wave_bytes(8000))
    return order.recording, path


@pytest.mark.parametrize(("mailbox", "owner"), [(SUPPORT, ("support", None)), (MINE, (None, "1004"))])
async def test_a_message_is_a_recording_of_its_queue_or_agent(
    studio: Studio, mailbox: Mailbox, owner: tuple[str | None, str | None]
) -> None:
    take(studio, mailbox)
    (started,) = studio.told.started
    assert (started.mode, started.queue, started.agent) == (RecordingMode.MESSAGE, *owner)


@pytest.mark.parametrize("early", [True, False])
async def test_what_is_no_message_is_removed_once_its_file_is_closed(studio: Studio, early: bool) -> None:
    recording, path = take(studio)
    if early:
        studio.service.discard(recording)
        assert path.exists(), "the media engine still writes it"
    studio.service.closed(closed(recording))
    if not early:
        studio.service.discard(recording)
    await studio.service.settled()
    assert len(studio.told.ended) == 1
    assert not list(studio.files.directory.rglob(f"{recording}*"))
    studio.service.discard(recording)
    await studio.service.settled()
