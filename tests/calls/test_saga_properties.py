"""Whatever happens in whatever order: a contact ends exactly once, and every leg that began is let go."""

from __future__ import annotations

from contextlib import suppress

from hypothesis import given, settings
from hypothesis import strategies as st

from ccplatform.calls.inputs import ConsultOrder, Overflowed, PhoneTransfer
from ccplatform.calls.model import Stage, Whisper
from ccplatform.calls.whispering import WHISPER_SECONDS
from ccplatform.contracts.commands import ControlParties, DropParty, HangUpCall, HoldCall, MoveCall, SuperviseCall
from ccplatform.contracts.facts import ConnectionCleared, ContactArrived, ContactEnded
from ccplatform.contracts.flows import (
    ConferenceCaller,
    EchoCaller,
    EnterQueue,
    InputCompleted,
    PlayPrompt,
    ReleaseCaller,
    TransferCaller,
)
from ccplatform.contracts.legs import (
    DialLeg,
    DigitPressed,
    LegEarly,
    LegHeld,
    PlaybackEnded,
    ReportTransfer,
    SeatTarget,
    TransferStep,
)
from ccplatform.contracts.routing import (
    AgentOffered,
    CallAgent,
    EngageAgent,
    HandOver,
    OfferAnswered,
    OfferWithdrawn,
    QueueContact,
    QueueRefused,
    TalkReleased,
    TransferContact,
    WithdrawContact,
)
from ccplatform.contracts.words import (
    AgentId,
    FlowId,
    OfferEnd,
    PartyAct,
    PlaybackId,
    QueueId,
    ReleaseCause,
    SeatId,
    Supervision,
    TrunkId,
)
from ccplatform.kernel.errors import Refusal
from tests.calls.ear import Ear
from tests.calls.test_calling_back import begins
from tests.calls.test_calling_out import PHONE
from tests.calls.test_calling_out import begins as begins_out
from tests.calls.test_consulting import asked_of_agent
from tests.calls.test_saga import talking
from tests.calls.test_whispering import whispering
from tests.calls.world import CALL, CONTACT, WALL, World

QUEUE, AGENTS = QueueId("support"), [AgentId("1004"), AgentId("1005"), AgentId("1006")]
CAUSES = st.sampled_from(list(ReleaseCause))
STEPS = st.one_of(
    st.tuples(st.just("answer"), st.sampled_from(["caller", "other", "another", "phone"])),
    st.tuples(st.just("early"), st.sampled_from(["caller", "phone"])),
    st.tuples(st.just("end"), st.sampled_from(["caller", "other", "another", "phone"]), CAUSES),
    st.tuples(
        st.just("ask"),
        st.sampled_from(
            [
                PlayPrompt(playback=PlaybackId("p"), items=()),
                InputCompleted(node="n", keyed_at=1000.0),
                EnterQueue(queue=QUEUE),
                TransferCaller(trunk=TrunkId("lab"), number="1"),
                EchoCaller(seconds=5.0),
                ConferenceCaller(room="r"),
                ReleaseCaller(),
            ]
        ),
    ),
    st.tuples(st.just("offer"), st.sampled_from(AGENTS), st.sampled_from(["", "Support"])),
    st.tuples(st.just("whisper ends"), st.sampled_from(["heard", "key", "left", "late"])),
    st.tuples(st.just("withdraw"), st.sampled_from(AGENTS), st.sampled_from(list(OfferEnd))),
    st.tuples(st.just("hold"), st.booleans()),
    st.tuples(st.just("transfer"), st.sampled_from(["flow", "agent", "dial", "nobody"])),
    st.tuples(st.just("consult"), st.sampled_from(["queue", "agent", "dial"]), st.booleans()),
    st.tuples(st.just("second answers"), st.sampled_from(AGENTS)),
    st.tuples(st.just("second fails"), st.sampled_from(["refused", "withdrawn", "busy"])),
    st.tuples(st.just("act"), st.sampled_from(list(PartyAct))),
    st.tuples(st.just("drop"), st.integers(0, 5)),
    st.tuples(st.just("supervise"), st.sampled_from(list(Supervision)), st.booleans()),
    st.tuples(st.just("leaves"), st.integers(0, 5)),
    st.tuples(st.just("hold key"), st.booleans()),
    st.tuples(st.just("move")),
    st.tuples(st.just("overflow"), st.booleans()),
    st.tuples(st.just("hang_up"), st.sampled_from([None, *AGENTS])),
    st.tuples(st.just("pass"), st.floats(0.0, 70.0)),
    st.tuples(st.just("restart")),
)


