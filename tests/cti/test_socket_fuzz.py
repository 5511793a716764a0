"""The event socket against clients that say anything: it ends with a code of its own, others notice nothing."""

from __future__ import annotations

import asyncio
import json
from typing import Any, Final, TypeAlias

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from cti.errors import CloseCode
from cti.settings import EventSocketSettings
from tests.cti import story
from tests.cti.client import Page
from tests.cti.desk import PRINCIPALS, Desk

#: A text or binary message, and how often it is sent.
Said: TypeAlias = tuple[str | bytes, int]

LIMITS: Final = EventSocketSettings(message_bytes=512, resume_events=20)
#: How a client is sent away by what it said.
CODES: Final = {
    CloseCode.BAD_MESSAGE,
    CloseCode.NOT_AUTHENTICATED,
    CloseCode.MESSAGE_TOO_LARGE,
    CloseCode.FLOOD,
}
#: Who anybody may claim to be: people that there are, and others.
_TOKENS: Final = st.sampled_from([*PRINCIPALS, "nobody", "", "\0", "x" * 300])
_ANYTHING: Final = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=30),
    lambda inside: st.lists(inside, max_size=4) | st.dictionaries(st.text(max_size=10), inside, max_size=4),
    max_leaves=12,
)


def _resume(epochs: st.SearchStrategy[str]) -> st.SearchStrategy[Any]:
    """Where a view is said to end: true, stale, ahead, out of every range, or no place at all."""
    numbers = st.integers(0, 60) | st.integers() | st.just(2**63)
    return st.none() | st.fixed_dictionaries({"epoch": epochs, "seq": numbers | _ANYTHING}) | _ANYTHING


def _messages(epoch: str) -> st.SearchStrategy[list[Said]]:
    epochs = st.sampled_from([epoch, "", "another"]) | st.text(max_size=40)
    authenticate = st.fixed_dictionaries(
        {"type": st.just("authenticate"), "token": _TOKENS},
        optional={"resume": _resume(epochs), "more": _ANYTHING},
    )
    said = (
        authenticate.map(json.dumps)
        | _ANYTHING.map(json.dumps)
        | st.text(max_size=600)
        | st.binary(max_size=100)
        | st.sampled_from(["{", "[" * 500, '"' * 513, "null", '{"type": "authenticate", "token": {}}'])
    )
    return st.lists(st.tuples(said, st.sampled_from([1, 1, 1, 2, 30])), max_size=8)


async def _strike(desk: Desk, said: list[Said]) -> tuple[list[dict[str, Any]], int | None]:
    """What a client hears that says all this, and the code it is sent away with, if it is."""
    heard: list[dict[str, Any]] = []
    async with Page(desk) as page:
        assert (await page.next())["type"] == "websocket.accept"
        for message, times in said:
            for _ in range(times):
                page.say_bytes(message) if isinstance(message, bytes) else page.say_text(message)
        await page.leave()  # returns only when the server is done with the client
        code = None
        while not page.silent:
            answer = await page.next()
            if answer["type"] == "websocket.close":
                code = int(answer["code"])
            else:
                heard.append(json.loads(answer["text"]))
    return heard, code


@given(data=st.data())
@settings(suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large])
def test_whatever_a_client_says_it_is_answered_by_the_protocol_and_others_notice_nothing(
    data: st.DataObject,
) -> None:
    async def scenario() -> None:
        desk = Desk(LIMITS)
        desk.tell(*story.talking(1))
        said = data.draw(_messages(desk.stream.epoch))
        async with Page(desk) as other:
            await other.log_in("supervisor")
            await other.hear()
            async with asyncio.timeout(20):
                heard, code = await _strike(desk, said)
            assert code is None or code in CODES
            assert all(message["type"] in ("snapshot", "event", "heartbeat") for message in heard)
            if heard:  # whoever got in has the whole view, or exactly what he missed
                snapshots = [message for message in heard if message["type"] == "snapshot"]
                events = [message["seq"] for message in heard if message["type"] == "event"]
                assert len(snapshots) <= 1
                assert events == sorted(set(events))
                assert heard[-1]["type"] != "event"
            assert (desk.sockets.open, desk.sockets.waiting) == (1, 0)
            told = desk.tell(story.held(1))
            assert (await other.hear())["seq"] == told.seq

    asyncio.run(scenario())


async def test_a_true_beginning_and_then_anything_ends_with_a_code() -> None:
    desk = Desk(LIMITS)
    good = json.dumps({"type": "authenticate", "token": "agent"})
    heard, code = await _strike(desk, [(good, 1), ("anything", 1)])
    assert code == CloseCode.BAD_MESSAGE
    heard, code = await _strike(desk, [(good, 30)])
    assert code == CloseCode.FLOOD
    heard, code = await _strike(desk, [(good, 1)])
    assert (code, heard[0]["type"]) == (None, "snapshot")
