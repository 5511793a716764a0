"""The link between control and web, both ends over a real socket."""

from __future__ import annotations

import asyncio
import stat
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest

from ccplatform.app import link_server
from ccplatform.app.link_client import LinkClient, Snapshot
from ccplatform.app.link_server import LinkServer
from ccplatform.contracts.commands import Answer, Command, Done, Drain, GetHealth, Refused
from ccplatform.contracts.facts import CallRefused, Fact, FactEvent, SipMessageSeen
from ccplatform.contracts.words import ContactId, LegId, ReleaseCause
from ccplatform.kernel.clock import SystemClock
from ccplatform.kernel.errors import NotFound, Refusal, Unavailable
from ccplatform.kernel.frames import encode_frame
from ccplatform.kernel.ids import Ids
from ccplatform.kernel.stream import Stream
from ccplatform.kernel.tasks import TaskSupervisor
from tests.support.milestone import until

CLOCK = SystemClock()


def refused(number: int) -> CallRefused:
    return CallRefused(trunk=None, dialled=str(number), cause=ReleaseCause.OVERLOAD, sip_status=503)


def traced() -> SipMessageSeen:
    """A fact that is not live: it goes to the journal only."""
    return SipMessageSeen(
        contact=ContactId(Ids(CLOCK).new()),
        leg=LegId(Ids(CLOCK).new()),
        outgoing=False,
        transport="UDP",
        local="127.0.0.1:5060",
        remote="127.0.0.1:5061",
        text="OPTIONS",
    )


class Ends:
    """Both ends; the server's commands are answered by ``execute``."""

    def __init__(self, path: Path) -> None:
        self.tasks = TaskSupervisor(CLOCK)
        self.stream: Stream[Fact] = Stream(CLOCK, Ids(CLOCK), "default")
        self.pending: list[FactEvent] = []
        self.commands: list[Command] = []
        self.answer: Answer | Exception = Done(result={"calls": 3})
        self.clients: list[int] = []
        self.snapshots: list[Snapshot] = []
        self.events: list[FactEvent] = []
        self.lost = 0
        self.path = path
        self.server = self.new_server()
        self.client = LinkClient(
            path=path, on_snapshot=self.snapshots.append, on_event=self.events.append, on_lost=self._lost
        )

    def new_server(self) -> LinkServer:
        return LinkServer(
            path=self.path,
            tasks=self.tasks,
            execute=self._execute,
            snapshot=lambda: {"seen": self.stream.seq},
            position=lambda: (self.stream.epoch, self.stream.seq),
            pending=lambda: self.pending,
            on_clients=self.clients.append,
        )

    async def _execute(self, command: Command) -> Answer:
        self.commands.append(command)
        if isinstance(self.answer, Exception):
            raise self.answer
        return self.answer

    def _lost(self) -> None:
        self.lost += 1

    async def linked(self) -> None:
        count = len(self.snapshots)
        self.tasks.run_once("link", self.client.run())
        await until(lambda: len(self.snapshots) > count, lambda: "a snapshot came")


@pytest.fixture
async def ends(tmp_path: Path) -> AsyncIterator[Ends]:
    made = Ends(tmp_path / "control.sock")
    await made.server.start()
    made.stream.subscribe(made.server.publish)
    yield made
    await made.server.close()
    await made.tasks.close()


async def test_the_socket_is_for_its_owner_alone(ends: Ends) -> None:
    assert stat.S_IMODE(ends.path.stat().st_mode) == 0o600


async def test_snapshot_and_later_events_make_one_stream(ends: Ends) -> None:
    first = ends.stream.publish(refused(1))
    ends.pending = [first, ends.stream.publish(traced())]
    await ends.linked()
    (snapshot,) = ends.snapshots
    assert (snapshot.live, snapshot.epoch, snapshot.seq) == ({"seen": 2}, ends.stream.epoch, 2)
    assert (snapshot.tail, snapshot.whole) == ((first,), True)
    ends.stream.publish(traced())
    last = ends.stream.publish(refused(2))
    await until(lambda: bool(ends.events), lambda: "an event came")
    assert ends.events == [last]
    assert ends.clients == [1]


