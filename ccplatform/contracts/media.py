"""Media: what `calls` asks of the media engine. Legs themselves are opened and closed by the gateway."""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any, Final, Protocol, TypeAlias

from ccplatform.contracts.words import CallId, LegId, PlaybackId, RecordingId


@dataclass(frozen=True, slots=True, kw_only=True)
class FileItem:
    """A sound file: WAV, FLAC, Opus or MP3 of any rate, mixed down to one channel.

    Leading silence is left out when ``trim``. ``start_seconds`` of it are passed over, in the first round only.
    With a ``key`` the file is a recording that is sealed with it.
    """

    path: str
    trim: bool = True
    start_seconds: float = 0.0
    gain_db: float = 0.0
    key: bytes = field(default=b"", repr=False)


@dataclass(frozen=True, slots=True, kw_only=True)
class ToneItem:
    """Sine tones together; ``level_dbm0`` each."""

    hertz: tuple[float, ...]
    seconds: float
    level_dbm0: float = -13.0


class CallTone(StrEnum):
    """How a call fares (ITU-T E.182)."""

    DIAL = "dial"
    RINGBACK = "ringback"
    BUSY = "busy"
    CONGESTION = "congestion"
    INFORMATION = "information"
    CALL_WAITING = "call_waiting"
    RECORDING = "recording"


class ToneCountry(StrEnum):
    """Whose tones (ISO 3166 alpha-2, lower case)."""

    CHINA = "cn"
    UNITED_STATES = "us"
    UNITED_KINGDOM = "gb"
    GERMANY = "de"
    JAPAN = "jp"


@dataclass(frozen=True, slots=True, kw_only=True)
class CallToneItem:
    """A tone of the network with its cadence, repeated for ``seconds``; 0: one round of the cadence."""

    tone: CallTone
    country: ToneCountry = ToneCountry.CHINA
    seconds: float = 0.0
    level_dbm0: float = -13.0


@dataclass(frozen=True, slots=True, kw_only=True)
class StreamItem:
    """Speech that is still being made: a file of 16-bit little-endian samples, one channel, that grows.

    Who writes it holds an exclusive ``flock`` on it from before the item is sent until the last sample is
    written; a writer that dies ends the stream too. It sounds as soon as 20 ms are there; where it runs dry there
    is silence.
    """

    path: str
    rate: int = 8000
    gain_db: float = 0.0


@dataclass(frozen=True, slots=True, kw_only=True)
class SilenceItem:
    """Nothing for a while."""

    seconds: float


PlayItem: TypeAlias = FileItem | StreamItem | ToneItem | CallToneItem | SilenceItem


@dataclass(frozen=True, slots=True, kw_only=True)
class Play:
    """Play items to one leg, one after the other; replaces what plays there.

    ``loop``: without end, else ``rounds`` times.
    """

    leg: LegId
    playback: PlaybackId
    items: tuple[PlayItem, ...]
    loop: bool = False
    rounds: int = 1


@dataclass(frozen=True, slots=True, kw_only=True)
class StopPlay:
    """Stop whatever plays to the leg."""

    leg: LegId


@dataclass(frozen=True, slots=True, kw_only=True)
class Bridge:
    """Let two legs hear each other."""

    a: LegId
    b: LegId


@dataclass(frozen=True, slots=True, kw_only=True)
class Unbridge:
    """Take every leg-to-leg route away from this leg, both ways (echo and room included)."""

    leg: LegId


@dataclass(frozen=True, slots=True, kw_only=True)
class Echo:
    """Let the leg hear itself."""

    leg: LegId


@dataclass(frozen=True, slots=True, kw_only=True)
class JoinRoom:
    """Let the leg hear everyone else in a room and be heard by them."""

    leg: LegId
    room: str


#: Largest gain between two legs: 12 dB.
MAX_GAIN: Final = 4.0


@dataclass(frozen=True, slots=True, kw_only=True)
class SetGain:
    """Let ``sink`` hear what ``source`` says at a gain, besides whatever it hears; 0 ends that.

    Gains are linear, at most :data:`MAX_GAIN`. Monitor: the supervisor hears both parties at 1. Whisper: the
    agent hears the supervisor as well. Barge: so does the customer. ``Unbridge`` takes these entries away too.
    """

    source: LegId
    sink: LegId
    gain: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Mute:
    """Let nobody hear the leg, in whatever bridge, room or supervision it is, until muted no more."""

    leg: LegId
    muted: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class Seal:
    """The key (32 bytes) that a recording is sealed with, and the same wrapped, to be written with it."""

    key: bytes = field(repr=False)
    wrapped: bytes


