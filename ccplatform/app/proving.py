"""The commands ``probe`` and ``acceptance``: calls from outside, and what they prove of section 10.3."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal

import typer

from ccplatform.app.cli_options import ConfigOption, DataDirOption, flags

if TYPE_CHECKING:  # loaded by those who use it: other processes start faster
    from ccplatform.proof.plan import Plan
    from ccplatform.proof.running import SpanTarget
    from gateway.sip.flows import Flow

acceptance_app = typer.Typer(
    no_args_is_help=True, rich_markup_mode=None, help="The acceptance run of section 10.3.1."
)
probe_app = typer.Typer(no_args_is_help=True, rich_markup_mode=None, help="Mystery calls.")

TargetOption = Annotated[
    str | None,
    typer.Option(
        help="sip:NUMBER@HOST:PORT of any contact centre, or e1:NUMBER[@SPAN], by the E1 switch of --data-dir; "
        "without it that of --config, on this machine."
    ),
]
PlanOption = Annotated[Path | None, typer.Option(help="What callers do (TOML); without it, for the demo centre.")]
Profiles = Literal["quick", "full"]


@probe_app.command("once")
def probe_once(
    target: TargetOption = None,
    plan: PlanOption = None,
    config: ConfigOption = None,
    data_dir: DataDirOption = None,
) -> None:
    """Make one mystery call and tell what it heard; exit code 1 when it did not get to its end."""
    from ccplatform.contracts.words import MysteryFate
    from ccplatform.proof.running import probe, told_of_visit

    visit = asyncio.run(probe(*_aim(target, plan, config, data_dir)))
    print(told_of_visit(visit))
    if visit.fate is not MysteryFate.COMPLETED:
        raise typer.Exit(1)


@acceptance_app.command("run")
def acceptance_run(
    target: TargetOption = None,
    profile: Annotated[Profiles, typer.Option(help="quick: minutes; full: two hours a load phase.")] = "quick",
    phase: Annotated[
        list[str] | None, typer.Option(help="idle, busy, quality or agent; more than once: these. All without it.")
    ] = None,
    plan: PlanOption = None,
    config: ConfigOption = None,
    data_dir: DataDirOption = None,
    report: Annotated[Path | None, typer.Option(help="Report to write: FILE.html, FILE.pdf or FILE.json.")] = None,
    resume: Annotated[
        Path | None,
        typer.Option(help="FILE.json: written after each phase; phases that are complete there are skipped."),
    ] = None,
    speech: Annotated[
        list[Path] | None, typer.Option(help="Recorded reference speech; without it the bundled voice speaks.")
    ] = None,
) -> None:
    """Prove section 10.3.1 by calls; exit code 1 when a clause failed. Ctrl-C keeps what was measured."""
    from ccplatform.proof.acceptance import Phase, phase_of
    from ccplatform.proof.page import check_format, write
    from ccplatform.proof.running import prove, told_of_run
    from ccplatform.proof.speech import read_speech
    from metrics.model import Verdict

    if report is not None:
        check_format(report)
    if resume is not None:
        check_format(resume, (".json",))
    chosen, way = _aim(target, plan, config, data_dir)
    phases = [phase_of(name) for name in phase] if phase else list(Phase)
    run = asyncio.run(prove(chosen, way, profile, phases, read_speech(speech or ()), resume))
    print(told_of_run(run))
    if report is not None:
        write(run, report)
        print(f"report: {report}")
    if any(row.verdict is Verdict.FAIL for row in run.rows):
        raise typer.Exit(1)


def _aim(
    target: str | None, plan: Path | None, config: Path | None, data_dir: Path | None
) -> tuple[Plan, Flow | SpanTarget]:
    """The plan and the centre; without a target this machine's centre, as the configuration has it."""
    from importlib.resources import files

    from ccplatform.app.places import places_of
    from ccplatform.app.settings import load_settings, own_host
    from ccplatform.proof.plan import (
        SPAN_TARGET,
        parse_plan,
        plan_for,
        read_plan,
        read_span_target,
        read_target,
    )
    from ccplatform.proof.running import SpanTarget, address_of
    from gateway.sip.flows import Flow

    if target is not None and not target.startswith(SPAN_TARGET):
        number, host, port = read_target(target)
        chosen = plan_for(number) if plan is None else read_plan(plan).dialling(number)
        return chosen, Flow("UDP", address_of(host), port)
    settings = load_settings(config, flags=flags(("node", "data_dir", data_dir)))
    own = Flow("UDP", own_host(settings), settings.sip.port)
    if target is not None:
        number, span = read_span_target(target)
        chosen = plan_for(number) if plan is None else read_plan(plan).dialling(number)
        return chosen, SpanTarget(places_of(settings.node.data_dir).e1_switch_socket, span, own)

    demo = files("config").joinpath("acceptance.toml")
    chosen = parse_plan(demo.read_text("utf-8"), "acceptance.toml") if plan is None else read_plan(plan)
    return chosen, own
