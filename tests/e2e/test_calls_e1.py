"""Calls over an E1 span: a switch of libpri at the far end of the demo centre's line, in-band keys, real sound."""

from __future__ import annotations

import os
import signal
from collections.abc import AsyncIterator, Iterator

import psutil
import pytest

from gateway.isdn.channels import BEARERS
from gateway.isdn.span_calls import CallState
from gateway.media.audio import RATE
from tests.e2e.centre import AGENT_HZ, CALLER_HZ, Row
from tests.e2e.exchange import SPAN, SPAN_PORTS, Exchange, environment_of, exchange_of, span_settings
from tests.e2e.lab import open_lab
from tests.gateway.isdn.back_to_back import needs_libpri
from tests.gateway.isdn.spans import until
from tests.support import audio, sources
from tests.support.fixtures import MakePhone
from tests.support.milestone import PATIENCE
from tests.support.phone import AutoAnswer
from tests.support.platform import PlatformProcess
from tests.support.ports import PortBlock

pytestmark = needs_libpri
#: What the second agent says.
EXPERT_HZ = 620.0
ALARMS = {"e1_line_faulty", "e1_layer2_down"}


@pytest.fixture(scope="module")
def ports() -> Iterator[PortBlock]:
    block = PortBlock(SPAN_PORTS)
    yield block
    block.close()


@pytest.fixture(scope="module")
def e1_platform(tmp_path_factory: pytest.TempPathFactory, ports: PortBlock) -> Iterator[PlatformProcess]:
    environment = environment_of(span_settings(ports)) | {
        "CCP_MEDIA__RTP_TIMEOUT_SECONDS": "8",
        "CCP_SIP__TRANSFER_PREFIXES": '["7"]',
    }
    with PlatformProcess(tmp_path_factory.mktemp("p"), environment=environment) as started:
        yield started
        assert started.stop() == 0, started.tail()


@pytest.fixture
async def exchange(
    e1_platform: PlatformProcess, ports: PortBlock, callers: Iterator[int]
) -> AsyncIterator[Exchange]:
    async with exchange_of(e1_platform, ports, callers) as exchange:
        yield exchange


def is_up(trunk: Row) -> bool:
    """Whether the trunk's server answers its probes."""
    return [server["state"] for server in trunk["targets"] or ()] == ["up"]


def standing(rows: list[Row]) -> set[str]:
    """The span's alarms that are up."""
    return ALARMS & {row["kind"] for row in rows if row["subject"] == SPAN}


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


async def test_a_group_of_e1_and_sip_is_hunted_through(exchange: Exchange) -> None:
    """Blocked or busy, the span's calls go to the SIP trunk that comes next; otherwise none does."""
    centre = exchange.centre
    before = (await centre.get("outbound-routes"))["items"]
    route = {"prefix": "7", "choices": [{"trunk": SPAN}, {"trunk": "lab", "priority": 1}]}
    put = await centre.ask("PUT", "outbound-routes", user="admin", json={"items": [*before, route]})
    assert put.status_code == 200, put.text

    async def span(action: str) -> None:
        answer = await centre.ask("POST", f"isdn/spans/{SPAN}/{action}", user="admin", json={})
        assert answer.status_code == 204, answer.text

    try:
        async with (
            open_lab(AutoAnswer()) as lab,
            centre.desk("1005", incoming=AutoAnswer(), ready=False) as desk,
        ):
            await span("block")
            call = await desk.dial(centre.number("7002"))
            await call.answered.wait()
            await lab.next_call()
            assert not exchange.switch.arrived
            await call.hang_up()
            await span("activate")
            await exchange.in_service()
            await centre.eventually(lambda: centre.get(f"trunks/{SPAN}"), is_up)
            call = await desk.dial(centre.number("7003"))
            await call.answered.wait()
            assert [voice.call.called for voice in exchange.switch.arrived] == ["7003"]
            await call.hang_up()
            load = await centre.metrics()
            assert f'cc_trunk_channels_in_use{{trunk="{SPAN}"}}' in load
            assert 'cc_trunk_channels_in_use{trunk="lab"}' in load
    finally:
        await span("activate")
        await centre.ask("PUT", "outbound-routes", user="admin", json={"items": before})


