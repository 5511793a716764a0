"""What a flow asks of its call. Functions on a step."""

from __future__ import annotations

from typing import assert_never

from ccplatform.calls.grouping import RINGBACK
from ccplatform.calls.messages import (
    hear_caller,
    record_caller,
    stop_recording_caller,
    tap_caller,
    untap_caller,
)
from ccplatform.calls.model import PendingKey, PendingQuery, Record, Stage
from ccplatform.calls.sent_on import call_agent
from ccplatform.calls.step import DIAL_SECONDS, Step
from ccplatform.contracts.facts import Conferenced
from ccplatform.contracts.flows import (
    CollectSecurely,
    ConferenceCaller,
    EchoCaller,
    EnterQueue,
    FlowFinished,
    FlowRequest,
    FlowRequestFailed,
    HearCaller,
    InputCompleted,
    LeaveQueue,
    PlayPrompt,
    RecordCaller,
    ReleaseCaller,
    StartFlow,
    StopPrompt,
    StopRecordingCaller,
    TapCaller,
    TransferCaller,
    UntapCaller,
)
from ccplatform.contracts.legs import AnswerLeg, DialLeg, DialTarget, ReleaseLeg, RingLeg, SeatTarget, TrunkTarget
from ccplatform.contracts.media import Echo, JoinRoom, SecureCollect, StopPlay
from ccplatform.contracts.routing import QueueContact, WithdrawContact
from ccplatform.contracts.words import AgentId, FlowOutcome, LegRole, PlaybackId, ReleaseCause


def flow_asked(step: Step, request: FlowRequest) -> None:
    """A request of the flow. What needs the caller's leg waits for its answer."""
    if isinstance(request, FlowFinished):
        _flow_finished(step, request)
    elif isinstance(request, LeaveQueue):
        leave_queue(step)
    elif isinstance(request, PlayPrompt) and step.state.stage in (Stage.QUEUED, Stage.RINGING):
        step.state.announcement = request.playback
        step.play(request.playback, request.items, loop=False)
    elif step.state.stage is not Stage.FLOW:
        return  # the caller left, or the call moved on, while the flow was thinking
    elif _needs_answer(request) and not step.state.answered:
        step.on_answer.append(request)
        answer_caller(step)
    elif isinstance(request, CollectSecurely | TapCaller) and not step.state.answered:
        step.on_answer.append(request)
    else:
        do_request(step, request)


def do_request(step: Step, request: FlowRequest) -> None:
    """Carry a request out now."""
    match request:
        case PlayPrompt():
            _prompt(step, request)
        case StopPrompt():
            step.emit(StopPlay(leg=step.state.caller_leg))
        case CollectSecurely():
            step.emit(SecureCollect(leg=step.state.caller_leg, on=request.on))
        case InputCompleted():
            step.state.pending_key = PendingKey(node=request.node, keyed_at=request.keyed_at)
        case EnterQueue():
            _enter_queue(step, request)
        case LeaveQueue():
            leave_queue(step)
        case TransferCaller():
            _transfer(step, request)
        case EchoCaller():
            step.move(Stage.ECHO, deadline=step.now + request.seconds)
            step.emit(StopPlay(leg=step.state.caller_leg), Echo(leg=step.state.caller_leg))
        case ConferenceCaller():
            _join_room(step, request.room)
        case RecordCaller():
            record_caller(step, request)
        case HearCaller():
            hear_caller(step)
        case StopRecordingCaller():
            stop_recording_caller(step)
        case TapCaller():
            tap_caller(step, request)
        case UntapCaller():
            untap_caller(step)
        case ReleaseCaller():
            step.release_all(request.cause)
        case FlowFinished():
            _flow_finished(step, request)
        case _:
            assert_never(request)


def _needs_answer(request: FlowRequest) -> bool:
    if isinstance(request, TransferCaller):
        return request.agent is not None  # a number may ring for an unanswered call
    return isinstance(request, PlayPrompt | EnterQueue | EchoCaller | ConferenceCaller)


def answer_caller(step: Step) -> None:
    """Answer the caller's leg, once."""
    if not step.state.answering:
        step.state.answering = True
        step.emit(AnswerLeg(leg=step.state.caller_leg))


def _prompt(step: Step, request: PlayPrompt) -> None:
    if request.query_keyed_at is not None and request.query is not None:
        node, source = request.query
        step.state.pending_query = PendingQuery(
            node=node, source=source, keyed_at=request.query_keyed_at, playback=request.playback
        )
    step.play(request.playback, request.items, loop=False)


