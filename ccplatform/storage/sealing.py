"""Sealing what identifies a person, inside the journal.

The personal fields of a fact are encrypted (AES-256-GCM, the event's id authenticated with them) under a key of
its contact, and that key is kept wrapped by the vault: destroying one small row makes a person's data unreadable
in every event without touching the events. Personal fields of facts without a contact are sealed by the vault.
"""

from __future__ import annotations

import os
from collections import OrderedDict
from collections.abc import Callable
from dataclasses import dataclass, fields
from operator import attrgetter
from typing import Any, Protocol, get_args

import msgspec
from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from ccplatform.contracts.facts import Fact, FactEvent, personal_fields
from ccplatform.contracts.words import ContactId
from ccplatform.kernel.errors import RemoteViolation

_NONCE_BYTES = 12

#: Personal fields of every type of fact, by name.
PERSONAL = {cls.__name__: personal_fields(cls) for cls in get_args(Fact)}


def _reader(names: tuple[str, ...]) -> Callable[[Fact], tuple[Any, ...]]:
    """A function that reads these fields of a fact, all in one step where there are several."""
    return attrgetter(*names) if len(names) > 1 else lambda fact: tuple(getattr(fact, name) for name in names)


def _seen(cls: Any) -> tuple[str, ...]:
    """The fields that are not personal, but for the contact, which has a column."""
    return tuple(field.name for field in fields(cls) if field.name not in {"contact", *personal_fields(cls)})


#: Of every type: the names of the fields that are seen, how they are read, and the names of the personal ones.
_FIELDS = {
    cls: (_seen(cls), _reader(_seen(cls)), tuple(f.name for f in fields(cls) if f.name in personal_fields(cls)))
    for cls in get_args(Fact)
}


class Sealer(Protocol):
    """The vault, as the journal sees it."""

    def seal(self, plain: bytes, context: str) -> bytes:
        """Encrypt."""

    def open(self, sealed: bytes, context: str) -> bytes:
        """Decrypt; raises RemoteViolation."""


@dataclass(frozen=True, slots=True, kw_only=True)
class WrappedKey:
    """A contact's key as it is stored."""

    contact: ContactId
    wrapped: bytes


class ContactKeys:
    """The keys of the contacts in use, at most ``limit`` of them in memory."""

    def __init__(self, sealer: Sealer, *, tenant: str, limit: int = 20_000) -> None:
        self._sealer = sealer
        self._tenant = tenant
        self._limit = limit
        self._keys: OrderedDict[ContactId, AESGCM] = OrderedDict()

    def get(self, contact: ContactId) -> AESGCM | None:
        """The key, if it is in memory."""
        return self._keys.get(contact)

    def make(self, contact: ContactId) -> WrappedKey:
        """A new key for a contact that has none yet; the caller stores it."""
        raw = AESGCM.generate_key(256)
        self._remember(contact, raw)
        return WrappedKey(contact=contact, wrapped=self._sealer.seal(raw, self._context(contact)))

    def unwrap(self, key: WrappedKey) -> None:
        """Take a stored key into memory."""
        self._remember(key.contact, self._sealer.open(key.wrapped, self._context(key.contact)))

    def forget(self, contact: ContactId) -> None:
        """The contact is over."""
        self._keys.pop(contact, None)

    def _remember(self, contact: ContactId, raw: bytes) -> None:
        self._keys[contact] = AESGCM(raw)
        if len(self._keys) > self._limit:
            self._keys.popitem(last=False)

    def _context(self, contact: ContactId) -> str:
        return f"contact-key:{self._tenant}:{contact}"


def split(event: FactEvent) -> tuple[dict[str, Any], dict[str, Any]]:
    """The fields of the fact, without its contact, that are stored to be seen, and the personal ones, which are
    sealed; empty ones of these are seen. Values are left to the encoder as they are."""
    fact = event.fact
    seen, read, names = _FIELDS[type(fact)]
    data = dict(zip(seen, read(fact), strict=True))
    personal: dict[str, Any] = {}
    for name in names:
        value = getattr(fact, name)
        (personal if value else data)[name] = value
    return data, personal


def seal_personal(
    personal: dict[str, Any], event: FactEvent, contact: ContactId | None, keys: ContactKeys, sealer: Sealer
) -> bytes:
    """Encrypt personal fields; the key of the event's contact, if it has one, must be in memory."""
    plain = _encode(personal)
    if contact is None:
        return sealer.seal(plain, f"journal:{event.id}")
    key = keys.get(contact)
    if key is None:
        raise LookupError(f"no key for contact {contact}")
    nonce = os.urandom(_NONCE_BYTES)
    return nonce + key.encrypt(nonce, plain, event.id.encode())


def open_personal(sealed: bytes, event_id: str, key: AESGCM | None, sealer: Sealer) -> dict[str, Any]:
    """Decrypt personal fields; ``key`` None: of a fact without a contact. Raises RemoteViolation."""
    if key is None:
        plain = sealer.open(sealed, f"journal:{event_id}")
    else:
        try:
            plain = key.decrypt(sealed[:_NONCE_BYTES], sealed[_NONCE_BYTES:], event_id.encode())
        except InvalidTag:
            raise RemoteViolation(f"personal data of event {event_id} was changed") from None
    opened: dict[str, Any] = msgspec.json.decode(plain)
    return opened


def _encode(personal: dict[str, Any]) -> bytes:
    try:
        return msgspec.json.encode(personal)
    except UnicodeEncodeError:
        clean = {k: v.encode(errors="replace").decode() if isinstance(v, str) else v for k, v in personal.items()}
        return msgspec.json.encode(clean)
