"""Digest authentication (RFC 7616, RFC 2617; RFC 8760 for SHA-256 in SIP), both sides.

The server keeps no state for strangers: a nonce is its time, random bits and an HMAC over both. Only nonces that
were used with a right password are remembered, for their counts, in a bounded table. ``qop=auth`` is demanded.
"""

from __future__ import annotations

import base64
import hashlib
import hmac
import struct
from collections import OrderedDict
from collections.abc import Callable
from dataclasses import dataclass
from enum import StrEnum
from typing import Final

from gateway.errors import SipParseError
from gateway.sip.syntax import Parameters, parse_parameters, quote
from gateway.sip.uri import parse_uri

#: How long a nonce is good, seconds.
NONCE_SECONDS: Final = 300.0
#: Nonces whose counts are remembered.
MAX_NONCES: Final = 50_000

_HASHES: Final[dict[str, Callable[[bytes], str]]] = {
    "MD5": lambda data: hashlib.md5(data, usedforsecurity=False).hexdigest(),
    "SHA-256": lambda data: hashlib.sha256(data).hexdigest(),
}
#: Algorithms in the order in which they are offered (RFC 8760 section 2.4: the better one first).
ALGORITHMS: Final = ("SHA-256", "MD5")
_STAMP: Final = struct.Struct("!d8s")
_MAC_BYTES: Final = 16


def hash_a1(algorithm: str, user: str, realm: str, password: str) -> str:
    """HA1, the one thing a server has to keep: as good as the password within its realm, so it is sealed."""
    return _HASHES[algorithm](f"{user}:{realm}:{password}".encode())


def digest_response(
    algorithm: str, ha1: str, method: str, uri: str, nonce: str, *, nc: str = "", cnonce: str = "", qop: str = ""
) -> str:
    """The ``response`` value (RFC 7616 section 3.4.1); without ``qop`` that of RFC 2069."""
    digest = _HASHES[algorithm]
    ha2 = digest(f"{method}:{uri}".encode("utf-8", "surrogateescape"))
    middle = f"{nonce}:{nc}:{cnonce}:{qop}" if qop else nonce
    return digest(f"{ha1}:{middle}:{ha2}".encode("utf-8", "surrogateescape"))


def parse_digest(value: str, where: str) -> Parameters | None:
    """The parameters of a ``Digest …`` header value; None for another scheme."""
    scheme, _, rest = value.strip().partition(" ")
    if scheme.lower() != "digest":
        return None
    return parse_parameters(rest, where, ",")


# --- server -----------------------------------------------------------------------------------------------


class Verdict(StrEnum):
    """What credentials are worth."""

    GOOD = "good"
    STALE = "stale"  # right password, old nonce or used count: try again without asking the user
    BAD = "bad"


@dataclass(frozen=True, slots=True, kw_only=True)
class Secrets:
    """The HA1s of one account, hexadecimal."""

    ha1_md5: str
    ha1_sha256: str

    def ha1(self, algorithm: str) -> str:
        """The HA1 of an algorithm."""
        return self.ha1_sha256 if algorithm == "SHA-256" else self.ha1_md5


