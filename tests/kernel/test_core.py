from __future__ import annotations

from collections.abc import Callable

from ccplatform.kernel.clock import TimerHandle, VirtualClock
from ccplatform.kernel.core import DEADLINE, DeadlineReached, EffectRunner


class Recorder:
    """A core that answers an event by two effects and wants to be woken when told so."""

    def __init__(self) -> None:
        self.deadline: float | None = None
        self.seen: list[tuple[object, float]] = []

    def handle(self, event: str | DeadlineReached, now: float) -> list[str]:
        self.seen.append((event, now))
        if isinstance(event, DeadlineReached):
            self.deadline = None
            return ["woken"]
        if event == "bad":
            raise ValueError(event)
        return [f"{event}.1", f"{event}.2"]

    def next_deadline(self) -> float | None:
        return self.deadline


class CountingClock(VirtualClock):
    """Counts the timers that were set."""

    timers = 0

    def call_at(self, when: float, callback: Callable[[], None]) -> TimerHandle:
        self.timers += 1
        return super().call_at(when, callback)


def test_effects_are_performed_in_order_and_posted_events_wait_for_them() -> None:
    core = Recorder()
    done: list[str] = []

    def perform(effect: str) -> None:
        done.append(effect)
        if effect == "a.1":
            runner.post("b")

    runner: EffectRunner[str, str] = EffectRunner(core, perform, VirtualClock())
    runner.post("a")
    assert done == ["a.1", "a.2", "b.1", "b.2"]


def test_the_core_is_woken_at_its_deadline_and_only_once() -> None:
    clock, core = VirtualClock(), Recorder()
    done: list[str] = []
    runner: EffectRunner[str, str] = EffectRunner(core, done.append, clock)
    core.deadline = 1010.0
    runner.post("a")
    clock.advance(9)
    assert "woken" not in done
    clock.advance(100)
    assert core.seen[-1] == (DEADLINE, 1010.0)
    assert done.count("woken") == 1


def test_a_deadline_that_moves_replaces_the_timer() -> None:
    clock, core = VirtualClock(), Recorder()
    runner: EffectRunner[str, str] = EffectRunner(core, lambda effect: None, clock)
    core.deadline = 1010.0
    runner.post("a")
    core.deadline = 1020.0
    runner.post("b")
    clock.advance(15)
    assert core.seen[-1][0] == "b"
    clock.advance(15)
    assert core.seen[-1] == (DEADLINE, 1020.0)


def test_a_deadline_that_moves_later_sets_no_new_timer() -> None:
    clock, core = CountingClock(), Recorder()
    runner: EffectRunner[str, str] = EffectRunner(core, lambda effect: None, clock)
    for deadline in (1010.0, 1020.0, 1030.0):
        core.deadline = deadline
        runner.post("a")
    assert clock.timers == 1
    clock.advance(25)
    assert [event for event, _ in core.seen] == ["a", "a", "a"]
    clock.advance(25)
    assert core.seen[-1] == (DEADLINE, 1030.0)
    assert clock.timers == 2


def test_a_deadline_that_is_gone_leaves_no_timer() -> None:
    clock, core = VirtualClock(), Recorder()
    runner: EffectRunner[str, str] = EffectRunner(core, lambda effect: None, clock)
    core.deadline = 1010.0
    runner.post("a")
    core.deadline = None
    runner.post("b")
    clock.advance(100)
    assert [event for event, _ in core.seen] == ["a", "b"]


def test_a_closed_runner_sets_no_timer_off() -> None:
    clock, core = VirtualClock(), Recorder()
    runner: EffectRunner[str, str] = EffectRunner(core, lambda effect: None, clock)
    core.deadline = 1010.0
    runner.post("a")
    runner.close()
    runner.rearm()
    clock.advance(100)
    assert [event for event, _ in core.seen] == ["a"]


def test_a_guard_keeps_one_bad_event_from_stopping_the_next() -> None:
    core = Recorder()
    done: list[str] = []
    caught: list[str] = []

    def guard(step: Callable[[], None]) -> None:
        try:
            step()
        except ValueError as error:
            caught.append(str(error))

    runner: EffectRunner[str, str] = EffectRunner(core, done.append, VirtualClock(), guard)
    runner.post("bad")
    runner.post("a")
    assert (caught, done) == (["bad"], ["a.1", "a.2"])


def test_a_guard_keeps_one_bad_effect_from_stopping_the_rest() -> None:
    core = Recorder()
    done: list[str] = []
    caught: list[str] = []

    def perform(effect: str) -> None:
        if effect == "a.1":
            raise ValueError(effect)
        done.append(effect)

    def guard(step: Callable[[], None]) -> None:
        try:
            step()
        except ValueError as error:
            caught.append(str(error))

    runner: EffectRunner[str, str] = EffectRunner(core, perform, VirtualClock(), guard)
    runner.post("a")
    runner.post("b")
    assert (caught, done) == (["a.1"], ["a.2", "b.1", "b.2"])
