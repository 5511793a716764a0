"""A gateway on the memory network with a media engine that only remembers, and what it told."""

from __future__ import annotations

import secrets
from collections.abc import Callable, Iterable
from typing import TypeVar

from ccplatform.contracts.facts import Fact
from ccplatform.contracts.legs import (
    AdoptLeg,
    AnswerLeg,
    DialLeg,
    DialTarget,
    LegEnded,
    LegEvent,
    LegOffered,
    LegQuality,
    ReleaseLeg,
    RingLeg,
    TrunkTarget,
)
from ccplatform.contracts.words import CallId, ContactId, LegId, LegRole, ReleaseCause, SeatId, TrunkId
from ccplatform.kernel.clock import Clock
from ccplatform.kernel.ids import Ids
from ccplatform.kernel.tasks import TaskSupervisor
from gateway.access import SipAccess
from gateway.media.port import LocalAudio, RemoteAudio
from gateway.sip.digest import Secrets, hash_a1
from gateway.sip.seats import Seat
from gateway.sip.settings import SipSettings
from gateway.sip.trunk import Trunk, TrunkDirection
from gateway.sip.wire import Wire
from tests.support.alarms import Alarms

T = TypeVar("T")
REALM = "ccplatform"
FINGERPRINT = "sha-256 " + ":".join(["AB"] * 32)


class FakeMedia:
    """Opens at once, measures nothing worth telling."""

    def __init__(self, host: str) -> None:
        self.host = host
        self.host6 = host if ":" in host else "2001:db8::1"
        self.full = False
        self.silent = False  # never answers close_leg
        self.away = False  # answers open_leg when a worker comes
        self.open: dict[LegId, LocalAudio] = {}
        self.connected: list[tuple[LegId, RemoteAudio]] = []
        self.closed: list[LegId] = []
        self.keys: list[tuple[LegId, str]] = []
        self.beside: dict[LegId, LegId | None] = {}  # near which leg each was opened
        self.moved: list[tuple[LegId, CallId]] = []
        self._waiting: list[tuple[CallId, LegId, Callable[[LocalAudio | None], None], bool]] = []
        self._port = 10_000

    def open_leg(
        self,
        call: CallId,
        leg: LegId,
        opened: Callable[[LocalAudio | None], None],
        *,
        ipv6: bool = False,
        near: LegId | None = None,
    ) -> None:
        self.beside[leg] = near
        if self.away:
            self._waiting.append((call, leg, opened, ipv6))
            return
        if self.full:
            opened(None)
            return
        self._port += 2
        host = self.host6 if ipv6 else self.host
        self.open[leg] = LocalAudio(host=host, port=self._port, fingerprint=FINGERPRINT)
        opened(self.open[leg])

    def come(self) -> None:
        """A worker is there (again)."""
        self.away = False
        while self._waiting:
            call, leg, opened, ipv6 = self._waiting.pop(0)
            self.open_leg(call, leg, opened, ipv6=ipv6)

    def move_leg(self, leg: LegId, call: CallId) -> None:
        self.moved.append((leg, call))

    def connect_leg(self, leg: LegId, remote: RemoteAudio) -> None:
        self.connected.append((leg, remote))

    def signal_digit(self, leg: LegId, digit: str) -> None:
        self.keys.append((leg, digit))

    def close_leg(self, leg: LegId, closed: Callable[[LegQuality | None], None]) -> None:
        self.closed.append(leg)
        if self.silent:
            return
        known = self.open.pop(leg, None) is not None
        closed(quality(leg) if known else None)


def quality(leg: LegId) -> LegQuality:
    return LegQuality(
        leg=leg,
        codec="PCMA",
        packets_received=50,
        packets_lost=0,
        packets_sent=50,
        remote_packets_lost=None,
        jitter_seconds=0.0,
        round_trip_seconds=None,
        delay_seconds=None,
    )


class FactList:
    def __init__(self) -> None:
        self.all: list[Fact] = []

    def record(self, fact: Fact) -> None:
        self.all.append(fact)


