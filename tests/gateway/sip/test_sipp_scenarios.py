"""SIPp, by our own scenarios, against the access layer on real sockets: what its calls do beyond the usual."""

from __future__ import annotations

import asyncio
import time
from collections import defaultdict
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import replace

import pytest

from ccplatform.contracts.facts import CallerReferred
from ccplatform.contracts.legs import (
    HandOn,
    LegAnswered,
    LegEnded,
    LegEvent,
    LegHeld,
    LegMoved,
    LegOffered,
    LegReferred,
    LegRinging,
    LegTransferAsked,
    ReportTransfer,
    SeatTarget,
    TransferStep,
)
from ccplatform.contracts.words import LegId, ReleaseCause, SeatId
from ccplatform.kernel.clock import SystemClock, TimerHandle
from gateway.media.port import WorkerLost
from gateway.sip.bindings import Binding
from gateway.sip.flows import Flow
from gateway.sip.settings import SipSettings
from gateway.sip.trunk import Trunk, TrunkDirection, TrunkTransfer
from tests.gateway.sip.centre import Centre, to_trunk, trunk
from tests.gateway.sip.test_loopback import Waiting, real_centre
from tests.support import sipp
from tests.support.milestone import until

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
        holds: defaultdict[LegId, list[bool]] = defaultdict(list)
        for event in centre.of(LegHeld):
            holds[event.leg].append(event.held)
        assert list(holds.values()) == [[True, False]] * 3  # the calls may overlap: SIPp waits for none


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


async def test_a_bye_whose_answer_is_lost_is_answered_again() -> None:
    async with real_centre(lambda: [NEAR]) as centre:
        centre.answers_everything()
        await run("lost_bye_answer", centre)
        assert centre.ended() == [(ReleaseCause.NORMAL, True)] * 3


async def test_callers_who_give_up_at_once_or_late() -> None:
    async with real_centre(lambda: [NEAR]) as centre:
        centre.rings_everything()
        await run("cancel", centre, calls=10)
        assert centre.ended() == [(ReleaseCause.CANCELLED, True)] * 10


@asynccontextmanager
async def calling(scenario: str) -> AsyncIterator[tuple[Centre, sipp.Sipp, Waiting]]:
    """A centre whose trunk leads to SIPp."""
    async with sipp.Sipp(scenario, hold=0.0) as far_end:
        far = Trunk(id=to_trunk("far").trunk, host="127.0.0.1", port=far_end.port, direction=TrunkDirection.OUT)
        async with real_centre(lambda: [far]) as centre:
            yield centre, far_end, Waiting(centre)


class Hurried(SystemClock):
    """Time that goes thirty times as fast: a refresh is due every 45 s."""

    def now(self) -> float:
        return 30 * time.monotonic()

    def call_at(self, when: float, callback: Callable[[], None]) -> TimerHandle:
        return asyncio.get_running_loop().call_later(max(0.0, (when - self.now()) / 30), callback)


@pytest.mark.parametrize("method", ["UPDATE", "INVITE"])
async def test_a_session_that_we_refresh(method: str) -> None:
    async with sipp.Sipp("uas_refreshed", hold=0.0, dialog=method) as far_end:
        far = Trunk(id=to_trunk("far").trunk, host="127.0.0.1", port=far_end.port, direction=TrunkDirection.OUT)
        settings = SipSettings(port=0, ws_port=0, session_seconds=90)
        centre = Centre("127.0.0.1", Hurried(), None, trunks=[far], settings=settings)
        await centre.open()
        waiting = Waiting(centre)
        leg = centre.dial(to_trunk("far"))
        await waiting.next(LegAnswered)
        over = asyncio.get_running_loop().create_future()
        centre.clock.call_at(centre.clock.now() + 110, lambda: over.set_result(None))
        await over
        centre.release(leg)
        await waiting.next(LegEnded)
        (await far_end.finish()).require_success(1)
        await centre.access.close()
        await centre.tasks.close()


async def test_two_phones_that_answer_one_call() -> None:
    async with calling("uas_fork") as (centre, far_end, waiting):
        centre.dial(to_trunk("far"))
        await waiting.next(LegEnded)
        (await far_end.finish()).require_success(1)
        assert len(centre.of(LegAnswered)) == 1
        assert centre.ended() == [(ReleaseCause.NORMAL, True)]


async def test_a_bye_that_is_never_answered_keeps_nothing() -> None:
    async with calling("uas_lost_bye") as (centre, far_end, waiting):
        leg = centre.dial(to_trunk("far"))
        await waiting.next(LegAnswered)
        centre.release(leg)
        result = (await far_end.finish()).require_success(1)
        assert result.retransmissions == 0
        await waiting.next(LegEnded)
        assert centre.access.channels.in_use(to_trunk("far").trunk) == 0
        await until(lambda: not centre.access.sip.dialogs, lambda: "the dialog is gone")


async def test_an_answer_that_crosses_the_cancel() -> None:
    async with calling("uas_cancel_race") as (centre, far_end, waiting):
        leg = centre.dial(to_trunk("far"))
        await waiting.next(LegRinging)
        centre.release(leg, ReleaseCause.CANCELLED)
        await waiting.next(LegEnded)
        (await far_end.finish()).require_success(1)
        assert centre.of(LegAnswered) == []


