"""SIP, SIPS and TEL URIs (RFC 3261 section 19.1, RFC 3966)."""

from __future__ import annotations

import ipaddress
from dataclasses import dataclass
from functools import lru_cache
from typing import Final
from urllib.parse import quote as percent_encode
from urllib.parse import unquote as percent_decode

from gateway.errors import SipParseError
from gateway.sip.syntax import MAX_PARAMETERS, readable

_HOST: Final = {ord(c): None for c in "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-._"}
_SCHEME: Final = {ord(c): None for c in "abcdefghijklmnopqrstuvwxyz0123456789+-."}
_NOT_IN_USER: Final = frozenset(' \t"<>#[]^`{}|\\@')
_NOT_IN_URI: Final = frozenset(' \t"<>\\^`{}|')


@dataclass(frozen=True, slots=True)
class SipUri:
    """A SIP, SIPS or TEL URI; parts are kept as they stand on the wire (percent-encoded).

    Of a TEL URI ``user`` is the number and ``host`` is empty. ``params`` keep their order, names in lower case.
    """

    scheme: str
    user: str
    host: str
    port: int | None = None
    password: str | None = None
    params: tuple[tuple[str, str | None], ...] = ()
    headers: str = ""

    @property
    def name(self) -> str:
        """The user part decoded and fit for people: a number or an account."""
        user = self.user.partition(";")[0]
        return readable(percent_decode(user, errors="replace") if "%" in user else user)

    @property
    def transport(self) -> str | None:
        """The ``transport`` parameter in capitals."""
        value = self.param("transport")
        return value.upper() if value else None

    def param(self, name: str) -> str | None:
        """A parameter's value; empty text for a name alone, None when it is missing."""
        for key, value in self.params:
            if key == name:
                return value if value is not None else ""
        return None

    def identity(self) -> str:
        """What two spellings of the same URI have in common (RFC 3261 section 19.1.4, somewhat stricter)."""
        user = percent_encode(percent_decode(self.user, errors="surrogateescape"), errors="surrogateescape")
        keep = sorted(f"{key}={(value or '').lower()}" for key, value in self.params if key in _COMPARED)
        port = f":{self.port}" if self.port is not None else ""
        return f"{self.scheme}:{user}@{self.host.lower()}{port};{';'.join(keep)}"

    def __str__(self) -> str:
        if self.scheme == "tel":
            return f"tel:{self.user}{self._params_text()}"
        userinfo = ""
        if self.user:
            userinfo = f"{self.user}@" if self.password is None else f"{self.user}:{self.password}@"
        port = "" if self.port is None else f":{self.port}"
        headers = f"?{self.headers}" if self.headers else ""
        return f"{self.scheme}:{userinfo}{self.host}{port}{self._params_text()}{headers}"

    def _params_text(self) -> str:
        if not self.params:
            return ""
        return "".join(f";{key}" if value is None else f";{key}={value}" for key, value in self.params)


_COMPARED: Final = frozenset({"transport", "user", "ttl", "method", "maddr"})


def escape_user(text: str) -> str:
    """Any text as the user part of a URI."""
    return percent_encode(text, safe="-_.!~*'()&=+$,/", errors="replace")


_LONGEST_IP: Final = 64
#: Longer URIs are not kept in the cache, so that strangers cannot fill memory with them.
_CACHED_CHARACTERS: Final = 128


def parse_uri(text: str, where: str = "URI") -> SipUri:
    """Read a URI; raises :class:`SipParseError` (status 416 for a scheme that is not ours)."""
    return _cached(text, where) if len(text) <= _CACHED_CHARACTERS else _parse(text, where)


@lru_cache(maxsize=4096)
def _cached(text: str, where: str) -> SipUri:
    return _parse(text, where)


