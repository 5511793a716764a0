"""Facts of calls as control tells them, and Hypothesis strategies for whole days of them."""

from __future__ import annotations

from ccplatform.contracts import facts as f
from ccplatform.contracts.words import (
    AgentId,
    AgentState,
    CallId,
    Channel,
    ContactId,
    Direction,
    FlowId,
    LegId,
    LegRole,
    OfferEnd,
    Outcome,
    QueueId,
    RecordingId,
    RecordingMode,
    ReleaseCause,
    SeatId,
    TrunkId,
)

SUPPORT = QueueId("support")


def arrived(n: int, caller: str = "13800000001", name: str = "张伟", dialled: str = "95000") -> f.ContactArrived:
    return f.ContactArrived(
        contact=ContactId(f"contact-{n}"),
        call=CallId(f"call-{n}"),
        leg=LegId(f"leg-{n}"),
        channel=Channel.VOICE,
        direction=Direction.INBOUND,
        dialled=dialled,
        trunk=TrunkId("pstn"),
        seat=None,
        transport="udp",
        sip_call_id=f"sip-{n}",
        caller=caller,
        caller_name=name,
    )


def in_flow(n: int) -> f.FlowEntered:
    return f.FlowEntered(contact=ContactId(f"contact-{n}"), flow=FlowId("main"), revision="1")


def queued(n: int, queue: QueueId = SUPPORT, waited: float = 0.0, expected: float | None = None) -> f.Queued:
    return f.Queued(
        contact=ContactId(f"contact-{n}"),
        queue=queue,
        priority=5,
        waited_seconds=waited,
        expected_seconds=expected,
    )


def left(
    n: int, reason: str, waited: float, queue: QueueId = SUPPORT, expected: float | None = None
) -> f.QueueLeft:
    return f.QueueLeft(
        contact=ContactId(f"contact-{n}"),
        queue=queue,
        reason=reason,
        waited_seconds=waited,
        expected_seconds=expected,
    )


def offered(n: int, agent: str = "1004", queue: QueueId = SUPPORT) -> f.Offered:
    return f.Offered(
        contact=ContactId(f"contact-{n}"), queue=queue, agent=AgentId(agent), seat=SeatId(f"seat-{agent}")
    )


def offer_ended(n: int, end: OfferEnd, agent: str = "1004", queue: QueueId = SUPPORT) -> f.OfferEnded:
    return f.OfferEnded(
        contact=ContactId(f"contact-{n}"), queue=queue, agent=AgentId(agent), end=end, rang_seconds=3.0
    )


def agent_state(
    state: AgentState,
    n: int | None = None,
    agent: str = "1004",
    reason: str = "",
    limit: float | None = None,
) -> f.AgentStateChanged:
    return f.AgentStateChanged(
        agent=AgentId(agent),
        seat=None if state is AgentState.SIGNED_OUT else SeatId(f"seat-{agent}"),
        state=state,
        reason=reason,
        previous=AgentState.SIGNED_OUT,
        previous_seconds=1.0,
        contact=None if n is None else ContactId(f"contact-{n}"),
        limit_seconds=limit,
    )


def moved(agent: str, team: str) -> f.AgentSaved:
    return f.AgentSaved(agent=AgentId(agent), name=agent, team=team, skills={"support": 8})


def established(n: int, agent: str = "1004", queue: QueueId = SUPPORT) -> f.Established:
    return f.Established(
        contact=ContactId(f"contact-{n}"),
        leg=LegId(f"agent-leg-{n}"),
        role=LegRole.AGENT,
        device=f"seat-{agent}",
        agent=AgentId(agent),
        queue=queue,
        queue_seconds=5.0,
        wait_seconds=6.0,
    )


def held(n: int) -> f.Held:
    return f.Held(contact=ContactId(f"contact-{n}"), leg=LegId(f"leg-{n}"), by="1004")


def retrieved(n: int) -> f.Retrieved:
    return f.Retrieved(contact=ContactId(f"contact-{n}"), leg=LegId(f"leg-{n}"), held_seconds=2.0)


