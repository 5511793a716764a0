"""What the operator's CRM is told of calls: which messages, signed how, and what a CRM that is away costs."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from ipaddress import IPv4Network
from typing import Any

import pytest
from pydantic import ValidationError

from ccplatform.contracts.facts import Fact
from ccplatform.kernel.clock import SystemClock
from cti.settings import WebhookSettings
from cti.webhook.messages import Messages
from cti.webhook.sender import LANES, Webhook
from cti.webhook.signing import signature
from tests.cti import story
from tests.cti.desk import Desk
from tests.cti.test_path import told
from tests.support.crm import Crm
from tests.support.milestone import until

LOCAL = (IPv4Network("127.0.0.0/8"),)
SECRET = b"0123456789abcdef"


def messages(*facts: Fact, queues: Sequence[str] = ()) -> list[dict[str, Any]]:
    made = Messages(queues)
    return [message for event in told(*facts) if (message := made.message(event)) is not None]


def test_a_call_is_told_when_it_is_offered_answered_and_over() -> None:
    offered, answered, ended = messages(*story.whole_call(1))
    assert [each["type"] for each in (offered, answered, ended)] == ["offered", "answered", "ended"]
    for each in (offered, answered, ended):
        assert (each["contact"], each["call"], each["caller"], each["agent"], each["queue"], each["version"]) == (
            "contact-1",
            "call-1",
            "13800000001",
            "1004",
            "support",
            1,
        )
    assert len({each["id"] for each in (offered, answered, ended)}) == 3
    assert ended["outcome"] == "handled"
    assert "outcome" not in offered


def test_a_call_that_no_agent_was_offered_is_not_told() -> None:
    assert messages(story.arrived(1), story.queued(1), story.ended(1)) == []


def test_one_queue_is_told_and_others_are_not() -> None:
    assert messages(*story.whole_call(1), queues=["sales"]) == []
    assert len(messages(*story.whole_call(1), queues=["support", "sales"])) == 3


def test_after_a_gap_the_calls_that_go_on_are_known_and_those_that_ended_are_forgotten() -> None:
    desk = Desk()
    desk.tell(*story.talking(1))
    made = Messages()
    for event in told(story.arrived(2), story.offered(2)):
        made.message(event)
    made.begin(desk.live.calls.values())
    ends = [made.message(event) for event in told(story.ended(1), story.ended(2))]
    assert ends[0] is not None
    assert (ends[0]["type"], ends[0]["caller"]) == ("ended", "13800000001")
    assert ends[1] is None


@pytest.mark.parametrize(
    "url", ["ftp://crm.example/", "https://user@crm.example/", "https://", "crm.example", "https://crm.example/#x"]
)
def test_a_message_goes_to_a_page_of_the_web(url: str) -> None:
    with pytest.raises(ValidationError):
        WebhookSettings(url=url)
    assert WebhookSettings(url="https://crm.example/calls?tenant=1").url


# --- sending ------------------------------------------------------------------------------------------------


@asynccontextmanager
async def webhook(crm: Crm, **settings: Any) -> AsyncIterator[Webhook]:
    await crm.start()
    plain = {"url": f"http://127.0.0.1:{crm.port}/calls", "networks": LOCAL, "pause_seconds": 0.01} | settings
    made = Webhook(WebhookSettings(**plain), secret=SECRET, clock=SystemClock(), calls=list)
    running = asyncio.ensure_future(made.run())
    yield made
    running.cancel()
    await asyncio.gather(running, return_exceptions=True)
    crm.close()


def tell(hook: Webhook, *facts: Fact) -> None:
    for event in told(*facts):
        hook.apply(event)


async def test_a_message_is_signed_with_its_time_and_body() -> None:
    crm = Crm()
    async with webhook(crm) as hook:
        tell(hook, *story.whole_call(1))
        assert [message["type"] for message in await crm.has(3)] == ["offered", "answered", "ended"]
        await until(lambda: hook.sent == 3, lambda: f"sent {hook.sent}, given up {hook.given_up}")
    assert crm.signed_by(SECRET)
    assert not crm.signed_by(b"another secret")
    assert {headers["content-type"] for headers, _ in crm.asked} == {"application/json"}
    assert signature(SECRET, b"{}", 1) != signature(SECRET, b"{}", 2)


@pytest.mark.parametrize("status", [500, 404, 302])
async def test_what_was_not_taken_is_sent_again_and_then_given_up(status: int) -> None:
    crm = Crm(status=lambda number: status)
    async with webhook(crm, attempts=3) as hook:
        tell(hook, story.arrived(1), story.offered(1))
        await until(lambda: hook.given_up == 1, lambda: f"sent {hook.sent}, given up {hook.given_up}")
    assert (len(crm.asked), hook.sent) == (3, 0)
    assert len({body for _, body in crm.asked}) == 1  # the same message, with the same id


async def test_a_failure_passes_and_the_messages_of_a_contact_stay_in_order() -> None:
    crm = Crm(status=lambda number: 503 if number < 2 else 204)
    async with webhook(crm) as hook:
        tell(hook, *story.whole_call(1))
        types = [message["type"] for message in await crm.has(5)]
    assert types == ["offered", "offered", "offered", "answered", "ended"]


async def test_a_receiver_that_never_answers_is_left_in_time() -> None:
    crm = Crm(status=lambda number: 0)
    async with webhook(crm, attempts=2, timeout_seconds=0.1) as hook:
        tell(hook, story.arrived(1), story.offered(1))
        await until(lambda: hook.given_up == 1, lambda: f"sent {hook.sent}, given up {hook.given_up}")
    assert len(crm.asked) == 2


async def test_what_waits_is_bounded_and_the_newest_is_kept() -> None:
    crm = Crm(status=lambda number: 0)
    hook = Webhook(
        WebhookSettings(url="http://127.0.0.1:9/", networks=LOCAL, waiting=LANES),
        secret=SECRET,
        clock=SystemClock(),
        calls=list,
    )
    tell(hook, *story.whole_call(1))  # nothing runs yet: one contact has one place
    assert hook.given_up == 2
    assert crm.asked == []


@pytest.mark.parametrize("networks", [(), (IPv4Network("10.0.0.0/8"),)])
async def test_a_private_address_is_not_connected_to_unless_it_is_listed(
    networks: tuple[IPv4Network, ...],
) -> None:
    crm = Crm()
    async with webhook(crm, networks=networks, attempts=1) as hook:
        tell(hook, story.arrived(1), story.offered(1))
        await until(lambda: hook.given_up == 1, lambda: f"sent {hook.sent}, given up {hook.given_up}")
    assert crm.asked == []


async def test_a_name_that_leads_inside_is_not_followed() -> None:
    async def inside(host: str, port: int) -> Sequence[str]:
        return ["169.254.169.254"]

    hook = Webhook(
        WebhookSettings(url="http://crm.example/", attempts=1),
        secret=SECRET,
        clock=SystemClock(),
        calls=list,
        resolver=inside,
    )
    running = asyncio.ensure_future(hook.run())
    tell(hook, story.arrived(1), story.offered(1))
    await until(lambda: hook.given_up == 1, lambda: f"sent {hook.sent}, given up {hook.given_up}")
    running.cancel()
    await asyncio.gather(running, return_exceptions=True)
