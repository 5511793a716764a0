"""A web process in small: real routes and access rules over a view, a control and users made up by the test."""

from __future__ import annotations

from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import cast
from zoneinfo import ZoneInfo

import httpx
from fastapi import FastAPI

from ccplatform.app.http import build_http
from ccplatform.contracts.commands import Answer, Command, Done
from ccplatform.contracts.facts import Fact, FactEvent
from ccplatform.contracts.words import AgentId, ContactId, QueueId, Role, SeatId
from ccplatform.kernel.clock import VirtualClock
from ccplatform.kernel.errors import Unavailable
from ccplatform.kernel.ids import Ids
from ccplatform.kernel.stream import Stream
from ccplatform.security.access import Access
from ccplatform.security.errors import NotAuthenticated
from ccplatform.security.model import Principal, Session
from ccplatform.security.tokens import Tokens
from cti.events import Hub
from cti.live import LiveView
from cti.model import AgentSetup, Customer, CustomerChange, QueueSetup
from cti.path import FlowStep
from cti.pop import Before, EarlierContact, OpenCallBack, SpokenTurn
from cti.reasons import Reason
from cti.routes import build_router
from cti.settings import EventSocketSettings
from cti.socket import EventSockets, build_event_router
from cti.softphone import SoftphoneAccount
from cti.store import CustomerStore

SHANGHAI = ZoneInfo("Asia/Shanghai")

AGENTS = [
    AgentSetup(id=AgentId("1001"), name="Li", team="sales", skills={"sales": 5}),
    AgentSetup(id=AgentId("1004"), name="Wang", team="support", skills={"sales": 3, "support": 8}),
    AgentSetup(id=AgentId("1005"), name="Zhao", team="support", skills={"support": 6}),
]
QUEUES = [
    QueueSetup(id=QueueId("sales"), name="Sales", skills={"sales": 1}),
    QueueSetup(id=QueueId("support"), name="Support", skills={"support": 1}),
]

PRINCIPALS = {
    "agent": Principal(user="1004", roles=frozenset({Role.AGENT}), agent=AgentId("1004")),
    "other-agent": Principal(user="1005", roles=frozenset({Role.AGENT}), agent=AgentId("1005")),
    "supervisor": Principal(user="sup1", roles=frozenset({Role.SUPERVISOR}), agent=None),
    "own-team": Principal(
        user="sup2", roles=frozenset({Role.SUPERVISOR}), agent=None, teams=frozenset({"support", "night"})
    ),
    "other-team": Principal(
        user="sup3", roles=frozenset({Role.SUPERVISOR}), agent=None, teams=frozenset({"sales"})
    ),
    "auditor": Principal(user="aud1", roles=frozenset({Role.AUDITOR}), agent=None),
    "maintainer": Principal(user="mnt1", roles=frozenset({Role.MAINTAINER}), agent=None),
    "admin": Principal(user="admin", roles=frozenset({Role.ADMIN}), agent=None),
}


class FakeTokens:
    """Tokens are role names; ``away`` is a storage that cannot be reached."""

    def __init__(self) -> None:
        self.principals = dict(PRINCIPALS)
        self.away = False
        self.asked = 0

    async def session(self, token: str) -> Session:
        self.asked += 1
        if self.away:
            raise Unavailable("the database is away")
        if token not in self.principals:
            raise NotAuthenticated
        return Session(
            principal=self.principals[token], must_change=False, expires_at=datetime(2027, 1, 1, tzinfo=UTC)
        )


@dataclass
class FakeControl:
    """Remembers commands; answers what it is told to."""

    answer: Answer = field(default_factory=Done)
    asked: list[Command] = field(default_factory=list)

    async def ask(self, command: Command) -> Answer:
        self.asked.append(command)
        return self.answer


