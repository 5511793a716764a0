"""Proof from outside: mystery calls to the demo centre, and a short acceptance run."""

from __future__ import annotations

import asyncio
import os
import random
import sys
import zipfile
from datetime import datetime, timedelta
from importlib.resources import files
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest

from ccplatform.contracts.words import MysteryFate
from ccplatform.kernel.clock import SystemClock
from ccplatform.proof.acceptance import Acceptance, Phase, Profile
from ccplatform.proof.agent_visit import make_agent_visit
from ccplatform.proof.errors import SeatTaken
from ccplatform.proof.plan import parse_plan
from ccplatform.proof.robots import Robots
from ccplatform.proof.running import line_to, own_speech
from ccplatform.proof.verdicts import rows
from gateway.sip.flows import Flow
from metrics.model import Verdict
from tests.e2e.centre import Centre, Row
from tests.support.milestone import PATIENCE, until

_MENU = """
[visit]
number = "95000"
steps = [
  { hear = "greeting" },
  { press = "3" },
  { quiet = 1.5 },
  { press = "600001" },
  { hear = "query" },
]
"""
_SHORT = """
channels = 2
[visit]
number = "95000"
steps = [{ hear = "greeting" }, { stay = 2.0 }]
[echo]
number = "95002"
"""


async def _command(*words: str) -> tuple[int | None, str]:
    process = await asyncio.create_subprocess_exec(
        sys.executable,
        *("-m", "ccplatform", *words),
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.STDOUT,
    )
    told, _ = await process.communicate()
    return process.returncode, told.decode()


async def _probe(target: str, plan: Path) -> tuple[int | None, str]:
    return await _command("probe", "once", "--target", target, "--plan", str(plan))


async def test_a_mystery_call_walks_the_menu_and_a_wrong_number_is_told(centre: Centre, tmp_path: Path) -> None:
    plan = tmp_path / "plan.toml"
    plan.write_text(_MENU, encoding="utf-8")
    good, bad = await asyncio.gather(_probe(centre.number("95000"), plan), _probe(centre.number("95999"), plan))
    assert good[0] == 0, good[1]
    assert good[1].startswith("completed\nINVITE to first voice")
    assert "last key to result" in good[1]
    assert bad[0] == 1
    assert bad[1].startswith("refused (404)")


async def test_the_probe_on_schedule_decides_what_mystery_calls_decide(centre: Centre, tmp_path: Path) -> None:
    plan = tmp_path / "plan.toml"
    plan.write_text(_MENU, encoding="utf-8")
    before = await _rows(centre)
    platform = centre.platform
    command = [sys.executable, "-m", "ccplatform", "run", "--demo", "--role", "probe"]
    command += [
        "--data-dir",
        str(platform.data_dir),
        "--sip-port",
        str(platform.sip_port),
        "--bind",
        platform.host,
    ]
    environment = {
        "CCP_PROBE__FIRST_SECONDS": "0",
        "CCP_PROBE__EVERY_SECONDS": "3600",
        "CCP_PROBE__PLAN": str(plan),
    }
    probe = await asyncio.create_subprocess_exec(*command, env={**os.environ, **environment})
    try:
        rows = await centre.eventually(
            lambda: _rows(centre), lambda rows: rows["R10.3.2.c"]["source"] == "mystery_calls"
        )
    finally:
        probe.terminate()
        await probe.wait()
    assert {name: rows[name]["source"] for name in ("R10.3.2.a", "R10.3.2.c")} == {
        "R10.3.2.a": "mystery_calls",
        "R10.3.2.c": "mystery_calls",
    }
    assert (rows["R10.3.2.a"]["value"], rows["R10.3.2.a"]["samples"]) == (1.0, 1)
    assert "over loopback" in rows["R10.3.2.a"]["label"]
    assert rows["R10.3.2.c"]["self_reported_samples"] == before["R10.3.2.c"]["samples"]  # it is no customer's call
    assert 'cc_mystery_calls_total{fate="completed"} 1.0' in await centre.metrics()
    (call,) = await centre.eventually(
        lambda: centre.items("mystery-calls"), lambda rows: bool(rows) and rows[0]["recorded"] is not None
    )
    assert call["recorded"]["differences"] == []
    assert (await centre.get(f"contacts/{call['recorded']['contact']}"))["dialled"] == "95000"
    assert 'cc_mystery_calls_compared_total{result="equal"} 1.0' in await centre.metrics()


