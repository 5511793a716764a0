"""SIP requests and responses. Header values stay text until somebody asks for their meaning."""

from __future__ import annotations

from typing import Final, TypeAlias

from gateway.errors import SipParseError
from gateway.sip.headers import CSeq, Headers, NameAddr, Via, parse_cseq, parse_name_addr, parse_via
from gateway.sip.syntax import parse_number, split_list
from gateway.sip.uri import SipUri, parse_uri

#: Methods this stack knows by name; others are answered 501, known ones without a handler 405.
KNOWN_METHODS: Final = frozenset(
    [
        "INVITE",
        "ACK",
        "BYE",
        "CANCEL",
        "REGISTER",
        "OPTIONS",
        "INFO",
        "UPDATE",
        "PRACK",
        "REFER",
        "SUBSCRIBE",
        "NOTIFY",
        "MESSAGE",
        "PUBLISH",
    ]
)
#: Methods that are served: the Allow header.
ALLOWED_METHODS: Final = (
    "INVITE, ACK, BYE, CANCEL, OPTIONS, INFO, UPDATE, PRACK, REFER, NOTIFY, REGISTER, SUBSCRIBE"
)
#: Extensions that are served: reliable provisional responses (RFC 3262), session timers (RFC 4028), REFER without
#: its subscription (RFC 4488), calls that take the place of others (RFC 3891), registrations by way of proxies
#: (RFC 3327), with flows (RFC 5626) and URIs of phones (RFC 5627).
EXTENSIONS: Final = frozenset({"100rel", "timer", "norefersub", "replaces", "path", "outbound", "gruu"})
#: The Supported header.
SUPPORTED: Final = "100rel, timer, norefersub, replaces"

REASONS: Final = {
    100: "Trying",
    180: "Ringing",
    183: "Session Progress",
    200: "OK",
    202: "Accepted",
    400: "Bad Request",
    401: "Unauthorized",
    403: "Forbidden",
    404: "Not Found",
    405: "Method Not Allowed",
    406: "Not Acceptable",
    408: "Request Timeout",
    413: "Request Entity Too Large",
    415: "Unsupported Media Type",
    416: "Unsupported URI Scheme",
    420: "Bad Extension",
    422: "Session Interval Too Small",
    423: "Interval Too Brief",
    430: "Flow Failed",
    439: "First Hop Lacks Outbound Support",
    480: "Temporarily Unavailable",
    481: "Call/Transaction Does Not Exist",
    482: "Loop Detected",
    483: "Too Many Hops",
    486: "Busy Here",
    489: "Bad Event",
    487: "Request Terminated",
    488: "Not Acceptable Here",
    491: "Request Pending",
    500: "Server Internal Error",
    501: "Not Implemented",
    503: "Service Unavailable",
    504: "Server Time-out",
    505: "Version Not Supported",
    513: "Message Too Large",
    600: "Busy Everywhere",
    603: "Decline",
}


