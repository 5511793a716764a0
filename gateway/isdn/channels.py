"""The bearer channels of a span: which one a call gets, who blocked which, and how busy they were. Pure."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import Final

#: The time slots that carry calls; 16 carries the D channel.
BEARERS: Final = (*range(1, 16), *range(17, 32))


class ChannelState(StrEnum):
    """What is seen of a channel."""

    IDLE = "idle"
    BUSY = "busy"
    BLOCKED = "blocked"  # by the operator: no new calls, one that runs goes on
    RESTARTING = "restarting"  # a RESTART was sent and not acknowledged
    LOOPED = "looped"  # says what it hears, or tests the far end's loop


@dataclass(slots=True)
class Channel:
    """One bearer channel. ``call`` is the name of the call on it."""

    slot: int
    call: str = ""
    blocked: bool = False
    restarting: bool = False
    looped: bool = False
    calls: int = 0
    since: float = 0.0
    busy_seconds: float = 0.0

    @property
    def state(self) -> ChannelState:
        """A busy channel that is blocked is still busy."""
        if self.call:
            return ChannelState.BUSY
        if self.looped:
            return ChannelState.LOOPED
        if self.blocked:
            return ChannelState.BLOCKED
        return ChannelState.RESTARTING if self.restarting else ChannelState.IDLE


class Channels:
    """Calls are given channels in order of least use, from the lowest on the user side and from the highest on the
    network side, so that both sides seldom seize one (Q.931 section 5.7)."""

    def __init__(self, *, ascending: bool, begun: float) -> None:
        self._channels = {slot: Channel(slot) for slot in (BEARERS if ascending else reversed(BEARERS))}
        self._begun = begun

    def all(self) -> list[Channel]:
        """By time slot."""
        return sorted(self._channels.values(), key=lambda channel: channel.slot)

    def get(self, slot: int) -> Channel:
        """KeyError for what is no bearer channel."""
        return self._channels[slot]

    def seize(self, call: str, now: float) -> int | None:
        """A free channel for a call; None: all are busy, blocked or being restarted."""
        free = [channel for channel in self._channels.values() if channel.state is ChannelState.IDLE]
        if not free:
            return None
        chosen = min(free, key=lambda channel: channel.calls)
        self._take(chosen, call, now)
        return chosen.slot

    def take(self, slot: int, call: str, now: float) -> bool:
        """Give a call this channel; False when it may not have it."""
        channel = self._channels.get(slot)
        if channel is None or channel.state is not ChannelState.IDLE:
            return False
        self._take(channel, call, now)
        return True

    def _take(self, channel: Channel, call: str, now: float) -> None:
        channel.call, channel.since = call, now
        channel.calls += 1

    def free(self, call: str, now: float) -> None:
        """The call is gone; harmless when it had no channel."""
        for channel in self._channels.values():
            if channel.call == call:
                channel.call = ""
                channel.busy_seconds += now - channel.since

    def busy_seconds(self, slot: int, now: float) -> float:
        """How long a channel has had calls since the beginning."""
        channel = self._channels[slot]
        return channel.busy_seconds + (now - channel.since if channel.call else 0.0)

    def erlangs(self, slot: int, now: float) -> float:
        """The traffic that a channel carried since the beginning (R10.3.1.1)."""
        return self.busy_seconds(slot, now) / (now - self._begun) if now > self._begun else 0.0

    @property
    def busy(self) -> int:
        """Channels with a call."""
        return sum(bool(channel.call) for channel in self._channels.values())
