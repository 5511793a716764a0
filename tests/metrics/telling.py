"""A centre that tells facts: numbered events with times, for tests of the fold."""

from __future__ import annotations

from datetime import UTC, datetime

from msgspec.structs import replace

from ccplatform.contracts.facts import (
    AgentStateChanged,
    CallRefused,
    ConnectionCleared,
    ContactArrived,
    ContactEnded,
    Established,
    Fact,
    FactEvent,
    FirstVoiceSent,
    FlowLeft,
    FlowNodeEntered,
    LegMeasured,
    Queued,
    QueueLeft,
    TalkEnded,
    TrunkChannelsChanged,
    WrapUpEnded,
)
from ccplatform.contracts.words import (
    AgentId,
    AgentState,
    CallId,
    Channel,
    ContactId,
    Direction,
    FlowId,
    FlowOutcome,
    LegId,
    LegRole,
    Outcome,
    QueueId,
    ReleaseCause,
    TrunkId,
)
from ccplatform.kernel.clock import VirtualClock
from ccplatform.kernel.ids import Ids
from ccplatform.kernel.stream import Stream
from metrics.fold import Fold
from metrics.model import FoldRules, Observation

NINE = datetime(2026, 1, 5, 9, 0, tzinfo=UTC)
PSTN = TrunkId("pstn")
SALES = QueueId("sales")


class Centre:
    """Tells facts by a virtual clock and folds them at once; keeps the events."""

    def __init__(self, rules: FoldRules | None = None, wall: datetime = NINE) -> None:
        self.clock = VirtualClock(wall=wall)
        self.ids = Ids(self.clock)
        self.events: list[FactEvent] = []
        self.observations: list[Observation] = []
        self.rules = rules or FoldRules()
        self.fold = Fold(self.rules)
        self.restart()

    def restart(self) -> None:
        """Control starts again: a new epoch."""
        self.stream: Stream[Fact] = Stream(self.clock, self.ids, "default")
        self.stream.subscribe(self.events.append)
        self.stream.subscribe(self._fold)

    def _fold(self, event: FactEvent) -> None:
        self.observations += self.fold.apply(event)

    @property
    def now(self) -> int:
        """Seconds since the epoch."""
        return int(self.clock.wall().timestamp())

    def tell(self, *facts: Fact) -> None:
        for fact in facts:
            self.stream.publish(fact)

    def wait(self, seconds: float) -> None:
        self.clock.advance(seconds)

    def new_contact(self) -> ContactId:
        return ContactId(self.ids.new())

    def arrive(
        self, *, trunk: TrunkId | None = PSTN, direction: Direction = Direction.INBOUND, contact: str | None = None
    ) -> ContactId:
        name = ContactId(contact) if contact is not None else self.new_contact()
        self.tell(arrived(name, trunk=trunk, direction=direction))
        return name

    def voice(self, contact: ContactId, *, seconds: float = 0.1, trunk: TrunkId | None = PSTN) -> None:
        self.tell(FirstVoiceSent(contact=contact, trunk=trunk, connect_seconds=seconds))

    def end(
        self,
        contact: ContactId,
        outcome: Outcome = Outcome.SELF_SERVICE,
        *,
        cause: ReleaseCause = ReleaseCause.NORMAL,
        trunk: TrunkId | None = PSTN,
        queue: QueueId | None = None,
    ) -> None:
        self.tell(ended(contact, outcome, cause=cause, trunk=trunk, queue=queue))

    def good_call(self) -> None:
        contact = self.arrive()
        self.voice(contact)
        self.end(contact)

    def channels(self, in_use: int, capacity: int = 30, trunk: TrunkId = PSTN) -> None:
        self.tell(TrunkChannelsChanged(trunk=trunk, in_use=in_use, capacity=capacity))


def arrived(
    contact: ContactId, *, trunk: TrunkId | None = PSTN, direction: Direction = Direction.INBOUND
) -> ContactArrived:
    return ContactArrived(
        contact=contact,
        call=CallId(contact),
        leg=LegId(contact),
        channel=Channel.VOICE,
        direction=direction,
        dialled="95000",
        trunk=trunk,
        seat=None,
        transport="udp",
        sip_call_id="x",
        caller="13800000001",
    )


