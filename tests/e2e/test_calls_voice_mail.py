"""Voice mail through every part: left by key or overflow, heard as it was spoken, worked on, heard by phone."""

from __future__ import annotations

import asyncio
import io
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest

from tests.e2e.centre import Centre, Row
from tests.e2e.lab import open_lab
from tests.support import audio, sources
from tests.support.fixtures import MakePhone
from tests.support.g711 import RATE, Samples
from tests.support.phone import AutoAnswer, SipPhone
from tests.support.phone_call import PhoneCall
from tests.support.speech import speech_like

BEEP_HZ = 1000.0
#: How well each piece of a message is what was spoken, as correlation after one coding by G.711 (0–1).
ALIKE = 0.9
#: How far pieces may move against each other: the jitter buffer stretches speech on a busy machine, seconds.
SHIFT = 0.5
PIECE = RATE // 5


def is_heard(said: Samples, heard: Samples) -> None:
    """What was said is heard, piece by piece and in its order; four in ten may be stretched."""
    pieces = [said[at : at + PIECE] for at in range(0, len(said) - PIECE + 1, PIECE)]
    pieces = [piece for piece in pieces[:-1] if audio.activity(piece) > 0.3]
    assert len(pieces) > 2
    found = [audio.find(piece, heard) for piece in pieces]
    alike = [one for one in found if one.correlation > ALIKE]
    assert len(alike) >= 0.6 * len(pieces), found
    lags = [one.lag_seconds for one in alike]
    assert lags == sorted(lags), found
    assert lags[-1] - lags[0] < len(said) / RATE + SHIFT, found


async def at_the_beep(centre: Centre, phone: SipPhone) -> tuple[PhoneCall, Row]:
    """Wait in the queue, press 2, hear the prompt and the beep."""
    call = await phone.dial(centre.number("95001"))
    await call.answered.wait()
    contact = await centre.contact(phone.user)
    await centre.happened(contact["id"], "Queued")
    pressed = await call.press("2")
    beep = await call.heard(tone=BEEP_HZ, since=pressed + 0.1)
    await centre.happened(contact["id"], "RecordingStarted", mode="message")
    assert beep > pressed
    return call, contact


async def speak(call: PhoneCall, seconds: float, seed: int = 7) -> Samples:
    """Say something of that length."""
    said = speech_like(seconds, seed=seed)
    call.play(sources.signal(said))
    await asyncio.sleep(seconds)
    return said


async def message(centre: Centre, contact: str, **fields: str) -> Row:
    """The contact's message with these fields, once it is there."""
    rows = await centre.eventually(
        lambda: centre.items("messages", contact=contact),
        lambda rows: len(rows) == 1 and all(rows[0][name] == value for name, value in fields.items()),
    )
    await centre.recording(contact)  # its file is closed
    row: Row = rows[0]
    return row


async def audio_of(centre: Centre, row: Row, *, user: str = "sup1") -> Samples:
    answer = await centre.ask("GET", f"messages/{row['id']}/audio", user=user)
    assert answer.status_code == 200, answer.text
    path = Path(centre.platform.data_dir) / f"{row['id']}.heard.wav"
    path.write_bytes(io.BytesIO(answer.content).getvalue())
    rate, (left, right) = audio.read_wav(path)
    path.unlink()
    assert rate == RATE
    assert (left == right).all(), "one side is heard on both channels"
    return left


@asynccontextmanager
async def left(centre: Centre, phone: MakePhone, *, seconds: float = 4.0) -> AsyncIterator[tuple[Row, Samples]]:
    """A message for support that a caller left by hanging up after the terminator; deleted afterwards."""
    caller = await phone(centre.new_caller(), source=sources.silence())
    call, contact = await at_the_beep(centre, caller)
    said = await speak(call, seconds)
    pressed = await call.press("#")
    await call.heard(speech=True, since=pressed + 0.1)
    await call.hang_up()
    assert (await centre.ended(caller.user))["outcome"] == "voice_mail"
    row = await message(centre, contact["id"], state="new", mailbox="queue:support")
    try:
        yield row, said
    finally:
        await centre.ask("DELETE", f"messages/{row['id']}")


