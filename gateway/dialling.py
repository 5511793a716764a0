"""How a target becomes INVITEs: to each contact of a seat at once, or to servers of trunks in turn."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Final, Protocol

from ccplatform.contracts.legs import DialLeg, DialTarget, NumberTarget, SeatTarget, TrunkTarget
from ccplatform.contracts.words import ReleaseCause, SeatId, TrunkId
from ccplatform.kernel.errors import Refusal
from gateway.errors import UnknownTrunk
from gateway.sip.bindings import Binding, flows_by_phone
from gateway.sip.digest_client import DigestClient
from gateway.sip.diversion import diversion_headers
from gateway.sip.flows import Flow
from gateway.sip.outbound_routes import OutboundRoutes
from gateway.sip.seats import SeatDirectory
from gateway.sip.syntax import quote
from gateway.sip.trunk import Trunk, TrunkDirection, TrunkState
from gateway.sip.trunk_call import trunk_call
from gateway.sip.trunks import TrunkChannels, TrunkDirectory
from gateway.sip.uac import OutgoingCall
from gateway.sip.uri import escape_user, host_text

#: Ways that one call is tried, at most.
MAX_ATTEMPTS: Final = 8


class Unreachable(Refusal):
    """The target cannot be called; ``cause`` is what its leg ends with."""

    def __init__(self, message: str, cause: ReleaseCause) -> None:
        super().__init__(message, code="unreachable")
        self.cause = cause


@dataclass(frozen=True, slots=True)
class Attempt:
    """INVITEs that are sent together; ``trunk`` is whose channel they take, an ``urgent`` one also when none is
    free. ``others`` are the ways to the phone of each by its other flows."""

    calls: tuple[OutgoingCall, ...]
    trunk: TrunkId | None = None
    urgent: bool = False
    others: tuple[tuple[OutgoingCall, ...], ...] = ()


class TrunkWays(Protocol):
    """Where trunks are now."""

    def flows(self, trunk: TrunkId, *, urgent: bool = False) -> list[Flow]:
        """The addresses to try, in order; for an urgent call also those that are said to be away."""

    def service_route(self, trunk: TrunkId) -> tuple[str, ...]:
        """The way that the trunk's registrar wants calls to take (RFC 3608)."""


_DIALLED: Final = frozenset("+0123456789*#")


