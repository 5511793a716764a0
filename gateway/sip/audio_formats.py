"""The formats of an audio m= line: which codec is taken, and what goes with it (RFC 3264, 3551, 4733, 3389).

A format is taken by what its rtpmap says, not by its number. Telephone-event is taken at the clock of the codec,
or at 8 kHz from a peer that knows no other; comfort noise at 8 kHz only.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace
from enum import StrEnum
from functools import lru_cache
from typing import Final

from gateway.errors import SdpError
from gateway.media.codecs import CODECS, Codec, codec_of, usable_codecs
from gateway.sip.sdp import Attribute, MediaDescription

#: Of comfort noise (RFC 3389 section 4).
COMFORT_NOISE_TYPE: Final = 13
#: What our offers call telephone-event, by its clock.
EVENT_TYPES: Final = {8000: 101, 48000: 110}

_STATIC: Final = {codec.payload_type: codec.rtpmap for codec in CODECS.values() if codec.payload_type < 96}
_NOISE: Final = "CN/8000"
_LONGEST_FMTP: Final = 256
#: The attributes that say what formats are.
_OF_FORMATS: Final = frozenset({"rtpmap", "fmtp"})
#: Lines and attributes of formats with more characters are not kept in memory.
_KEPT_CHARACTERS: Final = 1024
_DYNAMIC: Final = range(96, 128)

_Format = tuple[int, str, str]  # payload type, rtpmap, fmtp


class Preference(StrEnum):
    """Whose order decides which codec answers an offer."""

    OURS = "ours"
    THEIRS = "theirs"


@dataclass(frozen=True, slots=True, kw_only=True)
class AudioPolicy:
    """What we speak: codecs in our order, whose order counts, and whether comfort noise and keys by RFC 4733 may
    come."""

    codecs: tuple[Codec, ...] = usable_codecs(("PCMA", "PCMU"))
    preference: Preference = Preference.THEIRS
    comfort_noise: bool = True
    telephone_event: bool = True

    def beginning_with(self, name: str | None) -> AudioPolicy:
        """The same with one codec moved to the front, if it is among them."""
        codecs = tuple(sorted(self.codecs, key=lambda codec: codec.name != name))
        return replace(self, codecs=codecs)


@dataclass(frozen=True, slots=True, kw_only=True)
class AudioFormats:
    """One codec chosen out of a peer's m= line, and the payload types that go with it (None: not agreed)."""

    codec: Codec
    payload_type: int
    fmtp: str
    event_type: int | None
    event_clock: int
    noise_type: int | None

    @classmethod
    def choose(cls, media: MediaDescription, policy: AudioPolicy) -> AudioFormats:
        """What the policy takes of the line; raises :class:`SdpError` when there is nothing in common."""
        said = tuple(one for one in media.attributes if one[0] in _OF_FORMATS)
        length = sum(map(len, media.formats)) + sum(len(value or "") for _, value in said)
        choose = _chosen_before if length <= _KEPT_CHARACTERS else _chosen
        return choose(tuple(media.formats), said, policy)

    def describe(self) -> tuple[list[str], list[Attribute]]:
        """Formats and attributes of the answer that takes them."""
        return _described(self._formats())

    @property
    def payload_types(self) -> dict[str, int]:
        """By rtpmap in upper case."""
        return {rtpmap.upper(): number for number, rtpmap, _ in self._formats()}

    def _formats(self) -> list[_Format]:
        formats = [(self.payload_type, self.codec.rtpmap, self.codec.fmtp)]
        if self.noise_type is not None:
            formats.append((self.noise_type, _NOISE, ""))
        if self.event_type is not None:
            formats.append(_event(self.event_type, self.event_clock))
        return formats


