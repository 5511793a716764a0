"""The probe's schedule: a call, its report, an alarm while calls fail."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest

from ccplatform.app import probing
from ccplatform.app.places import places_of
from ccplatform.app.probing import ALARM, DIFFERS, Orders, Probe, run_probe
from ccplatform.app.settings import Settings
from ccplatform.contracts.commands import (
    COMMANDS,
    Answer,
    ClearAlarm,
    Command,
    Done,
    RaiseAlarm,
    ReportMysteryCall,
)
from ccplatform.contracts.facts import (
    FACTS,
    ContactArrived,
    ContactEnded,
    Fact,
    FirstVoiceSent,
    KeyAnswered,
    LegMeasured,
    MysteryCallOrdered,
)
from ccplatform.contracts.words import (
    CallId,
    Channel,
    ContactId,
    Direction,
    LegId,
    LegRole,
    MysteryFate,
    Outcome,
    ReleaseCause,
    Severity,
)
from ccplatform.kernel.clock import VirtualClock
from ccplatform.kernel.errors import CannotStart, Unavailable
from ccplatform.proof.errors import SeatTaken
from ccplatform.proof.plan import REFERENCE, AgentPlan, Plan, SeatPlan, plan_for
from ccplatform.proof.port import Lateness
from ccplatform.proof.reconciling import compare
from ccplatform.proof.visit import Visit
from ccplatform.proof.witness import Witness
from gateway.sip.flows import Flow


def whole_call(sip_call_id: str, *, connect: float = 0.1, key: float = 0.5, ended: bool = True) -> list[Fact]:
    """What a platform records of the call that the rig's visitor hears."""
    contact, leg = ContactId(f"contact of {sip_call_id}"), LegId("leg")
    told: list[Fact] = [
        ContactArrived(
            contact=contact,
            call=CallId("call"),
            leg=leg,
            channel=Channel.VOICE,
            direction=Direction.INBOUND,
            dialled="95000",
            trunk=None,
            seat=None,
            transport="UDP",
            sip_call_id=sip_call_id,
            caller="",
        ),
        FirstVoiceSent(contact=contact, trunk=None, connect_seconds=connect),
        KeyAnswered(contact=contact, node="menu", response_seconds=key),
        LegMeasured(
            contact=contact,
            leg=leg,
            role=LegRole.CALLER,
            codec="PCMA",
            packets_received=500,
            packets_lost=0,
            packets_sent=500,
            remote_packets_lost=None,
            jitter_seconds=0.0,
            round_trip_seconds=None,
            delay_seconds=None,
            mos=None,
        ),
    ]
    if ended:
        told.append(
            ContactEnded(
                contact=contact,
                outcome=Outcome.ABANDONED_IVR,
                cause=ReleaseCause.NORMAL,
                dialled="95000",
                trunk=None,
                total_seconds=10.1,
            )
        )
    return told


class _Robots:
    """At a test seat that others are at first; ``asked`` is what was asked of them."""

    def __init__(self) -> None:
        self.line = SimpleNamespace(lateness=Lateness())
        self.asked: list[str] = []

    async def begin(self) -> None:
        self.asked.append("begin")
        if len(self.asked) == 1:
            raise SeatTaken("the test seat 8099 is taken: sip:8099@192.0.2.1 is registered there")

    async def end(self) -> None:
        self.asked.append("end")


