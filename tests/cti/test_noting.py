"""What agents note of contacts: whose, for how long, once however often it is sent, and the time for it."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from typing import Any, cast

import pytest

from ccplatform.app.http import build_http
from ccplatform.contracts.commands import Done, ExtendWrapUp, FinishWrapUp, NoteContact, Refused
from ccplatform.contracts.facts import ContactNoted, FactEvent, WrapUpExtended
from ccplatform.contracts.words import AgentId, AgentState, CallId, ContactId, QueueId
from ccplatform.kernel.stream import Event
from cti.model import CallStage, LiveCall, LiveParty
from cti.noting.notes import Disposition, EndedContact, Note, last_notes
from cti.noting.routes import build_router
from cti.settings import CtiSettings
from tests.cti import story
from tests.cti.desk import PRINCIPALS, Desk

CONTACT = "019b8d6e-7a10-7c3e-8a55-0d6f6f1c2b39"
PATH = f"/me/contacts/{CONTACT}/note"
START = datetime(2026, 1, 5, 9, tzinfo=UTC)
SOLVED = Disposition(id="solved", name="Solved")
SALE = Disposition(id="sale", name="Sale")


class Kept:
    """Ended contacts and notes in memory; a note that control is told of is kept."""

    def __init__(self) -> None:
        self.over: dict[str, EndedContact] = {}
        self.told: list[Note] = []

    async def ended(self, contact: ContactId) -> EndedContact | None:
        return self.over.get(contact)

    async def notes(self, contacts: Sequence[ContactId]) -> Sequence[Note]:
        return [note for note in self.told if note.contact in contacts]

    async def dispositions(self, queue: QueueId | None) -> Sequence[Disposition]:
        return [SOLVED, SALE] if queue == "sales" else [SOLVED]


class Noting(Desk):
    def __init__(self) -> None:
        super().__init__()
        self.kept = Kept()
        router = build_router(
            access=self.access,
            live=self.live,
            control=self.control,
            contacts=self.kept,
            dispositions=self.kept,
            clock=self.clock,
            settings=CtiSettings(note_hours=2),
        )
        self.app = build_http(
            routers=[router],
            root_routers=[],
            readiness=lambda: cast(Any, None),
            pages=None,
            max_body_bytes=100_000,
        )

    def has_call(self, agent: str, queue: str = "support", *, parties: tuple[str, ...] = ()) -> None:
        now = self.clock.wall()
        call = LiveCall(
            id=CallId("call"),
            contact=ContactId(CONTACT),
            direction=story.arrived(1).direction,
            caller="13800000001",
            caller_name="",
            dialled="95000",
            started=now,
            since=now,
            stage=CallStage.TALKING,
            queue=QueueId(queue),
            agent=AgentId(agent),
            parties=[LiveParty(leg=story.established(1).leg, device="", agent=AgentId(each)) for each in parties],
        )
        self.live.calls[call.id] = call
        self.live._call_of[call.contact] = call.id

    async def asks(self, who: str, method: str, path: str, body: Any = None) -> tuple[int, dict[str, Any]]:
        async with self.http(who) as http:
            answer = await http.request(method, path, json=body)
        return answer.status_code, answer.json()


@pytest.fixture
def desk() -> Noting:
    return Noting()


def noted(text: str, *, agent: str = "1004") -> ContactNoted:
    return ContactNoted(
        contact=ContactId(CONTACT),
        queue=QueueId("support"),
        agent=AgentId(agent),
        disposition="solved",
        disposition_name="Solved",
        note=text,
    )


def told(second: int, fact: ContactNoted) -> FactEvent:
    at = START + timedelta(seconds=second)
    return Event(epoch="e", seq=second, id=str(second), tenant="default", at=at, mono=second, fact=fact)


def test_the_last_note_of_each_agent_stands() -> None:
    facts = [noted("first"), noted("of another", agent="1005"), noted("corrected")]
    notes = {
        (note.agent, note.note, note.at) for note in last_notes(told(n, fact) for n, fact in enumerate(facts))
    }
    assert notes == {
        ("1004", "corrected", START + timedelta(seconds=2)),
        ("1005", "of another", START + timedelta(seconds=1)),
    }


async def test_at_the_call_the_dispositions_of_its_queue_are_offered(desk: Noting) -> None:
    desk.has_call("1004")
    assert await desk.asks("agent", "GET", PATH) == (
        200,
        {
            "contact": CONTACT,
            "queue": "support",
            "dispositions": [{"id": "solved", "name": "Solved"}],
            "disposition": "",
            "note": "",
            "saved_at": None,
        },
    )
    desk.has_call("1004", queue="sales")
    _, form = await desk.asks("agent", "GET", PATH)
    assert [each["id"] for each in form["dispositions"]] == ["solved", "sale"]


async def test_a_note_is_an_order_to_control_and_kept_when_it_is_answered(desk: Noting) -> None:
    desk.has_call("1004")
    status, _ = await desk.asks("agent", "PUT", PATH, {"disposition": "solved", "note": "<b>hi</b>", "key": "k1"})
    assert status == 200
    assert desk.control.asked == [
        NoteContact(
            contact=ContactId(CONTACT),
            agent=AgentId("1004"),
            by="1004",
            queue=QueueId("support"),
            disposition="solved",
            disposition_name="Solved",
            note="<b>hi</b>",
            key="k1",
        )
    ]
    desk.control.answer = Refused(code="unavailable", message="the database is away")
    assert (await desk.asks("agent", "PUT", PATH, {"note": "x"}))[0] == 503


async def test_what_was_written_is_shown_again(desk: Noting) -> None:
    desk.has_call("1004")
    desk.kept.told = last_notes([told(1, noted("of another", agent="1005")), told(2, noted("hello"))])
    _, form = await desk.asks("agent", "GET", PATH)
    assert (form["disposition"], form["note"]) == ("solved", "hello")
    assert datetime.fromisoformat(form["saved_at"]) == START + timedelta(seconds=2)


@pytest.mark.parametrize("body", [{"disposition": "sale"}, {"note": "x" * 4001}, {"disposition": "x" * 65}])
async def test_what_is_not_offered_or_too_long_is_refused(desk: Noting, body: dict[str, Any]) -> None:
    desk.has_call("1004")
    status, problem = await desk.asks("agent", "PUT", PATH, body)
    assert status in (409, 422)
    assert problem["errors"][0]["where"].endswith(next(iter(body)))
    assert desk.control.asked == []


async def test_an_agent_notes_his_own_contacts_only(desk: Noting) -> None:
    desk.has_call("1005")
    assert (await desk.asks("agent", "GET", PATH))[0] == 404
    assert (await desk.asks("agent", "PUT", PATH, {}))[0] == 404
    desk.has_call("1005", parties=("1004",))  # he is in the conference
    assert (await desk.asks("agent", "PUT", PATH, {}))[0] == 200
    desk.has_call("1005")
    desk.live.agents[AgentId("1004")].contact = ContactId(CONTACT)  # he transferred it and wraps up
    assert (await desk.asks("agent", "PUT", PATH, {}))[0] == 200


async def test_after_the_call_a_note_can_be_written_for_some_hours(desk: Noting) -> None:
    ended = EndedContact(agent=AgentId("1004"), queue=QueueId("support"), ended_at=desk.clock.wall())
    desk.kept.over[CONTACT] = ended
    assert (await desk.asks("other-agent", "GET", PATH))[0] == 404
    desk.clock.advance(2 * 3600)
    assert (await desk.asks("agent", "PUT", PATH, {"note": "late"}))[0] == 200
    desk.clock.advance(1)
    status, problem = await desk.asks("agent", "PUT", PATH, {"note": "too late"})
    assert (status, problem["code"]) == (409, "too_late")


async def test_more_time_and_an_early_end_are_orders_to_control(desk: Noting) -> None:
    desk.control.answer = Done(result={"left_seconds": 38.5})
    assert await desk.asks("agent", "POST", "/me/wrap-up/extend", {"key": "k1"}) == (200, {"left_seconds": 38.5})
    assert await desk.asks("agent", "POST", "/me/wrap-up/finish", {"key": "k2"}) == (200, {"done": True})
    assert desk.control.asked == [
        ExtendWrapUp(agent=AgentId("1004"), by="1004", key="k1"),
        FinishWrapUp(agent=AgentId("1004"), by="1004", key="k2"),
    ]
    desk.control.answer = Refused(code="wrap_up_too_long", message="no more")
    status, problem = await desk.asks("agent", "POST", "/me/wrap-up/extend", {})
    assert (status, problem["code"]) == (409, "wrap_up_too_long")


@pytest.mark.parametrize(
    ("method", "path"),
    [("GET", PATH), ("PUT", PATH), ("POST", "/me/wrap-up/extend"), ("POST", "/me/wrap-up/finish")],
)
async def test_only_agents_have_such_work(desk: Noting, method: str, path: str) -> None:
    desk.has_call("1004", parties=("1005",))
    allowed = {who for who in PRINCIPALS if (await desk.asks(who, method, path, {}))[0] not in (401, 403)}
    assert allowed == {"agent", "other-agent"}


def test_the_view_says_when_a_state_ends_by_itself() -> None:
    desk = Desk()
    event = desk.tell(story.agent_state(AgentState.WRAP_UP, 1, limit=10))
    agent = desk.live.agents[AgentId("1004")]
    assert agent.until == event.at + timedelta(seconds=10)
    more = WrapUpExtended(contact=ContactId("c"), queue=None, agent=AgentId("1004"), left_seconds=36)
    event = desk.tell(more, after=4)
    assert agent.until == event.at + timedelta(seconds=36)
    desk.tell(story.agent_state(AgentState.READY))
    assert agent.until is None
    desk.tell(more)  # too late
    assert agent.until is None
