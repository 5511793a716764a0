"""How legs end: causes of dialogs in the words of `calls`, and refusals for sessions that cannot be."""

from __future__ import annotations

from collections.abc import Callable

from ccplatform.contracts.legs import LegQuality
from ccplatform.contracts.words import ReleaseCause
from ccplatform.kernel.clock import TimerHandle
from gateway.leg_state import Leg
from gateway.sip.causes import cause_of_clearing, cause_of_refusal, reason_of
from gateway.sip.invite_events import DialogEnded, Release


class Once:
    """Calls through the first time only; the timer that would have called is cancelled."""

    def __init__(self, then: Callable[[LegQuality | None], None]) -> None:
        self._then: Callable[[LegQuality | None], None] | None = then
        self.timer: TimerHandle | None = None

    def __call__(self, quality: LegQuality | None) -> None:
        """Call through, the first time."""
        then, self._then = self._then, None
        if self.timer is not None:
            self.timer.cancel()
        if then is not None:
            then(quality)


def cause_of_end(leg: Leg, ended: DialogEnded) -> ReleaseCause:
    """Why the leg of a dialog that ended is over."""
    if ended.cancelled:
        return ReleaseCause.CANCELLED
    if leg.answered:
        return ReleaseCause.TIMEOUT if ended.status == 408 else cause_of_clearing(ended.q850)
    if not ended.by_remote:
        return ReleaseCause.NO_ANSWER  # It rang for as long as a dialog may.
    return cause_of_refusal(ended.status, ended.q850)


def incompatible(why: str) -> Release:
    """Refuse or end a dialog whose session description cannot be used."""
    return Release(status=488, reason=reason_of(ReleaseCause.INCOMPATIBLE), warning=warning(why))


def warning(why: str) -> str:
    """A Warning header that says why (RFC 3261 section 20.43)."""
    text = "".join(c if c.isascii() and c.isprintable() and c not in '"\\' else "?" for c in why)
    return f'399 ccplatform "{text[:200]}"'
