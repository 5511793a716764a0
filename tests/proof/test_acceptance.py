"""Whole runs in virtual time, and the rows that come of what was heard."""

import asyncio
import json
import random
from collections.abc import Awaitable, Callable
from dataclasses import replace
from datetime import UTC, datetime
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from ccplatform.contracts.words import MysteryFate
from ccplatform.kernel.clock import Clock, VirtualClock, sleep
from ccplatform.proof import acceptance
from ccplatform.proof.acceptance import Acceptance, Phase, PhaseResult, Profile, phase_of
from ccplatform.proof.e1_line import UNTESTED
from ccplatform.proof.errors import NotReached, WrongPlan
from ccplatform.proof.line import Line
from ccplatform.proof.networks import GOOD, Network
from ccplatform.proof.page import check_format, histogram, page, write
from ccplatform.proof.plan import Plan, VisitPlan, parse_plan, plan_for
from ccplatform.proof.port import Front, Lateness
from ccplatform.proof.quality import Echoed
from ccplatform.proof.report import Run, document, read_results
from ccplatform.proof.speech import read_speech
from ccplatform.proof.verdicts import MEASURES, rows
from ccplatform.proof.visit import Visit
from metrics.definitions import REQUIREMENTS
from metrics.model import Verdict

_NOW = datetime(2026, 1, 5, 9, 0, tzinfo=UTC)
_SIP = Front(kind="sip", address="127.0.0.1:5060", loopback=True, environment={"front": "SIP"})


def _visit(
    fate: MysteryFate = MysteryFate.COMPLETED, *, began: float = 0.0, lasted: float = 10.0, status: int = 0
) -> Visit:
    heard = fate in (MysteryFate.COMPLETED, MysteryFate.FAILED)
    return Visit(
        began=began,
        fate=fate,
        status=status,
        connect=0.05 if heard else None,
        keys=[0.03] if heard else [],
        queries=[0.2] if fate is MysteryFate.COMPLETED else [],
        lasted=lasted,
        received=500 if heard else 0,
    )


def _echoes(network: str, count: int, raw: float | None, way: float | None = 0.1) -> list[Echoed]:
    return [Echoed(network=network, round_trip=way, raw=raw, received=500, lost=0)] * count


def _verdicts(*results: PhaseResult) -> dict[str, Verdict]:
    return {row.definition.id: row.verdict for row in rows(results)}


# --- the closed loop ------------------------------------------------------------------------------------------


async def _in_virtual_time(clock: VirtualClock, work: Awaitable[None], seconds: float) -> None:
    task = asyncio.ensure_future(work)
    for _ in range(round(seconds * 10)):
        for _ in range(5):
            await asyncio.sleep(0)
        if task.done():
            break
        clock.advance(0.1)
    await task


class _NoLine:
    lateness = Lateness()
    front = _SIP


def _run_of(clock: Clock, plan: Plan, load_seconds: float) -> Acceptance:
    return Acceptance(
        plan=plan,
        profile=Profile(name="test", load_seconds=load_seconds, echo_calls=1),
        line=_NoLine(),  # type: ignore[arg-type]
        clock=clock,
        speech=[],
        progress=lambda *told: None,
        random=random.Random(1),
    )


def _centre(lasts: Callable[[], float]) -> Callable[..., Awaitable[Visit]]:
    async def visit(line: Line, plan: VisitPlan, clock: Clock, **_: Any) -> Visit:
        began, seconds = clock.now(), lasts()
        await sleep(clock, seconds)
        return _visit(began=began, lasted=seconds)

    return visit


@pytest.mark.parametrize(("phase", "load"), [(Phase.IDLE, 0.7), (Phase.BUSY, 0.9)])
async def test_channels_are_in_use_for_their_share(
    phase: Phase, load: float, monkeypatch: pytest.MonkeyPatch
) -> None:
    clock, chance = VirtualClock(), random.Random(2)
    monkeypatch.setattr(acceptance, "make_visit", _centre(lambda: chance.uniform(2, 6)))
    run = _run_of(clock, plan_for("1").model_copy(update={"channels": 5}), 600.0)
    await _in_virtual_time(clock, run.run([phase]), 700.0)
    (result,) = run.results
    assert result.complete
    assert result.load == pytest.approx(load, abs=0.03)
    assert len(result.visits) == pytest.approx(5 * 600 * load / 4, rel=0.1)