class DigestServer:
    """Makes challenges and judges credentials.

    ``secret`` keys the nonces (16 random bytes or more, new at every start), ``random_bytes`` makes them unlike.
    """

    def __init__(self, *, realm: str, secret: bytes, random_bytes: Callable[[int], bytes]) -> None:
        self.realm = realm
        self._secret = secret
        self._random_bytes = random_bytes
        self._counts: OrderedDict[str, int] = OrderedDict()
        self._oldest_good = float("-inf")
        self._nobody = Secrets(ha1_md5=random_bytes(16).hex(), ha1_sha256=random_bytes(32).hex())

    def challenges(
        self, now: float, *, stale: bool = False, algorithms: tuple[str, ...] = ALGORITHMS
    ) -> list[str]:
        """WWW-Authenticate values, one for each algorithm, with one fresh nonce."""
        nonce = self._nonce(now)
        flag = ", stale=true" if stale else ""
        return [
            f'Digest realm={quote(self.realm)}, nonce="{nonce}", algorithm={algorithm}, qop="auth"{flag}'
            for algorithm in algorithms
        ]

    def judge(
        self,
        credentials: Parameters,
        *,
        method: str,
        request_uri: str,
        secrets: Secrets | None,
        now: float,
    ) -> Verdict:
        """Judge credentials against an account's secrets; ``secrets`` is None when there is no such account, which
        takes as long and says no more than a wrong password."""
        algorithm = (credentials.get("algorithm") or "MD5").upper()
        nonce, nc, uri = credentials.get("nonce") or "", credentials.get("nc") or "", credentials.get("uri") or ""
        count = _hex(nc)
        if (
            algorithm not in _HASHES
            or credentials.get("qop") != "auth"
            or credentials.get("realm") != self.realm
            or count is None
            or not credentials.get("cnonce")
            or not _same_target(uri, request_uri)
        ):
            return Verdict.BAD
        expected = digest_response(
            algorithm,
            (secrets or self._nobody).ha1(algorithm),
            method,
            uri,
            nonce,
            nc=nc,
            cnonce=credentials.get("cnonce") or "",
            qop="auth",
        )
        given = (credentials.get("response") or "").lower()
        if not hmac.compare_digest(expected, given.encode("ascii", "replace").decode()) or secrets is None:
            return Verdict.BAD
        issued = self._issued(nonce)
        if issued is None or not 0 <= now - issued <= NONCE_SECONDS or issued <= self._oldest_good:
            return Verdict.STALE
        return Verdict.GOOD if self._count_rises(nonce, count, now) else Verdict.STALE

    def _nonce(self, now: float) -> str:
        stamp = _STAMP.pack(now, self._random_bytes(8))
        return base64.b64encode(stamp + self._mac(stamp)).decode()

    def _mac(self, stamp: bytes) -> bytes:
        return hmac.digest(self._secret, stamp, "sha256")[:_MAC_BYTES]

    def _issued(self, nonce: str) -> float | None:
        """When we made the nonce; None when we did not (or before a restart)."""
        try:
            raw = base64.b64decode(nonce, validate=True)
        except ValueError:
            return None
        if len(raw) != _STAMP.size + _MAC_BYTES:
            return None
        stamp, mac = raw[: _STAMP.size], raw[_STAMP.size :]
        if not hmac.compare_digest(mac, self._mac(stamp)):
            return None
        return float(_STAMP.unpack(stamp)[0])

    def _count_rises(self, nonce: str, count: int, now: float) -> bool:
        if count <= self._counts.get(nonce, 0):
            return False
        self._counts[nonce] = count
        while len(self._counts) > MAX_NONCES or self._is_old(next(iter(self._counts)), now):
            oldest, _ = self._counts.popitem(last=False)
            # Its count is forgotten, so it must not be believed again, nor any made before it.
            issued = self._issued(oldest)
            if issued is not None:
                self._oldest_good = max(self._oldest_good, issued)
        return True

    def _is_old(self, nonce: str, now: float) -> bool:
        issued = self._issued(nonce)
        return issued is None or now - issued > NONCE_SECONDS


def _hex(text: str) -> int | None:
    if len(text) != 8:
        return None
    try:
        return int(text, 16)
    except ValueError:
        return None


def _same_target(uri: str, request_uri: str) -> bool:
    """Whether the digest's URI means the Request-URI; phones differ in parameters only."""
    if uri == request_uri:
        return True
    try:
        a, b = parse_uri(uri), parse_uri(request_uri)
    except SipParseError:
        return False
    return (a.user, a.host.lower(), a.port) == (b.user, b.host.lower(), b.port)


# --- client -----------------------------------------------------------------------------------------------


def authorization(
    challenges: list[str], *, user: str, password: str, method: str, uri: str, cnonce: str, count: int = 1
) -> str | None:
    """The Authorization value for the first challenge that we can answer, None when there is none."""
    for value in challenges:
        challenge = parse_digest(value, "WWW-Authenticate")
        if challenge is None:
            continue
        algorithm = (challenge.get("algorithm") or "MD5").upper()
        offered = [option.strip() for option in (challenge.get("qop") or "").split(",") if option.strip()]
        if algorithm not in _HASHES or (offered and "auth" not in offered):
            continue
        realm, nonce = challenge.get("realm") or "", challenge.get("nonce") or ""
        qop, nc = ("auth", f"{count:08x}") if offered else ("", "")
        ha1 = hash_a1(algorithm, user, realm, password)
        answer = digest_response(algorithm, ha1, method, uri, nonce, nc=nc, cnonce=cnonce, qop=qop)
        parts = [
            f"Digest username={quote(user)}, realm={quote(realm)}, nonce={quote(nonce)}, uri={quote(uri)}",
            f'response="{answer}", algorithm={algorithm}',
        ]
        if qop:
            parts.append(f'qop=auth, nc={nc}, cnonce="{cnonce}"')
        if challenge.get("opaque") is not None:
            parts.append(f"opaque={quote(challenge.get('opaque') or '')}")
        return ", ".join(parts)
    return None
