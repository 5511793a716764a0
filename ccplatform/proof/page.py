"""The report of an acceptance run as a file: JSON, or one HTML page in Chinese and English."""

from __future__ import annotations

import json
from collections.abc import Sequence
from html import escape
from importlib.resources import files
from pathlib import Path
from string import Template
from typing import Final

from ccplatform import __version__
from ccplatform.proof.acceptance import PhaseResult
from ccplatform.proof.errors import WrongPlan
from ccplatform.proof.report import CALLED, Run, document, environment
from metrics.compliance import ComplianceRow
from metrics.indicator import Unit

FORMATS: Final = (".json", ".html", ".pdf")
_BARS: Final = 40
_WIDTH, _HEIGHT = 400, 90
_LOOPBACK: Final = "<p>本机回环测试，不含接入网络。 / Measured over loopback, without an access network.</p>"
_BROKEN: Final = '<p class="fail">测试中断 / The run was broken off.</p>'


def check_format(path: Path, formats: Sequence[str] = FORMATS) -> None:
    """Raise WrongPlan for a file that no report can be."""
    if path.suffix.lower() not in formats:
        ends = path.suffix or "nothing"
        raise WrongPlan(f"reports end in {' or '.join(formats)}, not in {ends}", where="report")
    if not path.absolute().parent.is_dir():
        raise WrongPlan(f"{path.absolute().parent} is no directory", where="report")


def write(run: Run, path: Path) -> None:
    """Write the report in the format that the name ends in, all or nothing; raises WrongPlan for another one."""
    check_format(path)
    match path.suffix.lower():
        case ".json":
            data = raw(run)
        case ".pdf":
            from ccplatform.proof.paper import paper  # loaded by those who print

            data = paper(run)
        case _:
            data = page(run).encode()
    fresh = path.with_name(f".{path.name}.part")
    fresh.write_bytes(data)
    fresh.replace(path)


def raw(run: Run) -> bytes:
    """The JSON report as a file."""
    return json.dumps(document(run), ensure_ascii=False, indent=1).encode()


def page(run: Run) -> str:
    """One page that needs nothing else: verdicts, definitions, plots, environment, raw data."""
    told = run.rows
    counts = {called[0]: sum(row.verdict is verdict for row in told) for verdict, called in CALLED.items()}
    template = Template(files("ccplatform.proof").joinpath("page.html").read_text(encoding="utf-8"))
    return template.substitute(
        target=escape(run.target),
        profile=escape(run.profile),
        begun=run.begun.strftime("%Y-%m-%d %H:%M:%S %Z"),
        ended=run.ended.strftime("%Y-%m-%d %H:%M:%S %Z"),
        summary=escape(" · ".join(f"{count} {name}" for name, count in counts.items() if count)),
        broken="" if run.complete else _BROKEN,
        loopback=_LOOPBACK if run.front.loopback else "",
        rows="\n".join(map(_clause, told)),
        phases="\n".join(map(_phase, run.results)),
        plots=_plots(run.results),
        environment="".join(
            f"<tr><th>{escape(name)}</th><td>{escape(str(value))}</td></tr>"
            for name, value in environment(run).items()
        ),
        raw=json.dumps(document(run), ensure_ascii=False).replace("<", "\\u003c"),
        version=escape(__version__),
    )


def _clause(row: ComplianceRow) -> str:
    definition, measured = row.definition, row.measurement
    english, chinese = CALLED[row.verdict]
    bound = "–" if row.confidence_bound is None else shown(row.confidence_bound, definition.unit)
    value = "–" if measured.value is None else shown(measured.value, definition.unit)
    target = shown(definition.target or 0.0, definition.unit)
    clause = f"{escape(definition.clause_zh)}<br>{escape(definition.clause_en)}"
    cells = (
        f"{escape(definition.title_zh)}<br>{escape(definition.title_en)}"
        f"<details><summary>条款 / clause</summary>{clause}</details>",
        f"{escape(str(definition.comparison))} {target}",
        value,
        bound,
        str(measured.samples),
    )
    told = "".join(f"<td>{cell}</td>" for cell in cells)
    verdict = f'<td class="verdict">{chinese}<br>{english}</td><td>{escape(measured.label)}</td>'
    return f'<tr class="{row.verdict}"><th scope="row">{escape(definition.id)}</th>{told}{verdict}</tr>'


