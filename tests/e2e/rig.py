"""What the failure and operation tests share: a talk of caller and agent, and the journal as it lies there."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path
from typing import Any, Final

import asyncpg
import httpx

from ccplatform.storage.embedded import EmbeddedPostgres
from tests.e2e.centre import AGENT_HZ, CALLER_HZ, Centre
from tests.support import audio, sources
from tests.support.fixtures import MakePhone
from tests.support.g711 import RATE, Samples
from tests.support.milestone import PATIENCE
from tests.support.phone import AutoAnswer, Incoming, SipPhone
from tests.support.phone_call import PhoneCall
from tests.support.platform import PlatformProcess

#: Shortest piece of a talk that is looked at for the other side's tone, seconds.
PIECE_SECONDS: Final = 0.1
#: Longest way of a sound from one phone to the other, both buffers on it included.
UNDERWAY_SECONDS: Final = 0.3


@asynccontextmanager
async def centre_of(platform: PlatformProcess, callers: Iterator[int]) -> AsyncIterator[Centre]:
    """A centre on a platform that is not the session's."""
    async with httpx.AsyncClient(base_url=platform.http, timeout=PATIENCE) as client:
        yield Centre(platform, {}, callers, client)


@dataclass(slots=True)
class Talk:
    """Caller and agent talking, each saying a tone of his own."""

    number: str
    contact: str
    phone: SipPhone
    caller: PhoneCall
    desk: SipPhone
    agent: PhoneCall

    async def hear_each_other(self, since: float) -> None:
        """Wait until each heard the other's tone after an instant."""
        await self.caller.heard(tone=AGENT_HZ, since=since)
        await self.agent.heard(tone=CALLER_HZ, since=since)

    def _said_in_time(self, begin: float, end: float) -> bool:
        """Whether both phones stood still at no moment that decides what is heard in this piece."""
        stalls = self.caller.rtp.stalls + self.agent.rtp.stalls
        return all(end < stood or begin > went_on + UNDERWAY_SECONDS for stood, went_on in stalls)

    def heard_without_a_gap(self, since: float, until: float) -> None:
        """Both heard the other's tone in every piece between two instants in which the phones themselves ran."""
        for call, hertz in ((self.caller, AGENT_HZ), (self.agent, CALLER_HZ)):
            heard = call.recording().since(since)[: round((until - since) * RATE)]
            piece = round(PIECE_SECONDS * RATE)
            pieces = [heard[at : at + piece] for at in range(0, len(heard) - piece, piece)]
            starts = [since + number * PIECE_SECONDS for number in range(len(pieces))]
            judged = [number for number, at in enumerate(starts) if self._said_in_time(at, at + PIECE_SECONDS)]
            assert len(judged) > max(5, len(pieces) // 2), f"{call.story()}; stalls {self.caller.rtp.stalls}"
            missing = [number for number in judged if not audio.has_tone(pieces[number], hertz)]
            # One piece may suffer when this machine is busy: phones and platform share its few cores.
            apart = all(later - earlier > 1 for earlier, later in pairwise(missing))
            assert len(missing) <= 1 + len(pieces) // 30, f"{call.phone.name}: no {hertz:g} Hz in {missing}"
            assert apart, f"{call.phone.name}: no {hertz:g} Hz in pieces {missing} of {len(pieces)}"


@asynccontextmanager
async def talking(
    centre: Centre,
    agent: str = "1004",
    *,
    dialled: str = "95001",
    incoming: Incoming | None = None,
    transport: str = "udp",
) -> AsyncIterator[Talk]:
    """A talk of a new caller with an agent, whose phone uses ``transport``."""
    number = centre.new_caller()
    async with (
        centre.desk(agent, incoming=incoming or AutoAnswer(), transport=transport) as desk,
        SipPhone(number, source=sources.tone(CALLER_HZ)) as phone,
    ):
        caller = await phone.dial(centre.number(dialled))
        answered = await desk.next_call()
        await answered.answered.wait()
        contact = await centre.contact(number)
        talk = Talk(number, contact["id"], phone, caller, desk, answered)
        await talk.hear_each_other(answered.answered.at or 0.0)
        yield talk


async def is_served(centre: Centre, phone: MakePhone) -> None:
    """A new caller hears the menu, asks for a balance and talks with an agent, whose wrap-up ends."""
    number = centre.new_caller()
    caller = await phone(number)
    async with centre.desk("1006") as desk:
        call = await caller.dial(centre.number("95000"))
        await call.heard(speech=True)
        pressed = await call.press("3600001#", seconds=0.06, gap=0.06)
        await call.heard(speech=True, since=pressed + 0.1)
        await call.press("2")
        ringing = await desk.next_call()
        await ringing.answer()
        await call.heard(tone=AGENT_HZ)
        await call.hang_up()
        await centre.agent_is("1006", "wrap_up")
        await centre.set_state("1006", "not_ready")
    await centre.ended(number)


def share_with_tone(samples: Samples, hertz: float) -> float:
    """In which share of its pieces a recording holds a tone."""
    piece = round(PIECE_SECONDS * RATE)
    pieces = [samples[at : at + piece] for at in range(0, len(samples) - piece, piece)]
    return sum(audio.has_tone(part, hertz) for part in pieces) / len(pieces) if pieces else 0.0


class Journal:
    """The journal's table, read past the platform."""

    def __init__(self, platform: PlatformProcess) -> None:
        self._dsn = EmbeddedPostgres(platform.data_dir / "postgres").dsn()

    async def rows(self, query: str, *arguments: Any) -> list[asyncpg.Record]:
        """Any query."""
        connection = await asyncpg.connect(self._dsn)
        try:
            return list(await connection.fetch(query, *arguments))
        finally:
            await connection.close()

    async def without_gaps(self) -> dict[str, int]:
        """Every epoch's events are numbered from 1 without a gap or a repetition; the last number by epoch."""
        rows = await self.rows("SELECT epoch, seq FROM journal ORDER BY epoch, seq")
        last: dict[str, int] = {}
        for row in rows:
            epoch = str(row["epoch"])
            assert row["seq"] == last.get(epoch, 0) + 1, f"epoch {epoch}: {row['seq']} after {last.get(epoch, 0)}"
            last[epoch] = row["seq"]
        return last

    async def story(self, contact: str) -> list[str]:
        """The kinds of a contact's events, in order of their making."""
        query = "SELECT type FROM journal WHERE contact = $1::uuid AND type <> 'SipMessageSeen' ORDER BY at, seq"
        return [row["type"] for row in await self.rows(query, contact)]


def metric(text: str, name: str, **labels: str) -> float | None:
    """One sample of a Prometheus page; None when it is not there."""
    for line in text.splitlines():
        head, _, value = line.rpartition(" ")
        found, _, inside = head.partition("{")
        given = dict(part.split("=", 1) for part in inside.rstrip("}").split(",") if part)
        if found == name and all(given.get(key) == json.dumps(wanted) for key, wanted in labels.items()):
            return float(value)
    return None


def once(story: list[str], *kinds: str) -> None:
    """Each of these kinds is in the story exactly once, and in this order."""
    counts = Counter(story)
    assert all(counts[kind] == 1 for kind in kinds), {kind: counts[kind] for kind in kinds}
    assert sorted(kinds, key=story.index) == list(kinds), story


def calls_in_vain(directory: Path) -> dict[str, str]:
    """The environment of a platform whose mystery caller dials a number that nobody has, again and again."""
    plan = directory / "plan.toml"
    lines = ["channels = 1", 'caller = "13900000000"', "[visit]", 'number = "95999"']
    plan.write_text("\n".join([*lines, 'steps = [{ hear = "greeting" }]', ""]), encoding="utf-8")
    return {
        "CCP_PROBE__EVERY_SECONDS": "0.1",
        "CCP_PROBE__FIRST_SECONDS": "0",
        "CCP_PROBE__PLAN": str(plan),
    }
