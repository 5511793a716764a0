"""Numbers of ISDN (type, plan, presentation: Q.931 sections 4.5.8, 4.5.10, 4.6.7) and of SIP, both ways. Pure."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Final

from gateway.isdn.span_calls import SpanCall
from gateway.sip.uri import escape_user

_TYPE: Final = 0x70
_INTERNATIONAL, _NATIONAL = 0x10, 0x20
_RESTRICTION: Final = 0x60
_ALLOWED: Final = 0x00
_RESTRICTED: Final = 0x20
#: "Restricted, network provided": what is said where the caller is nobody's business.
_SCREENED_BY_NOBODY: Final = 0x00
_UNKNOWN_PLAN: Final = 0x01
MAX_DIGITS: Final = 32
#: Reasons of a redirecting number, as RFC 5806 calls them.
_REASONS: Final = {0: "unknown", 1: "user-busy", 2: "no-answer", 3: "deflection", 15: "unconditional"}
_NUMBERS: Final = {reason: number for number, reason in _REASONS.items()}


@dataclass(frozen=True, slots=True, kw_only=True)
class NumberPlan:
    """What stands before a caller's national or international number so that it can be dialled."""

    national: str = "0"
    international: str = "+"

    def written(self, digits: str, plan: int) -> str:
        """A number as it is dialled here."""
        kind = plan & _TYPE
        prefix = self.international if kind == _INTERNATIONAL else self.national if kind == _NATIONAL else ""
        return prefix + digits if digits else ""

    def called(self, digits: str) -> str:
        """The number that was dialled, for the Request-URI; ``#`` is escaped there."""
        return escape_user(digits)

    def identity(self, call: SpanCall, host: str) -> tuple[str, tuple[tuple[str, str], ...]]:
        """From and further headers of a call that came: who calls, whether others may know, who sent him on."""
        number = self.written(call.caller, call.caller_plan)
        known = f"<sip:{escape_user(number)}@{host}>"
        headers: list[tuple[str, str]] = []
        party = known if number else '"Anonymous" <sip:anonymous@anonymous.invalid>'
        if number and call.presentation & _RESTRICTION != _ALLOWED:
            party = '"Anonymous" <sip:anonymous@anonymous.invalid>'
            headers += [("p-asserted-identity", known), ("privacy", "id")]
        if call.redirecting:
            reason = _REASONS.get(call.redirecting_reason, "unknown")
            headers.append(("diversion", f"<sip:{escape_user(call.redirecting)}@{host}>;reason={reason}"))
        return party, tuple(headers)

    def outgoing(self, number: str) -> str:
        """A number that the centre calls, as it goes out: digits alone; empty for what is none."""
        digits = number.removeprefix("+")
        return digits if digits and len(digits) <= MAX_DIGITS and set(digits) <= set("0123456789*#") else ""

    def own_identity(self, caller: str, redirecting: str, reason: str) -> dict[str, Any]:
        """Who calls out, for a SETUP: nobody's number where it is no number or withheld."""
        told: dict[str, Any] = {}
        if digits := self.outgoing(caller):
            international = caller.startswith("+")
            told |= {
                "caller": digits,
                "caller_plan": (_INTERNATIONAL if international else 0) | _UNKNOWN_PLAN,
                "presentation": _ALLOWED | _SCREENED_BY_NOBODY,
            }
        if first := self.outgoing(redirecting):
            told |= {"redirecting": first, "redirecting_reason": _NUMBERS.get(reason, 0)}
        return told
