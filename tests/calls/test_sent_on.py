"""What flows have done with their callers: transfers to numbers and agents, and who has them after the talk."""

from __future__ import annotations

from dataclasses import replace

import pytest

from ccplatform.calls.model import Stage
from ccplatform.contracts.facts import Established, TalkEnded
from ccplatform.contracts.flows import EnterQueue, FlowRequestFailed, StartFlow, TransferCaller
from ccplatform.contracts.legs import DialLeg, NumberTarget, ReleaseLeg, SeatTarget
from ccplatform.contracts.routing import (
    AgentOffered,
    CallAgent,
    EngageAgent,
    OfferFailed,
    OfferWithdrawn,
    TalkReleased,
)
from ccplatform.contracts.words import AgentId, FlowId, OfferEnd, Outcome, QueueId, ReleaseCause, SeatId
from tests.calls.world import CALL, CALLER, CONTACT, World

CLERK = AgentId("1001")
QUEUE = QueueId("support")


def world_with(request: EnterQueue | TransferCaller) -> World:
    world = World()
    world.arrive()
    world.asks(request)
    world.answers(CALLER)
    return world


# --- an agent -----------------------------------------------------------------------------------------------


@pytest.fixture
def asked() -> World:
    """The flow asked for an agent, whose phone rings."""
    world = world_with(TransferCaller(agent=CLERK))
    assert world.all_of(CallAgent) == [CallAgent(contact=CONTACT, agent=CLERK)]
    world.post(AgentOffered(contact=CONTACT, queue=None, agent=CLERK, seat=SeatId("seat-01")))
    return world


def test_an_agent_who_answers_has_the_caller(asked: World) -> None:
    assert asked.last(DialLeg).target == SeatTarget(seat=SeatId("seat-01"))
    asked.answers(asked.dialled_leg())
    assert asked.core.saga(CALL).state.stage is Stage.TALKING
    assert (asked.last(Established).agent, asked.last(Established).queue) == (CLERK, None)
    asked.leg_ends(asked.dialled_leg())
    assert asked.outcome().outcome is Outcome.HANDLED


def test_an_agent_who_does_not_answer_gives_the_caller_back_to_the_flow(asked: World) -> None:
    asked.leg_ends(asked.dialled_leg(), ReleaseCause.BUSY)
    assert asked.last(OfferFailed).agent == CLERK
    assert asked.last(FlowRequestFailed).reason == ReleaseCause.BUSY
    assert asked.core.saga(CALL).state.stage is Stage.FLOW


def test_an_agent_who_cannot_be_called_is_told_to_the_flow_at_once() -> None:
    world = world_with(TransferCaller(agent=CLERK))
    world.post(OfferWithdrawn(contact=CONTACT, agent=CLERK, end=OfferEnd.UNREACHABLE))
    assert world.all_of(FlowRequestFailed) == [FlowRequestFailed(contact=CONTACT, reason=ReleaseCause.UNREACHABLE)]
    world.asks(EnterQueue(queue=QUEUE))
    world.post(OfferWithdrawn(contact=CONTACT, agent=CLERK, end=OfferEnd.NO_ANSWER))
    assert len(world.all_of(FlowRequestFailed)) == 1, "who waits in a queue waits on"


def test_a_caller_who_hangs_up_meanwhile_takes_the_call_with_him(asked: World) -> None:
    asked.leg_ends(CALLER)
    assert asked.last(ReleaseLeg).cause is ReleaseCause.CANCELLED
    assert asked.outcome().outcome in (Outcome.SELF_SERVICE, Outcome.ABANDONED_IVR)


# --- a number -----------------------------------------------------------------------------------------------


def test_a_number_is_dialled_as_its_route_says() -> None:
    world = world_with(TransferCaller(number="123", target=NumberTarget(number="123")))
    assert world.last(DialLeg).target == NumberTarget(number="123")


def test_a_number_that_nobody_has_takes_the_failure_path() -> None:
    world = world_with(TransferCaller(number="123"))
    assert world.last(FlowRequestFailed).reason == ReleaseCause.NOT_FOUND
    assert world.all_of(DialLeg) == []


# --- a seat -------------------------------------------------------------------------------------------------

