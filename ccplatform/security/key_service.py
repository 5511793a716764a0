"""Master keys that stay in a key management service: the transit engine of Vault or OpenBao, which is one API.

The service is asked for a *period key* only, twice a day: it seals one that is made here and opens older ones.
Keys of recordings are wrapped by the period key (AES-256-GCM), so that a call that begins waits for nobody, and a
service that is away stops neither calls nor recording; what it sealed cannot be heard before it is back, but for
what was opened lately. Form of a wrapped key: length and text of the sealed period key, nonce, key under the
period key.
"""

from __future__ import annotations

import base64
import json
import secrets
import struct
import threading
from collections import OrderedDict
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import httpcore
import structlog
from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from ccplatform.kernel.clock import Clock
from ccplatform.security.errors import BadSeal, VaultClosed
from ccplatform.security.sealed_sound import KEY_BYTES

_log = structlog.get_logger("security")

#: Environment variable with the token for the service, where no file has it.
TOKEN_VARIABLE: Final = "CCP_KEY_SERVICE_TOKEN"
#: How long a period key wraps new keys, and how long after a failure the next is asked for, seconds.
PERIOD_SECONDS: Final = 12 * 3600.0
RETRY_SECONDS: Final = 60.0
_OPENED: Final = 1000  # period keys that are kept in memory: more than a year of them
_NONCE_BYTES: Final = 12
_LONGEST_TEXT: Final = 256  # of a sealed period key: the header of a recording has room for it
_LARGEST_ANSWER: Final = 64 * 1024
_LENGTH: Final = struct.Struct("<H")


@dataclass(frozen=True, slots=True)
class ServicePlace:
    """Where the service is, the name of its key, and how we prove who we are."""

    url: str
    engine: str
    key: str
    token: Callable[[], str]
    timeout_seconds: float = 3.0


@dataclass(frozen=True, slots=True)
class _Period:
    key_id: str
    sealed: str
    cipher: AESGCM


