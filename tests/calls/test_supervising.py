"""A supervisor listens to a talk, whispers, speaks with all, takes it over."""

from __future__ import annotations

import pytest

from ccplatform.calls.errors import NotInThisState
from ccplatform.calls.model import Stage
from ccplatform.contracts.commands import ControlParties, HoldCall, SuperviseCall
from ccplatform.contracts.facts import ConnectionCleared, Delivered, Transferred
from ccplatform.contracts.legs import DialLeg, LegRinging, SeatTarget
from ccplatform.contracts.routing import TalkReleased
from ccplatform.contracts.words import LegId, LegRole, PartyAct, SeatId, Supervision
from tests.calls.ear import Ear
from tests.calls.test_consulting import act, asked_of_agent
from tests.calls.test_saga import AGENT, in_queue, talking
from tests.calls.world import CALL, CALLER, CONTACT, WALL, World

DESK = SeatId("seat-09")


def order(world: World, what: Supervision, by: str = "sup1") -> None:
    world.post(SuperviseCall(call=CALL, what=what, by=by, seat=DESK))


def listening(what: Supervision = Supervision.MONITOR) -> tuple[World, LegId, LegId]:
    """A talk, the agent's leg, and that of a supervisor who is there."""
    world = talking()
    agent = world.dialled_leg()
    order(world, what)
    supervisor = world.dialled_leg()
    world.post(LegRinging(leg=supervisor, device=DESK))
    world.answers(supervisor, DESK)
    return world, agent, supervisor


def test_his_own_phone_rings_and_nobody_on_the_call_is_told() -> None:
    world, _, supervisor = listening()
    dial = world.last(DialLeg)
    assert (dial.target, dial.role) == (SeatTarget(seat=DESK), LegRole.SUPERVISOR)
    world.leg_ends(supervisor)
    assert supervisor not in {fact.leg for fact in world.all_of(Delivered)}
    assert supervisor not in {fact.leg for fact in world.all_of(ConnectionCleared)}
    assert Ear(world).gains == set()


@pytest.mark.parametrize("what", [Supervision.MONITOR, Supervision.WHISPER, Supervision.BARGE])
def test_who_hears_the_supervisor(what: Supervision) -> None:
    world, agent, supervisor = listening(what)
    heard = {sink for source, sink in Ear(world).gains if source == supervisor}
    hears = {source for source, sink in Ear(world).gains if sink == supervisor}
    assert hears == {CALLER, agent}
    by = {Supervision.MONITOR: set(), Supervision.WHISPER: {agent}, Supervision.BARGE: {CALLER, agent}}
    assert heard == by[what]
    assert Ear(world).hears(CALLER) == {agent}


def test_he_changes_what_he_does_on_the_line_that_he_has() -> None:
    world, agent, supervisor = listening()
    order(world, Supervision.BARGE)
    assert (supervisor, CALLER) in Ear(world).gains
    order(world, Supervision.WHISPER)
    assert {sink for source, sink in Ear(world).gains if source == supervisor} == {agent}
    assert len(world.all_of(DialLeg)) == 2


def test_a_caller_on_hold_does_not_hear_a_barge_and_is_heard_by_nobody() -> None:
    world, agent, supervisor = listening(Supervision.BARGE)
    world.post(HoldCall(call=CALL, hold=True, by=AGENT))
    assert Ear(world).gains == {(agent, supervisor), (supervisor, agent)}
    world.post(HoldCall(call=CALL, hold=False, by=AGENT))
    assert (supervisor, CALLER) in Ear(world).gains


def test_he_hears_the_consultation_and_the_conference_of_the_agent() -> None:
    world, agent, expert = asked_of_agent()
    order(world, Supervision.MONITOR)
    supervisor = world.dialled_leg()
    world.answers(supervisor, DESK)
    assert {source for source, _ in Ear(world).gains} == {agent, expert}
    act(world, PartyAct.CONFERENCE)
    assert Ear(world).gains == {(leg, supervisor) for leg in (CALLER, agent, expert)}


@pytest.mark.parametrize("how", ["hangs up", "hands over"])
def test_supervision_ends_with_the_talk(how: str) -> None:
    world, _, _ = asked_of_agent()
    order(world, Supervision.WHISPER)
    supervisor = world.dialled_leg()
    world.answers(supervisor, DESK)
    if how == "hangs up":
        world.leg_ends(CALLER)
    else:
        world.post(ControlParties(call=CALL, act=PartyAct.COMPLETE, by=AGENT))
    assert supervisor in world.ended_legs
    assert Ear(world).gains == set()


def test_he_takes_the_caller_over_and_the_agent_is_free() -> None:
    world, agent, supervisor = listening(Supervision.WHISPER)
    order(world, Supervision.TAKE_OVER)
    assert Ear(world).hears(CALLER) == {supervisor}
    assert Ear(world).gains == set()
    assert TalkReleased(contact=CONTACT, agent=AGENT) in world.effects
    assert agent in world.ended_legs
    assert world.last(Transferred) == Transferred(contact=CONTACT, to=DESK, by="sup1")
    assert world.core.saga(CALL).state.stage is Stage.BRIDGED


def test_what_is_no_talk_cannot_be_supervised() -> None:
    with pytest.raises(NotInThisState):
        order(in_queue(), Supervision.MONITOR)
    with pytest.raises(NotInThisState):
        order(talking(), Supervision.TAKE_OVER)


def test_supervision_survives_a_restart() -> None:
    world, agent, supervisor = listening(Supervision.WHISPER)
    data = world.core.snapshot(CALL, world.now, WALL)
    world.core.forget(CALL)
    world.core.restore(data, world.now, WALL)
    order(world, Supervision.MONITOR)
    assert {sink for source, sink in Ear(world).gains if source == supervisor} == set()
    assert (agent, supervisor) in Ear(world).gains
