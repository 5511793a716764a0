"""The lane of legs whose codec is wider than G.711's: sound at 16 kHz beside the engine's own 8 kHz.

A wide leg has a row like every leg, and a *slot* here. What it says is decoded, buffered and repaired at 16 kHz,
then split: its low band joins what the narrow legs say, and so reaches the mixer, recordings and detectors; its
high band stays here. What it hears is the mixer's frame with the high bands of the wide legs that the same gains
let through, joined and encoded. Link legs have no slot: the high band of what they say comes with their frames,
and that of what they hear goes with these. Narrow legs pay nothing.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Final

import numpy as np

from gateway.media.audio import FRAME, RATE, TICK_SECONDS, Array, Floats, Mask, Pcm, Rows
from gateway.media.bands import WIDE_FRAME, Bands
from gateway.media.codecs import Codec, Coder
from gateway.media.coded_stream import CodedPacket, CodedStream, Decoded
from gateway.media.conceal import Concealer
from gateway.media.hot_path import Heard, HotPath
from gateway.media.jitter import JitterBuffer
from gateway.media.mixing import PLANES, PLAYBACK, VOICE, Mixer, source_of
from gateway.media.packet_io import Batch
from gateway.media.rows import RowArrays, RowTable
from gateway.media.rtp import HEADER_BYTES, Headers
from gateway.media.sending import Sender
from gateway.media.settings import MediaSettings
from gateway.media.sources import Sources

#: Samples per second of the lane.
WIDE_RATE: Final = 2 * RATE
_FULL: Final = 32767.0
_LEAST: Final = np.int16(-32767)  # a decoder may give one less, which would mark a lost sample
#: A gain that changes does so over one frame, so that nothing clicks.
_RISE: Final = np.linspace(0, 1, FRAME + 1, dtype=np.float32)[1:]


@dataclass(frozen=True, slots=True, kw_only=True)
class _WideLeg:
    slot: int
    codec: Codec
    fmtp: str
    coder: Coder
    stream: CodedStream


class WideLane(RowArrays):
    """Implements :class:`gateway.media.transforms.Coding`; a part of the rows, so that a closed leg leaves it."""

    def __init__(self, hot_path: HotPath, settings: MediaSettings, mixer: Mixer, sources: Sources) -> None:
        super().__init__()
        self._mixer = mixer
        self._sources = sources
        self.narrow: Array
        self.row_array("narrow", np.bool_, False)  # the last audio was G.711, as a peer offered both may send
        self.jitter: Final = JitterBuffer(
            hot_path,
            start_ms=settings.jitter_start_ms,
            min_ms=settings.jitter_min_ms,
            max_ms=settings.jitter_max_ms,
            rate=WIDE_RATE,
        )
        self.concealer: Final = Concealer(self.jitter)
        self._bands = Bands()
        self._high = _HighBand()
        self._table = RowTable(settings.max_legs_per_worker)
        for part in (self.jitter, self.concealer, self._bands, self._high):
            self._table.attach(part)
        self._legs: dict[int, _WideLeg] = {}  # by row
        self._carried: dict[int, Pcm] = {}  # what link legs say above 4 kHz, by row
        self._gains: dict[int, dict[int, float]] = {}  # of the last frame, by sink and source
        self._rows: Rows = np.zeros(0, dtype=np.int64)
        self._slots: Rows = np.zeros(0, dtype=np.int64)
        self._ticks = 0

    def __len__(self) -> int:
        return len(self._legs)

    # --- legs come and go ---------------------------------------------------------------------------------

    def join(self, row: int, codec: Codec, fmtp: str) -> None:
        """Let a leg speak a codec from now on; the same again changes nothing.

        Raises CodecMissing, CannotOpenLeg.
        """
        known = self._legs.get(row)
        if known is not None and (known.codec, known.fmtp) == (codec, fmtp):
            return
        assert codec.coder is not None
        coder = codec.coder(fmtp)
        slot = self._table.take() if known is None else known.slot
        self._legs[row] = _WideLeg(
            slot=slot, codec=codec, fmtp=fmtp, coder=coder, stream=CodedStream(codec, coder)
        )
        self.jitter.set_clock(slot, codec.clock)
        self._changed()

    def leave(self, row: int) -> None:
        """The leg speaks G.711 from now on, or nothing; harmless for one that is not here."""
        leg = self._legs.pop(row, None)
        if leg is not None:
            self._gains.pop(row, None)
            self._table.give_back(leg.slot)
            self._changed()

    def clear(self, row: int) -> None:
        """See :class:`RowPart`."""
        super().clear(row)
        self.leave(row)
        self._carried.pop(row, None)
        self._gains.pop(row, None)

    def expect_loss(self, row: int, share: float) -> None:
        """The peer reports that so much of what it was sent is lost; harmless for a leg that is not here."""
        if (leg := self._legs.get(row)) is not None:
            leg.coder.expect_loss(share)

    def slot_of(self, row: int) -> int | None:
        """Where a leg is in :attr:`jitter`; None for one that is not here."""
        leg = self._legs.get(row)
        return leg.slot if leg is not None else None

    # --- the tick -----------------------------------------------------------------------------------------

    def take(self, batch: Batch, headers: Headers, chosen: Rows, begins: Mask, now: float) -> None:
        """See :class:`~gateway.media.transforms.Coding`; decoded in :meth:`hear`, in the order of sending."""
        rows = batch.row[chosen]
        self.narrow[rows] = False
        for index, row, anew in zip(chosen.tolist(), rows.tolist(), begins.tolist(), strict=True):
            end = HEADER_BYTES + int(headers.payload_length[index])
            self._legs[row].stream.put(
                CodedPacket(
                    sequence=int(headers.sequence[index]),
                    timestamp=int(headers.timestamp[index]),
                    marker=bool(headers.marker[index]),
                    begins=anew,
                    payload=batch.packets[index, HEADER_BYTES:end].tobytes(),
                    due=now - float(batch.arrival[index]),
                    tick=self._ticks,
                )
            )

    def hear(self, frame: Pcm, muted: Mask) -> None:
        """Put the low bands of what the wide legs say into ``frame`` (rows × 160), keep their high bands.

        Where a leg is ``muted``, or sends G.711 at the moment, what the frame holds already is left there.
        """
        if not self._legs:
            return
        self._decode()
        self._ticks += 1
        rows, slots = self._rows, self._slots
        wide = self.jitter.take(self._table.high)
        self.concealer.muted[slots] = muted[rows]
        self.concealer.repair(wide)
        low, high = self._bands.split(slots, wide[slots])
        sounds = ~(self.narrow[rows] | muted[rows])
        frame[rows[sounds]] = low[sounds]
        self._high.voice[slots] = np.where(sounds[:, np.newaxis], high, 0)

    def high_bands(self, rows: list[int]) -> Pcm:
        """What these legs say above 4 kHz in this tick (rows × 160); silence of narrow ones."""
        bands = np.zeros((len(rows), FRAME), dtype=np.int16)
        for place, row in enumerate(rows):
            if (voice := self._voice_of(row)) is not None:
                bands[place] = voice
        return bands

    def carry(self, row: int, band: Pcm) -> None:
        """What a link leg says above 4 kHz is in ``band`` from now on (160 samples a tick)."""
        self._carried[row] = band

    def mixed_for(self, links: list[int]) -> dict[int, Pcm]:
        """What link legs hear above 4 kHz, of those that hear wide legs."""
        if not self._legs and not self._gains:
            return {}
        sinks = [row for row in links if self._gains.get(row) or self._wide_gains(self._mixer.gains_of(row))]
        return dict(zip(sinks, self._mixed(sinks), strict=True))

    def high_playback(self, row: int) -> Pcm | None:
        """Where what is played to a wide leg above 4 kHz is put; None for a narrow one."""
        leg = self._legs.get(row)
        return self._high.playback[leg.slot] if leg is not None else None

    def silence(self, rows: Iterable[int]) -> None:
        """Whose low band was taken out of the frame after :meth:`hear` is to be silent in the high band, too."""
        for row in rows:
            if (voice := self._voice_of(row)) is not None:
                voice[:] = 0

    def speak(self, heard: Heard, sender: Sender) -> None:
        """See :class:`~gateway.media.transforms.Coding`."""
        if not self._legs:
            return
        going = sender.sending[self._rows]
        rows, slots = self._rows[going], self._slots[going]
        wide = self._bands.join(slots, heard.of(rows), self._mixed(rows.tolist()))
        for row, sound in zip(rows.tolist(), wide, strict=True):
            sender.put(row, self._legs[row].coder.encode(sound))

    # --- pieces -------------------------------------------------------------------------------------------

    def _decode(self) -> None:
        """Bring what has arrived into the jitter buffer: the first pieces of all legs, then the second ones …"""
        made = [(leg.slot, pieces) for row, leg in self._legs.items() if (pieces := self._pieces(row, leg))]
        for turn in range(max((len(pieces) for _, pieces in made), default=0)):
            turns = [(slot, pieces[turn]) for slot, pieces in made if len(pieces) > turn]
            for size in sorted({len(piece.pcm) for _, piece in turns}):
                self._place([(slot, piece) for slot, piece in turns if len(piece.pcm) == size])

    def _pieces(self, row: int, leg: _WideLeg) -> list[Decoded]:
        needed = self.jitter.buffered(leg.slot) < WIDE_FRAME
        pieces = leg.stream.decode(needed)
        self._sources.malformed[row] += leg.stream.take_malformed()
        return pieces

    def _place(self, pieces: list[tuple[int, Decoded]]) -> None:
        packets = [piece.packet for _, piece in pieces]
        due = [packet.due + (self._ticks - packet.tick) * TICK_SECONDS for packet in packets]
        self.jitter.place(
            np.array([slot for slot, _ in pieces], dtype=np.int64),
            np.array([piece.timestamp for _, piece in pieces], dtype=np.uint32),
            np.maximum(np.stack([piece.pcm for _, piece in pieces]), _LEAST),
            np.array([packet.marker for packet in packets]),
            np.array([packet.begins for packet in packets]),
            np.array(due) * WIDE_RATE,
        )

    def _mixed(self, sinks: list[int]) -> Pcm:
        """The high bands that these rows hear: by the mixer's gains, as far as its sources are wide."""
        total: Floats = np.zeros((len(sinks), FRAME), dtype=np.float32)
        for place, sink in enumerate(sinks):
            gains = self._mixer.gains_of(sink)
            before, now = self._gains.get(sink, {}), self._wide_gains(gains)
            self._gains[sink] = now
            for row in before.keys() | now.keys():
                if (voice := self._voice_of(row)) is not None:
                    old, new = before.get(row, 0.0), now.get(row, 0.0)
                    gain = np.float32(new) if old == new else old + (new - old) * _RISE
                    total[place] += voice * gain
            if gains.get(source_of(sink, PLAYBACK)):
                total[place] += self._high.playback[self._legs[sink].slot]
        np.clip(total, -_FULL, _FULL, out=total)
        return total.astype(np.int16)

    def _wide_gains(self, gains: Mapping[int, float]) -> dict[int, float]:
        """By row: how loud wide legs are heard."""
        heard = ((divmod(source, PLANES), gain) for source, gain in gains.items())
        wide = self._legs.keys() | self._carried.keys()
        return {row: gain for (row, plane), gain in heard if plane == VOICE and row in wide}

    def _voice_of(self, row: int) -> Pcm | None:
        if (leg := self._legs.get(row)) is not None:
            return np.asarray(self._high.voice[leg.slot])
        return self._carried.get(row)

    def _changed(self) -> None:
        self._rows = np.array(sorted(self._legs), dtype=np.int64)
        self._slots = np.array([self._legs[row].slot for row in sorted(self._legs)], dtype=np.int64)


class _HighBand(RowArrays):
    """4-8 kHz of what each wide leg says, and of what is played to it, in this tick."""

    def __init__(self) -> None:
        super().__init__()
        self.voice: Array
        self.playback: Array
        self.row_array("voice", np.int16, 0, (FRAME,))
        self.row_array("playback", np.int16, 0, (FRAME,))