def _take(world: World, step: tuple[object, ...]) -> None:
    caller = world.core.saga(CALL).state.caller_leg
    legs = {"caller": caller, "phone": PHONE}
    if world.all_of(DialLeg):
        legs["other"] = world.dialled_leg()
        legs["another"] = world.all_of(DialLeg)[-2:][0].leg
    match step:
        case ("early", str(who)) if who in legs and legs[who] not in world.ended_legs | world.answered_legs:
            world.post(LegEarly(leg=legs[who]))
        case ("answer", str(who)) if who in legs and legs[who] not in world.ended_legs | world.answered_legs:
            world.answers(legs[who])
        case ("end", str(who), ReleaseCause() as cause) if who in legs:
            world.leg_ends(legs[who], cause)
        case ("ask", request) if world.flow_alive:
            world.asks(request)  # type: ignore[arg-type]
        case ("whisper ends", str(how)) if world.all_of(Whisper):
            _whisper_ends(world, how)
        case ("offer", str(agent), str(whisper)) if _waits(world) and agent not in _rung(world):
            seat = SeatId(f"seat-{agent}")
            world.post(
                AgentOffered(contact=CONTACT, queue=QUEUE, agent=AgentId(agent), seat=seat, whisper=whisper)
            )
        case ("withdraw", str(agent), OfferEnd() as end):
            world.post(OfferWithdrawn(contact=CONTACT, agent=AgentId(agent), end=end))
        case ("consult", str(whom), bool(transfer)):
            world.post(
                ConsultOrder(
                    call=CALL,
                    to=whom,
                    by="1004",
                    queue=QueueId("experts") if whom == "queue" else None,
                    agent=AGENTS[1] if whom == "agent" else None,
                    target=SeatTarget(seat=SeatId("seat-05")) if whom == "dial" else None,
                    transfer=transfer,
                )
            )
        case ("second answers", str(agent)):
            _second_answers(world, AgentId(agent))
        case ("second fails", str(how)):
            _second_fails(world, how)
        case ("act", PartyAct() as act):
            world.post(ControlParties(call=CALL, act=act, by="1004"))
        case ("drop", int(which)):
            live = sorted(world.core.saga(CALL).state.live_legs)
            world.post(
                DropParty(call=CALL, leg=live[which % len(live)], by="1004")
                if live
                else HangUpCall(call=CALL, by="sup1")
            )
        case ("supervise", Supervision() as what, bool(answers)):
            before = len(world.all_of(DialLeg))
            world.post(SuperviseCall(call=CALL, what=what, by="sup1", seat=SeatId("seat-09")))
            if answers and len(world.all_of(DialLeg)) > before:
                world.answers(world.dialled_leg())
        case ("leaves", int(which)):
            live = sorted(world.core.saga(CALL).state.live_legs)
            if live:
                world.leg_ends(live[which % len(live)])
        case ("hold", bool(hold)):
            world.post(HoldCall(call=CALL, hold=hold, by="1004"))
        case ("transfer", str(where)) if world.all_of(DialLeg):
            flow = FlowId("main") if where == "flow" else None
            target = SeatTarget(seat=SeatId("seat-05")) if where == "dial" else None
            colleague = AGENTS[2] if where == "agent" else None
            world.asked_for_transfer += 1
            world.post(
                PhoneTransfer(leg=world.talking_leg(), number="1", flow=flow, agent=colleague, target=target)
            )
        case ("hold key", bool(held)) if world.all_of(DialLeg):
            world.post(LegHeld(leg=world.talking_leg(), held=held))
        case ("overflow", bool(to_flow)):
            target = None if to_flow else SeatTarget(seat=SeatId("seat-09"))
            flow = FlowId("sorry") if to_flow else None
            world.post(Overflowed(contact=CONTACT, queue=QUEUE, flow=flow, number="9", target=target))
        case ("move",):
            world.post(MoveCall(call=CALL, queue=QueueId("sales"), by="sup1"))
        case ("hang_up", agent):
            assert agent is None or isinstance(agent, str)
            world.post(HangUpCall(call=CALL, by="sup1", agent=None if agent is None else AgentId(agent)))
        case ("pass", float(seconds)):
            world.passes(seconds)
        case ("restart",):
            data = world.core.snapshot(CALL, world.now, WALL)
            world.core.forget(CALL)
            world.core.restore(data, world.now, WALL)
        case _:
            pass


