"""The probe's schedule: a call, its report, an alarm while calls fail."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import Any

import pytest

from ccplatform.app import probing
from ccplatform.app.places import places_of
from ccplatform.app.probing import ALARM, Probe, run_probe
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
from ccplatform.contracts.facts import FACTS
from ccplatform.contracts.words import MysteryFate
from ccplatform.kernel.clock import VirtualClock
from ccplatform.kernel.errors import CannotStart, Unavailable
from ccplatform.proof.plan import plan_for
from ccplatform.proof.visit import Visit
from gateway.sip.flows import Flow


class _Rig:
    def __init__(self, monkeypatch: pytest.MonkeyPatch, fates: list[MysteryFate], *, away: int = 0) -> None:
        self.clock = VirtualClock()
        self.told: list[Command] = []
        self.calls: list[float] = []
        self._away = away
        waiting = iter(fates)

        async def visit(line: Any, plan: Any, clock: Any) -> Visit:
            self.calls.append(self.clock.now())
            return Visit(began=self.clock.now(), fate=next(waiting), status=0, keys=[0.5], connect=0.1)

        monkeypatch.setattr(probing, "make_visit", visit)
        settings = Settings.model_validate({"probe": {"every_seconds": 60, "first_seconds": 5}})
        self.probe = Probe(
            settings=settings,
            plan=plan_for("95000"),
            flow=Flow("UDP", "127.0.0.1", 5060),
            line=None,  # type: ignore[arg-type]
            ask=self._ask,
            clock=self.clock,
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


async def test_an_alarm_stands_while_calls_fail(monkeypatch: pytest.MonkeyPatch) -> None:
    rig = _Rig(monkeypatch, [MysteryFate.REFUSED, MysteryFate.COMPLETED])
    await rig.run(2)
    alarms = [command for command in rig.told if isinstance(command, RaiseAlarm | ClearAlarm)]
    assert [(type(command), command.kind, command.subject) for command in alarms] == [
        (RaiseAlarm, ALARM, "95000"),
        (ClearAlarm, ALARM, "95000"),
    ]


async def test_a_report_waits_for_control(monkeypatch: pytest.MonkeyPatch) -> None:
    rig = _Rig(monkeypatch, [MysteryFate.COMPLETED], away=7)
    await rig.run(1)
    assert [type(command) for command in rig.told] == [ReportMysteryCall, ClearAlarm]


def test_what_was_heard_survives_the_link_and_the_journal() -> None:
    call = probing.made_of(
        Visit(began=0.0, fate=MysteryFate.FAILED, failed_at="step 2", keys=[0.1, 0.2]), "95000", loopback=False
    )
    assert COMMANDS.decode(COMMANDS.encode(ReportMysteryCall(call=call))) == ReportMysteryCall(call=call)
    assert FACTS.decode(FACTS.encode(call)) == call


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