async def test_what_was_measured_is_kept_when_a_run_is_broken_off(monkeypatch: pytest.MonkeyPatch) -> None:
    clock = VirtualClock()
    monkeypatch.setattr(acceptance, "make_visit", _centre(lambda: 4.0))
    run = _run_of(clock, plan_for("1").model_copy(update={"channels": 2}), 600.0)
    task = asyncio.ensure_future(run.run([Phase.IDLE, Phase.BUSY]))
    for _ in range(1000):
        await asyncio.sleep(0)
        clock.advance(0.1)
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    (result,) = run.results
    assert not result.complete
    assert len(result.visits) > 10
    assert result.load == pytest.approx(0.7, abs=0.1)


async def test_without_an_echo_the_quality_phase_measures_nothing() -> None:
    run = _run_of(VirtualClock(), plan_for("1"), 1.0)
    await run.run([Phase.QUALITY])
    assert (run.results[0].complete, run.results[0].echoes) == (True, [])


def test_phases_by_name() -> None:
    assert phase_of("busy") is Phase.BUSY
    with pytest.raises(WrongPlan, match="idle, busy, quality, agent"):
        phase_of("lazy")


# --- rows -----------------------------------------------------------------------------------------------------


def test_every_clause_of_the_acceptance_has_a_row() -> None:
    clauses = [each.id for each in REQUIREMENTS if each.id.startswith("R10.3.1.") or each.id == "R10.3.2.d"]
    assert [row.definition.id for row in rows([])] == clauses == list(MEASURES)
    assert set(_verdicts().values()) == {Verdict.NO_DATA}


def test_a_good_centre_passes_what_its_sample_can_show() -> None:
    idle = PhaseResult(phase=Phase.IDLE, load=0.7, channels=30, visits=[_visit() for _ in range(400)])
    busy = PhaseResult(phase=Phase.BUSY, load=0.9, channels=30, visits=[_visit() for _ in range(400)])
    quality = PhaseResult(
        phase=Phase.QUALITY,
        echoes=_echoes("good", 60, 4.1) + _echoes("poor", 30, 3.9) + _echoes("bad", 30, 3.5),
    )
    verdicts = _verdicts(idle, busy, quality)
    shown = {name for name, verdict in verdicts.items() if verdict is Verdict.INSUFFICIENT}
    assert shown == {"R10.3.1.1.a", "R10.3.1.1.b"}  # 400 calls do not show 99.99 %
    assert {verdict for name, verdict in verdicts.items() if name not in shown | {"R10.3.2.d"}} == {Verdict.PASS}


@pytest.mark.parametrize(
    ("clause", "result"),
    [
        (
            "R10.3.1.1.a",
            PhaseResult(
                phase=Phase.IDLE,
                load=0.7,
                visits=[_visit(MysteryFate.REFUSED, status=503)] * 3 + [_visit()] * 97,
            ),
        ),
        (
            "R10.3.1.1.b",
            PhaseResult(phase=Phase.BUSY, load=0.9, visits=[_visit(MysteryFate.SILENT)] * 3 + [_visit()] * 97),
        ),
        (
            "R10.3.1.5.a",
            PhaseResult(phase=Phase.IDLE, load=0.7, visits=[_visit(MysteryFate.FAILED)] * 10 + [_visit()] * 390),
        ),
        ("R10.3.1.3.delay", PhaseResult(phase=Phase.QUALITY, echoes=_echoes("good", 60, 4.1, way=0.81))),
        ("R10.3.1.4.a", PhaseResult(phase=Phase.QUALITY, echoes=_echoes("good", 60, 3.8))),
        ("R10.3.1.4.b", PhaseResult(phase=Phase.QUALITY, echoes=_echoes("poor", 60, 3.3))),
        ("R10.3.1.4.c", PhaseResult(phase=Phase.QUALITY, echoes=_echoes("bad", 60, 2.8))),
    ],
)
def test_each_fault_fails_its_clause_and_no_other(clause: str, result: PhaseResult) -> None:
    failed = {name for name, verdict in _verdicts(result).items() if verdict is Verdict.FAIL}
    assert failed == {clause}


