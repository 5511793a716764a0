"""Whose signalling a supervisor of teams sees: that of the contacts of their agents, and nobody's."""

from __future__ import annotations

from typing import Any, cast
from zoneinfo import ZoneInfo

import pytest

from ccplatform.app.signalling_sight import SignallingSight
from ccplatform.calls.store import ContactStore
from ccplatform.contracts.words import AgentId, CallId, ContactId, Direction, Role, SeatId
from ccplatform.security.model import Principal
from cti.live import LiveView
from cti.model import LiveAgent, LiveCall
from gateway.store import GatewayStore, SeatRow
from tests.gateway.signalling.samples import BEGIN, message, request

ANNA, BEN = AgentId("1004"), AgentId("1001")
OVER, LIVE, QUEUED = ContactId("over"), ContactId("live"), ContactId("queued")
NARROW = Principal(user="sup2", roles=frozenset({Role.SUPERVISOR}), agent=None, teams=frozenset({"night"}))
WHOLE = Principal(user="tech1", roles=frozenset({Role.MAINTAINER}), agent=None)


class Contacts:
    """What is over was Ben's; what goes on was his before."""

    async def agents_of(self, contacts: list[ContactId]) -> dict[ContactId, AgentId]:
        return {contact: BEN for contact in contacts if contact in (OVER, LIVE)}


class Seats:
    async def seat_rows(self) -> list[SeatRow]:
        return [SeatRow(id=SeatId(f"seat-0{n}"), sip_user=f"800{n}", contacts=()) for n in (1, 4, 5)]


def call(contact: ContactId, agent: AgentId | None) -> LiveCall:
    return LiveCall(
        id=CallId(contact),
        contact=contact,
        direction=Direction.INBOUND,
        caller="1",
        caller_name="",
        dialled="95001",
        started=BEGIN,
        since=BEGIN,
        agent=agent,
    )


@pytest.fixture
def sight() -> SignallingSight:
    live = LiveView(zone=ZoneInfo("Asia/Shanghai"))
    live.agents[ANNA] = LiveAgent(id=ANNA, name="Anna", team="night", seat=SeatId("seat-04"))
    live.agents[BEN] = LiveAgent(id=BEN, name="Ben", team="day", seat=SeatId("seat-01"))
    live.calls[CallId(LIVE)], live.calls[CallId(QUEUED)] = call(LIVE, ANNA), call(QUEUED, None)
    return SignallingSight(
        live=live,
        contacts=cast(ContactStore, Contacts()),
        seats=cast(GatewayStore, Seats()),
        contact_of=lambda one: one.contact or (OVER if one.call_id == "early" else None),
    )


def registration(user: str) -> Any:
    return message(request("REGISTER", caller=user, called=user))


@pytest.mark.parametrize(
    ("one", "seen"),
    [
        (message(contact=LIVE), True),  # Anna has him now, whoever had him before
        (message(contact=OVER), False),
        (message(contact=QUEUED), True),
        (message(request(call_id="early")), False),
        (message(request()), True),  # of a trunk, and of no contact
        (registration("8004"), True),
        (registration("8001"), False),
        (registration("8005"), True),  # nobody sits there
    ],
)
async def test_a_supervisor_of_teams_sees_what_concerns_them(sight: SignallingSight, one: Any, seen: bool) -> None:
    assert await sight(NARROW, [one]) == ([one] if seen else [])
    assert await sight(WHOLE, [one]) == [one]


async def test_messages_keep_their_order(sight: SignallingSight) -> None:
    first, hidden, last = message(contact=LIVE), message(contact=OVER), registration("8004")
    assert await sight(NARROW, (first, hidden, last)) == [first, last]
    assert await sight(NARROW, ()) == []
