"""A telephone's side of SIP: calls both ways over one UDP socket of its own.

The shell of the SIP cores for who is no centre: the prober and its robots, the SIP side of an E1 span."""

from __future__ import annotations

import asyncio
import secrets
from collections.abc import Callable
from typing import Any, TypeAlias

from ccplatform.kernel.clock import Clock
from ccplatform.kernel.core import EffectRunner
from ccplatform.kernel.tasks import TaskSupervisor
from gateway.errors import SipParseError
from gateway.sip.dialog_runner import DialogRunner
from gateway.sip.dialogs import Identity
from gateway.sip.flows import Flow
from gateway.sip.invite_dialog import InviteDialog
from gateway.sip.message import SipRequest, SipResponse
from gateway.sip.parser import parse_message
from gateway.sip.transaction_layer import (
    LayerEffect,
    LayerEvent,
    MessageArrived,
    RequestArrived,
    RequestFailed,
    ResponseArrived,
    SendRequest,
    SendResponse,
    ServerKey,
    TransactionLayer,
    TransmitOver,
)
from gateway.sip.transactions import TimerValues
from gateway.sip.uac import InviteClient, OutgoingCall
from gateway.sip.uas import InviteServer

Told: TypeAlias = Callable[[ResponseArrived | RequestFailed], None]


class _Asked:
    """Who asked something outside any dialog."""

    def __init__(self, told: Told) -> None:
        self.told = told


class SipEndpoint:
    """``asked`` takes the requests that belong to no dialog and want an answer (:meth:`reply`, :meth:`accept`).
    With ``peer`` nobody else is heard."""

    def __init__(
        self,
        *,
        host: str,
        user_agent: str,
        asked: Callable[[RequestArrived, ServerKey], None],
        clock: Clock,
        tasks: TaskSupervisor,
        peer: Flow | None = None,
    ) -> None:
        self.host = host
        self._user_agent, self._asked, self._peer = user_agent, asked, peer
        self._clock = clock
        self._guard = tasks.guarded(user_agent)
        self._dialogs: dict[tuple[str, str], DialogRunner] = {}
        self._invites: dict[ServerKey, DialogRunner] = {}
        self._transport: asyncio.DatagramTransport | None = None
        self.identity = Identity.at((host,), {"UDP": 0}, user_agent)  # the port is known when it is open
        self._layer: EffectRunner[LayerEvent, LayerEffect]

    async def open(self, port: int = 0) -> None:
        """Bind the socket (0: any port); raises OSError."""
        loop = asyncio.get_running_loop()
        self._transport, _ = await loop.create_datagram_endpoint(
            lambda: _Datagrams(self), local_addr=(self.host, port)
        )
        port = self._transport.get_extra_info("sockname")[1]
        self.identity = Identity.at((self.host,), {"UDP": port}, self._user_agent)
        layer = TransactionLayer(
            sent_by=self.identity.address, new_branch=lambda: secrets.token_hex(12), timers=TimerValues()
        )
        self._layer = EffectRunner(layer, self._perform, self._clock, self._guard)

    def close(self) -> None:
        """Free the socket."""
        if self._transport is not None:
            self._transport.close()

    def dial(self, outgoing: OutgoingCall) -> DialogRunner:
        """A dialog that will call; its listener is to be set before it is told to."""
        core = InviteClient(outgoing, identity=self.identity, timers=TimerValues())
        return self._keep(core, core.key, None)

    def accept(self, arrived: RequestArrived, key: ServerKey) -> DialogRunner:
        """The dialog of an INVITE that came; raises SipParseError."""
        tag = secrets.token_hex(8)
        core = InviteServer(
            arrived,
            local_tag=tag,
            pinned=True,
            identity=self.identity,
            timers=TimerValues(),
            now=self._clock.now(),
        )
        dialog = self._keep(core, (arrived.request.call_id, tag), key)
        dialog.start()
        return dialog

    def ask(self, request: SipRequest, flow: Flow, told: Told) -> None:
        """Send a request outside any dialog."""
        self._layer.post(SendRequest(request, flow, _Asked(told)))

    def reply(self, key: ServerKey, response: SipResponse) -> None:
        """Answer a request that ``asked`` got."""
        self._layer.post(SendResponse(key, response))

    def _keep(self, core: InviteDialog, key: tuple[str, str], invite: ServerKey | None) -> DialogRunner:
        dialog = DialogRunner(
            core,
            key=key,
            invite=invite,
            send=self._layer.post,
            gone=self._gone,
            clock=self._clock,
            guard=self._guard,
        )
        self._dialogs[key] = dialog
        if invite is not None:
            self._invites[invite] = dialog
        return dialog

    def _gone(self, dialog: DialogRunner) -> None:
        self._dialogs.pop(dialog.key, None)
        if dialog.invite is not None:
            self._invites.pop(dialog.invite, None)

    # --- the wire -----------------------------------------------------------------------------------------

    def received(self, data: bytes, address: tuple[Any, ...]) -> None:
        """A datagram came; keep-alives and what is no SIP are nothing to us."""
        if self._peer is not None and address[:2] != (self._peer.host, self._peer.port):
            return
        if not data.strip(b"\r\n\0"):
            return
        try:
            message = parse_message(data)
        except SipParseError:
            return
        self._layer.post(MessageArrived(message, Flow("UDP", address[0], address[1])))

    def _perform(self, effect: LayerEffect) -> None:
        match effect:
            case TransmitOver(message, flow):
                if self._transport is not None and not self._transport.is_closing():
                    self._transport.sendto(message.encode(), (flow.host, flow.port))
            case RequestArrived():
                self._request(effect)
            case ResponseArrived(owner, _, _) | RequestFailed(owner, _, _):
                if isinstance(owner, DialogRunner):
                    owner.tell(effect)
                elif isinstance(owner, _Asked):
                    owner.told(effect)
            case _:
                pass

    def _request(self, arrived: RequestArrived) -> None:
        request, key = arrived.request, arrived.transaction
        dialog = self._dialogs.get((request.call_id, request.to.tag or ""))
        if dialog is None and arrived.cancels is not None:
            dialog = self._invites.get(arrived.cancels)
        if dialog is not None:
            dialog.tell(arrived)
        elif key is not None:  # None: an ACK of a dialog that is gone
            self._asked(arrived, key)


class _Datagrams(asyncio.DatagramProtocol):
    def __init__(self, endpoint: SipEndpoint) -> None:
        self._endpoint = endpoint

    def datagram_received(self, data: bytes, addr: tuple[Any, ...]) -> None:
        self._endpoint.received(data, addr)

    def error_received(self, exc: Exception) -> None:
        """The far end refuses: the transactions' timers know."""
