"""Whom we do not listen to, and how often an unknown source is answered (RFC 3261 section 26.1.5)."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Final

import structlog

from ccplatform.contracts.ports import Alarms
from ccplatform.contracts.words import Severity
from ccplatform.kernel.clock import Clock
from gateway.sip.bans import BanRules, Fault, SourceBans
from gateway.sip.message import SipRequest
from gateway.sip.rates import SourceRates
from gateway.sip.settings import SipSettings

#: Answers that a stranger may get at once before the rate counts.
STRANGER_BURST: Final = 20.0
#: Challenges are for the phones of a whole office behind one address: so many times as many.
_CHALLENGES: Final = 10

_log = structlog.get_logger("sip")


class Strangers:
    """Rates and bans of sources. ``trusted(source)`` says who is never banned; ``scanners`` are the beginnings of
    the User-Agent of tools that only look for holes, in lower case."""

    def __init__(
        self,
        *,
        clock: Clock,
        per_second: float,
        bans: BanRules,
        scanners: tuple[str, ...],
        trusted: Callable[[str], bool],
    ) -> None:
        self._clock = clock
        self._rates = SourceRates(per_second=per_second, burst=STRANGER_BURST)
        self._challenges = SourceRates(per_second=per_second * _CHALLENGES, burst=STRANGER_BURST * _CHALLENGES)
        self._bans = SourceBans(bans)
        self._scanners = scanners
        self._trusted = trusted
        #: Hears that somebody is banned, and that nobody is any more; None in tests.
        self.alarms: Alarms | None = None

    @classmethod
    def by(cls, settings: SipSettings, clock: Clock, *, trusted: Callable[[str], bool]) -> Strangers:
        """As the operator set it."""
        bans = BanRules(
            faults=settings.ban_faults,
            window_seconds=settings.ban_window_seconds,
            ban_seconds=settings.ban_seconds,
        )
        return cls(
            clock=clock,
            per_second=settings.stranger_requests_per_second,
            bans=bans,
            scanners=tuple(name.lower() for name in settings.scanners),
            trusted=trusted,
        )

    def drops(self, source: str) -> bool:
        """Whether what this source sends is not to be looked at."""
        return self._bans.drops(source, self._clock.now())

    def may_be_answered(self, source: str) -> bool:
        """Take one answer from what an unknown source gets."""
        return self._rates.allows(source, self._clock.now())

    def may_be_challenged(self, source: str) -> bool:
        """Take one challenge from what a source gets where no phone of ours is and no trunk."""
        return self._trusted(source) or self._challenges.allows(source, self._clock.now())

    def fault(self, source: str, fault: Fault, request: SipRequest | None = None) -> bool:
        """A source did what only strangers do; whether it is banned now. A request may name a scanner."""
        if request is not None and self._is_scanner(request):
            fault = Fault.SCANNER
        now = self._clock.now()
        if not self._bans.is_too_much(source, fault, now) or self._trusted(source):
            return False
        ban = self._bans.impose(source, fault, now)
        _log.warning("source banned", source=source, fault=ban.fault, seconds=ban.until - ban.since)
        if self.alarms is not None:
            text = f"{source} is banned ({ban.fault}); others that follow stand in the list of bans"
            self.alarms.raise_alarm("source_banned", "", Severity.NON_URGENT, text)
        self._clock.call_at(ban.until, self._look_whether_all_is_calm)
        return True

    def _look_whether_all_is_calm(self) -> None:
        if self.alarms is not None and not self._bans.active(self._clock.now()):
            self.alarms.clear_alarm("source_banned", "")

    def is_answered(self, source: str, request: SipRequest) -> bool:
        """Whether nobody, who asks for something, is told that it is refused."""
        return not self.fault(source, Fault.STRANGER, request) and self.may_be_answered(source)

    def is_guessing(self, source: str, request: SipRequest, *, wrong: bool) -> bool:
        """Whether who is to be challenged (again, when his credentials were ``wrong``) is banned instead."""
        return (wrong or self._is_scanner(request)) and self.fault(source, Fault.DIGEST, request)

    def lift(self, source: str) -> bool:
        """End a ban; False when there was none."""
        lifted = self._bans.lift(source)
        if lifted:
            _log.info("ban lifted", source=source)
            self._look_whether_all_is_calm()
        return lifted

    def describe(self) -> dict[str, Any]:
        """The bans that stand, as plain data, and counts since the start."""
        now = self._clock.now()
        return {
            "active": [
                {
                    "source": ban.source,
                    "fault": ban.fault.value,
                    "since_seconds": now - ban.since,
                    "left_seconds": ban.until - now,
                }
                for ban in self._bans.active(now)
            ],
            "imposed": {fault.value: count for fault, count in self._bans.imposed.items()},
            "dropped": self._bans.dropped,
        }

    def _is_scanner(self, request: SipRequest) -> bool:
        agent = (request.headers.first("user-agent") or "").lower()
        return bool(self._scanners) and agent.startswith(self._scanners)
