"""The phone of one seat takes the call that rings at another: who may, and what becomes of the call."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any, cast

import pytest

from ccplatform.calls.inputs import CallInput, PhonePickUp, PhoneTransfer
from ccplatform.calls.model import Stage
from ccplatform.calls.ordering import Orders
from ccplatform.calls.ports import CallPorts
from ccplatform.contracts.facts import ConnectionCleared, Diverted, Established, TalkEnded, Transferred
from ccplatform.contracts.flows import TransferCaller
from ccplatform.contracts.legs import DialLeg, LegPickUpAsked, LegRinging, ReleaseLeg, SeatTarget
from ccplatform.contracts.media import Bridge
from ccplatform.contracts.routing import EngageAgent, HandOver, TalkReleased
from ccplatform.contracts.words import AgentId, LegId, LegRole, Outcome, ReleaseCause, SeatId
from tests.calls import test_saga
from tests.calls.test_calling_out import OTHER, OTHER_SEAT, PHONE, SEAT, calling, stage
from tests.calls.world import CALLER, CONTACT, World

THIRD, THIRD_SEAT = AgentId("1006"), SeatId("seat-06")
COLLEAGUE = SeatTarget(seat=OTHER_SEAT)


def picks_up(world: World, leg: LegId, agent: AgentId | None = None) -> LegId:
    """The phone of the third seat has what rings; its leg."""
    world.post(PhonePickUp(leg=leg, rings_at=OTHER_SEAT, seat=THIRD_SEAT, agent=agent))
    return world.dialled_leg()


def test_who_picks_up_a_call_between_seats_talks_with_who_called() -> None:
    world, party = calling(inside=True, party=OTHER)
    world.post(LegRinging(leg=party, device=OTHER_SEAT))
    leg = picks_up(world, party, THIRD)
    assert (world.last(DialLeg).target, world.last(DialLeg).role) == (SeatTarget(seat=THIRD_SEAT), LegRole.CALLER)
    assert ReleaseLeg(leg=party, cause=ReleaseCause.ELSEWHERE) in world.effects
    assert world.last(Diverted) == Diverted(
        contact=CONTACT, leg=party, device=OTHER_SEAT, cause=ReleaseCause.ELSEWHERE
    )
    assert world.last(TalkReleased) == TalkReleased(contact=CONTACT, agent=OTHER, talked=False)
    assert world.last(EngageAgent) == EngageAgent(contact=CONTACT, agent=THIRD)
    world.answers(leg, THIRD_SEAT)
    world.answers(PHONE)
    assert world.last(Bridge) == Bridge(a=leg, b=PHONE)
    world.passes(5.0)
    world.leg_ends(leg)
    assert world.last(TalkReleased).agent == "1004"
    assert TalkReleased(contact=CONTACT, agent=THIRD) in world.effects
    assert world.outcome().outcome is Outcome.HANDLED
    cleared = [(fact.leg, fact.role) for fact in world.all_of(ConnectionCleared)]
    assert (party, LegRole.PARTY) in cleared
    assert [role for _, role in cleared].count(LegRole.CALLER) == 1


def test_who_picks_up_and_has_no_agent_at_his_seat_engages_nobody() -> None:
    world, party = calling(inside=True, agent=None)
    leg = picks_up(world, party)
    world.answers(leg, THIRD_SEAT)
    world.answers(PHONE)
    assert world.all_of(EngageAgent) == []
    assert stage(world) is Stage.BRIDGED


@pytest.mark.parametrize("agent", [None, THIRD])
def test_who_picks_up_a_transfer_has_the_caller(agent: AgentId | None) -> None:
    world = test_saga.talking()
    first = world.dialled_leg()
    world.post(PhoneTransfer(leg=first, number="8005", target=COLLEAGUE))
    leg = picks_up(world, world.dialled_leg(), agent)
    assert world.last(DialLeg).transfers is None
    world.answers(leg, THIRD_SEAT)
    assert world.last(Transferred) == Transferred(contact=CONTACT, to=THIRD_SEAT, by=test_saga.AGENT)
    assert world.last(Bridge) == Bridge(a=CALLER, b=leg)
    assert world.last(Established).agent == agent
    if agent is not None:
        assert world.last(HandOver).source == world.last(EngageAgent).contact
    world.passes(7.0)
    world.leg_ends(CALLER)
    talked = [ended.agent for ended in world.all_of(TalkEnded)]
    assert talked == [test_saga.AGENT, *([agent] if agent is not None else [])]


def test_who_picks_up_what_a_flow_dialled_is_bridged() -> None:
    world = test_saga.in_flow()
    world.asks(TransferCaller(number="8005", target=COLLEAGUE))
    party = world.dialled_leg()
    leg = picks_up(world, party)
    world.answers(leg, THIRD_SEAT)
    assert world.last(Bridge) == Bridge(a=CALLER, b=leg)
    assert world.last(Transferred).to == THIRD_SEAT
    assert ReleaseLeg(leg=party, cause=ReleaseCause.ELSEWHERE) in world.effects


def test_who_picks_up_what_a_flow_dialled_is_busy_and_who_was_called_is_free() -> None:
    world, called, picker = test_saga.in_flow(), AgentId("1005"), AgentId("1003")
    world.asks(TransferCaller(number="8005", target=COLLEAGUE, seated=called))
    party = world.dialled_leg()
    leg = picks_up(world, party, picker)
    assert [command.agent for command in world.all_of(EngageAgent)] == [called, picker]
    world.leg_ends(party)
    assert [command.agent for command in world.all_of(TalkReleased)] == [called]
    world.answers(leg, THIRD_SEAT)
    world.leg_ends(CALLER)
    assert [command.agent for command in world.all_of(TalkReleased)] == [called, picker]


def test_what_is_answered_meanwhile_cannot_be_picked_up() -> None:
    world, party = calling(inside=True)
    world.answers(party)
    dialled = world.all_of(DialLeg)
    picks_up(world, party)
    assert world.all_of(DialLeg) == dialled


def test_the_phone_that_answered_at_that_moment_is_let_go() -> None:
    world, party = calling(inside=True)
    leg = picks_up(world, party)
    world.answers(party)
    assert world.all_of(ReleaseLeg)[-1] == ReleaseLeg(leg=party, cause=ReleaseCause.NORMAL)
    world.answers(leg, THIRD_SEAT)
    world.answers(PHONE)
    assert world.last(Bridge) == Bridge(a=leg, b=PHONE)


@dataclass
class Rights:
    """Who sits where, of which team, and which seats are of one group."""

    at: dict[str, str] = field(default_factory=dict)
    teams: dict[str, str] = field(default_factory=dict)
    group: set[str] = field(default_factory=set)
    busy: set[str] = field(default_factory=set)
    offered: list[AgentId] = field(default_factory=list)

    def agent_at(self, seat: SeatId) -> str | None:
        return self.at.get(seat)

    def has_contact(self, agent: AgentId) -> bool:
        return agent in self.busy

    def one_team(self, agent: AgentId, other: AgentId) -> bool:
        return self.teams.get(agent) == self.teams.get(other, "none")

    def in_one_group(self, seat: SeatId, other: SeatId) -> bool:
        return {seat, other} <= self.group

    def may_pick_up(self, agent: AgentId, contact: str, rung: AgentId) -> bool:
        return False

    def pick_up(self, contact: str, agent: AgentId) -> None:
        self.offered.append(agent)

    def asks(self, world: World, leg: LegId, *, rings_at: SeatId = OTHER_SEAT, seat: SeatId = THIRD_SEAT) -> bool:
        """Whether the phone of the third seat has what rings at the other one."""
        posted: list[CallInput] = []
        ports = cast(CallPorts, cast(Any, _Ports(router=self, numbers=self)))
        orders = Orders(core=world.core, ports=lambda: ports, post=posted.append, max_parties=6)
        orders.pick_up_asked(LegPickUpAsked(leg=leg, seat=seat, rings_at=rings_at))
        return bool(posted)


@dataclass
class _Ports:
    router: Rights
    numbers: Rights


BOTH: dict[str, str] = {OTHER_SEAT: OTHER, THIRD_SEAT: THIRD}
NIGHT: dict[str, str] = {OTHER: "night", THIRD: "night"}


@pytest.mark.parametrize(
    ("rights", "may"),
    [
        (Rights(), False),
        (Rights(group={OTHER_SEAT, THIRD_SEAT}), True),
        (Rights(at=dict(BOTH), group={OTHER_SEAT, THIRD_SEAT}), True),
        (Rights(at=dict(BOTH), group={OTHER_SEAT, THIRD_SEAT}, busy={THIRD}), False),
        (Rights(at=dict(BOTH), teams=dict(NIGHT)), True),
        (Rights(at=dict(BOTH), teams={OTHER: "night", THIRD: "day"}), False),
        (Rights(at={THIRD_SEAT: THIRD}, teams=dict(NIGHT)), False),
        (Rights(at={OTHER_SEAT: OTHER}, teams=dict(NIGHT)), False),
    ],
)
def test_phones_of_one_group_and_agents_of_one_team_may_take_each_others_calls(rights: Rights, may: bool) -> None:
    world, party = calling(inside=True)
    assert rights.asks(world, party) is may


def test_nobody_picks_up_his_own_call_nor_one_that_does_not_ring() -> None:
    world, party = calling(inside=True)
    rights = Rights(group={OTHER_SEAT, THIRD_SEAT, SEAT})
    assert not rights.asks(world, party, seat=SEAT)
    assert not rights.asks(world, PHONE)
    assert not rights.asks(world, LegId("unknown"))
    world.answers(party)
    assert not rights.asks(world, party)


def test_what_an_agent_was_offered_goes_to_an_agent_of_the_same_group_of_seats() -> None:
    world = test_saga.ringing()
    leg, seat = world.dialled_leg(), SeatId("seat-04")
    rights = Rights(group={seat, THIRD_SEAT})
    rights.asks(world, leg, rings_at=seat)
    assert rights.offered == []
    rights.at[THIRD_SEAT] = THIRD
    rights.asks(world, leg, rings_at=seat)
    assert rights.offered == [THIRD]
