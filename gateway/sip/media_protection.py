"""How the media of one leg are protected, offered and answered: SDES (RFC 4568) or DTLS-SRTP (RFC 5763, RFC 8827).

Offers and answers follow the rules that the operator set and the transport of signalling allows. Keys in SDP are
worth what the secrecy of its transport is worth.
"""

from __future__ import annotations

import base64
from collections.abc import Callable
from dataclasses import dataclass, field
from enum import StrEnum
from functools import cache
from typing import Any, Final

from gateway.errors import SdpError
from gateway.media.port import DtlsPeer, IceSides, LocalAudio, SdesKeys
from gateway.sip.sdp import Attribute, MediaDescription, SessionDescription
from gateway.sip.secure_sdp import (
    SUITES,
    Crypto,
    DtlsDescription,
    bundled_mid,
    cryptos,
    dtls_attributes,
    dtls_description,
)

_SECRET_TRANSPORTS: Final = frozenset({"TLS", "WSS"})
_WEB_TRANSPORTS: Final = frozenset({"WS", "WSS"})
_UFRAG_BITS: Final = 32
_PWD_BITS: Final = 192


class SrtpPolicy(StrEnum):
    """The setting ``sip.srtp``."""

    OFF = "off"
    ACCEPT = "accept"
    OFFER = "offer"
    REQUIRE = "require"


class Encryption(StrEnum):
    """How the media of a leg are protected."""

    NONE = "none"
    SDES = "sdes"
    DTLS = "dtls"


