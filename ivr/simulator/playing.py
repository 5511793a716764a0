"""Plays a simulated session from its beginning, as often as somebody does something in it.

Theory of operation. A session is its flow, its surroundings and the list of what was done; the interpreter is pure
and time is virtual, so that the same list always comes to the same place, within milliseconds. Nothing is kept
between two requests. A query that a data source is to answer stops the playing; its answer joins what the session
learned, and the session is played again.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import datetime

from ivr.errors import TooLong
from ivr.model import Flow
from ivr.simulator.model import MOST_ANSWERS, MOST_HAPPENINGS, LearnedAnswer
from ivr.trials.runner import act
from ivr.trials.script import Step, World
from ivr.trials.stage import Stage
from ivr.trials.story import Story
from ivr.trials.world import answer_of
from ivr.work import AskHours, HoursFound, QueryAnswer, RunQuery, Work, WorkFailed, WorkResult

#: Whether a calendar is open at an instant; None: there is no such.
IsOpen = Callable[[str, datetime], bool | None]


class Unanswered(Exception):
    """A data source has to be asked."""

    def __init__(self, query: RunQuery) -> None:
        super().__init__()
        self.query = query


@dataclass(kw_only=True)
class Session:
    """What is played: ``flow`` with its ``parts`` in ``world``; ``live``: data sources may be asked."""

    flow: Flow
    parts: Mapping[str, Flow]
    world: World
    live: bool
    is_open: IsOpen
    answered: list[LearnedAnswer] = field(default_factory=list)
    calendars: dict[str, bool] = field(default_factory=dict)  # as they were found
    learned: int = 0  # answers that were used in this playing

    def play(self, steps: list[Step], watch: Callable[[Stage, Step | None], None] | None = None) -> Stage:
        """The stage after all steps; those after the end of the session are passed over.

        ``watch`` is called at the beginning and after every step. Raises :class:`Unanswered` and TooLong.
        """
        self.learned = 0
        story = Story(self.flow, self.parts, most=MOST_HAPPENINGS)
        stage = Stage(self.flow, self.parts, self.world, answers=self._answer, story=story)
        if watch is not None:
            watch(stage, None)
        for step in steps:
            if stage.outcome is not None:
                break
            act(stage, step)
            if watch is not None:
                watch(stage, step)
        return stage

    def learn(self, answer: LearnedAnswer) -> None:
        """Keep what a data source answered to the query that stopped the playing."""
        self.answered.append(answer)

    def _answer(self, work: Work, now: datetime) -> tuple[WorkResult, float]:
        if isinstance(work, RunQuery) and self.live and work.query not in self.world.queries:
            return self._learned(work)
        if isinstance(work, AskHours) and work.calendar not in self.world.calendars:
            found = self.is_open(work.calendar, now)
            if found is None:
                return WorkFailed(ticket=work.ticket, reason="no_such_calendar"), 0.0
            self.calendars[work.calendar] = found
            return HoursFound(ticket=work.ticket, open=found), 0.0
        return answer_of(work, self.world, now)

    def _learned(self, work: RunQuery) -> tuple[WorkResult, float]:
        if self.learned == len(self.answered):
            if self.learned == MOST_ANSWERS:
                raise TooLong(f"a session asks data sources {MOST_ANSWERS} times at most: begin anew")
            raise Unanswered(work)
        answer = self.answered[self.learned]
        self.learned += 1
        if answer.fails:
            return WorkFailed(ticket=work.ticket, reason="query_failed"), answer.takes
        return QueryAnswer(ticket=work.ticket, row=answer.row), answer.takes
