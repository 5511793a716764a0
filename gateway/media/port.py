"""The media engine as the rest of the gateway sees it: a leg's addresses, what it tells, and :class:`LegMedia`.

``contracts.media`` is the other half: what `calls` asks (play, bridge, record). Both are served by
:class:`gateway.media.client.MediaPool`.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Protocol, TypeAlias

from ccplatform.contracts.legs import DigitPressed, LegAudible, LegQuality, PlaybackEnded, PlaybackStarted
from ccplatform.contracts.media import AnswerHint, RecordingClosed, TapEnded, VoiceChanged, VoiceLevel
from ccplatform.contracts.words import CallId, LegId


@dataclass(frozen=True, slots=True, kw_only=True)
class LocalAudio:
    """Where the peer sends its RTP: the address for the SDP. RTCP is at ``port`` + 1 (RFC 3550 section 11).

    ``fingerprint`` is that of the worker's certificate for DTLS, as in SDP (RFC 8122): ``sha-256 AB:CD:…``.
    """

    host: str
    port: int
    fingerprint: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class SdesKeys:
    """Keys that SDP carried (RFC 4568): master key and salt of both directions, for the profile of that name."""

    profile: str
    local: bytes = field(repr=False)
    remote: bytes = field(repr=False)


@dataclass(frozen=True, slots=True, kw_only=True)
class IceSides:
    """User fragments of both sides and our password (RFC 8839); we are the lite side."""

    ufrag: str
    pwd: str = field(repr=False)
    remote_ufrag: str


@dataclass(frozen=True, slots=True, kw_only=True)
class DtlsPeer:
    """With whom keys are agreed by DTLS (RFC 5763): ``fingerprint`` of his certificate, as in SDP.

    ``active``: we begin the handshake. With ``ice``, only sources that passed a connectivity check take part and
    the addresses of SDP do not count.
    """

    fingerprint: str
    active: bool
    ice: IceSides | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class RemoteAudio:
    """The peer's side as negotiated by SDP.

    ``codec`` is a name of :data:`gateway.media.codecs.CODECS`, ``fmtp`` the peer's parameters for it.
    ``dtmf_payload_type`` is that of telephone-event (RFC 4733), whose durations count at ``dtmf_clock``,
    ``noise_payload_type`` that of comfort noise (RFC 3389), None when not negotiated. ``sends`` and ``receives``
    are the peer's direction (``sendonly`` of a holding peer: sends True, receives False). ``ptime_ms`` is what the
    peer asked for; 20 ms are sent in any case.
    ``own_payload_type`` and ``own_dtmf_payload_type`` are what we called the formats when the offer was ours: what
    we get bears those numbers, what we send the peer's.
    ``sdes`` or ``dtls`` protect the media; with neither they are in the clear. ``rtcp_mux``: RTCP shares the port
    of RTP (RFC 5761).
    """

    host: str
    port: int
    codec: str
    payload_type: int
    fmtp: str = ""
    dtmf_payload_type: int | None = None
    dtmf_clock: int = 8000
    noise_payload_type: int | None = None
    own_payload_type: int | None = None
    own_dtmf_payload_type: int | None = None
    sends: bool = True
    receives: bool = True
    ptime_ms: int = 20
    rtcp_mux: bool = False
    sdes: SdesKeys | None = None
    dtls: DtlsPeer | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class LegSilent:
    """Nothing came from the leg for ``seconds`` although its peer is to send, or to check by ICE; told once per
    silence."""

    leg: LegId
    seconds: float


@dataclass(frozen=True, slots=True, kw_only=True)
class LegSecured:
    """The DTLS handshake of a leg is complete; its audio begins. ``profile``: how packets are protected."""

    leg: LegId
    profile: str


@dataclass(frozen=True, slots=True, kw_only=True)
class LegNotSecured:
    """A leg that is to be encrypted cannot be; it stays mute. ``reason`` is for people."""

    leg: LegId
    reason: str


@dataclass(frozen=True, slots=True, kw_only=True)
class WorkerLost:
    """A media worker is gone and so is the audio of these legs."""

    worker: int
    legs: tuple[LegId, ...]


MediaEvent: TypeAlias = (
    DigitPressed
    | LegAudible
    | PlaybackStarted
    | PlaybackEnded
    | RecordingClosed
    | LegSilent
    | LegSecured
    | LegNotSecured
    | WorkerLost
    | TapEnded
    | VoiceChanged
    | VoiceLevel
    | AnswerHint
)


class LegMedia(Protocol):
    """The audio of legs, as the signalling side of the gateway uses it. Nothing here blocks or raises."""

    def open_leg(
        self,
        call: CallId,
        leg: LegId,
        opened: Callable[[LocalAudio | None], None],
        *,
        ipv6: bool = False,
        near: LegId | None = None,
    ) -> None:
        """Reserve ports for a leg; ``opened`` gets its address, or None when no worker or port is free. It is one
        of IPv4 or ``ipv6``, and so must be the peer's. A new call is best put where the leg ``near`` is."""

    def move_leg(self, leg: LegId, call: CallId) -> None:
        """The leg belongs to this call from now on; it is told as lost with its worker when that is another's."""

    def connect_leg(self, leg: LegId, remote: RemoteAudio) -> None:
        """Set the peer's side; the first call starts sending, later ones follow a re-INVITE."""

    def signal_digit(self, leg: LegId, digit: str) -> None:
        """The peer signalled a key (SIP INFO); told as a DigitPressed unless it was heard in the media as well."""

    def close_leg(self, leg: LegId, closed: Callable[[LegQuality | None], None]) -> None:
        """Free the leg; ``closed`` gets what was measured, None when the leg is unknown or its worker gone."""
