"""SIPp and our phone understand each other, and SIPp's failures are told."""

from __future__ import annotations

import pytest

from tests.support import sipp, sources
from tests.support.milestone import PeerError
from tests.support.node import SipNode
from tests.support.phone import AutoAnswer, Reject, RingOnly, SipPhone
from tests.support.registrar import MiniRegistrar


@pytest.mark.parametrize("transport", ["udp", "tcp"])
async def test_sipp_calls_the_phone(transport: str) -> None:
    async with SipPhone("200", transport=transport, incoming=AutoAnswer()) as phone:
        result = await sipp.run(
            "uac", phone.node.address, number="95000", calls=3, rate=20, hold=0.1, transport=transport
        )
        result.require_success(3)
        assert [call.caller for call in phone.calls] == ["13800000001"] * 3
        for call in phone.calls:
            assert (await call.ended.wait()).reason == "bye"


async def test_the_phone_calls_sipp_and_hears_its_own_tone_back() -> None:
    async with (
        SipPhone("100", source=sources.tone(440)) as phone,
        sipp.Sipp("uas", hold=0.05, rtp_echo=True) as uas,
    ):
        call = await phone.dial(f"sip:95004@127.0.0.1:{uas.port}")
        await call.answered.wait()
        await call.heard(tone=440)
        await call.hang_up()
        (await uas.finish()).require_success(1)


async def test_sipp_gives_up_while_it_rings() -> None:
    async with SipPhone("200", incoming=RingOnly()) as phone:
        (await sipp.run("cancel", phone.node.address, hold=0.05)).require_success(1)
        assert (await phone.calls[0].ended.wait()).reason == "cancelled"


async def test_repeated_messages_make_one_call() -> None:
    async with SipPhone("200", incoming=AutoAnswer()) as phone:
        (await sipp.run("repeat", phone.node.address, hold=0.05)).require_success(1)
        assert len(phone.calls) == 1


@pytest.mark.parametrize("scenario", ["bad_sdp", "no_codec"])
async def test_a_description_without_use_is_refused(scenario: str) -> None:
    async with SipPhone("200", incoming=AutoAnswer()) as phone:
        (await sipp.run(scenario, phone.node.address, status=488)).require_success(1)


async def test_garbage_gets_the_400_that_the_scenario_wants() -> None:
    node = SipNode("udp", lambda transaction: transaction.answer(400, to_tag="t"), lambda ack, at: None)
    await node.open("127.0.0.1", 0)
    try:
        (await sipp.run("garbage", node.address, status=400)).require_success(1)
    finally:
        await node.close()
    assert node.received[0].get("cseq") == "minus INVITE"


async def test_sipp_registers_with_md5() -> None:
    async with MiniRegistrar({"8001": "demo-8001"}) as registrar:
        result = await sipp.run("register", registrar.address, number="8001", password="demo-8001")
        result.require_success(1)
        assert registrar.used_algorithms == ["MD5"]


async def test_a_failed_scenario_says_what_came_instead() -> None:
    async with SipPhone("200", incoming=Reject(status=603)) as phone:
        result = await sipp.run("uac", phone.node.address)
        with pytest.raises(PeerError, match="603 Decline"):
            result.require_success()
        (await sipp.run("refused", phone.node.address, status=603)).require_success(1)
