"""The busy hour over E1: ``python -m bench.isdn_hour [--seconds 3600]``.

The busy phase of the acceptance run (R10.3.1.1: 0.9 Erl on each of 30 channels, callers who walk the demo bank's
menu to their balance) goes by the switch simulator into a demo centre that is started for it. All of them share
the CPUs.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import random
import sys
import tempfile
from importlib.resources import files
from pathlib import Path
from typing import Any, Final

from bench.figures import Figure, conditions, distribution, show, single, write_json
from bench.isdn import busy_seconds, connect_rates, cpu, rows_of, settings_of
from ccplatform.app.e1_link import ask_office
from ccplatform.app.places import places_of
from ccplatform.contracts.words import MysteryFate
from ccplatform.kernel.clock import SystemClock
from ccplatform.proof.acceptance import Acceptance, Phase, PhaseResult, Profile
from ccplatform.proof.e1_line import facts_of
from ccplatform.proof.plan import parse_plan
from ccplatform.proof.running import SpanTarget, line_over
from ccplatform.proof.verdicts import rows
from ccplatform.proof.visit import make_visit
from gateway.isdn.talks import SpanFacts
from gateway.sip.flows import Flow
from metrics.indicator import Unit
from tests.support.platform import PlatformProcess
from tests.support.ports import PortBlock

CLOCK: Final = SystemClock()
ROLES: Final = ("e1", "e1-switch", "media", "control", "web")
CLAUSES: Final = ("R10.3.1.1.b", "R10.3.1.5.b")
#: Calls begin within so many seconds; what is prepared at first calls is over by then.
_SPREAD: Final = 20.0


async def slips_of(platform: PlatformProcess) -> int:
    """Of both ends of the line."""
    places = places_of(platform.data_dir)
    (front,) = await ask_office(places, {"do": "state"})
    switch = await facts_of(places.e1_switch_socket, "")
    assert isinstance(switch, SpanFacts)
    return int(front["line"]["slips"]) + switch.slips


async def state_of(platform: PlatformProcess) -> dict[str, Any]:
    """What is compared before and after."""
    return {
        "at": CLOCK.now(),
        "cpu": {role: cpu(platform, role) for role in ROLES},
        "rss": {role: platform.rss_bytes(role) for role in ROLES},
        "slips": await slips_of(platform),
        "rows": await rows_of(platform),
        "carried": await busy_seconds(places_of(platform.data_dir)),
    }


def told(result: PhaseResult, before: dict[str, Any], after: dict[str, Any]) -> list[Figure]:
    """The figures of the phase."""
    took, visits = after["at"] - before["at"], result.visits
    note = f"{len(visits)} calls, {took:.0f} s"
    found = [
        distribution("SETUP → first voice (R10.3.1.2)", [v.connect for v in visits if v.connect is not None]),
        distribution("key → answer (R10.3.1.6)", [seconds for v in visits for seconds in v.keys]),
        distribution("last key → result (R10.3.1.7)", [seconds for v in visits for seconds in v.queries]),
    ]
    for row in rows([result]):
        value, unit = row.measurement.value, row.definition.unit
        if row.definition.id in CLAUSES and value is not None and unit is Unit.RATIO:
            bound = f"at least {100 * (row.confidence_bound or 0):.3f} % (95 %)"
            words = f"{row.measurement.successes} of {row.measurement.samples}, {bound}; {row.measurement.label}"
            found.append(single(f"{row.definition.title_en} ({row.definition.id})", 100 * value, "%", note=words))
    failed = sum(visit.fate is not MysteryFate.COMPLETED for visit in visits)
    found += [
        single("calls that did not get to their end", failed, "calls", note=note),
        single("in use, by the callers", result.load or 0.0, "Erl / channel", note=note),
        single(
            "carried, by the platform, first and last calls included",
            (after["carried"] - before["carried"]) / took,
            "Erl",
            note=note,
        ),
        single("slips of the line, both ends", after["slips"] - before["slips"], "blocks", note=note),
        single("rows put in or left out by the E1 process", after["rows"] - before["rows"], "rows", note=note),
        single("callers' own ticks that were late", 100 * result.late_share, "%", note=note),
    ]
    for role in ROLES:
        used = 100 * (after["cpu"][role] - before["cpu"][role]) / took
        mib = [state["rss"][role] / 1048576 for state in (before, after)]
        found += [
            single(f"{role}: CPU", used, "% of a core", note=note),
            single(f"{role}: RSS after", mib[1], "MiB", note=f"{mib[0]:.1f} MiB before"),
        ]
    return [figure for figure in found if figure is not None]


async def hour(platform: PlatformProcess, seconds: float, problems: list[str]) -> list[Figure]:
    """A first call, then the busy phase."""
    plan = parse_plan(files("config").joinpath("acceptance.toml").read_text("utf-8"), "acceptance.toml")
    control = places_of(platform.data_dir).e1_switch_socket
    async with line_over(SpanTarget(control, "", Flow("UDP", *platform.sip)), plan.caller) as line:
        first = await make_visit(line, plan.visit, CLOCK)
        if not first.served:
            problems.append(f"the first call failed: {first.fate} {first.failed_at}")
        run = Acceptance(
            plan=plan,
            profile=Profile(name="hour", load_seconds=seconds, echo_calls=0, spread_seconds=_SPREAD),
            line=line,
            clock=CLOCK,
            speech=[],
            progress=progress,
            random=random.Random(1),
        )
        before = await state_of(platform)
        await run.run([Phase.BUSY])
        after = await state_of(platform)
    figures = told(run.results[0], before, after)
    rates = [row for row in await connect_rates(platform) if row["value"] is not None]
    return figures + [
        single(f"{row['id']}, by the platform itself", 100 * row["value"], "%", note=f"{row['samples']} calls")
        for row in rates
    ]


def progress(phase: Phase, share: float, calls: int, failed: int, left: float) -> None:
    """Where somebody looks."""
    if sys.stderr.isatty():
        print(f"\r{share:4.0%}, {calls} calls, {failed} failed, {left:.0f} s left  ", end="", file=sys.stderr)


async def measure(options: argparse.Namespace) -> int:
    """0 when every call got to its end."""
    facts, problems, figures = conditions(), list[str](), list[Figure]()
    ports = PortBlock(3)
    environment = {
        "CCP_ISDN__SPANS": json.dumps(settings_of(ports, 1)),
        "CCP_ISDN__SWITCH": "true",
        "CCP_PROBE__EVERY_SECONDS": "0",
    }
    with tempfile.TemporaryDirectory(prefix="ccp-isdn-") as directory:
        platform = PlatformProcess(Path(directory), environment=environment)
        try:
            await asyncio.to_thread(platform.start)
            figures = await hour(platform, options.seconds, problems)
        finally:
            await asyncio.to_thread(platform.stop)
            platform.close()
            ports.close()
    failed = next((f.p50 for f in figures if f.name.startswith("calls that did not")), 0)
    if failed:
        problems.append(f"{failed:.0f} calls did not get to their end")
    if options.json:  # first: an hour is not to be lost for a table
        write_json(options.json, figures, facts, problems)
    show("The busy hour over E1", figures, facts, problems)
    return 1 if problems else 0


def main() -> None:
    """The command."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seconds", type=float, default=3600.0, help="how long the load lasts")
    parser.add_argument("--json", type=Path)
    sys.exit(asyncio.run(measure(parser.parse_args())))


if __name__ == "__main__":
    main()
