"""The event socket: who gets in, what he sees, how he comes back, and how bad clients are sent away."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator
from datetime import UTC, datetime
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from pydantic import TypeAdapter

from ccplatform.contracts import facts as f
from ccplatform.contracts.words import AgentId, ContactId, FlowId, OfferEnd, Role
from ccplatform.kernel.clock import VirtualClock
from ccplatform.kernel.ids import Ids
from ccplatform.kernel.stream import Stream
from ccplatform.security.model import Principal
from cti.errors import CloseCode
from cti.frames import Framing, encode
from cti.live import LiveView
from cti.rows import live_rows
from cti.schema import Live, ServerMessage
from cti.settings import EventSocketSettings
from cti.socket import viewer_of
from tests.cti import story
from tests.cti.client import Page
from tests.cti.desk import AGENTS, PRINCIPALS, QUEUES, SHANGHAI, Desk
from tests.cti.test_live import days

SERVER: TypeAdapter[Any] = TypeAdapter(ServerMessage)


@pytest.fixture
def desk() -> Desk:
    return Desk()


# --- getting in ---------------------------------------------------------------------------------------------


async def test_who_authenticates_gets_the_snapshot_and_then_events(desk: Desk) -> None:
    desk.tell(*story.ringing(1))
    async with Page(desk) as page:
        snapshot = await page.log_in("supervisor")
        beat = await page.hear()
        event = desk.tell(story.established(1))
        heard = await page.hear()
    assert (snapshot["type"], snapshot["epoch"], snapshot["seq"]) == ("snapshot", desk.stream.epoch, event.seq - 1)
    Live.model_validate(snapshot["live"])
    assert (beat["type"], beat["seq"]) == ("heartbeat", event.seq - 1)
    assert (heard["type"], heard["seq"]) == ("event", event.seq)
    assert (heard["event"]["type"], heard["event"]["contact"]) == ("Established", "contact-1")
    [change] = heard["changes"]
    assert (change["collection"], change["id"], change["row"]["stage"]) == ("calls", "call-1", "talking")
    for message in (snapshot, beat, heard):
        SERVER.validate_python(message)


async def test_a_client_that_says_nothing_is_closed_after_five_seconds(desk: Desk) -> None:
    async with Page(desk) as page:
        assert (await page.next())["type"] == "websocket.accept"
        desk.clock.advance(5.0)
        assert await page.closing_code() == CloseCode.AUTHENTICATION_TIMEOUT
    assert desk.sockets.waiting == 0


@pytest.mark.parametrize(
    ("who", "code"),
    [("nobody", CloseCode.NOT_AUTHENTICATED), ("ghost", CloseCode.FORBIDDEN), ("away", CloseCode.UNAVAILABLE)],
)
async def test_without_a_valid_token_and_a_role_nobody_gets_in(desk: Desk, who: str, code: CloseCode) -> None:
    desk.tokens.principals["ghost"] = Principal(user="ghost", roles=frozenset(), agent=None)
    desk.tokens.away = who == "away"
    async with Page(desk) as page:
        assert (await page.next())["type"] == "websocket.accept"
        page.say({"type": "authenticate", "token": who})
        assert await page.closing_code() == code
    assert (desk.sockets.waiting, desk.sockets.open) == (0, 0)


@pytest.mark.parametrize(
    "origin", ["http://evil.test", "null", "http://centre.test.evil.test", "file://centre.test"]
)
async def test_a_page_of_a_foreign_origin_is_refused_before_the_handshake(desk: Desk, origin: str) -> None:
    async with Page(desk, origin=origin) as page:
        message = await page.next()
    assert message["type"] == "websocket.close"


@pytest.mark.parametrize("origin", [None, "https://centre.test", "https://crm.test"])
async def test_programs_own_pages_and_allowed_origins_get_in(origin: str | None) -> None:
    desk = Desk(EventSocketSettings(allowed_origins=("https://crm.test",)))
    async with Page(desk, origin=origin) as page:
        assert (await page.log_in("agent"))["type"] == "snapshot"


@pytest.mark.parametrize("role", list(PRINCIPALS))
async def test_every_role_may_watch(desk: Desk, role: str) -> None:
    async with Page(desk) as page:
        assert (await page.log_in(role))["type"] == "snapshot"


async def test_one_user_opens_only_so_many_sockets() -> None:
    desk = Desk(EventSocketSettings(sockets_per_user=1))
    async with Page(desk) as first:
        await first.log_in("agent")
        async with Page(desk) as second, Page(desk) as other:
            assert (await second.next())["type"] == "websocket.accept"
            second.say({"type": "authenticate", "token": "agent"})
            assert await second.closing_code() == CloseCode.TOO_MANY_SOCKETS
            assert (await other.log_in("supervisor"))["type"] == "snapshot"
    assert desk.sockets.open == 0


async def test_sockets_that_do_not_authenticate_cannot_pile_up() -> None:
    desk = Desk(EventSocketSettings(max_waiting=1))
    async with Page(desk) as first:
        assert (await first.next())["type"] == "websocket.accept"
        async with Page(desk) as second:
            assert (await second.next())["type"] == "websocket.close"


# --- staying in ---------------------------------------------------------------------------------------------


@pytest.fixture
async def page(desk: Desk) -> AsyncIterator[Page]:
    async with Page(desk) as page:
        await page.log_in("agent")
        await page.hear()
        yield page


@pytest.mark.parametrize(
    ("text", "code"),
    [
        ("not json", CloseCode.BAD_MESSAGE),
        ("{}", CloseCode.BAD_MESSAGE),
        ('{"type":"authenticate"}', CloseCode.BAD_MESSAGE),
        ('{"type":"authenticate","token":"agent","more":1}', CloseCode.BAD_MESSAGE),
        ('{"type":"authenticate","token":"agent","resume":{"epoch":"","seq":-1}}', CloseCode.BAD_MESSAGE),
        ("x" * 8193, CloseCode.MESSAGE_TOO_LARGE),
        ("座" * 3000, CloseCode.MESSAGE_TOO_LARGE),
        ("[" * 8000, CloseCode.BAD_MESSAGE),
    ],
)
async def test_what_is_not_the_protocol_closes_the_socket(page: Page, text: str, code: CloseCode) -> None:
    page.say_text(text)
    assert await page.closing_code() == code


async def test_binary_messages_close_the_socket(page: Page) -> None:
    page.say_bytes(b"\x00" * 10)
    assert await page.closing_code() == CloseCode.BAD_MESSAGE


async def test_a_flood_closes_the_socket(page: Page) -> None:
    for _ in range(20):
        page.say({"type": "authenticate", "token": "agent"})
    assert await page.closing_code() == CloseCode.FLOOD


async def test_a_token_that_ended_closes_the_socket(desk: Desk, page: Page) -> None:
    del desk.tokens.principals["agent"]
    desk.clock.advance(60.0)
    assert await page.closing_code() == CloseCode.NOT_AUTHENTICATED


async def test_a_storage_that_is_away_at_the_recheck_closes_nothing(desk: Desk, page: Page) -> None:
    desk.tokens.away = True
    desk.clock.advance(60.0)
    while desk.tokens.asked < 2:
        desk.tell(story.arrived(1))
        await page.hear()
    desk.tell(story.ended(1))
    assert (await page.hear())["event"]["type"] == "ContactEnded"


async def test_a_fresh_token_of_the_same_person_keeps_the_socket(desk: Desk, page: Page) -> None:
    desk.tokens.principals["fresh"] = desk.tokens.principals["agent"]
    page.say({"type": "authenticate", "token": "fresh"})
    while desk.tokens.asked < 2:
        desk.tell(story.arrived(1))
        await page.hear()
    del desk.tokens.principals["agent"]
    desk.clock.advance(60.0)
    while desk.tokens.asked < 3:
        desk.tell(story.arrived(1))
        await page.hear()
    desk.tell(story.ended(1))
    assert (await page.hear())["event"]["type"] == "ContactEnded"


async def test_a_token_of_somebody_else_closes_the_socket(page: Page) -> None:
    page.say({"type": "authenticate", "token": "supervisor"})
    assert await page.closing_code() == CloseCode.NOT_AUTHENTICATED


async def test_a_slow_client_is_dropped_and_may_resume() -> None:
    desk = Desk(EventSocketSettings(queue_messages=10))
    desk.tell(story.arrived(0))
    async with Page(desk) as slow:
        await slow.log_in("supervisor")
        seq = (await slow.hear())["seq"]
        slow.reads.clear()
        for n in range(1, 20):
            desk.tell(story.arrived(n))
        desk.tell(*[story.ended(n) for n in range(16)])
        slow.reads.set()
        assert await slow.closing_code() == CloseCode.TOO_SLOW
    assert desk.hub.dropped_slow == 1
    async with Page(desk) as back:
        first = await back.log_in("supervisor", {"epoch": desk.stream.epoch, "seq": seq})
        assert first["type"] == "snapshot"  # too much was missed for this small queue


async def test_heartbeats_tell_that_nothing_is_missing_and_whether_control_is_there(
    desk: Desk, page: Page
) -> None:
    desk.hub.start()
    desk.clock.advance(15.0)
    assert (await page.hear())["live"] is True
    desk.hub.unlinked()
    assert (await page.hear())["live"] is False
    desk.hub.replace(desk.live.snapshot())
    assert [(await page.hear())["type"], (await page.hear())["live"]] == ["snapshot", True]
    desk.hub.close()
    assert await page.closing_code() == CloseCode.GOING_AWAY


# --- coming back --------------------------------------------------------------------------------------------


async def test_who_comes_back_gets_exactly_what_he_missed(desk: Desk) -> None:
    async with Page(desk) as page:
        await page.log_in("supervisor")
        seq = (await page.hear())["seq"]
    desk.tell(*story.talking(1))
    async with Page(desk) as page:
        heard = [await page.log_in("supervisor", {"epoch": desk.stream.epoch, "seq": seq})]
        while heard[-1]["type"] != "heartbeat":
            heard.append(await page.hear())
    assert [message["seq"] for message in heard[:-1]] == list(range(seq + 1, desk.stream.seq + 1))
    assert {message["type"] for message in heard[:-1]} == {"event"}


@pytest.mark.parametrize("stale", ["other epoch", "ahead", "too old"])
async def test_who_cannot_be_brought_up_to_date_gets_a_snapshot(stale: str) -> None:
    desk = Desk(EventSocketSettings(resume_events=3))
    desk.tell(*story.talking(1))
    resume = {
        "other epoch": {"epoch": "x", "seq": desk.stream.seq},
        "ahead": {"epoch": desk.stream.epoch, "seq": desk.stream.seq + 1},
        "too old": {"epoch": desk.stream.epoch, "seq": desk.stream.seq - 4},
    }[stale]
    async with Page(desk) as page:
        assert (await page.log_in("supervisor", resume))["type"] == "snapshot"


async def test_a_new_run_of_control_begins_everybody_anew(desk: Desk, page: Page) -> None:
    clock = VirtualClock()
    stream: Stream[f.Fact] = Stream(clock, Ids(clock), "default")
    desk.hub.publish(stream.publish(story.arrived(7)))
    assert (await page.hear())["epoch"] == stream.epoch


async def test_a_new_day_is_told_and_who_missed_it_gets_a_snapshot(desk: Desk, page: Page) -> None:
    desk.tell(story.left(1, "answered", 5.0))
    seq = (await page.hear())["seq"]
    desk.hub.start()
    desk.clock.set_wall(datetime(2026, 1, 5, 15, 59, 50, tzinfo=UTC))  # ten seconds to midnight in Shanghai
    desk.clock.advance(15.0)
    heard = [await page.hear()]
    while heard[-1]["type"] != "event":
        heard.append(await page.hear())
    assert heard[-1]["event"] == {"type": "DayTurned"}
    assert {change["row"]["answered_today"] for change in heard[-1]["changes"]} == {0}
    async with Page(desk) as back:
        assert (await back.log_in("agent", {"epoch": desk.stream.epoch, "seq": seq}))["type"] == "snapshot"
    desk.hub.close()


# --- who sees what ------------------------------------------------------------------------------------------

NUMBER, MASKED = "13912345678", "139****5678"


async def heard_by(desk: Desk, who: str, *facts: f.Fact) -> tuple[str, list[dict[str, Any]]]:
    """Everything that a role hears of facts, as text and as messages after the first two."""
    async with Page(desk) as page:
        first = await page.log_in(who)
        await page.hear()
        desk.tell(*facts)
        desk.hub.unlinked()  # its heartbeat marks the end
        heard: list[dict[str, Any]] = []
        while (message := await page.hear())["type"] != "heartbeat":
            heard.append(message)
    return json.dumps([first, *heard], ensure_ascii=False), heard


@pytest.mark.parametrize(
    ("who", "clear"),
    [("supervisor", True), ("auditor", True), ("admin", True), ("maintainer", False), ("other-agent", False)],
)
async def test_customers_numbers_reach_only_those_who_may_see_them(desk: Desk, who: str, clear: bool) -> None:
    call_back = f.CallBackRequested(
        contact=ContactId("contact-1"), call_back="cb", queue=story.SUPPORT, number="13987654321"
    )
    keys = f.KeysEntered(contact=ContactId("contact-1"), node="n", length=6, keys="600001")
    facts = [*story.talking(1, caller=NUMBER), call_back, keys, story.ended(1)]
    text, _ = await heard_by(desk, who, *facts)
    assert (NUMBER in text) is clear
    assert (MASKED in text) is not clear
    if not clear:
        assert "13987654321" not in text
        assert '"600001"' not in text
        assert "张伟" not in text


async def test_an_agent_sees_the_number_of_his_own_call_from_the_offer_to_its_end(desk: Desk) -> None:
    _, heard = await heard_by(desk, "agent", *story.whole_call(1, caller=NUMBER))
    callers = [
        (message["event"]["type"], change["row"]["caller"])
        for message in heard
        for change in message["changes"]
        if change["collection"] == "calls" and change["row"] is not None
    ]
    before = [caller for kind, caller in callers if kind in ("ContactArrived", "Queued")]
    after = [caller for kind, caller in callers if kind not in ("ContactArrived", "Queued", "FlowEntered")]
    assert set(before) == {MASKED}
    assert set(after) == {NUMBER}


async def test_after_a_lost_offer_the_number_is_masked_again(desk: Desk) -> None:
    facts = [*story.ringing(1, caller=NUMBER), story.offer_ended(1, OfferEnd.NO_ANSWER)]
    _, heard = await heard_by(desk, "agent", *facts)
    assert heard[-1]["changes"][0]["row"]["caller"] == MASKED
    async with Page(desk) as page:
        assert NUMBER not in json.dumps(await page.log_in("agent"))


async def test_a_reloaded_page_shows_the_number_of_the_own_call(desk: Desk) -> None:
    desk.tell(*story.talking(1, caller=NUMBER))
    for who, caller in (("agent", NUMBER), ("other-agent", MASKED), ("supervisor", NUMBER)):
        async with Page(desk) as page:
            [call] = (await page.log_in(who))["live"]["calls"]
            assert call["caller"] == caller


async def test_agents_are_spared_what_changes_nothing_and_is_not_theirs(desk: Desk) -> None:
    node = f.FlowNodeEntered(contact=ContactId("contact-1"), flow=FlowId("main"), node="n", kind="play")
    desk.tell(*story.talking(1))
    for who, expected in (("agent", 1), ("other-agent", 0), ("supervisor", 1), ("maintainer", 1)):
        _, heard = await heard_by(desk, who, node)
        assert len(heard) == expected


async def test_the_snapshot_for_a_supervisor_of_teams_is_of_their_agents_and_of_nobodys_calls(desk: Desk) -> None:
    desk.tell(*story.talking(1), story.arrived(2))
    for who, agents, calls in (
        ("own-team", ["1004", "1005"], ["call-1", "call-2"]),
        ("other-team", ["1001"], ["call-2"]),
        ("supervisor", ["1001", "1004", "1005"], ["call-1", "call-2"]),
    ):
        async with Page(desk) as page:
            live = (await page.log_in(who))["live"]
        assert [agent["id"] for agent in live["agents"]] == agents, who
        assert [call["id"] for call in live["calls"]] == calls, who
        assert {queue["id"] for queue in live["queues"]} == {"sales", "support"}


async def test_what_agents_of_other_teams_do_is_not_told_to_a_supervisor_of_teams(desk: Desk) -> None:
    text, heard = await heard_by(desk, "other-team", *story.whole_call(1, caller=NUMBER))
    calls = [
        (message["event"]["type"], change["row"] and change["row"]["stage"])
        for message in heard
        for change in message["changes"]
        if change["collection"] == "calls"
    ]
    assert calls[-1] == ("Elsewhere", None)  # the offer took it out of his sight
    assert {stage for _, stage in calls[:-1]} == {"ivr", "queue"}
    assert {row["id"] for row in every_row(heard, "queues")} == {"sales", "support"}
    assert '"1004"' not in text
    assert not every_row(heard, "agents")
    _, heard = await heard_by(desk, "own-team", *story.whole_call(2))
    assert {row["id"] for row in every_row(heard, "agents")} == {"1004"}
    assert all(message["event"]["type"] != "Elsewhere" for message in heard)


async def test_a_call_comes_into_sight_with_the_agent_who_gets_it(desk: Desk) -> None:
    desk.tell(*story.ringing(1, "1001"))
    lost: list[f.Fact] = [
        story.offer_ended(1, OfferEnd.NO_ANSWER, "1001"),
        story.offered(1, "1004"),
        story.established(1, "1004"),
    ]
    _, heard = await heard_by(desk, "own-team", *lost)
    assert [(row["stage"], row["agent"]) for row in every_row(heard, "calls")] == [
        ("queue", None),
        ("ringing", "1004"),
        ("talking", "1004"),
    ]
    assert heard[0]["event"]["type"] == "Elsewhere"


async def test_an_agent_who_changes_teams_moves_between_their_supervisors(desk: Desk) -> None:
    desk.tell(*story.talking(1))
    for who, agents, calls in (("other-team", {"1001", "1004"}, {"call-1"}), ("own-team", {"1005"}, set())):
        async with Page(desk) as page:
            before = await page.log_in(who)
            await page.hear()
            desk.tell(story.moved("1004", "sales"))
            now = await page.hear()
            resume = {"epoch": before["epoch"], "seq": before["seq"]}
        assert now["type"] == "snapshot"
        async with Page(desk) as page:
            again = await page.log_in(who, resume=resume)
        for live in (now["live"], again["live"]):
            assert {agent["id"] for agent in live["agents"]} == agents, who
            assert {call["id"] for call in live["calls"]} == calls, who
        desk.tell(story.moved("1004", "support"))


async def test_queues_count_an_agent_anew_whose_skills_change(desk: Desk) -> None:
    _, heard = await heard_by(desk, "agent", story.moved("1001", "sales"))
    assert {row["id"]: row["agents"]["signed_out"] for row in every_row(heard, "queues")} == {
        "sales": 1,
        "support": 3,
    }


def every_row(heard: list[dict[str, Any]], collection: str) -> list[dict[str, Any]]:
    """The rows of one table in what was heard, those that are gone left out."""
    changes = [change for message in heard for change in message["changes"]]
    return [change["row"] for change in changes if change["collection"] == collection and change["row"]]


async def test_an_event_is_encoded_once_per_kind_of_viewer(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    encoded: list[dict[str, Any]] = []

    def counting(message: dict[str, Any]) -> str:
        encoded.append(message)
        return json.dumps(message, default=str)

    async with Page(desk) as one, Page(desk) as two, Page(desk) as three, Page(desk) as four:
        for page, who in ((one, "agent"), (two, "other-agent"), (three, "supervisor"), (four, "auditor")):
            await page.log_in(who)
            await page.hear()
        monkeypatch.setattr("cti.frames.encode", counting)
        desk.tell(story.arrived(1))
        for page in (one, two, three, four):
            await page.hear()
    assert len(encoded) == 2


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(
    days(), st.sampled_from(["agent", "supervisor", "maintainer", "own-team", "other-team"]), st.integers(0, 40)
)
def test_a_client_that_applies_the_changes_has_what_a_snapshot_shows(
    told: list[tuple[f.Fact, float]], who: str, joined: int
) -> None:
    viewer = viewer_of(PRINCIPALS[who])
    clock = VirtualClock()
    stream: Stream[f.Fact] = Stream(clock, Ids(clock), "default")
    live = LiveView(zone=SHANGHAI)
    live.configure(agents=AGENTS, queues=QUEUES)
    framing = Framing(live)
    tables: dict[str, dict[str, Any]] = {name: {} for name in Live.model_fields}
    for number, (fact, after) in enumerate(told):
        clock.advance(after)
        frame = framing.frame(stream.publish(fact))
        text = frame.text_for(viewer)
        if number == joined or (frame.regroups and viewer.teams is not None):
            tables = client_tables(live, who)
        if number < joined or text is None:
            continue
        message = SERVER.validate_json(text)
        for change in json.loads(text)["changes"]:
            if change["row"] is None:
                tables[change["collection"]].pop(change["id"], None)
            else:
                tables[change["collection"]][change["id"]] = change["row"]
        assert message.seq == stream.seq
    if len(told) > joined and tables != {name: {} for name in Live.model_fields}:
        assert tables == client_tables(live, who)


def client_tables(live: LiveView, who: str) -> dict[str, dict[str, Any]]:
    viewer = viewer_of(PRINCIPALS[who])
    rows = json.loads(encode({"live": live_rows(live, viewer)}))["live"]
    return {name: {row["id"]: row for row in table} for name, table in rows.items()}


def test_roles_are_seen_as_they_should() -> None:
    both = Principal(user="x", roles=frozenset({Role.AGENT, Role.SUPERVISOR}), agent=AgentId("1004"))
    assert viewer_of(both).clear
    assert viewer_of(both).everything
    assert not viewer_of(PRINCIPALS["agent"]).everything
