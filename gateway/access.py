"""SIP access put together: directories, registrar, service and legs, loaded from the store."""

from __future__ import annotations

import os
import secrets
from collections.abc import Callable, Iterable, Sequence, Set
from typing import Final

import structlog

from ccplatform.contracts.facts import SeatRegistered
from ccplatform.contracts.legs import LegEvent
from ccplatform.contracts.ports import Alarms, Facts
from ccplatform.contracts.words import ReleaseCause, SeatId, TrunkId
from ccplatform.kernel.clock import Clock
from ccplatform.kernel.errors import Unavailable
from ccplatform.kernel.ids import Ids
from ccplatform.kernel.tasks import TaskSupervisor
from ccplatform.kernel.write_behind import WriteBehind
from gateway.dialling import Attempt, Dialling
from gateway.errors import UnknownPort, UnknownSeat
from gateway.leg_sessions import LegSessions
from gateway.legs import LegService
from gateway.media.codecs import usable_codecs
from gateway.media.port import LegMedia
from gateway.sip.admission import RETRY_AFTER_SECONDS, Admission
from gateway.sip.audio_formats import AudioPolicy
from gateway.sip.channel_news import ChannelNews
from gateway.sip.connections import ConnectionLimits
from gateway.sip.digest import DigestServer
from gateway.sip.gruu import Gruus
from gateway.sip.outbound_routes import OutboundRoutes
from gateway.sip.overload_guard import OverloadGuard
from gateway.sip.passes import Passes
from gateway.sip.registrar import Registrar, RegistrarLimits
from gateway.sip.registration import Registrations
from gateway.sip.resolver import DnsResolver, Resolver
from gateway.sip.seats import SeatDirectory
from gateway.sip.service import SipService
from gateway.sip.settings import SipSettings
from gateway.sip.transports import SipTransports
from gateway.sip.trunk import Trunk, TrunkState
from gateway.sip.trunk_service import TrunkService, usable_families
from gateway.sip.trunks import TrunkChannels, TrunkDirectory
from gateway.sip.wire import Wire
from gateway.store import GatewayStore

#: Pause after registrations could not be stored, seconds.
RETRY_SECONDS: Final = 2.0

_log = structlog.get_logger("gateway")


