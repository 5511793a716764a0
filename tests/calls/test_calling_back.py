"""A promised call-back as a trace: which phone rings when, what becomes of it at every instant."""

from __future__ import annotations

from dataclasses import replace

import pytest

from ccplatform.calls.inputs import CallBackBegins
from ccplatform.calls.model import Stage
from ccplatform.contracts.commands import HangUpCall
from ccplatform.contracts.facts import ContactArrived, Established, TalkEnded
from ccplatform.contracts.legs import DialLeg, NumberTarget, ReleaseLeg, SeatTarget, TrunkTarget
from ccplatform.contracts.media import Bridge, Play, StopPlay
from ccplatform.contracts.routing import (
    AgentOffered,
    CallBackDropped,
    CallBackOffered,
    OfferAnswered,
    OfferFailed,
    OfferWithdrawn,
    QueueRefused,
    TalkReleased,
    WithdrawContact,
)
from ccplatform.contracts.words import (
    AgentId,
    Direction,
    LegId,
    OfferEnd,
    Outcome,
    QueueId,
    ReleaseCause,
    SeatId,
    TrunkId,
)
from tests.calls.world import CALL, CONTACT, World

QUEUE, AGENT, SEAT = QueueId("support"), AgentId("1004"), SeatId("seat-04")
NUMBER = "13800000001"


def begins(*, customer_first: bool) -> CallBackBegins:
    offer = CallBackOffered(
        contact=CONTACT,
        call_back="cb",
        queue=QUEUE,
        agent=AGENT,
        seat=SEAT,
        trunk=TrunkId("lab"),
        number=NUMBER,
        caller="95000",
        customer_first=customer_first,
        ring_seconds=30.0,
    )
    return CallBackBegins(offer=offer, call=CALL)


def dialled(world: World) -> list[tuple[LegId, object]]:
    return [(dial.leg, dial.target) for dial in world.all_of(DialLeg)]


@pytest.fixture
def agent_first() -> World:
    world = World()
    world.post(begins(customer_first=False))
    return world


@pytest.fixture
def customer_first() -> World:
    world = World()
    world.post(begins(customer_first=True))
    return world


def legs(world: World) -> tuple[LegId, LegId]:
    """The customer's and the agent's."""
    by_target = {type(target): leg for leg, target in dialled(world)}
    return by_target[TrunkTarget], by_target[SeatTarget]


def test_the_agent_first_then_the_customer_then_both_talk(agent_first: World) -> None:
    world = agent_first
    arrived = world.last(ContactArrived)
    assert (arrived.direction, arrived.caller, arrived.trunk) == (Direction.OUTBOUND, NUMBER, "lab")
    ((agent_leg, target),) = dialled(world)
    assert target == SeatTarget(seat=SEAT)
    world.answers(agent_leg)
    assert world.all_of(OfferAnswered)
    assert world.last(Play).leg == agent_leg  # ringback
    customer, _ = legs(world)
    assert world.last(DialLeg).caller == "95000"
    world.answers(customer)
    assert (world.last(Bridge).a, world.last(Bridge).b) == (customer, agent_leg)
    assert StopPlay(leg=agent_leg) in world.effects
    established = world.last(Established)
    assert (established.agent, established.queue_seconds, established.wait_seconds) == (AGENT, None, None)
    world.passes(10.0)
    world.leg_ends(customer)
    assert world.outcome().outcome is Outcome.HANDLED
    assert world.last(TalkEnded).talk_seconds == pytest.approx(10.0)
    assert len(world.all_of(TalkReleased)) == 1


def test_the_customer_first_hears_music_until_the_agent_answers(customer_first: World) -> None:
    world = customer_first
    ((customer, target),) = dialled(world)
    assert target == TrunkTarget(trunk=TrunkId("lab"), number=NUMBER)
    world.answers(customer)
    assert world.last(Play).leg == customer
    _, agent_leg = legs(world)
    world.answers(agent_leg)
    assert world.all_of(OfferAnswered)
    assert world.all_of(Bridge)
    world.leg_ends(agent_leg)
    assert world.outcome().outcome is Outcome.HANDLED


