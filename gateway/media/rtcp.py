"""RTCP packets (RFC 3550 section 6): compound packets built and parsed, without IO."""

from __future__ import annotations

import struct
from dataclasses import dataclass
from typing import Final

from gateway.media.errors import BadRtcp

SENDER_REPORT: Final = 200
RECEIVER_REPORT: Final = 201
SOURCE_DESCRIPTION: Final = 202
GOODBYE: Final = 203

_VERSION_2: Final = 0x80
_HEAD: Final = struct.Struct("!BBH")
_SSRC: Final = struct.Struct("!I")
_SENDER_INFO: Final = struct.Struct("!QIII")
_BLOCK: Final = struct.Struct("!IIIIII")
_CNAME: Final = 1
_NTP_EPOCH: Final = 2_208_988_800  # 1970 seen from 1900, seconds
#: Longest packet that is looked at.
MAX_RTCP: Final = 1500


def ntp_time(unix_seconds: float) -> int:
    """64-bit NTP timestamp (RFC 3550 section 4)."""
    return int((unix_seconds + _NTP_EPOCH) * 2**32) & 0xFFFFFFFFFFFFFFFF


def middle(ntp: int) -> int:
    """The middle 32 bits of an NTP timestamp: units of 1/65536 s."""
    return ntp >> 16 & 0xFFFFFFFF


@dataclass(frozen=True, slots=True, kw_only=True)
class SenderInfo:
    """What a sender says about its stream."""

    ntp: int
    rtp_timestamp: int
    packets: int
    octets: int


@dataclass(frozen=True, slots=True, kw_only=True)
class ReportBlock:
    """What a receiver says about the stream ``ssrc``. ``jitter`` in timestamp units, the last two in 1/65536 s."""

    ssrc: int
    fraction_lost: int
    lost: int
    highest: int
    jitter: int
    last_report: int
    delay: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Report:
    """The sender or receiver reports of a compound packet."""

    ssrc: int
    sender: SenderInfo | None
    blocks: tuple[ReportBlock, ...]


def build(ssrc: int, cname: str, sender: SenderInfo | None, block: ReportBlock | None) -> bytes:
    """A compound packet: report and source description."""
    body = _SSRC.pack(ssrc)
    if sender is not None:
        body += _SENDER_INFO.pack(
            sender.ntp, sender.rtp_timestamp, sender.packets & 0xFFFFFFFF, sender.octets & 0xFFFFFFFF
        )
    if block is not None:
        body += _pack_block(block)
    kind = RECEIVER_REPORT if sender is None else SENDER_REPORT
    name = cname.encode()
    chunk = _SSRC.pack(ssrc) + bytes((_CNAME, len(name))) + name
    chunk += bytes(4 - len(chunk) % 4)
    return _packet(0 if block is None else 1, kind, body) + _packet(1, SOURCE_DESCRIPTION, chunk)


def goodbye(ssrc: int) -> bytes:
    """What ends the compound packet of a leg that ends."""
    return _packet(1, GOODBYE, _SSRC.pack(ssrc))


def parse(data: bytes) -> list[Report]:
    """The reports of a compound packet; raises BadRtcp when it breaks the rules of RFC 3550 appendix A.2."""
    if len(data) < 8 or data[1] not in (SENDER_REPORT, RECEIVER_REPORT):
        raise BadRtcp("does not begin with a report")
    reports: list[Report] = []
    at = 0
    while at < len(data):
        if at + _HEAD.size > len(data):
            raise BadRtcp("ends within a header")
        flags, kind, words = _HEAD.unpack_from(data, at)
        end = at + 4 * (words + 1)
        if flags & 0xC0 != _VERSION_2 or end > len(data):
            raise BadRtcp("wrong version or length")
        if flags & 0x20:
            _check_padding(data, at, end)
        if kind in (SENDER_REPORT, RECEIVER_REPORT):
            reports.append(_report(data[at + _HEAD.size : end], kind, flags & 0x1F))
        at = end
    return reports


def _check_padding(data: bytes, at: int, end: int) -> None:
    padding = data[end - 1]
    if end != len(data) or padding == 0 or padding % 4 or padding > end - at - _HEAD.size:
        raise BadRtcp("wrong padding")


def _report(body: bytes, kind: int, count: int) -> Report:
    at = _SSRC.size + (_SENDER_INFO.size if kind == SENDER_REPORT else 0)
    if len(body) < at + count * _BLOCK.size:
        raise BadRtcp("report shorter than its blocks")
    sender = None
    if kind == SENDER_REPORT:
        ntp, rtp_timestamp, packets, octets = _SENDER_INFO.unpack_from(body, _SSRC.size)
        sender = SenderInfo(ntp=ntp, rtp_timestamp=rtp_timestamp, packets=packets, octets=octets)
    blocks = tuple(_unpack_block(body, at + index * _BLOCK.size) for index in range(count))
    return Report(ssrc=_SSRC.unpack_from(body)[0], sender=sender, blocks=blocks)


def _pack_block(block: ReportBlock) -> bytes:
    lost = max(-0x800000, min(block.lost, 0x7FFFFF)) & 0xFFFFFF
    first = block.fraction_lost << 24 | lost
    return _BLOCK.pack(block.ssrc, first, block.highest, block.jitter, block.last_report, block.delay)


def _unpack_block(body: bytes, at: int) -> ReportBlock:
    ssrc, first, highest, jitter, last_report, delay = _BLOCK.unpack_from(body, at)
    lost = first & 0xFFFFFF
    return ReportBlock(
        ssrc=ssrc,
        fraction_lost=first >> 24,
        lost=lost - 0x1000000 if lost & 0x800000 else lost,
        highest=highest,
        jitter=jitter,
        last_report=last_report,
        delay=delay,
    )


def _packet(count: int, kind: int, body: bytes) -> bytes:
    return _HEAD.pack(_VERSION_2 | count, kind, len(body) // 4) + body
