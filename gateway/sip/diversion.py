"""Calls that were forwarded: which number was called first, and why they came to us. Pure.

History-Info (RFC 7044) tells the whole way and counts more than Diversion (RFC 5806), as RFC 7544 has it. What we
forward ourselves is written both ways, since trunks know one or the other.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final
from urllib.parse import unquote

from gateway.errors import SipParseError
from gateway.sip.headers import NameAddr
from gateway.sip.message import SipRequest
from gateway.sip.uri import escape_user, host_text

#: More entries than any network makes are not read.
MAX_ENTRIES: Final = 20
#: The reasons of RFC 5806 section 4; another word is *unknown*.
REASONS: Final = frozenset(
    {
        "unknown",
        "user-busy",
        "no-answer",
        "unavailable",
        "unconditional",
        "time-of-day",
        "do-not-disturb",
        "deflection",
        "follow-me",
        "out-of-service",
        "away",
    }
)
#: RFC 4458 section 2 causes in these words (RFC 7544 section 5).
_BY_CAUSE: Final = {
    "302": "unconditional",
    "404": "unknown",
    "408": "no-answer",
    "480": "deflection",
    "486": "user-busy",
    "487": "deflection",
    "503": "unavailable",
}


@dataclass(frozen=True, slots=True)
class Forwarded:
    """The number that was called first, and why the call went on from there; both empty when it did not."""

    number: str = ""
    reason: str = ""


def forwarded(request: SipRequest) -> Forwarded:
    """How an INVITE was forwarded before it came; what cannot be read, or is not for us to know, is left out."""
    for read in (_from_history, _from_diversion):
        try:
            found = read(request)
        except SipParseError:
            continue
        if found.number and found.number != request.uri.name:
            return found
    return Forwarded()


def _from_history(request: SipRequest) -> Forwarded:
    """The first entry is the target that the caller chose; each says in its URI why it was left, the next one also
    by its cause parameter (RFC 4458)."""
    entries = request.addresses("history-info")[:MAX_ENTRIES]
    if len(entries) < 2 or _wants_privacy(entries[0]) or "history" in _privacy(request):
        return Forwarded()
    cause = _cause_of_leaving(entries[0]) or (entries[1].uri.param("cause") or "")
    return Forwarded(entries[0].uri.name, _BY_CAUSE.get(cause, "unknown"))


def _from_diversion(request: SipRequest) -> Forwarded:
    """The latest diversion stands first (section 3), so that the last is of the number that was called first."""
    entries = request.addresses("diversion")[:MAX_ENTRIES]
    if not entries or (entries[-1].params.get("privacy") or "off").lower() not in ("off", '"off"'):
        return Forwarded()
    reason = (entries[-1].params.get("reason") or "unknown").strip('"').lower()
    return Forwarded(entries[-1].uri.name, reason if reason in REASONS else "unknown")


def _cause_of_leaving(entry: NameAddr) -> str:
    """The SIP cause of the Reason header that is escaped in the URI (RFC 7044 section 5.1)."""
    for header in entry.uri.headers.split("&"):
        name, _, value = header.partition("=")
        if name.lower() == "reason":
            protocol, _, cause = unquote(value).partition(";cause=")
            if protocol.strip().upper() == "SIP":
                return cause.partition(";")[0].strip()
    return ""


def _wants_privacy(entry: NameAddr) -> bool:
    return any(header.lower().startswith("privacy=") for header in entry.uri.headers.split("&"))


def _privacy(request: SipRequest) -> str:
    return ";".join(request.headers.all("privacy")).lower()


def diversion_headers(before: tuple[str, ...], target: str, host: str) -> tuple[tuple[str, str], ...]:
    """The headers of a call that we forward to the URI ``target``; ``before`` are the numbers that it was for, the
    latest first. None when it was for nobody else."""
    numbers = [number for number in before if number][:MAX_ENTRIES]
    if not numbers:
        return ()
    uris = [f"sip:{escape_user(number)}@{host_text(host)}" for number in numbers]
    diversions = [f"<{uri}>;reason=unconditional;counter=1" for uri in uris]
    way = [f"<{uri}?Reason=SIP%3Bcause%3D302>" for uri in reversed(uris)] + [f"<{target}>"]
    indexes = [".".join(["1"] * (depth + 1)) for depth in range(len(way))]
    history = [f"{entry};index={index}" for entry, index in zip(way, indexes, strict=True)]
    return ("diversion", ", ".join(diversions)), ("history-info", ", ".join(history))
