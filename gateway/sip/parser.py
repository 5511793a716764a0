"""Bytes to messages: one datagram, or a stream cut by Content-Length (RFC 3261 sections 7 and 18.3).

Whatever the bytes, nothing but :class:`SipParseError` comes out. When the headers could be read, the error
carries the message, so that a request can be answered.
"""

from __future__ import annotations

from typing import Final

from gateway.errors import SipParseError
from gateway.sip.message import SipMessage, SipRequest, SipResponse
from gateway.sip.syntax import is_call_id, is_token, parse_number, readable

#: Largest message that is read, headers and body together.
MAX_MESSAGE_BYTES: Final = 64 * 1024
#: Most header lines of one message.
MAX_HEADERS: Final = 128

_ONCE: Final = frozenset({"from", "to", "call-id", "cseq", "max-forwards", "content-type", "expires"})
_BLANK: Final = b"\r\n\r\n"


def parse_message(data: bytes) -> SipMessage:
    """Read one datagram. What follows the Content-Length is not part of the message (section 18.3)."""
    if len(data) > MAX_MESSAGE_BYTES:
        raise SipParseError(f"longer than {MAX_MESSAGE_BYTES} bytes", "message")
    start = _skip_crlf(data)
    end = data.find(_BLANK, start)
    if end < 0:
        raise SipParseError("no empty line after the headers", "message")
    message = parse_head(data[start:end])
    body = data[end + 4 :]
    length = content_length(message)
    if length is not None:
        if length > len(body):
            raise SipParseError(f"says {length}, but {len(body)} bytes follow", "Content-Length", message=message)
        body = body[:length]
    message.body = body
    message.received = data[: end + 4 + len(body)]
    verify(message)
    return message


def parse_head(head: bytes) -> SipMessage:
    """Read start line and headers, given without the empty line."""
    text = head.decode("utf-8", "surrogateescape")
    lines = text.split("\r\n")
    # A NUL may stand in a quoted string, escaped (quoted-pair, RFC 4475 section 3.1.1.2).
    nul = "\0" in text and "\0" in text.replace("\\\0", "")
    if nul or not text.count("\r\n") == text.count("\n") == text.count("\r"):
        raise SipParseError("a bare CR, LF or NUL", "headers")
    if len(lines) > MAX_HEADERS + 1:
        raise SipParseError(f"more than {MAX_HEADERS} header lines", "headers")
    first = lines.pop(0)
    fields = _unfolded(lines) if "\r\n " in text or "\r\n\t" in text else lines
    if first[:4].upper() == "SIP/":
        return _with_headers(_status_line(first), fields)
    parts = first.split(" ")
    method = parts[0] if is_token(parts[0]) else "UNKNOWN"
    request = SipRequest(method, parts[1] if len(parts) > 1 else "")
    request.received = head  # also of what is refused below: how long it was bounds the answer
    message = _with_headers(request, fields)
    _check_request_line(first, parts, message)
    return message


def _with_headers(message: SipMessage, fields: list[str]) -> SipMessage:
    bad = message.headers.read(fields)
    if bad is not None:
        answerable = message if isinstance(message, SipRequest) else None
        what = f"{readable(fields[bad])[:40]!r} is not a header"
        raise SipParseError(what, f"header {bad + 1}", message=answerable)
    return message


def _unfolded(lines: list[str]) -> list[str]:
    out: list[str] = []
    for line in lines:
        if line[:1] in (" ", "\t"):
            if not out:
                raise SipParseError("a folded line before the first header", "header 1")
            out[-1] = f"{out[-1]} {line.strip()}"
        else:
            out.append(line)
    return out


def _status_line(line: str) -> SipResponse:
    status = line[8:11]
    number = status.isascii() and status.isdigit()
    if line[:8].upper() != "SIP/2.0 " or not number or line[11:12] not in (" ", ""):
        raise SipParseError(f"{readable(line)[:40]!r} is not a status line", "start line")
    if not 100 <= int(status) <= 699:
        raise SipParseError(f"status {status} does not exist", "start line")
    return SipResponse(int(status), line[12:])


def _check_request_line(line: str, parts: list[str], message: SipMessage) -> None:
    version = parts[-1].upper()
    if len(parts) == 3 and version.startswith("SIP/") and version != "SIP/2.0":
        raise SipParseError(f"version {readable(version)[:20]!r}", "start line", status=505, message=message)
    if len(parts) != 3 or version != "SIP/2.0" or not is_token(parts[0]) or not parts[1]:
        raise SipParseError(f"{readable(line)[:60]!r} is not a request line", "start line", message=message)