class _Message:
    """What requests and responses share: headers, body and the structured view of the common headers."""

    __slots__ = ("_call_id", "_cseq", "_from", "_to", "_via", "_wire", "body", "headers", "received")

    def __init__(self, headers: Headers | None = None, body: bytes = b"") -> None:
        self.headers = headers if headers is not None else Headers()
        self.body = body
        #: The bytes of a message that was read, empty of one that was made here.
        self.received = b""
        self._via: tuple[str, Via] | None = None
        self._from: NameAddr | None = None
        self._to: NameAddr | None = None
        self._cseq: CSeq | None = None
        self._call_id: str | None = None
        self._wire: bytes | None = None

    @property
    def start_line(self) -> str:
        """The first line without its CRLF."""
        raise NotImplementedError

    @property
    def via(self) -> Via:
        """The topmost Via."""
        line = self.headers.first("via")
        if self._via is None or self._via[0] is not line:
            if line is None:
                raise SipParseError("missing", "Via")
            self._via = (line, parse_via(first_value(line, "Via")))
        return self._via[1]

    @property
    def from_(self) -> NameAddr:
        """The From header."""
        if self._from is None:
            self._from = parse_name_addr(self._required("from", "From"), "From")
        return self._from

    @property
    def to(self) -> NameAddr:
        """The To header."""
        if self._to is None:
            self._to = parse_name_addr(self._required("to", "To"), "To")
        return self._to

    @property
    def cseq(self) -> CSeq:
        """The CSeq header."""
        if self._cseq is None:
            self._cseq = parse_cseq(self._required("cseq", "CSeq"))
        return self._cseq

    @property
    def call_id(self) -> str:
        """The Call-ID."""
        if self._call_id is None:
            self._call_id = self._required("call-id", "Call-ID")
        return self._call_id

    def addresses(self, key: str) -> list[NameAddr]:
        """Every name-addr of a list header (contact, route, record-route)."""
        return [parse_name_addr(value, key) for value in self.headers.values(key)]

    def number(self, key: str) -> int | None:
        """A header that is one number (expires, max-forwards), or None."""
        value = self.headers.first(key)
        return None if value is None else parse_number(value.strip(), key)

    @property
    def content_type(self) -> str:
        """Content-Type in lower case without parameters; empty text when there is none."""
        return (self.headers.first("content-type") or "").partition(";")[0].strip().lower()

    def encode(self) -> bytes:
        """The message as it goes on the wire; kept, since retransmissions send the same bytes."""
        if self._wire is None:
            lines = [self.start_line]
            lines += [line for line in self.headers.lines() if not line.startswith("Content-Length:")]
            lines.append(f"Content-Length: {len(self.body)}\r\n\r\n")
            self._wire = "\r\n".join(lines).encode("utf-8", "surrogateescape") + self.body
        return self._wire

    def text(self) -> str:
        """The message for people; bytes that are not UTF-8 are replaced."""
        return self.encode().decode("utf-8", "replace")

    def put_via(self, via: Via, others: list[str]) -> None:
        """Replace the Via line that is the topmost: by ``via`` and what else stood in that line."""
        lines = self.headers.all("via")
        lines[:1] = [", ".join([str(via), *others])]
        self.headers.put_all("via", lines)
        self._via = (lines[0], via)
        self._wire = None

    def repeat(self, request: SipRequest) -> None:
        """Ours repeats From, Call-ID and CSeq of this request: what they were read as need not be read again."""
        self._from, self._call_id, self._cseq = request._from, request._call_id, request._cseq

    def _required(self, key: str, name: str) -> str:
        value = self.headers.first(key)
        if value is None:
            raise SipParseError("missing", name)
        return value


class SipRequest(_Message):
    """A request; ``uri_text`` is the Request-URI as it stands."""

    __slots__ = ("method", "uri_text")

    def __init__(self, method: str, uri_text: str, headers: Headers | None = None, body: bytes = b"") -> None:
        super().__init__(headers, body)
        self.method = method
        self.uri_text = uri_text

    @property
    def start_line(self) -> str:
        """``METHOD uri SIP/2.0``."""
        return f"{self.method} {self.uri_text} SIP/2.0"

    @property
    def uri(self) -> SipUri:
        """The Request-URI, parsed; raises :class:`SipParseError`."""
        return parse_uri(self.uri_text, "Request-URI")

    def __eq__(self, other: object) -> bool:
        return (
            isinstance(other, SipRequest)
            and (self.method, self.uri_text, self.body) == (other.method, other.uri_text, other.body)
            and self.headers == other.headers
        )

    __hash__ = object.__hash__

    def __repr__(self) -> str:
        return f"<{self.method} {self.uri_text}>"


class SipResponse(_Message):
    """A response."""

    __slots__ = ("reason", "status")

    def __init__(self, status: int, reason: str = "", headers: Headers | None = None, body: bytes = b"") -> None:
        super().__init__(headers, body)
        self.status = status
        self.reason = reason or REASONS.get(status, "")

    @property
    def start_line(self) -> str:
        """``SIP/2.0 status reason``."""
        return f"SIP/2.0 {self.status} {self.reason}"

    @property
    def final(self) -> bool:
        """Whether it ends its transaction (not 1xx)."""
        return self.status >= 200

    def __eq__(self, other: object) -> bool:
        return (
            isinstance(other, SipResponse)
            and (self.status, self.reason, self.body) == (other.status, other.reason, other.body)
            and self.headers == other.headers
        )

    __hash__ = object.__hash__

    def __repr__(self) -> str:
        return f"<{self.status} {self.reason}>"


SipMessage: TypeAlias = SipRequest | SipResponse


def first_value(line: str, where: str) -> str:
    """The first of the comma-joined values of a header line."""
    if "," not in line:
        return line
    if '"' not in line:
        return line.partition(",")[0]
    return split_list(line, where)[0]
