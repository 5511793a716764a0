"""Overload control: levels, shares, hysteresis and who is never refused (R10.4.f)."""

from __future__ import annotations

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from pydantic import ValidationError

from gateway.sip.overload import MAX_VERDICTS, CallClass, Level, Load, NewCall, OverloadControl
from gateway.sip.overload_settings import OverloadSettings

SETTINGS = OverloadSettings(
    vip_numbers=("13800000009", "95000"), low_priority_numbers=("951",), low_priority_trunks=("cheap",)
)
CALM = Load(lag_seconds=0.0, waiting=0, cpu=0.1, memory=0.3)
FULL = Load(lag_seconds=0.0, waiting=0, cpu=1.0, memory=0.3)
LATE = Load(lag_seconds=0.6, waiting=0, cpu=0.5, memory=0.3)

loads = st.builds(
    Load,
    lag_seconds=st.floats(0, 10),
    waiting=st.integers(0, 100_000),
    cpu=st.floats(0, 1),
    memory=st.floats(0, 1),
)


def call(
    key: str = "1",
    *,
    dialled: str = "95004",
    caller: str = "13800000001",
    seat: bool = False,
    trunk: str = "a",
    believed: bool = False,
    emergency: bool = False,
) -> NewCall:
    return NewCall(
        key=key, dialled=dialled, caller=caller, seat=seat, trunk=trunk, believed=believed, emergency=emergency
    )


def at(restriction: float) -> OverloadControl:
    control = OverloadControl(SETTINGS)
    control.restriction = restriction
    return control


def share_refused(control: OverloadControl, **what: object) -> float:
    return sum(control.refuses(call(str(number), **what)) for number in range(2000)) / 2000  # type: ignore[arg-type]


def test_without_overload_nobody_is_refused() -> None:
    control = OverloadControl(SETTINGS)
    for second in range(100):
        assert control.measured(CALM, float(second)) is None
    assert share_refused(control) == 0.0


@pytest.mark.parametrize(
    ("what", "kind"),
    [
        ({"dialled": "110"}, CallClass.PROTECTED),
        ({"dialled": "110", "trunk": "cheap"}, CallClass.PROTECTED),
        ({"dialled": "110", "seat": True}, CallClass.PROTECTED),
        ({"caller": "13800000009", "believed": True}, CallClass.PROTECTED),
        ({"caller": "13800000009"}, CallClass.ORDINARY),
        ({"caller": "13800000009", "trunk": "cheap"}, CallClass.LOW_PRIORITY),
        ({"dialled": "0112", "seat": True, "emergency": True}, CallClass.PROTECTED),
        ({"dialled": "95000"}, CallClass.PROTECTED),
        ({"seat": True}, CallClass.CENTRE),
        ({"dialled": "95101"}, CallClass.LOW_PRIORITY),
        ({"trunk": "cheap"}, CallClass.LOW_PRIORITY),
        ({}, CallClass.ORDINARY),
    ],
)
def test_calls_have_classes(what: dict[str, object], kind: CallClass) -> None:
    assert OverloadControl(SETTINGS).class_of(call(**what)) is kind  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("restriction", "low", "ordinary", "centre"),
    [(0.5, 0.5, 0, 0), (1.0, 1, 0, 0), (1.25, 1, 0.25, 0), (2.0, 1, 1, 0), (2.75, 1, 1, 0.75), (3.0, 1, 1, 1)],
)
def test_each_step_closes_the_centre_to_one_class_more(
    restriction: float, low: float, ordinary: float, centre: float
) -> None:
    control = at(restriction)
    assert share_refused(control, trunk="cheap") == pytest.approx(low, abs=0.05)
    assert share_refused(at(restriction)) == pytest.approx(ordinary, abs=0.05)
    assert share_refused(at(restriction), seat=True) == pytest.approx(centre, abs=0.05)
    assert share_refused(at(restriction), dialled="120") == 0.0


def test_a_repeated_invite_gets_the_same_answer_and_a_new_attempt_another_throw() -> None:
    control = at(2.0)
    assert control.refuses(call("1 INVITE"))
    control.restriction = 0.0
    assert control.refuses(call("1 INVITE"))
    assert not control.refuses(call("2 INVITE"))
    control.restriction = 2.0
    assert not control.refuses(call("2 INVITE"))


def test_what_is_remembered_is_bounded() -> None:
    control = at(3.0)
    for number in range(MAX_VERDICTS + 10):
        control.refuses(call(str(number)))
    assert len(control._verdicts) == MAX_VERDICTS


