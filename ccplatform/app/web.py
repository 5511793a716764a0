"""The web process: REST, event sockets, metrics and pages. It may die and come back without a call noticing."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import structlog
from fastapi import APIRouter, FastAPI

from ccplatform.app.browser_phones import phone_server
from ccplatform.app.clock_watching import ClockWatching
from ccplatform.app.control_alarms import ControlAlarms
from ccplatform.app.desk import build_webhook
from ccplatform.app.e1_link import ask_office
from ccplatform.app.flows import Untold, large_bodies
from ccplatform.app.following import Following
from ccplatform.app.foundation import Foundation, lay_foundation
from ccplatform.app.http import build_http
from ccplatform.app.looking_ahead import coming, forecasting_of
from ccplatform.app.places import Places
from ccplatform.app.recorder import build_copier, build_keeper
from ccplatform.app.reloading import ReloadingControl
from ccplatform.app.server import build_server
from ccplatform.app.settings import Settings
from ccplatform.app.simulating import Simulating
from ccplatform.app.sockets import listen_tcp
from ccplatform.app.speech import speech_engine
from ccplatform.app.stopping import StopSignal
from ccplatform.app.watching import Watching
from ccplatform.app.web_routes import routers_of
from ccplatform.contracts.words import AgentId, TrunkId
from ccplatform.kernel.errors import NotFound
from ccplatform.operations.board import AlarmBoard
from ccplatform.operations.store import AlarmStore
from ccplatform.security.access import Access
from ccplatform.security.login import LogIn
from ccplatform.security.model import Principal
from ccplatform.security.store import TokenStore
from ccplatform.security.tokens import Tokens
from ccplatform.storage.journal_reader import JournalReader
from cti.events import Hub
from cti.live import LiveView
from cti.recent import RecentFacts
from cti.viewers import overseen
from gateway.signalling.service import SignallingService
from metrics.evidence.journal_days import JournalDays
from metrics.prometheus import OverloadHealth, WorkerHealth
from metrics.routes import build_scrape
from metrics.scheduling.service import ReportSchedules
from metrics.scheduling.store import ScheduleStore
from metrics.service import MetricsService
from metrics.store import ReportStore
from metrics.sums import ReportSums

_log = structlog.get_logger("web")

#: How often control is asked how it is, seconds.
HEALTH_SECONDS = 2.0
#: Pause between attempts to reach control, seconds; short, since pages are blind meanwhile.
LINK_PAUSE_SECONDS = 0.1


class WebProcess:
    """The parts of the web process, wired."""

    def __init__(self, settings: Settings, places: Places, ground: Foundation) -> None:
        self.settings = settings
        self.places = places
        self.ground = ground
        self.live = LiveView(zone=settings.node.zone_info)
        self.hub = Hub(live=self.live, clock=ground.clock, settings=settings.cti.events)
        self.board = AlarmBoard()
        self.journal = JournalReader(ground.database, sealer=ground.vault, tenant=ground.tenant)
        self.alarms = AlarmStore(ground.database, tenant=ground.tenant)
        self.metrics = MetricsService(
            clock=ground.clock,
            settings=settings.metrics,
            zone=settings.node.zone_info,
            queues=lambda: list(self.live.queues),
            trunks=lambda: self.following.health.get("trunks", []),
            agents=lambda: [agent for agent in self.live.agents if agent not in settings.probe.robots],
            service_levels=self.service_levels,
            workers=self._workers,
            lines=self._lines,
            overload=self._overload,
            alarms=self.board.counts,
            messages=lambda: {queue.id: queue.new_messages for queue in self.live.queues.values()},
        )
        self.speech = speech_engine(settings.ivr.speech, ground.clock, Untold())
        self.simulating = Simulating(settings, ground, places, Untold())
        self.signalling = SignallingService(settings.sip.signalling, clock=ground.clock)
        self.recent = RecentFacts()
        self.webhook = build_webhook(settings.cti.webhook, ground, self.live)
        self.following = Following(
            path=places.control_socket,
            hub=self.hub,
            metrics=self.metrics,
            board=self.board,
            alarms=self.alarms,
            journal=self.journal,
            database=ground.database,
            clock=ground.clock,
            tasks=ground.tasks,
            signalling=self.signalling,
            followers=(self.recent, *([] if self.webhook is None else [self.webhook])),
        )
        self.forecasting = forecasting_of(settings, ground, self.live)
        self.journal_days = JournalDays(
            ground.database, audit=ground.audit, clock=ground.clock, tenant=ground.tenant
        )
        self.control = ReloadingControl(self.following.link, ground.clock)
        self._told = ControlAlarms(self.following.link, ground.clock)
        self.clock = ClockWatching(settings.clock, clock=ground.clock, alarms=self._told)
        self.reports = ReportStore(
            ground.database,
            clock=ground.clock,
            settings=settings.metrics,
            zone=settings.node.zone_info,
            service_levels=self.service_levels,
            tenant=ground.tenant,
        )
        self.schedules = ScheduleStore(ground.database, tenant=ground.tenant)
        self.keeper = build_keeper(settings, places, ground, self._told)
        self.copier = build_copier(settings, places, ground, self._told)
        self.phone_server = phone_server(settings.sip, lambda: self.following.health.get("access", {}))

    def build(self) -> FastAPI:
        """Every router on one application."""
        settings, ground = self.settings, self.ground
        security = settings.security
        tokens = Tokens(
            TokenStore(ground.database, tenant=ground.tenant),
            clock=ground.clock,
            lifetime_seconds=security.token_hours * 3600,
            cache_seconds=security.token_cache_seconds,
        )
        access = Access(tokens=tokens)
        login = LogIn(
            users=ground.users,
            tokens=tokens,
            passwords=ground.passwords,
            audit=ground.audit,
            clock=ground.clock,
            throttle=security.throttle,
        )
        metrics = APIRouter(tags=["metrics"])
        scrape = build_scrape(service=self.metrics, settings=settings.metrics)
        metrics.add_api_route("/metrics", scrape, include_in_schema=False)
        return build_http(
            routers=routers_of(self, access, login),
            root_routers=[metrics],
            readiness=self.following.readiness,
            pages=pages_directory(),
            max_body_bytes=settings.http.max_body_bytes,
            large_bodies=large_bodies(settings),
            phone=self.phone_server,
        )

    def start(self) -> None:
        """Follow control, and keep the figures."""
        self.following.start()
        self.ground.tasks.keep_running("reloads", self.control.tell_again)
        self.ground.tasks.keep_running("alarms", self._told.run)
        self.ground.tasks.keep_running("clock", self.clock.run)
        self.ground.tasks.keep_running("recordings at rest", self._keep_recordings)
        self.ground.tasks.keep_running("forecast", self._look_ahead)
        if self.settings.recording.stores:
            self.ground.tasks.keep_running("copies of recordings", self._copy_recordings)
        self.ground.tasks.keep_running("days of the journal", self._prove_days)
        if self.settings.metrics.sum_up_seconds:
            self.ground.tasks.keep_running("sums of reports", self._sum_up)
        if self.settings.reports.look_seconds:
            self.ground.tasks.keep_running("reports that are due", self._make_reports)
        self.signalling.start(self.ground.tasks)
        if self.webhook is not None:
            self.ground.tasks.keep_running("webhook", self.webhook.run)
        self.hub.start()
        if self.settings.metrics.watch_seconds:
            watching = Watching(
                metrics=self.metrics,
                board=self.board,
                ask=self.following.link.ask,
                clock=self.ground.clock,
                every_seconds=self.settings.metrics.watch_seconds,
                coming=lambda: coming(self.forecasting),
            )
            self.ground.tasks.keep_running("watch over section 10.3", watching.run)

    async def _keep_recordings(self) -> None:
        await self.following.informed.wait()  # only then are its tables sure to be there
        await self.keeper.run()

    async def _prove_days(self) -> None:
        await self.following.informed.wait()
        await self.journal_days.run()

    async def _sum_up(self) -> None:
        await self.following.informed.wait()
        sums = ReportSums(
            self.ground.database,
            clock=self.ground.clock,
            short_abandon_seconds=self.settings.metrics.short_abandon_seconds,
            every_seconds=self.settings.metrics.sum_up_seconds,
            repeat_days=self.settings.metrics.repeat_days,
            tenant=self.ground.tenant,
        )
        await sums.run()

    async def _make_reports(self) -> None:
        await self.following.informed.wait()
        settings = self.settings.reports
        schedules = ReportSchedules(
            self.schedules,
            self.reports,
            alarms=self._told,
            clock=self.ground.clock,
            zone=self.settings.node.zone_info,
            settings=settings,
            folder=settings.folder or self.places.reports,
        )
        await schedules.run()

    async def _look_ahead(self) -> None:
        await self.following.informed.wait()
        await self.forecasting.run()

    async def _copy_recordings(self) -> None:
        await self.following.informed.wait()
        await self.copier.run()

    def close(self) -> None:
        """Stop the heartbeats."""
        self.hub.close()

    def overseen(self, principal: Principal) -> frozenset[AgentId] | None:
        """Whose agents somebody may see; None: all."""
        return overseen(principal, self.live)

    def service_levels(self) -> dict[str, float]:
        """Seconds within which each queue promises an answer."""
        return {queue.id: queue.target_seconds for queue in self.live.queues.values()}

    async def ask_e1(self, request: dict[str, Any]) -> Any:
        """Without spans, or in a demo without libpri, no front runs."""
        if not (self.settings.isdn.spans and self.places.e1_socket.exists()):
            if request == {"do": "state"}:
                return []
            raise NotFound(f"no span {request['span'][:64]!r}")
        return await ask_office(self.places, request)

    def channels_in_use(self, trunk: TrunkId) -> int | None:
        """How many channels of a trunk are busy; None: not known."""
        in_use: int | None = self.following.health.get("channels", {}).get(trunk)
        return in_use

    def _lines(self) -> dict[str, Any]:
        told = {name: self.following.health.get(name, {}) for name in ("access", "ivr")}
        return told | {"clock": self.clock.gauges()}

    def _overload(self) -> OverloadHealth | None:
        told = self.following.health.get("overload")
        return OverloadHealth(level=told["level"], refused=told["refused"]) if told is not None else None

    def _workers(self) -> Sequence[WorkerHealth]:
        return [
            WorkerHealth(
                worker=worker["worker"],
                ticks=worker["stats"]["ticks"],
                overruns=worker["stats"]["overruns"],
                refused=worker["stats"]["refused"],
                link_frames=worker["stats"]["link_frames"],
            )
            for worker in self.following.health.get("workers", [])
            if worker["stats"] is not None
        ]


def pages_directory() -> Path:
    """Where the built pages are, in a checkout or an image."""
    return Path(__file__).resolve().parents[2] / "web" / "dist"


async def run_web(settings: Settings, places: Places, *, ready: Callable[[], None]) -> None:
    """Be the web process until SIGTERM; ready once it knows what control knows."""
    http = settings.http
    stop = StopSignal()
    listener = listen_tcp(str(http.bind_ip), http.port, "pages and REST")
    ground = await stop.or_do(lay_foundation(settings, places, needs_database=False))
    process = WebProcess(settings, places, ground)
    server = build_server(process.build(), http)
    process.start()
    await process.simulating.start(ground.tasks)
    serving = asyncio.ensure_future(server._serve(sockets=[listener]))
    stopped = asyncio.ensure_future(stop.wait())
    informed = asyncio.ensure_future(process.following.informed.wait())
    await asyncio.wait((serving, stopped, informed), return_when=asyncio.FIRST_COMPLETED)
    if informed.done():
        ready()
    await asyncio.wait((serving, stopped), return_when=asyncio.FIRST_COMPLETED)
    process.close()
    await process.speech.close()
    await process.simulating.close()
    server.should_exit = True
    await serving
    for waiting in (stopped, informed):
        waiting.cancel()
    await ground.tasks.close()
    await ground.database.close()
