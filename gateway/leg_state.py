"""What the gateway knows of one leg: whose it is, its dialogs, its session and how far it has come."""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass, field
from typing import Any

import msgspec

from ccplatform.contracts.legs import DialLeg, NumberTarget, SeatTarget, TrunkTarget
from ccplatform.contracts.words import CallId, ContactId, LegId, LegRole, ReleaseCause, SeatId, TrunkId
from ccplatform.kernel.clock import TimerHandle
from gateway.dialling import Attempt
from gateway.leg_sessions import LegSessions
from gateway.media.port import LocalAudio
from gateway.sip.dialog_runner import DialogRunner
from gateway.sip.event_packages import DialogStage, SeatDialog
from gateway.sip.offer_answer import AudioNegotiation
from gateway.sip.uac import OutgoingCall


@dataclass(slots=True, kw_only=True)
class Move:
    """A leg on its way to another media worker: its new ports, once ``opened``, and those it was ``offered``, with
    the ``limit`` of its party's answer. ``waiting``: for its turn to be offered."""

    since: float
    waiting: bool = False
    limit: TimerHandle | None = None
    opened: LocalAudio | None = None
    offered: LocalAudio | None = None

    def stop_limit(self) -> None:
        """The party need not answer now."""
        if self.limit is not None:
            self.limit.cancel()
            self.limit = None


@dataclass(slots=True, kw_only=True, eq=False)
class Handing:
    """A caller's carrier is asked to connect him with ``to``: a leg that is up, or one that waits and is dialled
    by us (``command``) when the carrier does not. ``limit``: until when it must tell something."""

    to: Leg
    number: str
    command: DialLeg | None = None
    limit: TimerHandle | None = None

    def snapshot(self, caller: LegId) -> dict[str, Any]:
        """JSON-able data, kept with the leg that he is to be connected with."""
        return {
            "caller": caller,
            "number": self.number,
            "command": None if self.command is None else msgspec.to_builtins(self.command),
            "rang": self.to.rang,
            "told": self.limit is None,
        }

    @classmethod
    def restore(cls, to: Leg, data: dict[str, Any]) -> Handing:
        """What :meth:`snapshot` described; raises KeyError, TypeError or ValueError for other data."""
        kept = data["command"]
        return cls(to=to, number=str(data["number"]), command=None if kept is None else command_of(kept))

    @property
    def attended(self) -> bool:
        """Whether he is there already whom the carrier is asked for."""
        return self.command is None

    def stop_limit(self) -> None:
        """The carrier may take its time."""
        if self.limit is not None:
            self.limit.cancel()
            self.limit = None


