"""Phones that are reached by the connections that they make (RFC 5626), and by way of proxies (RFC 3327). Pure.

A phone that says who it is (+sip.instance) and which of its flows this is (reg-id) replaces that flow when it
comes back from another address, so that no contact of a connection that is gone stays behind.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from gateway.errors import SipParseError
from gateway.sip.headers import NameAddr, parse_name_addr
from gateway.sip.message import SipRequest
from gateway.sip.uri import parse_uri

#: Proxies between a phone and us.
MAX_PATH: Final = 5
#: Longest name of an instance: a URN.
MAX_INSTANCE: Final = 200
#: Within how many seconds a phone with a flow should send something (Flow-Timer, section 5.4).
FLOW_TIMER_SECONDS: Final = 120


@dataclass(frozen=True, slots=True)
class PhoneFlow:
    """One flow of one phone; ``number`` 0: the phone says who it is, and leaves its flows alone (RFC 5627)."""

    instance: str
    number: int = 0

    @property
    def managed(self) -> bool:
        """Whether a registration of this flow takes the place of the one before."""
        return self.number > 0

    @property
    def name(self) -> str:
        """The phone's name as its GRUU says it, for comparison: a URN of a UUID has no case (RFC 4122)."""
        return self.instance.strip("<>").lower()

    def parameters(self) -> str:
        """As a 200 repeats them in the contact."""
        return f';+sip.instance="{self.instance}"' + (f";reg-id={self.number}" if self.managed else "")


def flow_of_phone(request: SipRequest, contact: NameAddr) -> PhoneFlow | None:
    """The phone that a contact names, with its flow if it wants that managed (section 6); None when it wants
    neither that nor a GRUU. Raises :class:`SipParseError` for a number that is none."""
    wants = request.headers.tokens("supported")
    number = contact.params.get("reg-id") if "outbound" in wants else None
    instance = (contact.params.get("+sip.instance") or "").strip('"')
    if not instance or (number is None and "gruu" not in wants):
        return None
    if number is not None and not (number.isascii() and number.isdigit() and 0 < int(number[:11]) < 2**31):
        raise SipParseError("reg-id is no number from 1 to 2147483647", "Contact")
    if len(instance) > MAX_INSTANCE or not instance.isascii() or not instance.isprintable() or '"' in instance:
        raise SipParseError("+sip.instance is no URN", "Contact")
    return PhoneFlow(instance, int(number or 0))


def path_of(request: SipRequest) -> tuple[str, ...]:
    """The proxies that calls to the phone must pass, the nearest to us first; raises :class:`SipParseError`."""
    values = request.headers.values("path")
    if len(values) > MAX_PATH:
        raise SipParseError(f"more than {MAX_PATH} proxies", "Path")
    for value in values:
        parse_uri(parse_name_addr(value, "Path").uri_text, "Path")
    return tuple(values)


def keeps_flows(request: SipRequest, path: tuple[str, ...]) -> bool:
    """Whether the first hop of the phone manages its flows: it is ourselves, or a proxy that says so (``ob``)."""
    if len(request.headers.values("via")) < 2:
        return True
    return bool(path) and parse_name_addr(path[-1], "Path").uri.param("ob") is not None
