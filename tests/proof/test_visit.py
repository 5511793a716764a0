"""Visits to a centre that is none of ours: a phone of the tests."""

import asyncio
from contextlib import AbstractAsyncContextManager
from typing import Any

from ccplatform.contracts.words import MysteryFate
from ccplatform.kernel.clock import SystemClock
from ccplatform.proof.line import Line
from ccplatform.proof.plan import VisitPlan
from ccplatform.proof.running import line_to
from ccplatform.proof.visit import Visit, make_visit
from gateway.sip.flows import Flow
from tests.support import sources
from tests.support.phone import AutoAnswer, Incoming, Reject, SipPhone
from tests.support.sources import Source


def _line(port: int) -> AbstractAsyncContextManager[Line]:
    return line_to(Flow("UDP", "127.0.0.1", port), "139")


def _plan(*steps: dict[str, Any]) -> VisitPlan:
    return VisitPlan.model_validate({"number": "centre", "steps": steps})


async def _visit(incoming: Incoming, source: Source | None, *steps: dict[str, Any]) -> tuple[Visit, SipPhone]:
    async with SipPhone("centre", incoming=incoming, source=source) as centre:
        async with _line(centre.node.address[1]) as line:
            visit = await make_visit(line, _plan(*steps), SystemClock())
        return visit, centre


async def test_a_voice_is_heard_and_the_call_is_ended() -> None:
    visit, centre = await _visit(AutoAnswer(seconds=0.2), sources.tone(440), {"hear": "greeting"}, {"stay": 0.2})
    assert visit.fate is MysteryFate.COMPLETED
    assert visit.connect is not None
    assert visit.connect >= 0.2
    assert visit.received > 0
    await centre.calls[0].ended.wait()
    assert centre.calls[0].invite.get("from").startswith("<sip:139@127.0.0.1>")


async def test_keys_reach_the_centre_and_what_follows_is_measured_from_their_end() -> None:
    visit, centre = await _visit(
        AutoAnswer(), sources.tone(440), {"hear": "greeting"}, {"press": "12#"}, {"hear": "key"}, {"hear": "query"}
    )
    assert visit.fate is MysteryFate.COMPLETED
    assert (len(visit.keys), len(visit.queries)) == (1, 1)
    assert min(visit.keys) >= 0
    assert "".join(heard.key for heard in centre.calls[0].ear.keys) == "12#"


async def test_a_refusal_is_told() -> None:
    visit, _ = await _visit(Reject(status=486), None, {"hear": "greeting"})
    assert (visit.fate, visit.status, visit.connected) == (MysteryFate.REFUSED, 486, False)


async def test_an_answer_without_a_voice_is_no_connection() -> None:
    visit, _ = await _visit(AutoAnswer(), None, {"hear": "greeting", "within": 0.3})
    assert (visit.fate, visit.connected) == (MysteryFate.SILENT, False)
    assert visit.failed_at.startswith("step 1")


async def test_a_step_that_does_not_come_about_is_named() -> None:
    visit, _ = await _visit(AutoAnswer(), sources.tone(440), {"hear": "greeting"}, {"quiet": 1.0, "within": 0.3})
    assert (visit.fate, visit.connected) == (MysteryFate.FAILED, True)
    assert visit.failed_at.startswith("step 2")


async def test_a_centre_that_hangs_up_ends_the_visit() -> None:
    async with (
        SipPhone("centre", incoming=AutoAnswer(), source=sources.tone(440)) as centre,
        _line(centre.node.address[1]) as line,
    ):
        plan = _plan({"hear": "greeting"}, {"stay": 60})
        going = asyncio.ensure_future(make_visit(line, plan, SystemClock()))
        call = await centre.next_call()
        await call.answered.wait()
        await call.hang_up()
        visit = await going
    assert visit.fate in (MysteryFate.FAILED, MysteryFate.SILENT)


async def test_nobody_there_is_a_refusal_by_time() -> None:
    async with SipPhone("centre") as centre:
        port = centre.node.address[1]
    async with _line(port) as line:
        visit = await make_visit(line, _plan({"hear": "greeting"}), SystemClock())
    assert (visit.fate, visit.connected) == (MysteryFate.REFUSED, False)
    assert visit.status in (408, 503)
