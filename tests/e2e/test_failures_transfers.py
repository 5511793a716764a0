"""Transfers by REFER: by an agent's phone, and towards a carrier that is asked to connect its caller; control may
die meanwhile, and nobody is the worse for it."""

from __future__ import annotations

import time
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from dataclasses import dataclass

import pytest

from tests.e2e.centre import AGENT_HZ, CALLER_HZ, Centre
from tests.e2e.lab import LAB_HZ, open_lab
from tests.e2e.rig import centre_of, once
from tests.e2e.test_calls_consult import EXPERT_HZ
from tests.support import sources
from tests.support.fixtures import MakePhone
from tests.support.milestone import until
from tests.support.phone import AutoAnswer, RingOnly, SipPhone
from tests.support.phone_call import PhoneCall
from tests.support.platform import PlatformProcess

#: Where the carrier's server is: the trunk of every other caller has the rest of the network.
CARRIER = "127.0.0.9"


@pytest.fixture(scope="module")
def allowing(tmp_path_factory: pytest.TempPathFactory) -> Iterator[PlatformProcess]:
    """A platform on which phones may hand callers on to numbers outside."""
    allowed = {"CCP_SIP__TRANSFER_PREFIXES": '["1390"]'}
    with PlatformProcess(tmp_path_factory.mktemp("t"), environment=allowed) as started:
        yield started


@pytest.fixture
async def centre_out(allowing: PlatformProcess, callers: Iterator[int]) -> AsyncIterator[Centre]:
    async with centre_of(allowing, callers) as centre:
        yield centre
        await centre.nothing_left()


@dataclass
class Handed:
    """The agent's caller, of whom his carrier takes care."""

    number: str
    contact: str
    caller: PhoneCall
    agent: PhoneCall
    outside: str

    async def over(self, centre: Centre) -> None:
        """The agent's phone asks; the carrier has the REFER then, for the number outside."""
        host, port = centre.sip
        assert await self.agent.refer(f"<sip:{self.outside}@{host}:{port}>") == 202
        assert f"sip:{self.outside}@{CARRIER}" in await self.caller.referred.wait(30)

    async def is_told(self, line: str) -> None:
        """By NOTIFY, to the agent's phone."""
        await until(lambda: self.agent.told[-1:] == [line], lambda: f"told: {self.agent.told}", limit=30)


@asynccontextmanager
async def carried(centre: Centre) -> AsyncIterator[Handed]:
    number, outside = centre.new_caller(), centre.new_caller()
    async with (
        SipPhone("carrier", host=CARRIER, source=sources.tone(CALLER_HZ)) as carrier,
        centre.desk("1004", incoming=AutoAnswer()) as desk,
    ):
        host, port = carrier.node.address
        trunk = {"host": host, "port": port, "peers": [f"{host}/32"], "transfer": "refer"}
        assert (await centre.ask("PUT", "trunks/carrier", user="tech1", json=trunk)).status_code == 200
        caller = await carrier.dial(centre.number("95001"), caller=number)
        agent = await desk.next_call(30)
        await caller.heard(tone=AGENT_HZ, limit=30)
        yield Handed(number, (await centre.contact(number, limit=30))["id"], caller, agent, outside)
        await centre.ended(number, limit=30)
    assert (await centre.ask("DELETE", "trunks/carrier", user="tech1")).status_code == 200


@pytest.mark.parametrize("killed", [False, True])
async def test_a_carrier_connects_its_caller_and_both_of_ours_are_free(centre_out: Centre, killed: bool) -> None:
    centre = centre_out
    async with carried(centre) as handed:
        await handed.over(centre)
        assert await handed.caller.tell(180) == 200
        await handed.is_told("SIP/2.0 180 Ringing")
        if killed:
            gone = await centre.kill_control()
            await centre.platform.wait_ready_again("control", gone, limit=60)
        assert await handed.caller.tell(200, last=True) == 200
        await handed.is_told("SIP/2.0 200 OK")
        for call in (handed.caller, handed.agent):
            assert (await call.ended.wait(30)).by == "peer"
        row = await centre.ended(handed.number, limit=30)
        assert (row["outcome"], row["agent"], row["cause"]) == ("handled", "1004", "normal")
        told = await centre.happened(handed.contact, "CallerReferred", limit=30)
        assert (told["trunk"], told["to"], told["attended"], told["status"]) == (
            "carrier",
            handed.outside,
            False,
            200,
        )
        story = [event["type"] for event in await centre.events(handed.contact)]
        once(story, "ContactArrived", "Established", "CallerReferred", "Transferred", "ContactEnded")


async def test_whom_a_carrier_does_not_connect_is_dialled_by_us(centre_out: Centre) -> None:
    async with open_lab(RingOnly()) as lab, carried(centre_out) as handed:
        handed.caller.refuse_refer = 603
        await handed.over(centre_out)
        party = await lab.next_call(30)
        await party.answer()
        await handed.is_told("SIP/2.0 200 OK")
        assert (await handed.agent.ended.wait(30)).by == "peer"
        await handed.caller.heard(tone=LAB_HZ, since=time.monotonic(), limit=30)
        await party.heard(tone=CALLER_HZ, limit=30)
        await party.hang_up()
        await handed.caller.ended.wait(30)
        assert (await centre_out.happened(handed.contact, "CallerReferred", limit=30))["status"] == 603


async def test_a_transfer_by_a_phone_outlives_control(centre_out: Centre, phone: MakePhone) -> None:
    """A seat rings for the caller while control dies: his agent's phone is told all the same how it ended."""
    centre, number = centre_out, centre_out.new_caller()
    caller = await phone(number, source=sources.tone(CALLER_HZ))
    other = await phone("8009", password="demo-8009", source=sources.tone(EXPERT_HZ))
    await other.register(centre.sip)
    async with centre.desk("1004", incoming=AutoAnswer()) as desk:
        call = await caller.dial(centre.number("95001"))
        agent = await desk.next_call(30)
        await call.heard(tone=AGENT_HZ, limit=30)
        host, port = centre.sip
        assert await agent.refer(f"<sip:8009@{host}:{port}>") == 202
        rings = await other.next_call(30)
        await until(lambda: "SIP/2.0 180 Ringing" in agent.told, lambda: f"told: {agent.told}", limit=30)
        gone = await centre.kill_control()
        await centre.platform.wait_ready_again("control", gone, limit=60)
        await rings.answer()
        await call.heard(tone=EXPERT_HZ, since=time.monotonic(), limit=30)
        await until(lambda: agent.told[-1] == "SIP/2.0 200 OK", lambda: f"told: {agent.told}", limit=30)
        assert (await agent.ended.wait(30)).by == "peer"
        await rings.hang_up()
        assert (await call.ended.wait(30)).by == "peer"
        assert (await centre.ended(number, limit=30))["outcome"] == "handled"
