"""SIP messages and digest authentication for the tests' own peers (RFC 3261, 7616). Knows no product code."""

from __future__ import annotations

import hashlib
import re
import secrets
from dataclasses import dataclass, field
from typing import Final

Address = tuple[str, int]


def in_uri(host: str) -> str:
    """An address as it stands in URIs: that of IPv6 in brackets."""
    return f"[{host}]" if ":" in host else host


_COMPACT: Final = {
    "v": "via",
    "f": "from",
    "t": "to",
    "i": "call-id",
    "m": "contact",
    "c": "content-type",
    "l": "content-length",
    "k": "supported",
}
REASONS: Final = {
    100: "Trying",
    180: "Ringing",
    183: "Session Progress",
    200: "OK",
    400: "Bad Request",
    401: "Unauthorized",
    403: "Forbidden",
    404: "Not Found",
    405: "Method Not Allowed",
    408: "Request Timeout",
    480: "Temporarily Unavailable",
    481: "Call/Transaction Does Not Exist",
    486: "Busy Here",
    487: "Request Terminated",
    488: "Not Acceptable Here",
    500: "Server Internal Error",
    503: "Service Unavailable",
    603: "Decline",
}


@dataclass(slots=True)
class Message:
    """A request (``method`` set) or a response (``status`` set)."""

    method: str = ""
    uri: str = ""
    status: int = 0
    reason: str = ""
    headers: list[tuple[str, str]] = field(default_factory=list)
    body: bytes = b""

    def get(self, name: str, default: str = "") -> str:
        """First value of a header, by its long name in any case."""
        wanted = name.lower()
        return next((value for key, value in self.headers if key.lower() == wanted), default)

    def all(self, name: str) -> list[str]:
        """Every value of a header that may be a comma-separated list."""
        wanted = name.lower()
        values = [value for key, value in self.headers if key.lower() == wanted]
        if wanted.endswith("authenticate"):
            return values
        return [part.strip() for value in values for part in re.split(r',(?=(?:[^"]*"[^"]*")*[^"]*$)', value)]

    def add(self, name: str, value: str) -> None:
        self.headers.append((name, value))

    @property
    def branch(self) -> str:
        found = re.search(r";\s*branch=([^;,\s]+)", self.get("via"))
        return found[1] if found else ""

    @property
    def cseq(self) -> tuple[int, str]:
        number, _, method = self.get("cseq").partition(" ")
        return (int(number) if number.isdigit() else 0, method.strip())

    @property
    def summary(self) -> str:
        return f"{self.method} {self.uri}" if self.method else f"{self.status} {self.reason} ({self.cseq[1]})"

    def encode(self) -> bytes:
        """The message as it goes on the wire; Content-Length is set here."""
        first = f"{self.method} {self.uri} SIP/2.0" if self.method else f"SIP/2.0 {self.status} {self.reason}"
        lines = [first, *(f"{k}: {v}" for k, v in self.headers if k.lower() != "content-length")]
        lines.append(f"Content-Length: {len(self.body)}")
        return "\r\n".join(lines).encode() + b"\r\n\r\n" + self.body


def parse(data: bytes) -> Message:
    """One whole message; raises ValueError when it is none."""
    head, _, body = data.partition(b"\r\n\r\n")
    first, *lines = re.sub(r"\r\n[ \t]+", " ", head.decode("utf-8", "replace")).split("\r\n")
    message = Message(body=body)
    parts = first.split(" ", 2)
    if len(parts) < 2:
        raise ValueError(f"not SIP: {first[:60]!r}")
    if parts[0] == "SIP/2.0":
        message.status, message.reason = int(parts[1]), parts[2] if len(parts) > 2 else ""
    elif len(parts) == 3 and parts[2] == "SIP/2.0":
        message.method, message.uri = parts[0], parts[1]
    else:
        raise ValueError(f"not SIP: {first[:60]!r}")
    for line in lines:
        name, colon, value = line.partition(":")
        if not colon:
            raise ValueError(f"not a header: {line[:60]!r}")
        long_name = _COMPACT.get(name.strip().lower(), name.strip())
        message.add(long_name, value.strip())
    return message


def take_message(buffer: bytearray) -> Message | None:
    """Cut the first whole message off a TCP byte stream (RFC 3261, 18.3); None until it is complete."""
    while buffer[:2] == b"\r\n":
        del buffer[:2]
    end = buffer.find(b"\r\n\r\n")
    if end < 0:
        return None
    length = re.search(rb"(?im)^(?:content-length|l)\s*:\s*(\d+)", bytes(buffer[:end]))
    total = end + 4 + (int(length[1]) if length else 0)
    if len(buffer) < total:
        return None
    data = bytes(buffer[:total])
    del buffer[:total]
    return parse(data)


