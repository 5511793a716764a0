"""An agent asks a colleague about his caller, hands him over, confers: what each of them hears."""

from __future__ import annotations

import io
import time
import wave
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from itertools import groupby
from typing import TypeAlias

import numpy as np
import pytest

from tests.e2e.centre import AGENT_HZ, CALLER_HZ, Centre, Row
from tests.e2e.test_calls_agent import is_music
from tests.support import audio, sources
from tests.support.fixtures import MakePhone
from tests.support.g711 import RATE, Samples
from tests.support.phone import SipPhone
from tests.support.phone_call import PhoneCall

#: Tones that are heard together.
Chords: TypeAlias = set[tuple[float, ...]]
#: What a phone says for a moment when this machine is busy.
SILENCE: Chords = {()}
#: What the colleague says.
EXPERT_HZ = 620.0
#: What may be left of a tone that is not to be heard, dBm0: below what companding noise makes of the others.
UNHEARD_DBM0 = -50.0


@dataclass
class Asking:
    """A caller who talks with agent 1004, and a colleague's phone."""

    centre: Centre
    number: str
    caller: PhoneCall
    agent: PhoneCall
    expert_desk: SipPhone
    row: Row

    async def order(self, what: str, method: str = "POST", **body: str) -> None:
        answer = await self.centre.ask(method, f"calls/{self.row['id']}/{what}", user="1004", json=body)
        assert answer.status_code == 200, answer.text

    async def expert_answers(self) -> PhoneCall:
        ringing = await self.expert_desk.next_call()
        await ringing.answer()
        return ringing


@asynccontextmanager
async def asking(centre: Centre, phone: MakePhone) -> AsyncIterator[Asking]:
    number = centre.new_caller()
    caller = await phone(number, source=sources.tone(CALLER_HZ))
    async with (
        centre.desk("1004") as desk,
        centre.desk("1005", ready=False, source=sources.tone(EXPERT_HZ)) as expert_desk,
    ):
        call = await caller.dial(centre.number("95001"))
        ringing = await desk.next_call()
        await ringing.answer()
        await call.heard(tone=AGENT_HZ)
        rows = await centre.eventually(
            lambda: centre.items("calls", user="1004"), lambda rows: rows and rows[0]["stage"] == "talking"
        )
        yield Asking(centre, number, call, ringing, expert_desk, rows[0])


async def hears(call: PhoneCall, *tones: float) -> None:
    """From now on these tones are heard there, and none of the other parties'."""
    now = time.monotonic()
    for hertz in tones:
        await call.heard(tone=hertz, since=now)
    settled = call.ear.packets[-1].at + 0.1
    await call.heard(tone=tones[0], since=settled + 0.5)
    heard = call.recording().since(settled)
    for hertz in {CALLER_HZ, AGENT_HZ, EXPERT_HZ} - set(tones):
        level = audio.tone_level_dbm0(heard, hertz)
        assert level < UNHEARD_DBM0, f"{hertz:g} Hz at {level:.1f} dBm0: {audio.describe(heard)}"


async def hears_music(call: PhoneCall) -> None:
    since = call.ear.packets[-1].at + 0.1
    await call.heard(since=since + 2.0)
    heard = call.recording().since(since)
    assert is_music(heard), audio.describe(heard)
    for hertz in (AGENT_HZ, EXPERT_HZ):
        assert not audio.has_tone(heard, hertz), audio.describe(heard)


async def test_consult_swap_confer_and_leave(centre: Centre, phone: MakePhone) -> None:
    async with asking(centre, phone) as talk:
        await talk.order("consult", agent="1005")
        await centre.agent_is("1005", "reserved")
        await centre.agent_is("1004", "held")
        expert = await talk.expert_answers()
        assert expert.caller == talk.number
        await hears(talk.agent, EXPERT_HZ)
        await hears(expert, AGENT_HZ)
        await hears_music(talk.caller)

        await talk.order("swap")
        await hears(talk.agent, CALLER_HZ)
        await hears(talk.caller, AGENT_HZ)
        await hears_music(expert)

        await talk.order("conference")
        await hears(talk.caller, AGENT_HZ, EXPERT_HZ)
        await hears(talk.agent, CALLER_HZ, EXPERT_HZ)
        await hears(expert, CALLER_HZ, AGENT_HZ)
        rows = await centre.items("calls")
        assert [(row["agent"], [p["agent"] for p in row["parties"]]) for row in rows] == [("1004", ["1005"])]

        await talk.agent.hang_up()
        await hears(talk.caller, EXPERT_HZ)
        await hears(expert, CALLER_HZ)
        await centre.agent_is("1004", "wrap_up")
        await centre.agent_is("1005", "talking")
        await talk.caller.hang_up()
        assert (await expert.ended.wait()).by == "peer"
        await centre.agent_is("1005", "wrap_up")  # as after any call of that queue
    contacts = await centre.eventually(
        lambda: centre.items("contacts", caller=talk.number), lambda rows: all(row["outcome"] for row in rows)
    )
    consultation, contact = contacts
    assert (contact["outcome"], contact["agent"], contact["queue"]) == ("handled", "1005", "support")
    assert (consultation["direction"], consultation["outcome"]) == ("internal", "handled")
    talks = [event["data"] for event in await centre.events(contact["id"]) if event["type"] == "TalkEnded"]
    assert [data["agent"] for data in talks] == ["1004", "1005"]
    await centre.nothing_left()
    (asked,) = await recorded(centre, consultation["id"])
    assert {(AGENT_HZ,)} <= asked[0] <= {(), (AGENT_HZ,)}
    assert asked[1] - SILENCE == {(EXPERT_HZ,)}
    first, second = await recorded(centre, contact["id"])
    for left, _ in (first, second):
        assert left - SILENCE == {(CALLER_HZ,)}
    assert first[1] == {(AGENT_HZ,), (), (AGENT_HZ, EXPERT_HZ)}  # alone, while he asks, in the conference
    assert second[1] - SILENCE == {(EXPERT_HZ,)}