class SipAccess:
    """The SIP side of a node. :attr:`legs` serves `calls`, :attr:`seats` is the Seats port.

    ``listener`` hears leg events, ``accepts_calls()`` says why no new call is taken now (None: they are taken).
    ``ip_versions`` are those that media can go over. ``wire`` and ``resolver`` stand for the sockets and DNS in
    tests; ``store`` and ``alarms`` may be None there.
    """

    def __init__(
        self,
        *,
        settings: SipSettings,
        clock: Clock,
        ids: Ids,
        tasks: TaskSupervisor,
        facts: Facts,
        media: LegMedia,
        listener: Callable[[LegEvent], None],
        accepts_calls: Callable[[], ReleaseCause | None],
        store: GatewayStore | None,
        ip_versions: Sequence[int] = (4,),
        wire: Wire | None = None,
        alarms: Alarms | None = None,
        resolver: Resolver | None = None,
        random_bytes: Callable[[int], bytes] = os.urandom,
        random_number: Callable[[int], int] = secrets.randbits,
    ) -> None:
        self._settings = settings
        self._clock = clock
        self._tasks = tasks
        self._facts = facts
        self._store = store
        self._accepts_calls = accepts_calls
        self._random_bytes = random_bytes
        self._random_number = random_number
        self._bindings: WriteBehind[SeatId] = WriteBehind(
            name="registrations", save=self._save_bindings, clock=clock, tasks=tasks, retry_seconds=RETRY_SECONDS
        )
        self.seats = SeatDirectory(lambda seat: self.registrations.reachable(seat))
        self.registrations = Registrations(
            Registrar(_limits(settings), self._gruus()),
            clock=clock,
            tasks=tasks,
            facts=facts,
            changed=self._bindings.changed,
            seats=self.seats,
        )
        self.passes = store.passes() if store else Passes(key=random_bytes(32), realm=settings.realm)
        self.trunks = TrunkDirectory(random_bytes=random_bytes)
        self.routes = OutboundRoutes(self._random)
        self._channel_news = ChannelNews(clock=clock, facts=facts)
        self.channels = TrunkChannels(self.trunks, self._channel_news.changed)
        self.overload = OverloadGuard(
            settings=settings.overload,
            clock=clock,
            seats=self.seats,
            trunks=self.trunks,
            routes=self.routes,
            facts=facts,
            waiting=lambda: self._sockets.waiting if self._sockets is not None else 0,
        )
        self._sockets = _sockets(settings, clock, tasks, self.overload) if wire is None else None
        wire = wire or self._sockets
        assert wire is not None
        self.sip = self._sip(wire)
        self.sip.strangers.alarms = alarms
        self.trunk_service = TrunkService(
            sip=self.sip,
            trunks=self.trunks,
            resolver=resolver or DnsResolver(settings.dns_servers),
            clock=clock,
            tasks=tasks,
            alarms=alarms,
            random=self._random,
            families=usable_families(settings.bound),
        )
        self.dialling = self._dialling()
        self.legs = self._legs(ids, media, listener, _sessions(settings, random_number, ip_versions))

    def _random(self) -> float:
        return self._random_number(53) / 2**53

    def _gruus(self) -> Gruus:
        key = self._store.gruu_key() if self._store is not None else self._random_bytes(32)
        return Gruus(domains=self._settings.public_hosts, key=key, random_bytes=self._random_bytes)

    def _sip(self, wire: Wire) -> SipService:
        settings, random_bytes = self._settings, self._random_bytes
        admission = Admission(
            seats=self.seats,
            trunks=self.trunks,
            channels=self.channels,
            digest=DigestServer(realm=settings.realm, secret=random_bytes(32), random_bytes=random_bytes),
            overload=self.overload,
            md5_only_phones=settings.md5_only_phones,
            line_free=lambda seat: len(self.legs.dialogs_of(seat)) < settings.lines_per_seat,
            is_emergency=lambda number: self.dialling.is_emergency(number),
            pass_of=lambda user, sip_user: self.passes.secrets(user, sip_user, self._clock.wall().timestamp()),
        )
        return SipService(
            settings=settings,
            wire=wire,
            clock=self._clock,
            tasks=self._tasks,
            facts=self._facts,
            registrations=self.registrations,
            admission=admission,
            accepts_calls=self._accepts_calls,
            random_bytes=random_bytes,
        )

    def _dialling(self) -> Dialling:
        settings = self._settings
        return Dialling(
            seats=self.seats,
            trunks=self.trunks,
            channels=self.channels,
            routes=self.routes,
            ways=self.trunk_service,
            contacts=self.registrations.contacts,
            new_token=self.sip.new_token,
            host=lambda flow: self.sip.identity.host(flow),
            outside_prefixes=settings.transfer_prefixes,
            emergency_numbers=frozenset(settings.overload.emergency_numbers),
        )

    def _legs(
        self, ids: Ids, media: LegMedia, listener: Callable[[LegEvent], None], sessions: LegSessions
    ) -> LegService:
        return LegService(
            sip=self.sip,
            media=media,
            dialling=self.dialling,
            channels=self.channels,
            clock=self._clock,
            ids=ids,
            facts=self._facts,
            random_number=self._random_number,
            sessions=sessions,
            moves_per_second=self._settings.moves_per_second,
            listener=listener,
            server_failed=self._server_failed,
        )

    async def load(self) -> None:
        """Read trunks, seats and registrations; raises Unavailable when the database is away."""
        if self._store is not None:
            await self.reload()
            self.registrations.load(await self._store.registrations())

    def tell_registered(self) -> None:
        """Tell which seats have a phone: a new run of the stream of facts begins without knowing."""
        for seat in sorted(self.seats.ids()):
            for binding in self.registrations.contacts(seat)[:1]:
                transport = binding.flow.transport.lower()
                self._facts.record(SeatRegistered(seat=seat, transport=transport, user_agent=binding.user_agent))

    async def open(self) -> None:
        """Listen; raises PortInUse."""
        await self.sip.open(self.legs)
        self.trunk_service.open()
        if self._sockets is not None:
            self.overload.start()

    async def reload(self) -> None:
        """Take changed trunks and seats; a seat that is gone loses its registrations, calls go on."""
        if self._store is None:
            return
        trunks, seats = await self._store.trunks.all(), await self._store.seats()
        routes = await self._store.trunks.routes()
        gone = self.seats.ids() - {seat.id for seat in seats}
        self.configure_trunks(trunks)
        self.routes.replace(routes)
        self.seats.replace(seats)
        self.registrations.remove_seats(gone)

    def configure_trunks(self, trunks: Iterable[Trunk]) -> None:
        """Take these trunks; the calls of those that are isolated now are ended."""
        self.trunks.replace(trunks)
        self.trunk_service.configure()
        for trunk in self.trunks.all():
            if trunk.state is TrunkState.ISOLATED:
                self.legs.clear_trunk(trunk.id)

    def refuses_order(self, number: str, order: str) -> float | None:
        """For how many seconds nobody may have a number called by a click (``order`` names the call); None: he
        may, an emergency number always."""
        if self.dialling.is_emergency(number):
            return None
        if self._accepts_calls() is not None:
            return RETRY_AFTER_SECONDS
        return self.overload.refuses_order(number, order)

    def reset_trunk(self, trunk: TrunkId) -> None:
        """End the trunk's calls and begin anew with it; raises UnknownTrunk."""
        self.trunks.get(trunk)
        self.legs.clear_trunk(trunk)
        self.trunk_service.reset(trunk)

    async def reset_port(self, transport: str) -> None:
        """Close a listener with its connections and open it anew; raises UnknownPort, PortInUse."""
        if self._sockets is None or transport not in self._sockets.ports:
            raise UnknownPort(f"no listener of {transport!r}")
        await self._sockets.reset(transport)

    def reset_seat(self, seat: SeatId) -> None:
        """Forget where a seat is registered; raises UnknownSeat."""
        if not self.seats.known(seat):
            raise UnknownSeat(f"no seat {seat!r}")
        self.registrations.reset_seat(seat)

    async def close(self) -> None:
        """Stop listening and write what is not stored yet, if the database is there."""
        await self.trunk_service.close()
        self.overload.stop()
        self._channel_news.close()
        await self.sip.close()
        self.registrations.close()
        self._bindings.close()
        try:
            await self._bindings.flush()
        except Unavailable as error:
            _log.warning("registrations not stored at the end", reason=str(error))

    async def _save_bindings(self, seats: Set[SeatId]) -> None:
        if self._store is not None:
            await self._store.save_registrations({seat: self.registrations.contacts(seat) for seat in seats})

    def _server_failed(self, trunk: TrunkId, attempt: Attempt, retry_after: float | None) -> None:
        for call in attempt.calls:
            self.trunk_service.call_failed(trunk, call.flow, retry_after)


def _sessions(
    settings: SipSettings, random_number: Callable[[int], int], ip_versions: Sequence[int]
) -> LegSessions:
    audio = AudioPolicy(
        codecs=usable_codecs(settings.codecs),
        preference=settings.codec_preference,
        comfort_noise=settings.comfort_noise,
    )
    return LegSessions(audio=audio, srtp=settings.srtp, random_number=random_number, ip_versions=ip_versions)


def _limits(settings: SipSettings) -> RegistrarLimits:
    return RegistrarLimits(
        shortest=settings.min_register_seconds,
        default=settings.max_register_seconds,
        longest=settings.max_register_seconds,
        max_bindings=settings.max_registrations,
    )


def _sockets(settings: SipSettings, clock: Clock, tasks: TaskSupervisor, overload: OverloadGuard) -> SipTransports:
    return SipTransports(
        hosts=settings.bound,
        port=settings.port,
        ws_port=settings.ws_port if settings.ws else None,
        tls_port=settings.tls_port,
        tls=settings.tls,
        answers=overload.answers,
        clock=clock,
        tasks=tasks,
        limits=ConnectionLimits(
            connections=settings.max_connections,
            per_source=settings.max_connections_per_source,
            idle_seconds=settings.idle_seconds,
        ),
    )
