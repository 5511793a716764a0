"""The media engine of one worker: commands in, events out, one tick for all legs every 20 ms."""

from __future__ import annotations

from collections.abc import Callable
from typing import Final

import numpy as np

from ccplatform.contracts.legs import DigitPressed, LegAudible, LegQuality, PlaybackEnded, PlaybackStarted
from ccplatform.contracts.media import Play, RecordingClosed, StartRecording
from ccplatform.contracts.words import CallId, LegId
from ccplatform.kernel.clock import Clock
from gateway.media.audio import AUDIBLE, Array
from gateway.media.digits import Digits
from gateway.media.errors import CannotOpenLeg
from gateway.media.hearing import Hearing
from gateway.media.hot_path import Heard
from gateway.media.intake import Intake
from gateway.media.keys import Way
from gateway.media.legs import Leg, LegBook
from gateway.media.link_legs import LinkBook, LinkLeg
from gateway.media.mixing import PLAYBACK
from gateway.media.parts import Parts
from gateway.media.port import LegSilent, LocalAudio, MediaEvent, RemoteAudio
from gateway.media.recorder import Recorder
from gateway.media.routing import Party, Routing
from gateway.media.rows import RowArrays
from gateway.media.rtcp_exchange import RtcpExchange
from gateway.media.secure_legs import SecureLegs
from gateway.media.settings import MediaSettings
from gateway.media.settling import Settling

#: Skipped ticks whose sound is still taken from the jitter buffers, for recordings; they hold no more.
_MAX_CATCH_UP: Final = 50
_SILENCE_CHECK_TICKS: Final = 50
_WRITER_STOP_SECONDS: Final = 5.0


class _Told(RowArrays):
    """What was told about a leg already."""

    def __init__(self) -> None:
        super().__init__()
        self.audible: Array
        self.silent: Array
        self.row_array("audible", np.bool_, False)
        self.row_array("silent", np.bool_, False)