def test_a_level_is_reached_at_once_and_left_after_a_calm_time() -> None:
    control = OverloadControl(SETTINGS)
    changes = []
    now = 0.0
    while control.level is not Level.ORDINARY:
        now += 0.1
        control.refuses(call(f"{now}"))
        control.refuses(call(f"{now}l", trunk="cheap"))
        changes.append(control.measured(LATE, now))
    reached = now
    assert reached < 2.0
    told = [change for change in changes if change is not None]
    assert [(change.previous, change.level) for change in told] == [(0, 1), (1, 2)]
    assert "0.600 s (limit 0.2 s)" in told[-1].reason
    while control.level is Level.ORDINARY:
        now += 0.1
        change = control.measured(CALM, now)
    assert change is not None
    assert change.reason == "calm for 10 s"
    assert now - reached >= SETTINGS.calm_seconds
    assert control.level is Level.NONE  # what was restricted had long been let go
    assert control.restriction == 0.0


def test_between_its_limits_load_changes_nothing() -> None:
    control = at(1.5)
    for second in range(20):
        control.measured(Load(lag_seconds=0.0, waiting=0, cpu=0.88, memory=0.3), float(second))
    assert control.restriction == 1.5


def test_a_processor_that_is_full_restricts_slowly_and_a_late_loop_fast() -> None:
    def steps(load: Load) -> int:
        control = OverloadControl(SETTINGS)
        for step in range(10_000):
            control.refuses(call(str(step)))
            control.measured(load, step / 10)
            if control.restriction >= 1.5:
                return step
        raise AssertionError("never")

    assert steps(LATE) < 5 < steps(FULL)


def test_a_class_of_which_no_calls_come_is_passed_over() -> None:
    control = OverloadControl(SETTINGS)
    for step in range(20):
        control.measured(LATE, step / 10)
    assert control.restriction == 0.0  # nobody calls: nobody to refuse
    control.refuses(call("seat", seat=True))
    control.measured(LATE, 2.0)
    assert control.restriction == pytest.approx(2.3)
    for step in range(21, 200):
        control.measured(CALM, step / 10)
    assert control.restriction == 0.0


def test_while_the_pressure_falls_nothing_more_is_taken() -> None:
    control = OverloadControl(SETTINGS)
    for step, waiting in enumerate((0, 500, 400, 300, 200, 100)):
        control.refuses(call(str(step)))
        control.measured(Load(lag_seconds=0, waiting=waiting, cpu=0.5, memory=0.1), step / 10)
        if waiting:
            assert control.restriction == pytest.approx(1.3)


def test_control_finds_the_share_that_can_be_served() -> None:
    """Three times the capacity is offered: a third is served, most of the time."""
    control = OverloadControl(SETTINGS)
    number, served, waiting, cpu = 0, [], 0.0, 0.0
    for step in range(600):
        offered = [call(str(number := number + 1)) for _ in range(30)]
        admitted = sum(not control.refuses(one) for one in offered)
        work = waiting / 6 + admitted  # six messages a call, ten calls in a period
        served.append(min(10.0, work))
        waiting = 6 * max(0.0, work - 10)
        cpu += 0.25 * (min(1.0, work / 10) - cpu)
        control.measured(Load(lag_seconds=0.05, waiting=int(waiting), cpu=cpu, memory=0.3), step / 10)
    assert sum(served[50:]) / (550 * 10) > 0.8
    assert waiting < 600


def test_switched_off_it_never_refuses() -> None:
    control = OverloadControl(OverloadSettings(enabled=False))
    for step in range(100):
        control.measured(LATE, float(step))
    assert (control.restriction, control.level) == (0.0, Level.NONE)


@settings(suppress_health_check=[HealthCheck.too_slow])  # a busy machine is no fault of the test
@given(st.lists(st.tuples(loads, st.floats(0, 5)), max_size=25), st.text(max_size=8), st.booleans())
def test_whatever_happens_emergencies_get_in_and_levels_are_sound(
    story: list[tuple[Load, float]], key: str, seat: bool
) -> None:
    control = OverloadControl(SETTINGS)
    now, level = 0.0, Level.NONE
    for number, (load, seconds) in enumerate(story):
        now += seconds
        change = control.measured(load, now)
        assert 0.0 <= control.restriction <= 3.0
        if change is not None:
            assert (change.previous, change.level) == (level, control.level)
            assert change.level is not level
            level = change.level
        assert control.level is level
        assert level >= control.restriction - 1  # a level is never lower than what is refused
        assert not control.refuses(call(f"{key}{number}", dialled="119", seat=seat))
        assert not control.refuses(call(f"{key}{number}v", caller="13800000009", believed=True))


@pytest.mark.parametrize(
    ("settings", "reason"),
    [
        ({"vip_numbers": ["110"]}, "both an emergency and a VIP number"),
        ({"low_priority_numbers": ["110"]}, "never refused"),
        ({"vip_numbers": ["95000"], "low_priority_numbers": ["95000"]}, "never refused"),
        ({"emergency_numbers": ["1 10"]}, "pattern"),
        ({"cpu": 1.5}, "less than or equal to 1"),
        ({"surprise": 1}, "Extra inputs"),
    ],
)
def test_settings_that_make_no_sense_are_refused(settings: dict[str, object], reason: str) -> None:
    with pytest.raises(ValidationError, match=reason):
        OverloadSettings.model_validate(settings)
