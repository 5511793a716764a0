"""The shell of overload control: measures the node, refuses new calls before they are read, counts and tells.

A call that is refused must cost next to nothing, or refusing would be the overload: of an INVITE over UDP hardly
more is looked at than who calls whom, the 503 is stateless, and its ACK is thrown away unread. INVITEs of another
form or transport are refused by :mod:`~gateway.sip.admission`, after they were read.
"""

from __future__ import annotations

import secrets
from collections.abc import Callable, Mapping
from typing import Final

import structlog

from ccplatform.contracts.ports import Facts
from ccplatform.kernel.clock import Clock, TimerHandle
from gateway.sip.flows import Flow
from gateway.sip.invite_glance import glance
from gateway.sip.load import LoadMeter
from gateway.sip.message import SipRequest
from gateway.sip.outbound_routes import OutboundRoutes
from gateway.sip.overload import Level, LevelChanged, NewCall, OverloadControl
from gateway.sip.overload_settings import OverloadSettings
from gateway.sip.refusals import Refusals
from gateway.sip.seats import SeatDirectory
from gateway.sip.trunk import Trunk
from gateway.sip.trunks import TrunkDirectory

_log = structlog.get_logger("overload")

#: How often the load is measured, seconds.
PERIOD_SECONDS: Final = 0.1


class OverloadGuard:
    """Stands before the access layer. ``on_change`` hears of each change of level."""

    def __init__(
        self,
        *,
        settings: OverloadSettings,
        clock: Clock,
        seats: SeatDirectory,
        trunks: TrunkDirectory,
        routes: OutboundRoutes,
        facts: Facts,
        waiting: Callable[[], int],
        meter: LoadMeter | None = None,
        random_below: Callable[[int], int] = secrets.randbelow,
    ) -> None:
        self._settings = settings
        self._clock = clock
        self._seats = seats
        self._trunks = trunks
        self._routes = routes
        self._refusals = Refusals(clock=clock, facts=facts)
        self._meter = meter or LoadMeter(waiting=waiting)
        self._random_below = random_below
        self._core = OverloadControl(settings)
        self._tag = secrets.token_hex(8)  # of every refusal of this run: what their ACKs are known by
        self._ack_mark = f";tag={self._tag}".encode()
        self._timer: TimerHandle | None = None
        self.on_change: Callable[[LevelChanged], None] = _ignore

    @property
    def level(self) -> Level:
        """How far calls are restricted now."""
        return self._core.level

    @property
    def refused(self) -> Mapping[str, int]:
        """Calls refused so far, by class."""
        return {kind.value: count for kind, count in self._core.refused.items()}

    def start(self) -> None:
        """Measure from now on."""
        if self._settings.enabled:
            self._measure_at(self._clock.now() + PERIOD_SECONDS)

    def stop(self) -> None:
        """Measure no more, and tell what was refused."""
        self._refusals.tell()
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None

    def answers(self, data: bytes, flow: Flow) -> bytes | None:
        """Look at a datagram before it is read: the answer to it, empty for none, or None: read it."""
        if data.startswith(b"ACK "):
            return b"" if self._ack_mark in data else None
        if not data.startswith(b"INVITE ") or not self._settings.enabled or self._core.lets_all_in:
            return None  # an INVITE that is read is judged then
        seen = glance(data)
        if seen is None:
            return None
        trunk, seat = self._trunks.of_source(flow), self._seats.of_user(seen.caller)
        if trunk is None and seat is None:
            return None  # A stranger, who gets his own answer, and not too many.
        call = self._call(
            f"{seen.call_id} {seen.cseq.decode()}", seen.dialled, seen.caller, seat=seat is not None, trunk=trunk
        )
        before = self._core.refused.total()
        if not self._core.refuses(call):
            return None
        if self._core.refused.total() > before:  # else it is repeated
            self._refusals.count(call.trunk, flow.host)
        return seen.refusal(flow.host, flow.port, tag=self._tag, retry_after_seconds=self._retry_after())

    def refuses(self, request: SipRequest, *, caller: str, seat: bool, trunk: Trunk | None) -> int | None:
        """Whether an INVITE that was read is to be refused: then the seconds of Retry-After."""
        key = f"{request.call_id} {request.headers.first('cseq')}"
        call = self._call(key, request.uri.name, caller, seat=seat, trunk=trunk)
        return self._retry_after() if self._settings.enabled and self._core.refuses(call) else None

    def refuses_order(self, number: str, order: str) -> int | None:
        """Whether a call that somebody clicked for is to be refused: then the seconds to wait.

        Programs click too, and nobody waits on the line yet: such calls are the first to go.
        """
        call = NewCall(key=order, dialled=number, caller="", seat=True, ordered=True)
        return self._retry_after() if self._settings.enabled and self._core.refuses(call) else None

    def _call(self, key: str, dialled: str, caller: str, *, seat: bool, trunk: Trunk | None) -> NewCall:
        """What is to be judged.

        The number of a seat is its account's: whoever claims it is asked for the password. Other callers' numbers
        are believed from trunks that are trusted. Routes of calls out are for what seats dial.
        """
        return NewCall(
            key=key,
            dialled=dialled,
            caller=caller,
            seat=seat,
            trunk=trunk.id if trunk is not None and not seat else "",
            believed=seat or (trunk is not None and trunk.trusted),
            emergency=seat and self._routes.is_emergency(dialled),
        )

    def _retry_after(self) -> int:
        """Spread, so that those refused do not come back all at once."""
        shortest = self._settings.retry_after_seconds
        return shortest + self._random_below(shortest + 1)

    def _measure_at(self, when: float) -> None:
        self._timer = self._clock.call_at(when, lambda: self._measure(when))

    def _measure(self, due: float) -> None:
        now = self._clock.now()
        change = self._core.measured(self._meter.measure(now, now - due), now)
        self._measure_at(now + PERIOD_SECONDS)
        if change is not None:
            level, previous = int(change.level), int(change.previous)
            _log.warning("overload level", level=level, previous=previous, reason=change.reason)
            self.on_change(change)


def _ignore(_: LevelChanged) -> None:
    """Nobody listens yet."""
