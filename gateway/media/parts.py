"""The parts of the engine that keep one row per leg, put together."""

from __future__ import annotations

from gateway.media.conceal import Concealer
from gateway.media.inband_dtmf import InbandDtmf
from gateway.media.jitter import JitterBuffer
from gateway.media.link_frames import LinkFrames
from gateway.media.mixing import Mixer
from gateway.media.native import find_hot_path
from gateway.media.packet_io import Receiver
from gateway.media.playing import Players
from gateway.media.reception import Reception
from gateway.media.rows import RowTable
from gateway.media.rtcp_reports import RtcpReports
from gateway.media.sending import Sender
from gateway.media.settings import MediaSettings
from gateway.media.sounds import SoundLibrary
from gateway.media.sources import Sources
from gateway.media.transforms import Transforms
from gateway.media.voice import VoiceWatch
from gateway.media.wideband import WideLane


class Parts:
    """Every part, attached to one table of rows. ``link_path``: the socket for frames of other workers."""

    def __init__(self, settings: MediaSettings, link_path: str = "") -> None:
        self.table = RowTable(settings.max_legs_per_worker)
        self.hot_path = find_hot_path(settings.compiled_helper)
        self.receiver = Receiver(self.hot_path, settings.max_packets_per_tick)
        self.sources = Sources(settings.relatch_seconds)
        self.reception = Reception()
        self.jitter = JitterBuffer(
            self.hot_path,
            start_ms=settings.jitter_start_ms,
            min_ms=settings.jitter_min_ms,
            max_ms=settings.jitter_max_ms,
        )
        self.concealer = Concealer(self.jitter)
        self.dtmf = InbandDtmf(self.hot_path)
        self.voice = VoiceWatch()
        self.library = SoundLibrary(settings)
        self.players = Players(self.library)
        self.mixer = Mixer()
        self.sender = Sender(self.hot_path)
        self.reports = RtcpReports(self.hot_path, self.reception, self.sender)
        self.transforms = Transforms()
        self.links = LinkFrames(link_path)
        self.wide = WideLane(self.hot_path, settings, self.mixer, self.sources)
        self.transforms.coding = self.wide
        for part in (
            self.sources,
            self.reception,
            self.jitter,
            self.concealer,
            self.dtmf,
            self.voice,
            self.players,
            self.mixer,
            self.sender,
            self.reports,
            self.transforms,
            self.links,
            self.wide,
        ):
            self.table.attach(part)

    def buffer_of(self, row: int) -> tuple[JitterBuffer, int]:
        """The jitter buffer that a leg's sound waits in, and the leg's row there."""
        slot = self.wide.slot_of(row)
        return (self.jitter, row) if slot is None else (self.wide.jitter, slot)

    def concealer_of(self, row: int) -> Concealer:
        """What repairs the sound of :meth:`buffer_of`."""
        return self.concealer if self.wide.slot_of(row) is None else self.wide.concealer

    def close(self) -> None:
        """End threads and free sockets."""
        self.library.close()
        self.links.close()
