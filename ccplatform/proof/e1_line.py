"""The prober's line over E1: calls of the switch simulator, with the sound of their channels (A-law, 20 ms)."""

from __future__ import annotations

import asyncio
from contextlib import suppress
from pathlib import Path
from types import MappingProxyType
from typing import Any, Final

from ccplatform.kernel.clock import Clock
from ccplatform.kernel.errors import RemoteViolation
from ccplatform.kernel.frames import FrameDecoder, encode_frame
from ccplatform.kernel.tasks import TaskSupervisor
from ccplatform.proof.call import Ended
from ccplatform.proof.ear import Ear
from ccplatform.proof.errors import NotReached, WrongPlan
from ccplatform.proof.networks import GOOD, Network
from ccplatform.proof.port import Front, Lateness
from ccplatform.proof.receipts import Receipts
from gateway.isdn import causes
from gateway.isdn.switch import rows_of
from gateway.isdn.talks import (
    About,
    Answered,
    Begun,
    Done,
    HangUp,
    KeyEnded,
    NoSpan,
    Over,
    Press,
    Row,
    Say,
    SpanFacts,
    Spoke,
    Talk,
    Told,
    read,
)
from gateway.media.audio import Pcm
from gateway.sip.digest_client import DigestClient

#: The switch itself waits ten seconds for a span that comes up.
_ABOUT_SECONDS: Final = 15.0
_READ_BYTES: Final = 65_536
_NO_NETWORK: Final = (
    "E1 线路为电路，不能施加丢包与抖动 / an E1 span is a circuit: loss and jitter cannot be put in the way"
)
UNTESTED: Final = MappingProxyType(
    {
        "R10.3.1.3.loss": "E1 时隙无分组可丢 / nothing is sent in packets on an E1 span",
        "R10.3.1.4.b": _NO_NETWORK,
        "R10.3.1.4.c": _NO_NETWORK,
    }
)


class E1Sound:
    """Both ways of a channel. Instants are those at which the switch had, or sent, a row."""

    def __init__(self) -> None:
        self.ear = Ear()
        self.receipts: Receipts | None = None  # a circuit loses nothing
        self.spoke_at: float | None = None
        self.key_ended_at: float | None = None
        self.speaks = False
        self._keys = 0  # that have not ended
        self.waiting: asyncio.Queue[Done] = asyncio.Queue()  # for the switch

    @property
    def presses(self) -> bool:
        """Keys are tones: whoever hears takes them."""
        return self.speaks

    @property
    def pressing(self) -> bool:
        """Whether keys are left to press."""
        return self._keys > 0

    def say(self, pcm: Pcm) -> None:
        """Say this after what is being said."""
        self.waiting.put_nowait(Say(b"".join(rows_of(pcm))))

    def press(self, keys: str) -> None:
        """Press these keys, one after the other."""
        self._keys += len(keys)
        self.waiting.put_nowait(Press(keys))

    def key_ended(self, at: float) -> None:
        """One of them has."""
        self._keys -= 1
        self.key_ended_at = at


class E1Call:
    """A call over the span; see :class:`ccplatform.proof.port.Call`."""

    sip_call_id = ""

    def __init__(self, clock: Clock, lateness: Lateness) -> None:
        self.voice = E1Sound()
        self.begun_at = clock.now()
        self.answered_at: float | None = None
        self.ended: Ended | None = None
        self.changed = asyncio.Event()
        self.channel = 0
        self._clock, self._lateness = clock, lateness

    def hang_up(self) -> None:
        """End it, in whatever state it is; nothing if it has ended."""
        if self.ended is None:
            self.voice.waiting.put_nowait(HangUp())

    def leave(self) -> None:
        """End it if it goes on."""
        self.hang_up()

    def take(self, told: Told) -> None:
        """What the switch tells of it."""
        match told:
            case Row(at, octets, late):
                self.voice.ear.row(octets, at)
                self._lateness.note(late)
            case Begun(at, slot):
                self.begun_at, self.channel = at, slot
            case Answered(at, slot):
                self.answered_at, self.channel, self.voice.speaks = at, slot, True
                self.changed.set()
            case Spoke(at):
                self.voice.spoke_at = self.voice.spoke_at or at
            case KeyEnded(at):
                self.voice.key_ended(at)
            case Over(at, cause, by_remote):
                status = 0 if self.answered_at is not None else causes.status_of(cause)
                why = f"Q.850 {cause} {causes.text_of(cause)}"
                self.end(Ended(at=at, by_remote=by_remote, status=status, q850=cause, why=why))

    def lost(self, why: str) -> None:
        """The switch is gone."""
        self.end(Ended(at=self._clock.now(), by_remote=True, status=503, why=why))

    def end(self, ended: Ended) -> None:
        """It is over; once."""
        if self.ended is None:
            self.ended = ended
            self.changed.set()