async def test_a_tail_that_is_too_long_is_left_out_and_said_to_be(
    ends: Ends, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(link_server, "MAX_TAIL_EVENTS", 2)
    ends.pending = [ends.stream.publish(refused(number)) for number in range(3)]
    await ends.linked()
    assert (ends.snapshots[0].tail, ends.snapshots[0].whole) == ((), False)
    ends.pending = []
    ends.client.renew()
    await until(lambda: not ends.client.connected, lambda: "the link broke")
    await ends.linked()
    assert ends.snapshots[1].whole


@pytest.mark.parametrize(
    ("given", "answer"),
    [
        (Done(result={"a": [1]}), Done(result={"a": [1]})),
        (Refusal("busy now", code="busy"), Refused(code="busy", message="busy now")),
        (NotFound("no such agent", code="unknown_agent"), Refused(code="not_found", message="no such agent")),
        (Unavailable("away"), Refused(code="unavailable", message="away")),
    ],
)
async def test_every_command_is_answered(ends: Ends, given: Answer | Exception, answer: Answer) -> None:
    await ends.linked()
    ends.answer = given
    assert await ends.client.ask(Drain(by="admin")) == answer
    assert ends.commands == [Drain(by="admin")]


async def test_a_bug_behind_a_command_is_reported_there_and_answered_here(ends: Ends) -> None:
    await ends.linked()
    ends.answer = KeyError("oops")
    answer = await ends.client.ask(GetHealth())
    assert isinstance(answer, Refused)
    assert answer.code == "internal_error"
    assert ends.tasks.crashes == 1


async def test_without_control_a_command_is_unavailable_at_once(ends: Ends) -> None:
    with pytest.raises(Unavailable, match="cannot be reached"):
        await ends.client.ask(GetHealth())


async def test_who_waits_for_an_answer_learns_that_control_went_away(ends: Ends) -> None:
    began = asyncio.Event()

    async def never(_: Command) -> Answer:
        began.set()
        await asyncio.Event().wait()
        raise AssertionError

    ends.server._execute = never
    await ends.linked()
    asking = asyncio.ensure_future(ends.client.ask(GetHealth()))
    await began.wait()
    await ends.server.close()
    with pytest.raises(Unavailable, match="went away"):
        await asking
    assert (ends.lost, ends.client.connected) == (1, False)


async def test_control_may_come_back_under_the_same_path(ends: Ends) -> None:
    await ends.linked()
    await ends.server.close()
    await until(lambda: not ends.client.connected, lambda: "the link is down")
    await ends.client.run()  # nobody there: it returns
    ends.server = ends.new_server()
    await ends.server.start()
    await ends.linked()
    assert len(ends.snapshots) == 2
    assert isinstance(await ends.client.ask(GetHealth()), Done)


async def talk(path: Path, *messages: Any, raw: bytes = b"") -> bytes:
    reader, writer = await asyncio.open_unix_connection(str(path))
    writer.write(b"".join(encode_frame(message) for message in messages) + raw)
    writer.write_eof()
    data = await reader.read()
    writer.close()
    return data


@pytest.mark.parametrize(
    ("messages", "raw"),
    [
        (({"hello": {"protocol": "control", "version": 2}},), b""),
        (("nonsense",), b""),
        (({"command": {"id": "x", "body": {}}},), b""),
        ((), b"\xff\xff\xff\xff"),
        ((), b"\0\0\0\5{{{{{"),
    ],
)
async def test_a_client_that_speaks_something_else_is_dropped(
    ends: Ends, messages: tuple[Any, ...], raw: bytes
) -> None:
    assert await talk(ends.path, *messages, raw=raw) == b""
    assert ends.tasks.crashes == 0
    assert ends.clients == []  # it never followed anything
    await ends.linked()


async def test_a_command_that_nobody_knows_is_refused(ends: Ends) -> None:
    data = await talk(ends.path, {"command": {"id": 1, "body": {"type": "Explode", "v": 1}}})
    assert b"bad_command" in data or data == b""  # the client may have hung up first
    assert ends.tasks.crashes == 0


async def test_a_client_that_does_not_read_is_cut_off(ends: Ends, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(link_server, "MAX_UNREAD_BYTES", 100_000)
    _, writer = await asyncio.open_unix_connection(str(ends.path), limit=1)
    writer.write(encode_frame({"subscribe": True}))
    await until(lambda: ends.clients == [1], lambda: "it follows")
    fact = refused(1)
    for _ in range(20_000):
        ends.stream.publish(fact)
        if len(ends.clients) > 1:
            break
        await asyncio.sleep(0)
    assert ends.clients == [1, 0]
    writer.close()
