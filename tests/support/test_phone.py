"""Two phones on loopback: the tests' own peers agree with each other."""

from __future__ import annotations

import asyncio
import time

import pytest

from tests.support import audio, sources
from tests.support.milestone import PeerError
from tests.support.phone import AutoAnswer, Reject, RingOnly, SipPhone
from tests.support.phone_call import PhoneCall
from tests.support.registrar import MiniRegistrar
from tests.support.sip import digest_response
from tests.support.speech import speech_like


async def talk(caller: SipPhone, called: SipPhone) -> tuple[PhoneCall, PhoneCall]:
    out = await caller.dial(called.uri, caller="13800000001")
    into = await called.next_call()
    await out.answered.wait()
    await into.answered.wait()
    return out, into


@pytest.mark.parametrize("transport", ["udp", "tcp"])
@pytest.mark.parametrize("codec", ["PCMA", "PCMU"])
async def test_a_call_is_heard_both_ways_and_ends_with_bye(transport: str, codec: str) -> None:
    async with (
        SipPhone("100", transport=transport, source=sources.tone(440)) as caller,
        SipPhone(
            "200", transport=transport, codecs=(codec,), incoming=AutoAnswer(), source=sources.tone(700)
        ) as called,
    ):
        out, into = await talk(caller, called)
        assert out.ringing.happened
        assert into.caller == "13800000001"
        assert out.codec == into.codec == codec
        assert await into.heard(tone=440) >= into.started_at
        await out.heard(tone=700)
        await out.hang_up()
        end = await into.ended.wait()
        assert (end.reason, end.by) == ("bye", "peer")


async def test_the_called_party_hangs_up() -> None:
    async with SipPhone("100") as caller, SipPhone("200", incoming=AutoAnswer(seconds=0.05)) as called:
        out, into = await talk(caller, called)
        await into.hang_up()
        end = await out.ended.wait()
        assert (end.reason, end.by) == ("bye", "peer")


async def test_a_refused_call_names_its_status() -> None:
    async with SipPhone("100") as caller, SipPhone("200", incoming=Reject(status=486)) as called:
        out = await caller.dial(called.uri)
        assert (await out.ended.wait()).status == 486
        with pytest.raises(PeerError, match="486 Busy Here"):
            await out.answered.wait()


async def test_cancel_ends_a_ringing_call_on_both_sides() -> None:
    async with SipPhone("100") as caller, SipPhone("200", incoming=RingOnly()) as called:
        out = await caller.dial(called.uri)
        into = await called.next_call()
        await out.ringing.wait()
        await out.hang_up()
        assert (await into.ended.wait()).reason == "cancelled"
        assert (await out.ended.wait()).status == 487


async def test_hold_stops_the_other_side_and_retrieve_brings_it_back() -> None:
    async with (
        SipPhone("100", source=sources.tone(440)) as caller,
        SipPhone("200", incoming=AutoAnswer(), source=sources.tone(700)) as called,
    ):
        out, into = await talk(caller, called)
        await out.heard(tone=700)
        await out.hold()
        assert into.remote_holds
        await out.ear.silent_for(0.2)
        await out.retrieve()
        await out.heard(tone=700, since=time.monotonic())


async def test_keys_arrive_with_their_duration() -> None:
    async with SipPhone("100") as caller, SipPhone("200", incoming=AutoAnswer()) as called:
        out, into = await talk(caller, called)
        ended_at = await out.press("2#", seconds=0.08, gap=0.06)
        first, second = await into.ear.heard_keys("2#")
        assert first.seconds == second.seconds == pytest.approx(0.08)
        assert second.at > ended_at - 0.001 > first.at  # two clocks were read to compare them


async def test_speech_arrives_as_it_was_said() -> None:
    said = speech_like(2.0)
    async with (
        SipPhone("100", source=sources.signal(said)) as caller,
        SipPhone("200", incoming=AutoAnswer()) as called,
    ):
        _, into = await talk(caller, called)
        await into.heard(speech=True)
        await into.ear.silent_for(0.5)
        recorded = into.recording().samples
        assert audio.find(said, recorded).correlation > 0.99
        assert audio.snr_db(said, recorded) > 30
        assert into.ear.lost == 0


