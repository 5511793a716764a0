"""Sealing data at rest: AES-256-GCM (NIST SP 800-38D) under one master key.

Sealed form: one byte key id, 12 bytes nonce, ciphertext with its 16-byte tag. The *context* says what the data is
(``seat-secret:seat-01``) and is authenticated with it, so that a sealed value cannot be moved elsewhere. The key
id leaves room for changing the master key later.
"""

from __future__ import annotations

import base64
import binascii
import os
import secrets
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

from ccplatform.security.errors import BadSeal, VaultClosed

#: Environment variable that holds the master key (base64 of 32 bytes) instead of the file.
KEY_VARIABLE = "CCP_MASTER_KEY"

_KEY_BYTES = 32
_NONCE_BYTES = 12
_TAG_BYTES = 16
_CURRENT_KEY_ID = 1


class Vault:
    """Seals and opens under ``master_key`` (32 bytes)."""

    def __init__(self, master_key: bytes) -> None:
        if len(master_key) != _KEY_BYTES:
            raise VaultClosed(f"the master key has {len(master_key)} bytes, not {_KEY_BYTES}")
        self._keys = {_CURRENT_KEY_ID: AESGCM(master_key)}
        self._master_key = master_key

    def seal(self, plain: bytes, context: str) -> bytes:
        """Encrypt and authenticate; some microseconds for short data."""
        nonce = secrets.token_bytes(_NONCE_BYTES)
        key = self._keys[_CURRENT_KEY_ID]
        return bytes([_CURRENT_KEY_ID]) + nonce + key.encrypt(nonce, plain, context.encode())

    def open(self, sealed: bytes, context: str) -> bytes:
        """What :meth:`seal` was given with the same context; raises :class:`BadSeal`."""
        if len(sealed) < 1 + _NONCE_BYTES + _TAG_BYTES:
            raise BadSeal(f"sealed data for {context!r} is too short")
        key = self._keys.get(sealed[0])
        if key is None:
            raise BadSeal(f"sealed data for {context!r} names the unknown key {sealed[0]}")
        nonce, body = sealed[1 : 1 + _NONCE_BYTES], sealed[1 + _NONCE_BYTES :]
        try:
            return key.decrypt(nonce, body, context.encode())
        except InvalidTag:
            raise BadSeal(
                f"sealed data for {context!r} does not open: changed, or sealed with another key"
            ) from None

    def derive(self, context: str) -> bytes:
        """A key of 32 bytes for another purpose than sealing (HKDF, RFC 5869); the same for the same context."""
        derivation = HKDF(algorithm=SHA256(), length=_KEY_BYTES, salt=None, info=context.encode())
        return derivation.derive(self._master_key)


def load_vault(data_directory: Path, environment: Mapping[str, str] = os.environ) -> Vault:
    """The vault of an installation: key from ``CCP_MASTER_KEY`` or ``master.key``, made on the first start."""
    text = environment.get(KEY_VARIABLE)
    if text:
        return Vault(decode_key(text, f"environment variable {KEY_VARIABLE}"))
    path = data_directory / "master.key"
    if not path.exists():
        _make_key_file(path)
    try:
        if path.stat().st_mode & 0o077:
            raise VaultClosed(f"{path} can be read by others; run `chmod 600 {path}`")
        return Vault(decode_key(path.read_text(encoding="ascii", errors="replace"), str(path)))
    except OSError as error:
        raise VaultClosed(f"cannot read {path}: {error.strerror}") from error


def _make_key_file(path: Path) -> None:
    draft = path.with_name(f"{path.name}.{os.getpid()}")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        descriptor = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        with os.fdopen(descriptor, "wb") as file:
            file.write(base64.b64encode(secrets.token_bytes(_KEY_BYTES)) + b"\n")
            os.fsync(descriptor)
        # A link fails if another process made the key in the meantime: its key counts.
        with suppress(FileExistsError):
            os.link(draft, path)
    except OSError as error:
        raise VaultClosed(f"cannot make {path}: {error.strerror}") from error
    finally:
        draft.unlink(missing_ok=True)


def decode_key(text: str, source: str) -> bytes:
    """A master key of base64; ``source`` says where it stood. Raises VaultClosed."""
    try:
        key = base64.b64decode(text.strip(), validate=True)
    except (ValueError, binascii.Error):
        raise VaultClosed(f"the master key in {source} is not base64") from None
    if len(key) != _KEY_BYTES:
        raise VaultClosed(f"the master key in {source} has {len(key)} bytes, not {_KEY_BYTES}")
    return key
