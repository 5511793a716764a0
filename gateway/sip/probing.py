"""OPTIONS probes of trunks: when which server is asked, and what its answer means. A pure core.

Any answer shows that a server lives, even a refusal of OPTIONS; a 503 says that it does not serve now, and 408 and
silence that it is not reached.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Final, TypeAlias

from ccplatform.contracts.words import TrunkId
from ccplatform.kernel.core import DeadlineReached
from gateway.sip.flows import Flow
from gateway.sip.targets import TargetState, TrunkTargets
from gateway.sip.trunk import Trunk, TrunkState

#: How long a server may take to answer before it missed a probe, seconds; SIP itself waits for 32.
PATIENCE_SECONDS: Final = 4.0
_NOT_SERVING: Final = (408, 503)


@dataclass(frozen=True, slots=True, kw_only=True)
class ProbeAnswered:
    """A final response came, or nothing: then ``status`` is 408, or 503 when it could not be sent."""

    trunk: TrunkId
    flow: Flow
    status: int


@dataclass(frozen=True, slots=True, kw_only=True)
class SendProbe:
    """Send an OPTIONS; :class:`ProbeAnswered` follows."""

    trunk: TrunkId
    flow: Flow


@dataclass(frozen=True, slots=True, kw_only=True)
class TargetChanged:
    """A server came up or went down."""

    trunk: TrunkId
    flow: Flow
    state: TargetState


ProbeEffect: TypeAlias = SendProbe | TargetChanged


class Probing:
    """Probes every server of the trunks that want it, each trunk at its own pace."""

    def __init__(self, targets: TrunkTargets) -> None:
        self._targets = targets
        self._every: dict[TrunkId, float] = {}
        self._due: dict[TrunkId, float] = {}
        self._asked: dict[tuple[TrunkId, Flow], float] = {}

    def configure(self, trunks: Iterable[Trunk], now: float) -> None:
        """Take the trunks as they are; those that are new are probed at once."""
        self._every = {
            trunk.id: float(trunk.probe_seconds)
            for trunk in trunks
            if trunk.probe_seconds and trunk.state is not TrunkState.ISOLATED
        }
        self._due = {trunk: min(self._due.get(trunk, now), now + every) for trunk, every in self._every.items()}

    def hurry(self, trunk: TrunkId, now: float) -> None:
        """Probe a trunk at the next opportunity."""
        if trunk in self._due:
            self._due[trunk] = now

    def next_deadline(self) -> float | None:
        """When the next trunk is to be probed."""
        return min(self._due.values(), default=None)

    def handle(self, event: ProbeAnswered | DeadlineReached, now: float) -> list[ProbeEffect]:
        """Take one event."""
        match event:
            case ProbeAnswered(trunk=trunk, flow=flow, status=status):
                return self._answered(trunk, flow, status, now)
            case DeadlineReached():
                due = [trunk for trunk, at in self._due.items() if at <= now]
                return [effect for trunk in due for effect in self._probe(trunk, now)]

    def _probe(self, trunk: TrunkId, now: float) -> list[ProbeEffect]:
        """Ask every server; one that was asked long enough ago and is silent missed that probe."""
        self._due[trunk] = now + self._every[trunk]
        effects: list[ProbeEffect] = []
        for flow in [target.flow for target in self._targets.all(trunk)]:
            asked_at = self._asked.get((trunk, flow))
            if asked_at is not None and now - asked_at < PATIENCE_SECONDS:
                continue
            if asked_at is not None:
                effects += self._learnt(trunk, flow, None)
            self._asked[trunk, flow] = now
            effects.append(SendProbe(trunk=trunk, flow=flow))
        return effects

    def _answered(self, trunk: TrunkId, flow: Flow, status: int, now: float) -> list[ProbeEffect]:
        asked_at = self._asked.pop((trunk, flow), None)
        if asked_at is None or trunk not in self._every:
            return []
        return self._learnt(trunk, flow, None if status in _NOT_SERVING else now - asked_at)

    def _learnt(self, trunk: TrunkId, flow: Flow, round_trip: float | None) -> list[ProbeEffect]:
        if not self._targets.probed(trunk, flow, round_trip):
            return []
        state = next(target.state for target in self._targets.all(trunk) if target.flow == flow)
        return [TargetChanged(trunk=trunk, flow=flow, state=state)]
