"""SIP header fields: the container, and the structured values that the stack works with."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Final

from msgspec import Struct

from gateway.errors import SipParseError
from gateway.sip.syntax import (
    Parameters,
    closing_quote,
    is_token,
    parse_number,
    parse_parameters,
    quote,
    readable,
    split_list,
    unquote,
    write_parameters,
)
from gateway.sip.uri import SipUri, parse_hostport, parse_uri

#: Compact forms (RFC 3261 section 7.3.3 and the registry).
COMPACT: Final = {
    "v": "via",
    "f": "from",
    "t": "to",
    "i": "call-id",
    "m": "contact",
    "l": "content-length",
    "c": "content-type",
    "e": "content-encoding",
    "s": "subject",
    "k": "supported",
    "r": "refer-to",
    "b": "referred-by",
    "o": "event",
    "u": "allow-events",
    "x": "session-expires",
}

_WIRE_NAMES: Final = {
    name.lower(): name
    for name in [
        "Via",
        "Max-Forwards",
        "Record-Route",
        "Route",
        "From",
        "To",
        "Call-ID",
        "CSeq",
        "Contact",
        "Expires",
        "Min-Expires",
        "Allow",
        "Supported",
        "Unsupported",
        "Require",
        "Proxy-Require",
        "Accept",
        "Accept-Encoding",
        "Accept-Language",
        "User-Agent",
        "Server",
        "Date",
        "Reason",
        "Retry-After",
        "Warning",
        "Authorization",
        "Proxy-Authorization",
        "WWW-Authenticate",
        "Proxy-Authenticate",
        "Timestamp",
        "Authentication-Info",
        "Content-Type",
        "Content-Encoding",
        "Content-Length",
        "Content-Disposition",
        "Subject",
        "Refer-To",
        "Referred-By",
        "Refer-Sub",
        "Subscription-State",
        "Event",
        "Allow-Events",
        "Session-Expires",
        "Min-SE",
        "P-Asserted-Identity",
        "Privacy",
        "Path",
        "Flow-Timer",
        "Diversion",
        "History-Info",
        "RAck",
        "RSeq",
        "X-Contact-ID",
    ]
}
_CANONICAL: Final = {wire: lower for lower, wire in _WIRE_NAMES.items()} | {n: n for n in _WIRE_NAMES} | COMPACT


def canonical(name: str) -> str:
    """The key of a header name: lower case, long form."""
    known = _CANONICAL.get(name)
    if known is not None:
        return known
    lower = name.lower()
    return COMPACT.get(lower, lower)


class Headers:
    """Header fields in order of first appearance, repeated ones in their own order; names are keys of
    :func:`canonical`. Unknown headers keep the spelling of their name."""

    __slots__ = ("_fields", "_spelling")

    def __init__(self) -> None:
        self._fields: dict[str, list[str]] = {}
        self._spelling: dict[str, str] = {}

    def add(self, name: str, value: str) -> None:
        """Append a value under any spelling of the name."""
        key = canonical(name)
        values = self._fields.get(key)
        if values is None:
            self._fields[key] = [value]
            if key not in _WIRE_NAMES:
                self._spelling[key] = name
        else:
            values.append(value)

    def read(self, lines: list[str]) -> int | None:
        """Append header lines as they came, ``Name: value``, until the first that is none; returns its index."""
        fields = self._fields
        for number, line in enumerate(lines):
            name, colon, value = line.partition(":")
            key = _CANONICAL.get(name) if colon else None
            if key is not None:
                values = fields.get(key)
                if values is None:
                    fields[key] = [value.strip(" \t")]
                else:
                    values.append(value.strip(" \t"))
                continue
            name = name.rstrip(" \t")
            if not colon or not is_token(name):
                return number
            self.add(name, value.strip(" \t"))
        return None

    def put(self, name: str, value: str) -> None:
        """Replace all values of a header by one."""
        key = _CANONICAL.get(name) or canonical(name)
        if key not in _WIRE_NAMES:
            self._spelling.setdefault(key, name)
        self._fields[key] = [value]

    def put_all(self, key: str, values: list[str]) -> None:
        """Replace all values; an empty list removes the header."""
        if values:
            self._fields[key] = list(values)
        else:
            self._fields.pop(key, None)

    def take(self, other: Headers, keys: Iterable[str], *, only_first: bool = False) -> None:
        """Have the lines of these headers that another message has, or the first line of each."""
        for key in keys:
            values = other._fields.get(key)
            if values:
                self._fields[key] = values[:1] if only_first else values.copy()

    def push(self, key: str, value: str) -> None:
        """Put a value before the present ones; a new header goes to the top, as Via should (section 7.3.1)."""
        values = self._fields.get(key)
        if values is None:
            self._fields = {key: [value], **self._fields}
        else:
            values.insert(0, value)

    def remove(self, key: str) -> None:
        """Take a header out, if it is there."""
        self._fields.pop(key, None)

    def repeated(self) -> list[str]:
        """The keys of headers that have more than one line."""
        return [key for key, values in self._fields.items() if len(values) > 1]

    def first(self, key: str) -> str | None:
        """The first value, as it stands, or None."""
        values = self._fields.get(key)
        return values[0] if values else None

    def all(self, key: str) -> list[str]:
        """Every value, as they stand, one for each header line."""
        return list(self._fields.get(key, ()))

    def values(self, key: str) -> list[str]:
        """Every value, with comma-joined lines taken apart."""
        lines = self._fields.get(key)
        if not lines:
            return []
        return [value for line in lines if line.strip() for value in split_list(line, key)]

    def tokens(self, key: str) -> frozenset[str]:
        """The values of a list of option tags, in lower case."""
        return frozenset(value.lower() for value in self.values(key))

    def lines(self) -> list[str]:
        """Every header line, ``Name: value``."""
        spelling = self._spelling
        return [
            f"{_WIRE_NAMES.get(key) or spelling.get(key, key)}: {value}"
            for key, values in self._fields.items()
            for value in values
        ]

    def copy(self) -> Headers:
        """An independent copy."""
        other = Headers()
        other._fields = {key: list(values) for key, values in self._fields.items()}
        other._spelling = dict(self._spelling)
        return other

    def __contains__(self, key: object) -> bool:
        return key in self._fields

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Headers) and self._fields == other._fields

    __hash__ = None  # type: ignore[assignment]

    def __repr__(self) -> str:
        return f"Headers({sorted(self._fields)})"


class NameAddr(Struct, frozen=True):
    """``"Display" <uri>;params`` of From, To, Contact, Route, Record-Route."""

    display: str
    uri_text: str
    params: Parameters

    @property
    def tag(self) -> str | None:
        """The ``tag`` parameter."""
        return self.params.get("tag")

    @property
    def uri(self) -> SipUri:
        """The URI, parsed; raises :class:`SipParseError`."""
        return parse_uri(self.uri_text)

    def party(self) -> str:
        """Display name and URI without parameters: what both sides of a dialog repeat."""
        return f"{quote(self.display)} <{self.uri_text}>" if self.display else f"<{self.uri_text}>"


def parse_name_addr(text: str, where: str) -> NameAddr:
    """Read a name-addr or addr-spec with its header parameters."""
    text = text.strip()
    if text.startswith('"'):
        end = closing_quote(text, 0, where)
        display, rest = unquote(text[: end + 1]), text[end + 1 :].lstrip()
        if not rest.startswith("<"):
            raise SipParseError("'<' is missing after the display name", where)
    else:
        before, angle, after = text.partition("<")
        if not angle:
            return _parse_addr_spec(text, where)
        display, rest = before.strip(), angle + after
        if display and not all(is_token(word) or not word.isascii() for word in display.split()):
            raise SipParseError("a display name that must be quoted", where)
    uri_text, close, params = rest[1:].partition(">")
    if not close or not uri_text or " " in uri_text or "\t" in uri_text:
        raise SipParseError("no URI between '<' and '>'", where)
    params = params.lstrip()
    if params and not params.startswith(";"):
        raise SipParseError(f"text after '>': {readable(params)[:40]!r}", where)
    return NameAddr(display, uri_text, parse_parameters(params[1:], where) if params else {})


def _parse_addr_spec(text: str, where: str) -> NameAddr:
    # Without angle brackets everything after ';' belongs to the header, and ',' and '?' are not allowed
    # (RFC 3261 section 20).
    uri_text, _, params = text.partition(";")
    uri_text = uri_text.strip()
    if not uri_text or "?" in uri_text or "," in uri_text or '"' in uri_text or " " in uri_text:
        raise SipParseError("a URI that must stand in '<' and '>'", where)
    return NameAddr("", uri_text, parse_parameters(params, where) if params else {})


class Via(Struct, frozen=True):
    """One Via value (RFC 3261 section 20.42, rport of RFC 3581)."""

    transport: str
    host: str
    port: int | None
    params: Parameters

    @property
    def branch(self) -> str:
        """The branch, or empty text (RFC 2543)."""
        return self.params.get("branch") or ""

    @property
    def sent_by(self) -> str:
        """host:port in lower case, as it takes part in matching."""
        return self.host.lower() if self.port is None else f"{self.host.lower()}:{self.port}"

    def __str__(self) -> str:
        port = "" if self.port is None else f":{self.port}"
        return f"SIP/2.0/{self.transport} {self.host}{port}{write_parameters(self.params)}"


#: The transports of the protocols of a Via that need no second look.
_PROTOCOLS: Final = {f"SIP/2.0/{transport}": transport for transport in ("UDP", "TCP", "TLS", "WS", "WSS")}


def parse_via(text: str, where: str = "Via") -> Via:
    """Read one Via value."""
    head, _, params = text.partition(";")
    protocol, _, sent_by = head.strip().partition(" ")
    transport = _PROTOCOLS.get(protocol)
    if transport is None:
        transport, sent_by = _unusual_protocol(protocol, head, sent_by, where)
    sent_by = sent_by.strip()
    if len(sent_by.split(None, 1)) > 1:  # white space is allowed around the colon
        name, colon, port = sent_by.rpartition(":")
        if colon and not sent_by.endswith("]"):
            sent_by = f"{name.strip()}:{port.strip()}"
    host, number = parse_hostport(sent_by, where)
    return Via(transport, host, number, parse_parameters(params, where) if params else {})


def _unusual_protocol(protocol: str, head: str, sent_by: str, where: str) -> tuple[str, str]:
    parts = protocol.split("/")
    if len(parts) != 3 or not parts[2]:
        parts, sent_by = _spaced_protocol(head, where)
    if parts[0].upper() != "SIP" or parts[1] != "2.0" or not is_token(parts[2]):
        raise SipParseError(f"bad protocol {readable(head)[:40]!r}", where)
    return parts[2].upper(), sent_by


def _spaced_protocol(head: str, where: str) -> tuple[list[str], str]:
    # White space around the slashes is allowed: "SIP / 2.0 / UDP host".
    pieces = head.split("/", 2)
    if len(pieces) != 3:
        raise SipParseError(f"bad protocol {readable(head)[:40]!r}", where)
    transport, _, sent_by = pieces[2].strip().partition(" ")
    return [pieces[0].strip(), pieces[1].strip(), transport], sent_by


class CSeq(Struct, frozen=True):
    """CSeq: number and method."""

    number: int
    method: str

    def __str__(self) -> str:
        return f"{self.number} {self.method}"


def parse_cseq(text: str, where: str = "CSeq") -> CSeq:
    """Read a CSeq value; numbers go up to 2^31 - 1 (RFC 3261 section 8.1.1.5)."""
    parts = text.split()
    if len(parts) != 2 or not is_token(parts[1]):
        raise SipParseError(f"{readable(text)[:40]!r} is not a number and a method", where)
    return CSeq(parse_number(parts[0], where, 2**31 - 1), parts[1])
