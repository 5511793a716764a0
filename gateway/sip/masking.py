"""What people may read of a SIP message (R10.4.d): as on the wire, but for what is secret. Pure.

Masked are digest responses and other credentials, keys of media in SDP (RFC 4568, RFC 8839), passwords in URIs,
and the keys that a caller presses (INFO, KPML): they may be those of a card. What may be shown is listed here, not
what must be hidden: what has another form than expected is hidden whole.
"""

from __future__ import annotations

import re
from typing import Final

from gateway.errors import SipParseError
from gateway.sip.headers import COMPACT
from gateway.sip.syntax import readable, split_outside

MASK: Final = "***"

#: What stands in messages that have something to mask, and in bodies that have; all others need no closer look.
#: INFO is known by its line.
_MARKS: Final = (b"authorization", b"authentication-info", b"kpml", b"dtmf")
_BODY_MARKS: Final = (b"a=crypto", b"a=ice-pwd", b"a=key-mgmt", b"inline:", b"k=")
_PLAIN: Final = bytes(range(32, 127)) + b"\r\n\t"
#: ``sip:user:password@`` (RFC 3261 section 19.1.1).
_URI_PASSWORD: Final = re.compile(r"(sips?:[^\s:@<>\"]*):[^\s@<>\"]*@", re.IGNORECASE)
_URI_PASSWORD_IN_LOWER: Final = re.compile(rb"sips?:[^\s:@<>\"]*:[^\s@<>\"]*@")
#: Credentials as a header inside a URI (RFC 3261 section 19.1.1), with or without escapes.
_URI_CREDENTIALS: Final = re.compile(r"([?&](?:proxy-)?authorization=)[^&>\s]*", re.IGNORECASE)
_MEDIA_KEY: Final = re.compile(r"\s*(a=(?:crypto|ice-pwd|key-mgmt)(?::| ?)|k=)", re.IGNORECASE)
#: Tag and suite of a crypto attribute (RFC 4568 section 9.1) are no secret.
_SUITE: Final = re.compile(r"a=crypto:\d{1,9} [A-Za-z0-9_]{1,64} (?=inline:)", re.IGNORECASE)
_CRYPTO: Final = re.compile(r"^a=crypto(?=:)", re.IGNORECASE | re.MULTILINE)
_INLINE_KEY: Final = re.compile(r"(inline:)\S+", re.IGNORECASE)
_DTMF_SHOWN: Final = re.compile(r"\s*duration\s*=\s*\d{1,6}\s*", re.IGNORECASE)
_DTMF_SIGNAL: Final = re.compile(r"\s*signal\s*=", re.IGNORECASE)

_CREDENTIALS: Final = frozenset({"authorization", "proxy-authorization"})
_PROOFS: Final = frozenset({"authentication-info", "proxy-authentication-info"})
#: Parameters of credentials (RFC 7616) that are no secret.
_SHOWN: Final = frozenset(
    {"username", "realm", "nonce", "uri", "algorithm", "cnonce", "opaque", "qop", "nc", "nextnonce"}
)
_VALUE: Final = re.compile(r'"[^"]*"|[^\s"=]*={0,2}')


def masked(data: bytes) -> str:
    """The message ``data``, as it was on the wire, for people."""
    data = data.lstrip(b"\r\n")
    if not _needs_a_look(data):
        return data.decode("ascii")
    head, _, body = data.decode("utf-8", "replace").partition("\r\n\r\n")
    lines = _unfolded(head.split("\r\n"))
    shown = [readable(_masked_line(line)) for line in lines]
    return "\r\n".join(shown) + "\r\n\r\n" + _masked_body(lines, body)


def _needs_a_look(data: bytes) -> bool:
    if data.translate(None, _PLAIN):
        return True
    lower = data.lower()
    body = lower.partition(b"\r\n\r\n")[2]
    for mark in _MARKS:  # five times as fast as one regular expression
        if mark in lower:
            return True
    for mark in _BODY_MARKS:
        if mark in body:
            return True
    return lower.startswith(b"info ") or _URI_PASSWORD_IN_LOWER.search(lower) is not None


