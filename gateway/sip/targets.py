"""The servers of trunks as they are now: their addresses, which of them serve, and the order of their use. Pure.

What a probe says is firm: a server that missed several is *down* and not called until it answers one. What a call
says is a hint: a server that failed one is used last for a while (RFC 3263 section 4.3). One that said when it
takes calls again is not called before (RFC 3261 section 21.5.4), but for emergency calls.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Final

from ccplatform.contracts.words import TrunkId
from gateway.sip.flows import Flow
from gateway.sip.locating import Destination
from gateway.sip.selection import in_order

#: Probes that a server may miss one after the other before it is down.
MISSED_PROBES: Final = 3
#: How long a server that failed a call is used last, seconds.
REST_SECONDS: Final = 30.0
#: Longest Retry-After that is believed, seconds.
MAX_REST_SECONDS: Final = 600.0
#: Priorities of DNS are 16 bits: servers are ranked above them.
_RANK: Final = 1 << 16


class TargetState(StrEnum):
    """What is known of a server."""

    UNKNOWN = "unknown"
    UP = "up"
    DOWN = "down"


@dataclass(slots=True, kw_only=True)
class Target:
    """One address of a trunk's servers; ``round_trip`` of the last probe in seconds, ``…_until`` monotonic."""

    flow: Flow
    priority: int
    weight: int
    state: TargetState = TargetState.UNKNOWN
    missed: int = 0
    round_trip: float | None = None
    rests_until: float = 0.0
    left_out_until: float = 0.0

    def takes_calls(self, now: float) -> bool:
        """Whether it is neither down nor asked to be left out."""
        return self.state is not TargetState.DOWN and self.left_out_until <= now


class TrunkTargets:
    """The addresses of every trunk; ``random`` gives numbers from 0 up to 1."""

    def __init__(self, random: Callable[[], float]) -> None:
        self._random = random
        self._targets: dict[TrunkId, dict[Flow, Target]] = {}

    def located(self, trunk: TrunkId, servers: Iterable[Sequence[Destination]]) -> None:
        """Take the addresses of a trunk, server by server in order of use; what is known of them stays."""
        before = self._targets.get(trunk, {})
        found: dict[Flow, Target] = {}
        for rank, destinations in enumerate(servers):
            for one in destinations:
                priority = rank * _RANK + one.priority
                target = before.get(one.flow) or Target(flow=one.flow, priority=priority, weight=one.weight)
                target.priority, target.weight = priority, one.weight
                found.setdefault(one.flow, target)
        self._targets[trunk] = found

    def keep_only(self, trunks: Iterable[TrunkId]) -> None:
        """Forget trunks that are gone."""
        kept = set(trunks)
        self._targets = {trunk: targets for trunk, targets in self._targets.items() if trunk in kept}

    def forget(self, trunk: TrunkId) -> None:
        """Forget what is known of a trunk's servers but their addresses: a reset."""
        for target in self._targets.get(trunk, {}).values():
            target.state, target.missed, target.round_trip = TargetState.UNKNOWN, 0, None
            target.rests_until = target.left_out_until = 0.0

    def all(self, trunk: TrunkId) -> list[Target]:
        """Every address of a trunk, in order of priority."""
        return sorted(self._targets.get(trunk, {}).values(), key=lambda target: target.priority)

    def flows(self, trunk: TrunkId, now: float, *, urgent: bool = False) -> list[Flow]:
        """Where a call may go, in order of trial: none that is down or asked to be left out, those that rest last;
        an ``urgent`` one may go anywhere."""
        usable = [target for target in self.all(trunk) if urgent or target.takes_calls(now)]
        awake = [target for target in usable if target.rests_until <= now]
        resting = [target for target in usable if target.rests_until > now]
        return [target.flow for group in (awake, resting) for target in in_order(group, self._random)]

    def serves(self, trunk: TrunkId) -> bool:
        """Whether any server of the trunk may be called."""
        return any(target.state is not TargetState.DOWN for target in self._targets.get(trunk, {}).values())

    def call_failed(self, trunk: TrunkId, flow: Flow, now: float, retry_after: float | None = None) -> None:
        """A server did not take a call: it rests."""
        target = self._targets.get(trunk, {}).get(flow)
        if target is not None:
            target.rests_until = max(target.rests_until, now + REST_SECONDS)
            if retry_after is not None:
                target.left_out_until = max(target.left_out_until, now + min(retry_after, MAX_REST_SECONDS))

    def probed(self, trunk: TrunkId, flow: Flow, round_trip: float | None) -> bool:
        """A probe was answered after ``round_trip`` seconds, or missed (None); whether the state changed."""
        target = self._targets.get(trunk, {}).get(flow)
        if target is None:
            return False
        before = target.state
        if round_trip is not None:
            target.state, target.missed, target.round_trip = TargetState.UP, 0, round_trip
            target.rests_until = 0.0 if before is TargetState.DOWN else target.rests_until
        else:
            target.missed += 1
            if target.missed >= MISSED_PROBES:
                target.state = TargetState.DOWN
        return target.state is not before
