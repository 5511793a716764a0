"""A span in service: its calls, libpri's program, and the sound of its channels, over a line. Both sides are made
of it.

Who uses it (:class:`SpanUser`) sees calls (:mod:`gateway.isdn.call_control`); block by block it is asked what they
say.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Mapping
from typing import Any, Final

import structlog

from ccplatform.kernel.clock import Clock, sleep
from ccplatform.kernel.errors import Unavailable
from ccplatform.kernel.tasks import TaskSupervisor
from gateway.isdn.call_control import CallControl
from gateway.isdn.line import BLOCK_BYTES, BLOCK_SECONDS, IDLE, OCTETS, SILENCE, LineAlarm, LineDriver
from gateway.isdn.loops import MOST_DELAY_ROWS, TEST_ROWS, Loop, LoopResult, LoopTest
from gateway.isdn.pri_link import PriLink
from gateway.isdn.span_calls import SpanUser, TracedFrame

_log = structlog.get_logger("isdn")

#: Frames of the D channel that are kept for the trace.
TRACE_FRAMES: Final = 4096
_PAUSE_SECONDS: Final = 1.0
#: Pause before libpri is looked for again where it is not installed, seconds.
_WITHOUT_SECONDS: Final = 30.0


class Span(CallControl):
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
        self._link = PriLink(
            side=side, overlap=overlap, timers=timers or {}, on_event=self._event, on_frame=self._frame_out
        )
        super().__init__(
            side=side,
            overlap=overlap,
            command=self._link.command,
            line_up=lambda: not driver.alarms - {LineAlarm.RAI},
            clock=clock,
        )
        self.name, self.driver = name, driver
        self.trace: deque[TracedFrame] = deque(maxlen=TRACE_FRAMES)
        self.problem = ""
        self._tasks = tasks
        self._loops: dict[int, Loop | LoopTest] = {}

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
        self.program_began()
        try:
            await self._link.run()
        except Unavailable as error:
            if self.problem != str(error):
                _log.error("no ISDN signalling", span=self.name, reason=str(error))
            self.problem = str(error)
            await sleep(self._clock, _WITHOUT_SECONDS)
        self.program_ended()
        await sleep(self._clock, _PAUSE_SECONDS)

    @property
    def pid(self) -> int | None:
        """Of libpri's program."""
        return self._link.pid

    def _event(self, event: dict[str, Any]) -> None:
        match event.get("event"):
            case "up":
                self.problem = ""
            case "refused":
                _log.warning("libpri's program refused a command", span=self.name, told=event)
        self.heard(event)

    # --- loops --------------------------------------------------------------------------------------------

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
