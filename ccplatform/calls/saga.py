"""One call, as a pure state machine.

The saga owns the legs of a contact and decides which part has the caller: the flow, the queue, an agent, a party
outside. It performs nothing: each step returns commands for the access layer, the media engine, the flow service
and the router, and the facts to tell. Legs end exactly once, and when the last has ended the contact gets its
one outcome.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable

from ccplatform.calls.asked import flow_asked
from ccplatform.calls.calling_back import begin_call_back, drop_call_back, state_of
from ccplatform.calls.calling_out import begin_call_out, heard_early
from ccplatform.calls.calling_out import state_of as state_of_call_out
from ccplatform.calls.conferring import consult_order, drop_order, hang_up_order, party_order
from ccplatform.calls.handed_on import caller_referred
from ccplatform.calls.heard import (
    digit_pressed,
    leg_audible,
    leg_measured,
    leg_moved,
    playback_ended,
    playback_started,
)
from ccplatform.calls.inputs import (
    CallBackBegins,
    CallOffered,
    CallOutBegins,
    ConsultOrder,
    MessageBegan,
    MessageClosed,
    Overflowed,
    PhonePickUp,
    PhoneTransfer,
    RecordingBegan,
    SagaInput,
)
from ccplatform.calls.joining import Yielded, take_in, yield_party
from ccplatform.calls.leg_events import leg_answered, leg_ended, leg_ringing
from ccplatform.calls.messages import message_began, message_closed, tap_ended, voice_changed
from ccplatform.calls.model import CallEffect, CallState, Music, Record, RungAgent, Stage
from ccplatform.calls.moving import move_order
from ccplatform.calls.offered import (
    agent_offered,
    check_hold,
    hold_order,
    leg_held,
    offer_withdrawn,
    queue_refused,
)
from ccplatform.calls.outcome import outcome_of
from ccplatform.calls.overflowing import overflowed
from ccplatform.calls.picking_up import picked_up
from ccplatform.calls.recorded import mix_recordings, recording_began
from ccplatform.calls.recording_orders import recording_order
from ccplatform.calls.step import Step
from ccplatform.calls.supervising import supervise, supervise_order
from ccplatform.calls.transferring import transfer_asked
from ccplatform.calls.whispering import whisper_over
from ccplatform.contracts.commands import (
    ControlParties,
    ControlRecording,
    DropParty,
    HangUpCall,
    HoldCall,
    MoveCall,
    SuperviseCall,
)
from ccplatform.contracts.facts import ContactArrived, ContactEnded
from ccplatform.contracts.flows import FlowRequest, StartFlow
from ccplatform.contracts.legs import (
    AdoptLeg,
    DigitPressed,
    LegAnswered,
    LegAudible,
    LegEarly,
    LegEnded,
    LegHeld,
    LegMoved,
    LegQuality,
    LegReferred,
    LegRinging,
    PlaybackEnded,
    PlaybackStarted,
    ReleaseLeg,
)
from ccplatform.contracts.media import ForgetCall, TapEnded, VoiceChanged
from ccplatform.contracts.routing import AgentOffered, CallBackDropped, EngageAgent, OfferWithdrawn, QueueRefused
from ccplatform.contracts.words import Channel, Direction, LegId, LegRole, ReleaseCause
from ccplatform.kernel.core import DeadlineReached

#: How long a flow may take to answer its caller or dial on, seconds.
ANSWER_SECONDS = 30.0


class CallSaga:
    """The saga of one call. ``state`` is all it knows; ``finished`` once the contact has its outcome."""

    def __init__(self, state: CallState, *, music: Music, new_id: Callable[[], str], max_parties: int) -> None:
        self.state = state
        self.finished = False
        self._music = music
        self._new_id = new_id
        self._max_parties = max_parties
        self._on_answer: list[FlowRequest] = []

    @classmethod
    def begin(
        cls, event: CallOffered, *, music: Music, new_id: Callable[[], str], max_parties: int
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
            forwarded_from=offer.forwarded_from,
            mystery=event.mystery,
            live_legs={offer.leg: LegRole.CALLER},
            entry=event.flow,
            flow=event.flow,
            party_seat=offer.seat,
            party_agent=event.agent,
            deadline_at=offer.received_at + ANSWER_SECONDS,
        )
        saga = cls(state, music=music, new_id=new_id, max_parties=max_parties)
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
            forwarded_from=offer.forwarded_from,
            forwarded_because=offer.forwarded_because,
            mystery=event.mystery,
        )
        variables = {
            "caller": offer.caller,
            "dialled": offer.dialled,
            "seat": offer.seat or "",
            "forwarded_from": offer.forwarded_from,
            "forwarded_because": offer.forwarded_because,
        }
        engaged = [EngageAgent(contact=event.contact, agent=event.agent)] if event.agent is not None else []
        return saga, [
            AdoptLeg(leg=offer.leg, call=event.call, contact=event.contact, role=LegRole.CALLER),
            Record(fact=arrived),
            *engaged,
            StartFlow(contact=event.contact, flow=event.flow, variables=variables),
        ]

    @classmethod
    def call_back(
        cls, event: CallBackBegins, now: float, *, music: Music, new_id: Callable[[], str], max_parties: int
    ) -> tuple[CallSaga, list[CallEffect]]:
        """A call that we make, because we promised it."""
        state = state_of(event, LegId(new_id()), now)
        saga = cls(state, music=music, new_id=new_id, max_parties=max_parties)
        step = saga._step(now)
        begin_call_back(step)
        return saga, step.effects

    @classmethod
    def call_out(
        cls, event: CallOutBegins, now: float, *, music: Music, new_id: Callable[[], str], max_parties: int
    ) -> tuple[CallSaga, list[CallEffect]]:
        """A call that somebody of the centre makes."""
        own = event.offer.leg if event.offer is not None else LegId(new_id())
        state = state_of_call_out(event, LegId(new_id()), own, now)
        saga = cls(state, music=music, new_id=new_id, max_parties=max_parties)
        step = saga._step(now)
        begin_call_out(step, event)
        return saga, step.effects

    def handle(self, event: SagaInput, now: float) -> list[CallEffect]:
        """Take one event of this call; return what to do, in order."""
        if self.finished:
            return []
        step = self._step(now)
        _take(step, event)
        return self._over(step)

    def yield_party(
        self, own: LegId, kept: CallState, now: float, *, asked: bool
    ) -> tuple[Yielded, list[CallEffect]]:
        """Give up whom this call reached, for another one; see :mod:`.joining`."""
        step = self._step(now)
        yielded = yield_party(step, own, kept, asked=asked)
        return yielded, self._over(step)

    def take_in(self, own: LegId, yielded: Yielded, now: float, *, asked: bool) -> list[CallEffect]:
        """Take whom another call gave up; see :mod:`.joining`."""
        step = self._step(now)
        take_in(step, own, yielded, asked=asked)
        return self._over(step)

    def _over(self, step: Step) -> list[CallEffect]:
        supervise(step)
        mix_recordings(step)
        self._finish_if_done(step)
        return step.effects

    def _step(self, now: float) -> Step:
        return Step(self.state, now, self._music, self._new_id, self._on_answer, self._max_parties)

    def check_hold(self, hold_it: bool) -> None:
        """Raise :class:`NotInThisState` unless the caller can be held (or retrieved) now."""
        check_hold(self.state, hold_it)

    def forget_phones(self, legs: Iterable[LegId]) -> dict[LegId, RungAgent]:
        """After a restart these phones ring no longer: who they were. Without any the caller waits again."""
        state = self.state
        rung = {leg: state.rung.pop(leg) for leg in legs}
        for leg in rung:
            state.live_legs.pop(leg, None)
        if state.stage is Stage.RINGING and not state.rung:
            state.stage, state.deadline_at = Stage.QUEUED, None
        return rung

    def _finish_if_done(self, step: Step) -> None:
        state = self.state
        if state.stage is not Stage.ENDING or state.live_legs or state.flow is not None:
            return
        self.finished = True
        step.emit(
            ForgetCall(call=state.call),
            Record(
                fact=ContactEnded(
                    contact=state.contact,
                    outcome=outcome_of(state),
                    cause=state.cause,
                    dialled=state.dialled,
                    trunk=state.trunk,
                    total_seconds=step.now - state.received_at,
                    queue=state.queue,
                    agent=state.talked_agent,
                    seat=state.talked_seat,
                    queue_seconds=state.queue_seconds,
                    talk_seconds=state.talk_seconds,
                    hold_seconds=state.hold_seconds,
                )
            ),
        )


def _take(step: Step, event: SagaInput) -> None:
    match event:
        case LegAnswered():
            leg_answered(step, event)
        case LegEnded():
            leg_ended(step, event)
        case LegRinging():
            leg_ringing(step, event)
        case LegHeld():
            leg_held(step, event)
        case LegReferred():
            caller_referred(step, event)
        case LegEarly():
            heard_early(step, event)
        case LegMoved():
            leg_moved(step, event)
        case LegQuality():
            leg_measured(step, event)
        case DigitPressed():
            digit_pressed(step, event)
        case LegAudible():
            leg_audible(step, event)
        case PlaybackStarted():
            playback_started(step, event)
        case PlaybackEnded():
            playback_ended(step, event)
        case AgentOffered():
            agent_offered(step, event)
        case OfferWithdrawn():
            offer_withdrawn(step, event)
        case QueueRefused():
            queue_refused(step, event)
        case CallBackDropped():
            drop_call_back(step)
        case RecordingBegan():
            recording_began(step, event)
        case MessageBegan():
            message_began(step, event)
        case MessageClosed():
            message_closed(step, event)
        case VoiceChanged():
            voice_changed(step, event)
        case TapEnded():
            tap_ended(step, event)
        case HangUpCall():
            hang_up_order(step, event)
        case HoldCall():
            hold_order(step, event)
        case MoveCall():
            move_order(step, event)
        case ConsultOrder():
            consult_order(step, event)
        case ControlParties():
            party_order(step, event)
        case DropParty():
            drop_order(step, event)
        case SuperviseCall():
            supervise_order(step, event)
        case ControlRecording():
            recording_order(step, event)
        case Overflowed():
            overflowed(step, event)
        case PhoneTransfer():
            transfer_asked(step, event)
        case PhonePickUp():
            picked_up(step, event)
        case DeadlineReached():
            _deadline(step)
        case _:
            flow_asked(step, event)


def _deadline(step: Step) -> None:
    state = step.state
    if state.deadline_at is None or step.now < state.deadline_at:
        return
    state.deadline_at = None
    if state.stage is Stage.ENDING:
        state.live_legs.clear()
        state.flow = None
    elif state.stage is Stage.DIALLING and state.other_leg is not None:
        step.emit(ReleaseLeg(leg=state.other_leg, cause=ReleaseCause.NO_ANSWER))
    elif state.stage in (Stage.CONSULTING, Stage.TRANSFERRING) and state.second is not None:
        if state.second.leg is not None and state.second.answered_at is None:
            step.emit(ReleaseLeg(leg=state.second.leg, cause=ReleaseCause.NO_ANSWER))
    elif state.stage is Stage.INITIATED and state.other_leg is not None:
        step.emit(ReleaseLeg(leg=state.other_leg, cause=ReleaseCause.NO_ANSWER))
    elif state.stage is Stage.CALLING and state.caller_leg not in state.live_legs:
        step.release_all(state.cause)  # its tone was heard
    elif state.stage in (Stage.CALLING_BACK, Stage.CALLING):
        step.emit(ReleaseLeg(leg=state.caller_leg, cause=ReleaseCause.NO_ANSWER))
    elif state.stage is Stage.WHISPERING:
        whisper_over(step)
    elif state.stage is Stage.ECHO:
        step.release_all(ReleaseCause.NORMAL)
    elif state.stage is Stage.FLOW and not state.answered:
        state.system_fault = True
        state.cause = ReleaseCause.FAILED
        step.release_all(ReleaseCause.FAILED)
