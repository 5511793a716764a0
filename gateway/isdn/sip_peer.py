"""The SIP side of a span: calls to and from the centre over one UDP socket on this machine.

The centre knows the span as a trunk whose server is this socket; what a trunk has (routes, rules, limits, probes,
transfers) it has by that.
"""

from __future__ import annotations

import secrets
from collections.abc import Callable
from typing import Final

from ccplatform import __version__
from ccplatform.kernel.clock import Clock
from ccplatform.kernel.tasks import TaskSupervisor
from gateway.errors import SipParseError
from gateway.sip.dialog_runner import DialogRunner
from gateway.sip.endpoint import SipEndpoint
from gateway.sip.flows import Flow
from gateway.sip.invite_events import DialogNews
from gateway.sip.message import SipRequest, SipResponse
from gateway.sip.replies import answer_outside_dialog
from gateway.sip.responses import response_to
from gateway.sip.transaction_layer import RequestArrived, ServerKey
from gateway.sip.uac import OutgoingCall

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
        self._endpoint = SipEndpoint(
            host=host, user_agent=_USER_AGENT, asked=self._request, clock=clock, tasks=tasks, peer=centre
        )

    async def open(self) -> None:
        """Bind the socket; raises OSError."""
        await self._endpoint.open(self._port)

    def close(self) -> None:
        """Free the socket."""
        self._endpoint.close()

    def new_call(
        self, number: str, party: str, headers: tuple[tuple[str, str], ...], listener: Callable[[DialogNews], None]
    ) -> DialogRunner:
        """A dialog that will call a number of the centre; ``party`` is the name-addr of From."""
        uri = f"sip:{number}@{self.centre.address()}"
        dialog = self._endpoint.dial(
            OutgoingCall(
                uri=uri,
                from_party=party,
                to_party=f"<{uri}>",
                call_id=f"{secrets.token_hex(12)}@{self.host}",
                local_tag=secrets.token_hex(8),
                flow=self.centre,
                pinned=True,
                headers=headers,
            )
        )
        dialog.listener = listener
        return dialog

    def _request(self, arrived: RequestArrived, key: ServerKey) -> None:
        request = arrived.request
        if request.method != "INVITE" or request.to.tag is not None or not self._usable():
            self._endpoint.reply(key, self._stranger(request))
            return
        self._endpoint.reply(key, response_to(request, 100))
        try:
            dialog = self._endpoint.accept(arrived, key)
        except SipParseError:
            self._endpoint.reply(key, response_to(request, 400))
            return
        self._arrived(request, dialog)

    def _stranger(self, request: SipRequest) -> SipResponse:
        if request.to.tag is not None:
            return response_to(request, 481)
        if request.method == "INVITE" or (request.method == "OPTIONS" and not self._usable()):
            return response_to(request, 503)
        return answer_outside_dialog(request)
