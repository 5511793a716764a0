"""The codecs that we speak: what SDP says of each (RFC 3551, RFC 7587) and who turns its payloads into sound."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Final, Protocol

from gateway.media.audio import Pcm
from gateway.media.g711 import Law
from gateway.media.g722 import G722Coder
from gateway.media.opus import OpusCoder, opus_is_here


class Coder(Protocol):
    """Both directions of one leg in a codec that keeps state from packet to packet."""

    def encode(self, pcm: Pcm) -> bytes:
        """The payload of 20 ms of sound at the codec's rate."""

    def decode(self, payload: bytes) -> Pcm:
        """The sound of the next payload; nothing for one that is malformed."""

    def recover(self, following: bytes, samples: int) -> Pcm:
        """The sound of ``samples`` that were lost before ``following``, which is decoded next; nothing when the
        codec knows no better than the concealment that serves all codecs."""

    def expect_loss(self, share: float) -> None:
        """The peer reported a share of packets lost on the way: encode for such a network from now on."""


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Codec:
    """One codec, the same object wherever it is named. ``clock`` and ``rate`` differ for two of them: the clock of
    G.722 runs at 8 kHz by an old error that RFC 3551 section 4.5.2 keeps, that of Opus always at 48 kHz (RFC 7587
    section 4.1)."""

    name: str
    payload_type: int  # static, or what our offers call it
    clock: int  # RTP timestamps per second
    rate: int  # samples per second of what :attr:`coder` takes and gives
    channels: int = 1  # as the rtpmap says; the sound is mono
    fmtp: str = ""
    law: Law | None = None  # G.711: coded by table, for all legs at once
    coder: Callable[[str], Coder] | None = None  # the others: made for each leg, with the peer's fmtp
    usable: Callable[[], bool] = lambda: True

    @property
    def rtpmap(self) -> str:
        """Name, clock and channels, as in an rtpmap attribute (RFC 8866 section 6.6)."""
        return f"{self.name}/{self.clock}" + (f"/{self.channels}" if self.channels > 1 else "")


_ALL: Final = (
    Codec(name="PCMA", payload_type=8, clock=8000, rate=8000, law=Law.PCMA),
    Codec(name="PCMU", payload_type=0, clock=8000, rate=8000, law=Law.PCMU),
    Codec(name="G722", payload_type=9, clock=8000, rate=16000, coder=G722Coder),
    Codec(
        name="opus",
        payload_type=111,
        clock=48000,
        rate=16000,
        channels=2,
        fmtp="minptime=10;useinbandfec=1;maxplaybackrate=16000;sprop-maxcapturerate=16000",
        coder=OpusCoder,
        usable=opus_is_here,
    ),
)
#: By name.
CODECS: Final = {codec.name: codec for codec in _ALL}
_BY_RTPMAP: Final = {codec.rtpmap.lower(): codec for codec in _ALL}


def codec_of(rtpmap: str) -> Codec | None:
    """The codec of an rtpmap, whose name knows no case and whose channels may be left out when there is one."""
    name, _, rest = rtpmap.partition("/")
    return _BY_RTPMAP.get(f"{name.lower()}/{rest.removesuffix('/1')}")


def usable_codecs(names: Iterable[str]) -> tuple[Codec, ...]:
    """The codecs of these names, without those whose library is missing."""
    return tuple(codec for name in names if (codec := CODECS[name]).usable())