class _Rig:
    """``recorded``: what the platform's facts say of each call, by its Call-ID."""

    def __init__(
        self,
        monkeypatch: pytest.MonkeyPatch,
        fates: list[MysteryFate],
        *,
        away: int = 0,
        recorded: Callable[[str], list[Fact]] | None = None,
        target: str = "",
        plan: Plan | None = None,
        robots: _Robots | None = None,
    ) -> None:
        recorded = recorded or whole_call
        self.clock = VirtualClock()
        self.told: list[Command] = []
        self.calls: list[float] = []
        self._away = away
        waiting = iter(fates)

        self.witness, self.orders = Witness(), Orders()

        async def visit(line: Any, plan: Any, clock: Any, *, begun: Callable[[str], None], **_: Any) -> Visit:
            call_id = f"call-{len(self.calls)}"
            self.calls.append(self.clock.now())
            begun(call_id)
            for fact in recorded(call_id):
                self.witness.take(fact)
            return Visit(
                began=self.clock.now(),
                sip_call_id=call_id,
                fate=next(waiting),
                keys=[0.5],
                connect=0.1,
                lasted=10.0,
                received=500,
            )

        monkeypatch.setattr(probing, "make_visit", visit)
        probe = {"every_seconds": 60, "first_seconds": 5, "target": target}
        settings = Settings.model_validate({"probe": probe})
        self.probe = Probe(
            settings=settings,
            plan=plan or plan_for("95000"),
            flow=Flow("UDP", "127.0.0.1", 5060),
            line=SimpleNamespace(lateness=Lateness()),  # type: ignore[arg-type]
            ask=self._ask,
            clock=self.clock,
            witness=self.witness,
            orders=self.orders,
            robots=robots,  # type: ignore[arg-type]
            prompts={REFERENCE: np.zeros(1, dtype=np.int16)},
        )

    async def _ask(self, command: Command) -> Answer:
        if self._away:
            self._away -= 1
            raise Unavailable("away")
        self.told.append(command)
        return Done()

    async def run(self, calls: int) -> None:
        async def go_on() -> None:
            for _ in range(calls):
                await self.probe.run()

        task = asyncio.ensure_future(go_on())
        while not task.done():
            for _ in range(10):
                await asyncio.sleep(0)
            self.clock.advance(1.0)
        await task


async def test_calls_are_made_on_schedule_and_reported(monkeypatch: pytest.MonkeyPatch) -> None:
    rig = _Rig(monkeypatch, [MysteryFate.COMPLETED] * 3)
    begun = rig.clock.now()
    await rig.run(3)
    assert [round(at - begun) for at in rig.calls] == [5, 65, 125]
    reports = [command.call for command in rig.told if isinstance(command, ReportMysteryCall)]
    assert [(call.number, call.fate, call.loopback, call.key_seconds) for call in reports] == [
        ("95000", MysteryFate.COMPLETED, True, (0.5,))
    ] * 3
    assert [command for command in rig.told if isinstance(command, RaiseAlarm)] == []