@pytest.mark.parametrize(
    ("clause", "field", "seconds"), [("R10.3.1.6", "keys", 3.1), ("R10.3.1.7", "queries", 8.1)]
)
def test_slow_answers_fail_their_clause(clause: str, field: str, seconds: float) -> None:
    visits = [_visit() for _ in range(40)]
    for visit in visits:
        setattr(visit, field, [seconds])
    verdicts = _verdicts(PhaseResult(phase=Phase.IDLE, load=0.7, visits=visits))
    assert [name for name, verdict in verdicts.items() if verdict is Verdict.FAIL] == [clause]


def test_a_slow_connection_fails_by_its_mean() -> None:
    visits = [_visit() for _ in range(40)]
    for visit in visits:
        visit.connect = 1.01
    assert _verdicts(PhaseResult(phase=Phase.IDLE, load=0.7, visits=visits))["R10.3.1.2"] is Verdict.FAIL


def test_scores_of_a_prober_that_was_late_prove_nothing() -> None:
    late = PhaseResult(phase=Phase.QUALITY, echoes=_echoes("good", 60, 2.0), late_share=0.01)
    (row,) = [row for row in rows([late]) if row.definition.id == "R10.3.1.4.a"]
    assert row.verdict is Verdict.INSUFFICIENT
    assert "the prober itself was late: 1.0% of its ticks" in row.measurement.label


def test_a_prober_knows_how_late_it_was() -> None:
    lateness = Lateness()
    assert lateness.share == 0.0
    for seconds in (0.0, 0.009, 0.011, 0.2):
        lateness.note(seconds)
    assert (lateness.share, lateness.worst) == (0.5, 0.2)


def test_keys_below_a_quarter_of_the_load_prove_nothing() -> None:
    light = PhaseResult(phase=Phase.IDLE, load=0.2, visits=[_visit() for _ in range(40)])
    assert _verdicts(light)["R10.3.1.6"] is Verdict.INSUFFICIENT


def test_lost_packets_fail_the_clause_of_loss() -> None:
    visits = [_visit() for _ in range(40)]
    for visit in visits:
        visit.received, visit.lost = 95, 5
    assert _verdicts(PhaseResult(phase=Phase.IDLE, load=0.7, visits=visits))["R10.3.1.3.loss"] is Verdict.FAIL


def test_the_direction_that_loses_more_decides_and_one_that_is_not_reported_is_named() -> None:
    visits = [_visit() for _ in range(40)]
    phase = PhaseResult(phase=Phase.IDLE, load=0.7, visits=visits)
    (unknown,) = [row for row in rows([phase]) if row.definition.id == "R10.3.1.3.loss"]
    assert (unknown.verdict, unknown.measurement.value) == (Verdict.PASS, 0.0)
    assert "the other way is not known" in unknown.measurement.label
    for visit in visits:
        visit.reported, visit.reported_lost = 100, 5
    (row,) = [row for row in rows([phase]) if row.definition.id == "R10.3.1.3.loss"]
    assert (row.verdict, row.measurement.value) == (Verdict.FAIL, 0.05)
    assert row.measurement.label.endswith("to the centre, by its RTCP reports: 200 / 4000")


@given(st.lists(st.sampled_from(list(MysteryFate)), max_size=60))
def test_shares_are_what_counting_gives(fates: list[MysteryFate]) -> None:
    result = PhaseResult(phase=Phase.BUSY, load=0.9, visits=[_visit(fate) for fate in fates])
    told = {row.definition.id: row.measurement for row in rows([result])}
    rate, success = told["R10.3.1.1.b"], told["R10.3.1.5.b"]
    connected = [fate for fate in fates if fate in (MysteryFate.COMPLETED, MysteryFate.FAILED)]
    assert (rate.samples, rate.successes or 0) == (len(fates), len(connected))
    assert (success.samples, success.successes or 0) == (len(connected), connected.count(MysteryFate.COMPLETED))


# --- speech ---------------------------------------------------------------------------------------------------


