"""The shell of `calls`: events in, commands out to the ports, one timer, snapshots to the media workers."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from functools import partial
from typing import Any, get_args

import msgspec
import structlog

from ccplatform.calls.calling import CallsOut
from ccplatform.calls.calling_rules import CallingRules
from ccplatform.calls.inputs import (
    CallBackBegins,
    CallInput,
    CallOffered,
    MessageBegan,
    MessageClosed,
    Overflowed,
    RecordingBegan,
)
from ccplatform.calls.model import CallEffect, ConsiderRecording, Music, Record, TakeMessage, Whisper
from ccplatform.calls.ordering import Orders
from ccplatform.calls.placing import Placing
from ccplatform.calls.ports import CallPorts
from ccplatform.calls.restoring import Restorer
from ccplatform.calls.settings import CallsSettings
from ccplatform.calls.snapshot import Further, KeptCall
from ccplatform.calls.switchboard import Switchboard
from ccplatform.contracts.commands import Answer, CallCommand, HangUpCall, MakeCall
from ccplatform.contracts.facts import ContactEnded, RecordingAnnounced, RecordingLeftToPeople
from ccplatform.contracts.flows import (
    FlowAsked,
    FlowCommand,
    TransferCaller,
)
from ccplatform.contracts.legs import (
    DialTarget,
    LegCommand,
    LegEvent,
    LegOffered,
    LegPickUpAsked,
    LegTransferAsked,
    PlaybackEnded,
    SeatTarget,
    SurvivingCall,
)
from ccplatform.contracts.media import (
    KeepSnapshot,
    MediaCommand,
    Play,
    RecordingClosed,
    StartRecording,
    TapEnded,
    VoiceChanged,
)
from ccplatform.contracts.ports import Facts
from ccplatform.contracts.recordings import RecordingOrder
from ccplatform.contracts.routing import (
    AgentOffered,
    CallBackOffered,
    QueueRefused,
    RouterCommand,
    RouterEvent,
)
from ccplatform.contracts.words import (
    AgentId,
    CallId,
    ContactId,
    FlowId,
    Mailbox,
    Outcome,
    PlaybackId,
    RecordingId,
    ReleaseCause,
    TrunkId,
)
from ccplatform.kernel.clock import Clock
from ccplatform.kernel.core import EffectRunner
from ccplatform.kernel.ids import Ids

_log = structlog.get_logger("calls")

#: The flow that takes messages for queues that cannot keep their callers.
VOICE_MAIL = FlowId("voice_mail")
#: Snapshots of changed calls go to the media workers this long after the first change, seconds.
SNAPSHOT_DELAY_SECONDS = 0.05


class CallService:
    """Runs the sagas. Connect it to its ports once, then feed it events.

    Calls that come over a trunk from one of ``mystery_callers`` are test calls.
    """

    def __init__(
        self,
        *,
        clock: Clock,
        ids: Ids,
        facts: Facts,
        music: Music,
        guard: Callable[[Callable[[], None]], None],
        settings: CallsSettings,
        mystery_callers: frozenset[str] = frozenset(),
    ) -> None:
        self._clock = clock
        self._ids = ids
        self._mystery_callers = mystery_callers
        self._facts = facts
        self._core = Switchboard(music=music, new_id=ids.new, max_parties=settings.conference_parties)
        self._guard = guard
        self._runner: EffectRunner[CallInput, CallEffect] = EffectRunner(self._core, self._perform, clock, guard)
        self._ports: CallPorts | None = None
        self._doers: dict[type[CallEffect], Callable[[Any], None]] = {}
        self._snapshots_due = False
        self._restorer = Restorer(
            core=self._core, ports=lambda: self.ports, post=self._post, clock=clock, facts=facts
        )
        self._orders = Orders(
            core=self._core,
            ports=lambda: self.ports,
            post=self._post,
            max_parties=settings.conference_parties,
        )
        self._placing = Placing(settings.out)
        self._calls_out = CallsOut(
            core=self._core,
            ports=lambda: self.ports,
            post=self._post,
            placing=self._placing,
            facts=facts,
            ids=ids,
        )
        self.on_idle: Callable[[], None] | None = None

    def connect(self, ports: CallPorts) -> None:
        """Give the service its ports; nothing works before."""
        self._ports = ports
        self._doers = {
            **dict.fromkeys(get_args(LegCommand), ports.legs.perform),
            **dict.fromkeys(get_args(FlowCommand), ports.flows.perform),
            **dict.fromkeys(get_args(RouterCommand), ports.router.perform),
            **dict.fromkeys(get_args(MediaCommand), ports.media.perform),
            Record: self._record,
            ConsiderRecording: self._consider_recording,
            TakeMessage: self._take_message,
            Whisper: self._whisper,
        }

    def take_calling_rules(self, rules: CallingRules) -> None:
        """From now on these say who may call which numbers."""
        self._placing.rules = rules

    @property
    def active(self) -> int:
        """Calls that have not ended."""
        return len(self._core)

    # --- events -------------------------------------------------------------------------------------------

    def leg_event(self, event: LegEvent) -> None:
        """Listener of the access layer and the media engine."""
        if isinstance(event, LegOffered):
            self._offered(event)
        elif isinstance(event, LegTransferAsked):
            self._orders.transfer_asked(event)
        elif isinstance(event, LegPickUpAsked):
            self._orders.pick_up_asked(event)
        else:
            self._post(event)

    def flow_asked(self, event: FlowAsked) -> None:
        """Listener of the flow service."""
        request = event.request
        if isinstance(request, TransferCaller) and request.number and request.trunk is None:
            target = self._calls_out.for_flow(request.number)
            event = replace(event, request=replace(request, target=target, seated=self._seated_at(target)))
        self._post(event)

    def router_event(self, event: RouterEvent) -> None:
        """Listener of the ACD."""
        if isinstance(event, CallBackOffered):
            call = CallId(self._ids.new())
            _log.info("call-back begins", contact=event.contact, call=call, queue=event.queue)
            self._post(CallBackBegins(offer=event, call=call))
            return
        if isinstance(event, AgentOffered) and event.whisper:
            self.ports.whispers.prepare(event.whisper)
        self._post(self._overflow(event) if isinstance(event, QueueRefused) else event)

    def _overflow(self, event: QueueRefused) -> QueueRefused | Overflowed:
        """Where the queue sends the caller, if that is there; else he goes back to his flow."""
        kind, _, to = event.target.partition(":")
        refusal = self.overflow_refusal(kind, to)
        if refusal:
            _log.warning("nothing there to overflow to", queue=event.queue, target=event.target, reason=refusal)
            return event
        match kind:
            case "flow":
                return Overflowed(contact=event.contact, queue=event.queue, flow=FlowId(to))
            case "voice_mail":
                mailbox = Mailbox(to if ":" in to else f"queue:{to}")
                return Overflowed(contact=event.contact, queue=event.queue, flow=VOICE_MAIL, mailbox=mailbox)
            case "number":
                target = self.ports.numbers.target(to)
                return Overflowed(
                    contact=event.contact,
                    queue=event.queue,
                    number=to,
                    target=target,
                    seated=self._seated_at(target),
                )
            case _:
                return event

    def overflow_refusal(self, kind: str, to: str) -> str:
        """Why callers could not overflow to a flow, a voice mail or a number now; '': they could."""
        ports = self.ports
        match kind:
            case "flow" if not ports.flows.knows(FlowId(to)):
                return "there is no such flow in service"
            case "voice_mail" if not ports.flows.knows(VOICE_MAIL):
                return f"there is no flow {VOICE_MAIL} in service"
            case "number" if ports.numbers.target(to) is None:
                return "it is no seat's number, and sip.transfer_prefixes allows no number outside that begins so"
            case _:
                return ""

    def _seated_at(self, target: DialTarget | None) -> AgentId | None:
        return self.ports.router.agent_at(target.seat) if isinstance(target, SeatTarget) else None

    def recording_closed(self, event: RecordingClosed) -> None:
        """The media engine closed a recording."""
        self.ports.recorder.closed(event)
        self._post(
            MessageClosed(call=event.call, recording=event.recording, seconds=event.seconds, error=event.error)
        )

    def heard(self, event: VoiceChanged | TapEnded) -> None:
        """Somebody who is listened to speaks, or fell silent; or he is listened to no more."""
        self._post(event)

    def make_call(self, order: MakeCall) -> Answer:
        """Somebody wants an agent's phone to call a number."""
        return self._calls_out.make(order)

    def command(self, command: CallCommand) -> Answer:
        """Orders of people, by REST."""
        return self._orders.command(command)

    @property
    def ports(self) -> CallPorts:
        """The connected ports."""
        assert self._ports is not None, "connect() comes first"
        return self._ports

    def _offered(self, offer: LegOffered) -> None:
        flow = self.ports.flows.entry_point(offer.dialled, from_seat=offer.seat is not None)
        if flow is None:
            self._calls_out.dialled(offer)
            return
        contact, call = ContactId(self._ids.new()), CallId(self._ids.new())
        agent = self.ports.router.agent_at(offer.seat) if offer.seat is not None else None
        _log.info("call arrived", contact=contact, call=call, dialled=offer.dialled, trunk=offer.trunk)
        mystery = offer.seat is None and offer.caller in self._mystery_callers
        self._post(CallOffered(offer=offer, call=call, contact=contact, flow=flow, agent=agent, mystery=mystery))

    def _post(self, event: CallInput) -> None:
        self._runner.post(event)
        if self._core.changed and not self._snapshots_due:
            self._snapshots_due = True
            self._clock.call_at(self._clock.now() + SNAPSHOT_DELAY_SECONDS, self._send_snapshots)

    # --- effects ------------------------------------------------------------------------------------------

    def _perform(self, effect: CallEffect) -> None:
        self._doers[type(effect)](effect)

    def _record(self, effect: Record) -> None:
        self._facts.record(effect.fact)
        if isinstance(effect.fact, ContactEnded):
            self._ended(effect.fact)

    def _ended(self, fact: ContactEnded) -> None:
        _log.info("contact ended", contact=fact.contact, outcome=fact.outcome, cause=fact.cause)
        if not self._core and self.on_idle is not None:
            self.on_idle()

    def _consider_recording(self, effect: ConsiderRecording) -> None:
        order = self.ports.recorder.decide(effect.talk)
        if order is None:
            if self.ports.recorder.on_demand(effect.talk):
                self._facts.record(RecordingLeftToPeople(contact=effect.talk.contact))
            return
        start = StartRecording(
            call=effect.talk.call,
            recording=order.recording,
            left=effect.left,
            right=effect.right,
            path=order.path,
            seal=order.seal,
        )
        self.ports.media.perform(start)
        if order.announcement:
            self._announce(effect, order)
        talk = effect.talk
        self._post(
            RecordingBegan(
                call=talk.call, contact=talk.contact, recording=order.recording, on_demand=order.on_demand
            )
        )

    def _announce(self, effect: ConsiderRecording, order: RecordingOrder) -> None:
        """Both parties hear, over what they say, that they are recorded."""
        items = self.ports.whispers.items(order.announcement)
        for leg in (effect.left, effect.right) if items else ():
            self.ports.media.perform(Play(leg=leg, playback=PlaybackId(self._ids.new()), items=items))
        if not items:
            self.ports.whispers.prepare(order.announcement)
            _log.error("a recording was not announced: nothing to play", recording=order.recording)
        self._facts.record(
            RecordingAnnounced(
                contact=effect.talk.contact,
                recording=order.recording,
                text=order.announcement,
                played=bool(items),
            )
        )

    def _take_message(self, effect: TakeMessage) -> None:
        """The message is one-sided: what the caller says is on both channels."""
        call, order = effect.message.call, self.ports.recorder.take_message(effect.message)
        if order is not None:
            start = StartRecording(
                call=call,
                recording=order.recording,
                left=effect.leg,
                right=effect.leg,
                path=order.path,
                seal=order.seal,
            )
            self.ports.media.perform(start)
        self._post(MessageBegan(call=call, recording=order.recording if order is not None else None))

    def _whisper(self, effect: Whisper) -> None:
        items = self.ports.whispers.items(effect.text)
        if items:
            self.ports.media.perform(Play(leg=effect.leg, playback=effect.playback, items=items))
        else:
            _log.warning("no whisper", leg=effect.leg)
            self._post(PlaybackEnded(leg=effect.leg, playback=effect.playback, finished=False, error="not_there"))

    # --- snapshots and restart ----------------------------------------------------------------------------

    def _send_snapshots(self) -> None:
        self._snapshots_due = False
        changed, self._core.changed = self._core.changed, set()
        for call in changed:
            self._guard(partial(self._send_snapshot, call))

    def _send_snapshot(self, call: CallId) -> None:
        ports, state = self.ports, self._core.saga(call).state
        further = state.contacts()[1:]
        kept = KeptCall(
            call=self._core.snapshot(call, self._clock.now(), self._clock.wall()),
            legs={leg: ports.legs.snapshot(leg) for leg in state.live_legs},
            flow=ports.flows.snapshot(state.contact),
            route=ports.router.snapshot(state.contact),
            row=ports.rows.snapshot_call(state.contact),
            further={
                contact: Further(route=ports.router.snapshot(contact), row=ports.rows.snapshot_call(contact))
                for contact in further
            },
        )
        ports.media.perform(KeepSnapshot(call=call, snapshot=msgspec.to_builtins(kept)))

    def restore(self, survivor: SurvivingCall) -> ContactId | None:
        """Take a call back from a media worker; returns its contact, None when there is nothing to take back."""
        contact = self._restorer.restore(survivor)
        self._runner.rearm()
        return contact

    def call_backs(self) -> dict[str, tuple[ContactId, bool]]:
        """The promised call-backs whose calls go on: their contacts, and whether the two talk."""
        states = [self._core.saga(call).state for call in self._core.calls()]
        return {state.promise: (state.contact, state.talk_at is not None) for state in states if state.promise}

    def open_recordings(self) -> set[RecordingId]:
        """Recordings of the talks and consultations that go on, and of the messages that are being left."""
        states = [self._core.saga(call).state for call in self._core.calls()]
        recordings = {recording for state in states for recording in (state.recording, state.message)}
        recordings |= {state.second.recording for state in states if state.second is not None}
        return {recording for recording in recordings if recording is not None}

    def contacts(self) -> set[ContactId]:
        """Whose calls have not ended."""
        return {self._core.saga(call).state.contact for call in self._core.calls()}

    def end_lost_contact(
        self, contact: ContactId, *, dialled: str, trunk: TrunkId | None, total_seconds: float
    ) -> None:
        """Give a contact that no worker kept its outcome, so that its story is whole."""
        ended = ContactEnded(
            contact=contact,
            outcome=Outcome.FAILED,
            cause=ReleaseCause.FAILED,
            dialled=dialled,
            trunk=trunk,
            total_seconds=total_seconds,
        )
        self._facts.record(ended)

    def hang_up_all(self) -> None:
        """End every call (the drain's time is over)."""
        for call in self._core.calls():
            self._post(HangUpCall(call=call, by="drain"))
