"""The SIP side of a span: calls to and from the centre over one UDP socket on this machine.

The centre knows the span as a trunk whose server is this socket; what a trunk has (routes, rules, limits, probes,
transfers) it has by that.
"""

from __future__ import annotations

import asyncio
import secrets
from collections.abc import Callable
from typing import Any, Final

from ccplatform import __version__
from ccplatform.kernel.clock import Clock
from ccplatform.kernel.core import EffectRunner
from ccplatform.kernel.tasks import TaskSupervisor
from gateway.errors import SipParseError
from gateway.sip.dialog_runner import DialogRunner
from gateway.sip.dialogs import Identity
from gateway.sip.flows import Flow
from gateway.sip.invite_events import DialogNews
from gateway.sip.message import SipRequest, SipResponse
from gateway.sip.parser import parse_message
from gateway.sip.replies import answer_outside_dialog
from gateway.sip.responses import response_to
from gateway.sip.transaction_layer import (
    LayerEffect,
    LayerEvent,
    MessageArrived,
    RequestArrived,
    RequestFailed,
    ResponseArrived,
    SendResponse,
    ServerKey,
    TransactionLayer,
    TransmitOver,
)
from gateway.sip.transactions import TimerValues
from gateway.sip.uac import InviteClient, OutgoingCall
from gateway.sip.uas import InviteServer

_USER_AGENT: Final = f"ccplatform-e1/{__version__}"


class SipPeer:
    """``centre`` is where the platform listens; nobody else is heard. ``arrived`` takes INVITEs of it with their
    dialog, ``usable`` says whether calls can be made (OPTIONS and INVITE get 503 otherwise)."""

    def __init__(
        self,
        *,
        host: str,
        port: int,
        centre: Flow,
        arrived: Callable[[SipRequest, DialogRunner], None],
        usable: Callable[[], bool],
        clock: Clock,
        tasks: TaskSupervisor,
    ) -> None:
        self.host, self._port, self.centre = host, port, centre
        self._arrived, self._usable = arrived, usable
        self._clock = clock
        self._guard = tasks.guarded("e1 sip")
        self._dialogs: dict[tuple[str, str], DialogRunner] = {}
        self._invites: dict[ServerKey, DialogRunner] = {}
        self._transport: asyncio.DatagramTransport | None = None
        self._identity = Identity.at((host,), {"UDP": port}, _USER_AGENT)
        layer = TransactionLayer(
            sent_by=self._identity.address, new_branch=lambda: secrets.token_hex(12), timers=TimerValues()
        )
        self._layer: EffectRunner[LayerEvent, LayerEffect] = EffectRunner(layer, self._perform, clock, self._guard)

    async def open(self) -> None:
        """Bind the socket; raises OSError."""
        loop = asyncio.get_running_loop()
        self._transport, _ = await loop.create_datagram_endpoint(
            lambda: _Datagrams(self), local_addr=(self.host, self._port)
        )

    def close(self) -> None:
        """Free the socket."""
        if self._transport is not None:
            self._transport.close()

    def new_call(
        self, number: str, party: str, headers: tuple[tuple[str, str], ...], listener: Callable[[DialogNews], None]
    ) -> DialogRunner:
        """A dialog that will call a number of the centre; ``party`` is the name-addr of From."""
        uri, tag = f"sip:{number}@{self.centre.address()}", secrets.token_hex(8)
        outgoing = OutgoingCall(
            uri=uri,
            from_party=party,
            to_party=f"<{uri}>",
            call_id=f"{secrets.token_hex(12)}@{self.host}",
            local_tag=tag,
            flow=self.centre,
            pinned=True,
            headers=headers,
        )
        core = InviteClient(outgoing, identity=self._identity, timers=TimerValues())
        dialog = self._keep(core, core.key, None)
        dialog.listener = listener
        return dialog

    def _keep(
        self, core: InviteClient | InviteServer, key: tuple[str, str], invite: ServerKey | None
    ) -> DialogRunner:
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
        """A datagram came; one that the centre did not send is nothing to us."""
        if address[:2] != (self.centre.host, self.centre.port) or not data.strip(b"\r\n\0"):
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
            case ResponseArrived(owner, _, _) | RequestFailed(owner, _, _) if isinstance(owner, DialogRunner):
                owner.tell(effect)
            case _:
                pass

    def _request(self, arrived: RequestArrived) -> None:
        request, key = arrived.request, arrived.transaction
        dialog = self._dialogs.get((request.call_id, request.to.tag or ""))
        if dialog is None and arrived.cancels is not None:
            dialog = self._invites.get(arrived.cancels)
        if dialog is not None:
            dialog.tell(arrived)
        elif key is None:
            return
        elif request.method == "INVITE" and request.to.tag is None and self._usable():
            self._invite(arrived, key)
        else:
            self._reply(key, self._stranger(request))

    def _invite(self, arrived: RequestArrived, key: ServerKey) -> None:
        request, tag = arrived.request, secrets.token_hex(8)
        self._reply(key, response_to(request, 100))
        try:
            core = InviteServer(
                arrived,
                local_tag=tag,
                pinned=True,
                identity=self._identity,
                timers=TimerValues(),
                now=self._clock.now(),
            )
        except SipParseError:
            self._reply(key, response_to(request, 400))
            return
        dialog = self._keep(core, (request.call_id, tag), key)
        dialog.start()
        self._arrived(request, dialog)

    def _stranger(self, request: SipRequest) -> SipResponse:
        if request.to.tag is not None:
            return response_to(request, 481)
        if request.method == "INVITE":
            return response_to(request, 503)
        answer = answer_outside_dialog(request)
        if request.method == "OPTIONS" and not self._usable():
            return response_to(request, 503)
        return answer

    def _reply(self, key: ServerKey, response: SipResponse) -> None:
        self._layer.post(SendResponse(key, response))


class _Datagrams(asyncio.DatagramProtocol):
    def __init__(self, peer: SipPeer) -> None:
        self._peer = peer

    def datagram_received(self, data: bytes, addr: tuple[Any, ...]) -> None:
        self._peer.received(data, addr)

    def error_received(self, exc: Exception) -> None:
        """The centre is not there: the transactions' timers know."""
