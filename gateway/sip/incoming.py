"""An INVITE that was let in, as those who take calls see it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol

from ccplatform.contracts.legs import LegOffered
from ccplatform.contracts.words import LegId, SeatId
from gateway.sip.admission import Admitted
from gateway.sip.caller_identity import calling_party
from gateway.sip.dialog_runner import DialogRunner
from gateway.sip.diversion import Forwarded, forwarded
from gateway.sip.event_packages import SeatDialog
from gateway.sip.flows import Flow
from gateway.sip.number_rules import rewrite
from gateway.sip.replaces import Replaces, replaces_of
from gateway.sip.transaction_layer import RequestArrived
from gateway.sip.trunk import Trunk
from gateway.sip.trunk_call import dialled_by


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
    flow: Flow
    offer: bytes | None
    dialled_phone: str = ""
    replaces: Replaces | None = None  # the call whose place it takes

    def offered(self, leg: LegId, now: float) -> LegOffered:
        """The same as `calls` is told of it."""
        return LegOffered(
            leg=leg,
            trunk=self.trunk.id if self.trunk is not None else None,
            seat=self.seat,
            caller=self.caller,
            caller_name=self.caller_name,
            dialled=self.dialled,
            dialled_phone=self.dialled_phone,
            forwarded_from=self.forwarded.number,
            forwarded_because=self.forwarded.reason,
            transport=self.flow.transport,
            sip_call_id=self.dialog.call_id,
            received_at=now,
        )


class CallUser(Protocol):
    """Who takes calls."""

    def call_arrived(self, call: IncomingCall) -> None:
        """A call was let in; its dialog waits for a command."""

    def dialogs_of(self, seat: SeatId) -> tuple[SeatDialog, ...]:
        """What the phones of a seat do."""


def incoming_call(
    dialog: DialogRunner, arrived: RequestArrived, admitted: Admitted, dialled: tuple[str, str]
) -> IncomingCall:
    """What an INVITE says, numbers as the centre writes them; of others than itself only a trunk is believed.
    ``dialled`` are the number and, by a GRUU, the one phone that a seat wants."""
    request, trunk = arrived.request, admitted.trunk
    caller, caller_name = calling_party(request, trusted=trunk is not None)
    return IncomingCall(
        dialog=dialog,
        seat=admitted.seat,
        trunk=trunk,
        caller=caller if trunk is None else rewrite(trunk.numbers_in, caller),
        caller_name=caller_name,
        dialled=dialled[0] if trunk is None else dialled_by(request, trunk),
        dialled_phone=dialled[1] if trunk is None else "",
        forwarded=forwarded(request) if trunk is not None else Forwarded(),
        flow=arrived.flow,
        offer=request.body or None,
        replaces=replaces_of(request),
    )
