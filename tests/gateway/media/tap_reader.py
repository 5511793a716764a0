"""A program that listens to taps, for tests."""

from __future__ import annotations

import socket
from pathlib import Path

import numpy as np

from gateway.media.audio import Pcm
from gateway.media.taps import HEADER


class Reader:
    """A program that listens to taps."""

    def __init__(self, path: Path) -> None:
        self.path = str(path)
        self._listener = socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        self._listener.bind(self.path)
        self._listener.listen(4)
        self._listener.setblocking(False)
        self.connection: socket.socket | None = None

    def read(self) -> list[tuple[int, int, float, Pcm]]:
        """All packets there are: number, lost, instant, samples."""
        if self.connection is None:
            try:
                self.connection, _ = self._listener.accept()
            except BlockingIOError:
                return []
            self.connection.setblocking(False)
        packets: list[tuple[int, int, float, Pcm]] = []
        while True:
            try:
                data = self.connection.recv(65536)
            except BlockingIOError:
                return packets
            if not data:
                self.connection.close()
                self.connection = None
                return packets
            number, lost, at = HEADER.unpack_from(data)
            packets.append((number, lost, at, np.frombuffer(data[HEADER.size :], dtype="<i2").astype(np.int16)))

    def close(self) -> None:
        self._listener.close()
        if self.connection is not None:
            self.connection.close()