def _parse(text: str, where: str) -> SipUri:
    scheme, colon, rest = text.partition(":")
    scheme = scheme.lower()
    if not colon or not scheme[:1].isalpha() or scheme.translate(_SCHEME):
        raise SipParseError(f"{readable(text)[:60]!r} is not a URI", where)
    if not text.isascii() or not text.isprintable() or not _NOT_IN_URI.isdisjoint(text):
        raise SipParseError("a character that must be escaped", where)
    if scheme == "tel":
        return _parse_tel(rest, where)
    if scheme not in ("sip", "sips"):
        status = 416 if where == "Request-URI" else 400
        raise SipParseError(f"URI scheme {readable(scheme)[:20]!r} is not supported", where, status=status)
    userinfo, at, hostpart = rest.partition("@")
    if not at:
        userinfo, hostpart = "", rest
    if "@" in hostpart:
        raise SipParseError("more than one '@'", where)
    user, password = _parse_userinfo(userinfo, bool(at), where)
    hostport, question, headers = hostpart.partition("?")
    hostport, _, params = hostport.partition(";")
    host, port = parse_hostport(hostport, where)
    return SipUri(scheme, user, host, port, password, _parse_params(params, where), headers if question else "")


def _parse_userinfo(text: str, present: bool, where: str) -> tuple[str, str | None]:
    user, colon, password = text.partition(":")
    if present and not user:
        raise SipParseError("an empty user part", where)
    if not _NOT_IN_USER.isdisjoint(user):
        raise SipParseError("a character that must be escaped in the user part", where)
    return user, password if colon else None


def _parse_tel(rest: str, where: str) -> SipUri:
    number, _, params = rest.partition(";")
    if not number or not _NOT_IN_USER.isdisjoint(number):
        raise SipParseError("a TEL URI without a number", where)
    return SipUri("tel", number, "", params=_parse_params(params, where))


def _parse_params(text: str, where: str) -> tuple[tuple[str, str | None], ...]:
    if not text:
        return ()
    params: list[tuple[str, str | None]] = []
    for part in text.split(";"):
        name, equals, value = part.partition("=")
        if not name:
            raise SipParseError("an empty URI parameter", where)
        params.append((name.lower(), value if equals else None))
    if len(params) > MAX_PARAMETERS:
        raise SipParseError(f"more than {MAX_PARAMETERS} URI parameters", where)
    return tuple(params)


def parse_hostport(text: str, where: str) -> tuple[str, int | None]:
    """``host``, ``host:port``, ``[v6]`` or ``[v6]:port``; an IPv6 host keeps its brackets."""
    return _hostport(text, where) if len(text) <= _CACHED_CHARACTERS else _parse_hostport(text, where)


@lru_cache(maxsize=4096)
def _hostport(text: str, where: str) -> tuple[str, int | None]:
    return _parse_hostport(text, where)


def _parse_hostport(text: str, where: str) -> tuple[str, int | None]:
    if text.startswith("["):
        end = text.find("]")
        # The grammar of RFC 3261 allows three colons before an embedded IPv4 address (RFC 5118 section 4.10).
        host, rest = text[: end + 1].replace(":::", "::"), text[end + 1 :]
        try:
            ipaddress.IPv6Address(host[1:-1])
        except ValueError as error:
            raise SipParseError(f"{readable(text)[:60]!r} is not an IPv6 address", where) from error
        if rest and not rest.startswith(":"):
            raise SipParseError("text after an IPv6 address", where)
        port_text, has_port = rest[1:], bool(rest)
    else:
        host, colon, port_text = text.partition(":")
        has_port = bool(colon)
        if not host or host.translate(_HOST):
            raise SipParseError(f"{readable(text)[:60]!r} is not a host", where)
    if not has_port:
        return host, None
    return host, _parse_port(port_text, where)


def _parse_port(text: str, where: str) -> int:
    if not (text.isascii() and text.isdigit()) or len(text) > 5 or not 0 < int(text) < 65536:
        raise SipParseError(f"{readable(text)[:20]!r} is not a port", where)
    return int(text)


def ip_of(host: str) -> str | None:
    """The address without brackets when ``host`` is an IP literal, else None (a name)."""
    return _ip_of(host) if len(host) <= _LONGEST_IP else None


@lru_cache(maxsize=4096)
def _ip_of(host: str) -> str | None:
    bare = host[1:-1] if host.startswith("[") else host
    try:
        return str(ipaddress.ip_address(bare))
    except ValueError:
        return None


def host_text(host: str) -> str:
    """``host`` as it stands in a URI: an IPv6 address gets its brackets."""
    return f"[{host}]" if ":" in host and not host.startswith("[") else host