@dataclass(slots=True, kw_only=True, eq=False)
class Leg:
    """One party's dialog and media. A leg that is dialled has one dialog for each phone that rings; once answered
    it has one. ``offer`` is the SDP of an INVITE that came in, ``transport`` what it came over."""

    id: LegId
    device: str
    call: CallId | None = None
    contact: ContactId | None = None
    role: LegRole | None = None
    trunk: TrunkId | None = None
    seat: SeatId | None = None
    offer: bytes | None = None
    transport: str = ""
    ip_version: int = 4  # of its media
    dialogs: list[DialogRunner] = field(default_factory=list)
    audio: AudioNegotiation | None = None
    transports: dict[str, str] = field(default_factory=dict)  # of the signalling of phones that ring, by Call-ID
    offered: dict[str, AudioNegotiation] = field(default_factory=dict)  # what they were offered
    incoming: bool = False
    answering: bool = False
    media_open: bool = False
    wants_early: bool = False  # what the party's network says before the answer is of use
    early: bytes | None = None  # the session in which something is heard before the answer
    rang: bool = False
    answered: bool = False
    held: bool = False
    ended: bool = False
    refusals: list[ReleaseCause] = field(default_factory=list)
    attempt: Attempt | None = None  # of a leg that is dialled: the one that is made now, and those to come
    attempts: deque[Attempt] = field(default_factory=deque)
    other_flows: dict[str, tuple[OutgoingCall, ...]] = field(default_factory=dict)  # by Call-ID, of its phone
    local: LocalAudio | None = None  # our address, once there is one to offer
    move: Move | None = None
    handing: Handing | None = None
    referred: bool = False  # its carrier was asked, whatever came of it

    @classmethod
    def dialled(cls, command: DialLeg, device: str) -> Leg:
        """The leg of somebody who is to be called."""
        return cls(
            id=command.leg,
            device=device,
            call=command.call,
            contact=command.contact,
            role=command.role,
            wants_early=command.early_media,
            seat=command.target.seat if isinstance(command.target, SeatTarget) else None,
        )

    def snapshot(self) -> dict[str, Any] | None:
        """JSON-able data with which the leg can be taken back; None unless it is up, or rings at our demand."""
        if self.ended or self.audio is None or (self.incoming and not self.answered):
            return None
        dialogs = [kept for dialog in self.dialogs if (kept := dialog.snapshot()) is not None]
        if not dialogs:
            return None
        return {
            "device": self.device,
            "call": self.call,
            "contact": self.contact,
            "role": self.role.value if self.role else None,
            "trunk": self.trunk,
            "seat": self.seat,
            "incoming": self.incoming,
            "answered": self.answered,
            "rang": self.rang,
            "held": self.held,
            "referred": self.referred,
            "audio": self.audio.snapshot(),
            "offered": {phone: session.snapshot() for phone, session in self.offered.items()},
            "dialogs": dialogs,
        }

    @classmethod
    def restore(cls, leg: LegId, data: dict[str, Any], sessions: LegSessions) -> Leg:
        """The leg that :meth:`snapshot` described, without its dialogs; raises KeyError, TypeError or ValueError
        for other data."""
        audio = sessions.restore(data["audio"])
        restored = cls(
            id=leg,
            device=str(data["device"]),
            call=CallId(data["call"]),
            contact=ContactId(data["contact"]),
            role=LegRole(data["role"]),
            trunk=TrunkId(data["trunk"]) if data["trunk"] is not None else None,
            seat=SeatId(data["seat"]) if data.get("seat") is not None else None,
            audio=audio,
            ip_version=6 if audio.ipv6 else 4,
            offered={str(phone): sessions.restore(kept) for phone, kept in data["offered"].items()},
            incoming=bool(data["incoming"]),
            answering=True,
            media_open=True,
            rang=bool(data["rang"]),
            held=bool(data.get("held", False)),
            referred=bool(data.get("referred", False)),
            answered=bool(data["answered"]),
        )
        for session in restored.offered.values():
            session.offer()  # the same as was sent: its answer is still to come
        return restored

    def as_seat_dialog(self) -> SeatDialog:
        """The leg as those see it who watch its seat."""
        stage = DialogStage.EARLY if self.rang or self.incoming else DialogStage.TRYING
        name = next(((call, theirs, ours) for one in self.dialogs for call, ours, theirs in one.names()), None)
        stage = DialogStage.CONFIRMED if self.answered else stage
        return SeatDialog(self.id, stage, calls=self.incoming, name=name)

    def move_to(self, local: LocalAudio) -> None:
        """Our side is at another address from now on."""
        self.local = local
        for session in {id(session): session for session in (self.audio, *self.offered.values())}.values():
            if session is not None:
                session.move(local)


def command_of(data: dict[str, Any]) -> DialLeg:
    """The command as it was before it became JSON-able data; carriers connect with numbers alone."""
    target = data["target"]
    to = TrunkTarget(**target) if "trunk" in target else NumberTarget(**target)
    plain = {name: value for name, value in data.items() if name not in ("target", "role", "forwarded_from")}
    return DialLeg(target=to, role=LegRole(data["role"]), forwarded_from=tuple(data["forwarded_from"]), **plain)


#: Which refusal counts when several phones of a seat refuse: a person's word before a machine's.
_WEIGHT = (
    ReleaseCause.REJECTED,
    ReleaseCause.BUSY,
    ReleaseCause.NO_ANSWER,
    ReleaseCause.INCOMPATIBLE,
    ReleaseCause.NOT_FOUND,
)


def weightiest(refusals: list[ReleaseCause]) -> ReleaseCause:
    """The cause that stands for all refusals of one leg."""
    for cause in _WEIGHT:
        if cause in refusals:
            return cause
    return refusals[0] if refusals else ReleaseCause.UNREACHABLE
