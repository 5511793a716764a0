"""What control and a media worker say to each other over their Unix socket, framed by ``kernel.frames``.

Both sides begin with a :class:`Hello`; another protocol name or version ends the connection with a clear error.
Then control sends commands and the worker events. A connection begins with ``GetSurvivors``: the worker answers
with what it kept alive and only then sends the events that happened while nobody listened.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Final, TypeAlias, get_args

from ccplatform.contracts.legs import LegQuality, SurvivingCall
from ccplatform.contracts.media import MediaCommand, Play, PlayItem
from ccplatform.contracts.words import CallId, LegId, PlaybackId
from ccplatform.kernel.codec import Codec, UnknownType
from ccplatform.kernel.errors import RemoteViolation
from ccplatform.kernel.frames import frame_of
from gateway.media.errors import ProtocolMismatch
from gateway.media.port import LocalAudio, MediaEvent, RemoteAudio

PROTOCOL: Final = "ccplatform-media"
VERSION: Final = 6


@dataclass(frozen=True, slots=True, kw_only=True)
class Hello:
    """The first message of each side. ``run`` is new at each start of a worker; control sends its own."""

    protocol: str
    version: int
    run: str


@dataclass(frozen=True, slots=True, kw_only=True)
class OpenLeg:
    """Make a leg, at an address of IPv4 or ``ipv6``; :class:`LegOpened` answers. With the ``port`` of an address
    that was reserved before, there is an answer only when it cannot be; then no reserved address is good any more.
    """

    call: CallId
    leg: LegId
    port: int | None = None
    ipv6: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class ReservePorts:
    """Reserve addresses for legs to come; :class:`PortsReserved` answers. They are this connection's."""

    count: int
    ipv6: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class ConnectLeg:
    """Set the peer's side of a leg."""

    leg: LegId
    remote: RemoteAudio


@dataclass(frozen=True, slots=True, kw_only=True)
class CloseLeg:
    """Free a leg; :class:`LegClosed` answers."""

    leg: LegId


@dataclass(frozen=True, slots=True, kw_only=True)
class MoveLeg:
    """A leg belongs to another call from now on."""

    leg: LegId
    call: CallId


@dataclass(frozen=True, slots=True, kw_only=True)
class SignalDigit:
    """The peer of a leg signalled a key, by SIP INFO."""

    leg: LegId
    digit: str


@dataclass(frozen=True, slots=True, kw_only=True)
class OpenLink:
    """Make a link leg, once: it says what its twin of the same id hears on the worker with the socket ``peer``,
    and carries there what ``leg`` says, or (None) the own legs of the room that it will join."""

    link: LegId
    leg: LegId | None
    peer: str


@dataclass(frozen=True, slots=True, kw_only=True)
class CloseLink:
    """Take a link leg away."""

    link: LegId


@dataclass(frozen=True, slots=True, kw_only=True)
class GetSurvivors:
    """Ask what is alive; :class:`Survivors` answers."""


