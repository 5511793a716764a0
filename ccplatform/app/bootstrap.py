"""The composition root of the control process: every part is built here, by keyword, and nowhere else."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from zoneinfo import ZoneInfo

from acd.service import AcdService
from acd.store import AcdStore
from ccplatform.app.access_layer import MediaEvents
from ccplatform.app.foundation import Foundation
from ccplatform.app.link_server import LinkServer
from ccplatform.app.orders import Orders
from ccplatform.app.places import Places
from ccplatform.app.settings import Settings
from ccplatform.app.speech import Speaking, build_flows
from ccplatform.calls.service import CallPorts, CallService
from ccplatform.calls.store import ContactProjection
from ccplatform.contracts.facts import Fact, FactEvent, SeatRegistered, SeatUnregistered
from ccplatform.contracts.media import FileItem
from ccplatform.contracts.words import ReleaseCause, Severity
from ccplatform.kernel.stream import Stream
from ccplatform.operations.retention import Retention
from ccplatform.operations.service import AlarmService
from ccplatform.operations.store import AlarmProjection, AlarmStore
from ccplatform.security.pins import PinCheck
from ccplatform.storage.journal import JournalWriter
from cti.live import LiveView
from gateway.access import SipAccess
from gateway.media.client import MediaPool
from gateway.store import GatewayStore
from ivr.music import ensure_music
from ivr.service import FlowService
from recording.files import RecordingFiles
from recording.service import RecordingService
from recording.store import Catalogue, CatalogueProjection


class StreamFacts:
    """The Facts port on the stream."""

    def __init__(self, stream: Stream[Fact]) -> None:
        self._stream = stream

    def record(self, fact: Fact) -> None:
        """Number the fact and tell everyone."""
        self._stream.publish(fact)


@dataclass(slots=True, kw_only=True)
class ControlProcess:
    """The parts of the control process, wired."""

    settings: Settings
    stream: Stream[Fact]
    live: LiveView
    alarms: AlarmService
    alarm_store: AlarmStore
    journal: JournalWriter
    retention: Retention
    media: MediaPool
    gateway: SipAccess
    acd: AcdService
    speech: Speaking
    recorder: RecordingService
    calls: CallService
    link: LinkServer = field(init=False)
    draining: bool = False

    @property
    def flows(self) -> FlowService:
        """The flow service."""
        return self.speech.flows

    @property
    def worker_ready(self) -> bool:
        """Whether any media worker takes calls."""
        return any(worker.connected for worker in self.media.workers)

    def refuses_calls(self) -> ReleaseCause | None:
        """Why no new call may come in now; None: they may."""
        if self.draining or self.journal.full or not self.worker_ready:
            return ReleaseCause.UNAVAILABLE
        return None

    def database_changed(self, available: bool) -> None:
        """PostgreSQL went away or is back."""
        if available:
            self.alarms.clear_alarm("database_unavailable", "")
        else:
            text = "PostgreSQL cannot be reached; calls go on, facts wait, changes are refused"
            self.alarms.raise_alarm("database_unavailable", "", Severity.URGENT, text)

    def web_clients(self, count: int) -> None:
        """The web process linked or went away."""
        if count:
            self.alarms.clear_alarm("web_unavailable", "")
        elif not self.draining:
            text = "the web process is away: pages, REST and metrics do not answer"
            self.alarms.raise_alarm("web_unavailable", "", Severity.NON_URGENT, text)


def build_control(settings: Settings, places: Places, ground: Foundation) -> ControlProcess:
    """Build and connect everything; nothing listens yet."""
    clock, tasks, tenant = ground.clock, ground.tasks, ground.tenant
    stream: Stream[Fact] = Stream(clock, ground.ids, tenant)
    facts = StreamFacts(stream)
    live = LiveView(zone=ZoneInfo(settings.cti.zone))
    alarms = AlarmService(facts=facts, clock=clock, ids=ground.ids)
    journal = JournalWriter(
        ground.database,
        sealer=ground.vault,
        clock=clock,
        alarms=alarms,
        settings=settings.journal,
        projections=(
            ContactProjection(digest=ground.caller_digest),
            CatalogueProjection(),
            AlarmProjection(),
        ),
        tenant=tenant,
    )
    music = ensure_music(places.speech)
    calls = CallService(
        clock=clock,
        ids=ground.ids,
        facts=facts,
        music=(FileItem(path=str(music), trim=False),),
        guard=tasks.guarded("calls"),
    )
    alarm_store = AlarmStore(ground.database, tenant=tenant)
    media_events = MediaEvents(calls=calls, alarms=alarms)
    media = MediaPool(
        sockets=[places.media_socket(index) for index in range(settings.media.workers)],
        listener=media_events.take,
        clock=clock,
        tasks=tasks,
    )
    gateway = SipAccess(
        settings=settings.sip,
        clock=clock,
        ids=ground.ids,
        tasks=tasks,
        facts=facts,
        media=media,
        listener=calls.leg_event,
        accepts_calls=lambda: control.refuses_calls(),
        store=GatewayStore(
            database=ground.database, vault=ground.vault, clock=clock, realm=settings.sip.realm, tenant=tenant
        ),
    )
    media_events.legs = gateway.legs
    acd = AcdService(
        store=AcdStore(database=ground.database, tenant=tenant),
        facts=facts,
        seats=gateway.seats,
        clock=clock,
        tasks=tasks,
        listener=calls.router_event,
        pin_check=PinCheck(users=ground.users, passwords=ground.passwords, clock=clock).pin_matches,
        settings=settings.acd,
    )
    speech = build_flows(settings, places, ground, facts=facts, alarms=alarms, desk=acd, calls=calls)
    recorder = RecordingService(
        policy=settings.recording.policy(),
        files=RecordingFiles(places.recordings),
        rows=Catalogue(database=ground.database, tenant=tenant),
        facts=facts,
        alarms=alarms,
        clock=clock,
        ids=ground.ids,
        tasks=tasks,
        zone=ZoneInfo(settings.cti.zone),
    )
    calls.connect(
        CallPorts(legs=gateway.legs, media=media, flows=speech.flows, router=acd, recorder=recorder, rows=live)
    )
    control = ControlProcess(
        settings=settings,
        stream=stream,
        live=live,
        alarms=alarms,
        alarm_store=alarm_store,
        journal=journal,
        retention=Retention(
            database=ground.database, alarms=alarm_store, clock=clock, settings=settings.retention
        ),
        media=media,
        gateway=gateway,
        acd=acd,
        speech=speech,
        recorder=recorder,
        calls=calls,
    )
    orders = Orders(control=control, database=ground.database)
    control.link = LinkServer(
        path=places.control_socket,
        tasks=tasks,
        execute=orders.execute,
        snapshot=live.snapshot,
        position=lambda: (stream.epoch, stream.seq),
        pending=journal.pending,
        on_clients=control.web_clients,
    )
    stream.subscribe(journal.append)
    stream.subscribe(live.apply)
    stream.subscribe(control.link.publish)
    stream.subscribe(_tell_acd(acd))
    return control


def _tell_acd(acd: AcdService) -> Callable[[FactEvent], None]:
    def seat_changed(event: FactEvent) -> None:
        match event.fact:
            case SeatRegistered(seat=seat):
                acd.seat_changed(seat, reachable=True)
            case SeatUnregistered(seat=seat):
                acd.seat_changed(seat, reachable=False)
            case _:
                pass

    return seat_changed