async def test_our_offer_that_meets_one_of_the_peer_comes_again() -> None:
    async with calling("uas_glare") as (centre, far_end, waiting):
        leg = centre.dial(to_trunk("far"))
        await waiting.next(LegAnswered)
        centre.legs.media_event(WorkerLost(worker=0, legs=(leg,)))
        await waiting.next(LegMoved)
        centre.release(leg)
        await waiting.next(LegEnded)
        (await far_end.finish()).require_success(1)


async def test_a_phone_that_hands_its_caller_on() -> None:
    async with sipp.Sipp("uas_refer") as phone, real_centre(list) as centre:
        waiting = Waiting(centre)
        registered_at(centre, phone.port)
        leg = centre.dial(SeatTarget(seat=SeatId("seat-01")))
        asked = await waiting.next(LegTransferAsked)
        assert asked == LegTransferAsked(leg=leg, number="95002")
        for step in (TransferStep.ACCEPTED, TransferStep.DONE):
            centre.legs.perform(ReportTransfer(leg=leg, step=step))
        centre.release(leg)
        await waiting.next(LegEnded)
        (await phone.finish()).require_success(1)


async def test_a_phone_that_joins_two_calls_and_one_that_takes_a_call_over() -> None:
    """REFER with Replaces of the first call, and then INVITE with Replaces for it by a third phone of the seat."""
    async with sipp.Sipp("uas") as desk, real_centre(list) as centre:
        waiting = Waiting(centre)
        registered_at(centre, desk.port)
        first = centre.dial(SeatTarget(seat=SeatId("seat-01")))
        await waiting.next(LegAnswered)
        kept = centre.legs.snapshot(first)
        assert kept is not None
        (dialog,) = kept["dialogs"]
        named = f"{dialog['call_id']};to-tag={dialog['local_tag']};from-tag={dialog['remote_tag']}"
        async with sipp.Sipp("uas_refer", dialog=named) as phone:
            centre.access.reset_seat(SeatId("seat-01"))
            registered_at(centre, phone.port)
            second = centre.dial(SeatTarget(seat=SeatId("seat-01")))
            asked = await waiting.next(LegTransferAsked)
            assert asked == LegTransferAsked(leg=second, number="95002", replaces=first)
            for step in (TransferStep.ACCEPTED, TransferStep.DONE):
                centre.legs.perform(ReportTransfer(leg=second, step=step))
            centre.release(second)
            await waiting.next(LegEnded)
            (await phone.finish()).require_success(1)
        address = ("127.0.0.1", centre.access.sip.port)
        taken = await sipp.run("take_over", address, number="8001", password="secret", dialog=named, limit=20)
        taken.require_success(1)
        (await desk.finish()).require_success(1)
        ended = await waiting.next(LegEnded)
        assert ended == LegEnded(leg=first, cause=ReleaseCause.NORMAL, by_remote=True)
        assert not centre.of(LegOffered)


@pytest.mark.parametrize("attended", [False, True])
async def test_a_carrier_that_connects_its_caller_by_itself(attended: bool) -> None:
    """REFER towards the trunk: to a number that is not dialled then, or with Replaces to who is there already."""
    async with sipp.Sipp("uas", hold=0.0) as far_end:
        carrier = replace(trunk("near", "127.0.0.1", port=far_end.port), transfer=TrunkTransfer.REFER)
        async with real_centre(lambda: [carrier]) as centre:
            centre.answers_everything()
            waiting, party = Waiting(centre), None
            if attended:
                party = centre.dial(to_trunk("near", "0215"))
                await waiting.next(LegAnswered)
            address = ("127.0.0.1", centre.access.sip.port)
            wanted = "Replaces=.*to-tag.*from-tag" if attended else f"sip:0215@127.0.0.1:{far_end.port}"
            async with sipp.Sipp(
                "uac_referred", target=address, number="95000", dialog=wanted, status=200
            ) as near:
                offered = await waiting.next(LegOffered)
                assert isinstance(offered, LegOffered)
                if party is None:
                    command = replace(centre.dialled(to_trunk("near", "0215")), transfers=offered.leg)
                    centre.legs.perform(command)
                    assert await waiting.next(LegRinging) == LegRinging(leg=command.leg, device="0215")
                    party = command.leg
                else:
                    centre.legs.perform(HandOn(leg=offered.leg, to=party))
                assert await waiting.next(LegReferred) == LegReferred(leg=offered.leg, to=party)
                centre.release(party)
                centre.release(offered.leg)
                (await near.finish()).require_success(1)
                asked = centre.facts_of(CallerReferred)
                assert [(fact.trunk, fact.attended, fact.status) for fact in asked] == [("near", attended, 200)]


def registered_at(centre: Centre, port: int) -> None:
    """Seat-01 has a phone at this port."""
    now = centre.clock.now()
    binding = Binding(
        uri=f"sip:8001@127.0.0.1:{port}",
        flow=Flow("UDP", "127.0.0.1", port),
        call_id="r",
        sequence=1,
        expires_at=now + 60,
        refreshed_at=now,
    )
    centre.access.registrations.load({SeatId("seat-01"): [binding]})


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
