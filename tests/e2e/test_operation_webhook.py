"""The operator's CRM hears of a call as it is offered, answered and over, in messages that it can trust."""

from __future__ import annotations

import asyncio
import subprocess
import sys
from collections.abc import AsyncIterator, Iterator

import pytest

from tests.e2e.centre import AGENT_HZ, Centre
from tests.e2e.rig import centre_of
from tests.support.crm import Crm
from tests.support.fixtures import MakePhone
from tests.support.platform import PlatformProcess


@pytest.fixture
async def crm() -> AsyncIterator[Crm]:
    """It fails the first time that it is asked."""
    crm = Crm(status=lambda number: 503 if number == 0 else 204)
    await crm.start()
    yield crm
    crm.close()


@pytest.fixture
async def told(
    crm: Crm, callers: Iterator[int], tmp_path_factory: pytest.TempPathFactory
) -> AsyncIterator[Centre]:
    """A centre that tells the CRM of calls of its support queue."""
    settings = {
        "CCP_CTI__WEBHOOK__URL": f"http://127.0.0.1:{crm.port}/calls",
        "CCP_CTI__WEBHOOK__NETWORKS": '["127.0.0.0/8"]',
        "CCP_CTI__WEBHOOK__QUEUES": '["support"]',
    }
    platform = PlatformProcess(tmp_path_factory.mktemp("p"), environment=settings)
    try:
        await asyncio.to_thread(platform.start)
        async with centre_of(platform, callers) as centre:
            yield centre
    finally:
        platform.close()


def secret_of(platform: PlatformProcess) -> bytes:
    """What an operator enters at his CRM."""
    command = [
        sys.executable,
        "-m",
        "ccplatform",
        "config",
        "webhook-secret",
        "--data-dir",
        str(platform.data_dir),
    ]
    return subprocess.run(command, check=True, capture_output=True, text=True).stdout.strip().encode()


async def test_the_crm_is_told_of_a_call_before_it_is_answered_and_can_trust_it(
    told: Centre, crm: Crm, phone: MakePhone
) -> None:
    number = told.new_caller()
    caller = await phone(number)
    async with told.desk("1004") as desk:
        call = await caller.dial(told.number("95001"))
        ringing = await desk.next_call()
        refused, offered = await crm.has(2)
        assert refused == offered
        contact = await told.contact(number)
        assert (offered["type"], offered["contact"], offered["caller"]) == ("offered", contact["id"], number)
        assert (offered["queue"], offered["agent"], offered["seat"]) == ("support", "1004", "seat-04")
        assert (await told.get("agents/1004"))["state"] == "reserved"  # nobody has answered yet
        await ringing.answer()
        await call.heard(tone=AGENT_HZ)
        await crm.has(3)
        await call.hang_up()
        messages = await crm.has(4)
    assert [message["type"] for message in messages[1:]] == ["offered", "answered", "ended"]
    assert {message["contact"] for message in messages} == {contact["id"]}
    assert messages[-1]["outcome"] == "handled"
    secret = await asyncio.to_thread(secret_of, told.platform)
    assert len(secret) == 64
    assert crm.signed_by(secret)
