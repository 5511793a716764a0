"""A span in service: libpri's calls, their channels and their sound, over a line. Both sides are made of it.

Who uses it (:class:`SpanUser`) sees calls; block by block it is asked what they say. Calls have a channel from
their beginning to the release that both sides know of.
"""

from __future__ import annotations

import itertools
from collections import deque
from collections.abc import Mapping
from typing import Any, Final

import structlog

from ccplatform.kernel.clock import Clock, TimerHandle, sleep
from ccplatform.kernel.errors import Unavailable
from ccplatform.kernel.tasks import TaskSupervisor
from gateway.isdn import causes, holding
from gateway.isdn.channels import BEARERS, Channels
from gateway.isdn.line import BLOCK_BYTES, BLOCK_SECONDS, IDLE, OCTETS, SILENCE, LineAlarm, LineDriver
from gateway.isdn.loops import MOST_DELAY_ROWS, TEST_ROWS, Loop, LoopResult, LoopTest
from gateway.isdn.pri_link import PriLink
from gateway.isdn.span_calls import CallState, SpanCall, SpanCounters, SpanUser, TracedFrame

_log = structlog.get_logger("isdn")

#: Frames of the D channel that are kept for the trace.
TRACE_FRAMES: Final = 4096
_PAUSE_SECONDS: Final = 1.0
#: Pause before libpri is looked for again where it is not installed, seconds.
_WITHOUT_SECONDS: Final = 30.0
#: How long a RESTART may stay without its acknowledgement (T316 is longer, and libpri has it off), seconds.
RESTART_SECONDS: Final = 5.0
_DIGITS: Final = frozenset("0123456789*#+")


