"""Two calls of one phone, joined at any moment: every contact ends once, every leg is let go, no agent is lost."""

from __future__ import annotations

from contextlib import suppress

from hypothesis import given, settings
from hypothesis import strategies as st

from ccplatform.calls.inputs import ConsultOrder, PhoneJoin, PhoneTransfer
from ccplatform.calls.model import CallEffect, CallState, Stage
from ccplatform.contracts.commands import ControlParties, HangUpCall, HoldCall, SuperviseCall
from ccplatform.contracts.facts import ConnectionCleared, ContactArrived, ContactEnded
from ccplatform.contracts.flows import EnterQueue, TransferCaller
from ccplatform.contracts.legs import DialLeg, LegEarly, LegHeld, ReportTransfer, SeatTarget, TransferStep
from ccplatform.contracts.media import ForgetCall
from ccplatform.contracts.routing import (
    AgentOffered,
    EngageAgent,
    HandOver,
    OfferAnswered,
    QueueContact,
    TalkReleased,
    TransferContact,
    WithdrawContact,
)
from ccplatform.contracts.words import (
    AgentId,
    CallId,
    ContactId,
    LegId,
    PartyAct,
    ReleaseCause,
    SeatId,
    Supervision,
    TrunkId,
)
from ccplatform.kernel.errors import Refusal
from tests.calls.ear import Ear
from tests.calls.test_calling_out import PHONE
from tests.calls.test_calling_out import begins as begins_out
from tests.calls.test_joining import (
    CALL_2,
    CONTACT_2,
    EXPERT,
    EXPERTS,
    PHONE_2,
    dials,
    dials_queue,
    enters_queue,
    expert_answers,
)
from tests.calls.test_saga import talking
from tests.calls.world import CALL, CONTACT, WALL, World

CALLS = {CALL: CONTACT, CALL_2: CONTACT_2}
AGENTS = [AgentId("1006"), AgentId("1007"), AgentId("1008")]
WHICH = st.sampled_from(list(CALLS))
CAUSES = st.sampled_from(list(ReleaseCause))
STEPS = st.one_of(
    st.tuples(st.just("join"), st.booleans()),
    st.tuples(st.just("join"), st.booleans()),
    st.tuples(st.just("answer"), st.integers(0, 7)),
    st.tuples(st.just("answer"), st.integers(0, 7)),
    st.tuples(st.just("end"), st.integers(0, 7), CAUSES),
    st.tuples(st.just("early"), st.integers(0, 7)),
    st.tuples(st.just("hold key"), st.integers(0, 7), st.booleans()),
    st.tuples(st.just("hold"), WHICH, st.booleans()),
    st.tuples(st.just("queue"), WHICH),
    st.tuples(st.just("trunk"), WHICH),
    st.tuples(st.just("agent"), WHICH, st.sampled_from(AGENTS), st.sampled_from(["", "Support"])),
    st.tuples(st.just("transfer"), WHICH),
    st.tuples(st.just("consult"), WHICH, st.booleans()),
    st.tuples(st.just("act"), WHICH, st.sampled_from(list(PartyAct))),
    st.tuples(st.just("supervise"), WHICH, st.sampled_from(list(Supervision))),
    st.tuples(st.just("hang up"), WHICH),
    st.tuples(st.just("pass"), st.floats(0.0, 30.0)),
    st.tuples(st.just("restart"), WHICH),
)


def _states(world: World) -> dict[CallId, CallState]:
    return {call: world.core.saga(call).state for call in world.core.calls()}


def _legs(world: World) -> list[LegId]:
    return sorted(leg for state in _states(world).values() for leg in state.live_legs)


def _phone(world: World) -> list[LegId]:
    """The legs of the phone that joins: who has the caller, and the leg that it dialled by."""
    first = _states(world).get(CALL)
    return [leg for leg in (first.other_leg if first is not None else None, PHONE_2) if leg is not None]


