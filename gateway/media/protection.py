"""SRTP of all encrypted legs within the tick: whole batches, in place (:class:`transforms.Protection`)."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Final

import numpy as np

from gateway.media.addresses import key_at
from gateway.media.audio import Array, Bytes, Rows
from gateway.media.demux import Protocol, protocols
from gateway.media.leg_security import LegSecurity
from gateway.media.packet_io import Batch
from gateway.media.rows import RowArrays
from gateway.media.srtp import Slots, SrtpSession, length_slots, protect, unprotect

_NO_RTP: Final = -1
_SSRC: Final = slice(8, 12)


class SrtpProtection(RowArrays):
    """``aside(row, protocol, datagram, source)`` takes what is no RTP: STUN, DTLS, RTCP."""

    def __init__(self, aside: Callable[[int, Protocol, bytes, int], None]) -> None:
        super().__init__()
        self.unauthentic: Array
        self.repeated: Array
        self._ssrc: Array
        self._lengths: Array
        self.row_counter("unauthentic")  # also: more streams than a leg may have
        self.row_counter("repeated")
        self.row_array("_ssrc", np.int64, -1)  # of the last packet that was authentic
        self.row_array("_lengths", np.int32)
        self._aside = aside
        self._security: dict[int, LegSecurity] = {}
        self._inbound: dict[int, Any] = {}
        self._outbound: dict[int, Any] = {}
        self._packet_slots, self._sent_slots = Slots(), Slots()
        self._length_slots, self._sent_length_slots = length_slots(), length_slots()

    def clear(self, row: int) -> None:
        """See :class:`RowPart`."""
        super().clear(row)
        for kept in (self._security, self._inbound, self._outbound):
            kept.pop(row, None)

    def use(self, row: int, security: LegSecurity, session: SrtpSession) -> None:
        """The row's packets are protected by this session from now on."""
        self._security[row] = security
        self._inbound[row], self._outbound[row] = session.inbound, session.outbound
        self._ssrc[row] = -1

    def forget(self, row: int) -> None:
        """Drop the row's keys: nothing of it is authentic, nothing is sent."""
        for kept in (self._security, self._inbound, self._outbound):
            kept.pop(row, None)

    # --- from the wire ------------------------------------------------------------------------------------

    def unprotect(self, batch: Batch, chosen: Rows) -> None:
        """See :class:`~gateway.media.transforms.Protection`."""
        kinds = protocols(batch.packets[chosen, :2], batch.length[chosen])
        media = kinds == Protocol.RTP
        if not media.all():
            for index, kind in zip(chosen[~media].tolist(), kinds[~media].tolist(), strict=True):
                datagram = batch.packets[index, : batch.length[index]].tobytes()
                self._aside(int(batch.row[index]), Protocol(kind), datagram, key_at(batch.source, index))
            batch.length[chosen[~media]] = _NO_RTP
            chosen = chosen[media]
        if len(chosen):
            self._decrypt(batch, chosen)

    def _decrypt(self, batch: Batch, chosen: Rows) -> None:
        rows = batch.row[chosen]
        ssrc = batch.packets[chosen, _SSRC].view(">u4")[:, 0].astype(np.int64)
        allowed = self._may_be_heard(rows, ssrc)
        packets, sizes = self._packet_slots.of(batch.packets), self._length_slots.of(batch.length)
        inbound = [
            self._inbound.get(row) if good else None
            for row, good in zip(rows.tolist(), allowed.tolist(), strict=True)
        ]
        states = [
            False if session is None else unprotect(session, packets[index], sizes[index])
            for session, index in zip(inbound, chosen.tolist(), strict=True)
        ]
        authentic = np.asarray([state is True for state in states])
        if authentic.all():
            self._note(rows, ssrc)
            return
        batch.length[chosen[~authentic]] = _NO_RTP
        self._note(rows[authentic], ssrc[authentic])
        repeated = np.asarray([state is None for state in states])
        np.add.at(self.repeated, rows[repeated], 1)
        np.add.at(self.unauthentic, rows[~authentic & ~repeated], 1)

    def _may_be_heard(self, rows: Rows, ssrc: Array) -> Array:
        """False for packets of new streams of legs that have too many already."""
        allowed: Array = ssrc == self._ssrc[rows]
        for index in np.flatnonzero(~allowed).tolist():
            security = self._security.get(int(rows[index]))
            allowed[index] = security is not None and security.may_begin(int(ssrc[index]))
        return allowed

    def _note(self, rows: Rows, ssrc: Array) -> None:
        for index in np.flatnonzero(ssrc != self._ssrc[rows]).tolist():
            row = int(rows[index])
            self._security[row].streams.add(int(ssrc[index]))
            self._ssrc[row] = ssrc[index]

    # --- to the wire --------------------------------------------------------------------------------------

    def protect(self, packets: Bytes, lengths: Array, rows: Rows) -> None:
        """See :class:`~gateway.media.transforms.Protection`. What cannot be protected is not sent."""
        self._lengths[rows] = lengths[rows]
        addresses, sizes = self._sent_slots.of(packets), self._sent_length_slots.of(self._lengths)
        outbound = self._outbound
        unsent = [
            row
            for row in rows.tolist()
            if row not in outbound or protect(outbound[row], addresses[row], sizes[row])
        ]
        self._lengths[unsent] = 0
        lengths[rows] = self._lengths[rows]
