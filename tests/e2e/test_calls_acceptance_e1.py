"""The acceptance run over E1: each of its calls comes by the switch simulator of a platform with a span."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator, Iterator
from importlib.resources import files
from pathlib import Path

import pytest

from ccplatform.app.places import places_of
from ccplatform.proof.acceptance import PROFILES, Phase, Profile
from ccplatform.proof.page import write
from ccplatform.proof.plan import parse_plan
from ccplatform.proof.running import SpanTarget, own_speech, prove
from gateway.isdn.channels import BEARERS
from gateway.sip.flows import Flow
from tests.e2e.centre import Centre
from tests.e2e.exchange import SPAN, SPAN_PORTS, environment_of, span_settings
from tests.e2e.rig import centre_of
from tests.e2e.test_calls_proof import _command
from tests.gateway.isdn.back_to_back import needs_libpri
from tests.support.platform import PlatformProcess
from tests.support.ports import PortBlock

pytestmark = needs_libpri
CHANNELS = 4


@pytest.fixture(scope="module")
def e1_platform(tmp_path_factory: pytest.TempPathFactory) -> Iterator[PlatformProcess]:
    ports = PortBlock(SPAN_PORTS)
    environment = environment_of(span_settings(ports)) | {"CCP_ISDN__SWITCH": "true"}
    with PlatformProcess(tmp_path_factory.mktemp("p"), environment=environment) as started:
        yield started
        assert started.stop() == 0, started.tail()
    ports.close()


@pytest.fixture
async def e1_centre(e1_platform: PlatformProcess, callers: Iterator[int]) -> AsyncIterator[Centre]:
    async with centre_of(e1_platform, callers) as centre:
        yield centre


async def test_the_procedure_goes_over_e1_from_end_to_end(
    e1_centre: Centre, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    short = Profile(name="quick", load_seconds=1.0, echo_calls=1, agent_calls=1, spread_seconds=1.0)
    monkeypatch.setitem(PROFILES, "quick", short)
    platform, caller, report = e1_centre.platform, e1_centre.new_caller(), tmp_path / "report.json"
    demo = parse_plan(files("config").joinpath("acceptance.toml").read_text("utf-8"), "acceptance.toml")
    assert demo.agent is not None
    agent = demo.agent.model_copy(update={"number": "95001", "steps": ()})
    plan = demo.model_copy(update={"channels": CHANNELS, "caller": caller, "agent": agent})
    switch = places_of(platform.data_dir).e1_switch_socket
    target = SpanTarget(switch, "", Flow("UDP", *platform.sip))
    run = await prove(plan, target, "quick", [Phase.IDLE, Phase.QUALITY, Phase.AGENT], await own_speech())
    write(run, report)
    told = json.loads(report.read_text("utf-8"))
    assert (told["target"], told["complete"]) == (f"e1:95000@{SPAN}", True)
    named = {name: told["environment"][name] for name in ("front", "span", "channels", "loopback")}
    assert named == {"front": "E1 (ISDN PRI)", "span": SPAN, "channels": 30, "loopback": True}
    rows = {row["id"]: row for row in told["rows"]}
    assert (rows["R10.3.1.1.a"]["value"], rows["R10.3.1.1.a"]["samples"] >= CHANNELS) == (1.0, True)
    assert rows["R10.3.1.5.a"]["successes"] > 0, rows["R10.3.1.5.a"]  # a busy machine may lose rows of a key
    for name in ("R10.3.1.2", "R10.3.1.6", "R10.3.1.7"):
        assert rows[name]["samples"] > 0, rows[name]
    for name in ("R10.3.1.3.loss", "R10.3.1.4.b", "R10.3.1.4.c"):
        assert (rows[name]["verdict"], rows[name]["samples"]) == ("not_tested", 0)
        assert "E1" in rows[name]["note"]
    phases = {phase["phase"]: phase for phase in told["phases"]}
    assert {visit["channel"] for visit in phases["idle"]["visits"]} <= set(BEARERS)
    assert {echoed["network"] for echoed in phases["quality"]["echoes"]} == {"good"}
    assert [visit["seat"] for visit in phases["agent"]["agents"]] == ["8099"]
    rows_of_caller = await e1_centre.items("contacts", caller=caller)
    assert {row["trunk"] for row in rows_of_caller} == {SPAN}
    await e1_centre.nothing_left()


async def test_commands_over_e1_and_targets_that_are_none(e1_centre: Centre, tmp_path: Path) -> None:
    data_dir = str(e1_centre.platform.data_dir)

    async def probe(target: str, where: str = data_dir) -> tuple[int | None, str]:
        return await _command("probe", "once", "--target", target, "--data-dir", where)

    async def prove(target: str) -> tuple[int | None, str]:
        return await _command("acceptance", "run", "--target", target, "--data-dir", data_dir)

    good, wrong, nowhere, nobody, malformed, dial = await asyncio.gather(
        probe(f"e1:95003@{SPAN}"),
        prove("e1:4711"),
        prove("e1:95000@e1-9"),
        probe("e1:95000", str(tmp_path)),
        prove("e1:nobody"),
        _command("e1", "dial", "95003", "--span", "e1-9", "--data-dir", data_dir),
    )
    assert good[0] == 0, good[1]
    assert good[1].startswith("completed\nSETUP to first voice")
    assert wrong[1] == f"4711 at {SPAN} does not answer: 404 Q.850 1 Unallocated (unassigned) number\n"
    assert nowhere[1] == f"the switch has no span 'e1-9', but {SPAN}\n"
    assert nobody[1].startswith("no E1 switch answers at ")
    assert malformed[1] == "'e1:nobody' is no target: e1:NUMBER or e1:NUMBER@SPAN\n"
    assert dial[1].split(maxsplit=1) == ["failed", f"the switch has no span 'e1-9', but {SPAN}\n"]
    assert {code for code, _ in (wrong, nowhere, nobody, malformed, dial)} == {1}
