"""The port of lines that callers of the proof have: SIP (:mod:`ccplatform.proof.line`), or a channel of an E1 span
(:mod:`ccplatform.proof.e1_line`). What is done in a call, and what is measured, is the same on both."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Final, Protocol

from ccplatform.proof.call import Ended
from ccplatform.proof.ear import Ear
from ccplatform.proof.networks import NETWORKS, Network
from ccplatform.proof.receipts import Receipts
from gateway.media.audio import Pcm
from gateway.sip.digest_client import DigestClient

#: A tick of 20 ms that is later than this is heard.
LATE_SECONDS: Final = 0.01


@dataclass(frozen=True, slots=True, kw_only=True)
class Front:
    """By what calls come into the centre. ``address`` is where that is, ``networks`` are those that can be put in
    the way, ``untested`` the clauses that mean nothing here, with the reason; ``environment`` is what
    the report says of it."""

    kind: str  # "sip", "e1"
    address: str
    loopback: bool
    environment: Mapping[str, str | int]
    networks: Sequence[Network] = NETWORKS
    untested: Mapping[str, str] = field(default_factory=dict)


@dataclass(slots=True)
class Lateness:
    """How well the prober keeps its own time: what it sends late is not the centre's fault."""

    ticks: int = 0
    late: int = 0  # by more than LATE_SECONDS
    worst: float = 0.0  # seconds

    def note(self, seconds: float) -> None:
        """Count a tick that came so much after its time."""
        self.ticks += 1
        self.late += seconds > LATE_SECONDS
        self.worst = max(self.worst, seconds)

    @property
    def share(self) -> float:
        """Which share of the ticks was late."""
        return self.late / self.ticks if self.ticks else 0.0


class Sound(Protocol):
    """Both ways of a call's sound. Instants are monotonic seconds, None until they came."""

    @property
    def ear(self) -> Ear:
        """What is heard."""

    @property
    def receipts(self) -> Receipts | None:
        """What the far end says it got; None: there is nothing that could get lost."""

    @property
    def spoke_at(self) -> float | None:
        """When the first of something to say left."""

    @property
    def key_ended_at(self) -> float | None:
        """When the last key ended."""

    @property
    def speaks(self) -> bool:
        """Whether there is somebody to speak to."""

    @property
    def presses(self) -> bool:
        """Whether the far end takes keys."""

    @property
    def pressing(self) -> bool:
        """Whether keys are left to press."""

    def say(self, pcm: Pcm) -> None:
        """Say this after what is being said."""

    def press(self, keys: str) -> None:
        """Press these keys, one after the other."""


class Call(Protocol):
    """A call. Instants are monotonic seconds, None until they came."""

    @property
    def voice(self) -> Sound:
        """Its sound."""

    @property
    def sip_call_id(self) -> str:
        """Its SIP Call-ID, if it has one."""

    @property
    def channel(self) -> int:
        """The time slot of a circuit; 0: none."""

    @property
    def begun_at(self) -> float:
        """When the centre was asked."""

    @property
    def answered_at(self) -> float | None:
        """When it answered."""

    @property
    def ended(self) -> Ended | None:
        """How it ended."""

    @property
    def changed(self) -> asyncio.Event:
        """Answered or ended."""

    def hang_up(self) -> None:
        """End it, in whatever state it is; nothing if it has ended."""

    def leave(self) -> None:
        """End it if it goes on, and forget its sound."""


class CallerLine(Protocol):
    """Calls to one centre."""

    lateness: Lateness

    @property
    def front(self) -> Front:
        """By what calls come into the centre."""

    def call(
        self,
        number: str,
        *,
        network: Network | None = None,
        seed: int = 0,
        caller: str = "",
        digest: DigestClient | None = None,
    ) -> Call:
        """Dial a number by one of the networks, with an account where ``digest`` is given; it must be left
        (:meth:`Call.leave`)."""


async def answered(call: Call, within: float) -> bool:
    """Wait for the answer; False when it ended, or did not come in time."""
    try:
        async with asyncio.timeout(within):
            while call.answered_at is None and call.ended is None:
                call.changed.clear()
                await call.changed.wait()
    except TimeoutError:
        return False
    return call.answered_at is not None and call.ended is None
