"""The demo centre as its people use it: REST in every role, agents at their desks, what became of a call."""

from __future__ import annotations

import asyncio
import itertools
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from contextlib import asynccontextmanager
from typing import Any, Final

import httpx

from tests.support import sources
from tests.support.milestone import PATIENCE, PeerError
from tests.support.phone import Incoming, RingOnly, SipPhone
from tests.support.platform import PlatformProcess
from tests.support.sources import Source

Row = dict[str, Any]

#: What the people of the tests say: one tone each, so that everybody can be told apart.
CALLER_HZ: Final = 440.0
AGENT_HZ: Final = 1000.0
#: How often a page that tells nobody about its changes is read again, seconds.
_LOOK_AGAIN: Final = 0.03
#: By then control has surely left a call with its media worker, seconds.
_KEPT: Final = 0.2


class Centre:
    """One platform with the demo centre. ``tokens`` are log-ins by user; ``callers`` gives unused numbers."""

    def __init__(
        self, platform: PlatformProcess, tokens: dict[str, str], callers: Iterator[int], client: httpx.AsyncClient
    ) -> None:
        self.platform = platform
        self.sip = platform.sip
        self._tokens = tokens
        self._callers = callers
        self._client = client

    def new_caller(self) -> str:
        """A mobile number that called in no other test."""
        return f"1390{next(self._callers):07}"

    def number(self, number: str) -> str:
        """The URI of a number of the centre."""
        return self.platform.number(number)

    async def kill_control(self) -> list[int]:
        """SIGKILL, once every call that goes on is known to its media worker; the processes that are gone."""
        await asyncio.sleep(_KEPT)
        return self.platform.kill("control")

    # --- REST ---------------------------------------------------------------------------------------------

    async def ask(self, method: str, path: str, *, user: str = "sup1", **options: Any) -> httpx.Response:
        """Any request below ``/api/v1/`` as a user."""
        headers = {"Authorization": f"Bearer {await self._token(user)}", **options.pop("headers", {})}
        return await self._client.request(method, f"/api/v1/{path}", headers=headers, **options)

    async def get(self, path: str, *, user: str = "sup1", **parameters: Any) -> Any:
        """GET that must succeed; its JSON."""
        response = await self.ask("GET", path, user=user, params=parameters)
        assert response.status_code == 200, f"GET {path}: {response.status_code} {response.text}"
        return response.json()

    async def items(self, path: str, *, user: str = "sup1", **parameters: Any) -> list[Row]:
        """The items of a list."""
        items: list[Row] = (await self.get(path, user=user, **parameters))["items"]
        return items

    async def metrics(self) -> str:
        """The Prometheus page."""
        response = await self._client.get("/metrics")
        assert response.status_code == 200
        return response.text

    async def eventually(
        self, look: Callable[[], Awaitable[Any]], fits: Callable[[Any], bool], *, limit: float = PATIENCE
    ) -> Any:
        """Look until what is seen fits; fails with what was seen last."""
        deadline = time.monotonic() + limit
        while not fits(seen := await look()):
            if time.monotonic() > deadline:
                raise PeerError(f"not within {limit:g} s; seen last: {seen}\n{self.platform.tail(15)}")
            await asyncio.sleep(_LOOK_AGAIN)
        return seen

    # --- contacts -----------------------------------------------------------------------------------------

    async def contact(self, caller: str, *, limit: float = PATIENCE) -> Row:
        """The newest contact of a caller, whatever it is doing."""
        found = await self.eventually(lambda: self.items("contacts", caller=caller), bool, limit=limit)
        newest: Row = found[0]
        return newest

    async def ended(self, caller: str, *, limit: float = PATIENCE) -> Row:
        """The newest contact of a caller, once it has its outcome."""
        found = await self.eventually(
            lambda: self.items("contacts", caller=caller), lambda rows: rows and rows[0]["outcome"], limit=limit
        )
        newest: Row = found[0]
        return newest

    async def events(self, contact: str) -> list[Row]:
        """The contact's story."""
        return await self.items(f"contacts/{contact}/events")

    async def happened(self, contact: str, kind: str, *, limit: float = PATIENCE, **fields: Any) -> Row:
        """The data of the first event of this kind with these fields, once it is in the story."""

        def matching(events: list[Row]) -> list[Row]:
            told = [event["data"] for event in events if event["type"] == kind]
            return [data for data in told if all(data.get(name) == value for name, value in fields.items())]

        events = await self.eventually(
            lambda: self.events(contact), lambda rows: bool(matching(rows)), limit=limit
        )
        return matching(events)[0]

    async def recording(self, contact: str, *, limit: float = PATIENCE) -> Row:
        """The contact's recording, once it is closed."""
        rows = await self.eventually(
            lambda: self.items("recordings", contact=contact),
            lambda rows: rows and rows[0]["ended_at"],
            limit=limit,
        )
        assert len(rows) == 1, rows
        recording: Row = rows[0]
        return recording

    async def nothing_left(self) -> None:
        """No call, no open recording, nobody waits, no channel in use."""
        await self.eventually(lambda: self.items("calls"), lambda rows: not rows)
        await self.eventually(self.metrics, lambda text: "\ncc_calls_active 0.0\n" in text)
        await self.eventually(
            lambda: self.items("recordings"), lambda rows: all(row["ended_at"] is not None for row in rows)
        )
        for queue in await self.items("queues"):
            assert queue["waiting"] == 0, queue
        await self.eventually(lambda: self.items("trunks"), lambda rows: not any(row["in_use"] for row in rows))

    # --- agents -------------------------------------------------------------------------------------------

    async def set_state(self, agent: str, state: str, *, user: str = "sup1", **more: str) -> Row:
        """PUT the agent's state; the answer."""
        response = await self.ask("PUT", f"agents/{agent}/state", user=user, json={"state": state, **more})
        assert response.status_code == 200, response.text
        row: Row = response.json()
        return row

    async def agent_is(self, agent: str, state: str, *, limit: float = PATIENCE) -> Row:
        """Wait until the agent is in a state; his row."""
        row: Row = await self.eventually(
            lambda: self.get(f"agents/{agent}"), lambda row: row["state"] == state, limit=limit
        )
        return row

    @asynccontextmanager
    async def desk(
        self,
        agent: str,
        *,
        ready: bool = True,
        transport: str = "udp",
        algorithm: str | None = None,
        codecs: tuple[str, ...] = ("PCMA", "PCMU"),
        incoming: Incoming | None = None,
        source: Source | None = None,
    ) -> AsyncIterator[SipPhone]:
        """The agent at his own seat with a registered phone, ready; signed out at the end, whatever happened."""
        phone = SipPhone(
            user_of(agent),
            password=f"demo-{user_of(agent)}",
            transport=transport,
            algorithm=algorithm,
            codecs=codecs,
            incoming=incoming or RingOnly(),
            source=source or sources.tone(AGENT_HZ),
        )
        try:
            async with phone:
                await phone.register(self.sip)
                await self.set_state(agent, "not_ready", seat=seat_of(agent), user=agent)
                if ready:
                    await self.set_state(agent, "ready", user=agent)
                yield phone
        finally:
            await self.sign_out(agent)

    async def sign_out(self, agent: str) -> None:
        """Sign the agent out if he is not; wait until he is."""
        if (await self.get(f"agents/{agent}"))["state"] != "signed_out":
            await self.ask("PUT", f"agents/{agent}/state", json={"state": "signed_out"})
        await self.agent_is(agent, "signed_out")

    async def _token(self, user: str) -> str:
        token = self._tokens.get(user)
        if token is None:  # nothing here may block: the phones of this process would stand still
            sign_in = {"username": user, "password": f"demo-{user}"}
            answer = await self._client.post("/api/v1/auth/login", json=sign_in)
            assert answer.status_code == 200, answer.text
            token = self._tokens[user] = answer.json()["access_token"]
        return token


def seat_of(agent: str) -> str:
    """The seat that the tests put an agent at: ``1004`` at ``seat-04``."""
    return f"seat-{int(agent) - 1000:02}"


def user_of(agent: str) -> str:
    """The SIP user of that seat: ``8004``."""
    return str(int(agent) + 7000)


def unused_numbers() -> Iterator[int]:
    """For the callers of one test session."""
    return itertools.count(1)
