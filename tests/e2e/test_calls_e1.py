"""Calls over an E1 span: a switch of libpri at the far end of the demo centre's line, in-band keys, real sound."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator, Iterator
from dataclasses import dataclass

import pytest

from ccplatform.kernel.clock import SystemClock
from ccplatform.kernel.tasks import TaskSupervisor
from gateway.isdn.channels import BEARERS
from gateway.isdn.line import SoftwareSpan
from gateway.isdn.span import Span
from gateway.isdn.span_calls import CallState
from gateway.isdn.switch import Switch, Voice
from gateway.media.audio import RATE
from tests.e2e.centre import AGENT_HZ, CALLER_HZ, Centre, Row
from tests.e2e.rig import centre_of
from tests.gateway.isdn.back_to_back import needs_libpri
from tests.gateway.isdn.spans import until
from tests.support import audio
from tests.support.fixtures import MakePhone
from tests.support.milestone import PATIENCE
from tests.support.phone import AutoAnswer
from tests.support.platform import PlatformProcess
from tests.support.ports import PortBlock

pytestmark = needs_libpri
SPAN = "e1-1"


@dataclass
class Exchange:
    """The centre, and the switch that its span leads to."""

    centre: Centre
    switch: Switch
    line: SoftwareSpan

    async def in_service(self) -> None:
        """Wait until both ends can carry calls."""
        await until(lambda: self.switch.span.usable)
        await self.centre.eventually(
            lambda: self.centre.get("isdn/spans"), lambda page: all(span["usable"] for span in page["items"])
        )
        await until(lambda: self.switch.span.usable)

    async def dial(self, number: str, caller: str) -> Voice:
        """A caller who was answered."""
        voice = self.switch.call(number, caller)
        assert voice is not None
        assert await self.switch.reached(voice, CallState.CONNECTED, PATIENCE), voice.call.cause
        return voice

    async def hears(self, voice: Voice, seconds: float = 1.0) -> None:
        """Wait until somebody speaks for so long."""
        at = len(voice.heard())
        await until(lambda: audio.activity(voice.heard()[at:]) * (len(voice.heard()) - at) > seconds * RATE)


@pytest.fixture(scope="module")
def ports() -> Iterator[PortBlock]:
    block = PortBlock(8)
    yield block
    block.close()


@pytest.fixture(scope="module")
def e1_platform(tmp_path_factory: pytest.TempPathFactory, ports: PortBlock) -> Iterator[PlatformProcess]:
    span = {
        "id": SPAN,
        "sip_port": ports.first,
        "local": f"127.0.0.1:{ports.first + 1}",
        "peer": f"127.0.0.1:{ports.first + 2}",
        "timers": {"T309": 3000, "T203": 1000},
    }
    environment = {"CCP_ISDN__SPANS": json.dumps([span]), "CCP_ISDN__SWITCH": "false"}
    started = PlatformProcess(tmp_path_factory.mktemp("p"), environment=environment)
    try:
        yield started.start()
        assert started.stop() == 0, started.tail()
    finally:
        started.close()


@pytest.fixture
async def exchange(
    e1_platform: PlatformProcess, ports: PortBlock, callers: Iterator[int]
) -> AsyncIterator[Exchange]:
    clock = SystemClock()
    tasks = TaskSupervisor(clock)
    first = ports.first
    line = SoftwareSpan(local=("127.0.0.1", first + 2), peer=("127.0.0.1", first + 1), master=True, clock=clock)
    span = Span(SPAN, side="network", driver=line, clock=clock, tasks=tasks)
    switch = Switch(span, clock)
    await span.open(switch)
    try:
        async with centre_of(e1_platform, callers) as centre:
            exchange = Exchange(centre, switch, line)
            await exchange.in_service()
            yield exchange
    finally:
        for voice in list(switch.voices.values()):
            switch.hang_up(voice)
        await until(lambda: not switch.voices)
        await span.close()
        await tasks.close()


async def test_the_menu_sounds_on_e1_as_it_does_on_sip(exchange: Exchange, phone: MakePhone) -> None:
    centre = exchange.centre
    by_sip = await (await phone(centre.new_caller())).dial(centre.number("95000"))
    begun = await by_sip.heard(speech=True)
    voice = await exchange.dial("95000", centre.new_caller())
    await exchange.hears(voice, 2.5)
    await until(lambda: len(by_sip.recording().since(begun)) > 3 * RATE)
    prompt = by_sip.recording().since(begun)[: 2 * RATE]
    found = audio.find(prompt, voice.heard())
    assert found.correlation > 0.95
    await by_sip.hang_up()


async def test_keys_as_tones_walk_the_menu_and_the_contact_ends(exchange: Exchange) -> None:
    centre, number = exchange.centre, exchange.centre.new_caller()
    voice = await exchange.dial("95000", number)
    await exchange.hears(voice)
    voice.press("3")
    contact = await centre.contact(number)
    assert contact["trunk"] == SPAN
    await centre.happened(contact["id"], "KeyAnswered", node="menu")
    voice.press("600001#")
    query = await centre.happened(contact["id"], "QueryAnswered")
    assert (query["node"], query["ok"]) == ("find_account", True)
    exchange.switch.hang_up(voice)
    assert (await centre.ended(number))["outcome"] == "abandoned_ivr"
    assert await exchange.switch.reached(voice, CallState.ENDING, PATIENCE)
    await centre.nothing_left()


async def test_a_number_that_nobody_has_is_refused_by_its_cause(exchange: Exchange) -> None:
    voice = exchange.switch.call("4711", exchange.centre.new_caller())
    assert voice is not None
    assert await exchange.switch.reached(voice, CallState.ENDING, PATIENCE)
    assert voice.call.cause == 1


async def test_a_caller_comes_by_the_menu_and_the_queue_to_an_agent_and_is_recorded(exchange: Exchange) -> None:
    centre, number = exchange.centre, exchange.centre.new_caller()
    async with centre.desk("1004", incoming=AutoAnswer()) as desk:
        voice = await exchange.dial("95000", number)
        await exchange.hears(voice)
        voice.press("2")
        agent = await desk.next_call()
        await agent.answered.wait()
        voice.repeat(audio.tone(CALLER_HZ))
        await agent.heard(tone=CALLER_HZ)
        at = len(voice.heard())
        await until(lambda: audio.has_tone(voice.heard()[at:], AGENT_HZ))
        await agent.hang_up()
        assert await exchange.switch.reached(voice, CallState.ENDING, PATIENCE)
    contact = await centre.ended(number)
    assert (contact["outcome"], contact["agent"], contact["queue"]) == ("handled", "1004", "support")
    assert voice.call.cause == 16
    recording = await centre.recording(contact["id"])
    assert recording["complete"]
    assert recording["seconds"] == pytest.approx(contact["talk_seconds"], abs=0.1)


async def test_a_maintainer_sees_blocks_and_resets_channels_and_takes_the_trace_along(exchange: Exchange) -> None:
    centre = exchange.centre
    voice = await exchange.dial("95002", centre.new_caller())
    slot = voice.call.slot
    (span,) = (await centre.get("isdn/spans"))["items"]
    assert (span["id"], span["layer2"], span["usable"], span["alarms"]) == (SPAN, "up", True, [])
    assert [row["slot"] for row in span["channels"] if row["state"] == "busy"] == [slot]
    for number in BEARERS:
        if number != slot:
            answer = await centre.ask("POST", f"isdn/spans/{SPAN}/channels/{number}/block", user="admin", json={})
            assert answer.status_code == 204, answer.text
    refused = exchange.switch.call("95002", centre.new_caller(), slot=3 if slot != 3 else 4, exclusive=True)
    assert refused is not None
    assert await exchange.switch.reached(refused, CallState.ENDING, PATIENCE)
    assert refused.call.cause == 44
    answer = await centre.ask(
        "POST", f"isdn/spans/{SPAN}/channels/{slot}/reset", user="admin", json={"key": "once"}
    )
    assert answer.status_code == 204
    assert await exchange.switch.reached(voice, CallState.ENDING, PATIENCE)
    for number in BEARERS:
        await centre.ask("POST", f"isdn/spans/{SPAN}/channels/{number}/activate", user="admin", json={})
    names = [row["name"] for row in (await centre.get(f"isdn/spans/{SPAN}/trace"))["items"]]
    assert {"SETUP", "CONNECT", "RESTART"} <= set(names)
    capture = await centre.ask("GET", f"isdn/spans/{SPAN}/capture")
    assert capture.content[:4] == b"\x4d\x3c\xb2\xa1"
    missing = await centre.ask("POST", f"isdn/spans/{SPAN}/channels/16/block", user="admin", json={})
    assert (missing.status_code, missing.headers["content-type"]) == (404, "application/problem+json")
    assert (await centre.ask("POST", "isdn/spans/nowhere/block", user="admin", json={})).status_code == 404
    looped = await centre.ask("POST", f"isdn/spans/{SPAN}/channels/9/loop", user="admin", json={})
    assert looped.status_code == 204, looped.text
    result = await exchange.switch.span.test_loop(9)
    assert result is not None
    assert (result.looped, result.errors) == (True, 0)
    assert exchange.switch.span.loop(10, on=True)
    tested = await centre.ask("POST", f"isdn/spans/{SPAN}/channels/10/loop-test", user="admin", json={})
    assert (tested.json()["looped"], tested.json()["errors"]) == (True, 0)
    assert exchange.switch.span.loop(10, on=False)
    await centre.ask("POST", f"isdn/spans/{SPAN}/channels/9/unloop", user="admin", json={})
    agent = await centre.ask("POST", f"isdn/spans/{SPAN}/block", user="1001", json={})
    assert agent.status_code == 403


async def test_the_centre_calls_a_number_of_the_switch_by_its_routes(exchange: Exchange) -> None:
    centre = exchange.centre
    before = (await centre.get("outbound-routes"))["items"]
    route = {"prefix": "7", "choices": [{"trunk": SPAN}]}
    put = await centre.ask("PUT", "outbound-routes", user="admin", json={"items": [*before, route]})
    assert put.status_code == 200, put.text
    try:
        async with centre.desk("1005", incoming=AutoAnswer(), ready=False) as desk:
            call = await desk.dial(centre.number("7001"))
            await call.answered.wait()
            await until(lambda: exchange.switch.arrived)
            voice = exchange.switch.arrived[-1]
            assert voice.call.called == "7001"
            voice.repeat(audio.tone(CALLER_HZ))
            await call.heard(tone=CALLER_HZ)
            await until(lambda: audio.has_tone(voice.heard()[-RATE:], AGENT_HZ))
            await call.hang_up()
            assert await exchange.switch.reached(voice, CallState.ENDING, PATIENCE)
            assert voice.call.cause == 16
    finally:
        await centre.ask("PUT", "outbound-routes", user="admin", json={"items": before})


async def test_a_span_that_vanishes_ends_its_calls_frees_the_agent_and_alarms(exchange: Exchange) -> None:
    centre, number = exchange.centre, exchange.centre.new_caller()
    kinds = {"e1_line_faulty", "e1_layer2_down"}

    def standing(rows: list[Row]) -> set[str]:
        return kinds & {row["kind"] for row in rows if row["subject"] == SPAN}

    async with centre.desk("1004", incoming=AutoAnswer()) as desk:
        await exchange.dial("95001", number)
        agent = await desk.next_call()
        await agent.answered.wait()
        exchange.line.faults.silent = True
        await centre.eventually(lambda: centre.items("alarms", active=True), lambda rows: standing(rows) == kinds)
        assert (await centre.ended(number))["outcome"] == "handled"
        await centre.eventually(lambda: centre.get("agents/1004"), lambda row: row["state"] != "talking")
    exchange.line.faults.silent = False
    await exchange.in_service()
    await centre.eventually(lambda: centre.items("alarms", active=True), lambda rows: not standing(rows))
    await exchange.dial("95002", centre.new_caller())
