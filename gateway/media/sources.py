"""Who may send to a leg, and what its packets mean: symmetric RTP with safe latching.

A leg listens to the address that signalling gave. A peer behind a NAT sends from another one: its source is
*latched* after several consecutive packets with a negotiated payload type, but only while nothing was heard
from the signalled address, or after proven silence of the source listened to so far. A packet from the
signalled address always wins. Packets of strangers are counted and dropped.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import IntEnum
from typing import Final

import numpy as np

from gateway.media.addresses import NOWHERE, PARTS, key_at, parts_of
from gateway.media.audio import Array
from gateway.media.rows import RowArrays

#: Consecutive packets of one source that make it the leg's source.
LATCH_PACKETS: Final = 4

_UNKNOWN: Final = -1


class Kind(IntEnum):
    """What a packet of a payload type is; the first two are the values of :class:`~gateway.media.g711.Law`."""

    UNKNOWN = -1
    PCMU = 0
    PCMA = 1
    COMFORT_NOISE = 2
    TELEPHONE_EVENT = 3
    CODED = 4  # audio of the leg's codec when that is not G.711


#: Understood whatever was agreed: a peer may change to them while a call goes on (RFC 3264 section 5.1).
_STATIC_TYPES: Final = {0: Kind.PCMU, 8: Kind.PCMA, 13: Kind.COMFORT_NOISE}


@dataclass(slots=True)
class _Candidate:
    source: int
    ssrc: int
    next_sequence: int
    packets: int = 1


class Sources(RowArrays):
    """Sources and payload types of all legs."""

    def __init__(self, relatch_seconds: float) -> None:
        super().__init__()
        self.source: Array
        self.signalled: Array
        self.heard: Array
        self.last_heard: Array
        self.strangers: Array
        self.unknown_type: Array
        self.malformed: Array
        self.kind: Array
        self.row_array("source", np.int64, NOWHERE, (PARTS,))  # listened to
        self.row_array("signalled", np.int64, _UNKNOWN, (PARTS,))  # the address that signalling gave
        self.row_array("heard", np.bool_, False)  # a packet of `source` came
        self.row_array("last_heard", np.float64)
        self.row_counter("strangers")
        self.row_counter("unknown_type")
        self.row_counter("malformed")
        self.row_array("kind", np.int8, Kind.UNKNOWN, (128,))
        self._candidates: dict[int, _Candidate] = {}
        self._relatch_seconds = relatch_seconds

    def clear(self, row: int) -> None:
        """See :class:`RowPart`."""
        super().clear(row)
        self._candidates.pop(row, None)

    def source_of(self, row: int) -> int:
        """Who is listened to."""
        return key_at(self.source, row)

    def listen(self, row: int, source: int, *, heard: bool) -> None:
        """Listen to a source from now on; ``heard``: a packet of it came."""
        self.source[row], self.heard[row] = parts_of(source), heard

    def streams(self) -> tuple[Array, ...]:
        """The arrays that the hot path knows, in its order."""
        return self.kind, self.source, self.heard, self.last_heard

    def expect(self, row: int, source: int, now: float) -> bool:
        """Signalling gave an address; False when it gave that one before (a latched source is then kept)."""
        self.last_heard[row] = now
        if key_at(self.signalled, row) == source:
            return False
        self.signalled[row] = parts_of(source)
        self._candidates.pop(row, None)
        self.listen(row, source, heard=False)
        return True

    def accept_types(self, row: int, kinds: dict[int, Kind]) -> None:
        """Set what payload types mean; the static ones of G.711 and comfort noise are always understood."""
        self.kind[row] = Kind.UNKNOWN
        for payload_type, kind in (_STATIC_TYPES | kinds).items():
            self.kind[row, payload_type] = kind

    def may_latch(self, row: int, source: int, ssrc: int, sequence: int, now: float) -> bool:
        """Take note of a well-formed packet of a stranger; True when the leg listens to him from now on."""
        signalled = key_at(self.signalled, row)
        if signalled == _UNKNOWN:
            return False
        if source != signalled:
            if self.heard[row] and now - self.last_heard[row] < self._relatch_seconds:
                self._candidates.pop(row, None)
                return False
            if not self._proven(row, source, ssrc, sequence):
                return False
        self.listen(row, source, heard=True)
        self._candidates.pop(row, None)
        return True

    def _proven(self, row: int, source: int, ssrc: int, sequence: int) -> bool:
        candidate = self._candidates.get(row)
        known = candidate is not None and (candidate.source, candidate.ssrc) == (source, ssrc)
        if candidate is None or not known or candidate.next_sequence != sequence:
            self._candidates[row] = _Candidate(source, ssrc, (sequence + 1) & 0xFFFF)
            return False
        candidate.next_sequence = (sequence + 1) & 0xFFFF
        candidate.packets += 1
        return candidate.packets >= LATCH_PACKETS