def ended(
    contact: ContactId,
    outcome: Outcome,
    *,
    cause: ReleaseCause = ReleaseCause.NORMAL,
    trunk: TrunkId | None = PSTN,
    queue: QueueId | None = None,
    seconds: float = 10.0,
) -> ContactEnded:
    return ContactEnded(
        contact=contact,
        outcome=outcome,
        cause=cause,
        dialled="95000",
        trunk=trunk,
        total_seconds=seconds,
        queue=queue,
    )


def refused(cause: ReleaseCause, *, trunk: TrunkId | None = PSTN) -> CallRefused:
    return CallRefused(trunk=trunk, dialled="95000", cause=cause, sip_status=503)


def left_flow(contact: ContactId, outcome: FlowOutcome, cause: str = "") -> FlowLeft:
    return FlowLeft(contact=contact, flow=FlowId("main"), outcome=outcome, cause=cause)


def cleared(contact: ContactId, released_by: str) -> ConnectionCleared:
    return ConnectionCleared(
        contact=contact,
        leg=LegId(contact),
        role=LegRole.CALLER,
        cause=ReleaseCause.NORMAL,
        released_by=released_by,
    )


def entered_node(contact: ContactId, kind: str) -> FlowNodeEntered:
    return FlowNodeEntered(contact=contact, flow=FlowId("main"), node=kind, kind=kind)


def measured(
    contact: ContactId,
    *,
    role: LegRole = LegRole.CALLER,
    received: int = 1000,
    lost: int = 0,
    sent: int = 1000,
    remote_lost: int | None = 0,
    delay: float | None = 0.08,
    jitter: float = 0.002,
    mos: float | None = None,
) -> LegMeasured:
    return LegMeasured(
        contact=contact,
        leg=LegId(f"{contact}-{role}"),
        role=role,
        codec="PCMA",
        packets_received=received,
        packets_lost=lost,
        packets_sent=sent,
        remote_packets_lost=remote_lost,
        jitter_seconds=jitter,
        round_trip_seconds=None,
        delay_seconds=delay,
        mos=mos,
    )


def queued(contact: ContactId, queue: QueueId = SALES, waited: float = 0.0) -> Queued:
    return Queued(contact=contact, queue=queue, priority=5, waited_seconds=waited)


def queue_left(contact: ContactId, reason: str, waited: float, queue: QueueId = SALES) -> QueueLeft:
    return QueueLeft(contact=contact, queue=queue, reason=reason, waited_seconds=waited)


def agent_answered(contact: ContactId, wait: float | None, *, queue_seconds: float = 5.0) -> Established:
    return Established(
        contact=contact,
        leg=LegId("agent"),
        role=LegRole.AGENT,
        device="8001",
        agent=AgentId("1001"),
        queue=SALES,
        queue_seconds=queue_seconds,
        wait_seconds=wait,
    )


def talk_ended(
    contact: ContactId, talk: float, *, hold: float = 0.0, agent: str = "1001", queue: QueueId = SALES
) -> TalkEnded:
    return TalkEnded(contact=contact, queue=queue, agent=AgentId(agent), talk_seconds=talk, hold_seconds=hold)


def wrap_up_ended(
    contact: ContactId, seconds: float, *, agent: str = "1001", queue: QueueId = SALES
) -> WrapUpEnded:
    return WrapUpEnded(contact=contact, queue=queue, agent=AgentId(agent), wrap_up_seconds=seconds)


def agent_changed(
    state: AgentState, previous: AgentState, seconds: float, *, reason: str = "", agent: str = "1001"
) -> AgentStateChanged:
    return AgentStateChanged(
        agent=AgentId(agent), seat=None, state=state, reason=reason, previous=previous, previous_seconds=seconds
    )


def later(event: FactEvent, **changes: object) -> FactEvent:
    """The event with other stamps."""
    return replace(event, **changes)
