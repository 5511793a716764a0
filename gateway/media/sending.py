"""RTP towards the peers: one packet per leg and tick, headers and addresses prepared in arrays."""

from __future__ import annotations

from typing import Final

import numpy as np

from gateway.media.addresses import SOCKADDR, sockaddr
from gateway.media.audio import FRAME, Array, Bytes, Rows
from gateway.media.g711 import Law
from gateway.media.hot_path import Heard, HotPath
from gateway.media.packet_io import connect
from gateway.media.rows import RowArrays
from gateway.media.rtp import HEADER_BYTES, VERSION_2

#: Room for an outgoing packet: header, 20 ms of any codec at 128 kbit/s, what SRTP appends.
MAX_SENT: Final = 384

_MARKER: Final = 0x80
_AUDIO_BYTES: Final = HEADER_BYTES + FRAME

_PACKET: Final = np.dtype(
    [
        ("flags", "u1"),
        ("type", "u1"),
        ("sequence", ">u2"),
        ("timestamp", ">u4"),
        ("ssrc", ">u4"),
        ("payload", "u1", (MAX_SENT - HEADER_BYTES,)),
    ]
)


class Sender(RowArrays):
    """The outgoing streams of all legs. A leg sends while ``sending``; its clock runs from the first packet on."""

    def __init__(self, hot_path: HotPath) -> None:
        super().__init__()
        self._hot_path = hot_path
        self.sending: Array
        self.clock: Array
        self.clock_step: Array
        self.packets_sent: Array
        self.payload_type: Array
        self.law: Array
        self.ssrc: Array
        self.lengths: Array
        self.running: Array
        self._fd: Array
        self._names: Array
        self.connected: Array
        self.connectable: Array
        self._starting: Array
        self._sequence: Array
        self.row_array("sending", np.bool_, False)
        self.row_array("clock", np.uint32)  # RTP timestamp of the next frame
        self.row_array("clock_step", np.uint32, FRAME)  # RTP clock units per tick; another codec may set it
        self.row_array("packets_sent", np.int64)
        self.row_array("payload_type", np.uint8)
        self.row_array("law", np.int8)
        self.row_array("ssrc", np.uint32)
        self.row_array("lengths", np.int64)  # octets of the packet that is prepared; 0: none
        self.row_array("running", np.bool_, False)
        self.row_array("connected", np.bool_, False)  # the socket is: no name is needed
        self.row_array("connectable", np.bool_, False)  # the socket may be
        self.row_array("_starting", np.bool_, False)
        self.row_array("_sequence", np.uint16)
        self.row_array("_fd", np.int32, -1)
        self.row_array("_names", SOCKADDR)
        self._dirty = True
        self._rows: Rows = np.zeros(0, dtype=np.int64)
        self._fds: Array = np.zeros(0, dtype=np.int32)

    def grow(self, capacity: int) -> None:
        """See :class:`RowPart`; the packets are written anew at each tick."""
        super().grow(capacity)
        self._packets: Array = np.zeros(capacity, dtype=_PACKET)
        self._packets["flags"] = VERSION_2
        self.packets: Bytes = self._packets.view(np.uint8).reshape(capacity, MAX_SENT)
        self._dirty = True

    def clear(self, row: int) -> None:
        """See :class:`RowPart`."""
        super().clear(row)
        self._dirty = True

    def begin(self, row: int, fd: int, ssrc: int, sequence: int, clock: int, *, connectable: bool = True) -> None:
        """Give a row its socket and the random start values of its stream (RFC 3550 section 5.1).

        A ``sequence`` below 2^15 keeps apart the first packets of SRTP from those after a wrap (RFC 3711 section
        3.3.1). A socket of all addresses is not ``connectable``: it would be bound to one of them, perhaps not the
        one that the peer sends to.
        """
        self._fd[row], self.connectable[row] = fd, connectable
        self.ssrc[row], self._sequence[row], self.clock[row] = ssrc, sequence, clock

    def direct(self, row: int, law: Law, payload_type: int) -> None:
        """How the row's packets are coded; its clock runs from now on."""
        self.law[row], self.payload_type[row] = law, payload_type
        self.running[row] = True
        self._dirty = True

    def enable(self, row: int, sending: bool) -> None:
        """Send packets, or (the peer receives nothing) let only the clock run."""
        self._starting[row] |= sending and not self.sending[row]
        self.sending[row] = sending
        self._dirty = True

    def aim(self, row: int, source: int) -> None:
        """Send to another address from now on."""
        name = sockaddr(source)
        if self._names[row].tobytes() != name.tobytes():
            self.disconnect(row)
            self._names[row] = name

    def connect(self, row: int) -> None:
        """Connect the row's socket to where it sends: the kernel keeps the way there, and others out."""
        self.connected[row] = connect(int(self._fd[row]), self._names[row].tobytes())

    def disconnect(self, row: int) -> None:
        """Let the row's socket hear everybody again."""
        if self.connected[row]:
            connect(int(self._fd[row]), bytes(SOCKADDR.itemsize))
            self.connected[row] = False

    def prepare(self, heard: Heard) -> None:
        """Encode what all legs that send are to hear and write the headers."""
        if self._dirty:
            self._plan()
        rows, packets = self._rows, self.packets
        self._hot_path.encode(self.law, heard, rows, packets)
        self._hot_path.head(
            rows, packets, self._sequence, self.clock, self.ssrc, self.payload_type, self._starting
        )
        self.lengths[rows] = _AUDIO_BYTES

    def put(self, row: int, payload: bytes) -> None:
        """Send this payload from the row in this tick (between prepare and send); an empty one: no packet."""
        self._packets[row]["payload"][: len(payload)] = np.frombuffer(payload, dtype=np.uint8)
        self.lengths[row] = HEADER_BYTES + len(payload) if payload else 0

    def replace(self, row: int, payload_type: int, marker: bool, timestamp: int, payload: bytes) -> None:
        """Send something else than audio from this row in this tick (between prepare and send)."""
        packet = self._packets[row]
        packet["type"] = payload_type | (_MARKER if marker else 0)
        packet["timestamp"] = timestamp
        self.put(row, payload)

    def send(self) -> None:
        """Hand the prepared packets to the kernel and let the clocks go on."""
        names, connected = self._names, self.connected
        self._hot_path.send(self._fds, self._rows, self.packets, self.lengths, names, connected, self.packets_sent)
        self.advance(1)

    def advance(self, ticks: int) -> None:
        """Let the clocks of all streams run on; also for ticks that were skipped. Nobody sees where a clock is
        before its row is ``running``."""
        self.clock += self.clock_step if ticks == 1 else self.clock_step * np.uint32(ticks)

    def _plan(self) -> None:
        self._rows = np.flatnonzero(self.sending)
        self._fds = self._fd[self._rows]
        self._dirty = False
