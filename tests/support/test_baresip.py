"""baresip registers, calls and is called, and both sides are heard, without sound hardware."""

from __future__ import annotations

import pytest

from tests.support import audio, sources
from tests.support.baresip import Baresip, netstring, take_netstrings
from tests.support.milestone import PeerError
from tests.support.phone import AutoAnswer, SipPhone
from tests.support.registrar import MiniRegistrar


async def test_a_registered_baresip_is_called_and_both_hear_each_other() -> None:
    async with (
        MiniRegistrar({"8004": "demo-8004"}) as registrar,
        Baresip("8004", password="demo-8004", registrar=registrar.address) as seat,
        SipPhone("100", source=sources.tone(440)) as phone,
    ):
        await seat.registered()
        call = await phone.dial(await registrar.registered("8004"))
        await seat.established()
        await call.heard(tone=700)
        await seat.heard_tone(440)
        await seat.press("5")
        await call.ear.heard_keys("5")
        await call.hang_up()
        await seat.closed()
        assert audio.has_tone(seat.heard(), 440)


async def test_baresip_calls_and_hangs_up() -> None:
    async with (
        Baresip("8005", codecs=("PCMU",), says=audio.tone(1004)) as seat,
        SipPhone("100", incoming=AutoAnswer(), source=sources.tone(440)) as phone,
    ):
        await seat.dial(phone.uri)
        call = await phone.next_call()
        await seat.established()
        await call.heard(tone=1004)
        assert call.codec == "PCMU"
        await seat.heard_tone(440)
        await seat.hang_up()
        assert (await call.ended.wait()).reason == "bye"


async def test_baresip_rings_until_it_is_told_to_answer() -> None:
    async with Baresip("8006", auto_answer=False) as seat, SipPhone("100") as phone:
        call = await phone.dial(seat.uri)
        await seat.ringing()
        await call.ringing.wait()
        assert not call.answered.happened
        await seat.accept()
        await call.answered.wait()


async def test_a_refused_registration_is_told() -> None:
    registrar = MiniRegistrar({"8004": "demo-8004"})
    async with registrar, Baresip("8004", password="wrong", registrar=registrar.address) as seat:
        with pytest.raises(PeerError, match="refused with 403"):
            await seat.registered()


def test_netstrings_are_cut_wherever_they_break() -> None:
    data = netstring(b"one") + netstring(b"") + netstring(b"three")
    for cut in range(len(data)):
        buffer = bytearray(data[:cut])
        taken = take_netstrings(buffer)
        buffer += data[cut:]
        assert taken + take_netstrings(buffer) == [b"one", b"", b"three"]
