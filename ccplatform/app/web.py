"""The web process: REST, event sockets, metrics and pages. It may die and come back without a call noticing."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import structlog
from fastapi import APIRouter, FastAPI

from acd.callbacks.routes import build_router as build_call_back_routes
from acd.forecasting.routes import build_router as build_forecast_routes
from ccplatform.app.audited import AuditedControl
from ccplatform.app.browser_phones import BrowserPhones, phone_server
from ccplatform.app.call_backs import call_back_store
from ccplatform.app.configured import article_store, build_configuration, desk_documents, settings_store
from ccplatform.app.control_alarms import ControlAlarms
from ccplatform.app.desk import DeskChoices, build_webhook
from ccplatform.app.e1_link import ask_office
from ccplatform.app.flows import Untold, build_flow_routes, large_bodies
from ccplatform.app.following import Following
from ccplatform.app.foundation import Foundation, lay_foundation
from ccplatform.app.history import ContactsByNumber
from ccplatform.app.http import build_http
from ccplatform.app.looking_ahead import coming, forecasting_of
from ccplatform.app.places import Places
from ccplatform.app.recorder import build_copier, build_keeper, mark_key, sharing_store, sounds_of
from ccplatform.app.reloading import ReloadingControl
from ccplatform.app.server import build_server
from ccplatform.app.settings import Settings
from ccplatform.app.signalling_sight import SignallingSight
from ccplatform.app.simulating import Simulating
from ccplatform.app.sockets import listen_tcp
from ccplatform.app.speech import speech_engine
from ccplatform.app.stopping import StopSignal
from ccplatform.app.voice_mail import message_store, message_viewer
from ccplatform.app.watching import Watching
from ccplatform.calls.routes import build_router as build_contact_routes
from ccplatform.calls.store import ContactStore
from ccplatform.configuration.changes import Changes
from ccplatform.contracts.words import AgentId, Role, TrunkId
from ccplatform.kernel.errors import NotFound
from ccplatform.operations.board import AlarmBoard
from ccplatform.operations.routes import build_router as build_alarm_routes
from ccplatform.operations.store import AlarmStore
from ccplatform.proof.routes import build_mystery_routes
from ccplatform.security.access import Access
from ccplatform.security.login import LogIn
from ccplatform.security.model import Principal
from ccplatform.security.routes import build_router as build_security_routes
from ccplatform.security.store import TokenStore
from ccplatform.security.tokens import Tokens
from ccplatform.storage.journal_reader import JournalReader
from cti.events import Hub
from cti.linking.links import Links
from cti.live import LiveView
from cti.noting.routes import build_router as build_note_routes
from cti.publishing.routes import build_router as build_article_routes
from cti.recent import RecentFacts
from cti.routes import build_router as build_cti_routes
from cti.scripting.scripts import Scripts
from cti.socket import EventSockets, build_event_router
from cti.store import CustomerStore
from cti.viewers import overseen
from gateway.isdn.routes import build_router as build_isdn_routes
from gateway.routes import build_router as build_gateway_routes
from gateway.signalling.places import Places as SignallingPlaces
from gateway.signalling.routes import build_router as build_signalling_routes
from gateway.signalling.search import SignallingSearch
from gateway.signalling.service import SignallingService
from gateway.store import GatewayStore
from gateway.trunk_routes import build_router as build_trunk_routes
from metrics.evidence.journal_days import JournalDays
from metrics.evidence.routes import build_evidence_routes
from metrics.prometheus import OverloadHealth, WorkerHealth
from metrics.routes import build_router as build_metrics_routes
from metrics.routes import build_scrape
from metrics.service import MetricsService
from metrics.store import ReportStore
from metrics.sums import ReportSums
from recording.messages.routes import build_router as build_message_routes
from recording.routes import build_router as build_recording_routes
from recording.sharing.links import KEY_CONTEXT as RECORDING_LINKS
from recording.sharing.links import Links as RecordingLinks
from recording.sharing.routes import build_router as build_sharing_routes
from recording.store import Catalogue
from recording.stores.routes import build_router as build_store_routes

_log = structlog.get_logger("web")

#: How often control is asked how it is, seconds.
HEALTH_SECONDS = 2.0
#: Pause between attempts to reach control, seconds; short, since pages are blind meanwhile.
LINK_PAUSE_SECONDS = 0.1


class WebProcess:
    """The parts of the web process, wired."""

    def __init__(self, settings: Settings, places: Places, ground: Foundation) -> None:
        self._settings = settings
        self._places = places
        self._ground = ground
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
            service_levels=self._service_levels,
            workers=self._workers,
            lines=lambda: {name: self.following.health.get(name, {}) for name in ("access", "ivr")},
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
        self._control = ReloadingControl(self.following.link, ground.clock)
        self._told = ControlAlarms(self.following.link, ground.clock)
        self.keeper = build_keeper(settings, places, ground, self._told)
        self.copier = build_copier(settings, places, ground, self._told)
        self._phone_server = phone_server(settings.sip, lambda: self.following.health.get("access", {}))

    def build(self) -> FastAPI:
        """Every router on one application."""
        settings, ground = self._settings, self._ground
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
            routers=self._routers(access, login),
            root_routers=[metrics],
            readiness=self.following.readiness,
            pages=pages_directory(),
            max_body_bytes=settings.http.max_body_bytes,
            large_bodies=large_bodies(settings),
            phone=self._phone_server,
        )

    def _routers(self, access: Access, login: LogIn) -> Sequence[APIRouter]:
        settings, ground = self._settings, self._ground
        contacts = ContactStore(ground.database, tenant=ground.tenant, digest=ground.caller_digest)
        customers = CustomerStore(
            database=ground.database, country=settings.cti.country_code, tenant=ground.tenant
        )
        reports = ReportStore(
            ground.database,
            clock=ground.clock,
            settings=settings.metrics,
            zone=settings.node.zone_info,
            service_levels=self._service_levels,
            tenant=ground.tenant,
        )
        seats = GatewayStore(
            database=ground.database,
            vault=ground.vault,
            clock=ground.clock,
            realm=settings.sip.realm,
            tenant=ground.tenant,
        )
        catalogue = Catalogue(database=ground.database, tenant=ground.tenant)
        sounds = sounds_of(settings, self._places, ground)
        sockets = EventSockets(access=access, hub=self.hub, clock=ground.clock, settings=settings.cti.events)
        changes = Changes(audit=ground.audit)
        history = ContactsByNumber(contacts, self.journal, call_backs=call_back_store(ground), recent=self.recent)
        choices = DeskChoices(settings_store(ground))
        control = AuditedControl(control=self._control, audit=ground.audit, live=self.live)
        return [
            build_security_routes(access=access, login=login, audit=ground.audit),
            build_cti_routes(
                access=access,
                live=self.live,
                control=control,
                customers=customers,
                reasons=choices,
                clock=ground.clock,
                history=history,
                links=Links(desk_documents(ground, "crm_link")),
                scripts=Scripts(desk_documents(ground, "script")),
                softphones=BrowserPhones(seats, settings.sip, ground.clock, self._phone_server),
                settings=settings.cti,
            ),
            build_note_routes(
                access=access,
                live=self.live,
                control=control,
                contacts=history,
                dispositions=choices,
                clock=ground.clock,
                settings=settings.cti,
            ),
            build_article_routes(access=access, live=self.live, store=article_store(ground), clock=ground.clock),
            build_configuration(
                ground,
                access=access,
                control=control,
                changes=changes,
                seats=seats,
                recording_names=frozenset(rule.name for rule in settings.recording.rules),
            ),
            *build_flow_routes(
                settings,
                ground,
                access=access,
                control=control,
                changes=changes,
                gateway=seats,
                places=self._places,
                speech=self.speech,
                simulating=self.simulating,
            ),
            build_call_back_routes(access=access, store=call_back_store(ground), control=control),
            build_forecast_routes(access=access, forecasting=self.forecasting),
            build_event_router(access=access, sockets=sockets),
            build_contact_routes(access=access, contacts=contacts, journal=self.journal, overseen=self._overseen),
            build_store_routes(access=access, copier=self.copier),
            build_sharing_routes(
                access=access,
                catalogue=catalogue,
                sounds=sounds,
                store=sharing_store(ground),
                links=RecordingLinks(
                    key=ground.vault.derive(RECORDING_LINKS),
                    clock=ground.clock,
                    seconds=settings.recording.link_seconds,
                ),
                audit=ground.audit,
                overseen=self._overseen,
                mark_key=mark_key(ground),
                exporters=[Role(role) for role in settings.recording.export_roles],
            ),
            build_recording_routes(
                access=access,
                catalogue=catalogue,
                sounds=sounds,
                audit=ground.audit,
                overseen=self._overseen,
                digest=ground.caller_digest,
                callers=self.journal.callers,
            ),
            build_message_routes(
                access=access,
                store=message_store(ground),
                catalogue=catalogue,
                sounds=sounds,
                audit=ground.audit,
                control=control,
                viewer=message_viewer(self.live),
            ),
            build_evidence_routes(access=access, days=self.journal_days, clock=ground.clock),
            build_metrics_routes(
                access=access,
                service=self.metrics,
                reports=reports,
                clock=ground.clock,
                zone=settings.node.zone_info,
                overseen=self._overseen,
            ),
            build_mystery_routes(
                access=access,
                history=self.journal,
                control=control,
                audit=ground.audit,
                every_seconds=settings.probe.every_seconds,
            ),
            build_alarm_routes(
                access=access, store=self.alarms, board=self.board, control=self._control, audit=ground.audit
            ),
            build_gateway_routes(access=access, store=seats, control=self._control, audit=ground.audit),
            build_isdn_routes(access=access, ask=self._ask_e1, audit=ground.audit),
            build_signalling_routes(
                access=access,
                service=self.signalling,
                search=SignallingSearch(memory=self.signalling.memory, history=self.journal),
                places=SignallingPlaces(seats, lambda: self.following.health.get("access", {})),
                seen_by=SignallingSight(
                    live=self.live, contacts=contacts, seats=seats, contact_of=self.signalling.memory.contact_of
                ),
            ),
            build_trunk_routes(
                access=access,
                store=seats.trunks,
                control=self._control,
                audit=ground.audit,
                changes=changes,
                channels_in_use=self._channels_in_use,
                traffic=self.metrics.traffic,
                also=(settings_store(ground).call_back_queues,),
            ),
        ]

    def start(self) -> None:
        """Follow control, and keep the figures."""
        self.following.start()
        self._ground.tasks.keep_running("reloads", self._control.tell_again)
        self._ground.tasks.keep_running("alarms", self._told.run)
        self._ground.tasks.keep_running("recordings at rest", self._keep_recordings)
        self._ground.tasks.keep_running("forecast", self._look_ahead)
        if self._settings.recording.stores:
            self._ground.tasks.keep_running("copies of recordings", self._copy_recordings)
        self._ground.tasks.keep_running("days of the journal", self._prove_days)
        if self._settings.metrics.sum_up_seconds:
            self._ground.tasks.keep_running("sums of reports", self._sum_up)
        self.signalling.start(self._ground.tasks)
        if self.webhook is not None:
            self._ground.tasks.keep_running("webhook", self.webhook.run)
        self.hub.start()
        if self._settings.metrics.watch_seconds:
            watching = Watching(
                metrics=self.metrics,
                board=self.board,
                ask=self.following.link.ask,
                clock=self._ground.clock,
                every_seconds=self._settings.metrics.watch_seconds,
                coming=lambda: coming(self.forecasting),
            )
            self._ground.tasks.keep_running("watch over section 10.3", watching.run)

    async def _keep_recordings(self) -> None:
        await self.following.informed.wait()  # only then are its tables sure to be there
        await self.keeper.run()

    async def _prove_days(self) -> None:
        await self.following.informed.wait()
        await self.journal_days.run()

    async def _sum_up(self) -> None:
        await self.following.informed.wait()
        sums = ReportSums(
            self._ground.database,
            clock=self._ground.clock,
            short_abandon_seconds=self._settings.metrics.short_abandon_seconds,
            every_seconds=self._settings.metrics.sum_up_seconds,
            tenant=self._ground.tenant,
        )
        await sums.run()

    async def _look_ahead(self) -> None:
        await self.following.informed.wait()
        await self.forecasting.run()

    async def _copy_recordings(self) -> None:
        await self.following.informed.wait()
        await self.copier.run()

    def close(self) -> None:
        """Stop the heartbeats."""
        self.hub.close()

    def _overseen(self, principal: Principal) -> frozenset[AgentId] | None:
        return overseen(principal, self.live)

    def _service_levels(self) -> dict[str, float]:
        return {queue.id: queue.target_seconds for queue in self.live.queues.values()}

    async def _ask_e1(self, request: dict[str, Any]) -> Any:
        """Without spans, or in a demo without libpri, no front runs."""
        if not (self._settings.isdn.spans and self._places.e1_socket.exists()):
            if request == {"do": "state"}:
                return []
            raise NotFound(f"no span {request['span'][:64]!r}")
        return await ask_office(self._places, request)

    def _channels_in_use(self, trunk: TrunkId) -> int | None:
        in_use: int | None = self.following.health.get("channels", {}).get(trunk)
        return in_use

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
