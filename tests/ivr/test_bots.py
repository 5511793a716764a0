"""The relays' process between a tap, a file and a bot that we play: talks, faults, alarms that clear."""

from __future__ import annotations

import asyncio
import ssl
import sys
import time
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from http import HTTPStatus
from pathlib import Path
from typing import Any, TypeVar

import psutil
import pytest
from websockets.asyncio.server import ServerConnection, serve
from websockets.http11 import Request, Response
from websockets.server import ServerProtocol

from ccplatform.contracts.words import ContactId
from ccplatform.kernel.clock import SystemClock
from ccplatform.kernel.tasks import TaskSupervisor
from ivr.bots.sessions import ALL, AWAY, FAULT, Bots
from ivr.settings import BotSettings
from ivr.work import (
    BotDone,
    BotFailed,
    BotReady,
    BotResult,
    BotSaid,
    BotSounds,
    BotVoice,
    CloseBot,
    OpenBot,
    TellKey,
)
from tests.gateway.sip.certificates import self_signed
from tests.ivr.bot_server import FRAME, RATE, FakeBot, Tap, bot_at, bot_on_tcp
from tests.support.alarms import Alarms

PARROT = """
import asyncio, sys
from ivr.bots.parrot import run_parrot
asyncio.run(run_parrot(sys.argv[1], lambda: print("ready", flush=True)))
"""
CONTACT = ContactId("01900000-0000-7000-8000-000000000001")
ResultT = TypeVar("ResultT")


class Desk:
    """Sessions that talk with bots."""

    def __init__(self, directory: Path, **bots: Any) -> None:
        self.alarms = Alarms()
        self.tasks = TaskSupervisor(SystemClock())
        self.events: list[BotResult] = []
        self.changed = asyncio.Event()
        self.tap: Tap | None = None  # sends on while something is waited for, if a test says so
        settings = {name: BotSettings(**{"sample_rate": RATE, **bot}) for name, bot in bots.items()}
        self.bots = Bots(settings, sockets=directory, clock=SystemClock(), alarms=self.alarms, tasks=self.tasks)

    def open(self, bot: str = "helper", talk: int = 1, *, barge_in: bool = True, resumed: bool = False) -> None:
        order = OpenBot(
            talk=talk,
            bot=bot,
            language="en",
            max_seconds=60.0,
            resumed=resumed,
            barge_in=barge_in,
            variables={"caller": "13800000001"},
        )
        self.bots.perform(CONTACT, order, self._took)

    def order(self, order: TellKey | BotVoice | CloseBot) -> None:
        self.bots.perform(CONTACT, order, self._took)

    def _took(self, event: BotResult) -> None:
        self.events.append(event)
        self.changed.set()

    async def until(self, fits: Callable[[], bool], limit: float = 15.0) -> None:
        async with asyncio.timeout(limit):
            while not fits():
                self.changed.clear()
                if self.tap is not None:
                    self.tap.send()
                waiting = asyncio.ensure_future(self.changed.wait())
                await asyncio.wait((waiting,), timeout=0.02)  # alarms tell nobody
                waiting.cancel()

    async def got(self, kind: type[ResultT]) -> ResultT:
        await self.until(lambda: any(isinstance(event, kind) for event in self.events))
        return next(event for event in self.events if isinstance(event, kind))

    def up(self) -> set[tuple[str, str]]:
        return set(self.alarms.up)


@asynccontextmanager
async def desk_of(directory: Path, **bots: Any) -> AsyncIterator[Desk]:
    desk = Desk(directory, **bots)
    await desk.bots.prepare()
    try:
        yield desk
    finally:
        await desk.bots.close()
        await desk.tasks.close()


UNIX = {"url": "unix:helper.sock", "start_seconds": 5.0, "slow_seconds": 5.0}


@asynccontextmanager
async def talking(directory: Path, bot: FakeBot, **settings: Any) -> AsyncIterator[tuple[Desk, BotReady, Tap]]:
    async with (
        bot_at(directory / "helper.sock", bot),
        desk_of(directory, helper={**UNIX, **settings}) as desk,
    ):
        desk.open()
        ready = await desk.got(BotReady)
        tap = Tap(ready.path)
        yield desk, ready, tap
        tap.close()


def content(path: str) -> bytes:
    return Path(path).read_bytes()


def size(path: str) -> int:
    return Path(path).stat().st_size


