"""Free ports for programs that want theirs on the command line."""

from __future__ import annotations

import contextlib
import fcntl
import os
import random
import socket
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Final

#: Below Linux's ephemeral ports (32768…), where the phones and every other program get theirs.
_FIRST: Final = 20000
_LAST: Final = 32000


def _bindable(port: int, *, tcp: bool = True) -> bool:
    kinds = [socket.SOCK_DGRAM, socket.SOCK_STREAM] if tcp else [socket.SOCK_DGRAM]
    for kind in kinds:
        with socket.socket(socket.AF_INET, kind) as probe:
            try:
                probe.bind(("127.0.0.1", port))
            except OSError:
                return False
    return True


def free_port() -> int:
    """An even port that is free for UDP and TCP now, and the odd one above it as well."""
    while True:
        port = random.randrange(_FIRST, _LAST, 2)
        if _bindable(port) and _bindable(port + 1):
            return port


class PortBlock:
    """A run of ports that no other block of this machine's test runs overlaps, until it is closed."""

    def __init__(self, size: int) -> None:
        for first in self._candidates(size):
            self._lock = self._take(first, size)
            if self._lock >= 0:
                self.first, self.last = first, first + size - 1
                return
        raise OSError(f"no {size} free ports together between {_FIRST} and {_LAST}")

    def close(self) -> None:
        """Let others have the ports."""
        os.close(self._lock)

    @staticmethod
    def _candidates(size: int) -> Iterator[int]:
        starts = list(range(_FIRST, _LAST - size, size))
        random.shuffle(starts)
        yield from starts

    @staticmethod
    def _take(first: int, size: int) -> int:
        path = Path(tempfile.gettempdir()) / f"ccplatform-ports-{first}-{size}.lock"
        lock = os.open(path, os.O_CREAT | os.O_RDWR, 0o666)
        with contextlib.suppress(OSError):
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
            if all(_bindable(port, tcp=port < first + 8) for port in range(first, first + size)):
                return lock
        os.close(lock)
        return -1
