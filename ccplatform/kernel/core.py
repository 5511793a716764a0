"""The contract of a pure core, and the runner that drives one.

A core decides: ``handle(event, now)`` returns effects, ``next_deadline()`` says when it wants to be woken with
:data:`DEADLINE`. It owns no socket, task, clock or log. The :class:`EffectRunner` is its shell: it queues
events, runs them to completion one after the other, performs the effects in order and keeps one timer.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Final, Generic, Protocol, TypeVar

from ccplatform.kernel.clock import Clock, TimerHandle

EventT = TypeVar("EventT")
EffectT = TypeVar("EffectT")
EventT_contra = TypeVar("EventT_contra", contravariant=True)
EffectT_co = TypeVar("EffectT_co", covariant=True)


@dataclass(frozen=True, slots=True)
class DeadlineReached:
    """The instant a core asked for in ``next_deadline`` has come."""


DEADLINE: Final = DeadlineReached()


class Core(Protocol[EventT_contra, EffectT_co]):
    """A pure state machine."""

    def handle(self, event: EventT_contra | DeadlineReached, now: float) -> Sequence[EffectT_co]:
        """Take one event; return what to do, in order. An event that does not fit raises and changes nothing."""

    def next_deadline(self) -> float | None:
        """The monotonic instant at which the core wants :data:`DEADLINE`, or None."""


class EffectRunner(Generic[EventT, EffectT]):
    """Drives a core: run-to-completion, effects in order, one timer.

    ``perform`` may post further events; they are handled after the current event's effects are done.
    ``guard`` runs a step and keeps an unexpected exception from taking the shell down
    (see :func:`ccplatform.kernel.tasks.guarded`).
    """

    def __init__(
        self,
        core: Core[EventT, EffectT],
        perform: Callable[[EffectT], None],
        clock: Clock,
        guard: Callable[[Callable[[], None]], None] = lambda step: step(),
    ) -> None:
        self._core = core
        self._perform = perform
        self._clock = clock
        self._guard = guard
        self._queue: deque[EventT | DeadlineReached] = deque()
        self._effects: deque[EffectT] = deque()
        self._running = False
        self._timer: TimerHandle | None = None
        self._timer_at: float | None = None
        self._closed = False

    def post(self, event: EventT | DeadlineReached) -> None:
        """Queue an event and, unless already running, run until the queue is empty."""
        self._queue.append(event)
        if self._running:
            return
        self._running = True
        try:
            while self._queue or self._effects:
                self._guard(self._work)
        finally:
            self._running = False
            self._effects.clear()
        self.rearm()

    def rearm(self) -> None:
        """Set the one timer to the core's deadline; called by itself after every event.

        A deadline that moved later leaves the timer alone: it looks again when it goes off. Most deadlines move
        so, and a timer is dear.
        """
        deadline = self._core.next_deadline()
        if self._timer is None:
            if deadline is None:
                return
        elif deadline is not None and self._timer_at is not None and self._timer_at <= deadline:
            return
        else:
            self._stop_timer()
        if deadline is not None and not self._closed:
            self._timer_at = deadline
            self._timer = self._clock.call_at(deadline, self._wake)

    def close(self) -> None:
        """Set no timer any more."""
        self._closed = True
        self._stop_timer()

    def _stop_timer(self) -> None:
        if self._timer is not None:
            self._timer.cancel()
        self._timer = self._timer_at = None

    def _wake(self) -> None:
        self._timer = self._timer_at = None
        deadline = self._core.next_deadline()
        if deadline is not None and deadline <= self._clock.now():
            self.post(DEADLINE)
        else:
            self.rearm()

    def _work(self) -> None:
        """Go on until nothing is left to do. What raises is dropped; :meth:`post` goes on with the rest."""
        queue, effects = self._queue, self._effects
        while True:
            while effects:
                self._perform(effects.popleft())
            if not queue:
                return
            effects.extend(self._core.handle(queue.popleft(), self._clock.now()))
