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
        self._running = False
        self._timer: TimerHandle | None = None
        self._timer_at: float | None = None

    def post(self, event: EventT | DeadlineReached) -> None:
        """Queue an event and, unless already running, run until the queue is empty."""
        self._queue.append(event)
        if self._running:
            return
        self._running = True
        try:
            while self._queue:
                queued = self._queue.popleft()
                self._guard(lambda queued=queued: self._step(queued))  # type: ignore[misc]
        finally:
            self._running = False
        self.rearm()

    def rearm(self) -> None:
        """Set the one timer to the core's deadline; called by itself after every event."""
        deadline = self._core.next_deadline()
        if deadline == self._timer_at:
            return
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
        self._timer_at = deadline
        if deadline is not None:
            self._timer = self._clock.call_at(deadline, self._wake)

    def close(self) -> None:
        """Cancel the timer."""
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None

    def _wake(self) -> None:
        self._timer = None
        self._timer_at = None
        self.post(DEADLINE)

    def _step(self, event: EventT | DeadlineReached) -> None:
        for effect in self._core.handle(event, self._clock.now()):
            self._guard(lambda effect=effect: self._perform(effect))  # type: ignore[misc]