def _take(world: World, step: tuple[object, ...]) -> None:
    states, legs = _states(world), _legs(world)
    match step:
        case ("join", bool(turned)) if len(phone := _phone(world)) == 2:
            first, second = reversed(phone) if turned else phone
            world.asked_for_transfer += 1
            world.post(PhoneJoin(leg=first, other=second))
        case ("answer", int(which)) if legs and legs[which % len(legs)] not in world.answered_legs:
            world.answers(legs[which % len(legs)], "somewhere")
        case ("end", int(which), ReleaseCause() as cause) if legs:
            world.leg_ends(legs[which % len(legs)], cause)
        case ("early", int(which)) if legs and legs[which % len(legs)] not in world.answered_legs:
            world.post(LegEarly(leg=legs[which % len(legs)]))
        case ("hold key", int(which), bool(held)) if legs:
            world.post(LegHeld(leg=legs[which % len(legs)], held=held))
        case (str(what), str(call), *rest) if call in states:
            _take_order(world, what, CallId(call), rest)
        case ("pass", float(seconds)):
            world.passes(seconds)
        case _:
            pass


def _take_order(world: World, what: str, call: CallId, rest: list[object]) -> None:
    state = world.core.saga(call).state
    match what, *rest:
        case ("hold", bool(hold)):
            world.post(HoldCall(call=call, hold=hold, by="1004"))
        case ("queue",) if state.contact in world.flows:
            world.asks(EnterQueue(queue=EXPERTS), state.contact)
        case ("trunk",) if state.contact in world.flows:
            world.asks(TransferCaller(trunk=TrunkId("lab"), number="1"), state.contact)
        case ("agent", str(agent), str(whisper)) if state.stage is Stage.QUEUED and agent not in _busy(world):
            offered = AgentOffered(
                contact=state.contact,
                queue=EXPERTS,
                agent=AgentId(agent),
                seat=SeatId(f"seat-{agent}"),
                whisper=whisper,
            )
            world.post(offered)
        case ("transfer",) if state.other_leg is not None:
            world.asked_for_transfer += 1
            target = SeatTarget(seat=SeatId("seat-07"))
            world.post(PhoneTransfer(leg=state.other_leg, number="1", target=target))
        case ("consult", bool(transfer)):
            target = SeatTarget(seat=SeatId("seat-08"))
            world.post(ConsultOrder(call=call, to="8008", by="1004", target=target, transfer=transfer))
        case ("act", PartyAct() as act):
            world.post(ControlParties(call=call, act=act, by="1004"))
        case ("supervise", Supervision() as how):
            world.post(SuperviseCall(call=call, what=how, by="sup1", seat=SeatId("seat-09")))
        case ("hang up",):
            world.post(HangUpCall(call=call, by="sup1"))
        case ("restart",):
            data = world.core.snapshot(call, world.now, WALL)
            world.core.forget(call)
            world.core.restore(data, world.now, WALL)
        case _:
            pass


def _busy(world: World) -> set[str]:
    return {rung.agent for state in _states(world).values() for rung in state.rung.values()} | {
        agent for state in _states(world).values() for agent in (state.agent,) if agent is not None
    }


class Acd:
    """Who has which agent, as the ACD would have it."""

    def __init__(self, effects: list[CallEffect]) -> None:
        self.talks: dict[ContactId, AgentId] = {}
        self.own: set[tuple[ContactId, AgentId]] = set()  # talks past the queues
        self.waits: set[ContactId] = set()
        for effect in effects:
            self._take(effect)

    def _take(self, effect: CallEffect) -> None:
        match effect:
            case QueueContact(contact=contact):
                assert contact not in self.talks.keys() | self.waits
                self.waits.add(contact)
            case OfferAnswered(contact=contact, agent=agent):
                self.waits.remove(contact)
                self.talks[contact] = agent
            case EngageAgent(contact=contact, agent=agent):
                assert (contact, agent) not in self.own
                self.own.add((contact, agent))
            case HandOver(contact=contact, source=source, agent=agent) if agent is not None:
                assert contact not in self.talks
                if (source, agent) in self.own:
                    self.own.remove((source, agent))
                else:
                    assert self.talks.pop(source) == agent
                self.talks[contact] = agent
            case TransferContact(contact=contact):  # his agent hung up on his whisper
                del self.talks[contact]
                self.waits.add(contact)
            case TalkReleased(contact=contact, agent=agent):
                if (contact, agent) in self.own:
                    self.own.remove((contact, agent))
                else:
                    assert self.talks.pop(contact) == agent
            case WithdrawContact(contact=contact):
                self.waits.discard(contact)
            case _:
                pass