async def test_what_was_spoken_is_what_is_played(centre: Centre, phone: MakePhone) -> None:
    async with left(centre, phone) as (row, said):
        assert row["seconds"] > 3.5
        assert row["caller"].startswith("1390")
        heard = await audio_of(centre, row)
        is_heard(said, heard)
        with pytest.raises(AssertionError):
            is_heard(speech_like(4.0, seed=99), heard)
        (recording,) = await centre.items("recordings", contact=row["contact"])
        assert recording["seconds"] == pytest.approx(row["seconds"], abs=0.001)
        assert (recording["id"], recording["mode"], recording["queue"]) == (row["id"], "message", "support")
        part = await centre.ask("GET", f"messages/{row['id']}/audio", headers={"Range": "bytes=0-99"})
        assert (part.status_code, len(part.content)) == (206, 100)
        story = [event["type"] for event in await centre.events(row["contact"])]
        assert story.count("MessageLeft") == 1
        queue = await centre.get("queues/support")
        assert (queue["new_messages"], queue["heard_messages"]) == (1, 0)
        await centre.eventually(
            centre.metrics, lambda text: '\ncc_voice_messages_waiting{queue="support"} 1.0\n' in text
        )


async def test_a_message_is_worked_on_by_those_whose_it_is(centre: Centre, phone: MakePhone) -> None:
    async with left(centre, phone) as (row, _):
        path = f"messages/{row['id']}"
        assert (await centre.ask("GET", path, user="1001")).status_code == 404, "sales agents see nothing of it"
        assert (await centre.ask("GET", f"{path}/audio", user="1001")).status_code == 404
        mine = await centre.get(path, user="1006")
        assert "*" in mine["caller"], "agents see no numbers"
        heard = await centre.ask("PUT", f"{path}/state", user="1006", json={"state": "heard"})
        assert (heard.status_code, heard.json()["state"], heard.json()["handled_by"]) == (200, "heard", "1006")
        queue = await centre.get("queues/support")
        assert (queue["new_messages"], queue["heard_messages"]) == (0, 1)

        given = await centre.ask("POST", f"{path}/hand-out", user="1006", json={"to": "agent:1001"})
        assert (given.json()["mailbox"], given.json()["state"]) == ("agent:1001", "new")
        assert (await centre.ask("GET", path, user="1006")).status_code == 404
        assert (await centre.get("agents/1001"))["new_messages"] == 1
        nobody = await centre.ask("POST", f"{path}/hand-out", user="1001", json={"to": "agent:4711"})
        assert nobody.status_code == 404

        done = await centre.ask("PUT", f"{path}/state", user="1001", json={"state": "handled", "note": "已回电"})
        assert (done.json()["state"], done.json()["note"]) == ("handled", "已回电")
        assert (await centre.get("agents/1001"))["new_messages"] == 0
        again = await centre.ask("PUT", f"{path}/state", user="1001", json={"state": "new"})
        assert again.json()["state"] == "new"
        assert (await centre.get("agents/1001"))["new_messages"] == 1
        assert (await centre.ask("DELETE", path, user="1001")).status_code == 204
        assert (await centre.ask("GET", path)).status_code == 404
        assert (await centre.get("agents/1001"))["new_messages"] == 0
        recording = await centre.get(f"recordings/{row['id']}")
        assert recording["deleted_at"] is None, "its recording is kept until its retention is over"


async def test_the_caller_is_called_back_from_his_message(centre: Centre, phone: MakePhone) -> None:
    async with left(centre, phone) as (row, _), open_lab(AutoAnswer()) as lab:
        promised = await centre.ask("POST", f"messages/{row['id']}/call-back", user="1006", json={})
        assert promised.status_code == 201, promised.text
        assert (await centre.get(f"messages/{row['id']}"))["state"] == "handled"
        async with centre.desk("1006", incoming=AutoAnswer()) as desk:
            agent = await desk.next_call()
            customer = await lab.next_call()
            await agent.answered.wait()
            await customer.answered.wait()
            await customer.hang_up()
            await agent.ended.wait()


@pytest.mark.parametrize("speaks", [False, True])
async def test_hanging_up_at_once_leaves_no_message(centre: Centre, phone: MakePhone, speaks: bool) -> None:
    caller = await phone(centre.new_caller(), source=sources.silence())
    call, contact = await at_the_beep(centre, caller)
    if speaks:
        await speak(call, 0.5)
    await call.hang_up()
    ended = await centre.ended(caller.user)
    assert ended["outcome"] == "abandoned_ivr"
    await centre.happened(contact["id"], "MessageDropped", reason="too_short")
    assert await centre.items("messages", contact=contact["id"]) == []
    assert await centre.items("recordings", contact=contact["id"]) == []