async def test_one_failed_call_may_be_chance_and_two_in_a_row_are_urgent(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    fates = [MysteryFate.REFUSED, MysteryFate.REFUSED, MysteryFate.COMPLETED, MysteryFate.FAILED]
    rig = _Rig(monkeypatch, fates)
    await rig.run(4)
    alarms = [command for command in rig.told if isinstance(command, RaiseAlarm) and command.kind == ALARM]
    assert [alarm.severity for alarm in alarms] == [Severity.NON_URGENT, Severity.URGENT, Severity.NON_URGENT]
    assert alarms[1].text == "95000: a mystery call was not served: refused; 2 in a row"


async def test_an_alarm_stands_while_calls_fail(monkeypatch: pytest.MonkeyPatch) -> None:
    rig = _Rig(monkeypatch, [MysteryFate.REFUSED, MysteryFate.COMPLETED])
    await rig.run(2)
    alarms = [command for command in rig.told if isinstance(command, RaiseAlarm | ClearAlarm)]
    assert [(type(command), command.kind, command.subject) for command in alarms if command.kind == ALARM] == [
        (RaiseAlarm, ALARM, "95000"),
        (ClearAlarm, ALARM, "95000"),
    ]


async def test_a_report_waits_for_control(monkeypatch: pytest.MonkeyPatch) -> None:
    rig = _Rig(monkeypatch, [MysteryFate.COMPLETED], away=7)
    await rig.run(1)
    assert [type(command) for command in rig.told] == [ReportMysteryCall, ClearAlarm, ClearAlarm]


def _differs(rig: _Rig) -> list[str]:
    return [command.text for command in rig.told if isinstance(command, RaiseAlarm) and command.kind == DIFFERS]


async def test_what_was_heard_is_set_against_what_was_recorded(monkeypatch: pytest.MonkeyPatch) -> None:
    rig = _Rig(monkeypatch, [MysteryFate.COMPLETED])
    await rig.run(1)
    (report,) = [command for command in rig.told if isinstance(command, ReportMysteryCall)]
    assert report.compared is not None
    assert (report.compared.contact, report.compared.differences) == ("contact of call-0", ())
    assert (report.compared.connect_seconds, report.compared.key_seconds) == (0.1, (0.5,))
    assert _differs(rig) == []


@pytest.mark.parametrize(
    ("recorded", "told"),
    [
        (lambda call: whole_call(call, connect=0.9), "95000: heard and recorded differ: connect"),
        (lambda call: whole_call(call, key=0.1), "95000: heard and recorded differ: key"),
        (lambda call: whole_call(call, ended=False), "95000: heard and recorded differ: total"),
        (lambda call: [], "95000: heard and recorded differ: the call is not recorded at all"),
    ],
)
async def test_a_falsified_record_is_an_alarm(
    monkeypatch: pytest.MonkeyPatch, recorded: Callable[[str], list[Fact]], told: str
) -> None:
    rig = _Rig(monkeypatch, [MysteryFate.COMPLETED], recorded=recorded)
    await rig.run(1)
    assert _differs(rig) == [told]


async def test_a_call_by_a_carrier_that_names_it_anew_is_not_compared(monkeypatch: pytest.MonkeyPatch) -> None:
    rig = _Rig(monkeypatch, [MysteryFate.COMPLETED], recorded=lambda call: [], target="sip:95000@192.0.2.1")
    await rig.run(1)
    assert [command.compared for command in rig.told if isinstance(command, ReportMysteryCall)] == [None]
    assert _differs(rig) == []


async def test_facts_that_were_missed_are_no_difference(monkeypatch: pytest.MonkeyPatch) -> None:
    def lost(sip_call_id: str) -> list[Fact]:
        rig.witness.lost()
        return whole_call(sip_call_id)[1:]

    rig = _Rig(monkeypatch, [MysteryFate.COMPLETED], recorded=lost)
    await rig.run(1)
    assert [command.compared for command in rig.told if isinstance(command, ReportMysteryCall)] == [None]


async def test_who_asks_gets_a_call_now_and_the_schedule_goes_on(monkeypatch: pytest.MonkeyPatch) -> None:
    rig = _Rig(monkeypatch, [MysteryFate.COMPLETED] * 3)
    rig.clock.call_at(rig.clock.now() + 20, lambda: rig.orders.take(MysteryCallOrdered(by="sup1")))
    begun = rig.clock.now()
    await rig.run(3)
    assert [round(at - begun) for at in rig.calls] == [5, 20, 80]
    reports = [command.call for command in rig.told if isinstance(command, ReportMysteryCall)]
    assert [call.ordered_by for call in reports] == ["", "sup1", ""]


async def test_a_seat_where_others_are_is_left_to_them_and_is_no_failure(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    async def agent_visit(*_: Any, **__: Any) -> Visit:
        return Visit(began=0.0, for_agent=True, agent_wait=1.0)

    monkeypatch.setattr(probing, "make_agent_visit", agent_visit)
    seats = (SeatPlan(user="8099", password="x"),)
    plan = plan_for("95000").model_copy(update={"agent": AgentPlan(number="95000", seats=seats)})
    robots = _Robots()
    rig = _Rig(monkeypatch, [MysteryFate.COMPLETED] * 2, plan=plan, robots=robots)
    await rig.run(2)
    assert robots.asked == ["begin", "begin", "end"]
    reports = [command.call.for_agent for command in rig.told if isinstance(command, ReportMysteryCall)]
    assert reports == [False, False, True]
    (alarm,) = [command for command in rig.told if isinstance(command, RaiseAlarm) and command.kind == ALARM]
    assert (alarm.subject, alarm.severity) == ("95000 (agent)", Severity.NON_URGENT)
    assert "no mystery call was made: the test seat 8099 is taken" in alarm.text
    assert ClearAlarm(kind=ALARM, subject="95000 (agent)") in rig.told[rig.told.index(alarm) :]


def test_what_was_heard_survives_the_link_and_the_journal() -> None:
    call = probing.made_of(
        Visit(began=0.0, fate=MysteryFate.FAILED, failed_at="step 2", keys=[0.1, 0.2]), "95000", loopback=False
    )
    compared = compare(call, None, 0.1)
    report = ReportMysteryCall(call=call, compared=compared)
    assert COMMANDS.decode(COMMANDS.encode(report)) == report
    assert FACTS.decode(FACTS.encode(call)) == call
    assert FACTS.decode(FACTS.encode(compared)) == compared


@pytest.mark.parametrize(
    ("probe", "demo", "told"),
    [
        ({}, False, "probe.plan"),
        ({"plan": "/nowhere/plan.toml"}, True, "plan.toml"),
        ({"target": "95000"}, True, "no target"),
    ],
)
async def test_a_probe_that_cannot_call_says_why(
    tmp_path: Path, probe: dict[str, Any], demo: bool, told: str
) -> None:
    settings = Settings.model_validate({"probe": probe})
    with pytest.raises(CannotStart, match=told):
        await run_probe(settings, places_of(tmp_path), demo=demo, ready=lambda: None)
