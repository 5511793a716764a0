"""Restart of channels (Q.931 section 5.5), one after the other: all RESTARTs have one call reference. Pure."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable
from typing import Final

from ccplatform.kernel.clock import Clock, TimerHandle
from gateway.isdn.channels import BEARERS, Channels

#: How long a RESTART may stay without its acknowledgement (T316 is longer, and libpri has it off), seconds.
RESTART_SECONDS: Final = 5.0


class Restarting:
    """``command`` takes commands for libpri's program."""

    def __init__(self, channels: Channels, command: Callable[..., None], clock: Clock) -> None:
        self._channels, self._command, self._clock = channels, command, clock
        self._waiting: deque[int] = deque()  # channels to be restarted, the first of them is under way
        self._given_up: TimerHandle | None = None

    @property
    def going_on(self) -> bool:
        """Whether a channel is being restarted."""
        return bool(self._waiting)

    def restart(self, slot: int) -> None:
        """Restart a channel when those before it are done; KeyError."""
        if slot not in self._waiting:
            self._channels.get(slot).restarting = True
            self._waiting.append(slot)
            if len(self._waiting) == 1:
                self._send()

    def done(self, slot: int) -> None:
        """The far end has restarted this channel, or acknowledged ours."""
        if self._waiting and self._waiting[0] == slot:
            self._waiting.popleft()
            self._channels.get(slot).restarting = False
            if self._given_up is not None:
                self._given_up.cancel()
            if self._waiting:
                self._send()

    def begun_there(self, slot: int) -> None:
        """The far end restarts a channel (0: all).

        Where both sides do, libpri does not acknowledge theirs: that the far end began counts as much.
        """
        for number in BEARERS if slot == 0 else (slot,):
            if self._waiting and self._waiting[0] == number:
                self.done(number)
            elif number in self._waiting:
                self._waiting.remove(number)
                self._channels.get(number).restarting = False

    def give_up(self) -> None:
        """Who does not acknowledge one is asked for no other."""
        self._waiting.clear()
        for channel in self._channels.all():
            channel.restarting = False

    def _send(self) -> None:
        self._command("restart", channel=self._waiting[0])
        self._given_up = self._clock.call_at(self._clock.now() + RESTART_SECONDS, self.give_up)