def test_speech_that_cannot_be_used_is_named(tmp_path: Path) -> None:
    import soundfile

    soundfile.write(tmp_path / "short.wav", np.ones(800) * 0.1, 8000)
    soundfile.write(tmp_path / "silent.wav", np.zeros(32000), 8000)
    soundfile.write(tmp_path / "good.wav", np.sin(np.arange(64000) / 5) * 0.1, 16000)
    (tmp_path / "text.wav").write_text("no sound")
    for name in ("short.wav", "silent.wav", "text.wav", "none.wav"):
        with pytest.raises(WrongPlan, match=name):
            read_speech([tmp_path / name])
    (speech,) = read_speech([tmp_path / "good.wav"])
    assert len(speech) == 32000
    assert 20 * np.log10(np.sqrt(np.mean(speech.astype(float) ** 2)) / 32768) == pytest.approx(-26, abs=0.5)


# --- reports --------------------------------------------------------------------------------------------------


def _run(*results: PhaseResult, target: str = "sip:1@127.0.0.1:5060", front: Front = _SIP) -> Run:
    return Run(
        target=target,
        profile="quick",
        plan=plan_for("1"),
        begun=_NOW,
        ended=_NOW,
        front=front,
        results=results,
    )


def test_the_document_holds_rows_and_every_call() -> None:
    visits = [_visit(), _visit(MysteryFate.REFUSED, status=486)]
    told = json.loads(json.dumps(document(_run(PhaseResult(phase=Phase.IDLE, load=0.7, visits=visits)))))
    (row,) = [row for row in told["rows"] if row["id"] == "R10.3.1.1.a"]
    assert (row["value"], row["target"], row["verdict"], row["samples"]) == (0.5, 0.9999, "insufficient_sample", 2)
    assert row["note"] == "refused 486: 1"
    assert [visit["fate"] for visit in told["phases"][0]["visits"]] == ["completed", "refused"]
    assert told["complete"] is False
    assert {row["verdict"] for row in told["rows"]} >= {"not_tested"}


def test_what_means_nothing_over_e1_is_not_tested_whatever_was_measured() -> None:
    front = Front(
        kind="e1",
        address="e1-1",
        loopback=True,
        environment={"front": "E1 (ISDN PRI)", "span": "e1-1", "channels": 30},
        networks=(GOOD,),
        untested=UNTESTED,
    )
    results = (
        PhaseResult(phase=Phase.IDLE, load=0.7, visits=[_visit()] * 40),
        PhaseResult(phase=Phase.QUALITY, echoes=_echoes("good", 60, 4.1) + _echoes("bad", 60, 4.1)),
    )
    told = document(_run(*results, target="e1:1@e1-1", front=front))
    found = {row["id"]: row for row in told["rows"]}
    for name in ("R10.3.1.3.loss", "R10.3.1.4.b", "R10.3.1.4.c"):
        row = found[name]
        assert (row["verdict"], row["value"], row["note"]) == ("not_tested", None, UNTESTED[name])
    assert {found[name]["verdict"] for name in ("R10.3.1.2", "R10.3.1.4.a", "R10.3.1.6")} == {"pass"}
    told_of = {name: told["environment"][name] for name in ("front", "span", "channels")}
    assert told_of == {"front": "E1 (ISDN PRI)", "span": "e1-1", "channels": 30}


class _Tags(HTMLParser):
    def __init__(self) -> None:
        super().__init__()
        self.open: list[str] = []
        self.seen: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.seen.append(tag)
        if tag not in ("meta", "br", "rect"):
            self.open.append(tag)

    def handle_endtag(self, tag: str) -> None:
        if tag != "rect":
            assert self.open.pop() == tag


@given(st.text(max_size=40))
def test_the_page_is_well_formed_whatever_the_centre_is_called(target: str) -> None:
    run = _run(PhaseResult(phase=Phase.IDLE, load=0.7, visits=[_visit()] * 40), target=f"</script><b>{target}")
    parser = _Tags()
    parser.feed(page(run))
    assert parser.open == []
    assert "b" not in parser.seen
    assert parser.seen.count("script") == 1
    assert parser.seen.count("svg") == 3


