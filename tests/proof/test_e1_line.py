"""Calls of the proof over a span: two stacks of libpri, the switch's socket between, a party of the tests."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from ccplatform.app import e1_switch
from ccplatform.app.e1_switch import Desk
from ccplatform.contracts.words import MysteryFate
from ccplatform.kernel.frames import encode_frame
from ccplatform.kernel.tasks import TaskSupervisor
from ccplatform.proof.e1_line import E1Line
from ccplatform.proof.errors import NotReached, WrongPlan
from ccplatform.proof.networks import GOOD
from ccplatform.proof.plan import VisitPlan
from ccplatform.proof.port import answered
from ccplatform.proof.quality import echo
from ccplatform.proof.visit import Visit, make_visit
from gateway.isdn.switch import Voice, key_tones, rows_of
from gateway.isdn.talks import Beat
from gateway.media.audio import RATE
from tests.gateway.isdn.back_to_back import needs_libpri
from tests.gateway.isdn.spans import CLOCK, Pair, joined, until
from tests.support import audio
from tests.support.milestone import PATIENCE


@asynccontextmanager
async def switch_at(control: Path, pair: Pair) -> AsyncIterator[None]:
    """The far end's socket."""

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await Desk({"far": pair.far}, {"far"}, writer, CLOCK).serve(reader)

    server = await asyncio.start_unix_server(serve, str(control))
    try:
        yield
    finally:
        server.close()


@asynccontextmanager
async def line_at(control: Path, span: str = "far") -> AsyncIterator[E1Line]:
    tasks = TaskSupervisor(CLOCK)
    line = E1Line(control, span, caller="13900000000", clock=CLOCK, tasks=tasks)
    try:
        await line.open()
        yield line
    finally:
        await tasks.close()


@pytest.fixture
def control(tmp_path: Path) -> Path:
    return tmp_path / "switch.sock"


async def visit_over(line: E1Line, number: str, *steps: dict[str, Any]) -> Visit:
    return await make_visit(line, VisitPlan.model_validate({"number": number, "steps": steps}), CLOCK)


async def party(pair: Pair) -> Voice:
    """The latest one who was called."""
    await until(lambda: pair.near.arrived)
    return pair.near.arrived[-1]


@needs_libpri
async def test_a_visit_hears_a_voice_and_its_keys_arrive_bit_by_bit(control: Path) -> None:
    async with joined() as pair, switch_at(control, pair), line_at(control) as line:
        pair.near._sound = audio.tone(440.0)
        steps = ({"hear": "greeting"}, {"press": "1#"}, {"hear": "key"}, {"hear": "query"})
        visit = await visit_over(line, "95000", *steps)
        assert (visit.fate, visit.failed_at) == (MysteryFate.COMPLETED, "")
        heard = b"".join((await party(pair)).heard_rows)
        assert pair.near.arrived[-1].call.caller == "13900000000"
        keys = [b"".join(rows_of(key_tones(key))) for key in "1#"]
        assert 0 <= heard.find(keys[0]) < heard.find(keys[1])
        assert visit.connect is not None
        assert 0 < visit.connect < PATIENCE
        assert (len(visit.keys), len(visit.queries)) == (1, 1)
        assert visit.channel == pair.near.arrived[-1].call.slot > 0
        assert (visit.received > 0, visit.lost) == (True, 0)
        assert line.lateness.ticks > 0
        assert (line.front.kind, line.front.address, line.front.environment["channels"]) == ("e1", "far", 30)
        await until(lambda: not pair.far.voices)


@needs_libpri
async def test_a_refusal_is_told_by_its_cause(control: Path) -> None:
    async with joined() as pair, switch_at(control, pair), line_at(control) as line:
        visit = await visit_over(line, "8000017", {"hear": "greeting"})
        assert (visit.fate, visit.status, visit.connected) == (MysteryFate.REFUSED, 486, False)
        assert visit.failed_at.startswith("Q.850 17 ")


@needs_libpri
async def test_who_is_called_may_hang_up(control: Path) -> None:
    async with joined() as pair, switch_at(control, pair), line_at(control) as line:
        pair.near._sound = audio.tone(440.0)
        going = asyncio.ensure_future(visit_over(line, "95000", {"hear": "greeting"}, {"stay": 600}))
        voice = await party(pair)
        await until(lambda: len(voice.heard_rows) > 25)
        pair.near.hang_up(voice)
        visit = await going
        assert (visit.fate, visit.failed_at[:6]) == (MysteryFate.FAILED, "step 2")