@dataclass(frozen=True, slots=True, kw_only=True)
class StartRecording:
    """Write what two legs say, left and right channel, sealed to ``path`` until stopped or a leg closes.

    ``at_seconds``: how long the recording has been going on; a file that ends before is gone on with there, with
    silence in between, and its end tells how much that was. ``rate``: samples a second, 8,000 or 16,000; None
    leaves it to the media engine, which takes 16,000 when a leg is wideband and its settings allow that.
    """

    call: CallId
    recording: RecordingId
    left: LegId
    right: LegId
    path: str
    seal: Seal
    at_seconds: float = 0.0
    rate: int | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class StopRecording:
    """Close a recording; :class:`RecordingClosed` follows."""

    recording: RecordingId


@dataclass(frozen=True, slots=True, kw_only=True)
class RecordParties:
    """Record these legs from now on, those of one channel mixed, of none silence.

    The two legs that it began with still end it when they close; others just leave it. Legs that are gone count
    for nothing, nor does a recording that is over.
    """

    recording: RecordingId
    left: tuple[LegId, ...]
    right: tuple[LegId, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class PauseRecording:
    """Record silence in place of both legs from now on, sample by sample, until resumed."""

    recording: RecordingId


@dataclass(frozen=True, slots=True, kw_only=True)
class ResumeRecording:
    """Record what the legs say again."""

    recording: RecordingId


@dataclass(frozen=True, slots=True, kw_only=True)
class SecureCollect:
    """While ``on``, the leg's keys are for control only (R11.4.3.i).

    Other parties, recordings and taps get silence in place of what the leg says; its keys are sent on to nobody.
    """

    leg: LegId
    on: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class SendDigits:
    """Send DTMF to a leg: by RFC 4733 where that was agreed, else as tones."""

    leg: LegId
    digits: str


@dataclass(frozen=True, slots=True, kw_only=True)
class StartTap:
    """Hand what a leg says to the program that listens at ``path``, as 16-bit samples of 8,000 or 16,000 a second.

    The frames are described in ``gateway.media.taps``. It goes on in a new connection when the leg has to move to
    another media worker. :class:`TapEnded` follows, once.
    """

    leg: LegId
    tap: str
    path: str
    rate: int = 8000


@dataclass(frozen=True, slots=True, kw_only=True)
class StopTap:
    """End a tap."""

    leg: LegId
    tap: str


@dataclass(frozen=True, slots=True, kw_only=True)
class WatchVoice:
    """Tell from now on when the leg speaks and who seems to have answered, or no longer.

    Its level is told every ``level_seconds``; 0: never.
    """

    leg: LegId
    on: bool
    level_seconds: float = 0.0


@dataclass(frozen=True, slots=True, kw_only=True)
class KeepSnapshot:
    """Let the worker keep this for the call, to be given back to a restarted control process."""

    call: CallId
    snapshot: dict[str, Any]


@dataclass(frozen=True, slots=True, kw_only=True)
class ForgetCall:
    """The call is over: drop its snapshot and whatever of it is still open."""

    call: CallId


MediaCommand: TypeAlias = (
    Play
    | StopPlay
    | Bridge
    | Unbridge
    | Echo
    | JoinRoom
    | SetGain
    | Mute
    | StartRecording
    | StopRecording
    | RecordParties
    | PauseRecording
    | ResumeRecording
    | SecureCollect
    | SendDigits
    | StartTap
    | StopTap
    | WatchVoice
    | KeepSnapshot
    | ForgetCall
)


@dataclass(frozen=True, slots=True, kw_only=True)
class RecordingClosed:
    """A recording file is closed. ``seconds`` of audio and its size; ``error`` when it was cut short.

    ``pauses``: from when to when the recording was paused, seconds from its beginning. ``missing_seconds`` of the
    audio were never written. ``root`` (hex) stands for the whole file; '' when nobody could close it.
    """

    call: CallId
    recording: RecordingId
    seconds: float
    size_bytes: int
    error: str = ""
    pauses: tuple[tuple[float, float], ...] = ()
    missing_seconds: float = 0.0
    root: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class TapEnded:
    """A tap is over: after so many ``seconds``, ``lost_seconds`` of which its reader did not take in time."""

    leg: LegId
    tap: str
    seconds: float
    lost_seconds: float
    error: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class VoiceChanged:
    """The leg began to speak, or fell silent, at that instant."""

    leg: LegId
    speaking: bool
    at: float


@dataclass(frozen=True, slots=True, kw_only=True)
class VoiceLevel:
    """How loud the leg was since the last one, as levels of a sine."""

    leg: LegId
    rms_dbm0: float
    peak_dbm0: float


class Answerer(StrEnum):
    """Who seems to have answered."""

    PERSON = "person"
    MACHINE = "machine"
    SILENCE = "silence"
    UNCLEAR = "unclear"


@dataclass(frozen=True, slots=True, kw_only=True)
class AnswerHint:
    """A guess at who answered, once per watch."""

    leg: LegId
    answerer: Answerer


VoiceEvent: TypeAlias = TapEnded | VoiceChanged | VoiceLevel | AnswerHint


class Media(Protocol):
    """The media engine, as `calls` sees it."""

    def perform(self, command: MediaCommand) -> None:
        """Do it; results come as events. Commands for legs that are gone are dropped."""