class Engine:
    """``emit`` gets every event, ``link_path`` is where other workers send the frames of link legs. Nothing here
    blocks; nothing here raises for a leg that is gone."""

    def __init__(
        self,
        *,
        settings: MediaSettings,
        ports: range,
        clock: Clock,
        emit: Callable[[MediaEvent], None],
        link_path: str = "",
    ) -> None:
        self._settings = settings
        self._clock = clock
        self.emit = emit
        self._parts = Parts(settings, link_path)
        self._told = _Told()
        self._parts.table.attach(self._told)
        self.legs = LegBook(settings=settings, parts=self._parts, ports=ports, digit=self._digit)
        self.intake = Intake(self._parts, self.legs)
        self.rtcp = RtcpExchange(self._parts, self.legs, clock.wall().timestamp() - clock.now())
        self.links = LinkBook(self._parts)
        self._settling = Settling(self._parts, settings)
        self.security = SecureLegs(
            settings=settings, parts=self._parts, legs=self.legs, rtcp=self.rtcp, clock=clock, emit=emit
        )
        self.routing = Routing(self._parts.mixer, self.legs, self.links, settings.max_room_legs)
        self.digits = Digits(self._parts, self.legs, self.routing, tell=self._tell_digit, send=self._send_on)
        self.hearing = Hearing(self._parts, self.legs, settings.max_taps, self.emit)
        self.recorder = Recorder(
            self._parts.hot_path, settings.max_legs_per_worker, settings.recording_queue_bytes
        )
        self._dialling: set[int] = set()
        self._ticks = 0
        self._sent_before = 0

    @property
    def parts(self) -> Parts:
        """The arrays, for statistics and tests."""
        return self._parts

    # --- commands -----------------------------------------------------------------------------------------

    def reserve_ports(self, count: int, *, ipv6: bool = False) -> tuple[LocalAudio, ...]:
        """Addresses for legs to come."""
        return self.legs.reserve(count, self.security.fingerprint, ipv6=ipv6)

    def open_leg(self, call: CallId, leg: LegId, *, reserved: int | None = None, ipv6: bool = False) -> LocalAudio:
        """Make a leg, at the port that was ``reserved`` for it if that is given; raises CannotOpenLeg."""
        local = self.legs.open(call, leg, self.security.fingerprint, reserved=reserved, ipv6=ipv6)
        self.rtcp.add(self.legs.by_id[leg])
        return local

    def connect_leg(self, leg: Leg, remote: RemoteAudio) -> None:
        """Set the peer's side."""
        self._told.silent[leg.row] = False
        self.security.connect(leg, remote)
        self.legs.connect(leg, remote, self._clock.now())

    def close_leg(self, leg: Leg) -> LegQuality:
        """Free a leg; its recordings are closed and its playback ends."""
        self.stop_play(leg)
        self.digits.forget(leg)
        self.hearing.forget(leg)
        self.recorder.leg_closed(leg.row)
        self.routing.separate(leg)
        self.rtcp.remove(leg, self._clock.now())
        self.security.remove(leg)
        self._dialling.discard(leg.row)
        self._sent_before += int(self._parts.sender.packets_sent[leg.row])
        return self.legs.close(leg)

    def open_link(self, link: LegId, leg: LegId | None, peer: str) -> None:
        """Make a link leg unless it is there; raises CannotOpenLeg. Nothing is carried of a leg that is gone."""
        if link not in self.links.by_id:
            self.routing.carry(self.links.open(link, leg, peer))

    def close_link(self, link: LinkLeg) -> None:
        """Take a link leg away; recordings of it are closed."""
        self.recorder.leg_closed(link.row)
        self.routing.separate(link)
        self.links.close(link)

    def play(self, leg: Leg, order: Play) -> None:
        """Begin a playback in place of what plays now."""
        self.stop_play(leg)
        if len(order.items) > self._settings.max_items:
            error = f"{len(order.items)} items, the limit is {self._settings.max_items}"
            self.emit(PlaybackEnded(leg=leg.id, playback=order.playback, finished=False, error=error))
            return
        wide = self._parts.wide.slot_of(leg.row) is not None
        self._parts.players.play(leg.row, order, self._clock.now(), wide=wide)
        self.routing.play(leg, True)

    def stop_play(self, leg: Leg) -> None:
        """End the leg's playback, if there is one."""
        player = self._parts.players.stop(leg.row)
        if player is not None:
            self.emit(PlaybackEnded(leg=leg.id, playback=player.order.playback, finished=False))

    def send_digits(self, leg: Leg, digits: str) -> None:
        """Send DTMF to the leg."""
        leg.digits_out.add(digits)
        self._dialling.add(leg.row)

    def signal_digit(self, leg: Leg, digit: str) -> None:
        """A key of the leg's peer came by signalling."""
        self.digits.pressed(leg, digit, Way.SIGNALLING, self._clock.now())

    def start_recording(self, order: StartRecording, left: Party, right: Party) -> None:
        """Record two legs."""
        try:
            self.recorder.start(order, left.row, right.row)
        except CannotOpenLeg as error:
            self.emit(
                RecordingClosed(
                    call=order.call, recording=order.recording, seconds=0.0, size_bytes=0, error=str(error)
                )
            )

    def close(self) -> None:
        """End recordings, threads and sockets."""
        for leg in tuple(self.legs):
            self.close_leg(leg)
        self.legs.let_go()
        for closed in self.recorder.close(_WRITER_STOP_SECONDS):
            self.emit(closed)
        self.rtcp.close()
        self.security.close()
        self._parts.close()

    # --- the tick -----------------------------------------------------------------------------------------

    def tick(self, now: float, wall: float, skipped: int, late: int = 0) -> None:
        """Do 20 ms for all legs. Because this tick comes late, so many before it were ``skipped`` for good, and so
        many after these are done now: what they send goes out ``late``, but whole."""
        self._ticks += 1
        if len(self.legs):
            self._work(now, wall, skipped, late)
        for closed in self.recorder.closed():
            self.emit(closed)

    def _work(self, now: float, wall: float, skipped: int, late: int) -> None:
        self._parts.jitter.overdue = min(skipped + late, _MAX_CATCH_UP)
        self.intake.take(wall, now)
        for row, digit in self._parts.links.receive():
            self.digits.pass_on(self.links.by_row[row], digit)
        for _ in range(min(skipped, _MAX_CATCH_UP)):
            self._hear(now)
        self._parts.sender.advance(skipped)
        self._parts.links.advance(skipped)
        for _ in range(late + 1):
            self._hear(now)
            self._speak(now)
        self._follow_digits(now)
        self.rtcp.tick(now)
        self.security.tick(now)
        self._settling.tick(now)
        if self._ticks % _SILENCE_CHECK_TICKS == 0:
            self._look_for_silence(now)

    def _hear(self, now: float) -> None:
        """Take 20 ms of what every leg says, repair it, give it to the recordings; the mixer gets it last."""
        high = self._parts.table.high
        frame = self._parts.jitter.take(high, self._parts.mixer.voices(high))
        self._parts.concealer.repair(frame)
        self._parts.wide.hear(frame, self._parts.concealer.muted)
        self._parts.links.fill(frame, self._parts.wide)
        self.digits.hear(frame, now)
        self.recorder.take(frame, self._parts.wide.high_bands)
        self.hearing.take(frame, now)
        self.digits.hide_tones(frame)

    def _speak(self, now: float) -> None:
        """Send 20 ms of what every leg is to hear."""
        parts = self._parts
        sender = parts.sender
        began, ended = parts.players.fill(
            parts.mixer.sound[:, PLAYBACK], parts.wide.high_playback, sender.running, now
        )
        heard = parts.mixer.mix(parts.table.high)
        legs = [(leg, _event_type(leg)) for row in self._dialling if (leg := self.legs.by_row[row]).remote]
        going = {
            leg.row for leg, event in legs if event is None and leg.digits_out.overlay(heard, parts.players.tones)
        }
        sender.prepare(heard)
        parts.transforms.speak(heard, sender)
        going |= {leg.row for leg, event in legs if event is not None and leg.digits_out.send(sender, event)}
        self._dialling -= {leg.row for leg, _ in legs} - going
        parts.transforms.protect(sender)
        sender.send()
        parts.links.send(heard, parts.wide)
        sent_at = self._clock.now()
        self._tell_audible(heard, sent_at)
        for player in began:
            order = player.order
            self.emit(PlaybackStarted(leg=order.leg, playback=order.playback, at=sent_at))
        for row in parts.players.settle():
            self.routing.play(self.legs.by_row[row], False)
        for finished in ended:
            self.routing.play(self.legs.by_row[finished.row], False)
            self.emit(finished.event())

    def _tell_audible(self, heard: Heard, sent_at: float) -> None:
        high = len(heard.source)
        rows = np.flatnonzero(self._parts.sender.sending[:high] & ~self._told.audible[:high])
        if not len(rows):
            return
        for row in rows[(np.abs(heard.of(rows)) > AUDIBLE).any(axis=1)].tolist():
            self._told.audible[row] = True
            self.emit(LegAudible(leg=self.legs.by_row[row].id, at=sent_at))

    def _digit(self, leg: Leg, digit: str, way: Way, ended_at: float) -> None:
        self.digits.pressed(leg, digit, way, ended_at)

    def _tell_digit(self, leg: Leg, digit: str, ended_at: float) -> None:
        self.emit(DigitPressed(leg=leg.id, digit=digit, ended_at=ended_at))

    def _send_on(self, partner: Party, digit: str) -> None:
        if isinstance(partner, LinkLeg):
            self._parts.links.pass_digit(partner.row, digit)
        else:
            self.send_digits(partner, digit)

    def _follow_digits(self, now: float) -> None:
        for row in tuple(self.intake.pressed):
            leg = self.legs.by_row.get(row)
            if leg is None or not leg.digits_in.tick(now):
                self.intake.pressed.discard(row)

    def _look_for_silence(self, now: float) -> None:
        high = self._parts.table.high
        quiet = now - self._parts.sources.last_heard[:high]
        silent = quiet >= self._settings.rtp_timeout_seconds
        told = self._told.silent[:high]
        told &= silent
        for row in np.flatnonzero(silent & ~told).tolist():
            leg = self.legs.by_row.get(row)
            if leg is not None and leg.remote is not None and (leg.remote.sends or leg.gives_consent):
                told[row] = True
                self.emit(LegSilent(leg=leg.id, seconds=float(quiet[row])))

    @property
    def packets_sent(self) -> int:
        """Of all legs since the start."""
        return self._sent_before + int(self._parts.sender.packets_sent.sum())


def _event_type(leg: Leg) -> int | None:
    return leg.remote.dtmf_payload_type if leg.remote else None