def sendable(text: str) -> bytes:
    """A masked message as bytes that other programs read: its Content-Length is that of the masked body, and its
    crypto attributes have another name, since a key that is none makes them malformed."""
    head, blank, body = text.partition("\r\n\r\n")
    body = _CRYPTO.sub("a=x-masked-crypto", body)
    data = body.encode("utf-8", "replace")
    lines = [
        f"{line.partition(':')[0]}: {len(data)}" if _name(line) == "content-length" else line
        for line in head.split("\r\n")
    ]
    return ("\r\n".join(lines) + blank).encode("utf-8", "replace") + data


def _unfolded(lines: list[str]) -> list[str]:
    out: list[str] = []
    for line in lines:
        if out and line[:1] in (" ", "\t"):
            out[-1] = f"{out[-1]} {line.strip()}"
        else:
            out.append(line)
    return out


def _name(line: str) -> str:
    name = line.partition(":")[0].strip().lower()
    return COMPACT.get(name, name)


def _masked_line(line: str) -> str:
    """A header line, or a line of a body that looks like one."""
    name, colon, value = line.partition(":")
    kind = name.strip().lower()
    if colon and kind in _CREDENTIALS:
        return f"{name}: {_masked_credentials(value.strip())}"
    if colon and kind in _PROOFS:
        return f"{name}: {_masked_parameters(value.strip())}"
    line = _URI_CREDENTIALS.sub(rf"\1{MASK}", line)
    return _URI_PASSWORD.sub(rf"\1:{MASK}@", line)


def _masked_credentials(value: str) -> str:
    scheme, space, rest = value.partition(" ")
    return f"{scheme} {_masked_parameters(rest)}" if space and scheme.lower() == "digest" else MASK


def _masked_parameters(text: str) -> str:
    try:
        parts = split_outside(text, ",", "credentials")
    except SipParseError:
        return MASK
    return ", ".join(_masked_parameter(part) for part in parts)


def _masked_parameter(part: str) -> str:
    name, equals, value = part.partition("=")
    name, value = name.strip(), value.strip()
    if not equals:
        return MASK
    if name.lower() in _SHOWN and _VALUE.fullmatch(value):
        return f"{name}={value}"
    quotes = '"' if value[:1] == '"' else ""
    return f"{name if name.isascii() and name.isalpha() else MASK}={quotes}{MASK}{quotes}"


def _masked_body(lines: list[str], body: str) -> str:
    if not body:
        return ""
    types = [line.partition(":")[2].strip().lower() for line in lines if _name(line) == "content-type"]
    kind = types[0].partition(";")[0].strip() if types else ""
    if kind == "application/dtmf-relay":
        shown = [_masked_digits(line) for line in body.split("\n")]
    elif _has_keys_pressed(lines, kind, body):
        return MASK
    else:
        shown = [_masked_body_line(line) for line in body.split("\n")]
    return "\n".join(shown).replace("\0", "\ufffd")


def _has_keys_pressed(lines: list[str], kind: str, body: str) -> bool:
    """Whether the body may tell what a caller pressed: all bodies of INFO may, whatever they call themselves."""
    info = lines[0][:5].upper() == "INFO " or any(
        _name(line) == "cseq" and line.upper().rstrip().endswith("INFO") for line in lines
    )
    inner = body.lower()
    return info or "dtmf" in kind or "kpml" in kind or "application/dtmf" in inner or "kpml" in inner


def _masked_digits(line: str) -> str:
    if not line.strip() or _DTMF_SHOWN.fullmatch(line):
        return line
    signal = _DTMF_SIGNAL.match(line)
    return f"{signal[0] if signal else ''}{MASK}" + ("\r" if line.endswith("\r") else "")


def _masked_body_line(line: str) -> str:
    end = "\r" if line.endswith("\r") else ""
    suite = _SUITE.match(line)
    if suite is not None:
        return f"{suite[0]}inline:{MASK}{end}"
    key = _MEDIA_KEY.match(line)
    if key is not None:
        return f"{key[0]}{MASK}{end}"
    line = _INLINE_KEY.sub(rf"\1{MASK}", line)
    return _masked_line(line.removesuffix("\r")) + end