def _chosen(formats: tuple[str, ...], said: tuple[Attribute, ...], policy: AudioPolicy) -> AudioFormats:
    names = rtpmaps_of(formats, said)
    common = [(number, codec) for number in names if (codec := codec_of(names[number])) in policy.codecs]
    if policy.preference is Preference.OURS:
        common.sort(key=lambda entry: policy.codecs.index(entry[1]))
    if not common:
        spoken = ", ".join(codec.name for codec in policy.codecs)
        offered = ", ".join(sorted({name.partition("/")[0] for name in names.values()})) or "none"
        raise SdpError(f"no common codec: spoken are {spoken}, offered: {offered[:80]}")
    number, codec = common[0]
    noise = policy.comfort_noise and codec.clock == 8000
    events = {clock: _number_of(names, f"TELEPHONE-EVENT/{clock}") for clock in (codec.clock, 8000)}
    clock = codec.clock if events[codec.clock] is not None else 8000
    return AudioFormats(
        codec=codec,
        payload_type=number,
        fmtp=_fmtp(said, number),
        event_type=events[clock] if policy.telephone_event else None,
        event_clock=clock,
        noise_type=_number_of(names, _NOISE) if noise else None,
    )


#: Peers are few products, whose lines are alike in all their calls. What is long is not kept.
_chosen_before = lru_cache(maxsize=1024)(_chosen)


def describe_offer(policy: AudioPolicy, known: dict[str, int]) -> tuple[list[str], list[Attribute]]:
    """Formats and attributes of an offer of all that we speak.

    ``known``: payload types by rtpmap that this session has used already; they keep their meaning (RFC 3264
    section 8.3.2).
    """
    return _described(_offered(policy, known))


def offered_types(policy: AudioPolicy, known: dict[str, int]) -> dict[str, int]:
    """The payload types of such an offer, by rtpmap in upper case."""
    return {rtpmap.upper(): number for number, rtpmap, _ in _offered(policy, known)}


def _offered(policy: AudioPolicy, known: dict[str, int]) -> list[_Format]:
    clocks = sorted({codec.clock for codec in policy.codecs})
    wanted = [(codec.payload_type, codec.rtpmap, codec.fmtp) for codec in policy.codecs]
    if policy.comfort_noise and 8000 in clocks:
        wanted.append((COMFORT_NOISE_TYPE, _NOISE, ""))
    if policy.telephone_event:
        wanted += [_event(EVENT_TYPES[clock], clock) for clock in clocks]
    taken = set(known.values())
    formats: list[_Format] = []
    for number, rtpmap, fmtp in wanted:
        if (key := rtpmap.upper()) in known:
            number = known[key]
        elif number in taken:
            number = next(free for free in _DYNAMIC if free not in taken | {other for other, _, _ in wanted})
        taken.add(number)
        formats.append((number, rtpmap, fmtp))
    return formats


def rtpmaps_of(formats: Iterable[str], said: Iterable[Attribute]) -> dict[int, str]:
    """Payload type → NAME/clock[/channels] in the m= line's order; static types need no rtpmap."""
    mapped: dict[str, str] = {}
    for key, value in said:
        if key == "rtpmap" and value:
            number, _, name = value.partition(" ")
            mapped.setdefault(number, name.strip().upper())
    names: dict[int, str] = {}
    for text in formats:
        if not (text.isascii() and text.isdigit()) or len(text) > 3 or int(text) > 127:
            raise SdpError(f"{text[:20]!r} is not a payload type")
        number_ = int(text)
        name = mapped.get(text) or (_NOISE if number_ == COMFORT_NOISE_TYPE else _STATIC.get(number_, ""))
        if name:
            names.setdefault(number_, name.upper())
    return names


def _event(number: int, clock: int) -> _Format:
    return number, f"telephone-event/{clock}", "0-15"


def _described(formats: Iterable[_Format]) -> tuple[list[str], list[Attribute]]:
    numbers: list[str] = []
    attributes: list[Attribute] = []
    for number, rtpmap, fmtp in formats:
        numbers.append(str(number))
        attributes.append(("rtpmap", f"{number} {rtpmap}"))
        if fmtp:
            attributes.append(("fmtp", f"{number} {fmtp}"))
    return numbers, attributes


def _number_of(names: dict[int, str], wanted: str) -> int | None:
    return next((number for number, name in names.items() if name.removesuffix("/1") == wanted), None)


def _fmtp(said: Iterable[Attribute], number: int) -> str:
    """The parameters of a format, as its fmtp attribute has them (RFC 8866 section 6.15)."""
    for key, value in said:
        if key == "fmtp" and value and value.partition(" ")[0] == str(number):
            return value.partition(" ")[2].strip()[:_LONGEST_FMTP]
    return ""
