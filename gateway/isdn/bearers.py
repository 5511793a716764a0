"""The sound of E1 calls: time slots and RTP (PCMA, RFC 3551) to the media workers on this machine.

The octets of a slot are those of PCMA, so nothing is coded anew. What comes goes out as a packet at once, by the
clock of the line; the worker's jitter buffer takes up the drift, as for any network. What the worker sends waits
in a store that is emptied by the clock of the line (:mod:`gateway.isdn.row_store`).
"""

from __future__ import annotations

import socket
import struct
from contextlib import suppress
from typing import Final, Protocol

from gateway.isdn.line import OCTETS, SILENCE
from gateway.isdn.row_store import RowStore
from gateway.media.port import LocalAudio, RemoteAudio

_HEADER: Final = struct.Struct("!BBHII")
_PCMA: Final = 8
_MARKER: Final = 0x80
_MAX_PACKET: Final = 2048


class EchoCanceller(Protocol):
    """Line echo cancellation (ITU-T G.168), where the card has none: a hook, nothing is put there by default."""

    def cancel(self, heard: bytes, said: bytes) -> bytes:
        """20 ms from the line without the echo of what was said there at the same time, both A-law."""


class Bearer:
    """The sound of one call, both ways. ``host`` is our address towards the workers."""

    def __init__(self, host: str, *, ssrc: int, canceller: EchoCanceller | None = None) -> None:
        self.rows = RowStore()
        self.sent = 0
        self._ssrc, self._canceller = ssrc, canceller
        self._socket = socket.socket(socket.AF_INET6 if ":" in host else socket.AF_INET, socket.SOCK_DGRAM)
        self._socket.setblocking(False)
        self._socket.bind((host, 0))
        self._remote: tuple[str, int] | None = None
        self._sequence = ssrc & 0xFFFF
        self._clock = ssrc & 0xFFFFFFFF
        self._said = SILENCE

    @property
    def local(self) -> LocalAudio:
        """Where the worker sends."""
        host, port = self._socket.getsockname()[:2]
        return LocalAudio(host=host, port=port)

    @property
    def connected(self) -> bool:
        """Whether there is somebody to send to."""
        return self._remote is not None

    def connect(self, remote: RemoteAudio) -> None:
        """Send there from now on."""
        self._remote = remote.host, remote.port

    def hear(self, row: bytes) -> None:
        """20 ms came from the line."""
        if self._remote is None:
            return
        if self._canceller is not None:
            row = self._canceller.cancel(row, self._said)
        kind = _PCMA | (0 if self.sent else _MARKER)
        packet = _HEADER.pack(0x80, kind, self._sequence, self._clock, self._ssrc) + row
        self._sequence = (self._sequence + 1) & 0xFFFF
        self._clock = (self._clock + OCTETS) & 0xFFFFFFFF
        self.sent += 1
        with suppress(OSError):  # RTP may be lost; a worker that is gone is signalling's matter
            self._socket.sendto(packet, self._remote)

    def say(self) -> bytes:
        """20 ms for the line."""
        self._take()
        self._said = self.rows.take()
        return self._said

    def close(self) -> None:
        """Free the socket."""
        self._remote = None
        self._socket.close()

    def _take(self) -> None:
        while True:
            try:
                packet = self._socket.recv(_MAX_PACKET)
            except OSError:  # nothing more, or we were told of a packet that could not be delivered
                break
            if len(packet) == _HEADER.size + OCTETS and packet[0] == 0x80 and packet[1] & 0x7F == _PCMA:
                self.rows.put(packet[_HEADER.size :])