class KeyService:
    """Implements :class:`~ccplatform.security.key_ring.KeySource`; safe for several threads."""

    def __init__(self, place: ServicePlace, clock: Clock) -> None:
        self._place = place
        self._clock = clock
        self._period: _Period | None = None
        self._opened: OrderedDict[str, AESGCM] = OrderedDict()
        self._lock = threading.Lock()
        self._renewing = False
        self._asked_at: float | None = None
        self._due = 0.0
        self._why = ""

    def current(self) -> str:
        """``NAME.v3``: the name of the service's key and the version that sealed the period key.

        Only the first call of all waits for the service; raises VaultClosed until that has given something.
        """
        return self._now().key_id

    def encrypt(self, key_id: str, key: bytes, context: bytes) -> bytes:
        """See the port."""
        period = self._now()
        nonce, sealed = secrets.token_bytes(_NONCE_BYTES), period.sealed.encode()
        return _LENGTH.pack(len(sealed)) + sealed + nonce + period.cipher.encrypt(nonce, key, context + sealed)

    def decrypt(self, key_id: str, data: bytes, context: bytes) -> bytes:
        """See the port; VaultClosed while the service is away."""
        try:
            (length,) = _LENGTH.unpack_from(data)
            sealed, rest = data[_LENGTH.size : _LENGTH.size + length], data[_LENGTH.size + length :]
            cipher = self._cipher_of(sealed.decode("ascii"))
            return cipher.decrypt(rest[:_NONCE_BYTES], rest[_NONCE_BYTES:], context + sealed)
        except (InvalidTag, ValueError, struct.error):
            raise BadSeal(f"the key of this recording does not open with the master key {key_id!r}") from None

    def _now(self) -> _Period:
        with self._lock:
            if self._asked_at is None:
                self._renew()
            elif self._clock.now() >= self._due and not self._renewing:
                self._renewing = True
                threading.Thread(target=self._renew, name="key service", daemon=True).start()
            if self._period is None:
                raise VaultClosed(f"no key from the key service: {self._why}")
            return self._period

    def _renew(self) -> None:
        self._asked_at = self._clock.now()
        try:
            self._period = self._fresh()
            self._due = self._asked_at + PERIOD_SECONDS
        except VaultClosed as error:
            self._why, self._due = str(error), self._asked_at + RETRY_SECONDS
            _log.error("no new key from the key service", reason=str(error), goes_on=self._period is not None)
        finally:
            self._renewing = False

    def _fresh(self) -> _Period:
        key = secrets.token_bytes(KEY_BYTES)
        sealed = self._ask("encrypt", "ciphertext", plaintext=base64.b64encode(key).decode())
        kind, version, _ = (*sealed.split(":", 2), "", "")[:3]
        if not kind or not version[1:].isdigit() or len(sealed) > _LONGEST_TEXT or not sealed.isascii():
            raise VaultClosed(f"the key service answered no sealed key: {sealed[:40]!r}")
        cipher = AESGCM(key)
        self._opened[sealed] = cipher
        return _Period(f"{self._place.key[:24]}.{version[:7]}", sealed, cipher)

    def _cipher_of(self, sealed: str) -> AESGCM:
        known = self._opened.get(sealed)
        if known is None:
            plain = base64.b64decode(self._ask("decrypt", "plaintext", ciphertext=sealed), validate=True)
            known = self._opened[sealed] = AESGCM(plain)
            while len(self._opened) > _OPENED:
                self._opened.popitem(last=False)
        return known

    def _ask(self, what: str, wanted: str, **body: str) -> str:
        place = self._place
        url = f"{place.url.rstrip('/')}/v1/{place.engine}/{what}/{place.key}"
        patience = dict.fromkeys(("connect", "read", "write", "pool"), place.timeout_seconds)
        headers = [("X-Vault-Token", place.token()), ("Content-Type", "application/json")]
        try:
            with (
                httpcore.ConnectionPool() as pool,
                pool.stream(
                    "POST",
                    url,
                    headers=headers,
                    content=json.dumps(body).encode(),
                    extensions={"timeout": patience},
                ) as answer,
            ):
                text = b""
                for part in answer.iter_stream():
                    text += part
                    if len(text) > _LARGEST_ANSWER:
                        raise VaultClosed("the key service answers too much")
        except (httpcore.NetworkError, httpcore.ProtocolError, httpcore.TimeoutException, OSError) as error:
            raise VaultClosed(f"the key service {place.url} is away: {error or type(error).__name__}") from None
        return _value(answer.status, text, what, wanted)


def _value(status: int, text: bytes, what: str, wanted: str) -> str:
    try:
        answer: Any = json.loads(text)
        value = answer["data"][wanted] if status == 200 else None
    except (ValueError, KeyError, TypeError):
        answer, value = {}, None
    if isinstance(value, str):
        return value
    errors = answer.get("errors") if isinstance(answer, dict) else None
    why = f"the key service refused to {what}: {status} {'; '.join(map(str, errors or ()))[:200]}".rstrip()
    if status == 400 and what == "decrypt":
        raise BadSeal(why)
    raise VaultClosed(why)


def token_from(path: Path | None, environment: Mapping[str, str]) -> Callable[[], str]:
    """What reads the token each time it is needed, so that one that is renewed counts; VaultClosed without one."""

    def token() -> str:
        if path is None:
            text = environment.get(TOKEN_VARIABLE, "")
        else:
            try:
                if path.stat().st_mode & 0o077:
                    raise VaultClosed(f"{path} can be read by others; run `chmod 600 {path}`")
                text = path.read_text(encoding="ascii")
            except (OSError, ValueError) as error:
                raise VaultClosed(f"cannot read {path}: {error}") from error
        if not text.strip().isprintable() or not text.strip():
            raise VaultClosed(f"there is no token for the key service in {path or TOKEN_VARIABLE}")
        return text.strip()

    return token