async def test_a_switch_joins_caller_and_party_whom_an_agent_brought_together(exchange: Exchange) -> None:
    """Two-channel transfer (EN 300 369-1): no channel of the span and no call of the centre is left."""
    centre, number = exchange.centre, exchange.centre.new_caller()
    routes = (await centre.get("outbound-routes"))["items"]
    trunk = await centre.get(f"trunks/{SPAN}")
    own = {key: trunk[key] for key in ("host", "port", "probe_seconds", "capacity", "direction")}
    put = await centre.ask("PUT", f"trunks/{SPAN}", user="admin", json={**own, "transfer": "refer"})
    assert put.status_code == 200, put.text
    route = {"prefix": "7", "choices": [{"trunk": SPAN}]}
    await centre.ask("PUT", "outbound-routes", user="admin", json={"items": [*routes, route]})
    try:
        async with centre.desk("1004", incoming=AutoAnswer()) as desk:
            voice = await exchange.dial("95001", number)
            agent = await desk.next_call()
            await agent.answered.wait()
            rows = await centre.eventually(
                lambda: centre.items("calls", user="1004"), lambda rows: rows and rows[0]["stage"] == "talking"
            )
            call, contact = f"calls/{rows[0]['id']}", (await centre.contact(number))["id"]
            for order, body in (("consult", {"number": "7001"}), ("complete", {})):
                answer = await centre.ask("POST", f"{call}/{order}", user="1004", json=body)
                assert answer.status_code == 200, answer.text
                if order == "consult":
                    await until(
                        lambda: any(one.call.state is CallState.CONNECTED for one in exchange.switch.arrived)
                    )
            assert await exchange.switch.reached(voice, CallState.ENDING, PATIENCE)
            assert voice.call.cause == 16
        told = await centre.happened(contact, "CallerReferred")
        await centre.happened(contact, "ContactEnded", outcome="handled")
        assert (told["trunk"], told["attended"], told["status"]) == (SPAN, True, 200)
        assert [{call.called for call in pair} for pair in exchange.switch.joined] == [{"95001", "7001"}]
        await until(lambda: not exchange.switch.voices)
        await centre.nothing_left()
    finally:
        await centre.ask("PUT", "outbound-routes", user="admin", json={"items": routes})
        await centre.ask("PUT", f"trunks/{SPAN}", user="admin", json=own)


async def test_an_e1_caller_is_held_and_confers_with_two_agents(exchange: Exchange) -> None:
    centre, number = exchange.centre, exchange.centre.new_caller()
    async with (
        centre.desk("1004", incoming=AutoAnswer()) as desk,
        centre.desk("1005", incoming=AutoAnswer(), ready=False, source=sources.tone(EXPERT_HZ)) as expert_desk,
    ):
        voice = await exchange.dial("95001", number)
        voice.repeat(audio.tone(CALLER_HZ))
        agent = await desk.next_call()
        await agent.heard(tone=CALLER_HZ)
        rows = await centre.eventually(
            lambda: centre.items("calls", user="1004"), lambda rows: rows and rows[0]["stage"] == "talking"
        )

        async def order(what: str, **body: str) -> None:
            answer = await centre.ask("POST", f"calls/{rows[0]['id']}/{what}", user="1004", json=body)
            assert answer.status_code == 200, answer.text

        await order("consult", agent="1005")
        expert = await expert_desk.next_call()
        await expert.answered.wait()
        await agent.heard(tone=EXPERT_HZ)
        at = len(voice.heard()) + RATE
        await until(lambda: len(voice.heard()) > at + RATE)
        assert not audio.has_tone(voice.heard()[-RATE:], AGENT_HZ)  # music, while he is asked about
        await order("conference")
        await exchange.hears_tones(voice, AGENT_HZ, EXPERT_HZ)
        since = expert.ear.packets[-1].at
        await expert.heard(tone=CALLER_HZ, since=since)
        exchange.switch.hang_up(voice)
        assert await exchange.switch.reached(voice, CallState.ENDING, PATIENCE)
    assert (await centre.ended(number))["outcome"] == "handled"
    await centre.nothing_left()