async def test_who_is_asked_or_joined_hangs_up_his_part_and_ending_it_for_all_ends_it(
    centre: Centre, phone: MakePhone
) -> None:
    async with asking(centre, phone) as talk:
        call = f"calls/{talk.row['id']}"
        await talk.order("consult", agent="1005")
        expert = await talk.expert_answers()
        await hears(expert, AGENT_HZ)
        (asked,) = [row for row in await centre.items("calls") if row["consult_of"] == talk.row["contact"]]
        held = await centre.ask("POST", f"calls/{asked['id']}/hold", user="1005")
        assert (held.status_code, held.json()["code"]) == (409, "only_asked"), held.text
        left = await centre.ask("POST", f"calls/{asked['id']}/hangup", user="1005")
        assert left.status_code == 200, left.text
        assert (await expert.ended.wait()).by == "peer"
        await hears(talk.caller, AGENT_HZ)
        await centre.set_state("1005", "ready", user="1005")  # his wrap-up is over

        await talk.order("consult", agent="1005")
        expert = await talk.expert_answers()
        await talk.order("conference")
        await hears(talk.caller, AGENT_HZ, EXPERT_HZ)
        left = await centre.ask("POST", f"{call}/hangup", user="1005")
        assert left.status_code == 200, left.text
        assert (await expert.ended.wait()).by == "peer"
        await hears(talk.caller, AGENT_HZ)
        await hears(talk.agent, CALLER_HZ)

        await centre.set_state("1005", "ready", user="1005")  # his wrap-up is over
        await talk.order("consult", agent="1005")
        expert = await talk.expert_answers()
        await talk.order("conference")
        await hears(talk.caller, AGENT_HZ, EXPERT_HZ)
        await talk.order("hangup", key="mine")
        assert (await talk.agent.ended.wait()).by == "peer"
        await hears(talk.caller, EXPERT_HZ)
        await hears(expert, CALLER_HZ)
        again = await centre.ask("POST", f"{call}/hangup", user="1004", json={"key": "mine"})
        assert again.status_code == 200, again.text  # the answer was lost: he has it, and nobody is cut off
        other = await centre.ask("POST", f"{call}/hangup", user="1004", json={"key": "another"})
        assert other.status_code in (403, 409), other.text
        await hears(talk.caller, EXPERT_HZ)
        assert (await centre.ask("DELETE", call, user="1005")).status_code == 200
        assert (await talk.caller.ended.wait()).by == "peer"
        assert (await expert.ended.wait()).by == "peer"
    await centre.nothing_left()


async def recorded(centre: Centre, contact: str) -> list[tuple[Chords, Chords]]:
    """Of each of a contact's recordings, oldest first, who is heard together on the left and on the right."""
    rows = await centre.items("recordings", contact=contact)
    found = []
    for row in sorted(rows, key=lambda row: str(row["started_at"])):
        data = await centre.ask("GET", f"recordings/{row['id']}/audio")
        with wave.open(io.BytesIO(data.content)) as file:
            samples = np.frombuffer(file.readframes(file.getnframes()), dtype="<i2").reshape(-1, 2)
        found.append((chords(samples[:, 0]), chords(samples[:, 1])))
    return found


def chords(samples: Samples) -> Chords:
    """Which tones are heard together, for half a second at least."""
    piece = RATE // 10
    heard = [
        tuple(
            hertz
            for hertz in (CALLER_HZ, AGENT_HZ, EXPERT_HZ)
            if audio.tone_level_dbm0(samples[at : at + piece], hertz) > UNHEARD_DBM0
        )
        for at in range(0, len(samples) - piece, piece)
    ]
    return {chord for chord, pieces in groupby(heard) if len(list(pieces)) >= 5}