_PROTOCOLS: Final = {
    "RTP/AVP": Encryption.NONE,
    "RTP/AVPF": Encryption.NONE,
    "RTP/SAVP": Encryption.SDES,
    "RTP/SAVPF": Encryption.SDES,
    "UDP/TLS/RTP/SAVP": Encryption.DTLS,
    "UDP/TLS/RTP/SAVPF": Encryption.DTLS,
}
_OFFERED: Final = {
    Encryption.NONE: "RTP/AVP",
    Encryption.SDES: "RTP/SAVP",
    Encryption.DTLS: "UDP/TLS/RTP/SAVPF",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class ProtectionRules:
    """What is accepted of a peer, and what we offer it."""

    accepts: frozenset[Encryption] = frozenset({Encryption.NONE})
    offers: Encryption = Encryption.NONE


@cache
def rules_for(policy: SrtpPolicy, transport: str) -> ProtectionRules:
    """The rules of a leg whose signalling goes over ``transport``. Browsers know nothing but DTLS-SRTP."""
    secret, web = transport in _SECRET_TRANSPORTS, transport in _WEB_TRANSPORTS
    accepts = {Encryption.NONE, Encryption.SDES, Encryption.DTLS}
    offers = Encryption.NONE
    match policy:
        case SrtpPolicy.OFF:
            accepts = {Encryption.NONE}
        case SrtpPolicy.ACCEPT:
            pass
        case SrtpPolicy.OFFER if secret:
            offers = Encryption.SDES
        case SrtpPolicy.REQUIRE:
            accepts = {Encryption.DTLS, Encryption.SDES} if secret else {Encryption.DTLS}
            offers = Encryption.SDES if secret else Encryption.DTLS
    if web:
        accepts, offers = accepts | {Encryption.DTLS}, Encryption.DTLS
    return ProtectionRules(accepts=frozenset(accepts), offers=offers)


@dataclass(frozen=True, slots=True, kw_only=True)
class Described:
    """Our side as SDP: the protocol of the m= line, attributes of its section and of the session."""

    protocol: str
    attributes: list[Attribute] = field(default_factory=list)
    session: list[Attribute] = field(default_factory=list)


@dataclass(frozen=True, slots=True, kw_only=True)
class Agreed:
    """What was agreed on, as the media engine wants it."""

    rtcp_mux: bool = False
    sdes: SdesKeys | None = None
    dtls: DtlsPeer | None = None


class MediaProtection:
    """Our side of one leg. Every move raises :class:`SdpError` and changes nothing when it cannot be."""

    def __init__(self, rules: ProtectionRules, random_number: Callable[[int], int]) -> None:
        self._rules = rules
        self._random_number = random_number
        self._protocol = _OFFERED[rules.offers]
        self._kind = rules.offers
        self._keys: dict[str, bytes] = {}  # ours, by suite
        self._ice: tuple[str, str] | None = None
        self._remote_ufrag = ""
        self._mid = "0"
        self._active: bool | None = None  # our role in the DTLS association that there is

    def move(self) -> None:
        """Another worker takes the leg: its certificate is another, and no key is used twice."""
        self._keys, self._ice, self._remote_ufrag, self._active = {}, None, "", None

    # --- the three moves ----------------------------------------------------------------------------------

    def offer(self, local: LocalAudio) -> Described:
        """What our offer says."""
        match self._kind:
            case Encryption.NONE:
                return Described(protocol=self._protocol)
            case Encryption.SDES:
                lines = [
                    Crypto(tag=str(tag), suite=suite, key=self._key(suite)).attribute()
                    for tag, suite in enumerate(SUITES, 1)
                ]
                return Described(protocol=self._protocol, attributes=[*lines, ("rtcp-mux", None)])
            case Encryption.DTLS:
                attributes = dtls_attributes(local, setup="actpass", ice=self._own_ice())
                return Described(
                    protocol=self._protocol,
                    attributes=[("mid", self._mid), *attributes],
                    session=[("group", f"BUNDLE {self._mid}"), ("ice-lite", None)],
                )

    def answer(
        self, session: SessionDescription, media: MediaDescription, local: LocalAudio
    ) -> tuple[Described, Agreed]:
        """Answer what a peer offers."""
        kind = _kind_of(session, media)
        if kind not in self._rules.accepts:
            raise SdpError(self._refusal(kind))
        match kind:
            case Encryption.NONE:
                described, agreed = Described(protocol=media.protocol), Agreed()
            case Encryption.SDES:
                described, agreed = self._answer_sdes(media)
            case Encryption.DTLS:
                described, agreed = self._answer_dtls(session, media, local)
        self._kind, self._protocol = kind, media.protocol
        return described, agreed

    def take_answer(self, session: SessionDescription, media: MediaDescription) -> Agreed:
        """Take the answer to our offer."""
        if _kind_of(session, media) is not self._kind:
            raise SdpError(f"{media.protocol[:20]} answers {self._protocol}")
        match self._kind:
            case Encryption.NONE:
                return Agreed()
            case Encryption.SDES:
                tags = {str(tag): suite for tag, suite in enumerate(SUITES, 1)}
                theirs = next((line for line in cryptos(media) if tags.get(line.tag) == line.suite), None)
                if theirs is None:
                    raise SdpError("no a=crypto line answers ours")
                return self._agree_sdes(media, theirs)
            case Encryption.DTLS:
                peer = dtls_description(session, media)
                if peer.setup == "actpass":
                    raise SdpError("a=setup:actpass answers nothing")
                return self._agree_dtls(peer, active=peer.setup == "passive")

    # --- pieces -------------------------------------------------------------------------------------------

    @staticmethod
    def is_by_ice(session: SessionDescription, media: MediaDescription) -> bool:
        """Whether ICE finds the way, so that the addresses of a peer's c= lines do not count."""
        return _kind_of(session, media) is Encryption.DTLS and dtls_description(session, media).ufrag is not None

    def _answer_sdes(self, media: MediaDescription) -> tuple[Described, Agreed]:
        theirs = next(iter(cryptos(media)), None)
        if theirs is None:
            raise SdpError(f"no usable a=crypto line; suites served: {', '.join(SUITES)}")
        agreed = self._agree_sdes(media, theirs)
        attributes = [Crypto(tag=theirs.tag, suite=theirs.suite, key=self._key(theirs.suite)).attribute()]
        if agreed.rtcp_mux:
            attributes.append(("rtcp-mux", None))
        return Described(protocol=media.protocol, attributes=attributes), agreed

    def _agree_sdes(self, media: MediaDescription, theirs: Crypto) -> Agreed:
        keys = SdesKeys(profile=theirs.suite, local=self._key(theirs.suite), remote=theirs.key)
        return Agreed(rtcp_mux=media.attribute("rtcp-mux") is not None, sdes=keys)

    def _answer_dtls(
        self, session: SessionDescription, media: MediaDescription, local: LocalAudio
    ) -> tuple[Described, Agreed]:
        peer = dtls_description(session, media)
        active = peer.setup == "passive" if peer.setup != "actpass" else bool(self._active)
        agreed = self._agree_dtls(peer, active=active)
        ice = self._own_ice() if peer.ufrag is not None else None
        attributes = dtls_attributes(local, setup="active" if active else "passive", ice=ice)
        mid, bundled = bundled_mid(session, media)
        self._mid = mid or self._mid
        described = Described(
            protocol=media.protocol,
            attributes=[*([("mid", mid)] if mid is not None else []), *attributes],
            session=[
                *([("group", f"BUNDLE {mid}")] if bundled else []),
                *([("ice-lite", None)] if ice is not None else []),
            ],
        )
        return described, agreed

    def _agree_dtls(self, peer: DtlsDescription, *, active: bool) -> Agreed:
        if self._remote_ufrag and peer.ufrag != self._remote_ufrag:
            self._ice = None  # ICE begins anew (RFC 8839 section 4.4.1.1.1): so do our user fragment and password
        self._active, self._remote_ufrag = active, peer.ufrag or ""
        sides = None
        if peer.ufrag is not None:
            ufrag, pwd = self._own_ice()
            sides = IceSides(ufrag=ufrag, pwd=pwd, remote_ufrag=peer.ufrag)
        return Agreed(rtcp_mux=True, dtls=DtlsPeer(fingerprint=peer.fingerprint, active=active, ice=sides))

    def _own_ice(self) -> tuple[str, str]:
        if self._ice is None:
            ufrag, pwd = self._random_number(_UFRAG_BITS), self._random_number(_PWD_BITS)
            self._ice = (f"{ufrag:0{_UFRAG_BITS // 4}x}", f"{pwd:0{_PWD_BITS // 4}x}")
        return self._ice

    def _key(self, suite: str) -> bytes:
        if suite not in self._keys:
            size = SUITES[suite]
            self._keys[suite] = self._random_number(8 * size).to_bytes(size, "big")
        return self._keys[suite]

    def _refusal(self, kind: Encryption) -> str:
        if kind is Encryption.NONE:
            return "media must be encrypted: RTP/SAVP or UDP/TLS/RTP/SAVPF"
        if Encryption.DTLS in self._rules.accepts:
            return "keys in SDP need signalling over TLS; UDP/TLS/RTP/SAVPF is served"
        return "encrypted media are switched off, RTP/AVP is served"

    # --- over a restart -----------------------------------------------------------------------------------

    def snapshot(self) -> dict[str, Any]:
        """JSON-able data with which a re-INVITE can still be answered."""
        return {
            "accepts": sorted(self._rules.accepts),
            "offers": self._rules.offers,
            "protocol": self._protocol,
            "kind": self._kind,
            "keys": {suite: base64.b64encode(key).decode() for suite, key in self._keys.items()},
            "ice": self._ice,
            "remote_ufrag": self._remote_ufrag,
            "mid": self._mid,
            "active": self._active,
        }

    @classmethod
    def restore(cls, data: dict[str, Any], random_number: Callable[[int], int]) -> MediaProtection:
        """The protection that :meth:`snapshot` described."""
        accepts = frozenset(map(Encryption, data["accepts"]))
        restored = cls(ProtectionRules(accepts=accepts, offers=Encryption(data["offers"])), random_number)
        restored._protocol, restored._kind = str(data["protocol"]), Encryption(data["kind"])
        restored._keys = {str(suite): base64.b64decode(key) for suite, key in data["keys"].items()}
        restored._ice = (str(data["ice"][0]), str(data["ice"][1])) if data["ice"] is not None else None
        restored._remote_ufrag, restored._mid = str(data["remote_ufrag"]), str(data["mid"])
        restored._active = bool(data["active"]) if data["active"] is not None else None
        return restored


def _kind_of(session: SessionDescription, media: MediaDescription) -> Encryption:
    kind = _PROTOCOLS.get(media.protocol)
    if kind is None:
        raise SdpError(f"transport {media.protocol[:20]} is not served, RTP/AVP is")
    if kind is Encryption.SDES and media.attribute("crypto") is None:
        lines = (*media.attributes, *session.attributes)
        return Encryption.DTLS if any(name == "fingerprint" for name, _ in lines) else kind  # before RFC 5764
    return kind
