"""REST of the desk side: what each role may do, and what is answered."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest

from ccplatform.contracts.commands import (
    Done,
    HangUpCall,
    HoldCall,
    MakeCall,
    Refused,
    SendCallDigits,
    SetAgentState,
)
from ccplatform.contracts.words import AgentId, AgentState, CallId, ContactId, QueueId, SeatId
from cti.model import Customer
from cti.path import FlowStep
from cti.pop import EarlierContact, OpenCallBack, SpokenTurn
from tests.cti import story
from tests.cti.desk import PRINCIPALS, Desk

ZHANG = Customer(account="600001", phone="13800000001", name="张伟", name_latin="Zhang Wei", level="gold")

#: method, path, body → who gets which status (everyone else named in PRINCIPALS gets 403).
SUPERVISORS = {"supervisor": 200, "own-team": 200}
OWN_AND_ABOVE = {"agent": 200, **SUPERVISORS}
AT_WORK = ("agent", "other-agent", "supervisor", "own-team", "other-team")
ALL = dict.fromkeys(PRINCIPALS, 200)
MATRIX: list[tuple[str, str, Any, dict[str, int]]] = [
    ("GET", "/agents", None, ALL),
    ("GET", "/agents/1004", None, {who: 200 for who in PRINCIPALS if who != "other-team"}),
    ("PUT", "/agents/1004/state", {"state": "ready"}, {**OWN_AND_ABOVE, "admin": 200}),
    ("GET", "/queues", None, ALL),
    ("GET", "/queues/support", None, ALL),
    ("GET", "/calls", None, ALL),
    ("POST", "/calls", {"to": "1"}, dict.fromkeys(AT_WORK, 422)),
    ("DELETE", "/calls/call-1", None, OWN_AND_ABOVE),
    ("POST", "/calls/call-1/hold", None, OWN_AND_ABOVE),
    ("POST", "/calls/call-1/retrieve", None, OWN_AND_ABOVE),
    ("POST", "/calls/call-1/dtmf", {"digits": "12#"}, OWN_AND_ABOVE),
    ("POST", "/calls/call-1/hangup", None, OWN_AND_ABOVE),
    ("POST", "/calls/call-1/transfer", {"queue": "sales"}, OWN_AND_ABOVE),
    ("POST", "/calls/call-1/pickup", {"agent": "1004"}, SUPERVISORS),
    ("POST", "/calls/call-1/consult", {"agent": "1005"}, OWN_AND_ABOVE),
    ("POST", "/calls/call-1/complete", None, OWN_AND_ABOVE),
    ("POST", "/calls/call-1/cancel", {"key": "k1"}, OWN_AND_ABOVE),
    ("POST", "/calls/call-1/swap", None, OWN_AND_ABOVE),
    ("POST", "/calls/call-1/conference", None, OWN_AND_ABOVE),
    ("DELETE", "/calls/call-1/parties/leg-1?key=k1", None, OWN_AND_ABOVE),
    ("POST", "/calls/call-1/monitor", {"seat": "seat-09"}, SUPERVISORS),
    ("POST", "/calls/call-1/whisper", {"seat": "seat-09"}, SUPERVISORS),
    ("POST", "/calls/call-1/barge", {"seat": "seat-09"}, SUPERVISORS),
    ("POST", "/calls/call-1/take-over", {"seat": "seat-09"}, SUPERVISORS),
    ("POST", "/calls/call-1/recording/pause", {"reason": "card"}, OWN_AND_ABOVE),
    ("POST", "/calls/call-1/recording/resume", None, OWN_AND_ABOVE),
    ("POST", "/calls/call-1/recording/stop", None, OWN_AND_ABOVE),
    ("POST", "/calls/call-1/recording/start", None, OWN_AND_ABOVE),
    ("GET", "/customers?number=13800000001", None, dict.fromkeys(AT_WORK, 200)),
    ("GET", "/customers/600001", None, dict.fromkeys(AT_WORK, 200)),
    ("PUT", "/customers/600001", {"phone": "1", "name": ""}, dict.fromkeys(AT_WORK, 422)),
    ("GET", "/customers/600001/history", None, dict.fromkeys(AT_WORK, 200)),
    ("GET", "/me/pop", None, {"agent": 200, "other-agent": 200}),
    ("GET", "/me/reasons", None, ALL),
    ("POST", "/me/softphone", {"seat": "seat-1004"}, {"agent": 200} | dict.fromkeys(AT_WORK[1:], 409)),
    ("GET", "/events", None, dict.fromkeys(PRINCIPALS, 426)),
]


@pytest.fixture
def desk() -> Desk:
    desk = Desk()
    desk.tell(*story.talking(1))
    return desk


@pytest.mark.parametrize(("method", "path", "body", "allowed"), MATRIX, ids=lambda part: str(part)[:40])
async def test_every_route_answers_every_role_as_the_matrix_says(
    desk: Desk, method: str, path: str, body: Any, allowed: dict[str, int]
) -> None:
    answers: dict[str | None, int] = {}
    for who in (None, "nobody", *PRINCIPALS):
        desk.control.asked.clear()
        async with desk.http(who) as http:
            response = await http.request(method, path, json=body)
        answers[who] = response.status_code
        if response.status_code >= 400:
            assert response.headers["content-type"] == "application/problem+json"
        if response.status_code in (401, 403):
            assert desk.control.asked == []
    forbidden = dict.fromkeys(PRINCIPALS, 403)
    assert answers == {None: 401, "nobody": 401} | forbidden | allowed


def test_the_matrix_names_every_route(desk: Desk) -> None:
    described = desk.app.openapi()["paths"]
    routes = {(method.upper(), path) for path, item in described.items() for method in item}
    named = {(method, path.split("?")[0]) for method, path, _, _ in MATRIX}
    ours = {
        (method, path.removeprefix("/api/v1").replace("{agent_id}", "1004").replace("{queue_id}", "support"))
        for method, path in routes
        if path.startswith("/api/v1")
    }
    filled = {
        (method, path.replace("{call_id}", "call-1").replace("{leg}", "leg-1").replace("{account}", "600001"))
        for method, path in ours
    }
    assert filled == named


ORDERS = [row for row in MATRIX if row[0] != "GET" and row[1].startswith(("/calls", "/agents"))]


@pytest.mark.parametrize(("method", "path", "body", "_"), ORDERS, ids=lambda part: str(part)[:40])
async def test_every_order_takes_a_key_and_hands_it_on(
    desk: Desk, method: str, path: str, body: Any, _: dict[str, int]
) -> None:
    person = "own-team" if path.endswith("pickup") or (body or {}).get("seat") else "agent"
    path = path.split("?")[0]
    json = None if method == "DELETE" else (body or {}) | {"key": "k-1"}
    if path == "/calls":
        json = {"to": "13800000001", "key": "k-1"}
        desk.control.answer = Done(result={"call": "call-2", "contact": "contact-2"})
    async with desk.http(person) as http:
        response = await http.request(
            method, path, json=json, params={"key": "k-1"} if method == "DELETE" else None
        )
        too_long = await http.request(
            method,
            path,
            json=None if json is None else json | {"key": "k" * 65},
            params={"key": "k" * 65} if method == "DELETE" else None,
        )
    assert response.status_code in (200, 201)
    assert too_long.status_code == 422
    (order,) = desk.control.asked
    assert getattr(order, "key", None) == "k-1"


async def test_an_order_that_comes_again_after_the_call_ended_is_controls_to_answer(desk: Desk) -> None:
    desk.tell(story.ended(1))
    async with desk.http("agent") as http:
        assert (await http.post("/calls/call-1/hangup")).status_code == 404
        assert (await http.post("/calls/call-1/hangup", json={"key": "k-1"})).status_code == 200
    async with desk.http("other-agent") as http:
        assert (await http.post("/calls/call-1/hangup", json={"key": "k-1"})).status_code == 403
    assert desk.control.asked == [HangUpCall(call=CallId("call-1"), by="1004", agent=AgentId("1004"), key="k-1")]


async def test_who_hangs_up_in_a_conference_means_his_part_and_who_ends_it_all_parts(desk: Desk) -> None:
    desk.tell(story.conferenced(1, "1005"))
    async with desk.http("other-agent") as http:
        assert (await http.post("/calls/call-1/hangup")).status_code == 200  # he joined it
        assert (await http.delete("/calls/call-1")).status_code == 403
    async with desk.http("supervisor") as http:
        assert (await http.post("/calls/call-1/hangup")).status_code == 200
    async with desk.http("agent") as http:
        assert (await http.delete("/calls/call-1")).status_code == 200
    assert desk.control.asked == [
        HangUpCall(call=CallId("call-1"), by="1005", agent=AgentId("1005")),
        HangUpCall(call=CallId("call-1"), by="sup1"),
        HangUpCall(call=CallId("call-1"), by="1004"),
    ]


async def test_a_supervisor_of_teams_sees_and_moves_whom_they_have(desk: Desk) -> None:
    async with desk.http("other-team") as http:
        assert [row["id"] for row in (await http.get("/agents")).json()["items"]] == ["1001"]
        assert (await http.get("/calls")).json()["items"] == []
        answer = await http.post("/calls", json={"to": "13800000001", "agent": "1004"})
        assert answer.status_code == 403
    async with desk.http("own-team") as http:
        assert [row["id"] for row in (await http.get("/agents")).json()["items"]] == ["1004", "1005"]
        assert [row["id"] for row in (await http.get("/calls")).json()["items"]] == ["call-1"]


async def test_who_waits_is_anybodys_and_may_be_given_to_ones_own_agents_only() -> None:
    desk = Desk()
    desk.tell(story.arrived(1), story.queued(1))
    async with desk.http("other-team") as http:
        assert [row["id"] for row in (await http.get("/calls")).json()["items"]] == ["call-1"]
        assert (await http.post("/calls/call-1/transfer", json={"queue": "sales"})).status_code == 200
        assert (await http.post("/calls/call-1/pickup", json={"agent": "1004"})).status_code == 403
        assert (await http.post("/calls/call-1/pickup", json={"agent": "1001"})).status_code == 200


async def test_an_agent_row_shows_state_seat_and_contact(desk: Desk) -> None:
    async with desk.http("supervisor") as http:
        row = (await http.get("/agents/1004")).json()
        rows = (await http.get("/agents")).json()
    assert (row["state"], row["seat"], row["contact"]) == ("talking", "seat-1004", "contact-1")
    assert row["skills"] == {"sales": 3, "support": 8}
    assert row in rows["items"]
    assert rows["next_cursor"] is None


async def test_setting_a_state_asks_control_and_shows_its_newer_answer(desk: Desk) -> None:
    desk.control.answer = Done(result={"state": "not_ready", "seat": "seat-04", "reason": "lunch", "asked": "x"})
    async with desk.http("agent") as http:
        body = {"state": "not_ready", "reason": "lunch", "seat": "seat-04"}
        row = (await http.put("/agents/1004/state", json=body)).json()
    assert desk.control.asked == [
        SetAgentState(
            agent=AgentId("1004"),
            state=AgentState.NOT_READY,
            by="1004",
            reason="lunch",
            seat=SeatId("seat-04"),
        )
    ]
    assert (row["id"], row["state"], row["seat"], row["reason"]) == ("1004", "not_ready", "seat-04", "lunch")


async def test_a_pause_is_for_a_configured_reason_or_none(desk: Desk) -> None:
    async with desk.http("agent") as http:
        assert (await http.get("/me/reasons")).json()["items"] == [{"id": "lunch", "name": "Lunch"}]
        refused = await http.put("/agents/1004/state", json={"state": "not_ready", "reason": "tea"})
        assert desk.control.asked == []
        assert (refused.status_code, refused.json()["code"]) == (409, "unknown_reason")
        assert refused.json()["detail"] == "there is no reason 'tea': there are lunch"
        assert [error["where"] for error in refused.json()["errors"]] == ["reason"]
        assert (await http.put("/agents/1004/state", json={"state": "not_ready"})).status_code == 200
        assert (await http.put("/agents/1004/state", json={"state": "ready", "reason": "tea"})).status_code == 200
        desk.reasons.configured.clear()
        refused = await http.put("/agents/1004/state", json={"state": "not_ready", "reason": "lunch"})
    assert refused.json()["detail"] == "there is no reason 'lunch': none is configured"


async def test_nobody_learns_reasons_by_asking_for_a_state_that_is_not_his_to_change(desk: Desk) -> None:
    async with desk.http("other-agent") as http:
        body = {"state": "not_ready", "reason": "tea"}
        assert (await http.put("/agents/1004/state", json=body)).status_code == 403


@pytest.mark.parametrize(
    "body",
    [{"state": "talking"}, {}, {"state": "ready", "colour": 1}, {"state": "ready", "reason": "x" * 65}, [], None],
)
async def test_a_wrong_state_body_is_refused_with_422(desk: Desk, body: Any) -> None:
    async with desk.http("agent") as http:
        assert (await http.put("/agents/1004/state", json=body)).status_code == 422
    assert desk.control.asked == []


@pytest.mark.parametrize(
    ("refused", "status", "code"),
    [
        (Refused(code="not_found", message="gone"), 404, "not_found"),
        (Refused(code="unavailable", message="no database"), 503, "unavailable"),
        (Refused(code="seat_taken", message="seat-04 is taken"), 409, "seat_taken"),
    ],
)
async def test_a_refusal_of_control_keeps_its_code_and_reason(
    desk: Desk, refused: Refused, status: int, code: str
) -> None:
    desk.control.answer = refused
    async with desk.http("supervisor") as http:
        response = await http.put("/agents/1004/state", json={"state": "ready"})
    assert response.status_code == status
    assert response.json()["code"] == code
    assert response.json()["detail"] == refused.message


async def test_a_click_that_the_centre_has_no_room_for_may_be_tried_again_later(desk: Desk) -> None:
    desk.control.answer = Refused(code="unavailable", message="too much to do", retry_after=7.0)
    async with desk.http("agent") as http:
        response = await http.post("/calls", json={"to": "13800000001"})
    assert (response.status_code, response.headers["retry-after"]) == (503, "7")
    assert response.headers["content-type"] == "application/problem+json"
    assert response.json()["retry_after"] == 7


@pytest.mark.parametrize(
    ("action", "body", "command"),
    [
        ("hold", None, HoldCall(call=CallId("call-1"), hold=True, by="1004")),
        ("retrieve", None, HoldCall(call=CallId("call-1"), hold=False, by="1004")),
        ("dtmf", {"digits": "1*#D"}, SendCallDigits(call=CallId("call-1"), digits="1*#D", by="1004")),
        ("hangup", None, HangUpCall(call=CallId("call-1"), by="1004", agent=AgentId("1004"))),
    ],
)
async def test_call_control_becomes_a_command_by_the_one_who_asked(
    desk: Desk, action: str, body: Any, command: Any
) -> None:
    async with desk.http("agent") as http:
        response = await http.post(f"/calls/call-1/{action}", json=body)
    assert response.json() == {"done": True}
    assert desk.control.asked == [command]


async def test_calls_that_are_over_or_unknown_cannot_be_controlled(desk: Desk) -> None:
    desk.tell(story.ended(1))
    async with desk.http("supervisor") as http:
        assert (await http.post("/calls/call-1/hangup")).status_code == 404
        assert (await http.post("/calls/call-9/hangup")).status_code == 404


@pytest.mark.parametrize("digits", ["", "12a", "1" * 33, "１"])
async def test_dtmf_takes_telephone_keys_only(desk: Desk, digits: str) -> None:
    async with desk.http("agent") as http:
        assert (await http.post("/calls/call-1/dtmf", json={"digits": digits})).status_code == 422


@pytest.mark.parametrize(
    ("who", "caller", "name"),
    [
        ("agent", "13800000001", "张伟"),
        ("other-agent", "138****0001", "张*"),
        ("supervisor", "13800000001", "张伟"),
        ("auditor", "13800000001", "张伟"),
        ("maintainer", "138****0001", "张*"),
        ("admin", "13800000001", "张伟"),
    ],
)
async def test_callers_numbers_are_shown_to_those_who_may_see_them(
    desk: Desk, who: str, caller: str, name: str
) -> None:
    async with desk.http(who) as http:
        [call] = (await http.get("/calls")).json()["items"]
    assert (call["caller"], call["caller_name"]) == (caller, name)
    assert (call["stage"], call["agent"], call["queue"]) == ("talking", "1004", "support")


async def test_a_queue_shows_who_waits_and_what_to_expect(desk: Desk) -> None:
    desk.tell(story.arrived(2), story.queued(2, waited=10.0, expected=120.0))
    desk.tell(story.talk_ended(1, talk=60.0), after=20.0)
    async with desk.http("supervisor") as http:
        row = (await http.get("/queues/support")).json()
        missing = await http.get("/queues/none")
    assert missing.status_code == 404
    assert (row["waiting"], row["longest_wait"]) == (1, 30.0)
    assert row["expected_wait"] == 120.0
    assert row["service_level"]["value"] == 1.0
    assert (row["answered_today"], row["abandoned_today"]) == (1, 0)
    assert row["agents"]["talking"] == 1
    assert sum(row["agents"].values()) == 2


async def test_the_pop_shows_the_customer_before_the_answer() -> None:
    desk = Desk()
    desk.customers.known = [ZHANG]
    desk.tell(story.arrived(1), story.queued(1))
    desk.tell(story.offered(1), after=19.0)
    at = desk.clock.wall() - timedelta(days=1)
    for contact in ("contact-1", "contact-0"):
        desk.history.entries.append(
            EarlierContact(
                contact=ContactId(contact), at=at, queue=QueueId("sales"), agent=None, outcome="self_service"
            )
        )
    desk.history.turns.append(SpokenTurn(at=at, speaker="caller", text="My card is lost."))
    desk.history.path.append(FlowStep(at=at, flow="main", node="pin", kind="collect", hidden=4))
    promise = OpenCallBack(id="cb", queue=QueueId("sales"), created_at=at, not_before=at, attempts=1)
    desk.history.promises.append(promise)
    desk.clock.advance(3.0)
    async with desk.http("agent") as http:
        pop = (await http.get("/me/pop")).json()
    assert [(step["node"], step["entered"], step["hidden"]) for step in pop["path"]] == [("pin", "", 4)]
    assert [(row["id"], row["queue"], row["attempts"]) for row in pop["call_backs"]] == [("cb", "sales", 1)]
    assert (pop["stage"], pop["caller"], pop["queue_name"], pop["waited"]) == (
        "ringing",
        "13800000001",
        "Support",
        19.0,
    )
    assert [card["account"] for card in pop["customers"]] == ["600001"]
    assert [entry["contact"] for entry in pop["last_contacts"]] == ["contact-0"]
    assert [(turn["speaker"], turn["text"]) for turn in pop["conversation"]] == [("caller", "My card is lost.")]
    assert pop["looked_up"] is True


async def test_the_pop_shows_the_call_when_the_directory_is_away(desk: Desk) -> None:
    desk.customers.away = True
    async with desk.http("agent") as http:
        pop = (await http.get("/me/pop")).json()
    assert pop["caller"] == "13800000001"
    assert (pop["customers"], pop["looked_up"]) == ([], False)


async def test_an_agent_without_a_call_has_no_pop(desk: Desk) -> None:
    async with desk.http("other-agent") as http:
        response = await http.get("/me/pop")
    assert (response.status_code, response.json()) == (200, None)


async def test_a_browser_is_the_phone_of_the_seat_at_which_its_agent_is_signed_in(desk: Desk) -> None:
    async with desk.http("agent") as http:
        here = await http.post("/me/softphone", json={"seat": "seat-1004"})
        elsewhere = await http.post("/me/softphone", json={"seat": "seat-1005"})
        desk.tell(story.agent_state(AgentState.SIGNED_OUT))
        afterwards = await http.post("/me/softphone", json={"seat": "seat-1004"})
    assert here.json() == {
        "uri": "sip:seat-1004@centre.test",
        "user": "seat-1004~1",
        "password": "soon over",
        "server": "ws://centre.test/",
        "ends_at": "2027-01-01T00:00:00Z",
    }
    assert [(answer.status_code, answer.json()["code"]) for answer in (elsewhere, afterwards)] == [
        (409, "not_your_seat")
    ] * 2


async def test_a_supervisors_browser_is_the_phone_of_a_seat_where_no_agent_is(desk: Desk) -> None:
    async with desk.http("supervisor") as http:
        free = await http.post("/me/softphone", json={"seat": "seat-09"})
        taken = await http.post("/me/softphone", json={"seat": "seat-1004"})
    assert (free.status_code, free.json()["user"]) == (200, "seat-09~1")
    assert (taken.status_code, taken.json()["code"]) == (409, "not_your_seat")


async def test_one_log_in_is_the_phone_of_few_seats_at_a_time(desk: Desk) -> None:
    desk.softphones.ends_at = desk.clock.wall() + timedelta(minutes=5)
    async with desk.http("supervisor") as http:
        answers = [await http.post("/me/softphone", json={"seat": f"seat-0{seat}"}) for seat in (7, 8, 9, 8)]
        assert [answer.status_code for answer in answers] == [200, 200, 409, 200]
        assert answers[2].json()["code"] == "too_many_phones"
        async with desk.http("own-team") as other:
            assert (await other.post("/me/softphone", json={"seat": "seat-09"})).status_code == 200
        desk.clock.advance(300)
        assert (await http.post("/me/softphone", json={"seat": "seat-09"})).status_code == 200


async def test_who_is_in_a_conference_has_its_pop(desk: Desk) -> None:
    desk.tell(story.conferenced(1, "1005"))
    async with desk.http("other-agent") as http:
        assert (await http.get("/me/pop")).json()["caller"] == "13800000001"


@pytest.mark.parametrize("who", [None, "nobody", *PRINCIPALS])
async def test_an_agent_calls_by_his_own_phone_a_supervisor_by_any(desk: Desk, who: str | None) -> None:
    desk.control.answer = Done(result={"call": "call-2", "contact": "contact-2"})
    async with desk.http(who) as http:
        response = await http.post("/calls", json={"to": "+86 138-0000-0001", "agent": "1004", "key": "k"})
    if who in ("agent", "supervisor", "own-team"):
        assert (response.status_code, response.json()) == (201, {"call": "call-2", "contact": "contact-2"})
        (order,) = desk.control.asked
        by = {"agent": "1004", "supervisor": "sup1", "own-team": "sup2"}[who]
        assert order == MakeCall(
            agent=AgentId("1004"), number="+86 138-0000-0001", by=by, key="k", supervisor=who != "agent"
        )
    else:
        assert response.status_code == (401 if who in (None, "nobody") else 403)
        assert desk.control.asked == []


async def test_a_supervisor_without_an_agent_number_says_whose_phone(desk: Desk) -> None:
    async with desk.http("supervisor") as http:
        response = await http.post("/calls", json={"to": "13800000001"})
    assert (response.status_code, response.json()["code"]) == (409, "no_agent_number")


@pytest.mark.parametrize("body", [{}, {"to": "1"}, {"to": "1" * 41}, {"to": "95000", "from": "8004"}])
async def test_a_call_that_is_not_well_described_is_refused(desk: Desk, body: dict[str, str]) -> None:
    async with desk.http("agent") as http:
        assert (await http.post("/calls", json=body)).status_code == 422
    assert desk.control.asked == []