def _whisper_ends(world: World, how: str) -> None:
    """The last whisper; what comes too late for it changes nothing."""
    whisper = world.last(Whisper)
    match how:
        case "key":
            world.post(DigitPressed(leg=whisper.leg, digit="1", ended_at=world.now))
        case "left":
            world.leg_ends(whisper.leg)
        case "late":
            world.passes(WHISPER_SECONDS)
        case _:
            world.post(PlaybackEnded(leg=whisper.leg, playback=whisper.playback, finished=True))


def _rung(world: World) -> set[str]:
    state = world.core.saga(CALL).state
    return {rung.agent for rung in (*state.rung.values(), *state.reserved)}


def _second_answers(world: World, agent: AgentId) -> None:
    """Who was called about the caller: his phone rings, and is answered."""
    second = world.core.saga(CALL).state.second
    if second is None or second.answered_at is not None:
        return
    if second.routed:
        queue = second.queue
        world.post(AgentOffered(contact=second.contact, queue=queue, agent=agent, seat=SeatId(f"seat-{agent}")))
    world.answers(world.dialled_leg(), "somewhere")


def _second_fails(world: World, how: str) -> None:
    second = world.core.saga(CALL).state.second
    if second is None or second.answered_at is not None:
        return
    if second.queue is not None and how == "refused":
        world.post(QueueRefused(contact=second.contact, queue=second.queue, reason="queue_full"))
        world.lost.add(second.contact)
    elif second.wanted is not None and how != "refused":
        end = OfferEnd.WITHDRAWN if how == "withdrawn" else OfferEnd.UNREACHABLE
        world.lost.add(second.contact)
        world.post(OfferWithdrawn(contact=second.contact, agent=second.wanted, end=end))


def assert_the_acd_agrees(world: World) -> None:
    """Whoever else answers at the same moment: each contact is one agent's at a time, and none is left to one; who
    was let wait somewhere waits there no longer."""
    talks: dict[str, str] = {}
    places: set[str] = set()
    moved: dict[str, str] = {}  # whose talk ended with that
    for effect in world.effects:
        match effect:
            case QueueContact(contact=contact) | CallAgent(contact=contact):
                assert contact not in talks
                places.add(contact)
            case OfferAnswered(contact=contact, agent=agent) | EngageAgent(contact=contact, agent=agent):
                assert contact not in talks
                talks[contact] = agent
                places.discard(contact)
            case HandOver(contact=contact, source=source):
                assert contact not in talks
                talks[contact] = talks.pop(source)
            case TalkReleased(contact=contact, agent=agent):
                if moved.pop(contact, None) != agent:
                    assert talks.pop(contact) == agent
            case TransferContact(contact=contact):
                if contact in talks:
                    moved[contact] = talks.pop(contact)
                places.add(contact)
            case WithdrawContact(contact=contact):
                places.discard(contact)
            case _:
                pass
    assert talks == {}
    assert places <= world.lost | {CONTACT}


def assert_nobody_hears_silence(world: World) -> None:
    """While somebody has the caller: who is there hears somebody, or something that does not end."""
    state = world.core.saga(CALL).state
    if state.stage is Stage.WHISPERING:
        assert_only_the_agent_hears_the_whisper(world)
    if state.stage not in (Stage.TALKING, Stage.BRIDGED, Stage.HELD, Stage.CONSULTING, Stage.TRANSFERRING):
        return
    if not state.answered:
        return  # he hears his own network
    second, ear = state.second, Ear(world)
    assert ear.gains == {pair for pair in state.gains if not world.ended_legs & set(pair)}
    whispers = {leg for leg, other in state.supervisors.items() if other.what is not Supervision.BARGE}
    assert not {(leg, state.caller_leg) for leg in whispers} & ear.gains  # the caller hears no whisper
    there = {state.caller_leg, *state.members}
    if state.other_leg is not None and state.stage not in (Stage.HELD, Stage.TRANSFERRING):
        there.add(state.other_leg)
    if second is not None and second.answered_at is not None and second.leg is not None:
        there.add(second.leg)
    for leg in there:
        plays = leg in ear.playing and ear.playing[leg].loop
        assert bool(ear.hears(leg)) is not plays, (state.stage, leg, ear.hears(leg), ear.playing.get(leg))
    if second is not None and second.answered_at is not None and state.other_leg is not None:
        apart = second.leg if second.aside else state.caller_leg
        assert apart is not None
        assert state.other_leg not in ear.hears(apart)  # who waits does not hear what is said about him