def _assert_who_talks_hears_one_another(world: World) -> None:
    ear = Ear(world)
    for state in _states(world).values():
        talks = state.stage in (Stage.TALKING, Stage.BRIDGED) and state.answered and not state.members
        if talks and state.other_leg is not None:
            heard = {leg for leg in ear.hears(state.caller_leg) if leg in state.live_legs}
            assert state.other_leg in heard, state.stage
            assert state.caller_leg not in ear.playing
            assert ear.hears(state.other_leg) == {state.caller_leg}


def _begun(first: str, second: str, *, far: bool) -> World:
    """Two calls of the phone; ``far``: everybody talks."""
    if first == "talk":
        world = talking()
    else:
        world = World()
        world.post(begins_out(inside=first == "to a seat"))
        _answered(world, world.dialled_leg(), PHONE)
    match second:
        case "a seat":
            dials(world, inside=True)
        case "an agent":
            dials(world, inside=True, party=EXPERT)
        case "outside":
            dials(world)
        case _:
            dials_queue(world)
            if far:
                enters_queue(world)
                expert_answers(world)
            return world
    if far:
        _answered(world, world.dialled_leg(), PHONE_2)
    return world


def _answered(world: World, *legs: LegId) -> None:
    for leg in legs:
        world.answers(leg)


FIRST = ["talk", "talk", "outside", "to a seat"]
SECOND = ["a seat", "an agent", "outside", "a queue", "a queue"]


@settings(max_examples=600, deadline=None)
@given(st.sampled_from(FIRST), st.sampled_from(SECOND), st.booleans(), st.lists(STEPS, max_size=25))
def test_two_calls_joined_at_any_moment_end_whole(
    first: str, second: str, far: bool, steps: list[tuple[object, ...]]
) -> None:
    world = _begun(first, second, far=far)
    for step in steps:
        with suppress(Refusal):
            _take(world, step)
        legs = _legs(world)
        assert len(legs) == len(set(legs))  # no leg is in two calls
        _assert_who_talks_hears_one_another(world)
    for call in world.core.calls():
        world.post(HangUpCall(call=call, by="sup1"))
    for _ in range(4):
        world.passes(100.0)
    assert len(world.core) == 0
    assert world.core.next_deadline() is None
    arrived = sorted(fact.contact for fact in world.all_of(ContactArrived))
    assert sorted(fact.contact for fact in world.all_of(ContactEnded)) == arrived
    assert sorted(effect.call for effect in world.all_of(ForgetCall)) == sorted(CALLS)
    cleared = [fact.leg for fact in world.all_of(ConnectionCleared)]
    assert len(cleared) == len(set(cleared))
    assert {dial.leg for dial in world.all_of(DialLeg)} <= world.ended_legs
    acd = Acd(world.effects)
    assert (acd.talks, acd.own, acd.waits) == ({}, set(), set())
    told = [report.step for report in world.all_of(ReportTransfer)]
    at_once = [step for step in told if step in (TransferStep.ACCEPTED, TransferStep.REFUSED)]
    assert len(at_once) == world.asked_for_transfer
    over = [step for step in told if step in (TransferStep.DONE, TransferStep.FAILED)]
    assert len(over) <= at_once.count(TransferStep.ACCEPTED)
    for ended in world.all_of(ContactEnded):
        assert ended.total_seconds >= ended.talk_seconds - 1e-6
