"""The table of legs: found by id and by call, in step."""

from __future__ import annotations

from ccplatform.contracts.words import CallId, LegId
from gateway.leg_state import Leg
from gateway.leg_table import LegTable

FIRST, SECOND = CallId("call-1"), CallId("call-2")


def test_legs_are_found_by_call_from_when_they_belong_to_one_until_they_are_gone() -> None:
    table = LegTable()
    caller, agent = Leg(id=LegId("a"), device="1"), Leg(id=LegId("b"), device="2", call=FIRST)
    table.add(caller)
    table.add(agent)
    assert table.of_call(FIRST) == (agent,)
    assert table.of_call(None) == ()
    table.join(caller, FIRST)
    assert table.of_call(FIRST) == (agent, caller)
    table.remove(agent)
    table.remove(caller)
    assert (len(table), table.of_call(FIRST)) == (0, ())


def test_a_leg_that_joins_another_call_leaves_its_own() -> None:
    table = LegTable()
    leg = Leg(id=LegId("a"), device="1", call=FIRST)
    table.add(leg)
    table.join(leg, SECOND)
    assert (table.of_call(FIRST), table.of_call(SECOND), leg.call) == ((), (leg,), SECOND)
    assert table.get(leg.id) is leg
