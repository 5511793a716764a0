"""One list of two sources: what is in memory, then what the journal has from before."""

from __future__ import annotations

import base64
from datetime import datetime, timedelta

import pytest

from ccplatform.contracts.facts import FactEvent, SipMessageSeen
from ccplatform.contracts.words import ContactId, LegId
from ccplatform.kernel.errors import Refusal
from ccplatform.kernel.stream import Event
from ccplatform.storage.journal_reader import Place
from gateway.signalling.memory import SignallingMemory
from gateway.signalling.search import MAX_PAGES, SignallingSearch
from gateway.signalling.selection import Selection
from gateway.sip.masking import masked
from tests.gateway.signalling.samples import BEGIN, CONTACT, LOCAL, message, request

PAGE = 5


class Journal:
    """Facts a second apart, as pages of :data:`PAGE`."""

    def __init__(self, count: int, method: str = "INVITE") -> None:
        self.pages = 0
        self.facts: list[FactEvent] = [
            Event(
                epoch="e",
                seq=number,
                id=f"0198b0c0-0000-7000-8000-{number:012x}",
                tenant="default",
                at=BEGIN + timedelta(seconds=number),
                mono=0.0,
                fact=SipMessageSeen(
                    contact=CONTACT,
                    leg=LegId("leg"),
                    outgoing=False,
                    transport="UDP",
                    local=LOCAL,
                    remote="192.0.2.4:5060",
                    text=masked(request(method, call_id=f"{number}@journal")),
                ),
            )
            for number in range(count)
        ]

    async def backwards(
        self,
        kind: str,
        *,
        before: Place | None = None,
        until: datetime | None = None,
        since: datetime | None = None,
    ) -> tuple[list[FactEvent], Place | None]:
        assert kind == "SipMessageSeen"
        self.pages += 1
        found = [
            event
            for event in reversed(self.facts)
            if (before is None or (event.at, event.id) < before)
            and (until is None or event.at < until)
            and (since is None or event.at >= since)
        ][:PAGE]
        return found, (found[-1].at, found[-1].id) if len(found) == PAGE else None

    async def events_of(self, contact: ContactId, *, traces: bool = False) -> list[FactEvent]:
        assert (contact, traces) == (CONTACT, True)
        return self.facts


def searching(journal: Journal, *numbers: int) -> SignallingSearch:
    memory = SignallingMemory(max_bytes=1 << 20, max_seconds=1e6)
    for number in numbers:
        memory.put(message(request(call_id=f"{number}@memory"), number))
    return SignallingSearch(memory=memory, history=journal)


async def all_of(search: SignallingSearch, selection: Selection, limit: int) -> list[str]:
    found: list[str] = []
    cursor: str | None = None
    while True:
        page = await search.page(selection, cursor, limit)
        assert len(page.messages) <= limit
        found += [one.call_id for one in page.messages]
        if page.next_cursor is None:
            return found
        cursor = page.next_cursor


@pytest.mark.parametrize("limit", [1, 3, 5, 7, 100])
async def test_pages_go_from_memory_to_the_journal_without_gap_or_repetition(limit: int) -> None:
    search = searching(Journal(30), 20, 21, 22)
    expected = [f"{n}@memory" for n in (22, 21, 20)] + [f"{n}@journal" for n in range(19, -1, -1)]
    assert await all_of(search, Selection(), limit) == expected


async def test_without_any_memory_the_journal_is_all() -> None:
    assert len(await all_of(searching(Journal(12)), Selection(), 5)) == 12


async def test_times_bound_the_search() -> None:
    search = searching(Journal(30), 20, 21, 22)
    between = Selection(start=BEGIN + timedelta(seconds=18), end=BEGIN + timedelta(seconds=21))
    assert await all_of(search, between, 100) == ["20@memory", "19@journal", "18@journal"]


async def test_one_request_goes_only_so_far_and_says_where_it_stands() -> None:
    journal = Journal(PAGE * MAX_PAGES * 2)
    search = searching(journal)
    page = await search.page(Selection(method="BYE"), None, 10)
    assert page.messages == ()
    assert page.next_cursor is not None
    assert journal.pages == MAX_PAGES
    assert await all_of(search, Selection(method="BYE"), 10) == []


async def test_a_search_that_memory_answers_asks_the_journal_nothing() -> None:
    journal = Journal(30)
    search = searching(journal, 20, 21)
    page = await search.page(Selection(start=BEGIN + timedelta(seconds=20)), None, 100)
    assert [one.number for one in page.messages] == [21, 20]
    assert (page.next_cursor, journal.pages) == (None, 0)


async def test_a_contact_has_all_its_messages_in_order() -> None:
    found = await searching(Journal(12)).of_contact(CONTACT, Selection())
    assert [one.call_id for one in found] == [f"{n}@journal" for n in range(12)]


@pytest.mark.parametrize(
    "text", ["x", "7|", "7|yesterday", "7|2026-01-05T09:00:00", "x|2026-01-05T09:00:00+00:00"]
)
async def test_other_cursors_are_refused(text: str) -> None:
    search = searching(Journal(1))
    for cursor in (text, base64.urlsafe_b64encode(text.encode()).decode().rstrip("=")):
        with pytest.raises(Refusal):
            await search.page(Selection(), cursor, 1)