@given(st.lists(st.floats(0, 1e6), min_size=1))
def test_every_value_is_in_a_bar(values: list[float]) -> None:
    assert "<rect" in histogram("x", values)


def test_files_are_written_whole_or_refused(tmp_path: Path) -> None:
    run = _run(PhaseResult(phase=Phase.IDLE, load=0.7, visits=[_visit()]))
    write(run, tmp_path / "a.json")
    write(run, tmp_path / "a.HTML")
    assert json.loads((tmp_path / "a.json").read_text())["target"] == run.target
    assert (tmp_path / "a.HTML").read_text().startswith("<!doctype html>")
    assert len(list(tmp_path.iterdir())) == 2
    for name in ("a.doc", "a", "none/a.json"):
        with pytest.raises(WrongPlan):
            check_format(tmp_path / name)


# --- calls for an agent ---------------------------------------------------------------------------------------

_AGENT = """
channels = 1
[visit]
number = "1"
steps = [{ hear = "greeting" }]
[agent]
number = "1"
callers = ["71", "72", "73"]
rest = 5
seats = [
  { user = "8098", password = "very secret" },
  { user = "8099", password = "very secret" },
]
"""


class _Robots:
    """Two seats; what is asked of them is written down."""

    def __init__(self) -> None:
        self.seats = 2
        self.asked: list[str] = []

    async def begin(self, patience: float = 0.0) -> None:
        self.asked.append("begin")

    async def ready_again(self) -> None:
        self.asked.append("ready again")

    async def end(self) -> None:
        self.asked.append("end")


def _talk(network: str = "good", *, wait: float | None = 5.0, pesq: float | None = 4.0) -> Visit:
    fate = MysteryFate.COMPLETED if wait is not None else MysteryFate.FAILED
    return Visit(
        began=0.0,
        fate=fate,
        failed_at="" if wait is not None else "no agent answered within 60 s",
        for_agent=True,
        agent_wait=wait,
        network=network,
        to_caller_seconds=0.1,
        to_caller_pesq=pesq,
        to_agent_seconds=0.1,
        to_agent_pesq=pesq,
    )


