"""URIs that reach one phone of a seat from anywhere (GRUU, RFC 5627): made by the registrar, read again. Pure.

The public one is the seat's address with the name of the phone. A temporary one (section 3.1.2) tells nothing: one
block of AES over the mark of the registration that it was given with and eight random bytes, so that each REGISTER
gives another and nothing needs to be kept of them, not even over a restart.
"""

from __future__ import annotations

import base64
import binascii
import hashlib
from collections.abc import Callable, Sequence
from typing import Final
from urllib.parse import quote as percent_encode

from cryptography.hazmat.primitives.ciphers import Cipher
from cryptography.hazmat.primitives.ciphers.algorithms import AES
from cryptography.hazmat.primitives.ciphers.modes import ECB

from ccplatform.contracts.words import SeatId
from gateway.sip.uri import SipUri, escape_user, host_text

_TEMPORARY: Final = "tgruu."
_MARK_BYTES: Final = 8
_BLOCK_BYTES: Final = 16
#: What may stand in a URI parameter (RFC 3261 section 25.1: paramchar).
_PARAMCHAR: Final = "-_.!~*'()[]/:&+$"


def mark_of(seat: SeatId, instance: str, call_id: str) -> bytes:
    """What temporary GRUUs are bound to: they end with the registration of this Call-ID (section 3.1.2)."""
    return hashlib.blake2b("\n".join((seat, instance, call_id)).encode(), digest_size=_MARK_BYTES).digest()


class Gruus:
    """Makes and reads them. ``domains`` are the hosts of the seats' addresses, the first in those that are
    made; ``key`` (16 or 32 bytes) is for the
    temporary ones and must outlive the process if they shall."""

    def __init__(self, *, domains: Sequence[str], key: bytes, random_bytes: Callable[[int], bytes]) -> None:
        self._domains = [host_text(domain) for domain in domains]
        self._cipher = Cipher(AES(key), ECB())
        self._random_bytes = random_bytes

    def is_ours(self, uri: SipUri) -> bool:
        """Whether the URI is a GRUU of this centre."""
        return uri.param("gr") is not None and uri.host.lower() in self._domains

    def public(self, user: str, instance: str) -> str:
        """The GRUU of the phone ``instance`` (a URN) of the account ``user``."""
        return f"{self._address(escape_user(user))};gr={percent_encode(instance, safe=_PARAMCHAR)}"

    def temporary(self, mark: bytes) -> str:
        """Another GRUU for what :func:`mark_of` marked."""
        sealing = self._cipher.encryptor()
        block = sealing.update(mark + self._random_bytes(_BLOCK_BYTES - _MARK_BYTES))
        token = base64.urlsafe_b64encode(block).decode().rstrip("=")
        return f"{self._address(_TEMPORARY + token)};gr"

    def mark(self, user: str) -> bytes | None:
        """The mark in the user part of a temporary GRUU; None when it is none. One made up marks nothing."""
        if not user.startswith(_TEMPORARY):
            return None
        try:
            block = base64.urlsafe_b64decode(user[len(_TEMPORARY) :] + "==")
        except (ValueError, binascii.Error):
            return None
        if len(block) != _BLOCK_BYTES:
            return None
        return self._cipher.decryptor().update(block)[:_MARK_BYTES]

    def _address(self, user: str) -> str:
        return f"sip:{user}@{self._domains[0]}"