AT_SEAT = TransferCaller(number="8001", target=SeatTarget(seat=SeatId("seat-01")), seated=CLERK)
FREE = TalkReleased(contact=CONTACT, agent=CLERK, talked=False)


def test_the_line_of_who_sits_at_a_dialled_seat_is_taken_until_its_phone_is_free_again() -> None:
    world = world_with(AT_SEAT)
    assert world.all_of(EngageAgent) == [EngageAgent(contact=CONTACT, agent=CLERK)]
    world.answers(world.dialled_leg())
    assert world.all_of(TalkReleased) == []
    world.leg_ends(world.dialled_leg())
    assert world.all_of(TalkReleased) == [replace(FREE, talked=True)]


def test_who_does_not_answer_at_a_dialled_seat_is_free_again() -> None:
    world = world_with(AT_SEAT)
    world.leg_ends(world.dialled_leg(), ReleaseCause.NO_ANSWER)
    assert world.all_of(TalkReleased) == [FREE]
    assert world.core.saga(CALL).state.stage is Stage.FLOW


def test_a_caller_who_hangs_up_frees_who_sits_at_the_dialled_seat_once() -> None:
    world = world_with(AT_SEAT)
    world.leg_ends(CALLER)
    assert world.all_of(TalkReleased) == [FREE]
    world.leg_ends(world.dialled_leg())
    assert world.all_of(TalkReleased) == [FREE]


def test_a_dialled_seat_where_nobody_sits_engages_nobody() -> None:
    world = world_with(replace(AT_SEAT, seated=None))
    world.leg_ends(CALLER)
    assert world.all_of(EngageAgent) == []
    assert world.all_of(TalkReleased) == []


# --- after the talk -----------------------------------------------------------------------------------------


@pytest.fixture
def talking() -> World:
    """A talk whose queue's flow wants a survey after it."""
    world = world_with(EnterQueue(queue=QUEUE, after_talk=FlowId("survey"), language="en"))
    world.post(AgentOffered(contact=CONTACT, queue=QUEUE, agent=CLERK, seat=SeatId("seat-01")))
    world.answers(world.dialled_leg())
    return world


def test_when_the_agent_hangs_up_first_the_flow_has_the_caller(talking: World) -> None:
    talking.passes(30)
    talking.leg_ends(talking.dialled_leg())
    start = talking.last(StartFlow)
    assert start.flow == "survey"
    assert (start.variables["agent"], start.variables["queue"], start.variables["language"]) == (
        CLERK,
        QUEUE,
        "en",
    )
    assert talking.last(TalkEnded).talk_seconds == 30
    assert talking.last(TalkReleased).agent == CLERK, "he has his wrap-up while the caller answers"
    talking.passes(10)
    talking.leg_ends(CALLER)
    ended = talking.outcome()
    assert (ended.outcome, ended.agent, ended.talk_seconds) == (Outcome.HANDLED, CLERK, 30)


@pytest.mark.parametrize(("named", "begins"), [(None, "queue_survey"), (FlowId("survey"), "survey")])
def test_the_queues_own_flow_has_him_unless_his_flow_names_another(named: FlowId | None, begins: str) -> None:
    world = world_with(EnterQueue(queue=QUEUE, after_talk=named, language="zh"))
    seat, own = SeatId("seat-01"), FlowId("queue_survey")
    world.post(AgentOffered(contact=CONTACT, queue=QUEUE, agent=CLERK, seat=seat, after_talk=own))
    world.answers(world.dialled_leg())
    world.leg_ends(world.dialled_leg())
    start = world.last(StartFlow)
    assert (start.flow, start.variables["language"]) == (begins, "zh")


def test_when_the_caller_hangs_up_first_nobody_is_asked(talking: World) -> None:
    talking.leg_ends(CALLER)
    assert [start.flow for start in talking.all_of(StartFlow)] == ["main"]
    assert talking.outcome().outcome is Outcome.HANDLED


def test_a_survey_that_fails_does_not_make_the_talk_one_that_failed(talking: World) -> None:
    talking.leg_ends(talking.dialled_leg())
    talking.asks(TransferCaller(number="7"))
    talking.leg_ends(CALLER)
    assert talking.outcome().outcome is Outcome.HANDLED