async def test_a_robot_answers_where_an_agent_would_have(centre: Centre) -> None:
    plan = parse_plan(files("config").joinpath("acceptance.toml").read_text("utf-8"), "acceptance.toml").agent
    assert plan is not None
    speech, clock, waits = (await own_speech())[0], SystemClock(), _waits(await centre.metrics())
    flow = Flow("UDP", *centre.platform.sip)
    async with line_to(flow, "") as line, line_to(flow, "") as phones:
        robots = Robots(plan.seats, phones, clock)
        await robots.begin()
        async with centre.desk("1006"):
            visit = await make_agent_visit(line, robots, plan, speech, clock, caller=plan.callers[0])
            assert (await centre.agent_is("1006", "ready"))["id"] == "1006"  # he was not disturbed
        await robots.end()
    assert (visit.fate, visit.failed_at) == (MysteryFate.COMPLETED, "")
    assert visit.seat == "8099"
    assert visit.reported > 500  # the centre's RTCP says what it got of ours
    assert visit.reported_lost == 0
    assert visit.agent_wait is not None
    assert visit.to_caller_seconds is not None
    assert visit.to_agent_seconds is not None
    contact = await centre.ended(plan.callers[0])
    offered = await centre.happened(contact["id"], "Offered")
    assert (offered["robot"], offered["instead_of"]) == (True, "1006")
    established = await centre.happened(contact["id"], "Established", role="agent")
    assert abs(established["wait_seconds"] - visit.agent_wait) < 1.0
    assert _waits(await centre.metrics()) == waits  # it is no customer's wait


async def test_two_provers_take_turns_at_a_test_seat(centre: Centre) -> None:
    plan = parse_plan(files("config").joinpath("acceptance.toml").read_text("utf-8"), "acceptance.toml").agent
    assert plan is not None
    clock, flow = SystemClock(), Flow("UDP", *centre.platform.sip)
    async with line_to(flow, "") as phones, line_to(flow, "") as others:
        told: list[str] = []
        first, second = Robots(plan.seats, phones, clock), Robots(plan.seats, others, clock, told.append)
        await first.begin()
        taken = f"the test seat 8099 is taken: sip:8099@{phones.identity.address(flow)} is registered there"
        with pytest.raises(SeatTaken, match=taken):
            await second.begin()
        waiting = asyncio.ensure_future(second.begin(PATIENCE))
        await centre.agent_is("1099", "ready")  # the first one was not disturbed
        await until(lambda: bool(told), lambda: "nobody is told why he waits")
        await first.end()
        await waiting
        assert told == [f"{taken}; it is waited for"]
        await centre.agent_is("1099", "ready")
        await second.end()
        await centre.agent_is("1099", "signed_out")


def _waits(page: str) -> list[str]:
    return [line for line in page.splitlines() if line.startswith("cc_queue_wait_seconds_count")]


async def _rows(centre: Centre) -> dict[str, Row]:
    return {row["id"]: row for row in await centre.items("compliance")}


async def test_a_short_acceptance_run_measures_the_centre(centre: Centre) -> None:
    plan = parse_plan(_SHORT, "plan").model_copy(update={"caller": centre.new_caller()})
    shares: list[tuple[Phase, float]] = []
    async with line_to(Flow("UDP", *centre.platform.sip), plan.caller) as line:
        run = Acceptance(
            plan=plan,
            profile=Profile(name="short", load_seconds=6.0, echo_calls=1, spread_seconds=1.0),
            line=line,
            clock=SystemClock(),
            speech=await own_speech(),
            progress=lambda phase, share, *_: shares.append((phase, share)),
            random=random.Random(1),
        )
        await run.run([Phase.IDLE, Phase.QUALITY])
    quality = [share for phase, share in shares if phase is Phase.QUALITY]
    assert (quality, quality[-1]) == (sorted(quality), 1.0)
    told = {row.definition.id: row for row in rows(run.results)}
    rate, delay = told["R10.3.1.1.a"].measurement, told["R10.3.1.2"].measurement
    assert rate.value == 1.0
    assert rate.samples >= 4
    assert delay.value is not None
    assert told["R10.3.1.1.b"].verdict is Verdict.NO_DATA
    echoes = {echoed.network: echoed for echoed in run.results[1].echoes}
    assert set(echoes) == {"good", "poor", "bad"}
    assert all(echoed.round_trip is not None for echoed in echoes.values())
    good, bad = echoes["good"].round_trip or 0, echoes["bad"].round_trip or 0
    assert bad - good > 0.3  # 400 ms one way, which the correlation finds


async def test_the_evidence_of_a_running_centre_is_equal_until_a_byte_is_changed(
    centre: Centre, tmp_path: Path
) -> None:
    now = datetime.now(ZoneInfo("Asia/Shanghai"))
    begin, end = (f"{at:%Y-%m-%dT%H:%M:%S}" for at in (now - timedelta(hours=1), now - timedelta(seconds=1)))
    pack, forged = tmp_path / "pack.zip", tmp_path / "forged.zip"
    told = await _command(
        *("evidence", "make", str(pack), "--from", begin, "--to", end),
        *("--data-dir", str(centre.platform.data_dir)),
    )
    assert told[0] == 0, told[1]
    code, found = await _command("evidence", "verify", str(pack))
    assert code == 0, found
    assert found.endswith("all equal\n")
    await asyncio.to_thread(_forge, pack, forged)
    code, found = await _command("evidence", "verify", str(forged))
    assert code == 1
    assert "NOT EQUAL: facts.jsonl was changed" in found


def _forge(pack: Path, forged: Path) -> None:
    with zipfile.ZipFile(pack) as source, zipfile.ZipFile(forged, "w") as target:
        for name in source.namelist():
            data = source.read(name)
            target.writestr(name, data[:-2] + b" }\n" if name == "facts.jsonl" else data)
