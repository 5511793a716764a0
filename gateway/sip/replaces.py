"""Replaces (RFC 3891): the dialog that a new call takes the place of, named in an INVITE or a Refer-To. Pure."""

from __future__ import annotations

from dataclasses import dataclass
from urllib.parse import unquote

from gateway.errors import SipParseError
from gateway.sip.message import SipRequest
from gateway.sip.syntax import is_call_id, parse_parameters
from gateway.sip.uri import SipUri


@dataclass(frozen=True, slots=True)
class Replaces:
    """``local_tag`` is that of whom the INVITE is for (to-tag), ``remote_tag`` that of his peer (from-tag);
    ``early_only``: not once the dialog is confirmed."""

    call_id: str
    local_tag: str
    remote_tag: str
    early_only: bool = False

    def matches(self, call_id: str, local_tag: str, remote_tag: str) -> bool:
        """Whether it is that dialog, as its UA knows it. Some phones (JsSIP) name the tags of a dialog that they
        did not begin the other way round; the three name one dialog either way."""
        return self.call_id == call_id and {self.local_tag, self.remote_tag} == {local_tag, remote_tag}


def parse_replaces(text: str, where: str = "Replaces") -> Replaces:
    """Read one value (section 6.1); raises :class:`SipParseError`."""
    call_id, _, rest = text.strip().partition(";")
    parameters = parse_parameters(rest, where) if rest else {}
    local, remote = parameters.get("to-tag"), parameters.get("from-tag")
    if not is_call_id(call_id.strip()) or not local or not remote:
        raise SipParseError("it names no dialog: Call-ID, to-tag and from-tag", where)
    return Replaces(call_id.strip(), local, remote, "early-only" in parameters)


def replaces_of(request: SipRequest) -> Replaces | None:
    """What an INVITE wants to replace; None: nothing."""
    values = request.headers.all("replaces")
    if len(values) > 1:
        raise SipParseError(f"{len(values)} values where one must be", "Replaces")
    return parse_replaces(values[0]) if values else None


def replaces_in(uri: SipUri, where: str) -> Replaces | None:
    """What a URI would have an INVITE replace (RFC 3891 section 4, RFC 5589); None: nothing."""
    found = [value for name, value in _headers_of(uri) if name == "replaces"]
    if len(found) > 1:
        raise SipParseError("more than one Replaces", where)
    return parse_replaces(found[0], where) if found else None


def _headers_of(uri: SipUri) -> list[tuple[str, str]]:
    pairs = (header.partition("=") for header in uri.headers.split("&"))
    return [(unquote(name).lower(), unquote(value)) for name, _, value in pairs]