async def test_a_talk_goes_both_ways_and_ends(tmp_path: Path) -> None:
    said = bytes(range(1, 201)) * 8  # 1,600 bytes are 5 frames
    bot = FakeBot()
    async with talking(tmp_path, bot, secret="token-1") as (desk, ready, tap):
        assert bot.tokens == ["Bearer token-1"]
        (start,) = bot.starts
        assert start == {
            "type": "start",
            "version": 1,
            "contact": CONTACT,
            "language": "en",
            "rate": RATE,
            "max_seconds": 60.0,
            "resumed": False,
            "variables": {"caller": "13800000001"},
        }
        tap.send(b"\1\0" * 160)
        await bot.until(lambda: len(bot.heard) == 320)
        assert bytes(bot.heard) == b"\1\0" * 160
        desk.order(TellKey(talk=1, digit="5"))
        await bot.until(lambda: {"type": "dtmf", "digit": "5"} in bot.told)

        await bot.sound(said)
        await bot.say(type="mark", name="said")
        await bot.say(type="turn", speaker="caller", text="It is 4111 1111 1111 1111.")
        await bot.say(type="transfer", to="people", variables={"topic": "card"})
        turn = await desk.got(BotSaid)
        assert (turn.speaker, turn.text) == ("caller", "It is ****1111.")
        assert not any(isinstance(event, BotDone) for event in desk.events), "he has not heard it yet"
        desk.tap = tap
        done = await desk.got(BotDone)
        desk.tap = None
        assert (done.to, done.variables) == ("people", {"topic": "card"})
        assert said in content(ready.sound)
        await bot.until(lambda: {"type": "mark", "name": "said", "played": True} in bot.told)
        desk.order(CloseBot(talk=1, reason="transfer"))
        await bot.until(lambda: {"type": "stop", "reason": "transfer"} in bot.told)
        await desk.until(lambda: not list(tmp_path.glob("bot-*")))
        assert not desk.up()
        assert desk.bots.states["helper"].talks == 0


async def test_a_voice_silences_the_bot(tmp_path: Path) -> None:
    bot = FakeBot()
    async with talking(tmp_path, bot) as (desk, _, tap):
        await bot.sound(b"\7\7" * RATE)
        await bot.say(type="mark", name="all")
        began = tap.send()
        desk.order(BotVoice(talk=1, speaking=True, at=began))
        await bot.until(lambda: {"type": "voice", "speaking": True} in bot.told)
        tap.send(at=began + 0.2)
        tap.send(at=began + 0.3)
        await bot.until(lambda: {"type": "cleared"} in bot.told)
        assert {"type": "mark", "name": "all", "played": False} in bot.told
        await bot.say(type="end", outcome="quiet")
        desk.tap = tap
        assert (await desk.got(BotDone)).outcome == "quiet"


async def test_a_bot_may_be_deaf_to_that_and_clear_by_itself(tmp_path: Path) -> None:
    bot = FakeBot()
    async with (
        bot_at(tmp_path / "helper.sock", bot),
        desk_of(tmp_path, helper=UNIX) as desk,
    ):
        desk.open(barge_in=False)
        tap = Tap((await desk.got(BotReady)).path)
        await bot.sound(b"\7\7" * RATE)
        await bot.say(type="mark", name="all")
        began = tap.send()
        desk.order(BotVoice(talk=1, speaking=True, at=began))
        tap.send(at=began + 0.4)
        await bot.say(type="clear")
        await bot.until(lambda: {"type": "mark", "name": "all", "played": False} in bot.told)
        assert {"type": "cleared"} not in bot.told
        tap.close()


async def test_a_leg_that_moves_to_another_worker_hears_on_from_another_file(tmp_path: Path) -> None:
    bot = FakeBot()
    async with talking(tmp_path, bot) as (desk, ready, tap):
        await bot.sound(b"\7\7" * 320)
        desk.tap = tap
        await desk.until(lambda: size(ready.sound) > 0)
        desk.tap = None
        tap.close()
        second = Tap(ready.path)
        moved = await desk.got(BotSounds)
        assert moved.sound != ready.sound
        assert size(ready.sound) == 0, "what was heard is not played again"
        await bot.sound(b"\5\5" * 160)
        desk.tap = second
        await desk.until(lambda: b"\5\5" * 160 in content(moved.sound))
        second.close()


async def test_a_bot_that_is_away_fails_at_once_and_the_alarm_clears_when_it_is_back(tmp_path: Path) -> None:
    async with desk_of(tmp_path, helper=UNIX) as desk:
        desk.open()
        assert (await desk.got(BotFailed)).cause == "bot_unavailable"
        assert desk.up() == {(AWAY, "helper")}
        assert desk.bots.states["helper"].away
        async with bot_at(tmp_path / "helper.sock", FakeBot()):
            await desk.until(lambda: not desk.up())
            assert not desk.bots.states["helper"].away


async def test_a_bot_that_is_never_ready_is_away(tmp_path: Path) -> None:
    async with (
        bot_at(tmp_path / "helper.sock", FakeBot(ready=False)),
        desk_of(tmp_path, helper={**UNIX, "start_seconds": 0.3}) as desk,
    ):
        desk.open()
        assert (await desk.got(BotFailed)).cause == "bot_unavailable"


