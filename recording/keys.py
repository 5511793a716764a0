"""The keys of recordings in their files: wrapped anew under another master key, or destroyed. All of it blocks."""

from __future__ import annotations

import os
from pathlib import Path

from ccplatform.security.key_ring import KeyRing, master_of
from ccplatform.security.sealed_sound import HEADER_BYTES, read_header, wrapped_place


def rewrap(path: Path, ring: KeyRing) -> bool:
    """Wrap the key of a recording by the newest master key; False: it was already. Raises BadSeal, OSError.

    It is one write into one block of the disk: a crash leaves the old one or the new one.
    """
    descriptor = os.open(path, os.O_RDWR | os.O_CLOEXEC | os.O_NOFOLLOW)
    try:
        description, wrapped = read_header(os.pread(descriptor, HEADER_BYTES, 0))
        if master_of(wrapped) == ring.current:
            return False
        new = ring.wrap(ring.unwrap(wrapped, description.recording), description.recording)
        os.pwrite(descriptor, new.ljust(HEADER_BYTES - wrapped_place(), b"\0"), wrapped_place())
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
    return True


def destroy_key(path: Path) -> None:
    """Write over the wrapped key: from now on nobody can open the file. Raises OSError."""
    descriptor = os.open(path, os.O_WRONLY | os.O_CLOEXEC | os.O_NOFOLLOW)
    try:
        os.pwrite(descriptor, bytes(HEADER_BYTES - wrapped_place()), wrapped_place())
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
