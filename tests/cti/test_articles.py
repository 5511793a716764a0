"""What is published for agents (R10.1.d): whom it is for, when, what a search finds, who has read it."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any, cast

import pytest
from fastapi import FastAPI

from ccplatform.app.http import build_http
from ccplatform.configuration.changes import Changes
from ccplatform.configuration.routes import add_kind
from ccplatform.contracts.words import AgentId, QueueId
from ccplatform.security.audit import Audit
from ccplatform.storage.database import Database
from cti.publishing.articles import Article
from cti.publishing.kind import kind
from cti.publishing.routes import build_router
from cti.publishing.store import ArticleStore
from tests.cti.desk import Desk
from tests.support.database import database, postgres_dsn  # noqa: F401

NOW = datetime(2026, 1, 5, 9, tzinfo=UTC)


def article(**changes: Any) -> Article:
    plain: dict[str, Any] = {
        "id": "refunds",
        "title": "Refunds",
        "text": "Within 30 days. 退款",
        "urgent": False,
        "teams": (),
        "queues": (),
        "since": None,
        "until": None,
        "changed_at": NOW,
    }
    return Article(**(plain | changes))


@pytest.mark.parametrize(
    ("since", "until", "valid"),
    [(None, None, True), (-1, 1, True), (1, None, False), (None, -1, False), (0, 1, True), (-1, 0, False)],
)
def test_it_is_valid_from_its_first_to_its_last_moment(since: int | None, until: int | None, valid: bool) -> None:
    at = [None if hours is None else NOW + timedelta(hours=hours) for hours in (since, until)]
    assert article(since=at[0], until=at[1]).is_valid(NOW) is valid


@pytest.mark.parametrize(
    ("teams", "queues", "readers"),
    [
        ((), (), {"1001", "1004", "1005"}),
        (("support",), (), {"1004", "1005"}),
        ((), ("sales",), {"1001", "1004"}),
        (("support",), ("sales",), {"1001", "1004", "1005"}),
        ((), ("gone",), set()),
    ],
)
def test_it_is_for_its_teams_and_for_who_serves_its_queues(
    teams: tuple[str, ...], queues: tuple[str, ...], readers: set[str]
) -> None:
    live = Desk().live
    it = article(teams=teams, queues=tuple(map(QueueId, queues)))
    assert {agent.id for agent in live.agents.values() if it.is_for(agent, live.queues)} == readers


@pytest.mark.parametrize(
    ("search", "found"), [("", True), ("REFUND days", True), ("退款", True), ("refund weeks", False)]
)
def test_a_search_wants_all_its_words(search: str, found: bool) -> None:
    assert article().fits(search) is found


def test_only_its_words_make_another_text_of_it() -> None:
    assert article(until=NOW, teams=("x",)).version == article().version
    assert article(text="Within 14 days.").version != article().version


# --- over REST, on a real database --------------------------------------------------------------------------


class Centre(Desk):
    """The desk with its articles: one router more, changes audited."""

    def __init__(self, database: Database) -> None:  # noqa: F811
        super().__init__()
        self.store = ArticleStore(database=database)

        async def knows_team(team: str) -> bool:
            return team in ("sales", "support")

        async def knows_queue(queue: str) -> bool:
            return queue in self.live.queues

        router = build_router(access=self.access, live=self.live, store=self.store, clock=self.clock)
        add_kind(
            router,
            kind(store=self.store, knows_team=knows_team, knows_queue=knows_queue),
            access=self.access,
            changes=Changes(audit=Audit(database, clock=self.clock, ids=self.ids)),
        )
        self.app: FastAPI = build_http(
            routers=[router],
            root_routers=[],
            readiness=lambda: cast(Any, None),
            pages=None,
            max_body_bytes=100_000,
        )


@pytest.fixture
def centre(database: Database) -> Centre:  # noqa: F811
    return Centre(database)


async def publish(centre: Centre, name: str, **document: Any) -> None:
    async with centre.http("supervisor") as http:
        answer = await http.put(f"/configuration/articles/{name}", json={"title": name, **document})
    assert answer.status_code == 200, answer.text


async def shown(centre: Centre, who: str, search: str = "") -> list[dict[str, Any]]:
    async with centre.http(who) as http:
        items: list[dict[str, Any]] = (await http.get("/me/articles", params={"search": search})).json()["items"]
    return items


async def test_an_agent_is_shown_what_is_for_him_urgent_and_unread_first(centre: Centre) -> None:
    now = centre.clock.wall()
    await publish(centre, "storm", text="All lines are busy.", urgent=True, teams=["support"])
    await publish(centre, "prices", text="From Monday.", queues=["support"])
    await publish(centre, "party", teams=["sales"])
    await publish(centre, "past", until=(now - timedelta(minutes=1)).isoformat())
    await publish(centre, "future", since=(now + timedelta(minutes=1)).isoformat())
    assert [item["id"] for item in await shown(centre, "other-agent")] == ["storm", "prices"]
    assert [item["id"] for item in await shown(centre, "other-agent", "monday")] == ["prices"]
    centre.clock.advance(60)
    assert [item["id"] for item in await shown(centre, "other-agent")] == ["storm", "future", "prices"]


async def test_a_desk_is_given_as_many_as_it_asks_for_and_not_more_than_100(centre: Centre) -> None:
    for name in ("first", "second", "third"):
        await publish(centre, name)
    async with centre.http("agent") as http:
        two = await http.get("/me/articles", params={"limit": 2})
        assert [item["id"] for item in two.json()["items"]] == ["third", "second"]
        assert (await http.get("/me/articles", params={"limit": 101})).status_code == 422
    async with centre.http("supervisor") as http:
        await http.delete("/configuration/articles/third")
    assert [item["id"] for item in await shown(centre, "agent")] == ["second", "first"]


async def test_who_has_read_what_is_known_and_a_new_text_is_to_be_read_again(centre: Centre) -> None:
    await publish(centre, "storm", text="All lines are busy.", urgent=True, teams=["support"])
    [item] = await shown(centre, "agent")
    assert item["read"] is False
    path, seen = "/me/articles/storm/read", {"version": item["version"]}
    async with centre.http("agent") as http:
        assert [(await http.post(path, json=seen)).status_code for _ in range(2)] == [200, 200]
    assert [item["read"] for item in await shown(centre, "agent")] == [True]

    async def readings() -> dict[str, Any]:
        async with centre.http("supervisor") as http:
            found: dict[str, Any] = (await http.get("/configuration/articles/storm/readings")).json()
        return found

    told = await readings()
    assert [reading["reader"] for reading in told["items"]] == ["1004"]
    assert (told["earlier"], told["missing"]) == ([], [{"agent": "1005", "signed_in": False}])

    await publish(centre, "storm", text="It is over.", urgent=True, teams=["support"])
    async with centre.http("agent") as http:
        stale = await http.post(path, json=seen)
    assert (stale.status_code, stale.json()["code"]) == (412, "changed_meanwhile")
    assert [item["read"] for item in await shown(centre, "agent")] == [False]
    told = await readings()
    assert (told["items"], told["earlier"]) == ([], ["1004"])
    assert [each["agent"] for each in told["missing"]] == ["1004", "1005"]


async def test_what_is_not_published_for_him_cannot_be_read(centre: Centre) -> None:
    await publish(centre, "party", teams=["sales"])
    async with centre.http("agent") as http:
        for name in ("party", "nothing"):
            answer = await http.post(f"/me/articles/{name}/read", json={"version": "x"})
            assert answer.status_code == 404


async def test_changes_are_kept_and_a_removed_article_takes_its_readings_along(centre: Centre) -> None:
    await publish(centre, "storm", text="All lines are busy.")
    await publish(centre, "storm", text="It is over.")
    [item] = await shown(centre, "agent")
    async with centre.http("agent") as http:
        await http.post("/me/articles/storm/read", json={"version": item["version"]})
    async with centre.http("supervisor") as http:
        history = (await http.get("/configuration/articles/storm/history")).json()["items"]
        assert [(change["by"], change["after"]["text"]) for change in history] == [
            ("sup1", "It is over."),
            ("sup1", "All lines are busy."),
        ]
        assert (await http.delete("/configuration/articles/storm")).status_code == 200
    assert await centre.store.readings("storm") == []


@pytest.mark.parametrize(
    ("document", "where"),
    [
        ({"title": "x", "teams": ["nobody"]}, "teams"),
        ({"title": "x", "queues": ["nowhere"]}, "queues"),
        ({"title": ""}, "body.title"),
        ({"title": "x", "text": "x" * 20_001}, "body.text"),
        ({"title": "x", "since": "2026-01-05T09:00:00"}, "body.since"),
        ({"title": "x", "since": "2026-01-05T09:00:00Z", "until": "2026-01-05T09:00:00Z"}, "body"),
    ],
)
async def test_what_cannot_be_published_is_refused_at_its_field(
    centre: Centre, document: dict[str, Any], where: str
) -> None:
    async with centre.http("supervisor") as http:
        answer = await http.put("/configuration/articles/x", json=document)
    assert answer.status_code in (409, 422)
    assert [error["where"] for error in answer.json()["errors"]] == [where]
    assert await centre.store.documents() == {}


@pytest.mark.parametrize(
    ("method", "path", "body", "may"),
    [
        ("GET", "/me/articles", None, {"agent", "other-agent"}),
        ("POST", "/me/articles/x/read", {"version": "x"}, {"agent", "other-agent"}),
        (
            "GET",
            "/configuration/articles/x/readings",
            None,
            {"supervisor", "own-team", "other-team", "auditor", "admin"},
        ),
        ("PUT", "/configuration/articles/x", {"title": "x"}, {"supervisor", "admin"}),
        ("DELETE", "/configuration/articles/x", None, {"supervisor", "admin"}),
    ],
)
async def test_agents_read_and_supervisors_publish(
    centre: Centre, method: str, path: str, body: Any, may: set[str]
) -> None:
    allowed = set()
    for who in centre.tokens.principals:
        async with centre.http(who) as http:
            answer = await http.request(method, path, json=body)
        if answer.status_code not in (401, 403):
            allowed.add(who)
    assert allowed == may


async def test_a_team_that_an_article_names_is_known(centre: Centre) -> None:
    await publish(centre, "storm", teams=["support"], queues=["sales"])
    assert await centre.store.naming("teams", "support") == ["article storm"]
    assert await centre.store.naming("queues", "sales") == ["article storm"]
    assert await centre.store.naming("queues", "support") == []
    assert AgentId("1004") in centre.live.agents
