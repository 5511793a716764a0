"""The calls of a span: what their user does becomes commands for libpri's program, and its events news. Pure.

Calls have a channel from their beginning to the release that both sides know of.
"""

from __future__ import annotations

import itertools
from collections.abc import Callable
from typing import Any, Final

from ccplatform.kernel.clock import Clock
from gateway.isdn import causes, holding
from gateway.isdn.channels import BEARERS, Channels
from gateway.isdn.restarting import Restarting
from gateway.isdn.span_calls import CallState, SpanCall, SpanCounters, SpanUser

_DIGITS: Final = frozenset("0123456789*#+")


class CallControl:
    """One side of a span, "user" or "network". ``command`` takes commands for libpri's program; ``line_up`` says
    whether the line carries calls."""

    def __init__(
        self,
        *,
        side: str,
        overlap: bool,
        command: Callable[..., None],
        line_up: Callable[[], bool],
        clock: Clock,
    ) -> None:
        self.side = side
        self.channels = Channels(ascending=side == "user", begun=clock.now())
        self.counters = SpanCounters()
        self.layer2 = False
        self.blocked = False  # no new calls, either way
        self.user: SpanUser | None = None
        self._overlap = overlap
        self._fresh = True
        self._command, self._line_up, self._clock = command, line_up, clock
        self._calls: dict[str, SpanCall] = {}
        self._numbers = itertools.count(1)
        self._holding = holding.Holding(self.channels, command, clock)
        self._restarting = Restarting(self.channels, command, clock)

    @property
    def calls(self) -> list[SpanCall]:
        """Those that are not released."""
        return list(self._calls.values())

    @property
    def usable(self) -> bool:
        """Whether calls can be made."""
        return self.layer2 and self._line_up() and not self.blocked and not self._restarting.going_on

    def program_began(self) -> None:
        """A program of libpri's starts, which knows of no call."""
        self._fresh = True

    def program_ended(self) -> None:
        """The program that knew the calls is gone."""
        self._layer2(False)
        for call in list(self._calls.values()):
            self._ended(call, causes.OUT_OF_ORDER)

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
        self._command("call", call=call.name, channel=slot, called=called, complete=complete, **number, **more)
        return call

    def digits(self, call: SpanCall, digits: str) -> None:
        """Further digits of a number that was not complete."""
        call.called += digits
        self._command("digits", call=call.name, digits=digits)

    def proceed(self, call: SpanCall) -> None:
        """The number of a call that came is complete."""
        self._step(call, CallState.PROCEEDING, "proceeding")

    def ring(self, call: SpanCall, *, inband: bool) -> None:
        """It rings; ``inband``: there is something to hear."""
        self._step(call, CallState.RINGING, "alerting", inband=inband)

    def progress(self, call: SpanCall) -> None:
        """There is something to hear before the answer."""
        self._command("progress", call=call.name, channel=call.slot)

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
            self._command("hangup", call=call.name, cause=cause)

    def transfer(self, call: SpanCall, other: SpanCall) -> None:
        """Ask the network to join two calls of this span (explicit call transfer, EN 300 369-1): it ends both by
        cause 16 when it did. Who does not offer that says nothing that is told here."""
        self._command("transfer", call=call.name, to=other.name)

    def hold(self, call: SpanCall) -> None:
        """Ask the far end to hold a call that is connected; its channel is free then."""
        self._holding.hold(call)

    def retrieve(self, call: SpanCall) -> bool:
        """Ask for a held call back; False when no channel is free."""
        return self._holding.retrieve(call)

    def restart(self, slot: int) -> None:
        """Reset a channel (Q.931 section 5.5): its call ends on both sides; KeyError."""
        call = self._calls.get(self.channels.get(slot).call)
        if call is not None:
            self.hang_up(call, causes.TEMPORARY_FAILURE)
        if self.layer2:
            self._restarting.restart(slot)

    def _step(self, call: SpanCall, state: CallState, command: str, **more: Any) -> None:
        if call.name in self._calls and call.state is not CallState.ENDING:
            call.state = state
            self._command(command, call=call.name, channel=call.slot, **more)

    # --- what libpri tells --------------------------------------------------------------------------------

    def heard(self, event: dict[str, Any]) -> None:
        """An event of libpri's program."""
        match event:
            case {"event": "up"}:
                self._layer2(True)
            case {"event": "down"}:
                self._layer2(False)
            case {"event": "setup"}:
                self._setup(event)
            case {"event": "restart", "channel": int(slot)}:
                self._restarted(slot)
            case {"event": "restart_ack", "channel": int(slot)}:
                self._restarting.done(slot)
            case {"event": "refused"}:
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
            self._command("hangup", call=call.name, cause=event["cause"] or causes.NORMAL)
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
        self._command("transfer_answer", call=call.name, invoke=event["invoke"], joined=joined)
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
            self._command("setup_ack", call=call.name, channel=call.slot)
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
        """The far end restarted a channel (0: all): libpri acknowledges it, and what was on it is gone."""
        self._restarting.begun_there(slot)
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
            self._restarting.give_up()
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


_STATES: Final = {
    "setup_ack": CallState.DIALLING,
    "proceeding": CallState.PROCEEDING,
    "progress": CallState.PROCEEDING,
    "alerting": CallState.RINGING,
}
_FORWARD: Final = {state: number for number, state in enumerate(CallState)}
