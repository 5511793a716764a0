"""Our side of digest authentication: challenges of a trunk are answered (RFC 7616, RFC 3261 section 22). Pure.

One client stands for one account. It remembers the last challenge of each realm, so that later requests carry
credentials at once with a rising nonce count (RFC 7616 section 3.4); a server that wants a fresh nonce says so,
and the request is sent once more. Wrong credentials are not tried twice.
"""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Final

from gateway.errors import SipParseError
from gateway.sip.digest import ALGORITHMS, digest_response, hash_a1, parse_digest
from gateway.sip.message import SipRequest, SipResponse
from gateway.sip.syntax import Parameters, quote

#: Realms that one account may be challenged for.
MAX_REALMS: Final = 8
#: Challenges that one response is read for.
MAX_CHALLENGES: Final = 8
#: Status of a challenge: header with it, header of the answer.
_HEADERS: Final = {
    401: ("www-authenticate", "authorization"),
    407: ("proxy-authenticate", "proxy-authorization"),
}
#: Headers with credentials, and what is copied into an ACK (RFC 3261 section 22.1).
CREDENTIAL_HEADERS: Final = ("authorization", "proxy-authorization")


@dataclass(frozen=True, slots=True, kw_only=True)
class Credentials:
    """An account of a provider; the password is never shown."""

    user: str
    password: str = field(repr=False)


@dataclass(slots=True)
class _Session:
    """A challenge and how often it was answered."""

    header: str
    realm: str
    nonce: str
    algorithm: str
    named: bool  # whether the challenge named its algorithm
    qop: bool
    opaque: str | None
    count: int = 0


class DigestClient:
    """Answers challenges for one account; ``random_bytes`` makes client nonces."""

    def __init__(self, credentials: Credentials, *, random_bytes: Callable[[int], bytes]) -> None:
        self.credentials = credentials
        self._random_bytes = random_bytes
        self._sessions: OrderedDict[tuple[str, str], _Session] = OrderedDict()

    def answer(self, request: SipRequest, response: SipResponse, cseq: int) -> SipRequest | None:
        """The request once more with credentials, as number ``cseq``; None when the response is no challenge, none
        that can be answered, or the answer to credentials that were fresh: then they are wrong."""
        headers = _HEADERS.get(response.status)
        if headers is None:
            return None
        challenge, answer = headers
        found = _best_of_each_realm(response.headers.all(challenge)[:MAX_CHALLENGES])
        fresh = [_session(answer, parameters) for parameters in found]
        if not fresh or any(self._were_fresh(request, session) for session in fresh):
            return None
        for session in fresh:
            self._remember(session)
        again = SipRequest(request.method, request.uri_text, request.headers.copy(), request.body)
        again.headers.remove("via")
        again.headers.put("cseq", f"{cseq} {request.method}")
        others = [value for value in request.headers.all(answer) if _realm(value) not in {s.realm for s in fresh}]
        again.headers.put_all(answer, others + [self._credentials(session, again) for session in fresh])
        return again

    def anticipate(self, request: SipRequest) -> None:
        """Put credentials for the challenges of earlier requests into one that has none."""
        for header in CREDENTIAL_HEADERS:
            if header in request.headers:
                return
        for session in self._sessions.values():
            if session.qop:  # without a count a nonce is not to be used twice
                request.headers.add(session.header, self._credentials(session, request))

    def _were_fresh(self, request: SipRequest, session: _Session) -> bool:
        """Whether this very request answered a challenge of that realm already, not just an earlier nonce."""
        for value in request.headers.all(session.header):
            given = parse_digest(value, session.header)
            if given is not None and given.get("realm") == session.realm:
                return given.get("nc") in (None, "00000001")
        return False

    def _remember(self, session: _Session) -> None:
        self._sessions.pop((session.header, session.realm), None)
        self._sessions[session.header, session.realm] = session
        if len(self._sessions) > MAX_REALMS:
            self._sessions.popitem(last=False)

    def _credentials(self, session: _Session, request: SipRequest) -> str:
        session.count += 1
        account, uri = self.credentials, request.uri_text
        qop, nc, cnonce = (
            ("auth", f"{session.count:08x}", self._random_bytes(8).hex()) if session.qop else ("",) * 3
        )
        ha1 = hash_a1(session.algorithm, account.user, session.realm, account.password)
        response = digest_response(
            session.algorithm, ha1, request.method, uri, session.nonce, nc=nc, cnonce=cnonce, qop=qop
        )
        parts = [f"Digest username={quote(account.user)}, realm={quote(session.realm)}"]
        parts.append(f"nonce={quote(session.nonce)}, uri={quote(uri)}, response={quote(response)}")
        if session.named:
            parts.append(f"algorithm={session.algorithm}")
        if session.qop:
            parts.append(f'qop=auth, nc={nc}, cnonce="{cnonce}"')
        if session.opaque is not None:
            parts.append(f"opaque={quote(session.opaque)}")
        return ", ".join(parts)


class DialogCredentials:
    """Signs the requests of one dialog on their way out; the ACK of a 2xx gets what its INVITE had (RFC 3261
    section 13.2.2.4)."""

    def __init__(self, client: DigestClient) -> None:
        self._client = client
        self._invite: tuple[int, dict[str, list[str]]] = (0, {})

    def sign(self, request: SipRequest) -> None:
        """Put in what is known, unless it has credentials; a CANCEL cannot be challenged (section 22.1)."""
        if request.method == "CANCEL":
            return
        self._client.anticipate(request)
        if request.method == "INVITE":
            given = {header: request.headers.all(header) for header in CREDENTIAL_HEADERS}
            self._invite = request.cseq.number, {header: values for header, values in given.items() if values}

    def sign_ack(self, ack: SipRequest) -> None:
        """Repeat the credentials of the INVITE."""
        number, given = self._invite
        if ack.cseq.number == number:
            for header, values in given.items():
                ack.headers.put_all(header, list(values))


def _best_of_each_realm(values: list[str]) -> list[Parameters]:
    """Of the challenges that we can answer the one with the best algorithm, for each realm; what cannot be read is
    no challenge."""
    best: dict[str, tuple[int, Parameters]] = {}
    for value in values:
        try:
            challenge = parse_digest(value, "challenge")
        except SipParseError:
            continue
        if challenge is None or not challenge.get("nonce"):
            continue
        algorithm = (challenge.get("algorithm") or "MD5").upper()
        qop = [option.strip().lower() for option in (challenge.get("qop") or "").split(",") if option.strip()]
        if algorithm not in ALGORITHMS or (qop and "auth" not in qop):
            continue
        realm, rank = challenge.get("realm") or "", ALGORITHMS.index(algorithm)
        if realm not in best or rank < best[realm][0]:
            best[realm] = rank, challenge
    return [challenge for _, challenge in best.values()]


def _session(header: str, challenge: Parameters) -> _Session:
    named = challenge.get("algorithm")
    return _Session(
        header=header,
        realm=challenge.get("realm") or "",
        nonce=challenge.get("nonce") or "",
        algorithm=(named or "MD5").upper(),
        named=named is not None,
        qop=bool((challenge.get("qop") or "").strip()),
        opaque=challenge.get("opaque"),
    )


def _realm(value: str) -> str | None:
    given = parse_digest(value, "credentials")
    return None if given is None else given.get("realm") or ""