def uri_of(header: str) -> str:
    """The URI of a From, To, Contact or Route value, with its own parameters."""
    found = re.search(r"<([^>]*)>", header)
    return found[1] if found else header.split(";", 1)[0].strip()


def user_of(header_or_uri: str) -> str:
    found = re.match(r"sips?:([^@;]*)@", uri_of(header_or_uri))
    return found[1] if found else ""


def tag_of(header: str) -> str:
    found = re.search(r";\s*tag=([^;\s]+)", header.rpartition(">")[2] or header)
    return found[1] if found else ""


def address_of(uri: str) -> Address:
    """Host and port of a SIP URI with an IPv4 address."""
    found = re.match(r"sips?:(?:[^@]*@)?([^:;>?]+)(?::(\d+))?", uri)
    if not found:
        raise ValueError(f"no SIP URI: {uri!r}")
    return found[1], int(found[2] or 5060)


def new_tag() -> str:
    return secrets.token_hex(5)


def new_branch() -> str:
    return "z9hG4bK" + secrets.token_hex(8)


def reply(request: Message, status: int, *, to_tag: str = "", reason: str = "") -> Message:
    """A response with the headers that RFC 3261, 8.2.6 has copied."""
    response = Message(status=status, reason=reason or REASONS.get(status, "Response"))
    for name, value in request.headers:
        key = name.lower()
        if key in ("via", "from", "call-id", "cseq") or (key == "record-route" and 100 < status < 300):
            response.add(name, value)
        elif key == "to":
            response.add(name, value if tag_of(value) or not to_tag else f"{value};tag={to_tag}")
    return response


# --- digest ------------------------------------------------------------------------------------------------

_HASHES: Final = {"MD5": hashlib.md5, "SHA-256": hashlib.sha256}


def parameters(header: str) -> dict[str, str]:
    """Parameters of a Digest challenge or answer, names in lower case, quotes removed."""
    pairs = re.findall(r'([\w-]+)\s*=\s*(?:"((?:[^"\\]|\\.)*)"|([^\s,]+))', header)
    return {name.lower(): quoted or plain for name, quoted, plain in pairs}


@dataclass(frozen=True, slots=True, kw_only=True)
class Credentials:
    """Who answers challenges; ``algorithm`` None takes the first one offered that is known."""

    user: str
    password: str
    algorithm: str | None = None

    def answer(self, response: Message, method: str, uri: str) -> tuple[str, str] | None:
        """Name and value of the header that answers a 401 or 407, or None when nothing fits."""
        proxy = response.status == 407
        for challenge in response.all("proxy-authenticate" if proxy else "www-authenticate"):
            offered = parameters(challenge)
            algorithm = offered.get("algorithm", "MD5").upper()
            if algorithm not in _HASHES or self.algorithm not in (None, algorithm):
                continue
            name = "Proxy-Authorization" if proxy else "Authorization"
            return name, self._value(offered, algorithm, method, uri)
        return None

    def _value(self, offered: dict[str, str], algorithm: str, method: str, uri: str) -> str:
        realm, nonce = offered.get("realm", ""), offered.get("nonce", "")
        fields = [f'username="{self.user}"', f'realm="{realm}"', f'nonce="{nonce}"', f'uri="{uri}"']
        qop, cnonce = "auth" in offered.get("qop", "").split(","), secrets.token_hex(8)
        answer = digest_response(
            algorithm, self.user, realm, self.password, nonce, method, uri, cnonce=cnonce if qop else ""
        )
        fields += [f'response="{answer}"', f"algorithm={algorithm}"]
        if qop:
            fields += ["qop=auth", "nc=00000001", f'cnonce="{cnonce}"']
        if "opaque" in offered:
            fields.append(f'opaque="{offered["opaque"]}"')
        return "Digest " + ", ".join(fields)


def digest_response(
    algorithm: str,
    user: str,
    realm: str,
    password: str,
    nonce: str,
    method: str,
    uri: str,
    *,
    cnonce: str = "",
    nc: str = "00000001",
) -> str:
    """RFC 7616, 3.4.1, with qop=auth when there is a ``cnonce``."""

    def h(text: str) -> str:
        return _HASHES[algorithm](text.encode()).hexdigest()

    secret, request = h(f"{user}:{realm}:{password}"), h(f"{method}:{uri}")
    if cnonce:
        return h(f"{secret}:{nonce}:{nc}:{cnonce}:auth:{request}")
    return h(f"{secret}:{nonce}:{request}")