class Span:
    """One span on ``driver``. ``side`` is "user" or "network"."""

    def __init__(
        self,
        name: str,
        *,
        side: str,
        driver: LineDriver,
        clock: Clock,
        tasks: TaskSupervisor,
        overlap: bool = False,
        timers: Mapping[str, int] | None = None,
    ) -> None:
        self.name, self.side, self.driver = name, side, driver
        self.channels = Channels(ascending=side == "user", begun=clock.now())
        self.counters = SpanCounters()
        self.trace: deque[TracedFrame] = deque(maxlen=TRACE_FRAMES)
        self.layer2 = False
        self.problem = ""
        self.blocked = False  # no new calls, either way
        self.user: SpanUser | None = None
        self._overlap = overlap
        self._fresh = True
        self._given_up: TimerHandle | None = None
        self._clock, self._tasks = clock, tasks
        self._calls: dict[str, SpanCall] = {}
        self._numbers = itertools.count(1)
        self._loops: dict[int, Loop | LoopTest] = {}
        self._restarts: deque[int] = deque()  # channels to be restarted, the first of them is under way
        self._link = PriLink(
            side=side, overlap=overlap, timers=timers or {}, on_event=self._event, on_frame=self._frame_out
        )
        self._holding = holding.Holding(self.channels, self._link.command, clock)

    # --- life ---------------------------------------------------------------------------------------------

    async def open(self, user: SpanUser) -> None:
        """Begin; raises OSError when the line cannot be opened."""
        self.user = user
        await self.driver.open(self)
        self._tasks.keep_running(f"line of {self.name}", self.driver.run)
        self._tasks.keep_running(f"libpri of {self.name}", self._signalling)

    async def close(self) -> None:
        """End; calls must have been hung up."""
        await self._tasks.stop(f"libpri of {self.name}")
        self.driver.close()
        await self._tasks.stop(f"line of {self.name}")

    async def _signalling(self) -> None:
        self._fresh = True
        try:
            await self._link.run()
        except Unavailable as error:
            if self.problem != str(error):
                _log.error("no ISDN signalling", span=self.name, reason=str(error))
            self.problem = str(error)
            await sleep(self._clock, _WITHOUT_SECONDS)
        self._layer2(False)
        for call in list(self._calls.values()):  # the program that knew them is gone
            self._ended(call, causes.OUT_OF_ORDER)
        await sleep(self._clock, _PAUSE_SECONDS)

    @property
    def calls(self) -> list[SpanCall]:
        """Those that are not released."""
        return list(self._calls.values())

    @property
    def usable(self) -> bool:
        """Whether calls can be made."""
        up = self.layer2 and not self.driver.alarms - {LineAlarm.RAI}
        return up and not self.blocked and not self._restarts

    @property
    def pid(self) -> int | None:
        """Of libpri's program."""
        return self._link.pid

    # --- what the user of the span does -------------------------------------------------------------------

    def call(self, called: str, *, caller: str = "", slot: int | None = None, **more: Any) -> SpanCall | None:
        """Call a number; None when no channel is free (or this one is not). ``more``: see the command ``call``."""
        call = SpanCall(name=f"out-{next(self._numbers)}", outgoing=True, called=called, caller=caller)
        if not self.usable:
            return None
        now = self._clock.now()
        if slot is None:
            slot = self.channels.seize(call.name, now)
        elif not self.channels.take(slot, call.name, now):
            slot = None
        if slot is None:
            self.counters.no_channel += 1
            return None
        call.slot = slot
        self._calls[call.name] = call
        self.counters.outgoing += 1
        complete = more.pop("complete", True)
        number = {"caller": caller} if caller else {}
        self._link.command(
            "call", call=call.name, channel=slot, called=called, complete=complete, **number, **more
        )
        return call

    def digits(self, call: SpanCall, digits: str) -> None:
        """Further digits of a number that was not complete."""
        call.called += digits
        self._link.command("digits", call=call.name, digits=digits)

    def proceed(self, call: SpanCall) -> None:
        """The number of a call that came is complete."""
        self._step(call, CallState.PROCEEDING, "proceeding")

    def ring(self, call: SpanCall, *, inband: bool) -> None:
        """It rings; ``inband``: there is something to hear."""
        self._step(call, CallState.RINGING, "alerting", inband=inband)

    def progress(self, call: SpanCall) -> None:
        """There is something to hear before the answer."""
        self._link.command("progress", call=call.name, channel=call.slot)

    def answer(self, call: SpanCall) -> None:
        """Answer a call that came."""
        if call.state is not CallState.CONNECTED:
            self.counters.answered += 1
        self._step(call, CallState.CONNECTED, "connect")

    def hang_up(self, call: SpanCall, cause: int = causes.NORMAL) -> None:
        """End a call in whatever state it is; the end is told when the other side has released it."""
        if call.name in self._calls and call.state is not CallState.ENDING:
            call.state, call.cause = CallState.ENDING, cause
            call.hear = call.say = None
            self._link.command("hangup", call=call.name, cause=cause)

    def transfer(self, call: SpanCall, other: SpanCall) -> None:
        """Ask the network to join two calls of this span (explicit call transfer, EN 300 369-1): it ends both by
        cause 16 when it did. Who does not offer that says nothing that is told here."""
        self._link.command("transfer", call=call.name, to=other.name)

    def hold(self, call: SpanCall) -> None:
        """Ask the far end to hold a call that is connected; its channel is free then."""
        self._holding.hold(call)

    def retrieve(self, call: SpanCall) -> bool:
        """Ask for a held call back; False when no channel is free."""
        return self._holding.retrieve(call)

    def restart(self, slot: int) -> None:
        """Reset a channel (Q.931 section 5.5): its call ends on both sides; KeyError."""
        channel = self.channels.get(slot)
        call = self._calls.get(channel.call)
        if call is not None:
            self.hang_up(call, causes.TEMPORARY_FAILURE)
        if self.layer2 and slot not in self._restarts:
            channel.restarting = True
            self._restarts.append(slot)
            if len(self._restarts) == 1:
                self._send_restart()

    def _send_restart(self) -> None:
        """One after the other: all RESTARTs have one call reference. Who does not acknowledge one is asked for no
        other."""
        slot = self._restarts[0]
        self._link.command("restart", channel=slot)
        due = self._clock.now() + RESTART_SECONDS
        self._given_up = self._clock.call_at(due, self._restarts_over)

    def _restarts_over(self) -> None:
        self._restarts.clear()
        for channel in self.channels.all():
            channel.restarting = False

    def _restart_done(self, slot: int) -> None:
        if self._restarts and self._restarts[0] == slot:
            self._restarts.popleft()
            self.channels.get(slot).restarting = False
            if self._given_up is not None:
                self._given_up.cancel()
            if self._restarts:
                self._send_restart()

    def loop(self, slot: int, *, on: bool) -> bool:
        """Send back what a channel hears, or no more; False while it has a call. KeyError."""
        return self._loop(slot, Loop() if on else None)

    async def test_loop(self, slot: int) -> LoopResult | None:
        """Send a pattern for a second to a channel that the far end loops; None while it has a call. KeyError."""
        test = LoopTest()
        if not self._loop(slot, test):
            return None
        for _ in range(2 * (TEST_ROWS + MOST_DELAY_ROWS)):
            if test.over:
                break
            await sleep(self._clock, BLOCK_SECONDS)
        self._loop(slot, None)
        return test.result()

    def _loop(self, slot: int, loop: Loop | LoopTest | None) -> bool:
        channel = self.channels.get(slot)
        if channel.call:
            return False
        channel.looped = loop is not None
        if loop is None:
            self._loops.pop(slot, None)
        else:
            self._loops[slot] = loop
        return True

    def _step(self, call: SpanCall, state: CallState, command: str, **more: Any) -> None:
        if call.name in self._calls and call.state is not CallState.ENDING:
            call.state = state
            self._link.command(command, call=call.name, channel=call.slot, **more)

    # --- what libpri tells --------------------------------------------------------------------------------

    def _event(self, event: dict[str, Any]) -> None:
        match event:
            case {"event": "up"}:
                self.problem = ""
                self._layer2(True)
            case {"event": "down"}:
                self._layer2(False)
            case {"event": "setup"}:
                self._setup(event)
            case {"event": "restart", "channel": int(slot)}:
                self._restarted(slot)
            case {"event": "restart_ack", "channel": int(slot)}:
                self._restart_done(slot)
            case {"event": "refused"}:
                _log.warning("libpri's program refused a command", span=self.name, told=event)
                refused = self._calls.get(str(event.get("call")))
                if refused is not None and event.get("command") == "call":
                    self._ended(refused, causes.INVALID_NUMBER)
            case {"call": str(name)} if name in self._calls:
                self._of_call(self._calls[name], event)
            case _:
                pass

    def _of_call(self, call: SpanCall, event: dict[str, Any]) -> None:
        assert self.user is not None
        what = event["event"]
        if what == "release":
            self._ended(call, call.cause or event["cause"])
        elif what == "disconnect":
            call.cause = call.cause or event["cause"]
            self._link.command("hangup", call=call.name, cause=event["cause"] or causes.NORMAL)
            call.state = CallState.ENDING
        elif call.state is CallState.ENDING or (
            what in ("setup_ack", "proceeding", "alerting", "progress", "connect") and not self._moved(call, event)
        ):
            return
        elif what in _STATES:
            call.state = _STATES[what] if _FORWARD[_STATES[what]] > _FORWARD[call.state] else call.state
            self.user.call_progressed(call, inband=bool(event.get("inband")))
        elif what == "connect" and call.outgoing:
            call.state = CallState.CONNECTED
            self.counters.answered += 1
            self.user.call_answered(call)
        elif what == "transfer":
            self._transfer_asked(call, event)
        elif what in holding.EVENTS:
            self._holding.heard(call, event)
        elif what == "digits" and not call.outgoing:
            call.called += "".join(digit for digit in event["digits"] if digit in _DIGITS)
            call.complete = bool(event["complete"])
            self.user.digits_arrived(call)

    def _transfer_asked(self, call: SpanCall, event: dict[str, Any]) -> None:
        assert self.user is not None
        other = self._calls.get(str(event["to"]))
        joined = other is not None and self.user.transfer_asked(call, other)
        self._link.command("transfer_answer", call=call.name, invoke=event["invoke"], joined=joined)
        for one in (call, other) if joined else ():
            if one is not None:
                self.hang_up(one)

    def _moved(self, call: SpanCall, event: dict[str, Any]) -> bool:
        """The far end may give our call another channel with its first answer (Q.931 section 5.1.2)."""
        slot = event.get("channel") or call.slot
        if not call.outgoing or slot == call.slot:
            return True
        self.channels.free(call.name, self._clock.now())
        if not self.channels.take(slot, call.name, self._clock.now()):
            self.hang_up(call, causes.CHANNEL_UNAVAILABLE)
            return False
        call.slot = slot
        return True

    def _setup(self, event: dict[str, Any]) -> None:
        assert self.user is not None
        call = SpanCall(
            name=event["call"],
            outgoing=False,
            called=event["called"],
            caller=event["caller"],
            caller_plan=event["caller_plan"],
            presentation=event["presentation"],
            redirecting=event["redirecting"],
            redirecting_reason=event["redirecting_reason"],
            complete=event["complete"] or not self._overlap,
        )
        self.counters.incoming += 1
        self._calls[call.name] = call
        if not self._seated(call, event["channel"], exclusive=event["exclusive"]):
            self.counters.no_channel += 1
            cause = causes.CHANNEL_UNAVAILABLE if event["exclusive"] else causes.NO_CHANNEL
            self.hang_up(call, cause)
            return
        if not call.complete:
            self._link.command("setup_ack", call=call.name, channel=call.slot)
        self.user.call_arrived(call)

    def _seated(self, call: SpanCall, slot: int, *, exclusive: bool) -> bool:
        """Give a call that came its channel. Where both sides seized one, the network's call has it (section 5.7):
        on the user side ours waits for another that the network names."""
        now = self._clock.now()
        if self.blocked:
            return False
        if self.channels.take(slot, call.name, now):
            call.slot = slot
            return True
        ours = self._calls.get(self.channels.get(slot).call) if slot in BEARERS else None
        if ours is not None and ours.outgoing and ours.state is CallState.DIALLING:
            self.counters.glare += 1
            if self.side == "user":
                self.channels.free(ours.name, now)
                call.slot = slot if self.channels.take(slot, call.name, now) else 0
                return bool(call.slot)
        if exclusive:
            return False
        other = self.channels.seize(call.name, now)
        call.slot = other or 0
        return other is not None

    def _restarted(self, slot: int) -> None:
        """The far end restarted a channel (0: all): libpri acknowledges it, and what was on it is gone.

        Where both sides do, libpri does not acknowledge theirs: that the far end began counts as much.
        """
        for number in BEARERS if slot == 0 else (slot,):
            if self._restarts and self._restarts[0] == number:
                self._restart_done(number)
            elif number in self._restarts:
                self._restarts.remove(number)
                self.channels.get(number).restarting = False
        for call in list(self._calls.values()):
            if slot in (0, call.slot):
                self.hang_up(call, causes.TEMPORARY_FAILURE)

    def _layer2(self, up: bool) -> None:
        if up == self.layer2:
            return
        self.layer2 = up
        self.counters.layer2_losses += not up
        if up and self._fresh:  # the far end may still have the calls of a program that is gone
            self._fresh = False
            for channel in self.channels.all():
                self.restart(channel.slot)
        elif not up:
            self._restarts_over()
        assert self.user is not None
        self.user.span_changed()

    def _ended(self, call: SpanCall, cause: int) -> None:
        if self._calls.pop(call.name, None) is None:
            return
        call.state, call.cause = CallState.ENDING, cause or causes.NORMAL
        call.hear = call.say = None
        self.channels.free(call.name, self._clock.now())
        self.counters.by_cause[call.cause] = self.counters.by_cause.get(call.cause, 0) + 1
        assert self.user is not None
        self.user.call_ended(call)

    # --- the line -----------------------------------------------------------------------------------------

    def received(self, block: bytes) -> None:
        """A block came: each call hears its slot."""
        for call in tuple(self._calls.values()):
            if call.hear is not None and (call.slot or call.held):
                call.hear(_row(block, call.slot) if call.slot else SILENCE)
        for slot, loop in self._loops.items():
            loop.hear(_row(block, slot))

    def to_send(self) -> bytes:
        """What all calls say."""
        block = bytearray(IDLE * BLOCK_BYTES)
        speakers = [(call.slot, call.say) for call in self._calls.values() if call.say is not None and call.slot]
        speakers += [(slot, loop.say) for slot, loop in self._loops.items()]
        for call in self._calls.values():
            if call.held and call.say is not None:
                call.say()  # nobody hears it
        for slot, say in speakers:
            begin = (slot - 1) * OCTETS
            said = say()
            block[begin : begin + OCTETS] = said if len(said) == OCTETS else SILENCE
        return bytes(block)

    def frame_received(self, frame: bytes) -> None:
        """From the line to libpri."""
        self.trace.append(TracedFrame(self._clock.wall(), False, frame))
        self._link.frame(frame)

    def _frame_out(self, frame: bytes) -> None:
        self.trace.append(TracedFrame(self._clock.wall(), True, frame))
        self.driver.send_frame(frame)

    def line_changed(self, alarms: frozenset[LineAlarm]) -> None:
        """Calls on a line that is gone end when libpri's T309 says so; new ones find the span unusable."""
        assert self.user is not None
        self.user.span_changed()


def _row(block: bytes, slot: int) -> bytes:
    return block[(slot - 1) * OCTETS : slot * OCTETS]


_STATES: Final = {
    "setup_ack": CallState.DIALLING,
    "proceeding": CallState.PROCEEDING,
    "progress": CallState.PROCEEDING,
    "alerting": CallState.RINGING,
}
_FORWARD: Final = {state: number for number, state in enumerate(CallState)}
