"""The driver of cards, with a fake of DAHDI's files. No card was there."""

from __future__ import annotations

import errno

import pytest

from ccplatform.kernel.tasks import TaskSupervisor
from gateway.isdn.channels import BEARERS
from gateway.isdn.dahdi import AUDIO_MODE, D_SLOT, SET_LAW, SPAN_STATUS, SPECIFY, DahdiSpan, alarms_of
from gateway.isdn.line import LineAlarm
from gateway.isdn.span import Span
from gateway.isdn.span_calls import CallState
from gateway.isdn.switch import Switch
from tests.gateway.isdn.back_to_back import needs_libpri
from tests.gateway.isdn.fake_card import FakeCard, cable
from tests.gateway.isdn.spans import CLOCK, until
from tests.gateway.isdn.test_spans import loudest, talk, tone


def test_requests_are_numbered_as_the_kernel_has_them() -> None:
    """_IOW(0xDA, 38, int), _IOWR(0xDA, 10, struct dahdi_spaninfo)."""
    assert SPECIFY == 0x4004DA26
    assert SPAN_STATUS == 0xC13ADA0A


@pytest.mark.parametrize(
    ("bits", "alarms"),
    [
        (0, set()),
        (1 << 2, {LineAlarm.RAI}),
        (1 << 3, {LineAlarm.LOS}),
        (1 << 3 | 1 << 9, {LineAlarm.LFA}),
        (1 << 4, {LineAlarm.AIS}),
        (1 << 8 | 1 << 3 | 1 << 2, {LineAlarm.LOS, LineAlarm.RAI}),
    ],
)
def test_alarms_of_a_card(bits: int, alarms: set[LineAlarm]) -> None:
    assert alarms_of(bits) == alarms


@needs_libpri
async def test_two_cards_carry_a_call_and_its_sound() -> None:
    near_card, far_card, tasks = FakeCard(1), FakeCard(32), TaskSupervisor(CLOCK)
    async with cable(near_card, far_card):
        near_line = DahdiSpan(first=1, clock=CLOCK, files=near_card)
        far_line = DahdiSpan(first=32, clock=CLOCK, files=far_card)
        near = Switch(Span("n", side="user", driver=near_line, clock=CLOCK, tasks=tasks), CLOCK, ring_seconds=0.05)
        far = Switch(
            Span("f", side="network", driver=far_line, clock=CLOCK, tasks=tasks), CLOCK, ring_seconds=0.05
        )
        await near.span.open(near)
        await far.span.open(far)
        try:
            await until(lambda: near.span.usable and far.span.usable)
            assert near_card.sizes() == {slot: 1024 if slot == D_SLOT else 160 for slot in (*BEARERS, D_SLOT)}
            assert {slot for slot, request in near_card.requests if request == SET_LAW} == set(BEARERS)
            assert {slot for slot, request in near_card.requests if request == AUDIO_MODE} == set(BEARERS)
            ours, theirs = await talk(near, far, "95000", slot=17)
            ours.repeat(tone(600))
            theirs.repeat(tone(1400))
            at = len(ours.heard_rows)
            await until(lambda: len(ours.heard_rows) > at + 60)
            assert loudest(ours.heard()) == pytest.approx(1400, abs=4)
            assert loudest(theirs.heard()) == pytest.approx(600, abs=4)
            near_card.happen(D_SLOT, 8)  # a frame with a bad check sequence
            await until(lambda: near_line.counters.malformed == 1)
            near_card.alarms = 1 << 3
            near_card.happen(D_SLOT, 4)
            await until(lambda: near_line.alarms == {LineAlarm.LOS})
            assert near.call("1") is None
            near_card.alarms = 0
            await until(lambda: near.span.usable)
            near.hang_up(ours)
            assert await near.reached(ours, CallState.ENDING, 5)
        finally:
            await near.span.close()
            await far.span.close()
            await tasks.close()
    assert not near_card.sizes()


async def test_a_card_that_is_not_there_is_told() -> None:
    class NoCard(FakeCard):
        def control(self, descriptor: int, request: int, argument: bytes) -> bytes:
            raise OSError(errno.ENXIO, "No such device or address")

    card = NoCard(1)
    span = Span(
        "n",
        side="user",
        driver=DahdiSpan(first=1, clock=CLOCK, files=card),
        clock=CLOCK,
        tasks=TaskSupervisor(CLOCK),
    )
    with pytest.raises(OSError, match="No such device"):
        await span.open(Switch(span, CLOCK))
    assert not card.sizes()
