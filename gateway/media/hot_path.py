"""What has to be done for every packet and every sample of a tick: in Python, or by the compiled helper.

:mod:`.portable` needs nothing but libc and numpy; :mod:`.native` is tested against it. Both give the same results,
to the bit. Arrays are C-contiguous but for frames, whose rows may lie apart; rows are those of legs.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final, Protocol

import numpy as np

from gateway.media.audio import Array, Bytes, Floats, Mask, Pcm, Rows
from gateway.media.packet_io import Slots, Watch

#: Audio octets of one packet: 5 to 60 ms of G.711.
SMALLEST_PAYLOAD: Final = 40
LARGEST_PAYLOAD: Final = 480
#: Keeps the correlation of digital silence defined: the energy of 160 samples of magnitude 2.5.
SIMILARITY_FLOOR: Final = 1e3
#: What :meth:`HotPath.admit` reads and writes, one entry per row, with the type of its elements: of ``Sources``,
#: ``Transforms``, ``Reception``, ``Concealer``, ``WideLane``, ``JitterBuffer``.
STREAM_ARRAYS: Final = {
    **{"kind": "i1", "source": "i8", "heard": "bool", "last_heard": "f8"},
    **{"shielded": "bool"},
    **{"started": "bool", "ssrc": "u4", "highest": "i8", "in_stream": "i8", "received": "i8", "window": "u8"},
    **{"expected_next": "i8", "jitter": "f8", "transit": "i8", "transit_known": "bool"},
    **{"muted": "bool", "narrow": "bool"},
    **{"playing": "bool", "clock": "i4", "position": "i8", "timestamp": "u4", "end": "i8"},
    **{"strikes": "i1", "packet": "i4"},
    **{"delay": "f4", "delay_sum": "f8", "placed": "i8", "reach": "f8", "bins": "f4", "ring": "i2"},
}


@dataclass(slots=True, kw_only=True)
class Streams:
    """What a hot path knows of the legs' streams: ``arrays``, see :data:`STREAM_ARRAYS`, and of the jitter buffers
    what holds for all. ``farthest`` is how far from the head a packet may lie; ``head``, ``overdue`` (samples) and
    ``weight`` (in the histogram of delays) change with each tick.
    """

    arrays: tuple[Array, ...]
    ring_size: int
    farthest: int
    bin: int
    head: int = 0
    overdue: int = 0
    weight: float = 1.0


@dataclass(frozen=True, slots=True, kw_only=True)
class ToneScreen:
    """What frames must be like that may be a key.

    ``window`` (samples) and ``waves`` (16 × samples: cosines, then sines, of the low and the high group of four
    tones) are whole numbers, and so are windowed samples, divided by 2^18: all sums are exact, in any order. A
    key's frame has ``least_energy``, more than ``least_power`` at a tone of each group, and at the two together
    more than ``share`` times its energy.
    """

    window: Array
    waves: Array
    least_energy: int
    least_power: int
    share: float


@dataclass(frozen=True, slots=True, kw_only=True)
class StretchRules:
    """What a change of delay must be like, see :mod:`.stretching`. ``shortest`` and ``longest`` change, ``size``
    of what is compared and ``much`` are samples at ``scale`` times 8 kHz, the last three levels of 16-bit samples.
    """

    shortest: int
    longest: int
    size: int
    much: int
    scale: float
    excess: float
    forbidden: float
    grow_alike: float
    shrink_alike: float
    grow_haste: float
    shrink_haste: float
    repeats: float
    noise: float
    pause: float
    quietest: float
    loudest: float
    flat: float


@dataclass(frozen=True, slots=True, kw_only=True)
class DelayRules:
    """What a delay is to be like, see :mod:`.jitter` and :mod:`.delays`.

    ``bin`` of a histogram, ``frame``, ``close`` (less to spare asks for more) and ``keep`` (spared by what is
    taken out) are samples; nothing is taken out of a stream younger than ``proof`` ticks. A bin more costs
    ``step``, all packets too late ``loss``. A leg that misses more than a share ``lossy`` waits for a packet more
    than a share ``most`` of its packets needs.
    """

    bin: int
    frame: int
    close: int
    keep: int
    proof: int
    step: float
    loss: float
    most: float
    lossy: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Delayed:
    """The legs of a jitter buffer, as far as their delays go: arrays with one entry per row."""

    bins: Array
    playing: Mask
    packet: Array
    loss: Array
    reach: Array
    position: Array
    began: Array
    wanted: Array


@dataclass(frozen=True, slots=True, kw_only=True)
class Reported:
    """What RTCP reports of legs, arrays with one entry per row: of ``Sender``, ``Reception``, ``RtcpReports``."""

    sent: Array
    clock: Array
    own: Array
    started: Mask
    ssrc: Array
    highest: Array
    first: Array
    in_stream: Array
    received: Array
    lost_before: Array
    jitter: Array
    last_report: Array
    last_report_at: Array
    expected_before: Array
    received_before: Array
    packets: Bytes
    lengths: Array


#: What :class:`Heard` has in place of a source: nothing is heard, or a frame of the sink's own.
SILENCE: Final = -1
OWN_FRAME: Final = -2


@dataclass(frozen=True, slots=True, kw_only=True)
class Heard:
    """What each sink hears in a tick: ``sound[source]`` (sources × 160) with its ``source``, which may be
    :data:`SILENCE`, or what is in its row of ``frames`` (rows × 160). Most sinks hear one source as it is, so that
    nothing needs to be copied for them."""

    sound: Pcm
    source: Rows
    frames: Pcm

    def of(self, rows: Rows) -> Pcm:
        """What these rows hear (rows × 160)."""
        source = self.source[rows]
        heard: Pcm = np.take(self.sound, source, axis=0, mode="clip")
        heard[source == SILENCE] = 0
        own = source == OWN_FRAME
        heard[own] = self.frames[rows[own]]
        return heard

    def put(self, row: int, frame: Pcm) -> None:
        """Let a row hear this in place of what it was to hear."""
        self.frames[row], self.source[row] = frame, OWN_FRAME


class HotPath(Protocol):
    """The few steps that cost most."""

    name: str

    def receive(
        self,
        slots: Slots,
        watch: Watch,
        first: int,
        per_socket: int,
        offset: float,
        now: float,
        streams: Streams | None,
    ) -> int:
        """Read what is there, at most ``per_socket`` packets of each socket, beginning with number ``first``.

        ``offset`` turns the kernel's stamps into monotonic seconds. A second packet in a socket that had one in
        each tick so far may be left until the next tick. With ``streams``, ordinary packets of legs that are not
        shielded may be taken at once (see :meth:`admit`). Returns how many are in ``slots``: all others.
        """

    def admit(self, slots: Slots, total: int, streams: Streams, now: float) -> None:
        """Take the ordinary ones of the packets in the slots: G.711 in sequence, without any extra, in time.

        They are counted, decoded and put into the jitter buffers just as :class:`Intake` would, and marked in
        ``slots.ordinary``. All others are left as they are. A hot path may find none ordinary.
        """

    def take(self, ring: Pcm, rows: int, start: int, old: int, frames: Pcm, lossy: Mask) -> None:
        """Copy samples from ``start`` on of the first ``rows`` rings into ``frames``; as many from ``old`` on
        become absent. ``lossy`` says in whose frames samples are absent.
        """

    def control(self, legs: Delayed, some: slice, ticks: int, rules: DelayRules) -> None:
        """Say what some rows that are playing want of their delay now, after so many ``ticks``, in ``wanted``."""

    def listen(self, frames: Pcm, some: slice, step: int, rise: float, background: Floats) -> None:
        """Let ``background`` follow the levels (RMS) of ``frames[some]`` without absent samples: it falls at once
        and rises to ``rise`` times what it was at most. Every ``step``-th sample is looked at.
        """

    def screen(self, frames: Pcm, rows: Rows, screen: ToneScreen, kept: Pcm) -> tuple[Rows, Rows, Mask]:
        """Of each of ``frames[rows]``: the strongest tones of both groups (0 in a quiet one), and whether it might
        be a key. The frames are copied to ``kept[rows]``.
        """

    def similarity(self, signal: Floats, template: Floats) -> Floats:
        """Normalised correlation of ``template`` (rows × T) with every window of ``signal`` (rows × N): N - T + 1,
        256 at most. The samples are whole numbers of 16 bits."""

    def lengths(
        self, ring: Pcm, rows: Rows, head: int, wanted: Rows, background: Floats, rules: StretchRules
    ) -> Rows:
        """How many samples may be added right after ``head`` to ``ring[rows]`` now, negative to be taken out, 0 to
        wait; ``wanted`` and ``background`` (RMS of the pauses) are per place in ``rows``."""

    def encode(self, laws: Array, heard: Heard, rows: Rows, packets: Bytes) -> None:
        """Write what ``rows`` hear as G.711 payloads into ``packets[rows]``, by the law of each row."""

    def head(
        self,
        rows: Rows,
        packets: Bytes,
        sequence: Array,
        clock: Array,
        ssrc: Array,
        payload_type: Array,
        starting: Mask,
    ) -> None:
        """Write the RTP headers of ``packets[rows]``, one further in ``sequence``; those ``starting`` get a marker
        once."""

    def send(
        self, fds: Array, rows: Rows, packets: Bytes, lengths: Array, names: Array, connected: Mask, sent: Array
    ) -> None:
        """Send and count ``packets[rows]`` through ``fds``, to their ``names`` but for rows whose socket is
        ``connected``; none of length 0. What cannot leave is lost.
        """

    def report(self, legs: Reported, rows: Rows, ntp: int, now: float, name: bytes) -> None:
        """Write the report of each row and the description of its source, ``name`` (RFC 3550 section 6), into
        ``packets`` and its length into ``lengths``; note what was expected and received. ``ntp`` and ``now`` are
        the same instant."""

    def decode(self, laws: Array, packets: Bytes, chosen: Rows, length: int) -> Pcm:
        """G.711 payloads of packets of one length, by the law of each; valid until the next call."""

    def interleave(self, frames: Pcm, left: Rows, right: Rows, slots: Rows, filled: Array, samples: Array) -> None:
        """Put a stereo frame behind the ``filled`` ones of each slot; all but ``slots`` by slot."""

    def write(self, fds: Sequence[int], parts: Sequence[bytes], places: Sequence[int]) -> list[int]:
        """Write each part whole into its file, at its place; 0 or the error number of each. Called by a thread."""
