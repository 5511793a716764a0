"""Session timers (RFC 4028): one side refreshes the session now and then, so that both notice a lost BYE. Pure.

The answer to an INVITE or UPDATE decides about the session: how long it lasts and who refreshes it. We ask for a
timer in our INVITEs, keep one when a peer asks, and leave the refreshing to a peer that does not say who shall.
"""

from __future__ import annotations

from enum import StrEnum
from typing import Any, Final

from gateway.errors import SipParseError
from gateway.sip.message import SipRequest, SipResponse
from gateway.sip.responses import response_to
from gateway.sip.syntax import parse_number, parse_parameters

#: The shortest session that we agree to, seconds (RFC 4028 section 4).
MIN_SECONDS: Final = 90
#: Between two attempts of ours to refresh, seconds.
AGAIN_SECONDS: Final = 10.0


class Due(StrEnum):
    """What a session timer wants."""

    NOTHING = "nothing"
    REFRESH = "refresh"
    END = "end"  # nobody refreshed it: send a BYE


class SessionTimer:
    """The timer of one dialog's session; ``wanted`` is what we ask for, seconds, 0 for none."""

    def __init__(self, wanted: int) -> None:
        self._wanted = wanted
        self._seconds = 0
        self._ours = False
        self._since = 0.0
        self._tried_at = 0.0

    def next_deadline(self) -> float | None:
        """When it wants something; None without a timer."""
        if not self._seconds:
            return None
        return min(self._refresh_at(), self._end_at()) if self._ours else self._end_at()

    def due(self, now: float) -> Due:
        """What is to be done now; a refresh is counted as tried."""
        if not self._seconds or now < (self.next_deadline() or 0):
            return Due.NOTHING
        if now >= self._end_at():
            return Due.END
        self._tried_at = now
        return Due.REFRESH

    # --- we answer ----------------------------------------------------------------------------------------

    def answer(self, request: SipRequest, response: SipResponse, now: float) -> None:
        """Take what an INVITE or UPDATE asks for, and say so in our 2xx (section 9)."""
        asked = session_expires(request)
        if asked is None:
            self._seconds = 0
            return
        seconds, refresher = asked
        knows = "timer" in request.headers.tokens("supported") | request.headers.tokens("require")
        self._seconds, self._since, self._tried_at = seconds, now, 0.0
        self._ours = refresher == "uas" or not knows
        response.headers.put("session-expires", f"{seconds};refresher={'uas' if self._ours else 'uac'}")
        if not self._ours:
            response.headers.put("require", "timer")

    # --- we ask -------------------------------------------------------------------------------------------

    def ask(self, request: SipRequest) -> None:
        """Write into our INVITE or UPDATE what we want; a refresh keeps what was agreed (section 7.4)."""
        if self._seconds:
            role = "uac" if self._ours else "uas"
            request.headers.put("session-expires", f"{self._seconds};refresher={role}")
        elif self._wanted:
            request.headers.put("session-expires", str(self._wanted))

    def longer(self, refusal: SipResponse) -> bool:
        """Take the Min-SE of a 422; False when it says nothing new."""
        try:
            seconds = refusal.number("min-se") or 0
        except SipParseError:
            return False
        if refusal.status != 422 or seconds <= max(self._wanted, self._seconds):
            return False
        self._wanted = seconds
        return True

    def answered(self, response: SipResponse, now: float) -> None:
        """Take what the 2xx to our INVITE or UPDATE says; no word means no timer (section 7.2)."""
        agreed = session_expires(response)
        self._seconds, refresher = agreed if agreed is not None else (0, "")
        self._ours = refresher != "uas"
        self._since, self._tried_at = now, 0.0

    # --- over a restart -----------------------------------------------------------------------------------

    def snapshot(self) -> list[Any]:
        """JSON-able data: how long, and whether we refresh."""
        return [self._seconds, self._ours]

    def restore(self, data: list[Any], now: float) -> None:
        """The session of :meth:`snapshot`, as if just refreshed: the peer's own timer goes on meanwhile."""
        self._seconds, self._ours, self._since = int(data[0]), bool(data[1]), now

    def _refresh_at(self) -> float:
        return max(self._since + self._seconds / 2, self._tried_at + AGAIN_SECONDS)

    def _end_at(self) -> float:
        """A little before the time is over when the peer should have refreshed it (section 10)."""
        return self._since + self._seconds - (0 if self._ours else min(32, self._seconds / 3))


def session_expires(message: SipRequest | SipResponse) -> tuple[int, str] | None:
    """Seconds and refresher (empty when it is not said); None without the header, or a useless one in a response.
    Raises :class:`SipParseError` for a request."""
    value = message.headers.first("session-expires")
    if value is None:
        return None
    try:
        seconds, _, parameters = value.partition(";")
        number = parse_number(seconds.strip(), "Session-Expires")
        refresher = parse_parameters(parameters, "Session-Expires").get("refresher") or "" if parameters else ""
    except SipParseError:
        if isinstance(message, SipRequest):
            raise
        return None
    return max(number, MIN_SECONDS), refresher.lower()


def refusal_of_brief_session(request: SipRequest, to_tag: str = "") -> SipResponse | None:
    """422 when a peer that knows session timers asks for too short a one (section 8.1); else None. Raises
    :class:`SipParseError` when what it says of session timers cannot be read."""
    if session_expires(request) is None:
        return None
    seconds = (request.headers.first("session-expires") or "").partition(";")[0].strip()
    knows = "timer" in request.headers.tokens("supported") | request.headers.tokens("require")
    if not knows or int(seconds) >= MIN_SECONDS:
        return None
    response = response_to(request, 422, to_tag=to_tag)
    response.headers.put("min-se", str(MIN_SECONDS))
    return response
