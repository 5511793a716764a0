"""A call through every part: greeting, menu, queue with music, an agent's phone, the talk, its recording."""

from __future__ import annotations

import asyncio
import io
import re
import sys
import time
import wave
from contextlib import suppress
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from tests.e2e.centre import AGENT_HZ, CALLER_HZ, Centre, Row
from tests.support import audio, sources
from tests.support.fixtures import MakePhone
from tests.support.g711 import PAYLOAD_TYPES, RATE, Samples

#: What crosstalk, companding noise and another talker's tone may reach on a channel that is not theirs, dBm0.
QUIET_DBM0 = -60.0


def is_music(samples: Samples) -> bool:
    """Audible nearly all the time, and neither one standing tone nor speech's pauses."""
    quarters = [samples[at : at + RATE // 4] for at in range(0, samples.size - RATE // 4, RATE // 4)]
    pitches = {round(hertz / 20) for part in quarters for hertz, _ in audio.loudest_tones(part, 1)}
    return audio.activity(samples) > 0.8 and len(pitches) >= 3


@pytest.mark.parametrize(
    ("transport", "algorithm", "who_hangs_up"), [("tcp", "SHA-256", "caller"), ("udp", "MD5", "agent")]
)
async def test_a_caller_goes_from_the_menu_to_an_agent_and_the_talk_is_recorded(
    centre: Centre, phone: MakePhone, transport: str, algorithm: str, who_hangs_up: str
) -> None:
    number = centre.new_caller()
    caller = await phone(number, codecs=("PCMA",))
    async with centre.desk("1004", transport=transport, algorithm=algorithm, codecs=("PCMU",)) as desk:
        call = await caller.dial(centre.number("95000"))
        await call.answered.wait()
        await call.heard(speech=True)
        call.play(sources.tone(CALLER_HZ))
        pressed = await call.press("2")

        ringing = await desk.next_call()
        print(f"key to the agent's INVITE: {1000 * (ringing.started_at - pressed):.1f} ms")
        assert ringing.caller == number
        await centre.agent_is("1004", "reserved")
        queued = await call.heard(since=pressed + 0.1)
        await call.heard(since=queued + 2.0)
        music = call.recording().since(queued)
        assert is_music(music), audio.describe(music)

        await ringing.answer()
        began = await call.heard(tone=AGENT_HZ)
        await ringing.heard(tone=CALLER_HZ)
        await centre.agent_is("1004", "talking")
        await call.heard(tone=AGENT_HZ, since=began + 1.0)
        for end, codec in ((call, "PCMA"), (ringing, "PCMU")):
            assert end.codec == codec
            assert {packet.payload_type for packet in end.ear.packets} == {PAYLOAD_TYPES[codec]}

        first, second = (call, ringing) if who_hangs_up == "caller" else (ringing, call)
        await first.hang_up()
        assert (await second.ended.wait()).by == "peer"
        await centre.agent_is("1004", "wrap_up")
        contact = await centre.ended(number)
        assert (contact["outcome"], contact["agent"], contact["queue"]) == ("handled", "1004", "support")
        await check_recording(centre, contact)
        if who_hangs_up == "agent":
            await check_proof(centre, contact)
        await centre.set_state("1004", "ready", user="1004")  # ends his wrap-up
        await centre.agent_is("1004", "ready")


async def check_recording(centre: Centre, contact: Row) -> None:
    """Listed for a supervisor, whole and in parts, each party on its own channel, and not for agents."""
    recording = await centre.recording(contact["id"])
    assert (recording["agent"], recording["queue"], recording["complete"]) == ("1004", "support", True)
    assert recording["seconds"] == pytest.approx(contact["talk_seconds"], abs=0.1)

    path = f"recordings/{recording['id']}/audio"
    whole = await centre.ask("GET", path)
    assert (whole.status_code, whole.headers["content-type"]) == (200, "audio/wav")
    with wave.open(io.BytesIO(whole.content)) as file:
        assert (file.getframerate(), file.getnchannels(), file.getsampwidth()) == (RATE, 2, 2)
        data = np.frombuffer(file.readframes(file.getnframes()), dtype="<i2").reshape(-1, 2)
    assert data.shape[0] / RATE == pytest.approx(recording["seconds"], abs=0.001)
    for channel, own, other in ((data[:, 0], CALLER_HZ, AGENT_HZ), (data[:, 1], AGENT_HZ, CALLER_HZ)):
        assert audio.has_tone(channel, own), audio.describe(channel)
        assert audio.activity(channel) > 0.9, audio.describe(channel)
        assert audio.tone_level_dbm0(channel, other) < QUIET_DBM0, audio.describe(channel)

    part = await centre.ask("GET", path, headers={"Range": "bytes=44-1043"})
    assert (part.status_code, part.content) == (206, whole.content[44:1044])
    assert part.headers["content-range"] == f"bytes 44-1043/{len(whole.content)}"
    assert (await centre.ask("GET", path, headers={"Range": "bytes=999999999-"})).status_code == 416
    for forbidden in ("recordings", path):
        assert (await centre.ask("GET", forbidden, user="1004")).status_code == 403
    await asyncio.to_thread(check_nowhere_plain, centre.platform.data_dir, data)


def check_nowhere_plain(folder: Path, samples: np.ndarray[Any, np.dtype[np.int16]]) -> None:
    """No file of the installation, the database's among them, holds a hundredth of a second of what was said."""
    spoken = [samples[at : at + 80].tobytes() for at in range(4000, len(samples) - 80, 4000)]
    assert spoken
    for path in folder.rglob("*"):
        with suppress(FileNotFoundError):  # the database removes files of its own meanwhile
            held = path.read_bytes() if path.is_file() else b""
            assert not any(part in held for part in spoken), path


async def check_proof(centre: Centre, contact: Row) -> None:
    """Verified as it is; with one bit changed the recording is named, and cannot be heard."""
    recording = (await centre.recording(contact["id"]))["id"]
    code, text = await verify(centre)
    assert (code, "Everything is as it was told." in text) == (0, True), text
    (path,) = centre.platform.data_dir.rglob(f"{recording}.sealed")
    data = path.read_bytes()
    path.write_bytes(data[:700] + bytes([data[700] ^ 1]) + data[701:])
    code, text = await verify(centre)
    assert code == 1, text
    assert re.search(rf"{recording}: chunk 0 at byte 512 was changed", text), text
    path.write_bytes(data)


async def verify(centre: Centre) -> tuple[int, str]:
    """``ccplatform recording verify``: its exit code and what it says."""
    command = (sys.executable, "-m", "ccplatform", "recording", "verify", "--data-dir")
    process = await asyncio.create_subprocess_exec(
        *command,
        str(centre.platform.data_dir),
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.STDOUT,
    )
    told, _ = await process.communicate()
    return process.returncode or 0, told.decode()


async def test_keys_and_holds_of_either_phone_reach_the_other(centre: Centre, phone: MakePhone) -> None:
    caller = await phone(centre.new_caller(), source=sources.tone(CALLER_HZ))
    async with centre.desk("1004") as desk:
        call = await caller.dial(centre.number("95001"))
        ringing = await desk.next_call()
        await ringing.answer()
        await call.heard(tone=AGENT_HZ)
        await ringing.press("5")
        await call.ear.heard_keys("5")
        await call.press("7#")
        await ringing.ear.heard_keys("7#")
        (live,) = await centre.items("calls", user="1004")
        answer = await centre.ask("POST", f"calls/{live['id']}/dtmf", user="1004", json={"digits": "42"})
        assert answer.status_code == 200, answer.text
        await call.ear.heard_keys("42")

        await call.hold("inactive")
        await ringing.ear.silent_for(0.3)
        await call.retrieve()
        await call.heard(tone=AGENT_HZ, since=time.monotonic())
        await ringing.heard(tone=CALLER_HZ, since=time.monotonic())


async def test_the_agent_holds_the_caller_who_hears_music_and_takes_him_back(
    centre: Centre, phone: MakePhone
) -> None:
    number = centre.new_caller()
    caller = await phone(number, source=sources.tone(CALLER_HZ))
    async with centre.desk("1004") as desk:
        call = await caller.dial(centre.number("95001"))
        ringing = await desk.next_call()
        await ringing.answer()
        await call.heard(tone=AGENT_HZ)
        await ringing.heard(tone=CALLER_HZ)
        (live,) = await centre.items("calls", user="1004")
        assert (live["stage"], live["agent"], live["caller"]) == ("talking", "1004", number)

        answer = await centre.ask("POST", f"calls/{live['id']}/hold", user="1004")
        assert answer.status_code == 200, answer.text
        await centre.agent_is("1004", "held")
        await ringing.ear.silent_for(0.5)
        held = call.ear.packets[-1].at
        await call.heard(since=held + 2.0)
        assert is_music(call.recording().since(held)), call.ear.describe(held)

        answer = await centre.ask("POST", f"calls/{live['id']}/retrieve", user="1004")
        assert answer.status_code == 200, answer.text
        await call.heard(tone=AGENT_HZ, since=call.ear.packets[-1].at)
        await ringing.heard(tone=CALLER_HZ, since=ringing.ear.packets[-1].at)
        await centre.agent_is("1004", "talking")

        answer = await centre.ask("POST", f"calls/{live['id']}/hangup", user="1004")
        assert answer.status_code == 200, answer.text
        await call.ended.wait()
        await ringing.ended.wait()
    contact = await centre.ended(number)
    assert 2.0 < contact["hold_seconds"] < contact["talk_seconds"]
