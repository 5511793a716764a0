"""The answers to a session's work in a trial."""

from __future__ import annotations

from datetime import datetime
from typing import assert_never

from ivr.trials.script import World
from ivr.work import (
    AskDesk,
    AskHours,
    AskPlace,
    CallBackStored,
    DeskDone,
    DeskRefused,
    FetchMessage,
    HoursFound,
    MarkMessage,
    PlaceFound,
    QueryAnswer,
    Render,
    Rendered,
    RunQuery,
    StoreCallBack,
    Work,
    WorkFailed,
    WorkResult,
)


def answer_of(work: Work, world: World, now: datetime) -> tuple[WorkResult, float]:
    """The answer, and how many seconds it takes."""
    match work:
        case RunQuery():
            return _query(work, world)
        case AskHours(ticket=ticket, calendar=calendar):
            spans = world.calendars.get(calendar)
            if spans is None:
                return WorkFailed(ticket=ticket, reason="no_such_calendar"), 0.0
            return HoursFound(ticket=ticket, open=any(span.holds(now) for span in spans)), 0.0
        case AskDesk():
            refused = work.action == "sign_in" and world.pins.get(work.agent) != work.pin
            if refused or not work.seat:
                return DeskRefused(ticket=work.ticket, reason="not_allowed"), 0.0
            return DeskDone(ticket=work.ticket), 0.0
        case StoreCallBack(ticket=ticket):
            return CallBackStored(ticket=ticket, call_back="trial"), 0.0
        case AskPlace(ticket=ticket):
            return PlaceFound(ticket=ticket, position=3, wait_minutes=2), 0.0
        case FetchMessage(ticket=ticket):
            return DeskRefused(ticket=ticket, reason="no_message"), 0.0
        case MarkMessage(ticket=ticket):
            return DeskDone(ticket=ticket), 0.0
        case Render(ticket=ticket):
            return Rendered(ticket=ticket, items=()), 0.0
        case _:
            assert_never(work)


def _query(work: RunQuery, world: World) -> tuple[WorkResult, float]:
    for answer in world.queries.get(work.query, ()):
        if all(work.parameters.get(name) == value for name, value in answer.when.items()):
            if answer.fails:
                return WorkFailed(ticket=work.ticket, reason="query_failed"), answer.takes
            return QueryAnswer(ticket=work.ticket, row=answer.row), answer.takes
    return WorkFailed(ticket=work.ticket, reason="query_failed"), 0.0