class Dialling:
    """Knows seats, trunks, routes and where they are. ``contacts(seat)`` asks the registrar, ``new_token()`` makes
    tags, ``host(flow)`` is our address in From and Call-ID, as a peer knows it. Phones may have others connected
    to numbers outside that begin with one of ``outside_prefixes``. ``emergency_numbers`` are so besides those of
    their routes.
    Implements :class:`ccplatform.contracts.legs.Numbers`."""

    def __init__(
        self,
        *,
        seats: SeatDirectory,
        trunks: TrunkDirectory,
        channels: TrunkChannels,
        routes: OutboundRoutes,
        ways: TrunkWays,
        contacts: Callable[[SeatId], tuple[Binding, ...]],
        new_token: Callable[[], str],
        host: Callable[[Flow], str],
        outside_prefixes: tuple[str, ...] = (),
        emergency_numbers: frozenset[str] = frozenset(),
    ) -> None:
        self._seats = seats
        self._trunks = trunks
        self._channels = channels
        self._routes = routes
        self._ways = ways
        self._contacts = contacts
        self._new_token = new_token
        self._host = host
        self._outside_prefixes = outside_prefixes
        self._emergency_numbers = emergency_numbers

    def device(self, target: DialTarget) -> str:
        """What call events name as the device: the seat, or the number."""
        match target:
            case SeatTarget(seat=seat):
                return seat
            case TrunkTarget(number=number) | NumberTarget(number=number):
                return number

    def target(self, number: str) -> DialTarget | None:
        """What a phone of the centre may be connected to by a number: a seat, or a number outside that begins as
        the settings allow."""
        seat = self._seats.of_user(number)
        if seat is not None:
            return SeatTarget(seat=seat.id)
        if not number.startswith(self._outside_prefixes) or not _DIALLED.issuperset(number):
            return None
        return NumberTarget(number=number)

    def reach(self, number: str) -> DialTarget | None:
        """What somebody of the centre reaches by a number: a seat, or a number that a route is for."""
        seat = self._seats.of_user(number)
        if seat is not None:
            return SeatTarget(seat=seat.id)
        if not _DIALLED.issuperset(number) or not (self._routes.trunks(number) or self.is_emergency(number)):
            return None
        return NumberTarget(number=number)

    def is_emergency(self, number: str) -> bool:
        """Whether it is the number of an emergency service."""
        return number in self._emergency_numbers or self._routes.is_emergency(number)

    def number_of(self, seat: SeatId) -> str:
        """The number of a seat's phone; empty when there is no such seat."""
        known = self._seats.get(seat)
        return known.sip_user if known is not None else ""

    def shown_by(self, seat: SeatId) -> str:
        """The number that calls out of a seat show; empty: no particular one."""
        known = self._seats.get(seat)
        return known.caller if known is not None else ""

    def in_one_group(self, seat: SeatId, other: SeatId) -> bool:
        """Whether the phones of two seats may pick up each other's calls."""
        one, two = self._seats.get(seat), self._seats.get(other)
        return one is not None and two is not None and one.pick_up_group == two.pick_up_group != ""

    def attempts(self, command: DialLeg) -> list[Attempt]:
        """The ways to try, in order; raises :class:`Unreachable` when there is none."""
        match command.target:
            case SeatTarget() as target:
                phones = self._to_seat(command, target)
                others = tuple(tuple(ways[1:]) for ways in phones)
                return [Attempt(tuple(ways[0] for ways in phones), others=others)]
            case TrunkTarget(trunk=trunk, number=number):
                return self._by_trunks(command, [trunk], number)
            case NumberTarget(number=number):
                trunks = self._routes.trunks(number)
                if self.is_emergency(number):
                    trunks += [trunk.id for trunk in self._trunks.all() if trunk.id not in trunks]
                    return self._by_trunks(command, trunks, number, urgent=True)
                if not trunks:
                    raise Unreachable(f"no route is for {number[:40]!r}", ReleaseCause.NOT_FOUND)
                return self._by_trunks(command, trunks, number)

    def account_of(self, trunk: TrunkId | None) -> DigestClient | None:
        """Who answers the challenges of a trunk."""
        return self._trunks.client(trunk)

    def trunk(self, trunk: TrunkId) -> Trunk | None:
        """The trunk of that id, unless it is gone."""
        return next((known for known in self._trunks.all() if known.id == trunk), None)

    def seize(self, trunk: TrunkId, *, urgent: bool = False) -> bool:
        """Take a channel; False when none is free and the call is not urgent."""
        known = self._trunks.get(trunk)
        if not urgent and not self._channels.free(known, incoming=False):
            return False
        self._channels.seize(known, incoming=False)
        return True

    def seize_again(self, trunk: TrunkId, *, incoming: bool) -> None:
        """Count the channel of a call that survived a restart."""
        known = {found.id: found for found in self._trunks.all()}.get(trunk)
        if known is not None:
            self._channels.seize(known, incoming=incoming)

    # --- seats --------------------------------------------------------------------------------------------

    def _to_seat(self, command: DialLeg, target: SeatTarget) -> list[list[OutgoingCall]]:
        """The ways to each phone, or to the one that was named."""
        known, bindings = self._seats.get(target.seat), self._contacts(target.seat)
        if target.phone:
            bindings = tuple(one for one in bindings if one.phone is not None and one.phone.name == target.phone)
        if known is None or not bindings:
            raise Unreachable(f"seat {target.seat} has no such phone registered", ReleaseCause.UNREACHABLE)
        name = f"{quote(command.caller_name)} " if command.caller_name else ""
        user = f"{escape_user(command.caller)}@" if command.caller else ""

        def way(binding: Binding) -> OutgoingCall:
            host = host_text(self._host(binding.flow))
            wishes = _auto_answer(host) if command.auto_answer else ()
            return OutgoingCall(
                # Header fields of a registered URI are the phone's wish, not to be obeyed (RFC 3261, 19.1.5).
                uri=binding.uri.partition("?")[0],
                from_party=f"{name}<sip:{user}{host}>",
                to_party=f"<sip:{escape_user(known.sip_user)}@{host}>",
                call_id=f"{self._new_token()}@{host}",
                local_tag=self._new_token(),
                flow=binding.flow,
                pinned=True,
                routes=binding.path,
                headers=(("X-Contact-ID", command.contact), *wishes),
            )

        return [[way(binding) for binding in flows] for flows in flows_by_phone(bindings)]

    # --- trunks -------------------------------------------------------------------------------------------

    def _by_trunks(
        self, command: DialLeg, trunks: list[TrunkId], number: str, *, urgent: bool = False
    ) -> list[Attempt]:
        attempts: list[Attempt] = []
        refusals: list[Unreachable] = []
        for trunk in trunks:
            try:
                attempts += self._by_trunk(command, trunk, number, urgent)
            except Unreachable as unreachable:
                refusals.append(unreachable)
        if not attempts:
            raise refusals[0]
        return attempts[:MAX_ATTEMPTS]

    def _by_trunk(self, command: DialLeg, trunk: TrunkId, number: str, urgent: bool) -> list[Attempt]:
        try:
            known = self._trunks.get(trunk)
        except UnknownTrunk as error:
            raise Unreachable(str(error), ReleaseCause.UNREACHABLE) from error
        if known.host is None or known.direction is TrunkDirection.IN or not number:
            raise Unreachable(f"trunk {trunk} takes no calls", ReleaseCause.UNREACHABLE)
        if known.state is not TrunkState.ACTIVE:
            raise Unreachable(f"trunk {trunk} is {known.state}", ReleaseCause.UNREACHABLE)
        flows = self._ways.flows(trunk, urgent=urgent)
        if not flows:
            raise Unreachable(f"no server of trunk {trunk} can be called now", ReleaseCause.UNREACHABLE)
        return [Attempt((self._call(command, known, number, flow, urgent),), trunk, urgent) for flow in flows]

    def _call(self, command: DialLeg, trunk: Trunk, number: str, flow: Flow, urgent: bool) -> OutgoingCall:
        host = self._host(flow)
        call = trunk_call(
            trunk,
            number,
            flow,
            caller=command.caller,
            caller_name=command.caller_name,
            host=host,
            call_id=f"{self._new_token()}@{host_text(host)}",
            local_tag=self._new_token(),
            client=self._trunks.client(trunk.id),
            route=self._ways.service_route(trunk.id),
            headers=(("X-Contact-ID", command.contact),),
            emergency=urgent,
        )
        diversions = diversion_headers(command.forwarded_from, call.uri, host)
        return replace(call, headers=(*call.headers, *diversions))


def _auto_answer(host: str) -> tuple[tuple[str, str], ...]:
    """Ask a phone to answer by itself: RFC 5373, and the two ways that desk phones know."""
    return (
        ("Answer-Mode", "Auto"),
        ("Call-Info", f"<sip:{host}>;answer-after=0"),
        ("Alert-Info", f"<http://{host}/>;info=alert-autoanswer"),
    )