@dataclass
class FakeCustomers:
    known: list[Customer] = field(default_factory=list)
    away: bool = False

    async def by_number(self, number: str) -> list[Customer]:
        if self.away:
            raise Unavailable("the database is away")
        return [customer for customer in self.known if customer.phone == number]

    matching = by_number

    async def by_account(self, account: str) -> Customer:
        return Customer(account=account, phone="13800000001", name="张伟")

    async def changes(self, account: str, limit: int) -> list[CustomerChange]:
        return []


@dataclass
class FakeHistory:
    entries: list[EarlierContact] = field(default_factory=list)
    turns: list[SpokenTurn] = field(default_factory=list)
    path: list[FlowStep] = field(default_factory=list)
    promises: list[OpenCallBack] = field(default_factory=list)

    async def last_contacts(self, caller: str, limit: int) -> Sequence[EarlierContact]:
        return self.entries[:limit]

    async def before(self, contact: ContactId) -> Before:
        return Before(conversation=tuple(self.turns), path=tuple(self.path))

    async def call_backs(self, caller: str) -> list[OpenCallBack]:
        return self.promises


@dataclass
class FakeReasons:
    configured: list[Reason] = field(default_factory=lambda: [Reason(id="lunch", name="Lunch")])

    async def reasons(self) -> list[Reason]:
        return self.configured


class FakeSoftphones:
    ends_at = datetime(2027, 1, 1, tzinfo=UTC)

    async def account(self, seat: SeatId, host: str) -> SoftphoneAccount:
        return SoftphoneAccount(
            uri=f"sip:{seat}@{host}",
            user=f"{seat}~1",
            password="soon over",
            server=f"ws://{host}/",
            ends_at=self.ends_at,
        )


class Desk:
    """Everything wired; ``tell`` publishes a fact as the link would."""

    def __init__(self, settings: EventSocketSettings | None = None) -> None:
        self.clock = VirtualClock()
        self.live = LiveView(zone=SHANGHAI)
        self.live.configure(agents=AGENTS, queues=QUEUES)
        self.tokens = FakeTokens()
        self.control = FakeControl()
        self.customers = FakeCustomers()
        self.history = FakeHistory()
        self.softphones = FakeSoftphones()
        self.reasons = FakeReasons()
        self.settings = settings or EventSocketSettings()
        self.hub = Hub(live=self.live, clock=self.clock, settings=self.settings)
        self.ids = Ids(self.clock)
        self.stream: Stream[Fact] = Stream(self.clock, self.ids, "default")
        self.stream.subscribe(self.hub.publish)
        self.hub.replace(self.live.snapshot() | {"epoch": self.stream.epoch})
        self.access = Access(tokens=cast(Tokens, self.tokens))
        self.sockets = EventSockets(access=self.access, hub=self.hub, clock=self.clock, settings=self.settings)
        self.app: FastAPI = build_http(
            routers=[
                build_router(
                    access=self.access,
                    live=self.live,
                    control=self.control,
                    customers=cast(CustomerStore, self.customers),
                    reasons=self.reasons,
                    clock=self.clock,
                    history=self.history,
                    softphones=self.softphones,
                ),
                build_event_router(access=self.access, sockets=self.sockets),
            ],
            root_routers=[],
            readiness=_ready,
            pages=None,
            max_body_bytes=100_000,
        )

    def tell(self, *facts: Fact, after: float = 0.0) -> FactEvent:
        """Publish facts; returns the last one's event."""
        self.clock.advance(after)
        return [self.stream.publish(fact) for fact in facts][-1]

    @asynccontextmanager
    async def http(self, who: str | None) -> AsyncIterator[httpx.AsyncClient]:
        headers = {"Authorization": f"Bearer {who}"} if who is not None else {}
        transport = httpx.ASGITransport(app=self.app, raise_app_exceptions=False)
        async with httpx.AsyncClient(
            transport=transport, base_url="http://centre.test/api/v1", headers=headers
        ) as client:
            yield client


async def _ready() -> dict[str, bool]:
    return {"ready": True}