async def test_a_gap_in_the_stream_is_silence_in_the_recording() -> None:
    async with (
        SipPhone("100", source=sources.tone(440)) as caller,
        SipPhone("200", incoming=AutoAnswer(), source=sources.tone(700)) as called,
    ):
        out, into = await talk(caller, called)
        await out.heard(tone=700)
        await out.hold("inactive")
        await out.ear.silent_for(0.3)
        await out.retrieve()
        await out.heard(tone=700, since=time.monotonic())
        first, second = audio.audible_spans(out.recording().samples, bridge=0.25)
        assert second[0] - first[1] >= 0.28
        assert into.ear.lost == 0


async def test_what_was_not_heard_is_told_with_what_was() -> None:
    async with (
        SipPhone("100") as caller,
        SipPhone("200", incoming=AutoAnswer(), source=sources.tone(700)) as called,
    ):
        out, _ = await talk(caller, called)
        with pytest.raises(
            PeerError, match=r"no tone of 440 Hz heard within 0\.4 s; heard: \d+ packets PCMA.*700 Hz"
        ):
            await out.heard(tone=440, limit=0.4)


async def test_a_phone_that_vanishes_says_nothing() -> None:
    async with SipPhone("100") as caller, SipPhone("200", incoming=AutoAnswer()) as called:
        out, into = await talk(caller, called)
        caller.vanish()
        received = len(called.node.received)
        with pytest.raises(PeerError, match="no final response to BYE"):
            await into.hang_up(0.3)
        assert len(called.node.received) == received
        assert out.ended.happened


async def test_a_lost_200_is_repeated_until_the_ack() -> None:
    async with SipPhone("100") as caller, SipPhone("200", incoming=AutoAnswer()) as called:
        caller.node.sockets.muted = False
        out = await caller.dial(called.uri)
        caller.node.sockets.muted = True  # the ACK is lost
        await out.answered.wait()
        caller.node.sockets.muted = False
        into = await called.next_call()
        await into.answered.wait(2.0)  # the repeated 200 gets the ACK again
        assert into.ear.lost == 0


@pytest.mark.parametrize("transport", ["udp", "tcp"])
@pytest.mark.parametrize(
    ("forced", "used"), [(None, "SHA-256"), ("MD5", "MD5"), ("SHA-256", "SHA-256")], ids=["first", "md5", "sha"]
)
async def test_registration_answers_the_challenge(transport: str, forced: str | None, used: str) -> None:
    registrar = MiniRegistrar({"8001": "secret"}, algorithms=("SHA-256", "MD5"), transport=transport)
    async with registrar:
        async with SipPhone("8001", password="secret", transport=transport, algorithm=forced) as phone:
            await phone.register(registrar.address)
            assert registrar.contacts == {"8001": phone.uri}
            assert registrar.used_algorithms == [used]
        assert registrar.contacts == {}


async def test_a_wrong_password_is_refused() -> None:
    registrar = MiniRegistrar({"8001": "secret"})
    async with registrar, SipPhone("8001", password="wrong") as phone:
        with pytest.raises(PeerError, match="REGISTER got 403"):
            await phone.register(registrar.address)


def test_digest_examples_of_rfc_7616_section_3_9_1() -> None:
    for algorithm, expected in {
        "MD5": "8ca523f5e9506fed4657c9700eebdbec",
        "SHA-256": "753927fa0e85d155564e2e272a28d1802ca10daf4496794697cf8db5856cb6c1",
    }.items():
        answer = digest_response(
            algorithm,
            "Mufasa",
            "http-auth@example.org",
            "Circle of Life",
            "7ypf/xlj9XXwfDPEoM4URrv/xwf94BcCAzFZH4GiTo0v",
            "GET",
            "/dir/index.html",
            cnonce="f2/wE4q74E6zIJEtWaHKaf5wv/H5QzzpXusqGemxURZJ",
        )
        assert answer == expected


async def test_options_is_answered() -> None:
    async with SipPhone("100") as one, SipPhone("200") as two:
        assert (await one.options(two.node.address)).status == 200


async def test_ten_calls_at_once_hear_their_own_tone() -> None:
    async with SipPhone("100") as caller, SipPhone("200", incoming=AutoAnswer()) as called:

        async def one(number: int) -> None:
            out = await caller.dial(called.uri, source=sources.tone(400 + 100 * number))
            await out.answered.wait()
            into = next(call for call in called.calls if call.call_id == out.call_id)
            await into.heard(tone=400 + 100 * number)
            await out.hang_up()

        async with asyncio.TaskGroup() as group:
            for number in range(10):
                group.create_task(one(number))
