"""Offers and answers of legs (RFC 3264): which session each party gets, and its media connected to it.

A leg that is called offers to each phone of its own; the phone that answers decides which of these sessions
counts. A party may offer another session at any time; ours to move a leg go by :mod:`gateway.reanchoring`.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import partial

import structlog

from ccplatform.contracts.legs import LegAnswered, LegEarly, LegEvent, LegHeld
from ccplatform.contracts.words import ReleaseCause
from gateway.errors import SdpError
from gateway.leg_end import incompatible, warning
from gateway.leg_sessions import LegSessions
from gateway.leg_state import Leg
from gateway.leg_table import LegTable
from gateway.media.codecs import CODECS
from gateway.media.port import LegMedia, LocalAudio, RemoteAudio
from gateway.reanchoring import Reanchoring
from gateway.sip.causes import COMPLETED_ELSEWHERE
from gateway.sip.dialog_runner import DialogRunner
from gateway.sip.flows import Flow
from gateway.sip.invite_events import AcceptOffer, Answer, Invite, RefuseOffer, Release, Ring

#: What phones of a seat are told when another one took the call (RFC 3326 section 2).

_log = structlog.get_logger("legs")


class Negotiating:
    """Sessions of all legs. ``finish(leg, cause, release)`` ends one that has none; ``tell`` hears of changes."""

    def __init__(
        self,
        *,
        legs: LegTable,
        media: LegMedia,
        sessions: LegSessions,
        reanchoring: Reanchoring,
        tell: Callable[[LegEvent], None],
        release: Callable[[Leg, ReleaseCause], None],
        finish: Callable[[Leg, ReleaseCause, Release], None],
    ) -> None:
        self._legs = legs
        self._media = media
        self._sessions = sessions
        self._reanchoring = reanchoring
        self._tell = tell
        self._release = release
        self._finish = finish

    def open(self, leg: Leg, opened: Callable[[Leg, LocalAudio | None], None]) -> None:
        """Have an address for a leg; ``opened`` gets it, or None. It is best where the other calls of its seat
        are: a phone may join them."""
        assert leg.call is not None
        leg.media_open = True
        beside = self._legs.beside(leg.call)
        near = beside.id if beside is not None else None
        self._media.open_leg(leg.call, leg.id, partial(opened, leg), ipv6=leg.ip_version == 6, near=near)

    def ip_version(self, flow: Flow, offer: bytes | None) -> int:
        """That of the media of a party; raises SdpError where they cannot be."""
        return self._sessions.ip_version(flow, offer)

    def open_to_invite(self, leg: Leg) -> None:
        """Have an address for a party that is called, then send its phones their INVITEs. Phones that ring
        together are offered one: of IPv6 when the signalling of all goes over it."""
        assert leg.attempt is not None
        leg.ip_version = min(self._sessions.ip_version(call.flow) for call in leg.attempt.calls)
        self.open(leg, self.invite)

    def answer(self, leg: Leg, local: LocalAudio | None) -> None:
        """Our address for a party that called is there (None: no worker has one): accept its INVITE."""
        if leg.ended:
            return
        if local is None:
            self._release(leg, ReleaseCause.UNAVAILABLE)
            return
        dialog = leg.dialogs[0]
        if leg.early is not None:
            dialog.tell(Answer(leg.early))
            self._connected(leg)
            return
        leg.audio = self._sessions.session(local, leg.transport)
        if leg.offer is None:
            dialog.tell(Answer(leg.audio.offer()))
            return
        try:
            answer = leg.audio.answer(leg.offer)
        except SdpError as error:  # it was tried when the call arrived: only a bug comes here.
            self._end(leg, str(error))
            return
        dialog.tell(Answer(answer))
        self._connected(leg)

    def open_early(self, leg: Leg, local: LocalAudio | None) -> None:
        """Our address for a party that called and is not answered yet is there: let it hear us already."""
        leg.local = local
        if leg.ended:
            return
        if local is None or leg.answering:
            self.answer(leg, local)
            return
        assert leg.offer is not None
        leg.audio = self._sessions.session(local, leg.transport)
        try:
            leg.early = leg.audio.answer(leg.offer)
        except SdpError as error:  # it was tried when the call arrived: only a bug comes here.
            self._end(leg, str(error))
            return
        leg.dialogs[0].tell(Ring(leg.early))
        self._connect_media(leg, leg.audio.remote)
        self._tell(LegEarly(leg=leg.id))

    def answered_early(self, leg: Leg, dialog: DialogRunner, sdp: bytes) -> None:
        """The called network says something before the answer; of a fork the latest branch is heard. What cannot
        be used is not heard: the answer may say it better."""
        session = leg.offered.get(dialog.call_id, leg.audio)
        if leg.ended or leg.answered or session is None:
            return
        try:
            session.take_answer(sdp)
        except SdpError as error:
            _log.info("unusable early session", leg=leg.id, reason=str(error))
            return
        leg.audio = session
        self._connect_media(leg, session.remote)
        if leg.early is None:
            leg.early = sdp
            self._tell(LegEarly(leg=leg.id))

    def invite(self, leg: Leg, local: LocalAudio | None) -> None:
        """Our address for a party that is called is there: send its phones their INVITEs."""
        leg.local = local
        if leg.ended:
            return
        if local is None:
            self._release(leg, ReleaseCause.UNAVAILABLE)
            return
        leg.offered = self._sessions.sessions(local, leg.transports)
        leg.audio = next(iter(leg.offered.values()), None)
        first = self._narrow_partner(leg)
        for dialog in tuple(leg.dialogs):
            dialog.tell(Invite(leg.offered[dialog.call_id].offer(first)))

    def invite_one(self, leg: Leg, dialog: DialogRunner) -> None:
        """A phone is tried by another flow while others may ring."""
        if leg.local is not None:  # else its INVITE goes out with those of the others
            leg.offered |= self._sessions.sessions(leg.local, {dialog.call_id: leg.transports[dialog.call_id]})
            dialog.tell(Invite(leg.offered[dialog.call_id].offer(self._narrow_partner(leg))))

    def answered(self, leg: Leg, dialog: DialogRunner, sdp: bytes) -> None:
        """A phone took the call: the others need not ring on."""
        if leg.ended or leg.answered or leg.audio is None:
            dialog.tell(Release(reason=COMPLETED_ELSEWHERE))
            return
        leg.audio = leg.offered.get(dialog.call_id, leg.audio)
        try:
            leg.audio.take_answer(sdp)
        except SdpError as error:
            self._end(leg, str(error))
            return
        leg.offered.clear()
        others = [other for other in leg.dialogs if other is not dialog]
        leg.dialogs = [dialog]
        for other in others:
            other.tell(Release(reason=COMPLETED_ELSEWHERE))
        self._connected(leg)

    def taken_over(self, leg: Leg, dialog: DialogRunner, offer: bytes | None, transport: str) -> None:
        """Another phone of its seat takes the leg over, as it is or while it rings: the others hear of it.
        ``offer`` was tried before."""
        assert leg.audio is not None
        session = self._sessions.session(leg.audio.local, transport)
        answer = session.offer() if offer is None else session.answer(offer)
        others, leg.dialogs, leg.audio = leg.dialogs, [dialog], session
        leg.offered.clear()
        dialog.tell(Answer(answer))
        for other in others:
            other.tell(Release(reason=COMPLETED_ELSEWHERE))
        if offer is not None:
            self._connected(leg)

    def offered(self, leg: Leg, dialog: DialogRunner, sdp: bytes | None) -> None:
        """A party wants another session, or (None) our offer of one."""
        if leg.ended or leg.audio is None:
            dialog.tell(RefuseOffer(warning("the call is being released")))
            return
        if sdp is None:
            dialog.tell(AcceptOffer(leg.audio.offer()))
            return
        try:
            answer = leg.audio.answer(sdp)
        except SdpError as error:
            dialog.tell(RefuseOffer(warning(str(error))))
            return
        dialog.tell(AcceptOffer(answer))
        self._connect_media(leg, leg.audio.remote)

    def answered_late(self, leg: Leg, sdp: bytes) -> None:
        """The ACK brought the answer to the offer in our 200."""
        if leg.ended or leg.audio is None:
            return
        try:
            leg.audio.take_answer(sdp)
        except SdpError as error:
            self._end(leg, str(error))
            return
        self._connected(leg)

    def _connected(self, leg: Leg) -> None:
        """Signalling is done: connect the media, and tell it when it is the first time."""
        assert leg.audio is not None
        self._connect_media(leg, leg.audio.remote)
        if not leg.answered:
            leg.answered = True
            self._tell(LegAnswered(leg=leg.id, device=leg.device))
            self._reanchoring.proceed(leg)

    def _connect_media(self, leg: Leg, remote: RemoteAudio | None) -> None:
        if remote is None:
            return
        self._media.connect_leg(leg.id, remote)
        held = not remote.receives
        if leg.answered and held is not leg.held:
            leg.held = held
            self._tell(LegHeld(leg=leg.id, held=held))

    def _narrow_partner(self, leg: Leg) -> str | None:
        """The codec of who is on the call already, if it is a narrow one: no use in more on this side."""
        spoken = [
            other.audio.remote.codec
            for other in self._legs.of_call(leg.call)
            if other.audio is not None and other.audio.remote is not None
        ]
        return next((name for name in spoken if CODECS[name].law is not None), None)

    def _end(self, leg: Leg, why: str) -> None:
        _log.info("unusable session description", leg=leg.id, reason=why)
        self._finish(leg, ReleaseCause.INCOMPATIBLE, incompatible(why))
