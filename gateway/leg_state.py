"""What the gateway knows of one leg: whose it is, its dialogs, its session and how far it has come."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from ccplatform.contracts.words import CallId, ContactId, LegId, LegRole, ReleaseCause, TrunkId
from ccplatform.kernel.clock import TimerHandle
from gateway.media.port import LocalAudio
from gateway.sip.audio_formats import AudioPolicy
from gateway.sip.dialog_runner import DialogRunner
from gateway.sip.offer_answer import AudioNegotiation


@dataclass(slots=True, kw_only=True)
class Move:
    """A leg on its way to another media worker: its new ports, once ``opened``, and those it was ``offered``."""

    since: float
    limit: TimerHandle | None = None
    opened: LocalAudio | None = None
    offered: LocalAudio | None = None


@dataclass(slots=True, kw_only=True, eq=False)
class Leg:
    """One party's dialog and media. A leg that is dialled has one dialog for each phone that rings; once answered
    it has one. ``offer`` is the SDP of an INVITE that came in."""

    id: LegId
    device: str
    call: CallId | None = None
    contact: ContactId | None = None
    role: LegRole | None = None
    trunk: TrunkId | None = None
    offer: bytes | None = None
    dialogs: list[DialogRunner] = field(default_factory=list)
    audio: AudioNegotiation | None = None
    incoming: bool = False
    answering: bool = False
    media_open: bool = False
    rang: bool = False
    answered: bool = False
    ended: bool = False
    refusals: list[ReleaseCause] = field(default_factory=list)
    move: Move | None = None

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
            "incoming": self.incoming,
            "answered": self.answered,
            "rang": self.rang,
            "audio": self.audio.snapshot(),
            "dialogs": dialogs,
        }

    @classmethod
    def restore(cls, leg: LegId, data: dict[str, Any], audio: AudioPolicy) -> Leg:
        """The leg that :meth:`snapshot` described, without its dialogs; raises KeyError, TypeError or ValueError
        for other data."""
        restored = cls(
            id=leg,
            device=str(data["device"]),
            call=CallId(data["call"]),
            contact=ContactId(data["contact"]),
            role=LegRole(data["role"]),
            trunk=TrunkId(data["trunk"]) if data["trunk"] is not None else None,
            audio=AudioNegotiation.restore(data["audio"], audio),
            incoming=bool(data["incoming"]),
            answering=True,
            media_open=True,
            rang=bool(data["rang"]),
            answered=bool(data["answered"]),
        )
        if not restored.answered and restored.audio is not None:
            restored.audio.offer()  # the same as was sent: its answer is still to come
        return restored


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
