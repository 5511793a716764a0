"""What each command of control does to the engine, and which calls a worker keeps for it."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, TypeAlias, assert_never

import structlog

from ccplatform.contracts.legs import SurvivingCall
from ccplatform.contracts.media import (
    MAX_GAIN,
    Bridge,
    Echo,
    ForgetCall,
    JoinRoom,
    KeepSnapshot,
    Mute,
    PauseRecording,
    Play,
    RecordingClosed,
    RecordParties,
    ResumeRecording,
    SecureCollect,
    SendDigits,
    SetGain,
    StartRecording,
    StartTap,
    StopPlay,
    StopRecording,
    StopTap,
    Unbridge,
    WatchVoice,
)
from ccplatform.contracts.words import CallId, LegId
from gateway.media.engine import Engine
from gateway.media.errors import CannotOpenLeg
from gateway.media.legs import Leg
from gateway.media.protocol import (
    CloseLeg,
    CloseLink,
    Command,
    ConnectLeg,
    GetSurvivors,
    LegClosed,
    LegOpened,
    MoveLeg,
    OpenLeg,
    OpenLink,
    PortsReserved,
    ReservePorts,
    SignalDigit,
    Survivors,
    WorkerEvent,
)
from gateway.media.routing import Party

_log = structlog.get_logger("media")

_OnLeg: TypeAlias = (
    ConnectLeg
    | Play
    | StopPlay
    | Echo
    | Mute
    | SendDigits
    | SignalDigit
    | SecureCollect
    | StartTap
    | StopTap
    | WatchVoice
)


class Performer:
    """Performs commands; those for legs that are gone are dropped. ``answer`` goes to who asked."""

    def __init__(
        self, engine: Engine, answer: Callable[[WorkerEvent], None], start_events: Callable[[], None]
    ) -> None:
        self._engine = engine
        self._answer = answer
        self._start_events = start_events
        self._snapshots: dict[CallId, dict[str, Any]] = {}

    def survivors(self) -> tuple[SurvivingCall, ...]:
        """Every call of which a leg or a snapshot is there."""
        legs: dict[CallId, list[LegId]] = {call: [] for call in self._snapshots}
        for leg in self._engine.legs:
            legs.setdefault(leg.call, []).append(leg.id)
        return tuple(
            SurvivingCall(call=call, legs=tuple(names), snapshot=self._snapshots.get(call, {}))
            for call, names in legs.items()
        )

    def perform(self, command: Command) -> None:
        """Do it."""
        match command:
            case OpenLeg():
                self._open(command)
            case CloseLeg():
                leg = self._leg(command.leg)
                quality = self._engine.close_leg(leg) if leg else None
                self._answer(LegClosed(leg=command.leg, quality=quality))
            case MoveLeg():
                moved = self._leg(command.leg)
                if moved:
                    moved.call = command.call
            case ReservePorts():
                spare = self._engine.reserve_ports(command.count, ipv6=command.ipv6)
                self._answer(PortsReserved(spare=spare, ipv6=command.ipv6))
            case GetSurvivors():
                self._engine.legs.let_go()  # they were another connection's
                self._answer(Survivors(calls=self.survivors(), links=tuple(self._engine.links.by_id)))
                self._start_events()
            case OpenLink():
                self._open_link(command)
            case CloseLink():
                link = self._engine.links.by_id.get(command.link)
                if link:
                    self._engine.close_link(link)
            case KeepSnapshot():
                self._snapshots[command.call] = command.snapshot
            case ForgetCall():
                self._forget(command.call)
            case StopRecording():
                self._engine.recorder.stop(command.recording)
            case PauseRecording() | ResumeRecording():
                self._engine.recorder.pause(command.recording, isinstance(command, PauseRecording))
            case StartRecording():
                self._record(command)
            case RecordParties():
                left, right = self._rows(command.left), self._rows(command.right)
                self._engine.recorder.mix(command.recording, left, right)
            case Bridge():
                a, b = self._party(command.a), self._party(command.b)
                if a and b and a is not b:
                    self._engine.routing.bridge(a, b)
            case SetGain():
                self._set_gain(command)
            case Unbridge():
                party = self._party(command.leg)
                if party:
                    self._engine.routing.separate(party)
            case JoinRoom():
                party = self._party(command.leg)
                if party:
                    self._engine.routing.join(party, command.room)
            case _:
                leg = self._leg(command.leg)
                if leg:
                    self._perform_on(leg, command)

    def _set_gain(self, command: SetGain) -> None:
        source, sink = self._party(command.source), self._party(command.sink)
        if not 0 <= command.gain <= MAX_GAIN:
            _log.error("a gain is out of bounds", gain=command.gain, largest=MAX_GAIN)
        elif source and sink and source is not sink:
            self._engine.routing.set_gain(source, sink, command.gain)

    def _perform_on(self, leg: Leg, command: _OnLeg) -> None:
        engine = self._engine
        match command:
            case ConnectLeg():
                engine.connect_leg(leg, command.remote)
            case Play():
                engine.play(leg, command)
            case StopPlay():
                engine.stop_play(leg)
            case Echo():
                engine.routing.echo(leg)
            case Mute():
                engine.routing.mute(leg, command.muted)
            case SendDigits():
                engine.send_digits(leg, command.digits)
            case SignalDigit():
                engine.signal_digit(leg, command.digit)
            case SecureCollect():
                engine.digits.secure(leg, command.on)
                engine.recorder.secure(leg.row, command.on)
            case StartTap() | StopTap() | WatchVoice():
                engine.hearing.perform(leg, command)
            case _:
                assert_never(command)

    def _leg(self, leg: LegId) -> Leg | None:
        return self._engine.legs.by_id.get(leg)

    def _party(self, leg: LegId) -> Party | None:
        return self._leg(leg) or self._engine.links.by_id.get(leg)

    def _open_link(self, command: OpenLink) -> None:
        try:
            self._engine.open_link(command.link, command.leg, command.peer)
        except CannotOpenLeg as error:
            _log.error("cannot open a link leg", link=command.link, reason=str(error))

    def _open(self, command: OpenLeg) -> None:
        try:
            local = self._engine.open_leg(command.call, command.leg, reserved=command.port, ipv6=command.ipv6)
        except CannotOpenLeg as error:
            _log.warning("cannot open a leg", leg=command.leg, reason=str(error))
            if command.port is not None:
                self._engine.legs.let_go()  # control forgets them with this answer
            self._answer(LegOpened(leg=command.leg, local=None, reason=str(error)))
            return
        if command.port is None:
            self._answer(LegOpened(leg=command.leg, local=local))

    def _record(self, command: StartRecording) -> None:
        left, right = self._party(command.left), self._party(command.right)
        if left and right:
            self._engine.start_recording(command, left, right)
            return
        self._engine.emit(
            RecordingClosed(
                call=command.call,
                recording=command.recording,
                seconds=0.0,
                size_bytes=0,
                error="a leg to be recorded is gone",
            )
        )

    def _rows(self, legs: tuple[LegId, ...]) -> tuple[int, ...]:
        return tuple(party.row for leg in legs if (party := self._party(leg)))

    def _forget(self, call: CallId) -> None:
        self._snapshots.pop(call, None)
        for leg in self._engine.legs.of_call(call):
            self._engine.close_leg(leg)