@dataclass(frozen=True, slots=True, kw_only=True)
class LegOpened:
    """The leg's address, or None with the ``reason``."""

    leg: LegId
    local: LocalAudio | None
    reason: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class PortsReserved:
    """Addresses that legs may be opened at; fewer than asked for when there are no more."""

    spare: tuple[LocalAudio, ...]
    ipv6: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class LegClosed:
    """The leg is free; None when it was not known."""

    leg: LegId
    quality: LegQuality | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Survivors:
    """Every call of which a leg or a snapshot is there, and every link leg."""

    calls: tuple[SurvivingCall, ...]
    links: tuple[LegId, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class WorkerStats:
    """How a worker is doing: counters since its start, tick times in seconds over the last period."""

    worker: int
    legs: int
    recordings: int
    ticks: int
    overruns: int  # ticks that were not done within their 20 ms
    tick_p50_seconds: float
    tick_p99_seconds: float
    tick_max_seconds: float
    packets_received: int
    packets_sent: int
    strangers: int  # packets from sources that a leg does not listen to
    unauthentic: int  # packets of encrypted legs that the keys do not fit
    malformed: int  # RTP and RTCP that is none
    unknown_type: int
    limited: int  # times that a leg had as many packets in a tick as are read of it, or more
    link_frames_lost: int  # that other workers sent, or did not
    link_frames_refused: int  # that other workers did not take


Command: TypeAlias = (
    OpenLeg
    | ReservePorts
    | ConnectLeg
    | CloseLeg
    | MoveLeg
    | SignalDigit
    | OpenLink
    | CloseLink
    | GetSurvivors
    | MediaCommand
)
WorkerEvent: TypeAlias = LegOpened | PortsReserved | LegClosed | Survivors | WorkerStats | MediaEvent


@dataclass(frozen=True, slots=True, kw_only=True)
class _PlayOrder:
    """:class:`Play` on the wire: its items are of several types, which a codec keeps apart by name."""

    leg: LegId
    playback: PlaybackId
    items: tuple[dict[str, Any], ...]
    loop: bool
    rounds: int = 1


_HELLO: Final[Codec[Hello]] = Codec([Hello])
_ITEMS: Final[Codec[PlayItem]] = Codec(get_args(PlayItem))
_COMMANDS: Final[Codec[Command | _PlayOrder]] = Codec((*get_args(Command), _PlayOrder))
_EVENTS: Final[Codec[WorkerEvent]] = Codec(get_args(WorkerEvent))


def link_socket(path: str) -> str:
    """Where a worker takes the frames of link legs, from the path of its control socket."""
    return f"{path}.link"


def encode_hello(run: str) -> dict[str, Any]:
    """Our first message."""
    return _HELLO.encode(Hello(protocol=PROTOCOL, version=VERSION, run=run))


def decode_hello(message: Any) -> Hello:
    """The other side's first message; raises ProtocolMismatch when we do not fit together."""
    try:
        hello = _HELLO.decode(_fields(message))
    except RemoteViolation as error:
        raise ProtocolMismatch(f"the other side does not speak {PROTOCOL}: {error}") from error
    if (hello.protocol, hello.version) != (PROTOCOL, VERSION):
        raise ProtocolMismatch(
            f"the other side speaks {hello.protocol!r} version {hello.version}, "
            f"this one {PROTOCOL!r} version {VERSION}"
        )
    return hello


def encode_command(command: Command) -> dict[str, Any]:
    """A command as plain data."""
    return _COMMANDS.encode(_as_sent(command))


def command_frame(command: Command) -> bytes:
    """A command as a frame of the socket."""
    return frame_of(_COMMANDS.encode_json(_as_sent(command)))


def _as_sent(command: Command) -> Command | _PlayOrder:
    if not isinstance(command, Play):
        return command
    items = tuple(_ITEMS.encode(item) for item in command.items)
    return _PlayOrder(
        leg=command.leg, playback=command.playback, items=items, loop=command.loop, rounds=command.rounds
    )


def decode_command(message: Any) -> Command:
    """The command that plain data describes; raises UnknownType."""
    command = _COMMANDS.decode(_fields(message))
    if isinstance(command, _PlayOrder):
        items = tuple(_ITEMS.decode(item) for item in command.items)
        return Play(
            leg=command.leg, playback=command.playback, items=items, loop=command.loop, rounds=command.rounds
        )
    return command


def encode_event(event: WorkerEvent) -> dict[str, Any]:
    """An event as plain data."""
    return _EVENTS.encode(event)


def decode_event(message: Any) -> WorkerEvent:
    """The event that plain data describes; raises UnknownType."""
    return _EVENTS.decode(_fields(message))


def _fields(message: Any) -> dict[str, Any]:
    if not isinstance(message, dict):
        raise UnknownType("a message is an object with a type")
    return message
