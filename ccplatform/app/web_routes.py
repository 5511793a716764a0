"""Which routes the web process answers: each package's own, built on its parts."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

from fastapi import APIRouter

from acd.callbacks.routes import build_router as build_call_back_routes
from acd.forecasting.routes import build_router as build_forecast_routes
from ccplatform.app.audited import AuditedControl
from ccplatform.app.browser_phones import BrowserPhones
from ccplatform.app.call_backs import call_back_store
from ccplatform.app.configured import (
    article_store,
    build_configuration,
    desk_documents,
    settings_store,
    shifts_kept,
)
from ccplatform.app.desk import DeskChoices
from ccplatform.app.flows import build_flow_routes
from ccplatform.app.history import ContactsByNumber
from ccplatform.app.recorder import mark_key, sharing_store, sounds_of
from ccplatform.app.signalling_sight import SignallingSight
from ccplatform.app.voice_mail import message_store, message_viewer
from ccplatform.calls.routes import build_router as build_contact_routes
from ccplatform.calls.store import ContactStore
from ccplatform.configuration.changes import Changes
from ccplatform.configuration.routes import add_sheet
from ccplatform.contracts.words import Role
from ccplatform.operations.clock_routes import build_router as build_clock_routes
from ccplatform.operations.routes import build_router as build_alarm_routes
from ccplatform.proof.routes import build_mystery_routes
from ccplatform.security.access import Access
from ccplatform.security.login import LogIn
from ccplatform.security.routes import build_router as build_security_routes
from cti.customer_sheet import customer_kind
from cti.linking.links import Links
from cti.noting.routes import build_router as build_note_routes
from cti.publishing.routes import build_router as build_article_routes
from cti.routes import build_router as build_cti_routes
from cti.scripting.scripts import Scripts
from cti.socket import EventSockets, build_event_router
from cti.store import CustomerStore
from gateway.isdn.routes import build_router as build_isdn_routes
from gateway.isdn.timing_store import TimingStore
from gateway.routes import build_router as build_gateway_routes
from gateway.signalling.places import Places as SignallingPlaces
from gateway.signalling.routes import build_router as build_signalling_routes
from gateway.signalling.search import SignallingSearch
from gateway.store import GatewayStore
from gateway.trunk_routes import build_router as build_trunk_routes
from metrics.adherence.plans import Plans
from metrics.adherence.routes import build_router as build_adherence_routes
from metrics.evidence.routes import build_evidence_routes
from metrics.routes import build_router as build_metrics_routes
from metrics.scheduling.routes import build_schedule_routes
from recording.messages.routes import build_router as build_message_routes
from recording.routes import build_router as build_recording_routes
from recording.sharing.links import KEY_CONTEXT as RECORDING_LINKS
from recording.sharing.links import Links as RecordingLinks
from recording.sharing.routes import build_router as build_sharing_routes
from recording.store import Catalogue
from recording.stores.routes import build_router as build_store_routes

if TYPE_CHECKING:
    from ccplatform.app.web import WebProcess


def routers_of(web: WebProcess, access: Access, login: LogIn) -> list[APIRouter]:
    """Every router of REST, in the order of the document of them."""
    return list(_Routes(web, access).all(login))


class _Routes:
    """The routers and what several of them share."""

    def __init__(self, web: WebProcess, access: Access) -> None:
        settings, ground = web.settings, web.ground
        self._web, self._settings, self._ground, self._access = web, settings, ground, access
        self._contacts = ContactStore(ground.database, tenant=ground.tenant, digest=ground.caller_digest)
        self._seats = GatewayStore(
            database=ground.database,
            vault=ground.vault,
            clock=ground.clock,
            realm=settings.sip.realm,
            tenant=ground.tenant,
        )
        self._catalogue = Catalogue(database=ground.database, tenant=ground.tenant)
        self._sounds = sounds_of(settings, web.places, ground)
        self._shifts = shifts_kept(ground, settings.node.zone_info)
        self._changes = Changes(audit=ground.audit)
        self._control = AuditedControl(control=web.control, audit=ground.audit, live=web.live)

    def all(self, login: LogIn) -> Iterator[APIRouter]:
        """All of them."""
        yield build_security_routes(access=self._access, login=login, audit=self._ground.audit)
        yield from self._desk()
        yield from self._configuration()
        yield from self._recordings()
        yield from self._figures()
        yield from self._gateway()

    def _desk(self) -> Iterator[APIRouter]:
        """What agents and supervisors work with."""
        web, settings, ground, access = self._web, self._settings, self._ground, self._access
        history = ContactsByNumber(
            self._contacts, web.journal, call_backs=call_back_store(ground), recent=web.recent
        )
        choices = DeskChoices(settings_store(ground))
        customers = CustomerStore(
            database=ground.database, country=settings.cti.country_code, tenant=ground.tenant
        )
        sheets = APIRouter(tags=["customers"])
        add_sheet(sheets, customer_kind(customers), access=access, changes=self._changes)
        yield sheets
        yield build_cti_routes(
            access=access,
            live=web.live,
            control=self._control,
            customers=customers,
            reasons=choices,
            clock=ground.clock,
            history=history,
            links=Links(desk_documents(ground, "crm_link")),
            scripts=Scripts(desk_documents(ground, "script")),
            softphones=BrowserPhones(self._seats, settings.sip, ground.clock, web.phone_server),
            settings=settings.cti,
        )
        yield build_note_routes(
            access=access,
            live=web.live,
            control=self._control,
            contacts=history,
            dispositions=choices,
            clock=ground.clock,
            settings=settings.cti,
        )
        yield build_article_routes(access=access, live=web.live, store=article_store(ground), clock=ground.clock)
        yield build_call_back_routes(access=access, store=call_back_store(ground), control=self._control)
        yield build_forecast_routes(access=access, forecasting=web.forecasting)
        sockets = EventSockets(access=access, hub=web.hub, clock=ground.clock, settings=settings.cti.events)
        yield build_event_router(access=access, sockets=sockets)
        yield build_contact_routes(
            access=access, contacts=self._contacts, journal=web.journal, overseen=web.overseen
        )
        yield build_message_routes(
            access=access,
            store=message_store(ground),
            catalogue=self._catalogue,
            sounds=self._sounds,
            audit=ground.audit,
            control=self._control,
            viewer=message_viewer(web.live),
        )

    def _configuration(self) -> Iterator[APIRouter]:
        """The centre's configuration, and its flows."""
        web, settings, ground = self._web, self._settings, self._ground
        yield build_configuration(
            ground,
            access=self._access,
            control=self._control,
            changes=self._changes,
            seats=self._seats,
            recording_names=frozenset(rule.name for rule in settings.recording.rules),
            shifts=self._shifts,
        )
        yield from build_flow_routes(
            settings,
            ground,
            access=self._access,
            control=self._control,
            changes=self._changes,
            gateway=self._seats,
            places=web.places,
            speech=web.speech,
            simulating=web.simulating,
        )

    def _recordings(self) -> Iterator[APIRouter]:
        """Recordings, their links and their stores."""
        web, ground, access = self._web, self._ground, self._access
        yield build_store_routes(access=access, copier=web.copier)
        yield build_sharing_routes(
            access=access,
            catalogue=self._catalogue,
            sounds=self._sounds,
            store=sharing_store(ground),
            links=RecordingLinks(
                key=ground.vault.derive(RECORDING_LINKS),
                clock=ground.clock,
                seconds=self._settings.recording.link_seconds,
            ),
            audit=ground.audit,
            overseen=web.overseen,
            mark_key=mark_key(ground),
            exporters=[Role(role) for role in self._settings.recording.export_roles],
        )
        yield build_recording_routes(
            access=access,
            catalogue=self._catalogue,
            sounds=self._sounds,
            audit=ground.audit,
            overseen=web.overseen,
            digest=ground.caller_digest,
            callers=web.journal.callers,
        )

    def _figures(self) -> Iterator[APIRouter]:
        """Figures, their proof, and alarms."""
        web, settings, ground, access = self._web, self._settings, self._ground, self._access
        plans = Plans(
            self._shifts,
            clock=ground.clock,
            zone=settings.node.zone_info,
            attendance=lambda: web.metrics.fold.attendance,
        )
        yield build_evidence_routes(access=access, days=web.journal_days, clock=ground.clock)
        yield build_metrics_routes(
            access=access,
            service=web.metrics,
            reports=web.reports,
            clock=ground.clock,
            zone=settings.node.zone_info,
            overseen=web.overseen,
            plans=plans,
        )
        yield build_adherence_routes(access=access, plans=plans, overseen=web.overseen)
        yield build_schedule_routes(
            access=access,
            store=web.schedules,
            audit=ground.audit,
            clock=ground.clock,
            zone=settings.node.zone_info,
            mail=settings.reports.mail,
        )
        yield build_mystery_routes(
            access=access,
            history=web.journal,
            control=self._control,
            audit=ground.audit,
            every_seconds=settings.probe.every_seconds,
        )
        yield build_alarm_routes(
            access=access, store=web.alarms, board=web.board, control=web.control, audit=ground.audit
        )

    def _gateway(self) -> Iterator[APIRouter]:
        """Seats, spans, trunks, and what was said on the wire."""
        web, ground, access, seats = self._web, self._ground, self._access, self._seats
        yield build_clock_routes(access=access, state=web.clock.state)
        yield build_gateway_routes(access=access, store=seats, control=web.control, audit=ground.audit)
        yield build_isdn_routes(
            access=access,
            ask=web.ask_e1,
            audit=ground.audit,
            timings=TimingStore(ground.database, tenant=ground.tenant),
            configured={span.id: span.clock for span in web.settings.isdn.spans},
        )
        yield build_signalling_routes(
            access=access,
            service=web.signalling,
            search=SignallingSearch(memory=web.signalling.memory, history=web.journal),
            places=SignallingPlaces(seats, lambda: web.following.health.get("access", {})),
            seen_by=SignallingSight(
                live=web.live, contacts=self._contacts, seats=seats, contact_of=web.signalling.memory.contact_of
            ),
        )
        yield build_trunk_routes(
            access=access,
            store=seats.trunks,
            control=web.control,
            audit=ground.audit,
            changes=self._changes,
            channels_in_use=web.channels_in_use,
            traffic=web.metrics.traffic,
            also=(settings_store(ground).call_back_queues,),
        )