def assert_only_the_agent_hears_the_whisper(world: World) -> None:
    """The caller hears what he heard, nobody talks, and somebody will end it."""
    state, ear = world.core.saga(CALL).state, Ear(world)
    whisper = world.last(Whisper)
    assert (whisper.leg, whisper.playback) == (state.other_leg, state.whisper)
    assert state.answered
    assert state.caller_leg in ear.playing
    assert not ear.hears(state.caller_leg)
    assert not ear.hears(whisper.leg)
    assert state.recording is None
    assert state.talk_at is None
    assert state.deadline_at is not None
    assert world.now - WHISPER_SECONDS <= state.deadline_at <= world.now + WHISPER_SECONDS


def _waits(world: World) -> bool:
    queued = bool(world.all_of(QueueContact)) or bool(world.core.saga(CALL).state.promise)
    return queued and not world.all_of(WithdrawContact)


def assert_every_wish_is_answered(world: World) -> None:
    """A phone hears at once whether its transfer is taken, and later at most once what became of it."""
    told = [(report.leg, report.step) for report in world.all_of(ReportTransfer)]
    at_once = [step for _, step in told if step in (TransferStep.ACCEPTED, TransferStep.REFUSED)]
    assert len(at_once) == world.asked_for_transfer
    over = [step for _, step in told if step in (TransferStep.DONE, TransferStep.FAILED)]
    assert len(over) <= at_once.count(TransferStep.ACCEPTED)


def _begun(how: str) -> World:
    world = World()
    match how:
        case "caller":
            world.arrive()
        case "phone dials" | "click":
            world.post(begins_out(clicked=how == "click"))
        case "talk":
            return talking()
        case "whisper":
            return whispering()
        case "consultation":
            return asked_of_agent(queue=QueueId("experts"))[0]
        case "conference":
            world = asked_of_agent()[0]
            world.post(ControlParties(call=CALL, act=PartyAct.CONFERENCE, by="1004"))
        case _:
            world.post(begins(customer_first=how == "customer first"))
    return world


BEGINNINGS = [
    "phone dials",
    "click",
    "caller",
    "agent first",
    "customer first",
    "talk",
    "whisper",
    "consultation",
    "conference",
]


@settings(max_examples=500, deadline=None)
@given(st.sampled_from(BEGINNINGS), st.lists(STEPS, max_size=30))
def test_every_contact_ends_once_and_lets_every_leg_go(how: str, steps: list[tuple[object, ...]]) -> None:
    world = _begun(how)
    for step in steps:
        if not len(world.core):
            break
        with suppress(Refusal):
            _take(world, step)
        if len(world.core):
            assert_nobody_hears_silence(world)
    if len(world.core):
        world.post(HangUpCall(call=CALL, by="sup1"))
    for _ in range(3):
        world.passes(100.0)
    assert len(world.core) == 0
    assert world.core.next_deadline() is None
    arrived = [fact.contact for fact in world.all_of(ContactArrived)]
    assert sorted(fact.contact for fact in world.all_of(ContactEnded)) == sorted(arrived)
    cleared = [fact.leg for fact in world.all_of(ConnectionCleared)]
    assert len(cleared) == len(set(cleared))
    assert {dial.leg for dial in world.all_of(DialLeg)} <= world.ended_legs
    assert_the_acd_agrees(world)
    assert_every_wish_is_answered(world)
    for ended in world.all_of(ContactEnded):
        assert ended.total_seconds >= ended.talk_seconds - 1e-6
