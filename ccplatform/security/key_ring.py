"""The master keys of recordings: each recording's own key is wrapped by the newest of them (AES-256-GCM).

A *wrapped* key names its master key, so that older ones go on being read after a change: new recordings take the
new key, and :meth:`KeyRing.wrap` of what :meth:`KeyRing.unwrap` gave brings an older one under it without touching
the sound. Form: length and id of the master key, length and bytes of what the source made of the key.
"""

from __future__ import annotations

import base64
import json
import os
import re
import secrets
import struct
from collections.abc import Mapping
from pathlib import Path
from typing import Final, Literal, Protocol

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from ccplatform.kernel.clock import Clock
from ccplatform.security.errors import BadSeal, VaultClosed
from ccplatform.security.sealed_sound import KEY_BYTES
from ccplatform.security.vault import decode_key

#: Environment variable with the master keys, the newest last: ``id:base64,id:base64``.
KEYS_VARIABLE: Final = "CCP_RECORDING_KEYS"
#: The file of the master keys in the data directory.
KEYS_FILE: Final = "recording.keys"

_FRONT: Final = struct.Struct("<BH")
_ID: Final = re.compile(r"[A-Za-z0-9][A-Za-z0-9_.-]{0,31}")
_NONCE_BYTES: Final = 12


class KeySource(Protocol):
    """Where master keys are: a file, the environment, or a key management service. Raises VaultClosed."""

    def current(self) -> str:
        """The id of the key for new recordings."""

    def encrypt(self, key_id: str, key: bytes, context: bytes) -> bytes:
        """A key of a recording under the master key of that id."""

    def decrypt(self, key_id: str, data: bytes, context: bytes) -> bytes:
        """The key again; raises BadSeal when it does not open or the master key is not there."""


class KeyRing:
    """Makes, wraps and unwraps the keys of recordings."""

    def __init__(self, source: KeySource) -> None:
        self._source = source

    @property
    def current(self) -> str:
        """The id of the master key for new recordings."""
        return self._source.current()

    def make(self, recording: str) -> tuple[bytes, bytes]:
        """A new key for a recording, and the same wrapped."""
        key = secrets.token_bytes(KEY_BYTES)
        return key, self.wrap(key, recording)

    def wrap(self, key: bytes, recording: str) -> bytes:
        """The key under the newest master key."""
        key_id = self._source.current()
        data = self._source.encrypt(key_id, key, _context(key_id, recording))
        name = key_id.encode()
        return _FRONT.pack(len(name), len(data)) + name + data

    def unwrap(self, wrapped: bytes, recording: str) -> bytes:
        """The key; raises BadSeal, VaultClosed. Padding after it is left alone."""
        key_id, data = _parts(wrapped)
        return self._source.decrypt(key_id, data, _context(key_id, recording))


def master_of(wrapped: bytes) -> str:
    """The id of the master key that a key is wrapped by; raises BadSeal for a key that was destroyed."""
    return _parts(wrapped)[0]


def _parts(wrapped: bytes) -> tuple[str, bytes]:
    if len(wrapped) < _FRONT.size:
        raise BadSeal("there is no wrapped key")
    name_length, length = _FRONT.unpack_from(wrapped)
    name = wrapped[_FRONT.size : _FRONT.size + name_length]
    data = wrapped[_FRONT.size + name_length : _FRONT.size + name_length + length]
    if not name or len(data) != length or not _ID.fullmatch(name.decode("ascii", "replace")):
        raise BadSeal("the key of this recording was destroyed or damaged")
    return name.decode("ascii"), data


def _context(key_id: str, recording: str) -> bytes:
    return f"recording-key\0{key_id}\0{recording}".encode()


class _LocalKeys:
    """Master keys in memory, by id; the newest is the last."""

    def __init__(self) -> None:
        self._keys: dict[str, AESGCM] = {}

    def current(self) -> str:
        self._look()
        if not self._keys:
            raise VaultClosed("there is no master key of recordings")
        return next(reversed(self._keys))

    def encrypt(self, key_id: str, key: bytes, context: bytes) -> bytes:
        nonce = secrets.token_bytes(_NONCE_BYTES)
        return nonce + self._keys[key_id].encrypt(nonce, key, context)

    def decrypt(self, key_id: str, data: bytes, context: bytes) -> bytes:
        if key_id not in self._keys:
            self._look()
        if key_id not in self._keys:
            raise BadSeal(f"the master key {key_id!r} of this recording is not there")
        try:
            return self._keys[key_id].decrypt(data[:_NONCE_BYTES], data[_NONCE_BYTES:], context)
        except (InvalidTag, ValueError):
            raise BadSeal(f"the key of this recording does not open with the master key {key_id!r}") from None

    def _look(self) -> None:
        """Read the keys anew if they may have changed."""


