"""SIPp, by our own scenarios, against the access layer on real sockets: what its calls do beyond the usual."""

from __future__ import annotations

import asyncio

import pytest

from ccplatform.contracts.legs import LegAnswered, LegEnded, LegEvent, LegHeld, LegOffered
from ccplatform.contracts.words import ReleaseCause
from gateway.sip.trunk import Trunk, TrunkDirection
from tests.gateway.sip.centre import Centre, to_trunk, trunk
from tests.gateway.sip.test_loopback import Waiting, real_centre
from tests.support import sipp

NEAR = trunk("near", "127.0.0.1", capacity=100)


async def run(scenario: str, centre: Centre, *, calls: int = 3, transport: str = "udp") -> sipp.SippResult:
    address = ("127.0.0.1", centre.access.sip.port)
    result = await sipp.run(
        scenario, address, number="95000", calls=calls, hold=0.1, transport=transport, limit=20
    )
    return result.require_success(calls)


@pytest.mark.parametrize("transport", ["udp", "tcp"])
async def test_reliable_ringing(transport: str) -> None:
    async with real_centre(lambda: [NEAR]) as centre:
        loop = asyncio.get_running_loop()

        def ring_then_answer(event: LegEvent) -> None:
            if isinstance(event, LegOffered):
                centre.adopt(event)
                centre.rings(event.leg)
                loop.call_later(0.3, centre.answers, event.leg)

        centre.on_event = ring_then_answer
        await run("prack", centre, transport=transport)
        assert centre.ended() == [(ReleaseCause.NORMAL, True)] * 3


@pytest.mark.parametrize("transport", ["udp", "tcp"])
async def test_refreshes_hold_and_retrieve(transport: str) -> None:
    async with real_centre(lambda: [NEAR]) as centre:
        centre.answers_everything()
        await run("refresh", centre, transport=transport)
        assert centre.ended() == [(ReleaseCause.NORMAL, True)] * 3
        assert [event.held for event in centre.of(LegHeld)] == [True, False] * 3


async def test_late_offers() -> None:
    async with real_centre(lambda: [NEAR]) as centre:
        centre.answers_everything(ring=True)
        await run("late_offer", centre)
        assert (len(centre.of(LegAnswered)), len(centre.media.connected)) == (3, 3)


async def test_an_answer_that_is_never_acknowledged() -> None:
    async with real_centre(lambda: [NEAR]) as centre:
        centre.answers_everything()
        result = await run("lost_ack", centre, calls=1)
        assert result.retransmissions == 0
        assert centre.ended() == [(ReleaseCause.TIMEOUT, True)]


async def test_callers_who_give_up_at_once_or_late() -> None:
    async with real_centre(lambda: [NEAR]) as centre:
        centre.rings_everything()
        await run("cancel", centre, calls=10)
        assert centre.ended() == [(ReleaseCause.CANCELLED, True)] * 10


async def test_a_session_that_comes_with_reliable_early_media() -> None:
    async with sipp.Sipp("uas_reliable") as far_end:
        far = Trunk(id=to_trunk("far").trunk, host="127.0.0.1", port=far_end.port, direction=TrunkDirection.OUT)
        async with real_centre(lambda: [far]) as centre:
            waiting = Waiting(centre)
            leg = centre.dial(to_trunk("far"))
            await waiting.next(LegAnswered)
            centre.release(leg)
            await waiting.next(LegEnded)
            (await far_end.finish()).require_success(1)
