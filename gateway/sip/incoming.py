"""An INVITE that was let in, as those who take calls see it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol

from ccplatform.contracts.words import SeatId
from gateway.sip.admission import Admitted
from gateway.sip.caller_identity import calling_party
from gateway.sip.dialog_runner import DialogRunner
from gateway.sip.diversion import Forwarded, forwarded
from gateway.sip.event_packages import SeatDialog
from gateway.sip.transaction_layer import RequestArrived
from gateway.sip.trunks import Trunk


@dataclass(frozen=True, slots=True, kw_only=True)
class IncomingCall:
    """An INVITE that was let in. ``offer`` is its SDP, None for a late offer."""

    dialog: DialogRunner
    seat: SeatId | None
    trunk: Trunk | None
    caller: str
    caller_name: str
    dialled: str
    forwarded: Forwarded
    transport: str
    offer: bytes | None


class CallUser(Protocol):
    """Who takes calls."""

    def call_arrived(self, call: IncomingCall) -> None:
        """A call was let in; its dialog waits for a command."""

    def dialogs_of(self, seat: SeatId) -> tuple[SeatDialog, ...]:
        """What the phones of a seat do."""


def incoming_call(dialog: DialogRunner, arrived: RequestArrived, admitted: Admitted) -> IncomingCall:
    """What an INVITE says; of others than itself only a trunk is believed."""
    request, trusted = arrived.request, admitted.trunk is not None
    caller, caller_name = calling_party(request, trusted=trusted)
    return IncomingCall(
        dialog=dialog,
        seat=admitted.seat,
        trunk=admitted.trunk,
        caller=caller,
        caller_name=caller_name,
        dialled=request.uri.name,
        forwarded=forwarded(request) if trusted else Forwarded(),
        transport=arrived.flow.transport,
        offer=request.body or None,
    )