async def test_a_bot_that_leaves_is_a_failure(tmp_path: Path) -> None:
    async def leave(bot: FakeBot) -> None:
        assert bot.connection is not None
        await bot.connection.close()

    async with bot_at(tmp_path / "helper.sock", FakeBot(leave)), desk_of(tmp_path, helper=UNIX) as desk:
        desk.open()
        assert (await desk.got(BotFailed)).cause == "bot_left"


async def _raw(bot: FakeBot, text: str) -> None:
    assert bot.connection is not None
    await bot.connection.send(text)


@pytest.mark.parametrize(
    ("fault", "reason"),
    [
        (lambda bot: _raw(bot, "no json"), "no message of this protocol"),
        (lambda bot: bot.say(type="ready"), "ready twice"),
        (lambda bot: bot.sound(b"\0"), "half a sample"),
        (lambda bot: bot.sound(bytes(2 * RATE + 2)), "more sound"),
        (lambda bot: _turns(bot, 4), "more than 3 turns"),
        (lambda bot: _clears(bot, 200), "messages in a second"),
    ],
)
async def test_what_a_bot_may_not_do_ends_the_talk(tmp_path: Path, fault: Any, reason: str) -> None:
    async with (
        bot_at(tmp_path / "helper.sock", FakeBot(fault)),
        desk_of(tmp_path, helper={**UNIX, "max_turns": 3, "max_buffered_seconds": 1.0}) as desk,
    ):
        desk.open()
        assert (await desk.got(BotFailed)).cause == "bot_fault"
        assert reason in desk.alarms.up[FAULT, "helper"][1]


async def _turns(bot: FakeBot, count: int) -> None:
    for _ in range(count):
        await bot.say(type="turn", speaker="bot", text="x")


async def _clears(bot: FakeBot, count: int) -> None:
    for _ in range(count):
        await bot.say(type="clear")