@needs_libpri
async def test_thirty_channels_carry_a_call_each_and_the_next_one_finds_none(control: Path) -> None:
    async with joined() as pair, switch_at(control, pair), line_at(control) as line:
        calls = [line.call("95000") for _ in range(30)]
        assert all([await answered(call, PATIENCE) for call in calls])
        assert len({call.channel for call in calls}) == 30
        late = line.call("95000")
        assert not await answered(late, PATIENCE)
        assert late.ended is not None
        assert (late.ended.q850, late.channel) == (34, 0)
        for call in calls:
            call.leave()
        await until(lambda: not pair.far.voices)


@needs_libpri
async def test_speech_comes_back_from_an_echo(control: Path) -> None:
    async with joined() as pair, switch_at(control, pair), line_at(control) as line:
        speech = np.random.default_rng(1).normal(0, 4000, 2 * RATE).astype(np.int16)
        going = asyncio.ensure_future(echo(line, "95002", speech, GOOD, seed=1, clock=CLOCK))
        (await party(pair)).echo = True
        _, echoed = await going
        assert echoed is not None
        assert echoed.round_trip is not None
        assert (echoed.lost, echoed.network) == (0, "good")


@needs_libpri
async def test_a_caller_who_is_gone_has_hung_up(control: Path) -> None:
    async with joined() as pair, switch_at(control, pair):
        async with line_at(control) as line:
            assert await answered(line.call("95000"), PATIENCE)
        await until(lambda: not pair.far.voices and not pair.near.voices)


@needs_libpri
async def test_a_switch_that_goes_ends_the_call(control: Path) -> None:
    async with joined() as pair:
        held: list[asyncio.StreamWriter] = []

        async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            held.append(writer)
            await Desk({"far": pair.far}, {"far"}, writer, CLOCK).serve(reader)

        server = await asyncio.start_unix_server(serve, str(control))
        async with line_at(control) as line:
            call = line.call("95000")
            assert await answered(call, PATIENCE)
            held[-1].transport.abort()
            await until(lambda: call.ended)
            assert call.ended is not None
            assert "went away" in call.ended.why
        server.close()


@needs_libpri
@pytest.mark.parametrize(
    "message",
    [
        b"\xff" * 40,
        encode_frame({"type": "talk"}),
        encode_frame({"type": "no-such"}),
        encode_frame({"type": "talk", "span": "far", "number": "1", "caller": "1"}) + encode_frame([1]),
        encode_frame({"type": "talk", "span": "far", "number": "1", "caller": "1"})
        + encode_frame({"type": "press", "keys": "x"}),
        encode_frame({"type": "talk", "span": "far", "number": "not a number", "caller": "1"}),
    ],
)
async def test_garbage_ends_its_own_connection_only(control: Path, message: bytes) -> None:
    async with joined() as pair, switch_at(control, pair), line_at(control) as line:
        reader, writer = await asyncio.open_unix_connection(str(control))
        writer.write(message)
        writer.write_eof()
        async with asyncio.timeout(PATIENCE):
            await reader.read()
        writer.close()
        await until(lambda: not pair.far.voices)
        call = line.call("95000")
        assert await answered(call, PATIENCE)
        call.leave()
        await until(lambda: not pair.far.voices)


@needs_libpri
async def test_a_line_that_cannot_be_had_is_named(control: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(e1_switch, "_UP_SECONDS", 0.05)
    with pytest.raises(NotReached, match="no E1 switch answers at"):
        async with line_at(control):
            pass
    async with joined() as pair, switch_at(control, pair):
        with pytest.raises(WrongPlan, match="no span 'e1-9', but far"):
            async with line_at(control, "e1-9"):
                pass
        pair.near_line.faults.silent = True
        await until(lambda: not pair.far.span.usable)
        with pytest.raises(NotReached, match="span far: the span is down"):
            async with line_at(control):
                pass


def test_a_sender_knows_how_late_his_rows_are() -> None:
    beat = Beat()
    assert beat.late(10.000) == 0.0
    assert beat.late(10.025) == pytest.approx(0.005)
    assert beat.late(10.040) == pytest.approx(0.0)
    assert beat.late(10.059) == 0.0  # he began late
    assert beat.late(10.080) == pytest.approx(0.001)
    assert beat.late(11.000) == pytest.approx(0.901)
    assert beat.late(11.000) == pytest.approx(0.1)  # turns that were missed are made up for
