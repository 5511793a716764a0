"""Every order at every instant, in calls in, calls out and call-backs, with the real ACD: what always holds."""

from __future__ import annotations

from collections import Counter

import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule

from acd.events import GoNotReady, GoReady, SeatReachability, SignIn, SignOut
from ccplatform.calls.model import CallState, Stage
from ccplatform.contracts.commands import (
    ConsultCall,
    ControlParties,
    DropParty,
    HangUpCall,
    HoldCall,
    MakeCall,
    MoveCall,
    PickUpCall,
    SuperviseCall,
)
from ccplatform.contracts.facts import ConnectionCleared, ContactArrived, ContactEnded
from ccplatform.contracts.flows import EchoCaller, EnterQueue, FlowRequest, ReleaseCaller, TransferCaller
from ccplatform.contracts.legs import (
    DigitPressed,
    LegAnswered,
    LegEarly,
    LegHeld,
    LegPickUpAsked,
    LegReferred,
    LegRinging,
    LegTransferAsked,
    PlaybackEnded,
    SeatTarget,
)
from ccplatform.contracts.routing import CallBackDropped, WithdrawContact
from ccplatform.contracts.words import (
    AgentId,
    AgentState,
    ContactId,
    LegId,
    PartyAct,
    QueueId,
    ReleaseCause,
    SeatId,
    Supervision,
    TrunkId,
)
from tests.calls.whole import AGENTS, LONGEST, QUEUES, Whole, seat_of

SUPPORT, EXPERTS = QUEUES[0].id, QUEUES[1].id
OUTSIDE = "13900000000"
pick = st.integers(0, 7)
some_agent = st.sampled_from(AGENTS)
some_queue = st.sampled_from([SUPPORT, EXPERTS])
STARTS = ["talk", "talk", "consultation", "conference", "out", "to a colleague", "promise"]
CAUSES = [ReleaseCause.NORMAL, ReleaseCause.BUSY, ReleaseCause.UNREACHABLE, ReleaseCause.FAILED]
#: Most calls at one time.
MOST = 3
IN_TALK = (Stage.TALKING, Stage.HELD, Stage.CONSULTING)


