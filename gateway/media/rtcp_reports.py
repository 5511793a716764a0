"""What RTCP reports of each leg, in arrays: the compound packets of all legs that are due are written at once."""

from __future__ import annotations

import secrets
from typing import Final

import numpy as np

from gateway.media.addresses import NOWHERE, SOCKADDR, sockaddr
from gateway.media.audio import Array, Bytes, Rows
from gateway.media.hot_path import HotPath, Reported
from gateway.media.reception import Reception
from gateway.media.rows import RowArrays
from gateway.media.rtcp import ntp_time
from gateway.media.sending import Sender

_CNAME_BYTES: Final = 8
#: A sender report with one block, 52 octets, and the description of the source with so long a name, 28.
_ROOM: Final = 80


class RtcpReports(RowArrays):
    """Reports of all legs about what ``reception`` and ``sender`` counted, and where they go."""

    def __init__(self, hot_path: HotPath, reception: Reception, sender: Sender) -> None:
        super().__init__()
        self._hot_path = hot_path
        self._reception = reception
        self._sender = sender
        self._cname = secrets.token_hex(_CNAME_BYTES).encode()  # random, so that it names nobody (RFC 7022)
        self.last_report: Array
        self.last_report_at: Array
        self._expected_before: Array
        self._received_before: Array
        self._packets: Array
        self._lengths: Array
        self._fd: Array
        self._names: Array
        self._connected: Array
        self._sent: Array
        self.row_array("last_report", np.uint32)  # the middle of its NTP stamp; 0: the peer sent none
        self.row_array("last_report_at", np.float64)
        self.row_array("_expected_before", np.int64)
        self.row_array("_received_before", np.int64)
        self.row_array("_packets", np.uint8, 0, (_ROOM,))
        self.row_array("_lengths", np.int64)
        self.row_array("_fd", np.int32, -1)
        self.row_array("_names", SOCKADDR)
        self.row_array("_connected", np.bool_, False)
        self.row_array("_sent", np.int64)

    def begin(self, row: int, fd: int) -> None:
        """Give a row the socket of its reports."""
        self._fd[row] = fd

    def aim(self, row: int, to: int) -> None:
        """Send the row's reports to an address from now on."""
        if to != NOWHERE:
            self._names[row] = sockaddr(to)

    def write(self, rows: Rows, now: float, wall: float) -> None:
        """Write what these rows have to report now; ``wall``: the same instant, seconds since 1970."""
        reception, sender = self._reception, self._sender
        reported = Reported(
            sent=sender.packets_sent,
            clock=sender.clock,
            own=sender.ssrc,
            started=reception.started,
            ssrc=reception.ssrc,
            highest=reception.highest,
            first=reception.first,
            in_stream=reception.in_stream,
            received=reception.received,
            lost_before=reception.lost_before,
            jitter=reception.jitter,
            last_report=self.last_report,
            last_report_at=self.last_report_at,
            expected_before=self._expected_before,
            received_before=self._received_before,
            packets=self._packets,
            lengths=self._lengths,
        )
        self._hot_path.report(reported, rows, ntp_time(wall), now, self._cname)

    def packet(self, row: int) -> bytes:
        """What was written of a row last."""
        packet: Bytes = self._packets[row, : self._lengths[row]]
        return packet.tobytes()

    def send(self, rows: Rows) -> None:
        """Send what was written; what cannot leave is lost like any datagram."""
        names, connected = self._names, self._connected
        self._hot_path.send(self._fd[rows], rows, self._packets, self._lengths, names, connected, self._sent)