async def test_a_switch_that_dies_ends_its_calls_and_comes_back(exchange: Exchange) -> None:
    centre, number = exchange.centre, exchange.centre.new_caller()
    async with centre.desk("1004", incoming=AutoAnswer()) as desk:
        await exchange.dial("95001", number)
        agent = await desk.next_call()
        await agent.answered.wait()
        await exchange.close()
        await centre.eventually(lambda: centre.items("alarms", active=True), lambda rows: standing(rows) == ALARMS)
        assert (await centre.ended(number))["outcome"] == "handled"
        await centre.eventually(lambda: centre.get("agents/1004"), lambda row: row["state"] != "talking")
    (span,) = (await centre.get("isdn/spans"))["items"]
    assert (span["layer2"], span["usable"], span["alarms"]) == ("down", False, ["los"])
    assert {row["cause"] for row in span["calls"]["by_cause"]} & {27, 38, 41}
    await exchange.open()
    await exchange.in_service()
    await centre.eventually(lambda: centre.items("alarms", active=True), lambda rows: not standing(rows))
    await exchange.dial("95002", centre.new_caller())


async def test_a_killed_libpri_frees_the_agent_and_is_started_again(exchange: Exchange) -> None:
    centre, number = exchange.centre, exchange.centre.new_caller()
    (front,) = centre.platform.pids("e1")
    (program,) = psutil.Process(front).children()
    async with centre.desk("1004", incoming=AutoAnswer()) as desk:
        voice = await exchange.dial("95001", number)
        agent = await desk.next_call()
        await agent.answered.wait()
        os.kill(program.pid, signal.SIGKILL)
        contact = await centre.ended(number)
        await agent.ended.wait()
        assert (contact["outcome"], contact["agent"]) == ("handled", "1004")
        await centre.eventually(lambda: centre.get("agents/1004"), lambda row: row["state"] != "talking")
        assert await exchange.switch.reached(voice, CallState.ENDING, PATIENCE)  # its channels are restarted
    await exchange.in_service()
    await exchange.dial("95002", centre.new_caller())
    assert centre.platform.pids("e1") == [front]


async def test_a_killed_front_frees_the_agent_and_is_started_again(exchange: Exchange) -> None:
    centre, number = exchange.centre, exchange.centre.new_caller()
    async with centre.desk("1004", incoming=AutoAnswer()) as desk:
        voice = await exchange.dial("95001", number)
        agent = await desk.next_call()
        await agent.answered.wait()
        centre.platform.kill("e1")
        assert (await centre.ended(number))["outcome"] == "handled"
        await agent.ended.wait()
        await centre.eventually(lambda: centre.get("agents/1004"), lambda row: row["state"] != "talking")
        assert await exchange.switch.reached(voice, CallState.ENDING, PATIENCE)
    await exchange.in_service()
    await exchange.dial("95002", centre.new_caller())


async def test_a_span_that_vanishes_ends_its_calls_frees_the_agent_and_alarms(exchange: Exchange) -> None:
    centre, number = exchange.centre, exchange.centre.new_caller()
    async with centre.desk("1004", incoming=AutoAnswer()) as desk:
        await exchange.dial("95001", number)
        agent = await desk.next_call()
        await agent.answered.wait()
        exchange.line.faults.silent = True
        await centre.eventually(lambda: centre.items("alarms", active=True), lambda rows: standing(rows) == ALARMS)
        assert (await centre.ended(number))["outcome"] == "handled"
        await centre.eventually(lambda: centre.get("agents/1004"), lambda row: row["state"] != "talking")
    exchange.line.faults.silent = False
    await exchange.in_service()
    await centre.eventually(lambda: centre.items("alarms", active=True), lambda rows: not standing(rows))
    await exchange.dial("95002", centre.new_caller())
