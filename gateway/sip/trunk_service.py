"""The shell of trunks: looks up their servers, probes them, keeps their registrations, and says how they are."""

from __future__ import annotations

import asyncio
import math
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from functools import partial
from typing import Any, Final

import structlog

from ccplatform.contracts.ports import Alarms
from ccplatform.contracts.words import Severity, TrunkId
from ccplatform.kernel.clock import Clock
from ccplatform.kernel.core import DEADLINE, EffectRunner
from ccplatform.kernel.tasks import TaskSupervisor
from gateway.errors import NamesUnavailable
from gateway.sip.flows import TRANSPORTS, Flow
from gateway.sip.locating import Destination
from gateway.sip.message import SipRequest
from gateway.sip.probing import ProbeAnswered, ProbeEffect, Probing, SendProbe, TargetChanged
from gateway.sip.registering import (
    Begin,
    Registering,
    RegisteringEffect,
    RegisteringEvent,
    RegistrationChanged,
    RegistrationState,
    SendRegister,
    Withdraw,
)
from gateway.sip.requests import options
from gateway.sip.resolver import Resolver, find
from gateway.sip.service import SipService
from gateway.sip.targets import TargetState, TrunkTargets
from gateway.sip.transaction_layer import RequestFailed, ResponseArrived
from gateway.sip.trunk import Trunk, TrunkState
from gateway.sip.trunks import TrunkDirectory
from gateway.sip.uri import host_text

#: Bounds of the time for which the addresses of a name are kept, and the pause after a failed look-up, seconds.
MIN_TTL: Final = 5.0
MAX_TTL: Final = 3600.0
RETRY_SECONDS: Final = 30.0

_log = structlog.get_logger("trunks")


@dataclass(slots=True)
class _Registered:
    core: Registering
    runner: EffectRunner[RegisteringEvent, RegisteringEffect]