class KeyFile(_LocalKeys):
    """Master keys in a file for the platform's user alone: JSON, ``{"keys": [{"id": …, "key": base64}]}``.

    It is read when it is needed, and again when it changed: a new key counts without a restart.
    """

    def __init__(self, path: Path) -> None:
        super().__init__()
        self.path = path
        self._seen: tuple[int, int, int] | None = None

    def _look(self) -> None:
        try:
            status = self.path.stat()
            identity = status.st_ino, status.st_mtime_ns, status.st_size
            if identity == self._seen:
                return
            if status.st_mode & 0o077:
                raise VaultClosed(f"{self.path} can be read by others; run `chmod 600 {self.path}`")
            listed = _listed(self.path)
        except OSError as error:
            if self._keys:
                return  # what is in memory is good: an unreadable file stops no recording
            raise VaultClosed(f"cannot read {self.path}: {error.strerror}") from error
        self._keys = {key_id: AESGCM(decode_key(text, f"{self.path}, key {key_id}")) for key_id, text in listed}
        self._seen = identity


class KeysFromEnvironment(_LocalKeys):
    """Master keys in ``CCP_RECORDING_KEYS``; raises VaultClosed."""

    def __init__(self, environment: Mapping[str, str]) -> None:
        super().__init__()
        for part in environment.get(KEYS_VARIABLE, "").split(","):
            key_id, _, text = part.strip().partition(":")
            if not _ID.fullmatch(key_id):
                raise VaultClosed(f"{KEYS_VARIABLE} is to be like id:base64,id:base64, the newest key last")
            self._keys[key_id] = AESGCM(decode_key(text, f"{KEYS_VARIABLE}, key {key_id}"))


def open_ring(
    kind: Literal["file", "environment"] | KeySource,
    data_directory: Path,
    *,
    environment: Mapping[str, str] = os.environ,
) -> KeyRing:
    """The ring of an installation; raises VaultClosed when its keys are not there."""
    if not isinstance(kind, str):
        return KeyRing(kind)
    if kind == "environment":
        return KeyRing(KeysFromEnvironment(environment))
    return KeyRing(KeyFile(data_directory / KEYS_FILE))


def add_key(path: Path, clock: Clock) -> str:
    """Put a new master key into the file, which is made if need be; returns its id. Raises VaultClosed."""
    try:
        listed = _listed(path) if path.exists() else []
        stamp = clock.wall().strftime("%Y%m%d")
        taken = {key_id for key_id, _ in listed}
        key_id = next(name for name in _names(stamp) if name not in taken)
        listed.append((key_id, base64.b64encode(secrets.token_bytes(KEY_BYTES)).decode()))
        _write(path, json.dumps({"keys": [{"id": name, "key": key} for name, key in listed]}, indent=1))
    except OSError as error:
        raise VaultClosed(f"cannot write {path}: {error.strerror}") from error
    return key_id


def _names(stamp: str) -> list[str]:
    return [stamp, *(f"{stamp}-{number}" for number in range(2, 1000))]


def _write(path: Path, text: str) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    draft = path.with_name(f"{path.name}.{os.getpid()}")
    descriptor = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    with os.fdopen(descriptor, "w", encoding="ascii") as file:
        file.write(text + "\n")
        file.flush()
        os.fsync(descriptor)
    draft.replace(path)


def _listed(path: Path) -> list[tuple[str, str]]:
    try:
        rows = json.loads(path.read_text(encoding="ascii"))["keys"]
        listed = [(row["id"], row["key"]) for row in rows]
        if not listed or not all(_ID.fullmatch(key_id) for key_id, _ in listed):
            raise ValueError("no keys")
    except (ValueError, KeyError, TypeError) as error:
        raise VaultClosed(f"{path} is no file of master keys: {error}") from error
    return listed
