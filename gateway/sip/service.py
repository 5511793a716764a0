"""The shell of SIP: messages in, to transactions, registrar and dialogs; what they decide, out.

Between a message and its consequences on the wire everything runs synchronously in the callback that received it.
Decisions are made by the cores: who may call by :mod:`~gateway.sip.admission`, the rest by the others.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping
from typing import Any, Final

from ccplatform.contracts.facts import CallRefused
from ccplatform.contracts.ports import Facts
from ccplatform.contracts.words import ContactId, LegId, ReleaseCause, SeatId, TrunkId
from ccplatform.kernel.clock import Clock
from ccplatform.kernel.core import EffectRunner
from ccplatform.kernel.tasks import TaskSupervisor
from gateway.errors import SipParseError
from gateway.sip.admission import Admission, Admitted, Challenged, Rejected, account_of
from gateway.sip.bans import Fault
from gateway.sip.causes import reason_of
from gateway.sip.dialog_runner import DialogRunner
from gateway.sip.dialogs import Identity
from gateway.sip.digest_client import DigestClient
from gateway.sip.event_packages import SeatDialog
from gateway.sip.flows import Flow, way_back
from gateway.sip.incoming import CallUser, incoming_call
from gateway.sip.invite_dialog import InviteDialog
from gateway.sip.message import SipMessage, SipRequest, SipResponse
from gateway.sip.notifier import Notifier, NotifyOwner
from gateway.sip.registrar import ConnectionLost, RegisterArrived
from gateway.sip.registration import Registrations
from gateway.sip.replies import (
    answer_outside_dialog,
    answer_to_malformed,
    challenged,
    is_no_amplifier,
    refusal_of_extensions,
    refusal_of_unusable,
)
from gateway.sip.requests import RequestRunner, Told
from gateway.sip.responses import response_to
from gateway.sip.session_timer import refusal_of_brief_session
from gateway.sip.settings import SipSettings
from gateway.sip.strangers import Strangers
from gateway.sip.subscriptions import SubscribeArrived, Subscriptions, SubscriptionTimes
from gateway.sip.tap import SignallingTap
from gateway.sip.trace import Seen, SignallingTrace
from gateway.sip.transaction_layer import (
    DropRequest,
    FlowFailed,
    LayerEffect,
    LayerEvent,
    MessageArrived,
    ReplyStatelessly,
    RequestArrived,
    RequestFailed,
    ResponseArrived,
    SendAck,
    SendRequest,
    SendResponse,
    ServerKey,
    TransactionLayer,
    TransmitOver,
)
from gateway.sip.transactions import TimerValues
from gateway.sip.uac import InviteClient, OutgoingCall
from gateway.sip.uas import InviteServer
from gateway.sip.wire import Wire

_IN_DIALOG_ONLY: Final = frozenset({"BYE", "INFO", "UPDATE", "PRACK", "REFER", "NOTIFY"})


class SipService:
    """SIP of one node. ``accepts_calls()`` says why no new call is taken now; ``random_bytes`` makes tags."""

    def __init__(
        self,
        *,
        settings: SipSettings,
        wire: Wire,
        clock: Clock,
        tasks: TaskSupervisor,
        facts: Facts,
        registrations: Registrations,
        admission: Admission,
        accepts_calls: Callable[[], ReleaseCause | None],
        random_bytes: Callable[[int], bytes] = os.urandom,
    ) -> None:
        self._settings = settings
        self._wire = wire
        self._clock = clock
        self._facts = facts
        self.registrations = registrations
        self._admission = admission
        self._accepts_calls = accepts_calls
        self._random_bytes = random_bytes
        self._guard = tasks.guarded("sip")
        self._timers = TimerValues(
            settings.t1_seconds, settings.t2_seconds, settings.t4_seconds, settings.session_seconds
        )
        self.strangers = Strangers.by(
            settings, clock, trusted=lambda source: admission.is_at(source) or registrations.is_at(source)
        )
        self._dialogs: dict[tuple[str, str], DialogRunner] = {}
        self._invites: dict[ServerKey, DialogRunner] = {}
        self._user: CallUser | None = None
        self._closing = False
        self.identity = Identity.at(settings.public_hosts, wire.ports, settings.user_agent)
        self.trace = SignallingTrace(enabled=settings.trace)
        self.tap = SignallingTap(clock)
        self._transactions = layer = TransactionLayer(
            sent_by=lambda flow: self.identity.address(flow),
            new_branch=self.new_token,
            timers=self._timers,
        )
        self._layer: EffectRunner[LayerEvent, LayerEffect] = EffectRunner(layer, self._perform, clock, self._guard)
        times = SubscriptionTimes(shortest=settings.min_register_seconds, longest=settings.max_register_seconds)
        core = Subscriptions(dialogs=self._dialogs_of, identity=lambda: self.identity, times=times)
        self.notifier = Notifier(core, clock=clock, tasks=tasks, send=self._send)
        registrations.answer_with(lambda key, response: self._send(SendResponse(key, response)))

    # --- life ---------------------------------------------------------------------------------------------

    async def open(self, user: CallUser) -> None:
        """Listen and give calls to ``user``; raises PortInUse."""
        self._user = user
        await self._wire.open(self)
        self._closing = False
        self.identity = Identity.at(self._settings.public_hosts, self._wire.ports, self._settings.user_agent)

    async def close(self) -> None:
        """Stop listening. Dialogs are left as they are: their snapshots go on elsewhere."""
        self._closing = True
        await self._wire.close()
        self._layer.close()
        self.notifier.close()
        self.tap.close()

    @property
    def ports(self) -> Mapping[str, int]:
        """The port of each transport that is listened on."""
        return self._wire.ports

    @property
    def port(self) -> int:
        """The port of UDP and TCP."""
        return self.ports["UDP"]

    @property
    def dialogs(self) -> int:
        """Dialogs that are not gone."""
        return len(self._dialogs)

    @property
    def transactions(self) -> int:
        """Transactions that are not over."""
        return len(self._transactions)

    @property
    def subscriptions(self) -> int:
        """Phones that are told what seats do."""
        return len(self.notifier)

    def new_token(self) -> str:
        """An unguessable tag, branch or Call-ID part."""
        return self._random_bytes(8).hex()

    # --- what legs ask ------------------------------------------------------------------------------------

    def dial(self, call: OutgoingCall) -> DialogRunner:
        """Make the dialog of a call that goes out; the INVITE is sent when it is told to."""
        core = InviteClient(call, identity=self.identity, timers=self._timers)
        return self._keep(core, (call.call_id, call.local_tag))

    def request(self, request: SipRequest, flow: Flow, told: Told, digest: DigestClient | None = None) -> None:
        """Send a request outside any dialog; ``told`` hears what becomes of it, ``digest`` answers a challenge."""
        self._send(SendRequest(request, flow, RequestRunner(told, self._send, flow, digest)))

    def restore_dialog(self, data: dict[str, Any], digest: DigestClient | None = None) -> DialogRunner:
        """Take a dialog back from its snapshot; one that rings sends its INVITE again when told to invite."""
        if "invite" in data:
            ringing = InviteClient.ringing_again(data, self.identity, self._timers)
            ringing.digest = digest
            return self._keep(ringing, ringing.key)
        core = InviteDialog.restored(data, self.identity, self._timers, self._clock.now())
        assert core.dialog is not None
        core.digest = digest
        dialog = self._keep(core, (core.dialog.call_id, core.dialog.local_tag))
        dialog.start()
        return dialog

    def seat_changed(self, seat: SeatId) -> None:
        """A phone of this seat does something else now: whoever watches it is told."""
        self.notifier.seat_changed(seat)

    def _dialogs_of(self, seat: SeatId) -> tuple[SeatDialog, ...]:
        return self._user.dialogs_of(seat) if self._user is not None else ()

    def adopt_trace(self, call_id: str, contact: ContactId, leg: LegId) -> None:
        """The messages of this dialog belong to a contact from now on, and those kept so far."""
        for fact in self.trace.adopt(call_id, contact, leg):
            self._facts.record(fact)

    def refused(
        self, trunk: TrunkId | None, dialled: str, cause: ReleaseCause, status: int, seat: SeatId | None = None
    ) -> None:
        """Tell the fact that a call was not let in."""
        self._facts.record(CallRefused(trunk=trunk, dialled=dialled, cause=cause, sip_status=status, seat=seat))

    # --- from the wire ------------------------------------------------------------------------------------

    def received(self, message: SipMessage, flow: Flow) -> None:
        """A well-formed message."""
        if self.strangers.drops(flow.host):
            return
        self._trace(message, flow, outgoing=False)
        self._layer.post(MessageArrived(message, flow))

    def malformed(self, error: SipParseError, flow: Flow) -> None:
        """Something that is no SIP message: answered when it is enough of a request, and not too often."""
        request = error.message
        if self.strangers.drops(flow.host) or self.strangers.fault(flow.host, Fault.MALFORMED):
            return
        if not self.strangers.may_be_answered(flow.host):
            return
        if not isinstance(request, SipRequest) or request.method == "ACK":
            return
        target = way_back(request, flow)
        answer = answer_to_malformed(request, error)
        if target is not None and (flow.reliable or is_no_amplifier(request, answer)):
            self._wire.send(answer.encode(), target)

    def flow_lost(self, flow: Flow) -> None:
        """A connection is gone or could not be made. Those that we close when we stop are no news."""
        if self._closing:
            return
        self._layer.post(FlowFailed(flow))
        if flow.connection is not None:
            self.registrations.tell(ConnectionLost(flow))

    # --- effects of the transaction layer -----------------------------------------------------------------

    def _perform(self, effect: LayerEffect) -> None:
        match effect:
            case TransmitOver(message, flow):
                self._trace(message, flow, outgoing=True)
                self._wire.send(message.encode(), flow)
            case RequestArrived(key, request, flow):
                try:
                    self._route(effect)
                except SipParseError as error:
                    if key is not None:
                        self._reply(key, answer_to_malformed(request, error))
            case ResponseArrived(owner, _) | RequestFailed(owner, _, _):
                if isinstance(owner, DialogRunner | NotifyOwner | RequestRunner):
                    owner.tell(effect)

    def _route(self, arrived: RequestArrived) -> None:
        request, key = arrived.request, arrived.transaction
        if request.to.tag is not None:
            dialog = self._dialogs.get((request.call_id, request.to.tag))
        else:
            dialog = self._invites.get(arrived.cancels) if arrived.cancels is not None else None
        if dialog is not None:
            dialog.tell(arrived)
        elif key is None:
            return  # An ACK of a dialog that is gone.
        elif request.method == "CANCEL":
            self._reply(key, response_to(request, 200 if arrived.cancels is not None else 481))
        elif request.method == "SUBSCRIBE":
            self._subscribe(key, arrived)
        elif request.to.tag is not None or request.method in _IN_DIALOG_ONLY:
            self._reply(key, response_to(request, 481))
        elif request.method == "INVITE":
            self._invite(key, arrived)
        elif (refusal := refusal_of_extensions(request)) is not None:
            self._reply_to_stranger(key, arrived, refusal)
        elif request.method == "REGISTER":
            self._authenticate_register(key, arrived)
        else:
            self._reply_to_stranger(key, arrived, answer_outside_dialog(request))

    def _authenticate_register(self, key: ServerKey, arrived: RequestArrived) -> None:
        request = arrived.request
        _ = request.addresses("contact")  # Nonsense is refused (400) before anybody is asked for a password.
        account = request.to.uri_text.partition(":")[0].lower()
        if account not in ("sip", "sips", "tel"):  # No address of record of ours (section 10.3 step 5).
            self._reply_to_stranger(key, arrived, response_to(request, 404))
            return
        decision = self._admission.account(request, request.to.uri.name, self._clock.now())
        if isinstance(decision, Admitted) and decision.seat is not None:
            self.registrations.tell(RegisterArrived(decision.seat, key, request, arrived.flow))
        else:
            self._refuse(key, arrived, decision)

    def _subscribe(self, key: ServerKey, arrived: RequestArrived) -> None:
        """What seats do is told to seats alone."""
        request = arrived.request
        decision = self._admission.account(request, account_of(request), self._clock.now())
        refusal = refusal_of_extensions(request)
        if not isinstance(decision, Admitted) or decision.seat is None:
            self._refuse(key, arrived, decision)
        elif refusal is not None:
            self._reply(key, refusal)
        else:
            subject = self.registrations.seat_of(request.uri) or self.notifier.agent(request.uri.name)
            token = self.new_token()
            self.notifier.tell(SubscribeArrived(decision.seat, subject, key, request, arrived.flow, token))

    def _invite(self, key: ServerKey, arrived: RequestArrived) -> None:
        request, flow = arrived.request, arrived.flow
        refusing = self._accepts_calls()
        decision = self._admission.call(request, flow, refusing, self._clock.now())
        if not isinstance(decision, Admitted) or self._user is None:
            self._refuse(key, arrived, decision)
            return
        unusable = (
            refusal_of_extensions(request) or refusal_of_unusable(request) or refusal_of_brief_session(request)
        )
        if unusable is not None:
            self._reply(key, unusable)
            return
        self._send(SendResponse(key, response_to(request, 100)))
        local_tag = self.new_token()
        core = InviteServer(
            arrived,
            local_tag=local_tag,
            pinned=decision.seat is not None or flow.reliable,
            identity=self.identity,
            timers=self._timers,
            now=self._clock.now(),
        )
        core.digest = self._admission.client_of(decision.trunk)
        dialog = self._keep(core, (request.call_id, local_tag), invite=key)
        dialog.start()
        self._user.call_arrived(incoming_call(dialog, arrived, decision, self.registrations.dialled(request.uri)))

    # --- answers ------------------------------------------------------------------------------------------

    def _refuse(self, key: ServerKey, arrived: RequestArrived, decision: Admitted | Challenged | Rejected) -> None:
        request = arrived.request
        match decision:
            case Challenged(challenges, wrong):
                host = arrived.flow.host
                if self.strangers.is_guessing(host, request, wrong=wrong) or not self.strangers.may_be_challenged(
                    host
                ):
                    self._send(DropRequest(key))
                    return
                self._reply_shortly(key, arrived, challenged(request, challenges))
            case Rejected(status, None):
                self._reply_to_stranger(key, arrived, response_to(request, status))
            case Rejected(status, cause, trunk, retry_after, seat):
                assert cause is not None
                response = response_to(request, status)
                response.headers.put("reason", reason_of(cause))
                if retry_after is not None:
                    response.headers.put("retry-after", str(retry_after))
                self._send(SendResponse(key, response))
                self.refused(trunk.id if trunk else None, request.uri.name, cause, status, seat)
            case Admitted():
                self._reply(key, response_to(request, 503))

    def _reply(self, key: ServerKey, response: SipResponse) -> None:
        """Answer without keeping anything of the request."""
        self._send(ReplyStatelessly(key, response))

    def _reply_to_stranger(self, key: ServerKey, arrived: RequestArrived, response: SipResponse) -> None:
        flow = arrived.flow
        if self._admission.is_trunk(flow) or self.strangers.is_answered(flow.host, arrived.request):
            self._reply_shortly(key, arrived, response)
        else:
            self._send(DropRequest(key))

    def _reply_shortly(self, key: ServerKey, arrived: RequestArrived, response: SipResponse) -> None:
        """Answer unless the answer would flood whose address the request may have borrowed."""
        if (
            arrived.flow.reliable
            or self._admission.is_trunk(arrived.flow)
            or is_no_amplifier(arrived.request, response)
        ):
            self._reply(key, response)
        else:
            self._send(DropRequest(key))

    # --- keeping ------------------------------------------------------------------------------------------

    def _send(self, event: LayerEvent) -> None:
        if isinstance(event, SendRequest | SendAck) and ";gr" in event.request.uri_text:
            event = self.registrations.retargeted(event)
        self._layer.post(event)

    def _keep(self, core: InviteDialog, key: tuple[str, str], *, invite: ServerKey | None = None) -> DialogRunner:
        dialog = DialogRunner(
            core, key=key, invite=invite, send=self._send, gone=self._forget, clock=self._clock, guard=self._guard
        )
        self._dialogs[key] = dialog
        if invite is not None:
            self._invites[invite] = dialog
        return dialog

    def _forget(self, dialog: DialogRunner) -> None:
        self._dialogs.pop(dialog.key, None)
        if dialog.invite is not None:
            self._invites.pop(dialog.invite, None)
        later = self._clock.now() + 64 * self._timers.t1  # the ACK of a refusal still belongs to the contact
        self._clock.call_at(later, lambda: self.trace.forget(dialog.call_id))

    def _trace(self, message: SipMessage, flow: Flow, *, outgoing: bool) -> None:
        data, now = message.received or message.encode(), self._clock.now()
        seen = Seen(message, data, flow.transport, self.identity.address(flow), flow.address(), outgoing)
        self.tap.seen(seen, now, self.trace.contact_of(message.call_id))
        fact = self.trace.seen(seen, now)
        if fact is not None:
            self._facts.record(fact)