class TrunkService:
    """Trunks as they are now. ``random()`` gives numbers from 0 up to 1; ``alarms`` may be None in tests."""

    def __init__(
        self,
        *,
        sip: SipService,
        trunks: TrunkDirectory,
        resolver: Resolver,
        clock: Clock,
        tasks: TaskSupervisor,
        alarms: Alarms | None,
        random: Callable[[], float],
        families: tuple[int, ...],
    ) -> None:
        self._sip = sip
        self._trunks = trunks
        self._resolver = resolver
        self._clock = clock
        self._tasks = tasks
        self._alarms = alarms
        self._random = random
        self._families = families
        self._guard = tasks.guarded("trunks")
        self._open = False
        self._looking = False
        self._known: dict[TrunkId, Trunk] = {}
        self._located_until: dict[TrunkId, float] = {}
        self._unresolved: dict[TrunkId, str] = {}
        self._wake = asyncio.Event()
        self._registered: dict[TrunkId, _Registered] = {}
        self._alarmed: dict[TrunkId, dict[Flow, str]] = {}  # servers that are down, by the subject of their alarm
        self.targets = TrunkTargets(random)
        self._probing = Probing(self.targets)
        self._probes = EffectRunner(self._probing, self._perform_probe, clock, self._guard)

    # --- life ---------------------------------------------------------------------------------------------

    def open(self) -> None:
        """SIP listens: look up, probe and register from now on."""
        self._open = True
        self.configure()

    async def close(self) -> None:
        """Stop; registrations are left to the next process, or to expire."""
        if not self._open:
            return
        self._open = False
        self._probes.close()
        for registered in self._registered.values():
            registered.runner.close()
        await self._tasks.stop("trunk names")

    def configure(self) -> None:
        """Take the trunks of the directory as they are now."""
        before, self._known = self._known, {trunk.id: trunk for trunk in self._trunks.all()}
        for trunk in self._known.values():
            if before.get(trunk.id) is None or before[trunk.id].servers() != trunk.servers():
                self._locate_at_once(trunk)
        self.targets.keep_only(self._known)
        for name in tuple(self._alarmed):
            self._tell_servers(name)
        for gone in before.keys() - self._known.keys():
            self._located_until.pop(gone, None)
            self._clear(gone)
        if self._open:
            for name in before.keys() | self._known.keys():
                self._register(name, before.get(name), self._known.get(name))
            self._probing.configure(self._known.values(), self._clock.now())
            self._probes.post(DEADLINE)
            self._hurry_look_up()

    def reset(self, trunk: TrunkId) -> None:
        """Begin anew with a trunk: its servers are looked up and probed, it is registered again (R10.4.a)."""
        known = self._trunks.get(trunk)
        self.targets.forget(trunk)
        self._tell_servers(trunk)
        self._locate_at_once(known)
        self._hurry_look_up()
        self._register(trunk, known, None)
        self._register(trunk, None, known)
        self._probing.hurry(trunk, self._clock.now())
        self._probes.post(DEADLINE)

    # --- what calls ask -----------------------------------------------------------------------------------

    def flows(self, trunk: TrunkId, *, urgent: bool = False) -> list[Flow]:
        """The addresses to try, in order; where it is registered comes first. For an urgent call also those that
        are said to be away."""
        flows = self.targets.flows(trunk, self._clock.now(), urgent=urgent)
        registered = self._registered.get(trunk)
        if registered is not None and registered.core.flow in flows:
            flows.sort(key=lambda flow: flow != registered.core.flow)
        return flows

    def service_route(self, trunk: TrunkId) -> tuple[str, ...]:
        """The way that the trunk's registrar wants calls to take (RFC 3608)."""
        registered = self._registered.get(trunk)
        return registered.core.service_route if registered is not None else ()

    def call_failed(self, trunk: TrunkId, flow: Flow, retry_after: float | None = None) -> None:
        """A server did not take a call: others are tried first for a while, or it is left out as it asked."""
        self.targets.call_failed(trunk, flow, self._clock.now(), retry_after)

    def describe(self, trunk: Trunk) -> dict[str, Any]:
        """How a trunk is, as plain data; instants as seconds from now."""
        now, registered = self._clock.now(), self._registered.get(trunk.id)
        core = registered.core if registered is not None else None
        return {
            "targets": [
                {
                    "address": target.flow.address(),
                    "transport": target.flow.transport,
                    "name": target.flow.name,
                    "state": target.state.value,
                    "missed": target.missed,
                    "round_trip_seconds": target.round_trip,
                    "rests_seconds": max(0.0, target.rests_until - now, target.left_out_until - now),
                }
                for target in self.targets.all(trunk.id)
            ],
            "unresolved": self._unresolved.get(trunk.id, ""),
            "registration": None
            if core is None
            else {
                "state": core.state.value,
                "reason": core.reason,
                "server": core.flow.address() if core.flow is not None else "",
                "expires_seconds": None if core.expires_at is None else max(0.0, core.expires_at - now),
            },
        }

    # --- names --------------------------------------------------------------------------------------------

    def _locate_at_once(self, trunk: Trunk) -> None:
        """Addresses need no look-up; names are looked up when their turn comes, and what was known is kept."""
        flows = [server.flow() for server in trunk.servers()]
        if all(flow is not None for flow in flows):
            self.targets.located(trunk.id, [(Destination(flow),) for flow in flows if flow is not None])
            self._trunks.learn(trunk.id, [flow for flow in flows if flow is not None])
            self._located_until[trunk.id] = math.inf
        else:
            self._located_until[trunk.id] = 0.0

    def _hurry_look_up(self) -> None:
        """Have the names looked up that are due; where no trunk has a name, nothing runs for it."""
        self._wake.set()
        if not self._looking and any(until < math.inf for until in self._located_until.values()):
            self._looking = True
            self._tasks.keep_running("trunk names", self._look_up)

    async def _look_up(self) -> None:
        """Look names up when their time is over; to be kept running."""
        while True:
            self._wake.clear()
            now = self._clock.now()
            for trunk in [one for one in self._known.values() if self._located_until.get(one.id, 0.0) <= now]:
                await self._find(trunk)
            due = min(self._located_until.values(), default=math.inf)
            timer = self._clock.call_at(due, self._wake.set) if math.isfinite(due) else None
            await self._wake.wait()
            if timer is not None:
                timer.cancel()

    async def _find(self, trunk: Trunk) -> None:
        transports = tuple(one for one in TRANSPORTS if one in self._sip.ports)
        try:
            found = [
                await find(server, self._resolver, transports=transports, families=self._families)
                for server in trunk.servers()
            ]
        except NamesUnavailable as error:
            self._not_found(trunk.id, str(error))
            return
        destinations = [located.destinations for located in found]
        if not any(destinations):
            self._not_found(trunk.id, f"{trunk.host} has no address")
            return
        if self._known.get(trunk.id) is not trunk:
            return  # it was changed meanwhile
        ttl = min(max(min(located.ttl for located in found), MIN_TTL), MAX_TTL)
        self._located_until[trunk.id] = self._clock.now() + ttl
        self.targets.located(trunk.id, destinations)
        self._tell_servers(trunk.id)
        self._trunks.learn(trunk.id, [target.flow for target in self.targets.all(trunk.id)])
        if self._unresolved.pop(trunk.id, None) is not None:
            self._alarm(False, "trunk_unresolved", trunk.id)
        registered = self._registered.get(trunk.id)
        if registered is not None and registered.core.state is not RegistrationState.REGISTERED:
            registered.runner.post(Begin())

    def _not_found(self, trunk: TrunkId, reason: str) -> None:
        """What was known stays in use."""
        self._located_until[trunk] = self._clock.now() + RETRY_SECONDS
        self._unresolved[trunk] = reason
        _log.warning("servers of a trunk not found", trunk=trunk, reason=reason)
        self._alarm(True, "trunk_unresolved", trunk, f"servers of trunk {trunk} cannot be looked up: {reason}")

    # --- probes -------------------------------------------------------------------------------------------

    def _perform_probe(self, effect: ProbeEffect) -> None:
        match effect:
            case SendProbe(trunk=trunk, flow=flow):
                known = self._known.get(trunk)
                if known is not None:
                    request = options(self._sip.identity, flow, self._sip.new_token, domain=known.domain)
                    self._send_probe(trunk, flow, request)
            case TargetChanged(trunk=trunk, flow=flow, state=state):
                self._target_changed(trunk, flow, state)

    def _send_probe(self, trunk: TrunkId, flow: Flow, request: SipRequest) -> None:
        def told(news: ResponseArrived | RequestFailed) -> None:
            if isinstance(news, RequestFailed):
                status = 408 if news.timed_out else 503
            elif news.response.final:
                status = news.response.status
            else:
                return
            self._probes.post(ProbeAnswered(trunk=trunk, flow=flow, status=status))

        self._sip.request(request, flow, told, self._trunks.client(trunk))

    def _target_changed(self, trunk: TrunkId, flow: Flow, state: TargetState) -> None:
        down = state is TargetState.DOWN
        _log.log(30 if down else 20, "server of a trunk", trunk=trunk, server=flow.address(), state=state)
        self._tell_servers(trunk)

    def _tell_servers(self, trunk: TrunkId) -> None:
        """Which servers of a trunk are down: their alarms are up, and no others."""
        before = self._alarmed.pop(trunk, {})
        down = {
            target.flow: f"{trunk} {target.flow.transport} {target.flow.address()}"
            for target in self.targets.all(trunk)
            if target.state is TargetState.DOWN
        }
        for flow in before.keys() - down.keys():
            self._alarm(False, "trunk_server_down", before[flow])
        for flow in down.keys() - before.keys():
            text = f"{down[flow]} does not answer probes"
            self._alarm(True, "trunk_server_down", down[flow], text, Severity.NON_URGENT)
        if down:
            self._alarmed[trunk] = down
        blocked = bool(down) and not self.targets.serves(trunk)
        self._alarm(blocked, "trunk_down", trunk, f"no server of trunk {trunk} answers: it is blocked")

    # --- registrations ------------------------------------------------------------------------------------

    def _register(self, name: TrunkId, before: Trunk | None, after: Trunk | None) -> None:
        """Keep the registration that the trunk wants, and no other."""
        wants = after is not None and after.registration is not None and after.state is not TrunkState.ISOLATED
        registered = self._registered.get(name)
        if registered is not None and (not wants or before is None or _differs(before, after)):
            del self._registered[name]
            registered.runner.post(Withdraw())
            registered.runner.close()
            registered = None
        client = self._trunks.client(name)
        if registered is None and wants and after is not None and client is not None:
            core = Registering(
                after,
                identity=self._sip.identity,
                client=client,
                call_id=f"{self._sip.new_token()}@{host_text(self._sip.identity.hosts[4])}",
                tag=self._sip.new_token(),
                flows=partial(self.targets.flows, name),
                random=self._random,
            )
            perform = partial(self._perform_registration, name)
            runner: EffectRunner[RegisteringEvent, RegisteringEffect] = EffectRunner(
                core, perform, self._clock, self._guard
            )
            self._registered[name] = _Registered(core, runner)
            if self.targets.all(name):  # else when its servers are found
                runner.post(Begin())

    def _perform_registration(self, trunk: TrunkId, effect: RegisteringEffect) -> None:
        match effect:
            case SendRegister(request=request, flow=flow):
                self._sip.request(request, flow, partial(self._registration_news, trunk))
            case RegistrationChanged(state=state, reason=reason):
                _log.info("registration of a trunk", trunk=trunk, state=state, reason=reason)
                lost = state is RegistrationState.LOST
                text = f"trunk {trunk} is not registered with its provider: {reason}"
                self._alarm(lost, "trunk_registration_lost", trunk, text)

    def _registration_news(self, trunk: TrunkId, news: ResponseArrived | RequestFailed) -> None:
        registered = self._registered.get(trunk)
        if registered is not None:
            registered.runner.post(news)

    # --- alarms -------------------------------------------------------------------------------------------

    def _alarm(
        self, up: bool, kind: str, subject: str, text: str = "", severity: Severity = Severity.URGENT
    ) -> None:
        if self._alarms is None:
            return
        if up:
            self._alarms.raise_alarm(kind, subject, severity, text)
        else:
            self._alarms.clear_alarm(kind, subject)

    def _clear(self, trunk: TrunkId) -> None:
        for kind in ("trunk_unresolved", "trunk_down", "trunk_registration_lost"):
            self._alarm(False, kind, trunk)


def _differs(before: Trunk, after: Trunk | None) -> bool:
    """Whether a trunk must be registered anew."""
    return after is None or any(
        getattr(before, name) != getattr(after, name) for name in ("registration", "credentials", "domain", "host")
    )


def usable_families(hosts: Iterable[str]) -> tuple[int, ...]:
    """The IP versions of the sockets on these addresses."""
    return tuple(sorted({6 if ":" in host else 4 for host in hosts}))
