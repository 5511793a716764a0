"""The composition root of the control process: every part is built here, by keyword, and nowhere else."""

from __future__ import annotations

from collections.abc import Callable

from acd.administration import Administration
from acd.service import AcdService
from acd.settings_store import SettingsStore
from acd.store import AcdStore
from ccplatform.app.access_layer import MediaEvents
from ccplatform.app.agent_lamps import AgentLamps
from ccplatform.app.call_backs import build_call_backs
from ccplatform.app.control_process import ControlProcess, StreamFacts
from ccplatform.app.foundation import Foundation
from ccplatform.app.link_server import LinkServer
from ccplatform.app.music import QueueMusic
from ccplatform.app.once import Once
from ccplatform.app.orders import Orders
from ccplatform.app.places import Places
from ccplatform.app.recorder import build_recording
from ccplatform.app.robot_seats import RobotSeats
from ccplatform.app.settings import Settings
from ccplatform.app.speech import build_flows
from ccplatform.app.voice_mail import MESSAGE_FACTS, MessageLight, build_messages
from ccplatform.calls.calling_store import CallingStore
from ccplatform.calls.ports import CallPorts
from ccplatform.calls.service import CallService
from ccplatform.calls.store import ContactProjection, caller_digests
from ccplatform.contracts.facts import Fact, FactEvent, SeatRegistered, SeatUnregistered, is_live
from ccplatform.contracts.ports import Facts
from ccplatform.contracts.words import AgentId, ReleaseCause
from ccplatform.kernel.stream import Stream
from ccplatform.kernel.tasks import TaskSupervisor
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
from ivr.recordings import Recordings
from recording.messages.store import MessageProjection
from recording.service import OBSERVED
from recording.store import CatalogueProjection


def build_control(settings: Settings, places: Places, ground: Foundation) -> ControlProcess:
    """Build and connect everything; nothing listens yet."""
    clock, tasks, tenant = ground.clock, ground.tasks, ground.tenant
    stream: Stream[Fact] = Stream(clock, ground.ids, tenant)
    facts = StreamFacts(stream)
    live = LiveView(zone=settings.node.zone_info)
    alarms = AlarmService(facts=facts, clock=clock, ids=ground.ids)
    journal = _build_journal(settings, ground, alarms)
    music = QueueMusic(standard=ensure_music(places.speech), folder=settings.ivr.sounds_dir)
    calls = CallService(
        clock=clock,
        ids=ground.ids,
        facts=facts,
        music=music,
        guard=tasks.guarded("calls"),
        settings=settings.calls,
        mystery_callers=frozenset(settings.probe.callers),
    )
    alarm_store = AlarmStore(ground.database, tenant=tenant)
    media_events = MediaEvents(calls=calls, alarms=alarms)
    media = _build_media(settings, places, ground, media_events)
    gateway = _build_gateway(
        settings,
        ground,
        facts=facts,
        alarms=alarms,
        media=media,
        calls=calls,
        accepts_calls=lambda: control.refuses_calls(),
    )
    media_events.legs = gateway.legs
    gateway.overload.on_change = lambda change: control.overload_changed(change)
    call_backs = build_call_backs(settings, ground, facts=facts, calls=calls)
    acd_store = AcdStore(database=ground.database, tenant=tenant)
    acd = AcdService(
        store=acd_store,
        facts=facts,
        seats=gateway.seats,
        clock=clock,
        tasks=tasks,
        call_backs=call_backs,
        pin_check=PinCheck(users=ground.users, passwords=ground.passwords, clock=clock).pin_matches,
        settings=settings.acd,
        robots=frozenset(map(AgentId, settings.probe.robots)),
        prepare=lambda whisper: speech.whispers.prepare(whisper),
        alarms=alarms,
    )
    call_backs.connect(acd.perform)
    music.named = acd.music
    recording = build_recording(
        settings,
        places,
        ground,
        facts=facts,
        alarms=alarms,
        committed=journal.flushed,
        accepts=lambda mailbox: messages.accepts(mailbox),
        deleted=lambda recordings: messages.recordings_deleted(recordings),
        team_of=acd.team_of,
    )
    messages = build_messages(
        settings,
        places,
        ground,
        facts=facts,
        journal=journal,
        live=live,
        acd=acd,
        discard=recording.service.discard,
    )
    speech = build_flows(
        settings,
        places,
        ground,
        facts=facts,
        alarms=alarms,
        desk=acd.desk,
        call_backs=call_backs,
        line=acd,
        messages=messages,
        calls=calls,
        is_open=acd.is_open,
    )
    calls.connect(
        CallPorts(
            legs=gateway.legs,
            numbers=gateway.dialling,
            media=media,
            flows=speech.flows,
            router=acd,
            recorder=recording.service,
            rows=live,
            whispers=speech.whispers,
            throttle=gateway,
        )
    )
    control = ControlProcess(
        settings=settings,
        stream=stream,
        live=live,
        alarms=alarms,
        alarm_store=alarm_store,
        journal=journal,
        retention=Retention(
            database=ground.database,
            alarms=alarm_store,
            clock=clock,
            settings=settings.retention,
            others={"sounds": Recordings(database=ground.database, tenant=ground.tenant).remove_unused},
        ),
        media=media,
        gateway=gateway,
        acd=acd,
        administration=Administration(
            acd=acd,
            store=acd_store,
            settings=SettingsStore(database=ground.database, tenant=tenant),
            facts=facts,
            overflow_refusal=calls.overflow_refusal,
        ),
        call_backs=call_backs,
        speech=speech,
        recording=recording,
        messages=messages,
        message_light=MessageLight(live=live, messages=messages, notifier=gateway.sip.notifier),
        calls=calls,
        calling=CallingStore(database=ground.database, tenant=tenant),
    )
    orders = Orders(control=control, database=ground.database)
    control.link = LinkServer(
        path=places.control_socket,
        tasks=tasks,
        execute=Once(clock=clock, execute=orders.execute).execute,
        snapshot=live.snapshot,
        position=lambda: (stream.epoch, stream.seq),
        pending=journal.pending,
        on_clients=control.web_clients,
    )
    gateway.sip.tap.deliver = control.link.publish_signalling
    _subscribe(control, tasks)
    return control


