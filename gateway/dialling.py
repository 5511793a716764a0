"""How a target becomes INVITEs: one to each contact of a seat, or one to a trunk."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

from ccplatform.contracts.legs import DialLeg, DialTarget, SeatTarget, TrunkTarget
from ccplatform.contracts.words import ReleaseCause, SeatId, TrunkId
from ccplatform.kernel.errors import Refusal
from gateway.errors import UnknownTrunk
from gateway.sip.diversion import diversion_headers
from gateway.sip.flows import Flow
from gateway.sip.registrar import Binding
from gateway.sip.seats import SeatDirectory
from gateway.sip.syntax import quote
from gateway.sip.trunks import TrunkChannels, TrunkDirection, TrunkDirectory
from gateway.sip.uac import OutgoingCall
from gateway.sip.uri import escape_user, host_text


class Unreachable(Refusal):
    """The target cannot be called; ``cause`` is what its leg ends with."""

    def __init__(self, message: str, cause: ReleaseCause) -> None:
        super().__init__(message, code="unreachable")
        self.cause = cause


@dataclass(frozen=True, slots=True, kw_only=True)
class OutsideNumbers:
    """The numbers outside that phones may have others connected to, and the trunk that leads there; by default
    none: who calls there at whose expense is for the operator to decide."""

    trunk: str = ""
    prefixes: tuple[str, ...] = ()


_DIALLED: Final = frozenset("+0123456789*#")


class Dialling:
    """Knows seats, trunks and where they are. ``contacts(seat)`` asks the registrar, ``new_token()`` makes tags,
    ``host()`` is our address in From and Call-ID."""

    def __init__(
        self,
        *,
        seats: SeatDirectory,
        trunks: TrunkDirectory,
        channels: TrunkChannels,
        contacts: Callable[[SeatId], tuple[Binding, ...]],
        new_token: Callable[[], str],
        host: Callable[[], str],
        outside: OutsideNumbers,
    ) -> None:
        self._seats = seats
        self._trunks = trunks
        self._channels = channels
        self._contacts = contacts
        self._new_token = new_token
        self._host = host
        self._outside = outside

    def device(self, target: DialTarget) -> str:
        """What call events name as the device: the seat, or the number."""
        match target:
            case SeatTarget(seat=seat):
                return seat
            case TrunkTarget(number=number):
                return number

    def target(self, number: str) -> DialTarget | None:
        """What a phone of the centre may be connected to by a number: a seat, or a number outside that begins as
        the settings allow."""
        seat = self._seats.of_user(number)
        if seat is not None:
            return SeatTarget(seat=seat.id)
        outside = self._outside
        if not outside.trunk or not number.startswith(outside.prefixes) or not _DIALLED.issuperset(number):
            return None
        return TrunkTarget(trunk=TrunkId(outside.trunk), number=number)

    def calls(self, command: DialLeg) -> list[OutgoingCall]:
        """The INVITEs to send, all at once; raises :class:`Unreachable`."""
        match command.target:
            case SeatTarget(seat=seat):
                return self._to_seat(command, seat)
            case TrunkTarget(trunk=trunk, number=number):
                return [self._to_trunk(command, trunk, number)]

    def seize(self, target: DialTarget) -> TrunkId | None:
        """Take a channel when the target is a trunk; raises :class:`Unreachable` when all are busy."""
        if not isinstance(target, TrunkTarget):
            return None
        trunk = self._trunks.get(target.trunk)
        if not self._channels.free(trunk):
            raise Unreachable(f"all channels of trunk {trunk.id} are busy", ReleaseCause.BUSY)
        self._channels.seize(trunk)
        return trunk.id

    def seize_again(self, trunk: TrunkId) -> None:
        """Count the channel of a call that survived a restart."""
        known = {found.id: found for found in self._trunks.all()}.get(trunk)
        if known is not None:
            self._channels.seize(known)

    def _to_seat(self, command: DialLeg, seat: SeatId) -> list[OutgoingCall]:
        known, bindings = self._seats.get(seat), self._contacts(seat)
        if known is None or not bindings:
            raise Unreachable(f"seat {seat} has no phone registered", ReleaseCause.UNREACHABLE)
        to_party = f"<sip:{escape_user(known.sip_user)}@{host_text(self._host())}>"
        return [
            # Header fields of a registered URI are the phone's wish, not to be obeyed (RFC 3261 section 19.1.5).
            self._outgoing(command, binding.uri.partition("?")[0], to_party, binding.flow, pinned=True)
            for binding in bindings
        ]

    def _to_trunk(self, command: DialLeg, trunk: TrunkId, number: str) -> OutgoingCall:
        try:
            known = self._trunks.get(trunk)
        except UnknownTrunk as error:
            raise Unreachable(str(error), ReleaseCause.UNREACHABLE) from error
        flow = known.flow()
        if flow is None or known.direction is TrunkDirection.IN or not number:
            raise Unreachable(f"trunk {trunk} takes no calls", ReleaseCause.UNREACHABLE)
        transport = "" if flow.transport == "UDP" else f";transport={flow.transport.lower()}"
        uri = f"sip:{escape_user(number)}@{flow.address()}{transport}"
        return self._outgoing(command, uri, f"<sip:{escape_user(number)}@{flow.address()}>", flow, pinned=False)

    def _outgoing(self, command: DialLeg, uri: str, to_party: str, flow: Flow, *, pinned: bool) -> OutgoingCall:
        host = host_text(self._host())
        name = f"{quote(command.caller_name)} " if command.caller_name else ""
        user = f"{escape_user(command.caller)}@" if command.caller else ""
        diversions = diversion_headers(command.forwarded_from, uri, self._host()) if not pinned else ()
        return OutgoingCall(
            uri=uri,
            from_party=f"{name}<sip:{user}{host}>",
            to_party=to_party,
            call_id=f"{self._new_token()}@{host}",
            local_tag=self._new_token(),
            flow=flow,
            pinned=pinned,
            headers=(("X-Contact-ID", command.contact), *diversions),
        )