class Centre:
    """One node. Crashes are remembered and fail the test that asks for them."""

    def __init__(
        self,
        host: str,
        clock: Clock,
        wire: Wire | None,
        *,
        trunks: Iterable[Trunk] = (),
        seats: Iterable[Seat] = (),
        settings: SipSettings | None = None,
        ip_versions: tuple[int, ...] = (4, 6),
        random_bytes: Callable[[int], bytes] = secrets.token_bytes,
    ) -> None:
        self.host = host
        self.clock = clock
        self.facts = FactList()
        self.media = FakeMedia(host)
        self.alarms = Alarms()
        self.told: list[LegEvent] = []
        self.crashes: list[Exception] = []
        self.refusing: ReleaseCause | None = None
        self.on_event: Callable[[LegEvent], None] = lambda _: None
        self.tasks = TaskSupervisor(clock, on_crash=lambda _name, error: self.crashes.append(error))
        self.ids = Ids(clock)
        self.access = SipAccess(
            settings=settings or SipSettings(bind_ip=host),
            clock=clock,
            ids=self.ids,
            tasks=self.tasks,
            facts=self.facts,
            media=self.media,
            listener=self._listen,
            accepts_calls=lambda: self.refusing,
            store=None,
            alarms=self.alarms,
            ip_versions=ip_versions,
            wire=wire,
            random_bytes=random_bytes,
        )
        self.legs = self.access.legs
        self.access.configure_trunks(trunks)
        self.access.seats.replace(seats)

    async def open(self) -> None:
        await self.access.open()

    def of(self, kind: type[T]) -> list[T]:
        return [event for event in self.told if isinstance(event, kind)]

    def facts_of(self, kind: type[T]) -> list[T]:
        return [fact for fact in self.facts.all if isinstance(fact, kind)]

    def adopt(self, offered: LegOffered) -> ContactId:
        contact = ContactId(self.ids.new())
        self.legs.perform(
            AdoptLeg(leg=offered.leg, call=CallId(self.ids.new()), contact=contact, role=LegRole.CALLER)
        )
        return contact

    def answers_everything(self, *, ring: bool = False) -> None:
        def react(event: LegEvent) -> None:
            if isinstance(event, LegOffered):
                self.adopt(event)
                if ring:
                    self.legs.perform(RingLeg(leg=event.leg))
                self.legs.perform(AnswerLeg(leg=event.leg))

        self.on_event = react

    def rings_everything(self) -> None:
        def react(event: LegEvent) -> None:
            if isinstance(event, LegOffered):
                self.adopt(event)
                self.legs.perform(RingLeg(leg=event.leg))

        self.on_event = react

    def dialled(self, target: DialTarget, caller: str = "95000") -> DialLeg:
        """The command for a leg of a call of its own."""
        return DialLeg(
            leg=LegId(self.ids.new()),
            call=CallId(self.ids.new()),
            contact=ContactId(self.ids.new()),
            role=LegRole.PARTY,
            target=target,
            caller=caller,
        )

    def dial(self, target: DialTarget, caller: str = "95000") -> LegId:
        command = self.dialled(target, caller)
        self.legs.perform(command)
        return command.leg

    def rings(self, leg: LegId) -> None:
        self.legs.perform(RingLeg(leg=leg))

    def answers(self, leg: LegId) -> None:
        self.legs.perform(AnswerLeg(leg=leg))

    def release(self, leg: LegId, cause: ReleaseCause = ReleaseCause.NORMAL) -> None:
        self.legs.perform(ReleaseLeg(leg=leg, cause=cause))

    def ended(self) -> list[tuple[ReleaseCause, bool]]:
        return [(event.cause, event.by_remote) for event in self.of(LegEnded)]

    def is_clean(self) -> bool:
        """Nothing crashed, and nothing of any call is left."""
        assert self.crashes == []
        return len(self.legs) == 0 and self.access.sip.dialogs == 0 and not self.media.open

    def _listen(self, event: LegEvent) -> None:
        self.told.append(event)
        self.on_event(event)


def seat(number: int, password: str = "secret") -> Seat:
    user = str(8000 + number)
    return Seat(
        id=SeatId(f"seat-{number:02}"),
        sip_user=user,
        secrets=Secrets(
            ha1_md5=hash_a1("MD5", user, REALM, password), ha1_sha256=hash_a1("SHA-256", user, REALM, password)
        ),
    )


def trunk(name: str, peer: str, *, capacity: int = 10, port: int = 5060) -> Trunk:
    return Trunk(
        id=TrunkId(name),
        peers=(f"{peer}/{128 if ':' in peer else 32}",),
        host=peer,
        port=port,
        capacity=capacity,
        direction=TrunkDirection.BOTH,
    )


def to_trunk(name: str, number: str = "95000") -> TrunkTarget:
    return TrunkTarget(trunk=TrunkId(name), number=number)
