"""Legs whose media worker died move to another one: new ports, told to the party by a re-INVITE.

The dialog goes on; only the session is offered anew. A worker takes hundreds of legs with it, and each offer costs
signalling and perhaps a DTLS handshake: offers are paced, the oldest talks first. A party that refuses, that
answers too late, or for whom there is no worker in time loses its leg: the end is told with cause *failed*.
"""

from __future__ import annotations

import heapq
from collections.abc import Callable
from functools import partial
from typing import Final

import structlog

from ccplatform.contracts.words import ReleaseCause
from ccplatform.kernel.clock import Clock
from gateway.errors import SdpError
from gateway.leg_state import Leg, Move
from gateway.media.port import LegMedia, LocalAudio
from gateway.sip.invite_events import Reoffer

#: How long a party may take to accept its new address, seconds: a re-INVITE over a bad line is sent five times.
LIMIT_SECONDS: Final = 8.0

_REQUEST_PENDING: Final = 491
#: The offers of so many seconds may leave at once.
_BURST_SECONDS: Final = 0.1

_log = structlog.get_logger("legs")


def by_age(leg: Leg) -> tuple[str, str]:
    """What sorts legs by the age of their calls, those of one call together: ids are UUIDv7."""
    return leg.call or "", leg.id


class Reanchoring:
    """Moves legs, ``per_second`` of them. ``release`` ends one that cannot be moved, ``moved`` hears how long the
    others were silent."""

    def __init__(
        self,
        *,
        media: LegMedia,
        clock: Clock,
        random_number: Callable[[int], int],
        per_second: int,
        release: Callable[[Leg, ReleaseCause], None],
        moved: Callable[[Leg, float], None],
    ) -> None:
        self._media = media
        self._clock = clock
        self._random_number = random_number
        self._release = release
        self._moved = moved
        self._pause = 1 / per_second
        self._paced_until = 0.0  # when the last offer would have left at an even pace
        self._waiting: list[tuple[tuple[str, str], Leg]] = []  # a heap: may be offered as soon as the pace allows
        self._paused = False

    def begin(self, leg: Leg) -> None:
        """The leg's ports are gone with their worker: reserve others."""
        if leg.ended or leg.call is None:
            return
        if leg.move is None:
            leg.move = Move(since=self._clock.now())
        leg.move.opened = None
        leg.move.stop_limit()
        self._media.open_leg(leg.call, leg.id, partial(self._opened, leg), ipv6=leg.ip_version == 6)

    def proceed(self, leg: Leg) -> None:
        """Tell the party where to send, when it is its turn, there is such a place and a dialog to tell it in."""
        if leg.move is not None and not leg.move.waiting and _is_ready(leg):
            leg.move.waiting = True
            heapq.heappush(self._waiting, (by_age(leg), leg))
            self._offer_next()

    def _offer_next(self) -> None:
        while self._waiting and not self._paused:
            leg = self._waiting[0][1]
            now = self._clock.now()
            allowed_at = self._paced_until + self._pause - max(_BURST_SECONDS, self._pause)
            if not _is_ready(leg):
                self._take_out()
            elif now < allowed_at:
                self._paused = True
                self._clock.call_at(allowed_at, self._go_on)
            else:
                self._take_out()
                self._paced_until = max(self._paced_until, now) + self._pause
                self._offer(leg)

    def _take_out(self) -> None:
        _, leg = heapq.heappop(self._waiting)
        if leg.move is not None:
            leg.move.waiting = False

    def _go_on(self) -> None:
        self._paused = False
        self._offer_next()

    def _offer(self, leg: Leg) -> None:
        assert leg.move is not None
        assert leg.audio is not None
        if leg.move.limit is None:
            give_up = partial(self._give_up, leg, "no answer in time")
            leg.move.limit = self._clock.call_at(self._clock.now() + LIMIT_SECONDS, give_up)
        leg.move.offered = leg.move.opened
        leg.dialogs[0].tell(Reoffer(leg.audio.offer()))

    def answered(self, leg: Leg, sdp: bytes) -> None:
        """The party took the offer."""
        move = leg.move
        if move is None or leg.ended or leg.audio is None:
            return
        offered, move.offered = move.offered, None
        if offered is not move.opened:  # another worker was lost meanwhile
            self.proceed(leg)
            return
        try:
            leg.audio.take_answer(sdp)
        except SdpError as error:
            self._give_up(leg, str(error))
            return
        self.end(leg)
        if leg.audio.remote is not None:
            self._media.connect_leg(leg.id, leg.audio.remote)
        self._moved(leg, self._clock.now() - move.since)

    def refused(self, leg: Leg, status: int) -> None:
        """The party refused it, or offered something itself at the same time (RFC 3261 section 14.1)."""
        move = leg.move
        if move is None or leg.ended:
            return
        move.offered = None
        if status == _REQUEST_PENDING:
            self._clock.call_at(self._clock.now() + self._glare_seconds(leg), partial(self.proceed, leg))
        else:
            self._give_up(leg, f"the party answered {status}")

    def end(self, leg: Leg) -> None:
        """The leg is where it should be, or over."""
        move, leg.move = leg.move, None
        if move is not None:
            move.stop_limit()

    def _opened(self, leg: Leg, local: LocalAudio | None) -> None:
        move = leg.move
        if move is None or leg.audio is None:
            return
        if local is None:
            self._give_up(leg, "no media worker takes it")
            return
        move.opened = local
        leg.move_to(local)
        self.proceed(leg)

    def _give_up(self, leg: Leg, reason: str) -> None:
        _log.warning("a leg could not be moved to another media worker", leg=leg.id, reason=reason)
        self.end(leg)
        self._release(leg, ReleaseCause.FAILED)

    def _glare_seconds(self, leg: Leg) -> float:
        """Who made the Call-ID waits longer, so that the next two offers do not meet again."""
        share = self._random_number(16) / 0x10000
        return 2.0 * share if leg.incoming else 2.1 + 1.9 * share


def _is_ready(leg: Leg) -> bool:
    move = leg.move
    return move is not None and move.opened is not None and move.offered is None and leg.answered and not leg.ended
