"""Contacts over REST, on PostgreSQL: an agent sees his own, a supervisor of teams those of their agents."""

from __future__ import annotations

from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import cast

import httpx
import pytest

from ccplatform.app.http import build_http
from ccplatform.calls.routes import build_router
from ccplatform.calls.store import ContactProjection, ContactStore
from ccplatform.contracts.facts import ContactArrived, ContactEnded, Established
from ccplatform.contracts.words import AgentId, CallId, ContactId, Outcome, Role
from ccplatform.security.access import Access, Principal
from ccplatform.security.errors import NotAuthenticated
from ccplatform.security.model import Session
from ccplatform.security.tokens import Tokens
from ccplatform.storage.database import Database
from ccplatform.storage.journal_reader import JournalReader
from tests.contracts.samples import sample
from tests.storage.stream import VAULT, Journal, open_journal
from tests.support.database import database, postgres_dsn  # noqa: F401

PEOPLE = {
    "supervisor": Principal(user="sup1", roles=frozenset({Role.SUPERVISOR}), agent=None),
    "red": Principal(user="sup2", roles=frozenset({Role.SUPERVISOR}), agent=None, teams=frozenset({"red"})),
    "1004": Principal(user="1004", roles=frozenset({Role.AGENT}), agent=AgentId("1004")),
}


class FakeTokens:
    """The token is a name of PEOPLE."""

    async def session(self, token: str) -> Session:
        if token not in PEOPLE:
            raise NotAuthenticated
        return Session(principal=PEOPLE[token], must_change=False, expires_at=datetime(2027, 1, 1, tzinfo=UTC))


def of_red(principal: Principal) -> frozenset[AgentId] | None:
    """1005 is in the red team."""
    return frozenset({AgentId("1005")}) if principal.teams else None


@dataclass
class Past:
    """Contacts by what became of them."""

    http: httpx.AsyncClient
    store: ContactStore
    contacts: dict[str, ContactId] = field(default_factory=dict)

    async def ask(self, who: str, path: str) -> httpx.Response:
        return await self.http.get(f"/contacts{path}", headers={"Authorization": f"Bearer {who}"})

    async def seen_by(self, who: str) -> set[str]:
        rows = (await self.ask(who, "")).json()["items"]
        names = {contact: name for name, contact in self.contacts.items()}
        return {names[ContactId(row["id"])] for row in rows}


def story(journal: Journal, agent: str | None, *, over: bool) -> ContactId:
    contact = journal.contact()
    journal.tell(sample(ContactArrived, contact=contact, call=CallId(journal.ids.new())))
    named = None if agent is None else AgentId(agent)
    if agent is not None:
        journal.tell(sample(Established, contact=contact, agent=named))
    if over:
        journal.tell(sample(ContactEnded, contact=contact, outcome=Outcome.HANDLED, agent=named))
    return contact


@pytest.fixture
async def past(database: Database) -> AsyncIterator[Past]:  # noqa: F811
    contacts = ContactStore(database, tenant="default", digest=str.encode)
    router = build_router(
        access=Access(tokens=cast(Tokens, FakeTokens())),
        contacts=contacts,
        journal=JournalReader(database, sealer=VAULT),
        overseen=of_red,
    )

    async def readiness() -> dict[str, bool]:
        return {"ready": True}

    app = build_http(routers=[router], root_routers=[], readiness=readiness, pages=None, max_body_bytes=1000)
    transport = httpx.ASGITransport(app=app)
    async with httpx.AsyncClient(transport=transport, base_url="http://centre.test/api/v1") as client:
        past = Past(client, contacts)
        async with open_journal(database, projections=(ContactProjection(digest=str.encode),)) as journal:
            past.contacts = {
                "1004's": story(journal, "1004", over=True),
                "1005's": story(journal, "1005", over=True),
                "abandoned": story(journal, None, over=True),
                "with 1004": story(journal, "1004", over=False),
                "with 1005": story(journal, "1005", over=False),
            }
            await journal.writer.flushed()
        yield past


async def test_lists_are_of_whom_one_oversees(past: Past) -> None:
    assert await past.seen_by("supervisor") == set(past.contacts)
    assert await past.seen_by("1004") == {"1004's"}
    # One that goes on has no agent in its row yet, and names none.
    assert await past.seen_by("red") == set(past.contacts) - {"1004's"}


@pytest.mark.parametrize("path", ["", "/events", "/trace"])
async def test_a_contact_of_other_teams_is_not_there_for_their_supervisor(past: Past, path: str) -> None:
    answers = {}
    for name, contact in past.contacts.items():
        answers[name] = (await past.ask("red", f"/{contact}{path}")).status_code
        assert (await past.ask("supervisor", f"/{contact}{path}")).status_code == 200
    hidden = {"1004's"} if path == "" else {"1004's", "with 1004"}
    assert {name for name, status in answers.items() if status == 404} == hidden
    assert {status for name, status in answers.items() if name not in hidden} == {200}


async def test_the_agents_of_many_contacts_are_asked_at_once(past: Past) -> None:
    found = await past.store.agents_of(list(past.contacts.values()))
    assert found == {past.contacts["1004's"]: "1004", past.contacts["1005's"]: "1005"}
    assert await past.store.agents_of([]) == {}


async def test_a_first_page_says_how_many_there_are(past: Past) -> None:
    first = (await past.ask("supervisor", "?limit=2")).json()
    assert (len(first["items"]), first["total"]) == (2, 5)
    second = (await past.ask("supervisor", f"?limit=2&cursor={first['next_cursor']}")).json()
    assert (len(second["items"]), second["total"]) == (2, None)
    assert (await past.ask("red", "?limit=3")).json()["total"] == 4
    assert (await past.ask("supervisor", "?agent=1004")).json()["total"] == 1
