"""Session descriptions of the tests' phones: one G.711 stream, telephone-event beside it (RFC 4566, 3264)."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from tests.support.g711 import PAYLOAD_TYPES
from tests.support.sip import Address

DTMF_PAYLOAD_TYPE: Final = 101
_REVERSED: Final = {"sendrecv": "sendrecv", "sendonly": "recvonly", "recvonly": "sendonly", "inactive": "inactive"}


@dataclass(frozen=True, slots=True, kw_only=True)
class Audio:
    """The audio stream of a description: where it wants its RTP, what it takes, in which direction."""

    address: Address
    codecs: dict[str, int]  # encoding name -> payload type, preferred first; unknown ones left out
    dtmf: int | None = None
    direction: str = "sendrecv"


@dataclass(frozen=True, slots=True, kw_only=True)
class Agreed:
    """What an offer and its answer agreed on, seen from here."""

    remote: Address
    codec: str
    payload_type: int
    dtmf: int | None
    direction: str  # ours

    @property
    def sends(self) -> bool:
        return self.direction in ("sendrecv", "sendonly")


def write(audio: Audio, *, version: int = 1) -> bytes:
    """The description as text; a=ptime is 20 ms."""
    host, port = audio.address
    types = [*audio.codecs.values(), *([] if audio.dtmf is None else [audio.dtmf])]
    lines = [
        "v=0",
        f"o=phone 1 {version} IN IP4 {host}",
        "s=-",
        f"c=IN IP4 {host}",
        "t=0 0",
        f"m=audio {port} RTP/AVP {' '.join(map(str, types))}",
        *(f"a=rtpmap:{number} {name}/8000" for name, number in audio.codecs.items()),
    ]
    if audio.dtmf is not None:
        lines += [f"a=rtpmap:{audio.dtmf} telephone-event/8000", f"a=fmtp:{audio.dtmf} 0-15"]
    lines += ["a=ptime:20", f"a={audio.direction}"]
    return ("\r\n".join(lines) + "\r\n").encode()


def read(body: bytes) -> Audio:
    """The first audio stream; raises ValueError when there is none that is alive."""
    host, port, direction, in_audio = "", 0, "sendrecv", False
    types: list[int] = []
    names = {number: name for name, number in PAYLOAD_TYPES.items()}
    for line in body.decode("utf-8", "replace").replace("\r\n", "\n").split("\n"):
        kind, _, value = line.partition("=")
        if kind == "m":
            in_audio = value.startswith("audio ") and port == 0
            if in_audio:
                words = value.split()
                port, types = int(words[1]), [int(word) for word in words[3:] if word.isdigit()]
        elif kind == "c" and (in_audio or port == 0):
            host = value.split()[2].split("/")[0]
        elif kind == "a" and value in _REVERSED and (in_audio or port == 0):
            direction = value
        elif kind == "a" and in_audio and value.startswith("rtpmap:"):
            number, encoding = value[7:].split()[:2]
            names[int(number)] = encoding.split("/")[0]
    if port == 0 or not host:
        raise ValueError("no audio stream in the description")
    named = [(names.get(number, "").upper(), number) for number in types]
    return Audio(
        address=(host, port),
        codecs={name: number for name, number in named if name in PAYLOAD_TYPES},
        dtmf=next((number for name, number in named if name == "TELEPHONE-EVENT"), None),
        direction=direction,
    )


def agree(mine: Audio, theirs: Audio, *, offered_by_them: bool) -> Agreed:
    """The outcome of offer and answer; the first codec of the answer, or of the offer that we can, is used."""
    wanted = next((name for name in theirs.codecs if name in mine.codecs), None)
    if wanted is None:
        raise ValueError(f"no codec in common: here {[*mine.codecs]}, there {[*theirs.codecs]}")
    allowed = _REVERSED[theirs.direction]
    direction = allowed if mine.direction == "sendrecv" or not offered_by_them else mine.direction
    return Agreed(
        remote=theirs.address,
        codec=wanted,
        payload_type=theirs.codecs[wanted],
        dtmf=theirs.dtmf if mine.dtmf is not None else None,
        direction=direction,
    )


def answer(agreed: Agreed, local: Address) -> Audio:
    """Our answer to an offer."""
    codecs = {agreed.codec: agreed.payload_type}
    return Audio(address=local, codecs=codecs, dtmf=agreed.dtmf, direction=agreed.direction)
