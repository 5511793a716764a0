"""Whether the platform's own record of a mystery call is what its caller heard. Pure.

Self-reported figures are believed only as far as they pass this: each time that the caller measured is set against
the one that was recorded for the same call, and so are packets and the call's length.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Final

from ccplatform.contracts.facts import MysteryCallCompared, MysteryCallMade
from ccplatform.proof.witness import Recorded

#: Packets that may be under way when a call ends, and the share that adds to them.
_UNDER_WAY, _SHARE_UNDER_WAY = 10, 0.01
#: A caller's call ends for him before the platform has heard of it, seconds beyond the bound of all times.
_GOODBYE_SECONDS: Final = 0.5
#: An agent is heard later than he answers by the way of his voice, jitter buffers included, seconds beyond the
#: bound.
_PICKED_UP_SECONDS: Final = 0.25


def compare(heard: MysteryCallMade, recorded: Recorded | None, bound: float) -> MysteryCallCompared:
    """Times may differ by ``bound`` seconds: the way, and whoever was late for a moment."""
    if recorded is None:
        return MysteryCallCompared(number=heard.number, sip_call_id=heard.sip_call_id, contact=None)
    return MysteryCallCompared(
        number=heard.number,
        sip_call_id=heard.sip_call_id,
        contact=recorded.contact,
        connect_seconds=recorded.connect,
        key_seconds=tuple(recorded.keys),
        query_seconds=tuple(recorded.queries),
        packets_sent=recorded.packets_sent,
        total_seconds=recorded.total,
        agent_wait_seconds=recorded.agent_wait,
        differences=tuple(_differences(heard, recorded, bound)),
    )


def _differences(heard: MysteryCallMade, recorded: Recorded, bound: float) -> Iterator[str]:
    if not _same(heard.connect_seconds, recorded.connect, bound):
        yield "connect"
    if not _found_in_order(heard.key_seconds, recorded.keys, bound):
        yield "key"
    if not _found_in_order(heard.query_seconds, recorded.queries, bound):
        yield "query"
    if heard.agent_wait_seconds is not None and not _same(
        heard.agent_wait_seconds, recorded.agent_wait, bound + _PICKED_UP_SECONDS
    ):
        yield "wait"
    if not _same(heard.lasted_seconds, recorded.total, bound + _GOODBYE_SECONDS):
        yield "total"
    sent, arrived = recorded.packets_sent, heard.packets_received + heard.packets_lost
    if sent is None or abs(sent - arrived) > _UNDER_WAY + _SHARE_UNDER_WAY * arrived:
        yield "packets"


def _same(heard: float | None, recorded: float | None, bound: float) -> bool:
    if heard is None or recorded is None:
        return heard is recorded
    return abs(heard - recorded) <= bound


def _found_in_order(heard: Sequence[float], recorded: Sequence[float], bound: float) -> bool:
    """Whether each time that was heard was recorded, in this order; what nobody listened for may be there, too."""
    rest = iter(recorded)
    return all(any(_same(time, other, bound) for other in rest) for time in heard)
