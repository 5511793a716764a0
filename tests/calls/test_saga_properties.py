"""Whatever happens in whatever order: a contact ends exactly once, and every leg that began is let go."""

from __future__ import annotations

from hypothesis import given, settings
from hypothesis import strategies as st

from ccplatform.calls.errors import NotInThisState
from ccplatform.calls.model import HangUpOrder, HoldOrder, MoveOrder, Overflowed, PhoneTransfer
from ccplatform.contracts.facts import ConnectionCleared, ContactEnded
from ccplatform.contracts.flows import (
    ConferenceCaller,
    EchoCaller,
    EnterQueue,
    InputCompleted,
    PlayPrompt,
    ReleaseCaller,
    TransferCaller,
)
from ccplatform.contracts.legs import DialLeg, LegHeld, ReportTransfer, SeatTarget, TransferStep
from ccplatform.contracts.routing import (
    AgentOffered,
    OfferAnswered,
    OfferWithdrawn,
    QueueContact,
    TalkReleased,
    WithdrawContact,
)
from ccplatform.contracts.words import (
    AgentId,
    FlowId,
    OfferEnd,
    PlaybackId,
    QueueId,
    ReleaseCause,
    SeatId,
    TrunkId,
)
from tests.calls.test_calling_back import begins
from tests.calls.world import CALL, CONTACT, WALL, World

QUEUE, AGENTS = QueueId("support"), [AgentId("1004"), AgentId("1005"), AgentId("1006")]
CAUSES = st.sampled_from(list(ReleaseCause))
STEPS = st.one_of(
    st.tuples(st.just("answer"), st.sampled_from(["caller", "other", "another"])),
    st.tuples(st.just("end"), st.sampled_from(["caller", "other", "another"]), CAUSES),
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
    st.tuples(st.just("offer"), st.sampled_from(AGENTS)),
    st.tuples(st.just("withdraw"), st.sampled_from(AGENTS), st.sampled_from(list(OfferEnd))),
    st.tuples(st.just("hold"), st.booleans()),
    st.tuples(st.just("transfer"), st.sampled_from(["flow", "dial", "nobody"])),
    st.tuples(st.just("hold key"), st.booleans()),
    st.tuples(st.just("move")),
    st.tuples(st.just("overflow"), st.booleans()),
    st.tuples(st.just("hang_up")),
    st.tuples(st.just("pass"), st.floats(0.0, 70.0)),
    st.tuples(st.just("restart")),
)


def _take(world: World, step: tuple[object, ...]) -> None:
    caller = world.core.saga(CALL).state.caller_leg
    legs = {"caller": caller}
    if world.all_of(DialLeg):
        legs["other"] = world.dialled_leg()
        legs["another"] = world.all_of(DialLeg)[-2:][0].leg
    match step:
        case ("answer", str(who)) if who in legs and legs[who] not in world.ended_legs:
            world.answers(legs[who])
        case ("end", str(who), ReleaseCause() as cause) if who in legs:
            world.leg_ends(legs[who], cause)
        case ("ask", request) if world.flow_alive:
            world.asks(request)  # type: ignore[arg-type]
        case ("offer", str(agent)) if _waits(world) and agent not in _rung(world):
            seat = SeatId(f"seat-{agent}")
            world.post(AgentOffered(contact=CONTACT, queue=QUEUE, agent=AgentId(agent), seat=seat))
        case ("withdraw", str(agent), OfferEnd() as end):
            world.post(OfferWithdrawn(contact=CONTACT, agent=AgentId(agent), end=end))
        case ("hold", bool(hold)):
            world.post(HoldOrder(call=CALL, hold=hold, by="1004"))
        case ("transfer", str(where)) if world.all_of(DialLeg):
            flow = FlowId("main") if where == "flow" else None
            target = SeatTarget(seat=SeatId("seat-05")) if where == "dial" else None
            world.asked_for_transfer += 1
            world.post(PhoneTransfer(leg=world.talking_leg(), number="1", flow=flow, target=target))
        case ("hold key", bool(held)) if world.all_of(DialLeg):
            world.post(LegHeld(leg=world.talking_leg(), held=held))
        case ("overflow", bool(to_flow)):
            target = None if to_flow else SeatTarget(seat=SeatId("seat-09"))
            flow = FlowId("sorry") if to_flow else None
            world.post(Overflowed(contact=CONTACT, queue=QUEUE, flow=flow, number="9", target=target))
        case ("move",):
            world.post(MoveOrder(call=CALL, queue=QueueId("sales"), by="sup1"))
        case ("hang_up",):
            world.post(HangUpOrder(call=CALL))
        case ("pass", float(seconds)):
            world.passes(seconds)
        case ("restart",):
            data = world.core.snapshot(CALL, world.now, WALL)
            world.core.forget(CALL)
            world.core.restore(data, world.now, WALL)
        case _:
            pass


def _rung(world: World) -> set[str]:
    state = world.core.saga(CALL).state
    return {rung.agent for rung in (*state.rung.values(), *state.reserved)}


def assert_one_agent_at_a_time(world: World) -> None:
    """Whoever else answers at the same moment: one talk begins, and the next when that one is over."""
    talks = [effect for effect in world.effects if isinstance(effect, OfferAnswered | TalkReleased)]
    kinds = [type(effect) for effect in talks]
    assert kinds == [OfferAnswered, TalkReleased] * (len(kinds) // 2)
    assert all(a.agent == b.agent for a, b in zip(talks[::2], talks[1::2], strict=True))


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


@settings(max_examples=300, deadline=None)
@given(st.sampled_from(["caller", "agent first", "customer first"]), st.lists(STEPS, max_size=25))
def test_every_contact_ends_once_and_lets_every_leg_go(how: str, steps: list[tuple[object, ...]]) -> None:
    world = World()
    if how == "caller":
        world.arrive()
    else:
        world.post(begins(customer_first=how == "customer first"))
    for step in steps:
        if not len(world.core):
            break
        try:
            _take(world, step)
        except NotInThisState:
            continue
    if len(world.core):
        world.post(HangUpOrder(call=CALL))
    for _ in range(3):
        world.passes(100.0)
    assert len(world.core) == 0
    assert world.core.next_deadline() is None
    assert len(world.all_of(ContactEnded)) == 1
    cleared = [fact.leg for fact in world.all_of(ConnectionCleared)]
    assert len(cleared) == len(set(cleared))
    assert len(world.all_of(TalkReleased)) == len(world.all_of(OfferAnswered))
    assert_one_agent_at_a_time(world)
    assert_every_wish_is_answered(world)
    assert world.outcome().total_seconds >= world.outcome().talk_seconds - 1e-6
