"""Legs: dialog and media of each party under one id. Implements :class:`ccplatform.contracts.legs.Legs`.

Everything is synchronous: an event of SIP or media goes through here to its consequence on the wire without an
await in between. A leg is *answered* when the 200 with its session is sent and the media is connected; that does
not wait for the ACK, since callers hear us from the 200 on. (Only a late offer waits: its ACK brings the peer's
address.) 180 and 183 both count as ringing; what the called network says before the answer is connected when it is
wanted (``DialLeg.early_media``).
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Final

import structlog

from ccplatform.contracts.legs import (
    AdoptLeg,
    AnswerLeg,
    DialLeg,
    HandOn,
    LegAnswered,
    LegCommand,
    LegEnded,
    LegEvent,
    LegMoved,
    LegOffered,
    LegQuality,
    LegRinging,
    OpenLeg,
    ReleaseLeg,
    ReportTransfer,
    RingLeg,
)
from ccplatform.contracts.ports import Facts
from ccplatform.contracts.words import LegId, ReleaseCause, SeatId, TrunkId
from ccplatform.kernel.clock import Clock
from ccplatform.kernel.errors import LocalMisuse
from ccplatform.kernel.ids import Ids
from gateway.dialling import Attempt, Dialling, Unreachable
from gateway.errors import SdpError
from gateway.handing_on import HandingOn
from gateway.hunting import Hunting
from gateway.leg_end import Once, cause_of_end, incompatible
from gateway.leg_restoring import LegRestorer
from gateway.leg_sessions import LegSessions
from gateway.leg_state import Leg, weightiest
from gateway.leg_table import LegTable
from gateway.media.port import LegMedia, LegNotSecured, LegSecured, LegSilent, WorkerLost
from gateway.negotiating import Negotiating
from gateway.reanchoring import Reanchoring, by_age
from gateway.replacing import Replacing
from gateway.sip.causes import reason_of, status_of, status_of_transfer
from gateway.sip.dialog_runner import DialogRunner
from gateway.sip.event_packages import SeatDialog
from gateway.sip.incoming import IncomingCall
from gateway.sip.invite_events import (
    Acknowledged,
    DialogEnded,
    DialogGone,
    DialogNews,
    DigitSignalled,
    OfferAnswered,
    OfferArrived,
    OfferRefused,
    ReferArrived,
    ReferProgress,
    Release,
    RemoteAnswered,
    RemoteRinging,
    ReportRefer,
    Ring,
)
from gateway.sip.service import SipService
from gateway.sip.trunks import TrunkChannels

#: How long the media engine may take to say what it measured before the leg's end is told without it, seconds.
QUALITY_SECONDS: Final = 2.0

_log = structlog.get_logger("legs")


class LegService:
    """All legs of the node. ``listener`` hears what becomes of them, ``server_failed`` of trunks' servers that
    did not take a call."""

    def __init__(
        self,
        *,
        sip: SipService,
        media: LegMedia,
        dialling: Dialling,
        channels: TrunkChannels,
        clock: Clock,
        ids: Ids,
        facts: Facts,
        random_number: Callable[[int], int],
        sessions: LegSessions,
        moves_per_second: int,
        listener: Callable[[LegEvent], None],
        server_failed: Callable[[TrunkId, Attempt, float | None], None],
    ) -> None:
        self._sip = sip
        self._media = media
        self._dialling = dialling
        self._channels = channels
        self._clock = clock
        self._ids = ids
        self._sessions = sessions
        self._listener = listener
        self._legs = LegTable()
        self._reanchoring = Reanchoring(
            media=media,
            clock=clock,
            random_number=random_number,
            per_second=moves_per_second,
            release=self._release,
            moved=lambda leg, gap_seconds: self._tell(LegMoved(leg=leg.id, gap_seconds=gap_seconds)),
        )
        self._negotiating = Negotiating(
            legs=self._legs,
            media=media,
            sessions=sessions,
            reanchoring=self._reanchoring,
            tell=self._tell,
            release=self._release,
            finish=lambda leg, cause, release: self._finish(leg, cause, by_remote=False, release=release),
        )
        self._hunting = Hunting(
            sip=sip, dialling=dialling, channels=channels, listen=self._listen, failed=server_failed
        )
        self._replacing = Replacing(self._legs, sip, self._negotiating, self._listen, self._tell)
        self._handing_on = HandingOn(
            legs=self._legs, dialling=dialling, clock=clock, facts=facts, tell=self._tell, dial=self._hunt
        )
        self._restorer = LegRestorer(
            legs=self._legs,
            sip=sip,
            dialling=dialling,
            sessions=sessions,
            handing_on=self._handing_on,
            listen=self._listen,
        )

    def __len__(self) -> int:
        return len(self._legs)

    # --- commands -----------------------------------------------------------------------------------------

    def perform(self, command: LegCommand) -> None:
        """Do it; results come as events. Commands for legs that are gone are dropped: their end was told."""
        if isinstance(command, DialLeg):
            self._dial(command)
            return
        leg = self._legs.get(command.leg)
        if leg is None or leg.ended:
            return
        match command:
            case AdoptLeg():
                self._adopt(leg, command)
            case RingLeg():
                self._ring(leg)
            case OpenLeg():
                self._open(leg)
            case AnswerLeg():
                self._answer(leg)
            case HandOn():
                self._handing_on.join(command)
            case ReleaseLeg(cause=cause):
                self._release(leg, cause)
            case ReportTransfer():
                for dialog in leg.dialogs:
                    dialog.tell(ReportRefer(status_of_transfer(command)))

    def _adopt(self, leg: Leg, command: AdoptLeg) -> None:
        moves = leg.media_open and leg.call != command.call
        self._legs.join(leg, command.call)
        leg.contact, leg.role = command.contact, command.role
        for dialog in leg.dialogs:
            self._sip.adopt_trace(dialog.call_id, command.contact, leg.id)
        if moves:
            self._media.move_leg(leg.id, command.call)

    def clear_trunk(self, trunk: TrunkId) -> None:
        """End every call of a trunk (R10.4.a: isolate, reset)."""
        for leg in self._legs.all():
            if leg.trunk == trunk and not leg.ended:
                self._release(leg, ReleaseCause.UNAVAILABLE)

    def media_event(self, event: LegSilent | LegSecured | LegNotSecured | WorkerLost) -> None:
        """The media engine lost a party's audio, or a worker with all its legs."""
        match event:
            case LegSilent(leg=name):
                self._media_lost(name)
            case LegSecured(leg=name, profile=profile):
                _log.info("leg encrypted", leg=name, profile=profile)
            case LegNotSecured(leg=name, reason=reason):
                _log.warning("leg cannot be encrypted", leg=name, reason=reason)
                self._media_lost(name)
            case WorkerLost(legs=legs):
                for lost in sorted((leg for name in legs if (leg := self._legs.get(name))), key=by_age):
                    self._reanchoring.begin(lost)

    def _media_lost(self, leg: LegId) -> None:
        found = self._legs.get(leg)
        if found is not None and not found.ended:
            self._release(found, ReleaseCause.MEDIA_LOST)

    def dialogs_of(self, seat: SeatId) -> tuple[SeatDialog, ...]:
        """What the phones of a seat do."""
        return tuple(leg.as_seat_dialog() for leg in self._legs.of_seat(seat))

    def snapshot(self, leg: LegId) -> dict[str, Any] | None:
        """What is needed to take a leg back that is up, rings, or waits for what a carrier does."""
        found = self._legs.get(leg)
        if found is None:
            return None
        kept, handing = found.snapshot(), self._handing_on.snapshot(found)
        return kept if handing is None else {**(kept or {}), "handing": handing}

    def restore(self, leg: LegId, data: dict[str, Any], *, media: bool) -> bool:
        """Take a leg back; see :class:`ccplatform.contracts.legs.Legs`."""
        return self._restorer.restore(leg, data, media=media)

    # --- a party calls ------------------------------------------------------------------------------------

    def call_arrived(self, call: IncomingCall) -> None:
        """An INVITE was let in (see :class:`gateway.sip.incoming.CallUser`)."""
        trunk = call.trunk.id if call.trunk is not None else None
        try:
            ip_version = self._sessions.ip_version(call.flow, call.offer)
        except SdpError as error:
            call.dialog.tell(incompatible(str(error)))
            self._sip.refused(trunk, call.dialled, ReleaseCause.INCOMPATIBLE, 488)
            return
        if call.replaces is not None:
            self._replacing.arrived(call)
            return
        leg = Leg(
            id=LegId(self._ids.new()),
            device=call.caller,
            trunk=trunk,
            seat=call.seat,
            offer=call.offer,
            transport=call.flow.transport,
            ip_version=ip_version,
            dialogs=[call.dialog],
            incoming=True,
        )
        self._legs.add(leg)
        self._listen(leg, call.dialog)
        if call.trunk is not None:
            self._channels.seize(call.trunk, incoming=True)
        self._tell(call.offered(leg.id, self._clock.now()))

    def _ring(self, leg: Leg) -> None:
        if leg.incoming and leg.dialogs and leg.dialogs[0].unanswered and not leg.answering:
            leg.dialogs[0].tell(Ring())

    def _open(self, leg: Leg) -> None:
        if leg.offer is None:  # there is no session before the answer
            self._ring(leg)
        elif leg.incoming and leg.call is not None and leg.dialogs[0].unanswered and not leg.media_open:
            self._negotiating.open(leg, self._negotiating.open_early)

    def _answer(self, leg: Leg) -> None:
        if not leg.incoming or leg.answering:
            return
        if leg.call is None:
            raise LocalMisuse(f"leg {leg.id} is answered before it was adopted")
        leg.answering = True
        if leg.media_open:  # opened before the answer, or being so
            if leg.early is not None:
                self._negotiating.answer(leg, leg.local)
            return
        self._negotiating.open(leg, self._negotiating.answer)

    # --- a party is called --------------------------------------------------------------------------------

    def _dial(self, command: DialLeg) -> None:
        if command.leg in self._legs:
            raise LocalMisuse(f"leg {command.leg} exists already")
        leg = Leg.dialled(command, self._dialling.device(command.target))
        self._legs.add(leg)
        if not self._handing_on.instead(leg, command) and not self._replacing.rings(leg, command):
            self._hunt(leg, command)

    def _hunt(self, leg: Leg, command: DialLeg) -> None:
        try:
            self._hunting.begin(leg, command)
        except Unreachable as unreachable:
            self._finish(leg, unreachable.cause, by_remote=False)
            return
        if leg.seat is not None:
            self._sip.seat_changed(leg.seat)
        self._negotiating.open_to_invite(leg)

    # --- news of dialogs ----------------------------------------------------------------------------------

    def _listen(self, leg: Leg, dialog: DialogRunner) -> None:
        dialog.listener = lambda news: self._news(leg, dialog, news)

    def _news(self, leg: Leg, dialog: DialogRunner, news: DialogNews) -> None:
        match news:
            case RemoteRinging(_, sdp):
                if sdp and leg.wants_early:
                    self._negotiating.answered_early(leg, dialog, sdp)
                if not (leg.rang or leg.answered or leg.ended):
                    leg.rang = True
                    self._tell(LegRinging(leg=leg.id, device=leg.device))
            case RemoteAnswered(sdp):
                self._negotiating.answered(leg, dialog, sdp)
            case OfferArrived(sdp):
                self._negotiating.offered(leg, dialog, sdp)
            case OfferAnswered(sdp):
                self._reanchoring.answered(leg, sdp)
            case OfferRefused(status):
                self._reanchoring.refused(leg, status)
            case Acknowledged(sdp):
                if sdp is not None:
                    self._negotiating.answered_late(leg, sdp)
            case DigitSignalled(digit):
                if not leg.ended:
                    self._media.signal_digit(leg.id, digit)
            case ReferArrived():
                self._replacing.transfer_asked(leg, dialog, news)
            case ReferProgress():
                self._handing_on.progress(leg, news)
            case DialogEnded():
                self._dialog_ended(leg, dialog, news)
            case DialogGone():
                if dialog in leg.dialogs:
                    leg.dialogs.remove(dialog)

    def _dialog_ended(self, leg: Leg, dialog: DialogRunner, ended: DialogEnded) -> None:
        if leg.ended or dialog not in leg.dialogs:
            return
        leg.dialogs.remove(dialog)
        if leg.answered or leg.incoming:
            self._finish(leg, cause_of_end(leg, ended), by_remote=ended.by_remote)
            return
        if (another := self._hunting.another_flow(leg, dialog, ended)) is not None:
            self._negotiating.invite_one(leg, another)
            return
        leg.refusals.append(cause_of_end(leg, ended))
        if leg.dialogs:
            return
        if self._hunting.again(leg, ended):
            if leg.local is not None:
                self._negotiating.invite(leg, leg.local)
        else:
            self._finish(leg, weightiest(leg.refusals), by_remote=True)

    # --- the end ------------------------------------------------------------------------------------------

    def _release(self, leg: Leg, cause: ReleaseCause) -> None:
        release = Release(status=status_of(cause), reason=reason_of(cause))
        self._finish(leg, cause, by_remote=False, release=release)

    def _finish(self, leg: Leg, cause: ReleaseCause, *, by_remote: bool, release: Release | None = None) -> None:
        """End the leg: dialogs, media, channel; the end is told after what was measured, once."""
        if leg.ended:
            return
        leg.ended = True
        if leg.seat is not None:
            self._sip.seat_changed(leg.seat)
        self._reanchoring.end(leg)
        self._handing_on.ended(leg)
        dialogs, leg.dialogs = leg.dialogs, []
        if release is not None:
            for dialog in dialogs:
                dialog.tell(release)
        told = Once(lambda quality: self._tell_end(leg, cause, by_remote, quality))
        if not leg.media_open:
            told(None)
            return
        told.timer = self._clock.call_at(self._clock.now() + QUALITY_SECONDS, lambda: told(None))
        self._media.close_leg(leg.id, told)

    def _tell_end(self, leg: Leg, cause: ReleaseCause, by_remote: bool, quality: LegQuality | None) -> None:
        self._legs.remove(leg)
        if leg.trunk is not None:
            self._channels.release(leg.trunk, incoming=leg.incoming)
        if quality is not None:
            self._tell(quality)
        self._tell(LegEnded(leg=leg.id, cause=cause, by_remote=by_remote))

    def _tell(self, event: LegEvent) -> None:
        leg = self._legs.get(event.leg)
        self._listener(event)
        if leg is not None and leg.seat is not None and isinstance(event, LegOffered | LegRinging | LegAnswered):
            self._sip.seat_changed(leg.seat)
