"""The list of mystery calls, and a call on demand."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any, cast

import httpx
import pytest

from ccplatform.app.http import build_http
from ccplatform.contracts.commands import OrderMysteryCall
from ccplatform.contracts.facts import Fact, FactEvent, MysteryCallCompared, MysteryCallMade
from ccplatform.contracts.words import ContactId, MysteryFate
from ccplatform.kernel.stream import Event
from ccplatform.proof.routes import Place, build_mystery_routes
from ccplatform.security.access import Access
from ccplatform.security.audit import Audit
from ccplatform.security.tokens import Tokens
from tests.cti.desk import FakeControl
from tests.metrics.test_routes import FakeTokens

BEGIN = datetime(2026, 1, 5, 9, tzinfo=UTC)


class FakeHistory:
    """A journal in memory, a page of two events."""

    def __init__(self, calls: int) -> None:
        self._events: list[FactEvent] = []
        for number in range(calls):
            made = MysteryCallMade(
                number="95000", fate=MysteryFate.COMPLETED, loopback=True, sip_call_id=str(number)
            )
            self._add(made)
            if number % 2:
                self._add(
                    MysteryCallCompared(
                        number="95000", sip_call_id=str(number), contact=ContactId("c"), differences=("key",)
                    )
                )

    def _add(self, fact: Fact) -> None:
        seq = len(self._events) + 1
        self._events.append(
            Event(
                epoch="e",
                seq=seq,
                id=f"00000000-0000-0000-0000-{seq:012}",
                tenant="default",
                at=BEGIN + timedelta(seconds=seq),
                mono=float(seq),
                fact=fact,
            )
        )

    async def backwards(
        self,
        kind: str,
        *,
        before: Place | None = None,
        until: datetime | None = None,
        since: datetime | None = None,
    ) -> tuple[list[FactEvent], Place | None]:
        found = [
            event
            for event in reversed(self._events)
            if type(event.fact).__name__ == kind
            and (before is None or (event.at, str(event.id)) < before)
            and (since is None or event.at >= since)
        ]
        return found, None


class FakeAudit:
    def __init__(self) -> None:
        self.rows: list[dict[str, Any]] = []

    async def record(self, **row: Any) -> None:
        self.rows.append(row)


class Web:
    def __init__(self, *, calls: int = 3, every_seconds: float = 300.0) -> None:
        self.control, self.audit = FakeControl(), FakeAudit()
        router = build_mystery_routes(
            access=Access(tokens=cast(Tokens, FakeTokens())),
            history=FakeHistory(calls),
            control=self.control,
            audit=cast(Audit, self.audit),
            every_seconds=every_seconds,
        )
        app = build_http(routers=[router], root_routers=[], readiness=_ready, pages=None, max_body_bytes=1000)
        self._transport = httpx.ASGITransport(app=app)

    async def ask(self, method: str, path: str, who: str = "supervisor", **options: Any) -> httpx.Response:
        head = {"Authorization": f"Bearer {who}"}
        async with httpx.AsyncClient(transport=self._transport, base_url="http://test/api/v1") as client:
            return await client.request(method, path, headers=head, **options)


async def _ready() -> dict[str, str]:
    return {}


async def test_calls_are_listed_with_what_was_recorded_of_them() -> None:
    web = Web()
    first = (await web.ask("GET", "/mystery-calls", params={"limit": 2})).json()
    assert first["scheduled_every_seconds"] == 300
    assert [row["recorded"] and row["recorded"]["differences"] for row in first["items"]] == [None, ["key"]]
    second = (await web.ask("GET", "/mystery-calls", params={"limit": 2, "cursor": first["next_cursor"]})).json()
    assert len(second["items"]) == 1
    assert second["next_cursor"] is None
    assert {row["id"] for row in first["items"]}.isdisjoint({row["id"] for row in second["items"]})


async def test_a_centre_without_calls_has_an_empty_list() -> None:
    empty = (await Web(calls=0, every_seconds=0).ask("GET", "/mystery-calls")).json()
    assert empty == {"items": [], "next_cursor": None, "scheduled_every_seconds": 0}


@pytest.mark.parametrize("cursor", ["nonsense", "e30", "WyIyMDI2Il0"])
async def test_a_cursor_of_somebodys_own_making_is_refused(cursor: str) -> None:
    assert (await Web().ask("GET", "/mystery-calls", params={"cursor": cursor})).status_code == 400


async def test_a_call_on_demand_is_an_order_with_a_name() -> None:
    web = Web()
    answer = await web.ask("POST", "/mystery-calls", json={"key": "k1"})
    assert answer.status_code == 202
    assert web.control.asked == [OrderMysteryCall(by="the supervisor", key="k1")]
    assert [(row["subject"], row["action"]) for row in web.audit.rows] == [
        ("the supervisor", "mystery_call.order")
    ]


async def test_where_no_calls_are_made_nobody_is_promised_one() -> None:
    web = Web(every_seconds=0)
    answer = await web.ask("POST", "/mystery-calls")
    assert (answer.status_code, answer.json()["code"]) == (409, "no_probe")
    assert web.control.asked == []


@pytest.mark.parametrize(("who", "may_read", "may_order"), [("agent", 403, 403), ("auditor", 200, 403)])
async def test_roles(who: str, may_read: int, may_order: int) -> None:
    web = Web()
    assert (await web.ask("GET", "/mystery-calls", who)).status_code == may_read
    assert (await web.ask("POST", "/mystery-calls", who)).status_code == may_order
