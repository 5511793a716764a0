"""People move a caller to another queue: from waiting, from ringing, from a talk."""

from __future__ import annotations

import pytest

from ccplatform.calls.errors import NotInThisState
from ccplatform.calls.model import Stage
from ccplatform.contracts.commands import MoveCall
from ccplatform.contracts.facts import Established, TalkEnded, Transferred
from ccplatform.contracts.flows import EnterQueue
from ccplatform.contracts.legs import ReleaseLeg
from ccplatform.contracts.media import Play, Unbridge
from ccplatform.contracts.routing import (
    AgentOffered,
    OfferAnswered,
    OfferWithdrawn,
    TalkReleased,
    TransferContact,
)
from ccplatform.contracts.words import AgentId, OfferEnd, Outcome, QueueId, ReleaseCause, SeatId
from tests.calls.world import CALL, CALLER, CONTACT, World

SUPPORT, SALES = QueueId("support"), QueueId("sales")
MOVE = MoveCall(call=CALL, queue=SALES, by="sup1")


@pytest.fixture
def waiting() -> World:
    world = World()
    world.arrive()
    world.asks(EnterQueue(queue=SUPPORT))
    world.answers(CALLER)
    return world


def offer(world: World, agent: str = "1004") -> None:
    seat = SeatId(f"seat-{agent}")
    world.post(AgentOffered(contact=CONTACT, queue=SUPPORT, agent=AgentId(agent), seat=seat))


def test_a_waiting_caller_waits_elsewhere(waiting: World) -> None:
    waiting.post(MOVE)
    assert waiting.all_of(TransferContact) == [TransferContact(contact=CONTACT, queue=SALES)]
    assert waiting.last(Transferred).to == "queue:sales"
    assert waiting.core.saga(CALL).state.stage is Stage.QUEUED
    assert waiting.last(Play).leg == CALLER


def test_phones_that_ring_stop(waiting: World) -> None:
    offer(waiting)
    rang = waiting.dialled_leg()
    waiting.post(MOVE)
    assert ReleaseLeg(leg=rang, cause=ReleaseCause.CANCELLED) in waiting.effects
    waiting.post(OfferWithdrawn(contact=CONTACT, agent=AgentId("1004"), end=OfferEnd.WITHDRAWN))
    assert waiting.core.saga(CALL).state.stage is Stage.QUEUED


def test_a_caller_who_talked_is_answered_by_another_agent_and_both_talks_count(waiting: World) -> None:
    offer(waiting)
    first = waiting.dialled_leg()
    waiting.answers(first)
    waiting.passes(10.0)
    waiting.post(MOVE)
    kinds = [type(e) for e in waiting.effects if isinstance(e, TransferContact | TalkReleased | OfferAnswered)]
    assert kinds == [OfferAnswered, TransferContact, TalkReleased], "the ACD learns of the queue first"
    assert waiting.all_of(Unbridge)
    assert first in waiting.ended_legs
    waiting.passes(5.0)
    offer(waiting, "1001")
    waiting.answers(waiting.dialled_leg())
    assert waiting.last(Established).queue_seconds == pytest.approx(5.0)
    waiting.passes(20.0)
    waiting.leg_ends(CALLER)
    assert [(fact.agent, round(fact.talk_seconds)) for fact in waiting.all_of(TalkEnded)] == [
        ("1004", 10),
        ("1001", 20),
    ]
    ended = waiting.outcome()
    assert (ended.outcome, ended.agent, round(ended.talk_seconds)) == (Outcome.HANDLED, "1001", 30)


def test_a_caller_in_the_menu_cannot_be_moved() -> None:
    world = World()
    world.arrive()
    with pytest.raises(NotInThisState, match="a transfer to a queue is not possible now"):
        world.post(MOVE)
    assert not world.all_of(TransferContact)
