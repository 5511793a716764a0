"""Who calls, as the network says it: P-Asserted-Identity and Privacy (RFC 3325, RFC 3323), else From."""

from __future__ import annotations

from typing import Final

from gateway.errors import SipParseError
from gateway.sip.headers import NameAddr
from gateway.sip.message import SipRequest
from gateway.sip.syntax import readable

#: Words of a Privacy header by which a caller wants his number kept from us.
_WITHHELD: Final = frozenset({"id", "user", "header"})


def calling_party(request: SipRequest, *, trusted: bool) -> tuple[str, str]:
    """Number (or account) and display name of the caller.

    What a ``trusted`` peer (a trunk) asserts counts more than From, unless the caller wants it withheld: then From
    is all there is, and says ``anonymous`` as a rule. The number is empty when its URI is of another kind.
    """
    asserted = _asserted(request) if trusted and not _is_withheld(request) else None
    party = asserted or request.from_
    return _number_of(party), readable(party.display)


def _asserted(request: SipRequest) -> NameAddr | None:
    """The first identity with a number; there may be a SIP and a TEL URI (RFC 3325 section 9.1)."""
    try:
        found = request.addresses("p-asserted-identity")
    except SipParseError:
        return None
    return next((party for party in found if _number_of(party)), None)


def _number_of(party: NameAddr) -> str:
    try:
        return party.uri.name
    except SipParseError:
        return ""


def _is_withheld(request: SipRequest) -> bool:
    words = ";".join(request.headers.all("privacy")).lower().replace(",", ";").split(";")
    return not _WITHHELD.isdisjoint(word.strip() for word in words)
