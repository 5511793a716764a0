"""One call, as a pure state machine.

The saga owns the legs of a contact and decides which part has the caller: the flow, the queue, an agent, a party
outside. It performs nothing: each step returns commands for the access layer, the media engine, the flow service
and the router, and the facts to tell. Legs end exactly once, and when the last has ended the contact gets its
one outcome.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import assert_never

from ccplatform.calls.errors import NotInThisState
from ccplatform.calls.model import (
    CallEffect,
    CallOffered,
    CallState,
    HangUpOrder,
    HoldOrder,
    PendingKey,
    PendingQuery,
    Record,
    RecordingBegan,
    Stage,
)
from ccplatform.calls.outcome import outcome_of
from ccplatform.calls.talk import begin_talk, end_talk, hold, retrieve
from ccplatform.contracts.facts import (
    CallAnswered,
    Conferenced,
    ConnectionCleared,
    ContactArrived,
    ContactEnded,
    Delivered,
    Diverted,
    Established,
    Failed,
    FirstVoiceSent,
    KeyAnswered,
    LegMeasured,
    QueryAnswered,
    Transferred,
)
from ccplatform.contracts.flows import (
    ConferenceCaller,
    EchoCaller,
    EndFlow,
    EnterQueue,
    FlowDigit,
    FlowFinished,
    FlowPlaybackEnded,
    FlowRequest,
    FlowRequestFailed,
    InputCompleted,
    PlayPrompt,
    ReleaseCaller,
    StartFlow,
    StopPrompt,
    TransferCaller,
)
from ccplatform.contracts.legs import (
    AdoptLeg,
    AnswerLeg,
    DialLeg,
    DigitPressed,
    LegAnswered,
    LegAudible,
    LegEnded,
    LegQuality,
    LegRinging,
    PlaybackEnded,
    PlaybackStarted,
    ReleaseLeg,
    RingLeg,
    SeatTarget,
    TrunkTarget,
)
from ccplatform.contracts.media import (
    Echo,
    ForgetCall,
    JoinRoom,
    Play,
    PlayItem,
    SilenceItem,
    StopPlay,
    StopRecording,
    ToneItem,
    Unbridge,
)
from ccplatform.contracts.routing import (
    AgentOffered,
    OfferAnswered,
    OfferFailed,
    OfferWithdrawn,
    QueueContact,
    QueueRefused,
    WithdrawContact,
)
from ccplatform.contracts.words import (
    Channel,
    Direction,
    FlowOutcome,
    LegId,
    LegRole,
    OfferEnd,
    PlaybackId,
    ReleaseCause,
)
from ccplatform.kernel.core import DeadlineReached

SagaInput = (
    LegRinging
    | LegAnswered
    | LegEnded
    | LegQuality
    | DigitPressed
    | LegAudible
    | PlaybackStarted
    | PlaybackEnded
    | FlowRequest
    | AgentOffered
    | OfferWithdrawn
    | QueueRefused
    | RecordingBegan
    | HangUpOrder
    | HoldOrder
    | DeadlineReached
)

#: How long a party outside may ring, seconds.
DIAL_SECONDS = 60.0
#: How long a flow may take to answer its caller or dial on, seconds.
ANSWER_SECONDS = 30.0
#: How long an ended call waits for its legs and its flow to say goodbye, seconds (above SIP's 32 s timer).
ENDING_SECONDS = 40.0
#: Ringback of China: 450 Hz, 1 s on, 4 s off (GF 002-9002).
RINGBACK: tuple[PlayItem, ...] = (
    ToneItem(hertz=(450.0,), seconds=1.0, level_dbm0=-13.0),
    SilenceItem(seconds=4.0),
)

_OFFER_ENDS = {
    ReleaseCause.UNREACHABLE: OfferEnd.UNREACHABLE,
    ReleaseCause.NO_ANSWER: OfferEnd.NO_ANSWER,
    ReleaseCause.TIMEOUT: OfferEnd.UNREACHABLE,
}
_OUR_FAULTS = frozenset({ReleaseCause.FAILED, ReleaseCause.UNAVAILABLE})
_WAITING = (Stage.QUEUED, Stage.RINGING)


class CallSaga:
    """The saga of one call. ``state`` is all it knows; ``finished`` once the contact has its outcome."""

    def __init__(self, state: CallState, *, music: tuple[PlayItem, ...], new_id: Callable[[], str]) -> None:
        self.state = state
        self.finished = False
        self._music = music
        self._new_id = new_id
        self._on_answer: list[FlowRequest] = []
        self._out: list[CallEffect] = []
        self._now = 0.0

    @classmethod
    def begin(
        cls, event: CallOffered, *, music: tuple[PlayItem, ...], new_id: Callable[[], str]
    ) -> tuple[CallSaga, list[CallEffect]]:
        """A new call: adopt the leg, tell the arrival, start the flow of the dialled number."""
        offer = event.offer
        state = CallState(
            call=event.call,
            contact=event.contact,
            caller_leg=offer.leg,
            caller=offer.caller,
            caller_name=offer.caller_name,
            dialled=offer.dialled,
            direction=Direction.INTERNAL if offer.seat else Direction.INBOUND,
            trunk=offer.trunk,
            seat=offer.seat,
            received_at=offer.received_at,
            live_legs={offer.leg: LegRole.CALLER},
            flow=event.flow,
            deadline_at=offer.received_at + ANSWER_SECONDS,
        )
        saga = cls(state, music=music, new_id=new_id)
        arrived = ContactArrived(
            contact=event.contact,
            call=event.call,
            leg=offer.leg,
            channel=Channel.VOICE,
            direction=state.direction,
            dialled=offer.dialled,
            trunk=offer.trunk,
            seat=offer.seat,
            transport=offer.transport,
            sip_call_id=offer.sip_call_id,
            caller=offer.caller,
            caller_name=offer.caller_name,
        )
        variables = {"caller": offer.caller, "dialled": offer.dialled, "seat": offer.seat or ""}
        return saga, [
            AdoptLeg(leg=offer.leg, call=event.call, contact=event.contact, role=LegRole.CALLER),
            Record(fact=arrived),
            StartFlow(contact=event.contact, flow=event.flow, variables=variables),
        ]

    def handle(self, event: SagaInput, now: float) -> list[CallEffect]:
        """Take one event of this call; return what to do, in order."""
        self._now = now
        self._out = []
        if not self.finished:
            self._take(event)
            self._finish_if_done()
        return self._out

    def check_hold(self, hold_it: bool) -> None:
        """Raise :class:`NotInThisState` unless the caller can be held (or retrieved) now."""
        if self.state.stage is not (Stage.TALKING if hold_it else Stage.HELD):
            raise NotInThisState(self.state.call, "hold" if hold_it else "retrieve", self.state.stage)

    def forget_offer(self) -> None:
        """After a restart the seat that rang is lost: the caller waits again."""
        if self.state.other_leg is not None:
            self.state.live_legs.pop(self.state.other_leg, None)
        self.state.other_leg = self.state.agent = self.state.agent_seat = None
        self._move(Stage.QUEUED)

    @staticmethod
    def lost_leg(leg: LegId) -> LegEnded:
        """The end of a leg that could not be taken back."""
        return LegEnded(leg=leg, cause=ReleaseCause.FAILED, by_remote=False)

    # --- dispatch -----------------------------------------------------------------------------------------

    def _take(self, event: SagaInput) -> None:
        match event:
            case LegAnswered():
                self._leg_answered(event)
            case LegEnded():
                self._leg_ended(event)
            case LegRinging():
                self._leg_ringing(event)
            case LegQuality():
                self._leg_measured(event)
            case DigitPressed():
                self._digit(event)
            case LegAudible():
                self._audible(event)
            case PlaybackStarted():
                self._playback_started(event)
            case PlaybackEnded():
                self._playback_ended(event)
            case AgentOffered():
                self._agent_offered(event)
            case OfferWithdrawn():
                self._offer_withdrawn(event)
            case QueueRefused():
                self._queue_refused(event)
            case RecordingBegan():
                self.state.recording = event.recording
            case HangUpOrder():
                self._release_all(ReleaseCause.NORMAL, abandoned=True)
            case HoldOrder():
                self._hold_order(event)
            case DeadlineReached():
                self._deadline()
            case _:
                self._flow_asked(event)

    def _emit(self, *effects: CallEffect) -> None:
        self._out.extend(effects)

    # --- what the flow asks -------------------------------------------------------------------------------

    def _flow_asked(self, request: FlowRequest) -> None:
        if isinstance(request, FlowFinished):
            self._flow_finished(request)
        elif self.state.stage is not Stage.FLOW:
            return  # the caller left, or the call moved on, while the flow was thinking
        elif (
            isinstance(request, PlayPrompt | EnterQueue | EchoCaller | ConferenceCaller)
            and not self.state.answered
        ):
            self._on_answer.append(request)
            self._answer()
        else:
            self._do(request)

    def _do(self, request: FlowRequest) -> None:
        match request:
            case PlayPrompt():
                self._prompt(request)
            case StopPrompt():
                self._emit(StopPlay(leg=self.state.caller_leg))
            case InputCompleted():
                self.state.pending_key = PendingKey(node=request.node, keyed_at=request.keyed_at)
            case EnterQueue():
                self._enter_queue(request)
            case TransferCaller():
                self._transfer(request)
            case EchoCaller():
                self._move(Stage.ECHO, deadline=self._now + request.seconds)
                self._emit(StopPlay(leg=self.state.caller_leg), Echo(leg=self.state.caller_leg))
            case ConferenceCaller():
                self._join_room(request.room)
            case ReleaseCaller():
                self._release_all(request.cause)
            case FlowFinished():
                self._flow_finished(request)
            case _:
                assert_never(request)

    def _answer(self) -> None:
        if not self.state.answering:
            self.state.answering = True
            self._emit(AnswerLeg(leg=self.state.caller_leg))

    def _prompt(self, request: PlayPrompt) -> None:
        if request.query_keyed_at is not None and request.query is not None:
            node, source = request.query
            self.state.pending_query = PendingQuery(
                node=node, source=source, keyed_at=request.query_keyed_at, playback=request.playback
            )
        self._play(request.playback, request.items, loop=False)

    def _play(self, playback: PlaybackId, items: tuple[PlayItem, ...], *, loop: bool) -> None:
        key = self.state.pending_key
        if key is not None and key.playback is None:
            key.playback = playback
        self._emit(Play(leg=self.state.caller_leg, playback=playback, items=items, loop=loop))

    def _play_music(self) -> None:
        self._play(PlaybackId(self._new_id()), self._music, loop=True)

    def _enter_queue(self, request: EnterQueue) -> None:
        state = self.state
        state.queue = request.queue
        state.queued_at = self._now
        state.chosen_at = request.chosen_at if request.chosen_at is not None else self._now
        self._move(Stage.QUEUED)
        self._play_music()
        self._emit(QueueContact(contact=state.contact, queue=request.queue, priority=request.priority))

    def _transfer(self, request: TransferCaller) -> None:
        state = self.state
        state.pending_key = None
        state.record_asked = request.record
        state.transferred_to = f"{request.trunk}:{request.number}"
        leg = self._new_leg(LegRole.PARTY)
        self._move(Stage.DIALLING, deadline=self._now + DIAL_SECONDS)
        if state.answered:
            self._play(PlaybackId(self._new_id()), RINGBACK, loop=True)
        else:
            self._emit(RingLeg(leg=state.caller_leg))
        self._emit(
            DialLeg(
                leg=leg,
                call=state.call,
                contact=state.contact,
                role=LegRole.PARTY,
                target=TrunkTarget(trunk=request.trunk, number=request.number),
                caller=state.caller,
                caller_name=state.caller_name,
            )
        )

    def _join_room(self, room: str) -> None:
        state = self.state
        state.pending_key = None
        self._move(Stage.ROOM)
        self._emit(
            StopPlay(leg=state.caller_leg),
            JoinRoom(leg=state.caller_leg, room=room),
            Record(fact=Conferenced(contact=state.contact, leg=state.caller_leg, room=room)),
        )

    def _flow_finished(self, request: FlowFinished) -> None:
        state = self.state
        state.flow = None
        state.flow_outcome = request.outcome
        state.call_back = state.call_back or request.call_back
        if request.outcome is FlowOutcome.FAILED:
            state.system_fault = True
        if state.stage is Stage.FLOW:
            cause = ReleaseCause.FAILED if request.outcome is FlowOutcome.FAILED else ReleaseCause.NORMAL
            self._release_all(cause)

    # --- legs ---------------------------------------------------------------------------------------------

    def _leg_answered(self, event: LegAnswered) -> None:
        state = self.state
        if event.leg == state.caller_leg:
            self._caller_answered()
        elif event.leg != state.other_leg or state.stage not in (Stage.RINGING, Stage.DIALLING):
            self._emit(ReleaseLeg(leg=event.leg, cause=ReleaseCause.NORMAL))  # answered too late
        elif state.stage is Stage.RINGING:
            self._agent_answered(event)
        elif state.answered:
            self._party_answered(event.device)
        else:
            state.transferred_to = event.device or state.transferred_to
            self._move(Stage.BRIDGED)
            self._answer()

    def _caller_answered(self) -> None:
        state = self.state
        if state.answered:
            return
        state.answered = True
        state.deadline_at = None
        seconds = self._now - state.received_at
        fact = CallAnswered(contact=state.contact, leg=state.caller_leg, answer_seconds=seconds)
        self._emit(Record(fact=fact))
        waiting, self._on_answer = self._on_answer, []
        for request in waiting:
            if state.stage is Stage.FLOW:
                self._do(request)
        if state.stage is Stage.BRIDGED:
            self._party_answered(state.transferred_to)

    def _agent_answered(self, event: LegAnswered) -> None:
        state = self.state
        assert state.agent is not None
        queued_at = state.queued_at if state.queued_at is not None else self._now
        chosen_at = state.chosen_at if state.chosen_at is not None else queued_at
        state.queue_seconds += self._now - queued_at
        self._move(Stage.TALKING)
        self._emit(
            OfferAnswered(contact=state.contact, agent=state.agent),
            *begin_talk(state, event.leg, self._now),
            Record(
                fact=Established(
                    contact=state.contact,
                    leg=event.leg,
                    role=LegRole.AGENT,
                    device=event.device,
                    agent=state.agent,
                    queue=state.queue,
                    queue_seconds=self._now - queued_at,
                    wait_seconds=self._now - chosen_at,
                )
            ),
        )
        self._end_flow(abandoned=False)

    def _party_answered(self, device: str) -> None:
        state = self.state
        assert state.other_leg is not None
        self._move(Stage.BRIDGED)
        established = Established(contact=state.contact, leg=state.other_leg, role=LegRole.PARTY, device=device)
        self._emit(
            *begin_talk(state, state.other_leg, self._now),
            Record(fact=established),
            Record(fact=Transferred(contact=state.contact, to=device or state.transferred_to, by="flow")),
        )
        self._end_flow(abandoned=False)

    def _leg_ringing(self, event: LegRinging) -> None:
        if event.leg == self.state.other_leg:
            fact = Delivered(
                contact=self.state.contact, leg=event.leg, device=event.device, agent=self.state.agent
            )
            self._emit(Record(fact=fact))

    def _leg_measured(self, event: LegQuality) -> None:
        role = self.state.live_legs.get(event.leg)
        if role is None:
            return
        fact = LegMeasured(
            contact=self.state.contact,
            leg=event.leg,
            role=role,
            codec=event.codec,
            packets_received=event.packets_received,
            packets_lost=event.packets_lost,
            packets_sent=event.packets_sent,
            remote_packets_lost=event.remote_packets_lost,
            jitter_seconds=event.jitter_seconds,
            round_trip_seconds=event.round_trip_seconds,
            delay_seconds=event.delay_seconds,
            mos=None,
        )
        self._emit(Record(fact=fact))

    def _leg_ended(self, event: LegEnded) -> None:
        state = self.state
        role = state.live_legs.pop(event.leg, None)
        if role is None:
            return
        by = "remote" if event.by_remote else "local"
        cleared = ConnectionCleared(
            contact=state.contact, leg=event.leg, role=role, cause=event.cause, released_by=by
        )
        if event.leg == state.caller_leg:
            self._emit(Record(fact=cleared))
            self._caller_left(event)
        elif event.leg == state.other_leg:
            self._other_left(event, cleared)
        else:
            self._emit(Record(fact=cleared))

    def _caller_left(self, event: LegEnded) -> None:
        state = self.state
        if state.stage is not Stage.ENDING:
            state.cause = event.cause
            state.system_fault = state.system_fault or event.cause in _OUR_FAULTS
        self._release_all(event.cause, abandoned=True)

    def _other_left(self, event: LegEnded, cleared: ConnectionCleared) -> None:
        state = self.state
        state.other_leg = None
        if state.stage is Stage.RINGING:
            self._offer_failed(event)
        elif state.stage is Stage.DIALLING:
            self._emit(
                Record(
                    fact=Failed(
                        contact=state.contact, leg=event.leg, device=state.transferred_to, cause=event.cause
                    )
                ),
                StopPlay(leg=state.caller_leg),
                FlowRequestFailed(contact=state.contact, reason=event.cause),
            )
            self._move(Stage.FLOW)
        else:
            self._emit(Record(fact=cleared))
            if state.stage in (Stage.TALKING, Stage.HELD, Stage.BRIDGED):
                state.cause = event.cause
                self._release_all(event.cause)

    def _offer_failed(self, event: LegEnded) -> None:
        state = self.state
        assert state.agent is not None
        diverted = Diverted(contact=state.contact, leg=event.leg, device=state.agent_seat or "", cause=event.cause)
        end = _OFFER_ENDS.get(event.cause, OfferEnd.REJECTED)
        self._emit(Record(fact=diverted), OfferFailed(contact=state.contact, agent=state.agent, end=end))
        state.agent = state.agent_seat = None
        self._move(Stage.QUEUED)

    # --- sound --------------------------------------------------------------------------------------------

    def _digit(self, event: DigitPressed) -> None:
        if event.leg == self.state.caller_leg and self.state.stage is Stage.FLOW:
            self._emit(FlowDigit(contact=self.state.contact, digit=event.digit, ended_at=event.ended_at))

    def _audible(self, event: LegAudible) -> None:
        state = self.state
        if event.leg == state.caller_leg and not state.audible:
            state.audible = True
            seconds = event.at - state.received_at
            fact = FirstVoiceSent(contact=state.contact, trunk=state.trunk, connect_seconds=seconds)
            self._emit(Record(fact=fact))

    def _playback_started(self, event: PlaybackStarted) -> None:
        state = self.state
        key, query = state.pending_key, state.pending_query
        if key is not None and key.playback == event.playback:
            state.pending_key = None
            seconds = event.at - key.keyed_at
            answered = KeyAnswered(contact=state.contact, node=key.node, response_seconds=seconds)
            self._emit(Record(fact=answered))
        if query is not None and query.playback == event.playback:
            state.pending_query = None
            fact = QueryAnswered(
                contact=state.contact,
                node=query.node,
                source=query.source,
                ok=True,
                response_seconds=event.at - query.keyed_at,
            )
            self._emit(Record(fact=fact))

    def _playback_ended(self, event: PlaybackEnded) -> None:
        if event.leg == self.state.caller_leg and self.state.stage is Stage.FLOW:
            self._emit(
                FlowPlaybackEnded(
                    contact=self.state.contact,
                    playback=event.playback,
                    finished=event.finished,
                    error=event.error,
                )
            )

    # --- queue and agent ----------------------------------------------------------------------------------

    def _agent_offered(self, event: AgentOffered) -> None:
        state = self.state
        if state.stage is not Stage.QUEUED:
            self._emit(OfferFailed(contact=event.contact, agent=event.agent, end=OfferEnd.CALLER_LEFT))
            return
        state.agent, state.agent_seat, state.queue = event.agent, event.seat, event.queue
        leg = self._new_leg(LegRole.AGENT)
        self._move(Stage.RINGING)
        self._emit(
            DialLeg(
                leg=leg,
                call=state.call,
                contact=state.contact,
                role=LegRole.AGENT,
                target=SeatTarget(seat=event.seat),
                caller=state.caller,
                caller_name=state.caller_name,
            )
        )

    def _offer_withdrawn(self, event: OfferWithdrawn) -> None:
        state = self.state
        if state.stage is not Stage.RINGING or state.agent != event.agent or state.other_leg is None:
            return
        cause = ReleaseCause.NO_ANSWER if event.end is OfferEnd.NO_ANSWER else ReleaseCause.CANCELLED
        diverted = Diverted(contact=state.contact, leg=state.other_leg, device=state.agent_seat or "", cause=cause)
        self._emit(Record(fact=diverted), ReleaseLeg(leg=state.other_leg, cause=ReleaseCause.CANCELLED))
        state.other_leg = state.agent = state.agent_seat = None
        self._move(Stage.QUEUED)

    def _queue_refused(self, event: QueueRefused) -> None:
        state = self.state
        if state.stage is Stage.QUEUED:
            state.queue = state.queued_at = state.chosen_at = None
            self._move(Stage.FLOW)
            self._emit(
                StopPlay(leg=state.caller_leg),
                FlowRequestFailed(contact=state.contact, reason=event.reason),
            )

    def _hold_order(self, event: HoldOrder) -> None:
        self.check_hold(event.hold)
        if event.hold:
            self._move(Stage.HELD)
            self._emit(*hold(self.state, self._now, by=event.by))
            self._play_music()
        else:
            self._move(Stage.TALKING)
            self._emit(*retrieve(self.state, self._now))

    # --- ends ---------------------------------------------------------------------------------------------

    def _release_all(self, cause: ReleaseCause, *, abandoned: bool = False) -> None:
        """Let go of everything: whoever waits, rings or talks. Safe to call again.

        ``abandoned``: somebody else than the flow ends the call, so a running flow was left early.
        """
        state = self.state
        stage = state.stage
        if stage is not Stage.ENDING:
            self._leave(stage)
            self._move(Stage.ENDING, deadline=self._now + ENDING_SECONDS)
            self._end_flow(abandoned=abandoned and stage is Stage.FLOW)
        for leg, role in state.live_legs.items():
            own = role is LegRole.CALLER or stage in (Stage.TALKING, Stage.HELD, Stage.BRIDGED)
            leg_cause = cause if own and cause is not ReleaseCause.CANCELLED else ReleaseCause.CANCELLED
            self._emit(ReleaseLeg(leg=leg, cause=leg_cause))

    def _leave(self, stage: Stage) -> None:
        state = self.state
        if stage in _WAITING:
            if state.queued_at is not None:
                state.queue_seconds += self._now - state.queued_at
            self._emit(WithdrawContact(contact=state.contact, reason="abandoned"))
        elif stage in (Stage.TALKING, Stage.HELD, Stage.BRIDGED):
            if state.recording is not None:
                self._emit(StopRecording(recording=state.recording))
                state.recording = None
            if state.other_leg is not None:
                self._emit(Unbridge(leg=state.other_leg))
            self._emit(*end_talk(state, self._now))

    def _end_flow(self, *, abandoned: bool) -> None:
        if self.state.flow is not None:
            self._emit(EndFlow(contact=self.state.contact, abandoned=abandoned))

    def _deadline(self) -> None:
        state = self.state
        if state.deadline_at is None or self._now < state.deadline_at:
            return
        state.deadline_at = None
        if state.stage is Stage.ENDING:
            state.live_legs.clear()
            state.flow = None
        elif state.stage is Stage.DIALLING and state.other_leg is not None:
            self._emit(ReleaseLeg(leg=state.other_leg, cause=ReleaseCause.NO_ANSWER))
        elif state.stage is Stage.ECHO:
            self._release_all(ReleaseCause.NORMAL)
        elif state.stage is Stage.FLOW and not state.answered:
            state.system_fault = True
            state.cause = ReleaseCause.FAILED
            self._release_all(ReleaseCause.FAILED)

    def _finish_if_done(self) -> None:
        state = self.state
        if state.stage is not Stage.ENDING or state.live_legs or state.flow is not None:
            return
        self.finished = True
        self._emit(
            ForgetCall(call=state.call),
            Record(
                fact=ContactEnded(
                    contact=state.contact,
                    outcome=outcome_of(state),
                    cause=state.cause,
                    dialled=state.dialled,
                    trunk=state.trunk,
                    total_seconds=self._now - state.received_at,
                    queue=state.queue,
                    agent=state.agent if state.talk_at is not None else None,
                    seat=state.agent_seat if state.talk_at is not None else None,
                    queue_seconds=state.queue_seconds,
                    talk_seconds=state.talk_seconds,
                    hold_seconds=state.hold_seconds,
                )
            ),
        )

    def _new_leg(self, role: LegRole) -> LegId:
        leg = LegId(self._new_id())
        self.state.other_leg = leg
        self.state.live_legs[leg] = role
        return leg

    def _move(self, stage: Stage, *, deadline: float | None = None) -> None:
        self.state.stage = stage
        self.state.deadline_at = deadline