def _enter_queue(step: Step, request: EnterQueue) -> None:
    state = step.state
    state.queue, state.priority = request.queue, request.priority
    state.after_talk, state.language = request.after_talk, request.language
    state.queued_at = step.now
    state.chosen_at = request.chosen_at if request.chosen_at is not None else step.now
    step.move(Stage.QUEUED)
    step.play_music()
    step.emit(
        QueueContact(
            contact=state.contact,
            queue=request.queue,
            priority=request.priority,
            waited_seconds=request.waited_seconds,
            mystery=state.mystery,
        )
    )


def leave_queue(step: Step) -> None:
    """The flow takes its caller back, if he still waits."""
    state = step.state
    if state.stage not in (Stage.QUEUED, Stage.RINGING):
        return
    step.emit(*(ReleaseLeg(leg=leg, cause=ReleaseCause.CANCELLED) for leg in state.rung))
    state.rung.clear()
    state.queue_seconds += step.now - (state.queued_at if state.queued_at is not None else step.now)
    state.queue = state.queued_at = state.chosen_at = None
    step.move(Stage.FLOW)
    step.emit(WithdrawContact(contact=state.contact, reason="left"), StopPlay(leg=state.caller_leg))


def _transfer(step: Step, request: TransferCaller) -> None:
    step.state.record_asked = request.record
    if request.agent is not None:
        call_agent(step, request.agent)
    elif request.trunk is not None:
        target = TrunkTarget(trunk=request.trunk, number=request.number)
        dial_party(step, target, f"{request.trunk}:{request.number}")
    elif request.target is not None:
        dial_party(step, request.target, request.number, request.seated)
    else:
        step.emit(FlowRequestFailed(contact=step.state.contact, reason=ReleaseCause.NOT_FOUND))


def dial_party(step: Step, target: DialTarget, name: str, seated: AgentId | None = None) -> None:
    """Call somebody else for the caller, who hears that it rings; ``seated``: the agent at that phone."""
    state = step.state
    state.pending_key = None
    state.transferred_to = name
    leg = step.new_leg(LegRole.PARTY)
    step.move(Stage.DIALLING, deadline=step.now + DIAL_SECONDS)
    if isinstance(target, SeatTarget):
        step.engage_seat(leg, target.seat, seated)
    if state.answered:
        step.play(PlaybackId(step.new_id()), RINGBACK, loop=True)
    else:
        step.emit(RingLeg(leg=state.caller_leg))
    step.emit(
        DialLeg(
            leg=leg,
            call=state.call,
            contact=state.contact,
            role=LegRole.PARTY,
            target=target,
            caller=state.caller,
            caller_name=state.caller_name,
            forwarded_from=(state.dialled, state.forwarded_from),
            transfers=state.caller_leg if state.answered and not state.record_asked else None,
        )
    )


def _join_room(step: Step, room: str) -> None:
    state = step.state
    state.pending_key = None
    step.move(Stage.ROOM)
    step.emit(
        StopPlay(leg=state.caller_leg),
        JoinRoom(leg=state.caller_leg, room=room),
        Record(fact=Conferenced(contact=state.contact, leg=state.caller_leg, room=room)),
    )


def _flow_finished(step: Step, request: FlowFinished) -> None:
    state = step.state
    state.flow = None
    state.flow_outcome = request.outcome
    state.call_back = state.call_back or request.call_back
    state.left_message = state.left_message or request.message
    if request.outcome is FlowOutcome.FAILED:
        state.system_fault = True
    if state.stage is Stage.FLOW and state.next_flow is not None:
        start_next_flow(step)
    elif state.stage is Stage.FLOW:
        cause = ReleaseCause.FAILED if request.outcome is FlowOutcome.FAILED else ReleaseCause.NORMAL
        step.release_all(cause)


def start_next_flow(step: Step) -> None:
    """The flow that was waiting for the end of the last one begins."""
    state = step.state
    assert state.next_flow is not None
    state.flow, state.next_flow, state.flow_outcome = state.next_flow, None, None
    variables = {
        "caller": state.caller,
        "dialled": state.dialled,
        "seat": state.seat or "",
        "mailbox": state.mailbox or "",
    }
    step.emit(StartFlow(contact=state.contact, flow=state.flow, variables=variables))