@pytest.mark.parametrize("cause", [ReleaseCause.BUSY, ReleaseCause.NO_ANSWER, ReleaseCause.UNREACHABLE])
@pytest.mark.parametrize("first", ["agent", "customer"])
def test_a_customer_who_does_not_answer_is_not_reached_and_the_agent_is_free(
    first: str, cause: ReleaseCause
) -> None:
    world = World()
    world.post(begins(customer_first=first == "customer"))
    if first == "agent":
        world.answers(world.dialled_leg())
    world.leg_ends(world.dialled_leg(), cause)
    assert [left.reason for left in world.all_of(WithdrawContact)] == ([] if first == "agent" else ["not_reached"])
    assert len(world.all_of(TalkReleased)) == (first == "agent")
    assert (world.outcome().outcome, world.outcome().agent) == (Outcome.NOT_REACHED, None)
    assert all(leg in world.ended_legs for leg, _ in dialled(world))


def test_the_customers_phone_rings_for_its_time_only(customer_first: World) -> None:
    world = customer_first
    world.passes(30.0)
    assert ReleaseLeg(leg=dialled(world)[0][0], cause=ReleaseCause.NO_ANSWER) in world.effects
    assert world.outcome().outcome is Outcome.NOT_REACHED


def test_an_agent_who_does_not_answer_loses_it_to_the_next(agent_first: World) -> None:
    world = agent_first
    world.post(OfferWithdrawn(contact=CONTACT, agent=AGENT, end=OfferEnd.NO_ANSWER))
    assert world.core.saga(CALL).state.stage is Stage.QUEUED
    world.post(AgentOffered(contact=CONTACT, queue=QUEUE, agent=AgentId("1006"), seat=SeatId("seat-06")))
    world.answers(world.dialled_leg())
    customer, _ = legs(world)
    world.answers(customer)
    assert world.last(Established).agent == "1006"


def test_the_customer_on_the_line_waits_for_the_next_agent(customer_first: World) -> None:
    world = customer_first
    customer = world.dialled_leg()
    world.answers(customer)
    world.leg_ends(world.dialled_leg(), ReleaseCause.REJECTED)
    assert world.last(OfferFailed).end is OfferEnd.REJECTED
    world.leg_ends(customer)
    assert world.last(WithdrawContact).reason == "abandoned"
    assert world.outcome().outcome is Outcome.ABANDONED_QUEUE


def test_the_agent_hangs_up_while_the_customers_phone_rings(agent_first: World) -> None:
    world = agent_first
    agent_leg = world.dialled_leg()
    world.answers(agent_leg)
    customer = world.dialled_leg()
    world.leg_ends(agent_leg)
    assert customer in world.ended_legs
    assert world.all_of(TalkReleased)
    assert world.outcome().outcome is Outcome.NOT_REACHED


def test_an_answer_that_comes_too_late_is_hung_up(customer_first: World) -> None:
    world = customer_first
    customer = world.dialled_leg()
    world.record = False
    world.post(CallBackDropped(contact=CONTACT))
    assert world.outcome().outcome is Outcome.NOT_REACHED
    assert customer in world.ended_legs
    world.answers(customer)
    assert not world.all_of(Bridge)


def test_a_cancelled_call_ends_but_a_talk_goes_on(agent_first: World) -> None:
    world = agent_first
    agent_leg = world.dialled_leg()
    world.answers(agent_leg)
    world.answers(world.dialled_leg())
    world.post(CallBackDropped(contact=CONTACT))
    assert not world.ended_legs
    world.post(HangUpCall(call=CALL, by="sup1"))
    assert world.outcome().outcome is Outcome.HANDLED


def test_a_queue_that_is_removed_ends_the_call_of_a_customer_on_the_line(customer_first: World) -> None:
    world = customer_first
    world.answers(world.dialled_leg())
    world.leg_ends(world.dialled_leg(), ReleaseCause.REJECTED)
    world.post(QueueRefused(contact=CONTACT, queue=QUEUE, reason="queue_removed"))
    assert world.outcome().outcome is Outcome.FAILED


def test_without_a_trunk_the_customer_is_called_by_the_route_of_his_number() -> None:
    world = World()
    offer = begins(customer_first=True).offer
    world.post(CallBackBegins(offer=replace(offer, trunk=None), call=CALL))
    ((_, target),) = dialled(world)
    assert target == NumberTarget(number=NUMBER)