async def test_a_bot_that_is_no_longer_alive_is_slow_or_gone(tmp_path: Path) -> None:
    """It is ready, and then reads nothing and answers no ping."""
    over = asyncio.Event()

    async def hang(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        protocol = ServerProtocol()
        protocol.receive_data(await reader.readuntil(b"\r\n\r\n"))
        (request,) = protocol.events_received()
        assert isinstance(request, Request)
        protocol.send_response(protocol.accept(request))
        protocol.send_text(b'{"type": "ready"}')
        writer.write(b"".join(protocol.data_to_send()))
        await over.wait()
        writer.close()

    server = await asyncio.start_unix_server(hang, tmp_path / "helper.sock")
    async with server, desk_of(tmp_path, helper={**UNIX, "slow_seconds": 0.5}) as desk:
        desk.open()
        await desk.got(BotReady)
        assert (await desk.got(BotFailed)).cause in ("bot_slow", "bot_left")
        assert (AWAY, "helper") in desk.up()
        over.set()


async def test_private_addresses_are_not_connected_to_unless_listed(tmp_path: Path) -> None:
    bot = FakeBot()
    async with bot_on_tcp(bot) as url:
        near: dict[str, Any] = {"url": url, "networks": ["127.0.0.0/8"]}
        async with desk_of(tmp_path, far={"url": url}, near=near) as desk:
            desk.open("far")
            assert (await desk.got(BotFailed)).cause == "bot_unavailable"
            assert "no address" in desk.alarms.up[AWAY, "far"][1]
            desk.open("near", talk=2)
            await desk.got(BotReady)
            assert len(bot.starts) == 1


async def test_a_bot_is_who_its_certificate_says_or_is_not_talked_to(tmp_path: Path) -> None:
    files = self_signed(tmp_path, "127.0.0.1")
    tls = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    tls.load_cert_chain(files.certificate, files.key)
    bot = FakeBot()
    async with bot_on_tcp(bot, tls) as url:
        unknown: dict[str, Any] = {"url": url, "networks": ["127.0.0.0/8"]}
        known = {**unknown, "ca_file": str(files.certificate), "secret": "token"}
        lost = {**unknown, "ca_file": str(tmp_path / "no.pem")}
        async with desk_of(tmp_path, unknown=unknown, known=known, lost=lost) as desk:
            for talk, name in enumerate(("unknown", "lost"), start=1):
                desk.open(name, talk=talk)
                await desk.until(lambda talk=talk: BotFailed(talk=talk, cause="bot_unavailable") in desk.events)  # type: ignore[misc]
            assert {(AWAY, "unknown"), (AWAY, "lost")} <= desk.up()
            assert "certificate" in desk.alarms.up[AWAY, "unknown"][1]
            desk.open("known", talk=3)
            await desk.got(BotReady)
            assert (len(bot.starts), bot.tokens) == (1, ["Bearer token"])


async def test_redirects_are_not_followed(tmp_path: Path) -> None:
    bot = FakeBot()

    def elsewhere(connection: ServerConnection, _: Request) -> Response:
        response = connection.respond(HTTPStatus.FOUND, "")
        response.headers["Location"] = "/talk"
        return response

    async with serve(bot.talk, "127.0.0.1", 0, process_request=elsewhere) as server:
        port = next(iter(server.sockets)).getsockname()[1]
        there = {"url": f"ws://127.0.0.1:{port}/", "networks": ["127.0.0.0/8"]}
        async with desk_of(tmp_path, helper=there) as desk:
            desk.open()
            assert (await desk.got(BotFailed)).cause == "bot_unavailable"
            assert "302" in desk.alarms.up[AWAY, "helper"][1]


async def test_one_caller_too_many_falls_back_without_an_alarm(tmp_path: Path) -> None:
    async with talking(tmp_path, FakeBot(), max_callers=1) as (desk, _, __):
        desk.open(talk=2)
        assert (await desk.got(BotFailed)).talk == 2
        assert not desk.up()


async def test_relays_that_die_end_their_talks_and_are_started_anew(tmp_path: Path) -> None:
    async with talking(tmp_path, FakeBot()) as (desk, _, __):
        (relays,) = [one for one in psutil.Process().children() if "ivr.bots.process" in one.cmdline()]
        relays.kill()
        assert (await desk.got(BotFailed)).cause == "bot_unavailable"
        assert (AWAY, ALL) in desk.alarms.up or AWAY in desk.alarms.raised
        await desk.until(lambda: not desk.up())
        desk.events.clear()
        desk.open(talk=2, resumed=True)
        assert (await desk.got(BotReady)).talk == 2


async def test_what_comes_late_is_not_made_up_for(tmp_path: Path) -> None:
    """Frames that the player missed while this process slept are not written: the delay does not grow."""
    bot = FakeBot()
    async with talking(tmp_path, bot) as (desk, ready, tap):
        await bot.sound(FRAME.replace(b"\0", b"\1") * 3)
        await bot.say(type="mark", name="sent")
        desk.tap = tap
        await desk.until(lambda: size(ready.sound) > 0)
        desk.tap, now = None, time.monotonic()
        desk.order(TellKey(talk=1, digit="7"))  # answered behind the packets
        await bot.until(lambda: {"type": "dtmf", "digit": "7"} in bot.told)
        before, heard = size(ready.sound), len(bot.heard)
        for _ in range(5):
            tap.send(at=now - 1.0)
        desk.order(TellKey(talk=1, digit="1"))
        await bot.until(lambda: len(bot.heard) == heard + 5 * len(FRAME))
        assert size(ready.sound) == before


@pytest.mark.parametrize(
    "url", ["http://a", "unix:../x", "unix:a/b", "ws://u:p@h/", "unix:", "wss://", "ws://h/\n"]
)
def test_urls_that_name_no_bot(url: str) -> None:
    with pytest.raises(ValueError, match="url"):
        BotSettings(url=url)


async def test_the_demos_parrot_repeats_what_was_said_and_hands_over(tmp_path: Path) -> None:
    parrot = await asyncio.create_subprocess_exec(
        sys.executable, "-c", PARROT, str(tmp_path / "helper.sock"), stdout=asyncio.subprocess.PIPE
    )
    try:
        await _with_parrot(tmp_path, parrot)
    finally:
        parrot.terminate()
        assert await parrot.wait() == 0


async def _with_parrot(tmp_path: Path, parrot: asyncio.subprocess.Process) -> None:
    assert parrot.stdout is not None
    assert await parrot.stdout.readline() == b"ready\n"
    async with desk_of(tmp_path, helper=UNIX) as desk:
        desk.open()
        ready = await desk.got(BotReady)
        desk.tap = tap = Tap(ready.path, b"\3\3" * 160)
        desk.order(BotVoice(talk=1, speaking=True, at=time.monotonic()))
        await desk.until(lambda: tap.number > 30)
        desk.order(BotVoice(talk=1, speaking=False, at=time.monotonic()))
        await desk.until(lambda: sum(isinstance(one, BotSaid) for one in desk.events) == 2)
        await desk.until(lambda: content(ready.sound).count(b"\3") >= len(FRAME))
        desk.order(TellKey(talk=1, digit="0"))
        await desk.until(lambda: sum(isinstance(one, BotSaid) for one in desk.events) == 3)
        done = await desk.got(BotDone)
        assert (done.to, done.variables) == ("people", {"repeated": "1"})
        tap.close()
