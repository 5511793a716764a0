"""A fault that is put in turns exactly its clause red: the acceptance run can be believed when it says so.

Each run is short: few channels, the calls that its clause needs. The two that take longer run in ``make soak``.
"""

from __future__ import annotations

import random
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Final

import asyncpg
import pytest

from ccplatform.kernel.clock import SystemClock
from ccplatform.proof.acceptance import Acceptance, Phase, PhaseResult, Profile
from ccplatform.proof.networks import Network
from ccplatform.proof.plan import Plan, parse_plan
from ccplatform.proof.running import line_to, own_speech, prompts_of
from ccplatform.proof.verdicts import rows
from ccplatform.storage.embedded import EmbeddedPostgres
from gateway.sip.flows import Flow
from metrics.compliance import ComplianceRow
from metrics.model import Verdict
from tests.e2e.centre import Centre

#: The ordinary visits of these runs: enough for a mean, and for a share that fails.
_BRIEF: Final = """
channels = 8
[visit]
number = "95000"
steps = [{ hear = "greeting" }, { stay = 1.0 }]
[echo]
number = "95002"
"""
_QUERIES: Final = """
channels = 16
[visit]
number = "95000"
steps = [
  { hear = "greeting" }, { press = "3" }, { hear = "key" }, { quiet = 1.0 }, { press = "600001" },
  { hear = "query", prompt = "say:zh:您好，您的账户余额为" },
]
"""


async def _measured(
    centre: Centre,
    text: str,
    phases: list[Phase],
    *,
    seconds: float = 8.0,
    echoes: int = 0,
    way: Network | None = None,
) -> dict[str, ComplianceRow]:
    plan: Plan = parse_plan(text, "plan").model_copy(update={"caller": centre.new_caller()})
    async with line_to(Flow("UDP", *centre.platform.sip), plan.caller) as line:
        line.way = way
        run = Acceptance(
            plan=plan,
            profile=Profile(name="test", load_seconds=seconds, echo_calls=echoes, spread_seconds=1.0),
            line=line,
            clock=SystemClock(),
            speech=await own_speech() if echoes else [],
            progress=lambda *told: None,
            random=random.Random(1),
            prompts=await prompts_of(plan),
        )
        await run.run(phases)
    results: list[PhaseResult] = run.results
    return {row.definition.id: row for row in rows(results)}


def _red(told: dict[str, ComplianceRow]) -> dict[str, str]:
    return {name: row.measurement.label for name, row in told.items() if row.verdict is Verdict.FAIL}


@asynccontextmanager
async def _channels(centre: Centre, count: int) -> AsyncIterator[None]:
    """The trunk that the callers come by has so many channels, for a while."""
    before = await centre.get("trunks/pstn", user="tech1")

    async def have(capacity: int) -> None:
        document = {"peers": before["peers"], "direction": before["direction"], "capacity": capacity}
        answer = await centre.ask("PUT", "trunks/pstn", user="tech1", json=document)
        assert answer.status_code == 200, answer.text

    await have(count)
    try:
        yield
    finally:
        await have(before["capacity"])


@asynccontextmanager
async def _slow_customers(centre: Centre) -> AsyncIterator[None]:
    """The table that queries read is locked, for a while: they wait."""
    connection = await asyncpg.connect(EmbeddedPostgres(centre.platform.data_dir / "postgres").dsn())
    try:
        await connection.execute("BEGIN; LOCK TABLE demo_customers IN ACCESS EXCLUSIVE MODE")
        yield
    finally:
        await connection.close()


async def test_without_a_fault_no_clause_is_red(centre: Centre) -> None:
    told = await _measured(centre, _BRIEF, [Phase.IDLE])
    assert _red(told) == {}
    assert told["R10.3.1.1.a"].measurement.samples >= 10


async def test_calls_that_are_refused_turn_the_connect_rate_red_and_nothing_else(centre: Centre) -> None:
    async with _channels(centre, 2):
        told = await _measured(centre, _BRIEF, [Phase.IDLE])
    assert list(_red(told)) == ["R10.3.1.1.a"], _red(told)
    assert "refused" in told["R10.3.1.1.a"].measurement.label


async def test_loss_turns_the_clause_of_loss_red_and_nothing_else(centre: Centre) -> None:
    told = await _measured(centre, _BRIEF, [Phase.IDLE], way=Network(name="lossy", loss=0.12))
    assert list(_red(told)) == ["R10.3.1.3.loss"], _red(told)


@pytest.mark.soak
async def test_delay_turns_the_clause_of_delay_red_and_nothing_else(centre: Centre) -> None:
    slow = Network(name="slow", delay_ms=450.0)
    told = await _measured(centre, _BRIEF, [Phase.IDLE, Phase.QUALITY], echoes=5, way=slow)
    assert list(_red(told)) == ["R10.3.1.3.delay"], _red(told)


@pytest.mark.soak
async def test_a_slow_database_turns_the_clauses_of_ivr_success_red_and_nothing_else(centre: Centre) -> None:
    """The platform gives a query up before 8 s, and says so: what callers lose is the service, not their time."""
    before = await _measured(centre, _QUERIES, [Phase.IDLE], seconds=5.0)
    assert _red(before) == {}
    async with _slow_customers(centre):
        told = await _measured(centre, _QUERIES, [Phase.IDLE], seconds=20.0)
    assert list(_red(told)) == ["R10.3.1.5.a"], _red(told)