def content_length(message: SipMessage) -> int | None:
    """The Content-Length, or None when there is none; raises when it is no number or too large."""
    values = message.headers.all("content-length")
    if not values:
        return None
    try:
        if len(set(values)) > 1:
            raise SipParseError("two different values", "Content-Length")
        length = parse_number(values[0], "Content-Length")
    except SipParseError as error:
        raise _blamed(error, message) from None
    if length > MAX_MESSAGE_BYTES:
        raise SipParseError(
            f"{length} is above {MAX_MESSAGE_BYTES}", "Content-Length", status=513, message=message
        )
    return length


def verify(message: SipMessage) -> None:
    """Check what every message must have (section 8.1.1); a request's error carries it, to be answered."""
    try:
        for key in message.headers.repeated():
            if key in _ONCE:
                raise SipParseError("more than once", key)
        _ = message.via, message.headers.values("via"), message.from_, message.to
        if not is_call_id(message.call_id):
            raise SipParseError("not a Call-ID", "Call-ID")
        cseq = message.cseq
        if isinstance(message, SipRequest):
            if cseq.method != message.method:
                raise SipParseError(f"names {cseq.method}, the request is {message.method}", "CSeq")
            hops = message.number("max-forwards")
            if hops is not None and hops > 255:
                raise SipParseError(f"{hops} is above 255", "Max-Forwards")
            if message.uri.headers:  # Not allowed there (section 19.1.1, RFC 4475 section 3.1.2.11).
                raise SipParseError("header fields in it", "Request-URI")
            if "replaces" in message.headers and message.method not in ("INVITE", "ACK"):  # RFC 3891 section 3
                raise SipParseError("only an INVITE takes the place of a dialog", "Replaces")
    except SipParseError as error:
        raise _blamed(error, message) from None


def _blamed(error: SipParseError, message: SipMessage) -> SipParseError:
    answerable = message if isinstance(message, SipRequest) else None
    return SipParseError(error.what, error.where, status=error.status, message=answerable)


class StreamFramer:
    """Cuts a TCP stream into messages (section 18.3). Sans-IO, one for each connection.

    ``pings`` counts the double CRLFs that asked for a pong (RFC 5626 section 3.5.1) since it was last reset.
    """

    def __init__(self) -> None:
        self._buffer = bytearray()
        self._waiting: SipMessage | None = None
        self._missing = 0
        self.pings = 0
        #: A stream that cannot be cut any further raises instead.
        self.ended = False

    def wrap(self, data: bytes) -> bytes:
        """A message as it goes out."""
        return data

    def outgoing(self) -> bytes:
        """The pongs that are owed: one CRLF for all pings since the last look."""
        owed, self.pings = self.pings, 0
        return b"\r\n" if owed else b""

    def feed(self, data: bytes) -> list[SipMessage | SipParseError]:
        """Take bytes; return the messages that are complete, and errors of messages that could be cut out.

        Raises :class:`SipParseError` when the stream cannot be cut any further; the connection is then useless.
        """
        self._buffer += data
        out: list[SipMessage | SipParseError] = []
        while True:
            if self._waiting is None and not self._read_head():
                return out
            waiting = self._waiting
            if waiting is None or len(self._buffer) < self._missing:
                return out
            waiting.body = bytes(self._buffer[: self._missing])
            waiting.received += waiting.body
            del self._buffer[: self._missing]
            self._waiting = None
            out.append(_verified(waiting))

    def _read_head(self) -> bool:
        start = _skip_crlf(self._buffer)
        if start:
            self.pings += start // 4
            del self._buffer[:start]
        end = self._buffer.find(_BLANK)
        if end < 0:
            if len(self._buffer) > MAX_MESSAGE_BYTES:
                raise SipParseError(f"headers longer than {MAX_MESSAGE_BYTES} bytes", "message")
            return False
        if end > MAX_MESSAGE_BYTES:
            raise SipParseError(f"headers longer than {MAX_MESSAGE_BYTES} bytes", "message")
        head = bytes(self._buffer[: end + 4])
        message = parse_head(head[:-4])
        length = content_length(message)
        if length is None:
            raise _blamed(SipParseError("missing on a stream", "Content-Length"), message)
        if end + 4 + length > MAX_MESSAGE_BYTES:
            raise _blamed(SipParseError(f"longer than {MAX_MESSAGE_BYTES} bytes", "message", status=513), message)
        del self._buffer[: end + 4]
        message.received = head
        self._waiting, self._missing = message, length
        return True


def _verified(message: SipMessage) -> SipMessage | SipParseError:
    try:
        verify(message)
    except SipParseError as error:
        return error
    return message


def _skip_crlf(data: bytes | bytearray) -> int:
    start = 0
    while data.startswith(b"\r\n", start):
        start += 2
    return start
