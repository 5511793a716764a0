"""Trunks that near saturation (R6.3): Erlang B against tables, and the alarms by hand."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ccplatform.contracts.words import ReleaseCause, Severity
from metrics.saturation import KIND, MAY_LOSE, channels_for, erlang_b, filling
from metrics.watch import Due
from tests.metrics.telling import Centre, refused


def alarms(centre: Centre, *up: str) -> list[Due]:
    return filling(centre.fold.access, centre.now, 0.9, [(KIND, name) for name in up])


@pytest.mark.parametrize(
    ("erlang", "channels", "lost"),
    # The usual table of Erlang B: traffic that so many channels carry at 1 % and 5 %.
    [(20.34, 30, 0.01), (4.461, 10, 0.01), (24.80, 30, 0.05), (0.0101, 1, 0.01), (84.06, 100, 0.01)],
)
def test_erlang_b_is_that_of_the_tables(erlang: float, channels: int, lost: float) -> None:
    assert erlang_b(erlang, channels) == pytest.approx(lost, rel=0.01)


@given(st.floats(0.01, 300))
def test_one_channel_fewer_would_lose_too_much(erlang: float) -> None:
    channels = channels_for(erlang)
    assert erlang_b(erlang, channels) <= MAY_LOSE < erlang_b(erlang, channels - 1)


def test_a_trunk_whose_channels_are_taken_is_told_until_they_are_free_again() -> None:
    centre = Centre()
    centre.channels(26)
    assert alarms(centre) == []
    centre.channels(27)
    (alarm,) = alarms(centre)
    assert (alarm.kind, alarm.subject, alarm.severity) == ("trunk_filling", "pstn", Severity.NON_URGENT)
    assert alarm.text == "中继 pstn：30 条通道已占用 27 条 · pstn: 27 of 30 channels in use"
    centre.channels(25)
    assert alarms(centre) == []
    assert len(alarms(centre, "pstn")) == 1  # up already: it stays until a tenth less
    centre.channels(24)
    assert alarms(centre, "pstn") == []


def test_traffic_that_would_lose_calls_is_told_with_the_channels_that_are_missing() -> None:
    centre = Centre()
    centre.channels(22)
    for _ in range(29):
        centre.good_call()
    centre.wait(7200)
    centre.channels(22)
    for _ in range(29):
        centre.good_call()
    assert alarms(centre) == [], "too few calls to tell"
    centre.good_call()
    (alarm,) = alarms(centre)
    # Erlang B: 22 Erl on 30 channels lose 2.1 %, 32 channels 0.95 %.
    assert alarm.text.endswith(
        "22.0 Erl offered over two hours lose 2.1%, 2 more channels would keep that under 1%"
    )
    assert "再增加 2 条通道可低于 1%" in alarm.text


def test_calls_that_were_blocked_were_offered_too() -> None:
    centre = Centre()
    centre.channels(19)
    centre.wait(7200)
    for _ in range(30):
        centre.good_call()
    assert alarms(centre) == []
    for _ in range(6):
        centre.tell(refused(ReleaseCause.BUSY))
    (alarm,) = alarms(centre)
    assert "22.8 Erl offered" in alarm.text  # 19 / (1 - 6 / 36)


def test_a_trunk_without_channels_is_not_looked_at() -> None:
    centre = Centre()
    centre.channels(0, capacity=0)
    assert alarms(centre) == []
