"""Orders of people are audited before they are acknowledged."""

from __future__ import annotations

from datetime import UTC, datetime
from zoneinfo import ZoneInfo

import pytest

from ccplatform.app.audited import AuditedControl
from ccplatform.contracts.commands import (
    Answer,
    Command,
    Done,
    GetHealth,
    HangUpCall,
    HoldCall,
    Refused,
    SendCallDigits,
    SetAgentState,
)
from ccplatform.contracts.words import AgentId, AgentState, CallId, ContactId, Direction, SeatId
from ccplatform.storage.errors import DatabaseUnavailable
from cti.live import LiveView
from cti.model import LiveCall

CALL = CallId("call-1")


class Control:
    def __init__(self, answer: Answer) -> None:
        self.answer = answer

    async def ask(self, command: Command) -> Answer:
        return self.answer


class Audit:
    def __init__(self) -> None:
        self.rows: list[tuple[str, str, str]] = []
        self.away = False

    async def record(self, *, subject: str, action: str, object: str, **_: object) -> None:
        if self.away:
            raise DatabaseUnavailable("away")
        self.rows.append((subject, action, object))


def desk(answer: Answer | None = None) -> tuple[AuditedControl, Audit]:
    live, audit, at = LiveView(zone=ZoneInfo("UTC")), Audit(), datetime(2026, 1, 5, tzinfo=UTC)
    live.calls[CALL] = LiveCall(
        id=CALL,
        contact=ContactId("c"),
        direction=Direction.INBOUND,
        caller="1",
        caller_name="",
        dialled="95000",
        started=at,
        since=at,
        agent=AgentId("1004"),
    )
    control = AuditedControl(control=Control(answer or Done()), audit=audit, live=live)  # type: ignore[arg-type]
    return control, audit


def state(by: str) -> SetAgentState:
    return SetAgentState(agent=AgentId("1004"), state=AgentState.READY, by=by, seat=SeatId("seat-04"))


@pytest.mark.parametrize(
    ("command", "row"),
    [
        (state("sup1"), ("sup1", "agent.state", "1004")),
        (HangUpCall(call=CALL, by="sup1"), ("sup1", "call.hang_up", CALL)),
        (HoldCall(call=CALL, hold=True, by="sup1"), ("sup1", "call.hold", CALL)),
        (HoldCall(call=CALL, hold=False, by="sup1"), ("sup1", "call.retrieve", CALL)),
        (SendCallDigits(call=CALL, digits="1", by="sup1"), ("sup1", "call.dtmf", CALL)),
    ],
)
async def test_what_somebody_does_to_others_is_audited(command: Command, row: tuple[str, str, str]) -> None:
    control, audit = desk()
    assert await control.ask(command) == Done()
    assert audit.rows == [row]


@pytest.mark.parametrize("command", [state("1004"), HangUpCall(call=CALL, by="1004"), GetHealth()])
async def test_what_an_agent_does_himself_is_in_the_journal_already(command: Command) -> None:
    control, audit = desk()
    await control.ask(command)
    assert audit.rows == []


async def test_what_was_refused_did_not_happen() -> None:
    control, audit = desk(Refused(code="busy", message="no"))
    assert isinstance(await control.ask(state("sup1")), Refused)
    assert audit.rows == []


async def test_without_the_database_a_call_can_still_be_ended() -> None:
    control, audit = desk()
    audit.away = True
    assert await control.ask(HangUpCall(call=CALL, by="sup1")) == Done()
