"""A queue that cannot keep a caller sends him to a flow or to a number."""

from __future__ import annotations

import pytest

from ccplatform.calls.inputs import Overflowed
from ccplatform.calls.model import Stage
from ccplatform.contracts.commands import MoveCall
from ccplatform.contracts.facts import Transferred
from ccplatform.contracts.flows import EndFlow, EnterQueue, FlowRequestFailed, StartFlow
from ccplatform.contracts.legs import DialLeg, SeatTarget
from ccplatform.contracts.media import Bridge
from ccplatform.contracts.routing import AgentOffered, WithdrawContact
from ccplatform.contracts.words import AgentId, FlowId, Outcome, QueueId, ReleaseCause, SeatId
from tests.calls.world import CALL, CALLER, CONTACT, World

QUEUE = QueueId("support")
TO_FLOW = Overflowed(contact=CONTACT, queue=QUEUE, flow=FlowId("sorry"))
TO_NUMBER = Overflowed(contact=CONTACT, queue=QUEUE, number="8009", target=SeatTarget(seat=SeatId("seat-09")))


@pytest.fixture
def waiting() -> World:
    world = World()
    world.arrive()
    world.asks(EnterQueue(queue=QUEUE))
    world.answers(CALLER)
    return world


def without_flow(world: World) -> None:
    """An agent talked with him and moved him on."""
    world.post(AgentOffered(contact=CONTACT, queue=QUEUE, agent=AgentId("1"), seat=SeatId("s1")))
    world.answers(world.dialled_leg())
    world.post(MoveCall(call=CALL, queue=QUEUE, by="1"))


def test_the_flow_that_the_queue_names_begins_when_the_callers_own_is_over(waiting: World) -> None:
    waiting.post(TO_FLOW)
    assert waiting.last(EndFlow).abandoned is False
    assert [start.flow for start in waiting.all_of(StartFlow)] == ["main", "sorry"]
    assert waiting.last(Transferred).to == "flow:sorry"
    assert waiting.core.saga(CALL).state.stage is Stage.FLOW
    assert not waiting.all_of(WithdrawContact), "the ACD let him go already"
    waiting.leg_ends(CALLER)
    assert waiting.outcome().outcome is Outcome.ABANDONED_IVR


def test_a_caller_without_a_flow_gets_the_one_that_the_queue_names(waiting: World) -> None:
    without_flow(waiting)
    waiting.post(TO_FLOW)
    assert waiting.last(StartFlow).flow == "sorry"


def test_a_number_is_dialled_and_talks_with_the_caller(waiting: World) -> None:
    waiting.post(TO_NUMBER)
    assert waiting.last(DialLeg).target == TO_NUMBER.target
    party = waiting.dialled_leg()
    waiting.answers(party, "8009")
    assert (waiting.last(Bridge).a, waiting.last(Bridge).b) == (CALLER, party)
    waiting.leg_ends(CALLER)
    assert waiting.outcome().outcome is Outcome.TRANSFERRED


def test_a_number_that_does_not_answer_gives_the_caller_back_to_his_flow(waiting: World) -> None:
    waiting.post(TO_NUMBER)
    waiting.leg_ends(waiting.dialled_leg(), ReleaseCause.BUSY)
    assert waiting.last(FlowRequestFailed).reason == "busy"
    assert waiting.core.saga(CALL).state.stage is Stage.FLOW


def test_or_lets_him_go_where_he_has_none(waiting: World) -> None:
    without_flow(waiting)
    waiting.post(TO_NUMBER)
    waiting.leg_ends(waiting.dialled_leg(), ReleaseCause.BUSY)
    assert waiting.outcome().outcome is Outcome.HANDLED


def test_what_comes_too_late_changes_nothing(waiting: World) -> None:
    waiting.post(AgentOffered(contact=CONTACT, queue=QUEUE, agent=AgentId("1"), seat=SeatId("s1")))
    waiting.answers(waiting.dialled_leg())
    waiting.post(TO_FLOW)
    assert waiting.core.saga(CALL).state.stage is Stage.TALKING
