"""People change the centre while it runs: queues, agents, skills, calendars, by REST."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import pytest

from tests.e2e.centre import AGENT_HZ, CALLER_HZ, Centre, Row
from tests.support import sources
from tests.support.fixtures import MakePhone
from tests.support.phone import Reject
from tests.support.platform import logged_in


async def put(centre: Centre, path: str, status: int = 200, **document: Any) -> Row:
    answer = await centre.ask("PUT", f"configuration/{path}", json=document)
    assert answer.status_code == status, answer.text
    row: Row = answer.json()
    return row


@asynccontextmanager
async def changed(centre: Centre, queue: str, **fields: Any) -> AsyncIterator[Row]:
    """A queue of the demo centre with other settings, for a while."""
    (before,) = [row for row in await centre.items("configuration/queues") if row["id"] == queue]
    document = {name: value for name, value in before.items() if name != "id"}
    try:
        yield await put(centre, f"queues/{queue}", **{**document, **fields})
    finally:
        await put(centre, f"queues/{queue}", **document)


async def test_two_desks_ring_and_the_first_answer_has_the_caller(centre: Centre, phone: MakePhone) -> None:
    number = centre.new_caller()
    caller = await phone(number)
    async with (
        changed(centre, "support", strategy="ring_all"),
        centre.desk("1006") as first,
        centre.desk("1007") as second,
        centre.desk("1008", incoming=Reject(status=486)),
    ):
        call = await caller.dial(centre.number("95001"))
        one, other = await asyncio.gather(first.next_call(), second.next_call())
        assert (await centre.agent_is("1008", "not_ready"))["reason"] == "rejected"
        await other.answer()
        began = time.monotonic()
        assert (await one.ended.wait()).reason == "cancelled"
        await call.heard(tone=AGENT_HZ, since=began)
        await centre.agent_is("1007", "talking")
        await centre.agent_is("1006", "ready")
        await call.hang_up()
        contact = await centre.ended(number)
        assert (contact["outcome"], contact["agent"]) == ("handled", "1007")
        trace = await centre.items(f"contacts/{contact['id']}/trace")
        cancels = [row["data"]["text"] for row in trace if row["data"]["text"].startswith("CANCEL ")]
        assert len(cancels) == 1, cancels
        assert 'Reason: SIP;cause=200;text="Call completed elsewhere"' in cancels[0]
    await centre.nothing_left()


async def test_a_caller_keeps_his_place_while_his_queue_is_changed(centre: Centre, phone: MakePhone) -> None:
    number = centre.new_caller()
    caller = await phone(number)
    async with centre.desk("1001") as desk:
        call = await caller.dial(centre.number("95001"))
        await centre.eventually(lambda: centre.get("queues/support"), lambda row: row["waiting"] == 1)
        assert desk.calls == []
        async with changed(centre, "support", skill="sales"):
            ringing = await desk.next_call()
            await ringing.answer()
            await call.hang_up()
            contact = await centre.ended(number)
            assert (contact["agent"], contact["queue"]) == ("1001", "support")


async def test_an_agent_hands_his_caller_to_another_queue(centre: Centre, phone: MakePhone) -> None:
    number = centre.new_caller()
    caller = await phone(number)
    async with centre.desk("1006") as support, centre.desk("1001") as sales:
        call = await caller.dial(centre.number("95001"))
        ringing = await support.next_call()
        await ringing.answer()
        await call.heard(tone=AGENT_HZ)
        (live,) = await centre.items("calls", user="1006")
        path = f"calls/{live['id']}/transfer"
        assert (await centre.ask("POST", path, user="1001", json={"queue": "sales"})).status_code == 403
        unknown = await centre.ask("POST", path, user="1006", json={"queue": "nowhere"})
        assert (unknown.status_code, unknown.json()["code"]) == (409, "no_such_queue")
        assert (await centre.ask("POST", path, user="1006", json={"queue": "sales"})).status_code == 200
        assert (await ringing.ended.wait()).by == "peer"
        await centre.agent_is("1006", "wrap_up")
        again = await sales.next_call()
        assert again.caller == number
        await again.answer()
        await call.heard(tone=AGENT_HZ, since=time.monotonic())
        await call.hang_up()
        contact = await centre.ended(number)
        assert (contact["outcome"], contact["agent"], contact["queue"]) == ("handled", "1001", "sales")
        talks = [row["data"]["agent"] for row in await centre.events(contact["id"]) if row["type"] == "TalkEnded"]
        assert talks == ["1006", "1001"]
    await centre.nothing_left()


async def test_a_supervisor_moves_and_picks_up_waiting_callers(centre: Centre, phone: MakePhone) -> None:
    number = centre.new_caller()
    caller = await phone(number)
    async with centre.desk("1001", ready=False) as desk:
        call = await caller.dial(centre.number("95001"))
        await centre.eventually(lambda: centre.get("queues/support"), lambda row: row["waiting"] == 1)
        (live,) = await centre.items("calls")
        answer = await centre.ask("POST", f"calls/{live['id']}/transfer", json={"queue": "sales"})
        assert answer.status_code == 200, answer.text
        await centre.eventually(lambda: centre.get("queues/sales"), lambda row: row["waiting"] == 1)
        assert (await centre.get("queues/support"))["waiting"] == 0
        path = f"calls/{live['id']}/pickup"
        assert (await centre.ask("POST", path, user="1001", json={})).status_code == 403
        assert (await centre.ask("POST", path, json={})).json()["code"] == "no_agent_number"
        assert (await centre.ask("POST", path, json={"agent": "1002"})).json()["code"] == "not_signed_in"
        answer = await centre.ask("POST", path, json={"agent": "1001"})
        assert answer.status_code == 200, answer.text
        ringing = await desk.next_call()
        await ringing.answer()
        await call.heard(tone=AGENT_HZ)
        assert (await centre.ask("POST", path, json={"agent": "1001"})).json()["code"] == "not_in_this_state"
        await call.hang_up()
        assert (await centre.ended(number))["agent"] == "1001"
    await centre.nothing_left()


async def test_an_agent_and_his_skill_come_and_go(centre: Centre) -> None:
    await put(centre, "skills/french", name="Français")
    unknown = await put(centre, "agents/1077", 409, name="Anne", team="red", skills={"french": 7})
    assert [problem["where"] for problem in unknown["errors"]] == ["team"]
    await put(centre, "teams/red", name="Red 红组")
    row = await put(centre, "agents/1077", name="Anne", team="red", skills={"french": 7})
    assert row["skills"] == {"french": 7}
    shown = await centre.eventually(
        lambda: centre.items("agents"), lambda rows: any(r["id"] == "1077" for r in rows)
    )
    assert next(row for row in shown if row["id"] == "1077")["team"] == "red"
    in_use = await centre.ask("DELETE", "configuration/skills/french")
    assert (in_use.status_code, in_use.json()["code"]) == (409, "in_use")
    assert "agent 1077" in in_use.json()["detail"]
    await oversees_only(centre, "red", ["1077"])
    assert (await centre.ask("DELETE", "configuration/agents/1077")).status_code == 200
    await centre.eventually(lambda: centre.items("agents"), lambda rows: all(r["id"] != "1077" for r in rows))
    assert (await centre.ask("DELETE", "configuration/skills/french")).status_code == 200
    assert (await centre.ask("DELETE", "configuration/skills/french")).status_code == 404
    assert (await centre.ask("DELETE", "configuration/teams/red")).status_code == 200


async def oversees_only(centre: Centre, team: str, agents: list[str]) -> None:
    """A supervisor of the team sees these agents, directs no other, and keeps the team from being removed."""
    given, chosen = "given-to-him-1", "his-own-choice-2"
    lead = {"roles": ["supervisor"], "password": given, "teams": [team]}
    made = await centre.ask("PUT", "configuration/users/lead", user="admin", json=lead)
    assert made.status_code == 200, made.text
    named = await centre.ask("DELETE", f"configuration/teams/{team}")
    assert (named.status_code, named.json()["code"]) == (409, "in_use")
    assert "supervisor lead" in named.json()["detail"]
    async with logged_in(centre.platform.http, "lead", given) as his:
        answer = await his.post("me/password", json={"old_password": given, "new_password": chosen})
        assert answer.is_success, answer.text
    async with logged_in(centre.platform.http, "lead", chosen) as his:
        assert [row["id"] for row in (await his.get("agents")).json()["items"]] == agents
        assert {row["agent"] for row in (await his.get("reports/agents")).json()["items"]} <= set(agents)
        assert {row["agent"] for row in (await his.get("contacts")).json()["items"]} <= {None, *agents}
        assert {row["agent"] for row in (await his.get("recordings")).json()["items"]} <= {None, *agents}
        refused = await his.put("agents/1001/state", json={"state": "not_ready"})
        assert refused.json()["detail"] == "the agent is in none of your teams"
        assert (await his.put(f"configuration/teams/{team}", json={"name": "Mine"})).status_code == 403
    assert (await centre.ask("DELETE", "configuration/users/lead", user="admin")).status_code == 200


@pytest.mark.parametrize(
    ("path", "document", "says"),
    [
        ("queues/q", {"name": "Q", "skill": "nosuch"}, "skill is 'nosuch', but there is no such skill"),
        ("queues/q", {"name": "Q", "skill": "sales", "requires": "sales >="}, "level of sales"),
        ("queues/q", {"name": "Q", "skill": "sales", "calendar": "never"}, "there is no such calendar"),
        ("queues/sales", {"name": "S", "skill": "sales", "overflows": "sales"}, "it is the queue itself"),
        ("queues/q", {"name": "Q", "skill": "sales", "overflows": "nowhere"}, "there is no such queue"),
        ("queues/q", {"name": "Q", "skill": "sales", "overflows": "number:02155"}, "sip.transfer_prefixes"),
        ("queues/q", {"name": "Q", "skill": "sales", "overflows": "flow:gone"}, "there is no such flow"),
        ("queues/q", {"name": "Q", "skill": "sales", "min_level": 11}, "min_level is 11"),
        ("agents/9", {"name": "A", "skills": {"sales": 11}}, "skills.sales is 11"),
        ("agents/9", {"name": "A", "skills": {"nosuch": 1}}, "there is no such skill"),
        ("calendars/c", {"zone": "Mars/Phobos"}, "it must be a time zone"),
    ],
)
async def test_what_breaks_a_rule_is_refused_by_name(
    centre: Centre, path: str, document: dict[str, Any], says: str
) -> None:
    if isinstance(document.get("overflows"), str):
        kind, _, to = document["overflows"].rpartition(":")
        document = {**document, "overflows": [{"cause": "full", "kind": kind or "queue", "to": to}]}
    refused = await put(centre, path, 409, **document)
    assert refused["code"] == "illegal_setting"
    assert says in refused["detail"]


async def test_a_ring_of_overflows_is_refused_and_named(centre: Centre) -> None:
    there = [{"cause": "full", "kind": "queue", "to": "support"}]
    back = [{"cause": "full", "kind": "queue", "to": "sales"}]
    async with changed(centre, "sales", overflows=there):
        refused = await put(centre, "queues/support", 409, name="Support", skill="support", overflows=back)
        assert "sales → support" in refused["detail"]
        in_use = await centre.ask("DELETE", "configuration/queues/support")
        assert (in_use.status_code, in_use.json()["code"]) == (409, "in_use")


async def test_a_queue_closes_by_its_calendar(centre: Centre, phone: MakePhone) -> None:
    caller = await phone(centre.new_caller())
    calendar = await put(centre, "calendars/never", week={}, holidays=["cn-2026"])
    assert calendar["make_up_days"]["2026-02-14"] == 0
    async with changed(centre, "support", calendar="never"):
        call = await caller.dial(centre.number("95001"))
        assert (await call.ended.wait(20)).by == "peer"
        in_use = await centre.ask("DELETE", "configuration/calendars/never")
        assert (in_use.status_code, in_use.json()["code"]) == (409, "in_use")
        assert "queue support" in in_use.json()["detail"]
        await centre.get("configuration/calendars/never")  # it is there still
    assert (await centre.ask("DELETE", "configuration/calendars/never")).status_code == 200


async def test_a_queue_without_agents_sends_its_callers_to_a_flow_or_a_number(
    centre: Centre, phone: MakePhone
) -> None:
    number = centre.new_caller()
    caller = await phone(number, source=sources.tone(CALLER_HZ))
    to_flow = [{"cause": "nobody", "kind": "flow", "to": "echo"}]
    async with changed(centre, "support", overflows=to_flow):
        call = await caller.dial(centre.number("95001"))
        await call.heard(tone=CALLER_HZ)
        await call.hang_up()
        contact = await centre.ended(number)
        assert (await centre.happened(contact["id"], "Transferred"))["to"] == "flow:echo"
    to_seat = [{"cause": "nobody", "kind": "number", "to": "8003"}]
    async with changed(centre, "support", overflows=to_seat), centre.desk("1003", ready=False) as desk:
        call = await caller.dial(centre.number("95001"), caller=centre.new_caller())
        ringing = await desk.next_call()
        await ringing.answer()
        await call.heard(tone=AGENT_HZ)
        await ringing.heard(tone=CALLER_HZ)
        await call.hang_up()
    await centre.nothing_left()


async def test_agents_change_nothing(centre: Centre) -> None:
    for method, path in (("PUT", "queues/sales"), ("DELETE", "agents/1001"), ("GET", "skills")):
        answer = await centre.ask(
            method, f"configuration/{path}", user="1004", json={"name": "x", "skill": "sales"}
        )
        assert answer.status_code == 403
