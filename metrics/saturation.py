"""Access capacity near saturation (R6.3): trunks whose channels are almost all taken, or soon will be. Pure.

A trunk is *filling* while most of its channels are in use, or when the traffic of the last two hours, taken as
Poisson arrivals that are lost where no channel is free (Erlang B, ITU-T E.501), would lose more than one call in a
hundred.
"""

from __future__ import annotations

from collections.abc import Collection
from typing import Final

from ccplatform.contracts.words import Severity
from metrics.access import Access, Traffic
from metrics.watch import Due

KIND: Final = "trunk_filling"
#: Calls that may find every channel busy: the usual grade of service of a final route.
MAY_LOSE: Final = 0.01
#: A trunk that is filling stays so until it uses less than this share of what raised the alarm.
HYSTERESIS: Final = 0.9
#: Calls of two hours that it takes to tell their traffic.
_ENOUGH: Final = 30
_MOST_CHANNELS: Final = 10_000


def erlang_b(erlang: float, channels: int) -> float:
    """The share of Poisson arrivals that ``channels`` lose."""
    lost = 1.0
    for number in range(1, channels + 1):
        lost = erlang * lost / (number + erlang * lost)
    return lost


def channels_for(erlang: float, may_lose: float = MAY_LOSE) -> int:
    """How many channels lose at most this share."""
    lost, number = 1.0, 0
    while lost > may_lose and number < _MOST_CHANNELS:
        number += 1
        lost = erlang * lost / (number + erlang * lost)
    return number


def filling(access: Access, now: int, full: float, up: Collection[tuple[str, str]]) -> list[Due]:
    """The alarms of trunks that near saturation; ``full`` is the share of channels in use that raises one."""
    found = []
    for name, trunk in access.trunks.items():
        if trunk.level.current is None or not trunk.level.current[1]:
            continue
        traffic = access.traffic(name, now)
        share = HYSTERESIS if (KIND, name) in up else 1.0
        in_use, channels = trunk.level.current
        if in_use >= share * full * channels or (traffic is not None and _loses(traffic, channels, share)):
            text = _text(name, in_use, channels, traffic)
            found.append(Due(kind=KIND, subject=name, severity=Severity.NON_URGENT, text=text))
    return found


def _loses(traffic: Traffic, channels: int, share: float) -> bool:
    enough = traffic.attempts + traffic.blocked >= _ENOUGH
    return enough and erlang_b(traffic.offered_erlang, channels) > share * MAY_LOSE


def _text(name: str, in_use: int, channels: int, traffic: Traffic | None) -> str:
    zh, en = f"中继 {name}：{channels} 条通道已占用 {in_use} 条", f"{name}: {in_use} of {channels} channels in use"
    if traffic is not None and _loses(traffic, channels, HYSTERESIS):
        offered, lost = traffic.offered_erlang, erlang_b(traffic.offered_erlang, channels)
        more = channels_for(offered) - channels
        zh += f"；近两小时话务量 {offered:.1f} Erl，预计呼损 {lost:.1%}，再增加 {more} 条通道可低于 {MAY_LOSE:.0%}"
        en += (
            f"; {offered:.1f} Erl offered over two hours lose {lost:.1%}, "
            f"{more} more channels would keep that under {MAY_LOSE:.0%}"
        )
    return f"{zh} · {en}"
