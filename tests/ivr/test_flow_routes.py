"""Flows over REST: drafts, versions, differences, what is refused and why. On a real database."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator
from datetime import datetime
from pathlib import Path
from typing import Any

import pytest

from ccplatform.contracts.words import FlowId
from ccplatform.storage.database import Database
from ivr.catalogue import answering
from ivr.document import shipped_flows
from ivr.plain import MAX_VALUES, plain_of
from ivr.store import EntryPoint, EntryRule
from tests.ivr.flow_desk import FLOW, FlowDesk, flow_desk
from tests.ivr.scripted import flow_of
from tests.security.desk import bearer
from tests.support.database import database, postgres_dsn  # noqa: F401


@pytest.fixture
async def flows(database: Database, tmp_path: Path) -> AsyncIterator[FlowDesk]:  # noqa: F811
    async with flow_desk(database, tmp_path) as made:
        yield made


async def test_a_draft_becomes_a_version_and_the_next_one_and_an_earlier_one_again(flows: FlowDesk) -> None:
    await flows.save()
    assert (await flows.get("flows/hours"))["version"] is None
    first = await flows.publish(note="the first")
    assert (first["number"], first["published_by"], first["note"], first["current"]) == (
        1,
        "boss",
        "the first",
        True,
    )
    item = await flows.get("flows/hours")
    assert (item["draft"], item["version"], item["problems"]) == (False, 1, [])
    await flows.save(FLOW.replace("We are open", "We are closed"))
    item = await flows.get("flows/hours")
    assert (item["draft"], item["version"]) == (True, 1)
    assert (await flows.publish())["number"] == 2
    back = await flows.client.post("flows/hours/roll-back", json={"version": 1})
    assert (back.status_code, back.json()["number"]) == (200, 1)
    versions = (await flows.get("flows/hours/versions"))["items"]
    assert [(row["number"], row["current"]) for row in versions] == [(2, False), (1, True)]
    document = (await flows.get("flows/hours/versions/2"))["document"]
    assert document["nodes"]["tell"]["prompt"]["en"] == "We are closed"
    assert flows.control.reloads == ["boss"] * 3, "control is told each time, and at no draft"
    await flows.save(FLOW.replace("We are open", "We are closed"))
    assert (await flows.publish())["number"] == 2, "the same document is the same version"


async def test_the_history_says_who_changed_published_and_rolled_back(flows: FlowDesk) -> None:
    await flows.save()
    await flows.publish(note="why")
    await flows.save(FLOW.replace("We are open", "Open"))
    await flows.publish()
    await flows.client.post("flows/hours/roll-back", json={"version": 1})
    rows = (await flows.get("flows/hours/history"))["items"]
    assert [row["action"] for row in rows] == ["roll_back", "publish", "save", "publish", "save"]
    assert (rows[0]["before"], rows[0]["after"]) == ({"version": 2}, {"version": 1})
    assert rows[3]["after"] == {"version": 1, "note": "why"}
    assert rows[2]["after"]["document"]["nodes"]["tell"]["prompt"]["en"] == "Open"


async def test_two_designers_do_not_overwrite_each_other(flows: FlowDesk) -> None:
    made = await flows.save()
    read = await flows.client.get("flows/hours")
    assert read.headers["ETag"] == made.headers["ETag"]
    mine = await flows.save(FLOW.replace("Opening", "My"), if_match=made.headers["ETag"])
    late = await flows.save(FLOW.replace("Opening", "His"), 412, made.headers["ETag"])
    assert late.json()["code"] == "changed_meanwhile"
    headers = {"If-Match": made.headers["ETag"]}
    for path, body in (("publish", {}), ("roll-back", {"version": 1})):
        answer = await flows.client.post(f"flows/hours/{path}", json=body, headers=headers)
        assert answer.status_code == 412, path
    answer = await flows.client.put(
        "flows/hours",
        json={"document": mine.json()["document"] | {"title": "Ours"}},
        headers={"If-Match": mine.headers["ETag"]},
    )
    assert (answer.status_code, answer.json()["document"]["title"]) == (200, "Ours")


async def test_a_draft_may_be_wrong_and_is_not_published_and_says_exactly_where(flows: FlowDesk) -> None:
    wrong = FLOW.replace("next: end", "next: nowhere").replace("en: We are open", "en: ''")
    await flows.save(wrong)
    item = await flows.get("flows/hours")
    assert item["problems"][0] == {
        "path": "nodes.tell.prompt.en.0.text",
        "reason": "String should have at least 1 character",
    }
    unchecked = await flows.get("flows/hours?check=false")
    assert (unchecked["document"], unchecked["problems"]) == (item["document"], None)
    refused = await flows.publish(status=422)
    assert refused["code"] == "flow_invalid"
    assert refused["errors"][0]["where"] == "nodes.tell.prompt.en.0.text"
    assert await flows.versions.versions("hours") == []
    checked = await flows.client.post("flows/validate", content=FLOW.replace("next: end", "next: nowhere"))
    assert (checked.json()["legal"], checked.json()["problems"]) == (
        False,
        [{"path": "nodes.tell.next", "reason": "there is no node 'nowhere'"}],
    )
    assert (await flows.client.post("flows/validate", content=FLOW)).json()["legal"]


async def test_an_import_says_before_what_it_would_replace_and_replaces_nothing_else(flows: FlowDesk) -> None:
    checked = (await flows.client.post("flows/validate", content=FLOW)).json()
    assert (checked["flow"], checked["revision"]) == ("hours", None)
    new = {"If-None-Match": "*"}
    assert (await flows.client.post("flows/import", content=FLOW, headers=new)).status_code == 200
    refused = await flows.client.post("flows/import", content=FLOW, headers=new)
    assert (refused.status_code, refused.json()["code"]) == (412, "changed_meanwhile")

    seen = (await flows.client.post("flows/validate", content=FLOW)).json()["revision"]
    await flows.save(FLOW.replace("Opening hours", "Ours"))
    theirs = FLOW.replace("Opening hours", "Theirs")
    base = {"If-Match": f'"{seen}"'}
    assert (await flows.client.post("flows/import", content=theirs, headers=base)).status_code == 412
    assert (await flows.get("flows/hours"))["document"]["title"] == "Ours"
    for unnamed in ("title: none", "flow: [7]", "[1, 2]"):
        checked = (await flows.client.post("flows/validate", content=unnamed)).json()
        assert (checked["legal"], checked["flow"], checked["revision"]) == (False, "", None)


async def test_what_nodes_may_name_is_told(flows: FlowDesk) -> None:
    names = await flows.get("flow-names")
    assert set(names) == {"queues", "trunks", "queries", "calendars", "bots"}
    assert (names["trunks"], names["queries"], names["bots"]) == (["lab"], ["balance"], [])
    properties = (await flows.get("flow-schema"))["$defs"]
    assert properties["Query"]["properties"]["query"]["format"] == "query"
    assert properties["Bot"]["properties"]["bot"]["format"] == "bot"


async def test_what_the_centre_has_not_is_a_problem_before_anybody_calls(flows: FlowDesk) -> None:
    text = """
    flow: f
    languages: [en]
    start: ask
    nodes:
      ask: {kind: query, query: nothing, on_found: put, on_missing: out, on_error: out}
      put: {kind: queue, queue: sale, on_error: out}
      out: {kind: transfer, trunk: nowhere, number: '1', on_error: tell}
      tell: {kind: say, prompt: {en: [{recording: welcome}]}, next: play, on_error: end}
      play: {kind: play, sounds: [{file: gong.wav}], next: end, on_error: end}
      end: {kind: hangup}
    """
    checked = (await flows.client.post("flows/validate", content=text)).json()
    assert [(row["path"], row["reason"]) for row in checked["problems"]] == [
        ("nodes.ask.query", "there is no query 'nothing'"),
        ("nodes.put.queue", "there is no queue 'sale'"),
        ("nodes.out.trunk", "there is no trunk 'nowhere'"),
        ("nodes.tell.prompt.en.0", "there is no recording 'welcome' in en"),
        ("nodes", "there is no sound file 'gong.wav'"),
    ]


async def test_a_sub_flow_that_others_run_is_not_changed_under_them(flows: FlowDesk) -> None:
    part = """
    flow: part
    languages: [en]
    parameters: [n]
    start: back
    nodes:
      back: {kind: return}
    """
    whole = """
    flow: whole
    languages: [en]
    start: run
    nodes:
      run: {kind: sub_flow, flow: part, parameters: {n: caller}, next: end, on_error: end}
      end: {kind: hangup}
    """
    await flows.save(whole)
    refused = await flows.publish("whole", status=422)
    assert [(row["where"], row["why"]) for row in refused["errors"]] == [
        ("nodes.run.flow", "there is no flow 'part'")
    ]
    await flows.save(part)
    await flows.publish("part")
    await flows.publish("whole")
    await flows.save(part.replace("parameters: [n]", "parameters: [m]"))
    refused = await flows.publish("part", status=422)
    assert "the flow whole would break: nodes.run.parameters.n" in refused["errors"][0]["why"]
    in_use = await flows.client.delete("flows/part")
    assert (in_use.status_code, in_use.json()["code"]) == (409, "in_use")
    assert "flow whole" in in_use.json()["detail"]


async def test_differences_name_nodes_and_their_fields(flows: FlowDesk) -> None:
    await flows.save()
    await flows.publish()
    changed = FLOW.replace("en: We are open", "en: Open").replace("title: Opening hours", "title: Hours")
    await flows.save(changed.replace("next: end", "next: also") + "  also: {kind: hangup}\n")
    found = await flows.get("flows/hours/differences")
    assert found == {
        "added": [{"node": "also", "kind": "hangup"}],
        "removed": [],
        "changed": [
            {
                "node": "tell",
                "kind": "say",
                "fields": [
                    {"path": "prompt.en", "before": "We are open", "after": "Open"},
                    {"path": "next", "before": "end", "after": "also"},
                ],
            }
        ],
        "fields": [{"path": "title", "before": "Opening hours", "after": "Hours"}],
    }
    await flows.publish()
    again = await flows.get("flows/hours/differences", query={"from": "2", "to": "1"})
    assert again["removed"] == [{"node": "also", "kind": "hangup"}]
    assert await flows.get("flows/hours/differences") == {
        "added": [],
        "removed": [],
        "changed": [],
        "fields": [],
    }


@pytest.mark.parametrize("form", ["yaml", "json"])
async def test_what_is_exported_can_be_imported_and_is_the_same(flows: FlowDesk, form: str) -> None:
    for flow in shipped_flows():
        await flows.versions.publish(flow, at=flows.desk.clock.wall(), by="test")
        text = await flows.text(flow.flow, format=form)
        await flows.save(text)
        item = await flows.get(f"flows/{flow.flow}")
        assert (item["draft"], item["version"]) == (False, 1), f"{flow.flow}: {text}"


async def test_an_unset_terminator_survives_yaml(flows: FlowDesk) -> None:
    text = """
    flow: f
    languages: [en]
    start: ask
    nodes:
      ask: {kind: collect, variable: n, length: {min: 1, max: 3}, terminator: null, restart: ~,
            prompt: {en: 'null'}, next: end, fallback: end, on_error: end}
      end: {kind: hangup}
    """
    await flows.save(text)
    await flows.publish("f")
    node = (await flows.get("flows/f"))["document"]["nodes"]["ask"]
    assert (node["terminator"], node["restart"], node["prompt"]) == (None, None, {"en": "null"})
    await flows.save(await flows.text("f"))
    assert (await flows.get("flows/f"))["draft"] is False


async def test_a_flow_that_is_needed_stays_and_one_that_is_not_goes_out_of_service(flows: FlowDesk) -> None:
    await flows.save()
    await flows.publish()
    number = {"flow": "hours"}
    assert (await flows.client.put("configuration/numbers/95000", json=number)).status_code == 200
    refused = await flows.client.delete("flows/hours")
    assert (refused.status_code, refused.json()["code"]) == (409, "in_use")
    assert "number 95000" in refused.json()["detail"]
    assert (await flows.get("flows/hours/users"))["items"] == ["number 95000"]
    await flows.client.delete("configuration/numbers/95000")
    flows.needs.append("queue sales")
    assert (await flows.client.delete("flows/hours")).status_code == 409
    flows.needs.clear()
    assert (await flows.client.delete("flows/hours")).status_code == 200
    await flows.get("flows/hours", 404)
    assert (await flows.get("flows"))["items"] == []
    assert len((await flows.get("flows/hours/versions"))["items"]) == 1, "what callers heard is still known"
    back = await flows.client.post("flows/hours/roll-back", json={"version": 1})
    assert back.status_code == 200, "it can be brought back"
    await flows.save(FLOW.replace("hours", "voice_mail"))
    await flows.publish("voice_mail")
    assert "the platform itself" in (await flows.client.delete("flows/voice_mail")).json()["detail"]


async def test_what_is_shipped_is_published_once_and_overwrites_nobody(flows: FlowDesk) -> None:
    one = flow_of("start: e\nnodes:\n  e: {kind: hangup}")
    two = flow_of("start: e\nnodes:\n  e: {kind: hangup, cause: busy}")
    three = flow_of("start: e\nnodes:\n  e: {kind: hangup, cause: timeout}")
    at = flows.desk.clock.wall()

    async def current() -> int | None:
        (row,) = [row for row in await flows.versions.all() if row.id == "test"]
        return row.version

    for flow in (one, one, two):
        await flows.versions.ship(flow, at=at)
    assert await current() == 2, "a new release brings its own flow up to date"
    await flows.client.post("flows/test/roll-back", json={"version": 1})
    await flows.versions.ship(two, at=at)
    assert await current() == 1, "what an operator chose stays"
    await flows.client.post("flows/test/roll-back", json={"version": 2})
    document = (await flows.get("flows/test"))["document"] | {"title": "mine"}
    await flows.client.put("flows/test", json={"document": document})
    await flows.versions.ship(three, at=at)
    assert (await flows.get("flows/test"))["document"]["title"] == "mine"
    await flows.client.delete("flows/test")
    await flows.versions.ship(three, at=at)
    assert [row.id for row in await flows.versions.all()] == [], "nor does what he took out of service come back"


async def test_roles(flows: FlowDesk) -> None:
    await flows.save()
    await flows.publish()
    for user, sees in (("looks", 200), ("agent", 403)):
        headers = await bearer(flows.client, user)
        for path in ("flows", "flows/hours", "flows/hours/versions", "flows/hours/export", "flows/hours/history"):
            assert (await flows.client.get(path, headers=headers)).status_code == sees, (user, path)
        for path in ("flows/import", "flows/hours/publish", "flows/hours/roll-back"):
            answer = await flows.client.post(path, json={"version": 1}, headers=headers)
            assert answer.status_code == 403, (user, path)
        assert (await flows.client.delete("flows/hours", headers=headers)).status_code == 403
    assert (await flows.client.get("flows", headers={"Authorization": ""})).status_code == 401


async def test_control_away_the_version_is_stored_and_the_answer_says_it_is_not_in_force(flows: FlowDesk) -> None:
    await flows.save()
    flows.control.away = True
    assert (await flows.publish())["in_force"] is False
    assert (await flows.get("flows/hours"))["version"] == 1
    assert [row["action"] for row in (await flows.get("flows/hours/history"))["items"]] == ["publish", "save"]
    flows.control.away = False
    again = await flows.publish()
    assert (again["number"], again["in_force"]) == (1, True)
    assert flows.control.reloads == ["boss"]


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("a: &x [1]\nb: *x", "aliases"),
        ("a: &a [x,x]\nb: &b [*a,*a]\nc: [*b,*b]", "aliases"),
        ("[" * 40, "nested deeper"),
        ('{"a":' * 40 + "1" + "}" * 40, "nested deeper"),
        ('{"a":' * 200_000, "nested too deeply"),
        ("flow: f\nflow: g", "stands twice"),
        ('{"flow": "f", "flow": "g"}', "stands twice"),
        ("flow: " + "x" * 20_000, "longer than"),
        ('{"flow": "' + "x" * 20_000 + '"}', "longer than"),
        ("a:\n" + "- x\n" * (2 * MAX_VALUES + 10), "more than"),
        ('{"a": [' + "1," * MAX_VALUES + "1]}", "more than"),
        ('{"a": ' + "9" * 5000 + "}", "digits"),
        ('{"a": NaN}', "no number"),
        ('{"a": }', "line 1, column 7"),
        ("a: [", "line 2"),
        ("", "empty"),
        ("a: 1\n---\nb: 2", "one document"),
        ("? [a]\n: b", "simple text"),
        ("title: without a name", "of which flow"),
        ("- just a list", "of which flow"),
    ],
)
async def test_hostile_texts_are_refused_by_name(flows: FlowDesk, text: str, says: str) -> None:
    answer = await flows.client.post("flows/import", content=text.encode())
    assert answer.status_code in (404, 422), answer.text
    assert says in answer.json()["detail"]
    assert await flows.versions.all() == []


@pytest.mark.parametrize(
    "body",
    [
        b"\xff\xfe",
        b'{"document": {"flow": "other"}}',
        b'{"document": ' + b'{"a":' * 50 + b"1" + b"}" * 51,
        b'{"document": []}',
        json.dumps({"document": {"title": "x" * 20_000}}).encode(),
    ],
)
async def test_hostile_drafts_are_refused(flows: FlowDesk, body: bytes) -> None:
    answer = await flows.client.put("flows/hours", content=body, headers={"Content-Type": "application/json"})
    assert 400 <= answer.status_code < 500, answer.text
    assert await flows.versions.all() == []


async def test_a_text_of_templates_and_markup_is_only_a_text(flows: FlowDesk) -> None:
    nasty = "{{7*7}} ${jndi:ldap://x} <script>alert(1)</script> {caller.__class__} %s \u0000"
    text = json.dumps({**plain_of(FLOW), "title": nasty[:-2]})
    await flows.save(text)
    assert (await flows.get("flows/hours"))["document"]["title"] == nasty[:-2]
    (row,) = (await flows.get("flows"))["items"]
    assert row["title"] == nasty[:-2]


# --- numbers ----------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("day", "open_", "answers"),
    [
        ("2027-02-04T15:59:59Z", True, "base"),
        ("2027-02-04T16:00:00Z", True, "festival"),
        ("2027-02-11T16:00:00Z", True, "base"),
        ("2027-02-11T16:00:00Z", False, "night"),
        ("2027-02-05T00:00:00Z", False, "festival"),
        ("2030-01-01T00:00:00Z", False, "later"),
        ("2030-01-01T00:00:00Z", True, "later"),
    ],
)
def test_the_first_rule_that_applies_answers(day: str, open_: bool, answers: str) -> None:
    entry = EntryPoint(
        number="95000",
        flow=FlowId("base"),
        rules=(
            EntryRule(
                flow=FlowId("festival"),
                start=datetime.fromisoformat("2027-02-05T00:00:00+08:00"),
                end=datetime.fromisoformat("2027-02-12T00:00:00+08:00"),
            ),
            EntryRule(flow=FlowId("later"), start=datetime.fromisoformat("2029-01-01T00:00:00+08:00")),
            EntryRule(flow=FlowId("night"), calendar="workdays", closed=True),
        ),
    )
    assert answering(entry, datetime.fromisoformat(day), lambda _: open_) == answers


async def test_a_number_has_rules_of_dates_and_calendars(flows: FlowDesk) -> None:
    await flows.save()
    await flows.publish()
    rules = [
        {"flow": "hours", "start": "2027-02-05T00:00:00+08:00", "end": "2027-02-12T00:00:00+08:00"},
        {"flow": "hours", "calendar": "workdays", "closed": True},
    ]
    saved = await flows.client.put("configuration/numbers/95000", json={"flow": "hours", "rules": rules})
    assert saved.status_code == 200, saved.text
    (rule, night) = saved.json()["rules"]
    assert (rule["start"], night["calendar"], night["closed"]) == ("2027-02-05T00:00:00+08:00", "workdays", True)
    (entry,) = await flows.store.entry_points()
    assert (entry.calendars(), entry.flows()) == ({"workdays"}, {"hours"})


@pytest.mark.parametrize(
    ("rule", "where"),
    [
        ({"flow": "nowhere", "start": "2027-02-05T00:00:00Z"}, "rules.0.flow"),
        ({"flow": "hours", "calendar": "never"}, "rules.0.calendar"),
        ({"flow": "hours"}, "rules.0.start"),
        ({"flow": "hours", "closed": True, "start": "2027-02-05T00:00:00Z"}, "rules.0.closed"),
        ({"flow": "hours", "start": "2027-02-05T00:00:00Z", "end": "2027-02-05T00:00:00Z"}, "rules.0.end"),
    ],
)
async def test_a_rule_that_means_nothing_is_refused(flows: FlowDesk, rule: dict[str, Any], where: str) -> None:
    await flows.save()
    await flows.publish()
    answer = await flows.client.put("configuration/numbers/95000", json={"flow": "hours", "rules": [rule]})
    assert answer.status_code == 409
    assert [problem["where"] for problem in answer.json()["errors"]] == [where]


NIGHT = {"flow": "hours", "calendar": "workdays", "closed": True}
FEBRUARY = {"flow": "hours", "start": "2026-02-01T00:00:00+08:00", "end": "2026-03-01T00:00:00+08:00"}


@pytest.mark.parametrize(
    ("at", "expected"),
    [
        ("2026-01-05T10:00:00+08:00", ("hours", "flow", None)),
        ("2026-01-04T10:00:00+08:00", ("hours", "rule", 1)),
        ("2026-02-08T10:00:00+08:00", ("hours", "rule", 0)),
        ("2026-03-02T10:00:00+08:00", ("hours", "flow", None)),
    ],
)
async def test_a_page_asks_who_would_answer_a_number(flows: FlowDesk, at: str, expected: object) -> None:
    await flows.save()
    await flows.publish()
    number = {"flow": "hours", "rules": [FEBRUARY, NIGHT]}
    path = "configuration/numbers/answering"
    answer = (await flows.client.post(path, json={"number": number, "at": at})).json()
    assert (answer["flow"], answer["by"], answer["rule"]) == expected
    refused = await flows.client.post(path, json={"number": {**number, **NIGHT}, "at": at})
    assert refused.status_code == 422, "a number has no such field"
    unknown = {"flow": "hours", "calendar": "no", "closed_flow": "hours"}
    refused = await flows.client.post(path, json={"number": unknown, "at": at})
    assert refused.json()["errors"][0]["where"] == "calendar"
    assert (await flows.client.get("configuration/numbers")).json()["items"] == [], "nothing was kept"


async def test_what_goes_by_a_calendar_is_named_with_its_place(flows: FlowDesk) -> None:
    await flows.save()
    await flows.publish()
    rules = {"flow": "hours", "rules": [FEBRUARY, NIGHT], "calendar": "workdays", "closed_flow": "hours"}
    assert (await flows.client.put("configuration/numbers/95000", json=rules)).status_code == 200
    asks = "{kind: hours, calendar: workdays, on_open: end, on_closed: end, on_error: end}"
    await flows.save(FLOW.replace("next: end", "next: ask").replace("  end: {", f"  ask: {asks}\n  end: {{"))
    assert await flows.numbers.opened_by("workdays") == [
        "number 95000 (calendar)",
        "number 95000 (rules.1.calendar)",
    ]
    assert await flows.versions.going_by("workdays") == ["flow hours (nodes.ask.calendar)"], "a draft counts"
    assert await flows.versions.going_by("others") == []
