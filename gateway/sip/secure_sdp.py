"""Attributes of encrypted media in session descriptions: ``crypto`` (RFC 4568), ``fingerprint`` (RFC 8122),
``setup`` (RFC 4145, RFC 8842), ``ice-*`` and ``candidate`` (RFC 8839)."""

from __future__ import annotations

import base64
import binascii
import re
from dataclasses import dataclass, field
from typing import Final

from gateway.errors import SdpError
from gateway.media.port import LocalAudio
from gateway.sip.sdp import Attribute, MediaDescription, SessionDescription

#: Suites of SDES and the octets of master key and salt, in the order of our offers (RFC 4568, RFC 7714).
SUITES: Final = {
    "AEAD_AES_128_GCM": 28,
    "AEAD_AES_256_GCM": 44,
    "AES_CM_128_HMAC_SHA1_80": 30,
    "AES_CM_128_HMAC_SHA1_32": 30,
}

#: Hash functions of fingerprints that we take, and their octets.
_HASHES: Final = {"sha-256": 32, "sha-384": 48, "sha-512": 64}
#: Session parameters of a crypto line that change nothing for us; any other that is mandatory makes it unusable.
_HARMLESS: Final = ("WSH=", "-")
_SETUP: Final = ("active", "passive", "actpass")
_ICE_CHARS: Final = re.compile(r"[A-Za-z0-9+/]{4,256}")
_MID: Final = re.compile(r"[!#-'*+\-.0-9A-Z^-~]{1,64}")
#: Of our one host candidate (RFC 8445 section 5.1.2.1): type 126, local preference 65535, component 1.
_PRIORITY: Final = 2_130_706_431


@dataclass(frozen=True, slots=True, kw_only=True)
class Crypto:
    """A usable ``a=crypto`` line."""

    tag: str
    suite: str
    key: bytes = field(repr=False)

    def attribute(self) -> Attribute:
        """The line."""
        return "crypto", f"{self.tag} {self.suite} inline:{base64.b64encode(self.key).decode()}"


def cryptos(media: MediaDescription) -> list[Crypto]:
    """The usable ``a=crypto`` lines in their order: others are passed over, as RFC 4568 section 7.1.2 says."""
    found = (_crypto(value or "") for name, value in media.attributes if name == "crypto")
    return [crypto for crypto in found if crypto is not None]


def _crypto(value: str) -> Crypto | None:
    tag, suite, parameters, *rest = [*value.split(), "", "", ""]
    method, _, text = parameters.partition(":")
    key_text, *lifetime_and_mki = text.split("|")
    plain = not any(":" in part for part in lifetime_and_mki)  # a key identifier would stand in each packet
    harmless = all(part.startswith(_HARMLESS) for part in rest if part)
    if not (tag.isascii() and tag.isdigit() and len(tag) <= 9 and suite in SUITES and method == "inline"):
        return None
    try:
        key = base64.b64decode(key_text, validate=True)
    except (binascii.Error, ValueError):
        return None
    return Crypto(tag=tag, suite=suite, key=key) if plain and harmless and len(key) == SUITES[suite] else None


@dataclass(frozen=True, slots=True, kw_only=True)
class DtlsDescription:
    """What a peer says about DTLS and ICE. ``ufrag`` is None when it does no ICE, or is a lite side itself."""

    fingerprint: str
    setup: str
    ufrag: str | None


def dtls_description(session: SessionDescription, media: MediaDescription) -> DtlsDescription:
    """Read them, from the m= section or the session; raises :class:`SdpError`."""
    setup = (_either(session, media, "setup") or "active").lower()
    if setup not in _SETUP:
        raise SdpError(f"a=setup:{setup[:20]} is not served")
    if media.attribute("rtcp-mux") is None:
        raise SdpError("DTLS-SRTP is served with a=rtcp-mux only")
    ufrag, pwd = _either(session, media, "ice-ufrag"), _either(session, media, "ice-pwd")
    lite = session.attribute("ice-lite") is not None
    if ufrag is None or pwd is None or lite:
        return DtlsDescription(fingerprint=_fingerprint(session, media), setup=setup, ufrag=None)
    if not _ICE_CHARS.fullmatch(ufrag) or not _ICE_CHARS.fullmatch(pwd) or len(pwd) < 22:
        raise SdpError("a=ice-ufrag or a=ice-pwd is malformed")
    return DtlsDescription(fingerprint=_fingerprint(session, media), setup=setup, ufrag=ufrag)


def _fingerprint(session: SessionDescription, media: MediaDescription) -> str:
    lines = [value or "" for name, value in (*media.attributes, *session.attributes) if name == "fingerprint"]
    for line in lines:
        name, _, digits = line.strip().partition(" ")
        pairs = digits.strip().split(":")
        name = name.lower()
        if len(pairs) == _HASHES.get(name) and all(re.fullmatch("[0-9A-Fa-f]{2}", pair) for pair in pairs):
            return f"{name} {digits.strip().upper()}"
    raise SdpError(f"no a=fingerprint by {', '.join(_HASHES)}")


def _either(session: SessionDescription, media: MediaDescription, name: str) -> str | None:
    value = media.attribute(name)
    return value if value is not None else session.attribute(name)


def bundled_mid(session: SessionDescription, media: MediaDescription) -> tuple[str | None, bool]:
    """The ``mid`` of an m= section, None when it has none, and whether it is in a BUNDLE group (RFC 9143)."""
    mid = media.attribute("mid")
    if mid is None or not _MID.fullmatch(mid):
        return None, False
    groups = [(value or "").split() for name, value in session.attributes if name == "group"]
    return mid, any(group[:1] == ["BUNDLE"] and mid in group[1:] for group in groups)


def dtls_attributes(local: LocalAudio, *, setup: str, ice: tuple[str, str] | None) -> list[Attribute]:
    """Our side of DTLS-SRTP; ``ice``: our user fragment and password."""
    attributes: list[Attribute] = [("rtcp-mux", None), ("fingerprint", local.fingerprint), ("setup", setup)]
    if ice is not None:
        candidate = f"1 1 udp {_PRIORITY} {local.host} {local.port} typ host"
        attributes += [("ice-ufrag", ice[0]), ("ice-pwd", ice[1]), ("candidate", candidate)]
        attributes += [("end-of-candidates", None)]
    return attributes