async def facts_of(control: Path, span: str) -> SpanFacts | NoSpan:
    """What the switch at ``control`` says of a span; raises OSError, RemoteViolation."""
    reader, writer = await asyncio.open_unix_connection(str(control))
    try:
        writer.write(encode_frame(About(span=span)))
        decoder = FrameDecoder()
        while data := await reader.read(_READ_BYTES):
            for message in decoder.feed(data):
                told: SpanFacts | NoSpan = read(message, SpanFacts | NoSpan)
                return told
    finally:
        writer.close()
    raise RemoteViolation("it went away")


class E1Line:
    """Calls by one span of the switch at ``control``, its socket; ``span`` without a name is the first."""

    def __init__(self, control: Path, span: str, *, caller: str, clock: Clock, tasks: TaskSupervisor) -> None:
        self._control, self._span, self._caller = control, span, caller
        self._clock, self._tasks = clock, tasks
        self.lateness = Lateness()
        self._front: Front | None = None

    @property
    def front(self) -> Front:
        """The span, once the line is open."""
        assert self._front is not None
        return self._front

    async def open(self) -> None:
        """Ask for the span; raises WrongPlan where there is none of its name, NotReached where it is down."""
        try:
            async with asyncio.timeout(_ABOUT_SECONDS):
                told = await facts_of(self._control, self._span)
        except (OSError, TimeoutError, RemoteViolation) as error:
            why = getattr(error, "strerror", None) or str(error) or "no answer"
            raise NotReached(
                f"no E1 switch answers at {self._control}: {why}; "
                "`ccplatform e1 switch` starts one, and a demo (isdn.switch) has its own"
            ) from error
        if isinstance(told, NoSpan):
            there = ", ".join(told.spans)
            raise WrongPlan(f"the switch has no span {self._span!r}, but {there}", where="target")
        if told.problem:
            raise NotReached(f"span {told.span}: {told.problem}")
        self._span = told.span
        self._front = Front(
            kind="e1",
            address=told.span,
            loopback=told.loopback,
            environment={
                "front": "E1 (ISDN PRI)",
                "span": told.span,
                "channels": told.channels,
                "far_end": f"switch simulator, {told.side} side",
            },
            networks=(GOOD,),
            untested=UNTESTED,
        )

    def call(
        self,
        number: str,
        *,
        network: Network | None = None,
        seed: int = 0,
        caller: str = "",
        digest: DigestClient | None = None,
    ) -> E1Call:
        """See CallerLine; a circuit has no networks, and no accounts."""
        assert network in (None, GOOD), "loss and jitter are not to be had on a circuit"
        assert digest is None, "a span has no accounts"
        call = E1Call(self._clock, self.lateness)
        talk = Talk(span=self._span, number=number, caller=caller or self._caller)
        self._tasks.run_once("e1 call", self._carry(call, talk))
        return call

    async def _carry(self, call: E1Call, talk: Talk) -> None:
        """One connection is one call."""
        why = "the switch went away"
        try:
            reader, writer = await asyncio.open_unix_connection(str(self._control))
        except OSError as error:
            call.lost(f"no switch: {error.strerror or error}")
            return
        speaking = asyncio.ensure_future(_speak(call, talk, writer))
        try:
            decoder = FrameDecoder()
            while call.ended is None and (data := await reader.read(_READ_BYTES)):
                for message in decoder.feed(data):
                    call.take(read(message, Told))
        except (OSError, RemoteViolation) as error:
            why = f"the switch went away: {error}"
        finally:
            call.lost(why)
            speaking.cancel()
            with suppress(asyncio.CancelledError, OSError):
                await speaking
            writer.close()


async def _speak(call: E1Call, talk: Talk, writer: asyncio.StreamWriter) -> None:
    message: Any = talk
    while True:
        writer.write(encode_frame(message))
        await writer.drain()
        message = await call.voice.waiting.get()