class Orders(RuleBasedStateMachine):
    """The centre has four agents; each rule is something that the network, a flow, a person or a crash does."""

    @initialize(starts=st.lists(st.sampled_from(STARTS), max_size=MOST))
    def begin(self, starts: list[str]) -> None:
        self.whole = Whole()
        self.promised = 0
        for agent, start in zip(AGENTS, starts, strict=False):
            if start == "out":
                self.a_phone_dials(agent, OUTSIDE)
            elif start == "to a colleague":
                self.a_phone_dials(agent, f"8{AGENTS[-1][1:]}")
            elif start == "promise":
                self.a_call_back_is_promised(customer_first=False)
            else:
                self.a_caller_is_queued(EXPERTS)
            for _ in range(3):
                self.all_answer()
            if start in ("consultation", "conference"):
                state = self.whole.states()[-1]
                self.whole.calls.command(ConsultCall(call=state.call, by="x", number=OUTSIDE))
                self.all_answer()
                if start == "conference":
                    act = ControlParties(call=state.call, act=PartyAct.CONFERENCE, by="x")
                    self.whole.calls.command(act)

    def state(self, at: int, *stages: Stage) -> CallState | None:
        """One of the calls, in one of these stages if there is one."""
        states = self.whole.states()
        states = [state for state in states if state.stage in stages] or states
        return states[at % len(states)] if states else None

    def ringing(self) -> list[LegId]:
        """Phones that may answer, even when they were let go at that moment, and callers who are answered."""
        network = self.whole.network
        called = [leg for leg, target in network.there.items() if target is not None]
        return [leg for leg in (*called, *network.answering) if leg not in network.up]

    def legs(self, state: CallState) -> list[LegId]:
        return [leg for leg in state.live_legs if leg in self.whole.network.there]

    def few(self) -> bool:
        return len(self.whole.states()) < MOST

    # --- calls begin ---

    @precondition(lambda self: self.few())
    @rule(queue=some_queue)
    def a_caller_is_queued(self, queue: QueueId) -> None:
        leg = self.whole.arrives()
        (state,) = [state for state in self.whole.states() if state.caller_leg == leg]
        self.whole.asks(state.contact, EnterQueue(queue=queue))
        self.answers(leg)

    @precondition(lambda self: self.few())
    @rule()
    def a_caller_comes(self) -> None:
        self.whole.arrives()

    @precondition(lambda self: self.few())
    @rule(agent=some_agent, number=st.sampled_from(["95001", OUTSIDE, "8001", "8002"]))
    def a_phone_dials(self, agent: AgentId, number: str) -> None:
        self.whole.arrives(number, seat_of(agent))

    @precondition(lambda self: self.few())
    @rule(agent=some_agent, number=st.sampled_from([OUTSIDE, "8001", "8002"]))
    def somebody_clicks(self, agent: AgentId, number: str) -> None:
        self.whole.calls.make_call(MakeCall(agent=agent, number=number, by="x"))

    @precondition(lambda self: self.few() and len(self.whole.router.promises) < 2)
    @rule(customer_first=st.booleans())
    def a_call_back_is_promised(self, customer_first: bool) -> None:
        self.promised += 1
        self.whole.router.promise(ContactId(f"promise-{self.promised}"), customer_first)

    # --- the network ---

    def answers(self, leg: LegId) -> None:
        if leg in self.whole.network.there and leg not in self.whole.network.up:
            self.whole.network.up.add(leg)
            if leg in self.whole.network.answering:
                self.whole.network.answering.remove(leg)
            self.whole.calls.leg_event(LegAnswered(leg=leg, device="somewhere"))

    @precondition(lambda self: self.ringing())
    @rule(at=pick)
    def a_leg_answers(self, at: int) -> None:
        ringing = self.ringing()
        self.answers(ringing[at % len(ringing)])

    @precondition(lambda self: self.ringing())
    @rule()
    def all_answer(self) -> None:
        for leg in self.ringing():
            self.answers(leg)

    @rule(call=pick, at=pick)
    def a_leg_rings(self, call: int, at: int) -> None:
        state = self.state(call)
        legs = self.legs(state) if state is not None else []
        if legs and legs[at % len(legs)] not in self.whole.network.up:
            self.whole.calls.leg_event(LegRinging(leg=legs[at % len(legs)], device="somewhere"))

    @rule(call=pick, at=pick)
    def a_leg_is_heard_early(self, call: int, at: int) -> None:
        state = self.state(call)
        legs = self.legs(state) if state is not None else []
        if legs and legs[at % len(legs)] not in self.whole.network.up:
            self.whole.calls.leg_event(LegEarly(leg=legs[at % len(legs)]))

    @rule(call=pick, at=pick, cause=st.sampled_from(CAUSES))
    def a_leg_ends(self, call: int, at: int, cause: ReleaseCause) -> None:
        state = self.state(call)
        legs = self.legs(state) if state is not None else []
        if legs:
            self.whole.leg_ends(legs[at % len(legs)], cause)

    @rule()
    def who_was_let_go_is_gone(self) -> None:
        self.whole.settle()

    @rule(call=pick, held=st.booleans())
    def a_phone_holds(self, call: int, held: bool) -> None:
        state = self.state(call)
        if state is not None and state.other_leg in self.whole.network.up:
            assert state.other_leg is not None
            self.whole.calls.leg_event(LegHeld(leg=state.other_leg, held=held))

    @rule(call=pick, number=st.sampled_from(["95001", OUTSIDE, "8001", "8003", "nobody"]))
    def a_phone_transfers(self, call: int, number: str) -> None:
        state = self.state(call, Stage.TALKING, Stage.HELD, Stage.BRIDGED)
        if state is not None and state.other_leg in self.whole.network.up:
            assert state.other_leg is not None
            self.whole.calls.leg_event(LegTransferAsked(leg=state.other_leg, number=number))

    @rule(call=pick, other=pick, called=st.booleans())
    def a_phone_joins_two_calls(self, call: int, other: int, called: bool) -> None:
        """By its leg of the one, and its leg of the other, which it called or was called by."""
        one = self.state(call, Stage.TALKING, Stage.HELD, Stage.BRIDGED)
        two = self.state(other)
        up = self.whole.network.up
        if one is not None and two is not None and one is not two:
            replaced = two.other_leg if called else two.caller_leg
            for asking in (one.other_leg, one.caller_leg):
                if asking is not None and asking in up and replaced in up:
                    asked = LegTransferAsked(leg=asking, number="", replaces=replaced)
                    self.whole.calls.leg_event(asked)

    @rule(call=pick, key=st.booleans())
    def a_whisper_ends(self, call: int, key: bool) -> None:
        state = self.state(call, Stage.WHISPERING)
        if state is not None and state.whisper is not None and state.other_leg is not None:
            self.whole.calls.leg_event(
                DigitPressed(leg=state.other_leg, digit="1", ended_at=self.whole.clock.now())
                if key
                else PlaybackEnded(leg=state.other_leg, playback=state.whisper, finished=True)
            )

    @rule(seconds=st.sampled_from([0.0, 1.0, 5.0, 10.0, 25.0, 61.0, 700.0]))
    def time_passes(self, seconds: float) -> None:
        self.whole.clock.advance(seconds)

    # --- flows and people ---

    @rule(call=pick, what=st.sampled_from(["queue", "trunk", "seat", "echo", "bye"]), queue=some_queue)
    def the_flow_asks(self, call: int, what: str, queue: QueueId) -> None:
        state = self.state(call, Stage.FLOW)
        if state is not None and state.contact in self.whole.flows.running:
            requests: dict[str, FlowRequest] = {
                "queue": EnterQueue(queue=queue),
                "trunk": TransferCaller(trunk=TrunkId("pstn"), number=OUTSIDE),
                "seat": TransferCaller(number="8002"),
                "echo": EchoCaller(seconds=5.0),
                "bye": ReleaseCaller(),
            }
            self.whole.asks(state.contact, requests[what])

    @rule(agent=some_agent, ready=st.booleans())
    def an_agent_asks(self, agent: AgentId, ready: bool) -> None:
        if self.whole.router.seat_of(agent) is not None:
            self.whole.router.runner.post(GoReady(agent=agent) if ready else GoNotReady(agent=agent))

    @rule(agent=some_agent)
    def an_agent_signs_out_or_in(self, agent: AgentId) -> None:
        """Out counts after his call; who is out comes back to his own seat, ready."""
        router = self.whole.router
        if router.seat_of(agent) is not None:
            router.runner.post(SignOut(agent=agent))
        else:
            router.runner.post(SignIn(agent=agent, seat=seat_of(agent)))
            router.runner.post(GoReady(agent=agent))

    @rule(agent=some_agent, there=st.booleans())
    def a_phone_registers(self, agent: AgentId, there: bool) -> None:
        self.whole.router.runner.post(SeatReachability(seat=seat_of(agent), reachable=there))

    @rule(call=pick, hold=st.booleans())
    def hold(self, call: int, hold: bool) -> None:
        if state := self.state(call, Stage.TALKING, Stage.HELD):
            self.whole.calls.command(HoldCall(call=state.call, hold=hold, by="x"))

    @rule(
        call=pick, who=st.sampled_from(["queue", "agent", "seat", "number"]), agent=some_agent, now=st.booleans()
    )
    def consult(self, call: int, who: str, agent: AgentId, now: bool) -> None:
        if state := self.state(call, Stage.TALKING, Stage.HELD):
            order = ConsultCall(
                call=state.call,
                by="x",
                queue=EXPERTS if who == "queue" else None,
                agent=agent if who == "agent" else None,
                seat=seat_of(agent) if who == "seat" else None,
                number=OUTSIDE if who == "number" else None,
                transfer=now,
            )
            self.whole.calls.command(order)

    @rule(call=pick, act=st.sampled_from(PartyAct))
    def control_parties(self, call: int, act: PartyAct) -> None:
        if state := self.state(call, Stage.CONSULTING):
            self.whole.calls.command(ControlParties(call=state.call, act=act, by="x"))

    @rule(call=pick, at=pick)
    def drop(self, call: int, at: int) -> None:
        state = self.state(call)
        if state is not None and state.live_legs:
            leg = list(state.live_legs)[at % len(state.live_legs)]
            self.whole.calls.command(DropParty(call=state.call, leg=leg, by="x"))

    @rule(call=pick, queue=some_queue)
    def move(self, call: int, queue: QueueId) -> None:
        if state := self.state(call):
            self.whole.calls.command(MoveCall(call=state.call, queue=queue, by="x"))

    @rule(call=pick, agent=some_agent)
    def pick_up(self, call: int, agent: AgentId) -> None:
        if state := self.state(call, Stage.QUEUED, Stage.RINGING):
            self.whole.calls.command(PickUpCall(call=state.call, agent=agent, by="x"))

    @rule(at=pick, agent=some_agent)
    def a_phone_picks_up(self, at: int, agent: AgentId) -> None:
        """What the access layer asks, and what answers it: the seat that asked is dialled, and is there."""
        there = self.whole.network.there
        rings = {leg: target.seat for leg in self.ringing() if isinstance(target := there[leg], SeatTarget)}
        if not rings:
            return
        leg = list(rings)[at % len(rings)]
        before = set(there)
        self.whole.calls.leg_event(LegPickUpAsked(leg=leg, seat=seat_of(agent), rings_at=rings[leg]))
        for dialled in set(there) - before:
            if there[dialled] == SeatTarget(seat=seat_of(agent)):
                self.answers(dialled)

    @rule(call=pick)
    def a_carrier_connects(self, call: int) -> None:
        """The caller with whom he talks, or with whom is called for him."""
        state = self.state(call, Stage.BRIDGED, Stage.TRANSFERRING, Stage.DIALLING)
        if state is None or state.caller_leg not in self.whole.network.up:
            return
        party = state.other_leg if state.second is None else state.second.leg
        if party is not None and not state.members:
            self.whole.calls.leg_event(LegReferred(leg=state.caller_leg, to=party))

    @rule(call=pick, what=st.sampled_from(Supervision), by=st.sampled_from(["sup1", "sup2"]))
    def supervise(self, call: int, what: Supervision, by: str) -> None:
        if state := self.state(call, *IN_TALK):
            seat = SeatId(f"seat-{by}")
            self.whole.calls.command(SuperviseCall(call=state.call, what=what, by=by, seat=seat))

    @rule(call=pick, for_all=st.booleans())
    def hang_up(self, call: int, for_all: bool) -> None:
        if state := self.state(call):
            agent = None if for_all else state.agent
            self.whole.calls.command(HangUpCall(call=state.call, by="x", agent=agent))

    @rule(call=pick)
    def cancel_the_call_back(self, call: int) -> None:
        state = self.state(call)
        if state is not None and state.promise:
            self.whole.calls.router_event(CallBackDropped(contact=state.contact))

    @rule(away=st.sampled_from([1.0, 30.0]), lost=st.sets(pick, max_size=2), latest_first=st.booleans())
    def control_dies(self, away: float, lost: set[int], latest_first: bool) -> None:
        self.whole.restart(
            away, lambda legs: {legs[at] for at in lost if at < len(legs)}, latest_first=latest_first
        )

    # --- what holds after every step ---

    @invariant()
    def every_call_waits_for_something_that_will_come(self) -> None:
        for state in self.whole.states():
            why = self.stuck(state)
            assert not why, f"{why}: {state}"

    def stuck(self, state: CallState) -> str:
        """Why nothing will ever come that ends this stage; '': something will."""
        there, engine, second = self.whole.network.there, self.whole.router.engine, state.second
        if state.stage is Stage.ENDING:
            return "" if state.deadline_at is not None else "no deadline"
        if not set(state.live_legs) <= there.keys():
            return "a leg that is gone"
        if set(state.live_legs) & self.whole.network.leaving.keys():
            return ""
        if state.stage is Stage.FLOW:
            return "" if state.flow is not None and state.contact in self.whole.flows.running else "no flow"
        if state.stage in (Stage.QUEUED, Stage.RINGING):
            return "" if engine.position(state.contact) is not None else "no place in a queue"
        if state.stage in (Stage.CONSULTING, Stage.TRANSFERRING):
            if second is None:
                return "nobody is called"
            if second.answered_at is None and second.routed and engine.position(second.contact) is None:
                return "the ACD looks for nobody"
            if second.answered_at is None and not second.routed and state.deadline_at is None:
                return "it rings for ever"
        elif state.stage in (Stage.INITIATED, Stage.CALLING, Stage.CALLING_BACK, Stage.DIALLING, Stage.WHISPERING):
            waits_for_ack = state.stage is Stage.CALLING and state.answered
            return "" if state.deadline_at is not None or waits_for_ack else "no deadline"
        if state.stage is Stage.TRANSFERRING or state.stage is Stage.ECHO:
            return ""
        return "" if state.other_leg in there else "nobody has the caller"

    @invariant()
    def the_acd_has_whom_the_calls_have(self) -> None:
        """Each agent who talks, or is rung, for the ACD is on a call, and the other way round."""
        now = self.whole.clock.now()
        rung, talks = Counter[tuple[str, str]](), Counter[tuple[str, str]]()
        for state in self.whole.states():
            rung.update((state.rung_for, one.agent) for one in state.rung.values())
            rung.update((state.contact, one.agent) for one in state.reserved)
            talks.update(self.talks_of(state))
        data = self.whole.router.engine.snapshot(now)
        works = [(work["contact"], work["agent"], work["state"]) for work in data["engagements"]]
        wrap_up, reserved = AgentState.WRAP_UP.value, AgentState.RESERVED.value
        states = [str(state) for state in self.whole.states()]
        assert Counter((c, a) for c, a, what in works if what == reserved) == rung, states
        assert Counter((c, a) for c, a, what in works if what not in (wrap_up, reserved)) == talks, states

    @staticmethod
    def talks_of(state: CallState) -> list[tuple[str, str]]:
        talks: list[tuple[str, str]] = []
        if state.stage is Stage.ENDING:
            return talks
        if state.agent is not None:
            talks.append((state.contact, state.agent))
        if state.party_agent is not None:
            talks.append((state.contact, state.party_agent))
        if state.seat_called is not None:
            talks.append((state.contact, state.seat_called.agent))
        second = state.second
        if second is not None and second.agent is not None:
            talks.append((second.contact, second.agent))
        talks += [(member.contact, member.agent) for member in state.members.values() if member.agent is not None]
        return talks

    @invariant()
    def what_is_recorded_is_a_talk_that_goes_on(self) -> None:
        wanted = set()
        for state in self.whole.states():
            second = state.second.recording if state.second is not None else None
            wanted |= {recording for recording in (state.recording, second) if recording is not None}
        assert self.whole.media.recordings.keys() == wanted

    def teardown(self) -> None:
        """Everybody hangs up: nothing is left of anything."""
        whole = self.whole
        for contact in tuple(whole.router.promises):
            whole.router.runner.post(WithdrawContact(contact=contact, reason="cancelled"))
        for _ in range(3):
            for state in whole.states():
                whole.calls.command(HangUpCall(call=state.call, by="x"))
            whole.settle()
            whole.clock.advance(LONGEST)
        assert whole.states() == []
        arrived = Counter(fact.contact for fact in whole.facts if isinstance(fact, ContactArrived))
        ended = Counter(fact.contact for fact in whole.facts if isinstance(fact, ContactEnded))
        assert ended == arrived, (arrived - ended, ended - arrived)
        assert set(ended.values()) <= {1}
        cleared = Counter(fact.leg for fact in whole.facts if isinstance(fact, ConnectionCleared))
        assert set(cleared.values()) <= {1}
        assert not whole.media.recordings
        assert not whole.network.there


Orders.TestCase.settings = settings(max_examples=60, stateful_step_count=30, deadline=None)
TestOrders = Orders.TestCase


@pytest.mark.parametrize("latest_first", [False, True])
def test_who_consults_and_dials_a_queue_by_his_phone_has_both_calls_after_a_restart(latest_first: bool) -> None:
    orders = Orders()
    orders.begin(starts=["consultation"])
    orders.a_phone_dials(AGENTS[0], "95001")
    orders.the_flow_asks(call=1, what="queue", queue=SUPPORT)
    orders.the_acd_has_whom_the_calls_have()
    orders.control_dies(away=1.0, lost=set(), latest_first=latest_first)
    assert len(orders.whole.states()) == 2
    orders.the_acd_has_whom_the_calls_have()
    orders.teardown()