def recording_started(n: int, take: int = 1, mode: RecordingMode = RecordingMode.FULL) -> f.RecordingStarted:
    """``take`` counts the recordings of a contact."""
    return f.RecordingStarted(
        contact=ContactId(f"contact-{n}"),
        recording=RecordingId(f"rec-{n}-{take}"),
        mode=mode,
        queue=SUPPORT,
        agent=None,
        seat=None,
    )


def recording_paused(n: int, take: int = 1, by: str = "1004") -> f.RecordingPaused:
    return f.RecordingPaused(
        contact=ContactId(f"contact-{n}"), recording=RecordingId(f"rec-{n}-{take}"), by=by, reason="card"
    )


def recording_resumed(n: int, take: int = 1, by: str = "1004") -> f.RecordingResumed:
    return f.RecordingResumed(contact=ContactId(f"contact-{n}"), recording=RecordingId(f"rec-{n}-{take}"), by=by)


def recording_ended(n: int, take: int = 1) -> f.RecordingEnded:
    return f.RecordingEnded(
        contact=ContactId(f"contact-{n}"),
        recording=RecordingId(f"rec-{n}-{take}"),
        seconds=1.0,
        size_bytes=1,
        complete=True,
        reason="",
    )


def conferenced(n: int, agent: str) -> f.Conferenced:
    """A second agent joins the call."""
    return f.Conferenced(
        contact=ContactId(f"contact-{n}"),
        leg=LegId(f"party-{agent}"),
        room="",
        role=LegRole.AGENT,
        device=f"seat-{agent}",
        agent=AgentId(agent),
    )


def talk_ended(n: int, agent: str = "1004", talk: float = 60.0) -> f.TalkEnded:
    return f.TalkEnded(
        contact=ContactId(f"contact-{n}"),
        queue=SUPPORT,
        agent=AgentId(agent),
        talk_seconds=talk,
        hold_seconds=0.0,
    )


def wrap_up_ended(n: int, agent: str = "1004", seconds: float = 10.0) -> f.WrapUpEnded:
    return f.WrapUpEnded(
        contact=ContactId(f"contact-{n}"), queue=SUPPORT, agent=AgentId(agent), wrap_up_seconds=seconds
    )


def ended(n: int, outcome: Outcome = Outcome.HANDLED) -> f.ContactEnded:
    return f.ContactEnded(
        contact=ContactId(f"contact-{n}"),
        outcome=outcome,
        cause=ReleaseCause.NORMAL,
        dialled="95000",
        trunk=TrunkId("pstn"),
        total_seconds=90.0,
    )


def ringing(n: int, agent: str = "1004", caller: str = "13800000001") -> list[f.Fact]:
    """A call up to the ringing of its agent."""
    return [
        arrived(n, caller),
        in_flow(n),
        queued(n),
        offered(n, agent),
        agent_state(AgentState.RESERVED, n, agent),
    ]


def talking(n: int, agent: str = "1004", caller: str = "13800000001") -> list[f.Fact]:
    """A call up to the talk with its agent."""
    return [
        *ringing(n, agent, caller),
        offer_ended(n, OfferEnd.ANSWERED, agent),
        left(n, "answered", 5.0),
        agent_state(AgentState.TALKING, n, agent),
        established(n, agent),
    ]


def whole_call(n: int, agent: str = "1004", caller: str = "13800000001") -> list[f.Fact]:
    """A handled call up to the agent's being ready again."""
    return [
        *talking(n, agent, caller),
        held(n),
        retrieved(n),
        talk_ended(n, agent),
        agent_state(AgentState.WRAP_UP, n, agent),
        ended(n),
        wrap_up_ended(n, agent),
        agent_state(AgentState.READY, None, agent),
    ]


def abandoned_call(n: int, agent: str = "1004") -> list[f.Fact]:
    """A caller who leaves while the agent's phone rings."""
    return [
        *ringing(n, agent),
        offer_ended(n, OfferEnd.CALLER_LEFT, agent),
        left(n, "abandoned", 7.0),
        agent_state(AgentState.READY, None, agent),
        ended(n, Outcome.ABANDONED_QUEUE),
    ]