def _build_journal(settings: Settings, ground: Foundation, alarms: AlarmService) -> JournalWriter:
    return JournalWriter(
        ground.database,
        sealer=ground.vault,
        clock=ground.clock,
        alarms=alarms,
        settings=settings.journal,
        projections=(
            ContactProjection(digest=ground.caller_digest),
            CatalogueProjection(callers_of=caller_digests),
            MessageProjection(vault=ground.vault),
            AlarmProjection(),
        ),
        tenant=ground.tenant,
    )


def _build_media(settings: Settings, places: Places, ground: Foundation, events: MediaEvents) -> MediaPool:
    media = MediaPool(
        sockets=[places.media_socket(index) for index in range(settings.media.workers)],
        listener=events.take,
        clock=ground.clock,
        tasks=ground.tasks,
        wait_seconds=settings.media.worker_wait_seconds,
        recording_rate=settings.media.recording_rate,
    )
    media.on_worker = events.worker_changed
    return media


def _build_gateway(
    settings: Settings,
    ground: Foundation,
    *,
    facts: Facts,
    alarms: AlarmService,
    media: MediaPool,
    calls: CallService,
    accepts_calls: Callable[[], ReleaseCause | None],
) -> SipAccess:
    return SipAccess(
        settings=settings.sip,
        clock=ground.clock,
        ids=ground.ids,
        tasks=ground.tasks,
        facts=facts,
        media=media,
        listener=calls.leg_event,
        accepts_calls=accepts_calls,
        store=GatewayStore(
            database=ground.database,
            vault=ground.vault,
            clock=ground.clock,
            realm=settings.sip.realm,
            tenant=ground.tenant,
        ),
        alarms=alarms,
        ip_versions=settings.media.ip_versions,
    )


def _subscribe(control: ControlProcess, tasks: TaskSupervisor) -> None:
    """Who hears the facts; the journal first."""
    stream = control.stream
    stream.subscribe(control.journal.append)
    stream.subscribe(control.live.apply, is_live)
    stream.subscribe(control.link.publish, is_live)
    stream.subscribe(_tell_acd(control.acd), lambda kind: kind in (SeatRegistered, SeatUnregistered))
    stream.subscribe(control.call_backs.observe, lambda kind: kind in control.call_backs.OBSERVES)
    stream.subscribe(control.message_light.take, MessageLight.wants)
    robots = RobotSeats(seats=control.settings.probe.test_seats, desk=control.acd.desk, tasks=tasks)
    stream.subscribe(robots.take, RobotSeats.wants)
    lamps = AgentLamps(agents=control.acd, notifier=control.gateway.sip.notifier)
    stream.subscribe(lamps.take, AgentLamps.wants)
    # last: these tell facts themselves
    stream.subscribe(control.messages.observe, lambda kind: kind in MESSAGE_FACTS)
    stream.subscribe(control.recording.service.observe, lambda kind: kind in OBSERVED)


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
