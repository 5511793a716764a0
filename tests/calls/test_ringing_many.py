"""Several agents' phones ring for one caller: the first answer has him, the others hear that."""

from __future__ import annotations

import pytest

from ccplatform.calls.model import Stage
from ccplatform.contracts.facts import Diverted, Established
from ccplatform.contracts.flows import EnterQueue
from ccplatform.contracts.legs import DialLeg, ReleaseLeg
from ccplatform.contracts.media import Bridge
from ccplatform.contracts.routing import AgentOffered, OfferAnswered, OfferFailed, OfferWithdrawn
from ccplatform.contracts.words import AgentId, LegId, OfferEnd, QueueId, ReleaseCause, SeatId
from tests.calls.test_calling_back import begins
from tests.calls.world import CALL, CALLER, CONTACT, World

QUEUE = QueueId("support")


def offer(world: World, agent: str) -> None:
    world.post(AgentOffered(contact=CONTACT, queue=QUEUE, agent=AgentId(agent), seat=SeatId(f"seat-{agent}")))


def seats(world: World) -> list[LegId]:
    return [dial.leg for dial in world.all_of(DialLeg)]


@pytest.fixture
def rung() -> World:
    """Three phones ring."""
    world = World()
    world.arrive()
    world.asks(EnterQueue(queue=QUEUE))
    world.answers(CALLER)
    for agent in ("1", "2", "3"):
        offer(world, agent)
    return world


def test_the_first_answer_has_the_caller_and_the_others_hear_it(rung: World) -> None:
    first, second, third = seats(rung)
    rung.answers(second)
    assert rung.all_of(OfferAnswered) == [OfferAnswered(contact=CONTACT, agent=AgentId("2"))]
    assert (rung.last(Bridge).a, rung.last(Bridge).b) == (CALLER, second)
    for other in (first, third):
        assert ReleaseLeg(leg=other, cause=ReleaseCause.ELSEWHERE) in rung.effects
    assert {fact.device for fact in rung.all_of(Diverted)} == {"seat-1", "seat-3"}
    assert not rung.all_of(OfferFailed)


def test_a_second_answer_in_the_same_moment_is_hung_up(rung: World) -> None:
    first, second, _ = seats(rung)
    rung.ended_legs.add(second)  # its CANCEL crossed its 200
    rung.answers(first)
    rung.answers(second)
    assert rung.last(ReleaseLeg) == ReleaseLeg(leg=second, cause=ReleaseCause.NORMAL)
    assert len(rung.all_of(Established)) == len(rung.all_of(Bridge)) == 1


def test_who_rejects_leaves_the_others_ringing(rung: World) -> None:
    first, second, third = seats(rung)
    rung.leg_ends(first, ReleaseCause.BUSY)
    assert rung.last(OfferFailed).agent == "1"
    assert rung.core.saga(CALL).state.stage is Stage.RINGING
    rung.post(OfferWithdrawn(contact=CONTACT, agent=AgentId("2"), end=OfferEnd.NO_ANSWER))
    assert second in rung.ended_legs
    assert rung.core.saga(CALL).state.stage is Stage.RINGING
    rung.leg_ends(third, ReleaseCause.NO_ANSWER)
    assert rung.core.saga(CALL).state.stage is Stage.QUEUED


def test_a_caller_who_leaves_stops_every_phone(rung: World) -> None:
    legs = seats(rung)
    rung.leg_ends(CALLER)
    assert set(legs) <= rung.ended_legs
    assert not rung.all_of(OfferFailed)


def test_a_call_back_rings_all_whom_the_queue_rings() -> None:
    world = World()
    world.post(begins(customer_first=True))
    offer(world, "1006")
    offer(world, "1007")
    world.post(OfferWithdrawn(contact=CONTACT, agent=AgentId("1006"), end=OfferEnd.WITHDRAWN))
    world.answers(world.dialled_leg())
    assert [dial.target.seat for dial in world.all_of(DialLeg)[1:]] == ["seat-04", "seat-1007"]  # type: ignore[union-attr]