async def test_consult_a_queue_and_hand_the_caller_over(centre: Centre, phone: MakePhone) -> None:
    async with asking(centre, phone) as talk:
        await talk.order("consult", queue="support")
        await hears_music(talk.caller)
        queue = await centre.get("queues/support")
        assert queue["waiting"] == 1  # the consultation, with a place of its own
        await centre.set_state("1005", "ready")
        expert = await talk.expert_answers()
        await hears(expert, AGENT_HZ)
        await talk.order("complete")
        assert (await talk.agent.ended.wait()).by == "peer"
        await hears(talk.caller, EXPERT_HZ)
        await hears(expert, CALLER_HZ)
        await centre.agent_is("1004", "wrap_up")
        await talk.caller.hang_up()
    contact = await centre.happened((await centre.ended(talk.number))["id"], "ContactArrived")
    assert contact["consult_of"] == talk.row["contact"]


async def test_who_gets_a_caller_is_offered_nothing_else_meanwhile(centre: Centre, phone: MakePhone) -> None:
    async with asking(centre, phone) as talk:
        await talk.order("transfer", agent="1005")
        ringing = await talk.expert_desk.next_call()
        await centre.set_state("1005", "ready")
        second = await (await phone(centre.new_caller())).dial(centre.number("95001"))
        await centre.eventually(lambda: centre.get("queues/support"), lambda row: row["waiting"] == 1)
        assert (await centre.get("agents/1005"))["state"] == "reserved"
        await ringing.answer()
        await hears(talk.caller, EXPERT_HZ)
        assert (await talk.agent.ended.wait()).by == "peer"
        assert len(talk.expert_desk.calls) == 1
        await second.hang_up()
        await talk.caller.hang_up()


async def test_a_colleague_who_does_not_answer_gives_the_caller_back(centre: Centre, phone: MakePhone) -> None:
    async with asking(centre, phone) as talk:
        await talk.order("consult", agent="1005")
        ringing = await talk.expert_desk.next_call()
        ringing.reject(486)
        await hears(talk.agent, CALLER_HZ)
        await hears(talk.caller, AGENT_HZ)
        answer = await centre.ask("POST", f"calls/{talk.row['id']}/complete", user="1004")
        assert (answer.status_code, answer.json()["code"]) == (409, "not_in_this_state")
        await talk.caller.hang_up()


@pytest.mark.parametrize("then", ["complete", "cancel"])
async def test_a_consultation_outlives_control(centre: Centre, phone: MakePhone, then: str) -> None:
    async with asking(centre, phone) as talk:
        await talk.order("consult", agent="1005")
        expert = await talk.expert_answers()
        await hears(expert, AGENT_HZ)
        killed = await centre.kill_control()
        await centre.platform.wait_ready_again("control", killed)
        await centre.agent_is("1005", "talking")
        await hears(talk.agent, EXPERT_HZ)
        await talk.order(then)
        await hears(talk.caller, EXPERT_HZ if then == "complete" else AGENT_HZ)
        await talk.caller.hang_up()
        await (expert if then == "complete" else talk.agent).ended.wait()
    await centre.nothing_left()


async def test_a_supervisor_listens_whispers_and_barges(centre: Centre, phone: MakePhone) -> None:
    """The caller hears nothing of a whisper: the level of the supervisor's tone is measured."""
    async with asking(centre, phone) as talk:

        async def does(what: str) -> None:
            order = {"seat": "seat-05"}
            answer = await centre.ask("POST", f"calls/{talk.row['id']}/{what}", user="sup1", json=order)
            assert answer.status_code == 200, answer.text

        await does("monitor")
        supervisor = await talk.expert_answers()
        await hears(supervisor, CALLER_HZ, AGENT_HZ)
        await hears(talk.caller, AGENT_HZ)
        await hears(talk.agent, CALLER_HZ)
        await does("whisper")
        await hears(talk.agent, CALLER_HZ, EXPERT_HZ)
        await hears(talk.caller, AGENT_HZ)
        await does("barge")
        await hears(talk.caller, AGENT_HZ, EXPERT_HZ)
        await does("take-over")
        await hears(talk.caller, EXPERT_HZ)
        await hears(supervisor, CALLER_HZ)
        assert (await talk.agent.ended.wait()).by == "peer"
        await talk.caller.hang_up()
        assert (await supervisor.ended.wait()).by == "peer"
    audited = await centre.items("audit", user="auditor1")
    actions = [row["action"] for row in audited if row["object"] == talk.row["id"]]
    assert sorted(actions) == ["call.barge", "call.monitor", "call.take_over", "call.whisper"]
    await centre.nothing_left()