async def test_silence_is_no_message_and_the_caller_hears_so(centre: Centre, phone: MakePhone) -> None:
    caller = await phone(centre.new_caller(), source=sources.silence())
    call, contact = await at_the_beep(centre, caller)
    await centre.happened(contact["id"], "MessageDropped", reason="silent")
    assert (await call.ended.wait(15)).by == "peer"
    assert (await centre.ended(caller.user))["outcome"] == "self_service"
    assert await centre.items("recordings", contact=contact["id"]) == []


async def test_a_silence_ends_a_message_that_is_heard_and_recorded_again(centre: Centre, phone: MakePhone) -> None:
    caller = await phone(centre.new_caller(), source=sources.silence())
    call, contact = await at_the_beep(centre, caller)
    first = await speak(call, 3, seed=7)
    await centre.happened(contact["id"], "FlowNodeEntered", node="review")
    pressed = await call.press("1")
    await centre.happened(contact["id"], "FlowNodeEntered", node="listened")
    is_heard(first, call.recording().since(pressed))
    pressed = await call.press("3")
    await call.heard(tone=BEEP_HZ, since=pressed + 0.1)
    await centre.happened(contact["id"], "MessageDropped", reason="recorded_again")
    second = await speak(call, 3, seed=11)
    await call.hang_up()
    row = await message(centre, contact["id"], state="new")
    is_heard(second, await audio_of(centre, row))
    assert len(await centre.items("recordings", contact=contact["id"])) == 1
    await centre.ask("DELETE", f"messages/{row['id']}")


async def test_a_queue_that_nobody_serves_sends_its_callers_to_its_mailbox(
    centre: Centre, phone: MakePhone
) -> None:
    path = "configuration/queues/operator"
    queues = await centre.get("configuration/queues", user="admin")
    (before,) = [row for row in queues["items"] if row["id"] == "operator"]
    before.pop("id")
    sends = {**before, "overflows": [{"cause": "nobody", "kind": "voice_mail", "to": "operator"}]}
    assert (await centre.ask("PUT", path, user="admin", json=sends)).status_code == 200
    try:
        caller = await phone(centre.new_caller(), source=sources.silence())
        call = await caller.dial(centre.number("95000"))
        await call.answered.wait()
        contact = await centre.contact(caller.user)
        pressed = await call.press("0")
        await call.heard(tone=BEEP_HZ, since=pressed + 0.1)
        said = await speak(call, 3)
        await call.hang_up()
        row = await message(centre, contact["id"], mailbox="queue:operator")
        is_heard(said, await audio_of(centre, row))
        assert (await centre.ended(caller.user))["outcome"] == "voice_mail"
        await centre.ask("DELETE", f"messages/{row['id']}")
    finally:
        assert (await centre.ask("PUT", path, user="admin", json=before)).status_code == 200


async def test_an_agent_hears_new_messages_by_phone_and_deletes_one(centre: Centre, phone: MakePhone) -> None:
    async with left(centre, phone) as (row, said), centre.desk("1006", ready=False) as desk:
        call = await desk.dial(centre.number("*97"))
        await call.answered.wait()
        contact = await centre.contact(desk.user)
        await centre.happened(contact["id"], "FlowNodeEntered", node="what_now")
        is_heard(said, call.recording().since(0.0))
        assert (await centre.get(f"messages/{row['id']}"))["state"] == "heard"
        await call.press("7")
        await centre.eventually(lambda: centre.items("messages", contact=row["contact"]), lambda rows: not rows)
        await call.hang_up()


async def test_a_recording_removed_underneath_is_told_plainly(centre: Centre, phone: MakePhone) -> None:
    async with left(centre, phone) as (row, _), centre.desk("1006", ready=False) as desk:
        (file,) = centre.platform.data_dir.rglob(f"{row['id']}.sealed")
        file.unlink()
        answer = await centre.ask("GET", f"messages/{row['id']}/audio")
        assert (answer.status_code, answer.json()["code"]) == (404, "recording_gone")
        call = await desk.dial(centre.number("*97"))
        await call.answered.wait()
        contact = await centre.contact(desk.user)
        await centre.happened(contact["id"], "FlowNodeEntered", node="lost")
        await call.hang_up()