async def test_robots_take_calls_at_a_time_and_rest_and_sign_in_after_a_failure(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    clock, robots = VirtualClock(), _Robots()
    calls: list[tuple[float, str, str]] = []

    async def visit(*_: Any, caller: str, network: Network, **__: Any) -> Visit:
        calls.append((round(clock.now() - begun), caller, network.name))
        first = len(calls) == 1
        await sleep(clock, 10.0)
        return _talk(network.name, wait=None if first else 5.0)

    monkeypatch.setattr(acceptance, "make_agent_visit", visit)
    run = _run_of(clock, parse_plan(_AGENT, "plan"), 1.0)
    run.profile = Profile(name="test", load_seconds=1.0, echo_calls=1, agent_calls=4)
    run.robots, run.speech = robots, [np.zeros(8000, dtype=np.int16)]  # type: ignore[assignment]
    begun = clock.now()
    await _in_virtual_time(clock, run.run([Phase.AGENT]), 60.0)
    assert calls == [(0, "71", "good"), (0, "72", "poor"), (15, "71", "bad"), (15, "72", "good")]
    assert robots.asked == ["begin", "ready again", "end"]
    assert run.results[0].complete


async def test_robots_that_are_not_let_in_cost_no_other_phase() -> None:
    class Outside(_Robots):
        async def begin(self, patience: float = 0.0) -> None:
            raise NotReached("the test seat 8099 cannot register: 403 Forbidden")

    run = _run_of(VirtualClock(), parse_plan(_AGENT, "plan"), 1.0)
    run.profile = Profile(name="test", load_seconds=1.0, echo_calls=1, agent_calls=4)
    run.robots = Outside()  # type: ignore[assignment]
    await run.run([Phase.AGENT])
    (row,) = [row for row in rows(run.results) if row.definition.id == "R10.3.2.d"]
    assert (row.verdict, row.measurement.label) == (
        Verdict.NO_DATA,
        "the test seat 8099 cannot register: 403 Forbidden: 1",
    )


def test_the_wait_for_an_agent_has_a_verdict_and_his_speech_counts_for_pesq() -> None:
    talks = [_talk(wait=50.0 if number % 2 else 80.0) for number in range(30)]
    told = {row.definition.id: row for row in rows([PhaseResult(phase=Phase.AGENT, agents=talks)])}
    wait, good = told["R10.3.2.d"], told["R10.3.1.4.a"]
    assert (wait.measurement.value, wait.measurement.samples, wait.verdict) == (65.0, 30, Verdict.FAIL)
    assert (good.measurement.value, good.measurement.samples, good.verdict) == (4.0, 60, Verdict.PASS)
    assert "one way with an agent 4.000 (n = 60)" in good.measurement.label
    nobody = {row.definition.id: row for row in rows([PhaseResult(phase=Phase.AGENT, agents=[_talk(wait=None)])])}
    assert nobody["R10.3.2.d"].verdict is Verdict.NO_DATA


# --- in phases ------------------------------------------------------------------------------------------------


async def test_a_run_goes_on_where_it_ended(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    idle = PhaseResult(phase=Phase.IDLE, complete=True, load=0.7, channels=2, visits=[_visit()] * 3)
    half = PhaseResult(phase=Phase.BUSY, load=0.9, visits=[_visit()])
    talks = PhaseResult(phase=Phase.AGENT, complete=True, agents=[_talk()], echoes=_echoes("good", 1, 3.9))
    path = tmp_path / "run.json"
    write(_run(idle, half, talks), path)
    kept = read_results(path, "sip:1@127.0.0.1:5060", "quick", plan_for("1"))
    assert kept == [idle, half, talks]
    clock = VirtualClock()
    monkeypatch.setattr(acceptance, "make_visit", _centre(lambda: 4.0))
    run = _run_of(clock, plan_for("1").model_copy(update={"channels": 2}), 60.0)
    told: list[list[Phase]] = []
    run.results, run.keep = kept, lambda results: told.append([result.phase for result in results])
    await _in_virtual_time(clock, run.run([Phase.IDLE, Phase.BUSY, Phase.AGENT]), 100.0)
    assert [(result.phase, result.complete) for result in run.results] == [
        (Phase.IDLE, True),
        (Phase.AGENT, True),
        (Phase.BUSY, True),
    ]
    assert run.results[0] == idle
    assert told == [[Phase.IDLE, Phase.AGENT, Phase.BUSY]]


def test_a_run_does_not_go_on_from_another_ones_report(tmp_path: Path) -> None:
    path = tmp_path / "run.json"
    assert read_results(path, "sip:1@127.0.0.1:5060", "quick", plan_for("1")) == []
    write(_run(), path)
    for target, profile, plan, told in (
        ("sip:2@127.0.0.1:5060", "quick", plan_for("1"), "another target"),
        ("sip:1@127.0.0.1:5060", "full", plan_for("1"), "another profile"),
        ("sip:1@127.0.0.1:5060", "quick", plan_for("2"), "another plan"),
    ):
        with pytest.raises(WrongPlan, match=told):
            read_results(path, target, profile, plan)
    path.write_text("[]", encoding="utf-8")
    with pytest.raises(WrongPlan, match="no JSON report"):
        read_results(path, "sip:1@127.0.0.1:5060", "quick", plan_for("1"))


def test_the_report_is_a_pdf_and_no_report_tells_the_passwords_of_seats(tmp_path: Path) -> None:
    plan = parse_plan(_AGENT, "plan")
    visits = [_visit() for _ in range(40)]
    run = replace(
        _run(
            PhaseResult(phase=Phase.IDLE, complete=True, load=0.7, visits=visits),
            PhaseResult(phase=Phase.AGENT, agents=[_talk(), _talk("bad", wait=None)]),
        ),
        plan=plan,
    )
    for name in ("report.pdf", "report.html", "report.json"):
        write(run, tmp_path / name)
        assert b"very secret" not in (tmp_path / name).read_bytes()
    printed = (tmp_path / "report.pdf").read_bytes()
    assert printed.startswith(b"%PDF-")
    assert printed.count(b"/Type /Page") >= 3
    assert b"STSong-Light" in printed
    assert "转人工等待 / wait for an agent" in (tmp_path / "report.html").read_text("utf-8")
