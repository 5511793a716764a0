"""The two places where packets may be changed: between the wire and the engine, both ways.

A leg that is marked in :class:`Transforms` has its received packets given to a :class:`Protection` before they
are parsed, and its outgoing packets after everything else is done to them. A leg whose payload type is of kind
``CODED`` has its audio given to a :class:`Coding` in place of the G.711 tables. Plain G.711 legs cost nothing
here: the handlers are called with the marked legs only, once per tick, for all of them together.
"""

from __future__ import annotations

from typing import Protocol

import numpy as np

from gateway.media.audio import Array, Bytes, Mask, Rows
from gateway.media.hot_path import Heard
from gateway.media.packet_io import Batch
from gateway.media.rows import RowArrays
from gateway.media.rtp import Headers
from gateway.media.sending import Sender


class Protection(Protocol):
    """What stands between packets and the wire for marked legs, such as SRTP."""

    def unprotect(self, batch: Batch, chosen: Rows) -> None:
        """Change packets ``chosen`` of the batch in place: ``packets`` and ``length``.

        What is no RTP afterwards gets the length -1: it is passed over without being counted as malformed, so
        whatever else shares the socket (STUN, DTLS, RTCP; RFC 7983) is dealt with and counted here.
        """

    def protect(self, packets: Bytes, lengths: Array, rows: Rows) -> None:
        """Change the outgoing packets ``packets[rows]`` in place and set ``lengths[rows]``; 0: do not send."""


class Coding(Protocol):
    """Codecs other than G.711, by row."""

    def take(self, batch: Batch, headers: Headers, chosen: Rows, begins: Mask, now: float) -> None:
        """Decode the packets ``chosen`` (no leg twice; ``begins``: of a new stream) into the jitter buffer."""

    def speak(self, heard: Heard, sender: Sender) -> None:
        """Write the payloads of this tick for its rows with ``sender.put``."""


class Transforms(RowArrays):
    """Which rows are treated specially, and by whom. A row may be marked only while its handler is there."""

    def __init__(self) -> None:
        super().__init__()
        self.protected: Array
        self.row_array("protected", np.bool_, False)
        self.protection: Protection | None = None
        self.coding: Coding | None = None

    def unprotect(self, batch: Batch) -> None:
        """Let what was received by marked legs become RTP."""
        if self.protection is not None:
            chosen = np.flatnonzero(self.protected[batch.row])
            if len(chosen):
                self.protection.unprotect(batch, chosen)

    def speak(self, heard: Heard, sender: Sender) -> None:
        """Let legs of other codecs have their payloads."""
        if self.coding is not None:
            self.coding.speak(heard, sender)

    def protect(self, sender: Sender) -> None:
        """Let what marked legs send become what goes over the wire."""
        if self.protection is not None:
            rows = np.flatnonzero(self.protected & sender.sending)
            if len(rows):
                self.protection.protect(sender.packets, sender.lengths, rows)