def _phase(result: PhaseResult) -> str:
    load = "–" if result.load is None else f"{result.load:.3f}"
    state = "完成 / complete" if result.complete else "中断 / broken off"
    calls = len(result.visits) + len(result.echoes) + result.unanswered_echoes + len(result.agents)
    cells = (f"{result.seconds:.0f} s", str(result.channels or "–"), load, str(calls), state)
    return f"<tr><th>{result.phase}</th>{''.join(f'<td>{cell}</td>' for cell in cells)}</tr>"


def shown(value: float, unit: Unit) -> str:
    """A value for people."""
    match unit:
        case Unit.RATIO:
            return f"{value * 100:.3f} %"
        case Unit.SECONDS:
            return f"{value:.3f} s"
        case Unit.PESQ | Unit.TIMES:
            return f"{value:.3f}"


def plotted(results: Sequence[PhaseResult]) -> dict[str, tuple[list[float], str]]:
    """What is plotted: values and their unit, by name; nothing without values."""
    visits = [visit for result in results for visit in result.visits]
    talks = [visit for result in results for visit in result.agents]
    echoes = [echoed for result in results for echoed in result.echoes]
    ways = [way for visit in talks for way in (visit.to_caller_seconds, visit.to_agent_seconds)]
    series: dict[str, tuple[list[float | None], str]] = {
        "呼叫接通时延 / connect delay": ([visit.connect for visit in visits], "s"),
        "按键响应 / DTMF response": ([seconds for visit in visits for seconds in visit.keys], "s"),
        "查询响应 / query response": ([seconds for visit in visits for seconds in visit.queries], "s"),
        "转人工等待 / wait for an agent": ([visit.agent_wait for visit in talks], "s"),
        "单向时延 / one-way delay": (ways, "s"),
    }
    for network, name in (("good", "良好"), ("poor", "较差"), ("bad", "恶劣")):
        scores = [echoed.raw for echoed in echoes if echoed.network == network]
        for visit in talks:
            if visit.network == network:
                scores += [visit.to_caller_pesq, visit.to_agent_pesq]
        series[f"PESQ {name} / {network}"] = (scores, "")
    known = {
        name: ([value for value in values if value is not None], unit) for name, (values, unit) in series.items()
    }
    return {name: (values, unit) for name, (values, unit) in known.items() if values}


def _plots(results: Sequence[PhaseResult]) -> str:
    return "\n".join(histogram(name, *found) for name, found in plotted(results).items())


def counted(values: Sequence[float], bars: int = _BARS) -> tuple[list[int], float]:
    """How many values are in each of so many classes from 0 to the largest, and that one."""
    top = max(values) or 1.0
    counts = [0] * bars
    for value in values:
        counts[max(0, min(bars - 1, int(value / top * bars)))] += 1
    return counts, top


def histogram(name: str, values: Sequence[float], unit: str = "s") -> str:
    """Values as an SVG of bars, from 0 to the largest."""
    counts, top = counted(values)
    scale, width = _HEIGHT / max(counts), _WIDTH / _BARS
    bars = "".join(
        f'<rect x="{at * width:.1f}" y="{_HEIGHT - count * scale:.1f}" '
        f'width="{width - 1:.1f}" height="{count * scale:.1f}"/>'
        for at, count in enumerate(counts)
        if count
    )
    return (
        f"<figure><figcaption>{escape(name)}: {len(values)}, 0 … {top:.3f} {unit}</figcaption>"
        f'<svg viewBox="0 0 {_WIDTH} {_HEIGHT}" role="img" aria-label="{escape(name)}">{bars}</svg></figure>'
    )
