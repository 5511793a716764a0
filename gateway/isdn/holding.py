"""Hold and retrieve (EN 300 196-1), whoever begins: a call that is held has no channel."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Final

from ccplatform.kernel.clock import Clock
from gateway.isdn import causes
from gateway.isdn.channels import Channels
from gateway.isdn.span_calls import CallState, SpanCall

#: Events of libpri's program that are for this. That our hold was refused changes nothing.
EVENTS: Final = frozenset({"hold", "hold_ack", "retrieve", "retrieve_ack", "retrieve_reject"})


class Holding:
    """``command`` takes commands for libpri's program."""

    def __init__(self, channels: Channels, command: Callable[..., None], clock: Clock) -> None:
        self._channels, self._command, self._clock = channels, command, clock

    def hold(self, call: SpanCall) -> None:
        """Ask the far end to hold a call that is connected."""
        self._command("hold", call=call.name)

    def retrieve(self, call: SpanCall) -> bool:
        """Ask for a held call back; False when no channel is free."""
        slot = self._channels.seize(call.name, self._clock.now()) if call.held else None
        if slot is not None:
            self._command("retrieve", call=call.name, channel=slot)
        return slot is not None

    def heard(self, call: SpanCall, event: dict[str, Any]) -> None:
        """One of :data:`EVENTS` of a call."""
        match event["event"]:
            case "hold" if call.state is CallState.CONNECTED and not call.held:
                self._command("hold_ack", call=call.name)
                self._let_go(call)
            case "hold":
                self._command("hold_reject", call=call.name, cause=causes.WRONG_STATE)
            case "hold_ack":
                self._let_go(call)
            case "retrieve":
                self._given_back(call, event.get("channel") or 0)
            case "retrieve_ack":
                call.slot, call.held = self._slot_of(call), False
            case _:
                self._channels.free(call.name, self._clock.now())

    def _given_back(self, call: SpanCall, slot: int) -> None:
        now = self._clock.now()
        if not call.held:
            self._command("retrieve_reject", call=call.name, cause=causes.WRONG_STATE)
        elif self._channels.take(slot, call.name, now) or (slot := self._channels.seize(call.name, now) or 0):
            self._command("retrieve_ack", call=call.name, channel=slot)
            call.slot, call.held = slot, False
        else:
            self._command("retrieve_reject", call=call.name, cause=causes.NO_CHANNEL)

    def _let_go(self, call: SpanCall) -> None:
        self._channels.free(call.name, self._clock.now())
        call.slot, call.held = 0, True

    def _slot_of(self, call: SpanCall) -> int:
        return next((channel.slot for channel in self._channels.all() if channel.call == call.name), 0)
