"""The report of an acceptance run as a file: JSON, or one HTML page in Chinese and English."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from html import escape
from importlib.resources import files
from pathlib import Path
from string import Template
from typing import Final

from ccplatform import __version__
from ccplatform.proof.acceptance import PhaseResult
from ccplatform.proof.errors import WrongPlan
from ccplatform.proof.report import CALLED, Run, document, environment
from ccplatform.proof.verdicts import rows
from metrics.compliance import ComplianceRow
from metrics.indicator import Unit

FORMATS: Final = (".json", ".html")
_BARS: Final = 40
_WIDTH, _HEIGHT = 400, 90
_LOOPBACK: Final = "<p>本机回环测试，不含接入网络。 / Measured over loopback, without an access network.</p>"
_BROKEN: Final = '<p class="fail">测试中断 / The run was broken off.</p>'


def check_format(path: Path) -> None:
    """Raise WrongPlan for a file that no report can be."""
    if path.suffix.lower() not in FORMATS:
        ends = path.suffix or "nothing"
        raise WrongPlan(f"reports end in {' or '.join(FORMATS)}, not in {ends}", where="report")
    if not path.absolute().parent.is_dir():
        raise WrongPlan(f"{path.absolute().parent} is no directory", where="report")


def write(run: Run, path: Path) -> None:
    """Write the report in the format that the name ends in, all or nothing; raises WrongPlan for another one."""
    check_format(path)
    report = document(run)
    text = json.dumps(report, ensure_ascii=False, indent=1) if path.suffix.lower() == ".json" else page(run)
    fresh = path.with_name(f".{path.name}.part")
    fresh.write_text(text, encoding="utf-8")
    fresh.replace(path)


def page(run: Run) -> str:
    """One page that needs nothing else: verdicts, definitions, plots, environment, raw data."""
    told = rows(run.results)
    counts = {called[0]: sum(row.verdict is verdict for row in told) for verdict, called in CALLED.items()}
    template = Template(files("ccplatform.proof").joinpath("page.html").read_text(encoding="utf-8"))
    return template.substitute(
        target=escape(run.target),
        profile=escape(run.profile),
        begun=run.begun.strftime("%Y-%m-%d %H:%M:%S %Z"),
        ended=run.ended.strftime("%Y-%m-%d %H:%M:%S %Z"),
        summary=escape(" · ".join(f"{count} {name}" for name, count in counts.items() if count)),
        broken="" if run.complete else _BROKEN,
        loopback=_LOOPBACK if run.loopback else "",
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
    calls = len(result.visits) + len(result.echoes) + result.unanswered_echoes
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


def _plots(results: Sequence[PhaseResult]) -> str:
    visits = [visit for result in results for visit in result.visits]
    series: Mapping[str, list[float]] = {
        "呼叫接通时延 / connect delay": [visit.connect for visit in visits if visit.connect is not None],
        "按键响应 / DTMF response": [seconds for visit in visits for seconds in visit.keys],
        "查询响应 / query response": [seconds for visit in visits for seconds in visit.queries],
    }
    return "\n".join(histogram(name, values) for name, values in series.items() if values)


def histogram(name: str, values: Sequence[float]) -> str:
    """Values in seconds as an SVG of bars, from 0 to the largest."""
    top = max(values) or 1.0
    counts = [0] * _BARS
    for value in values:
        counts[min(_BARS - 1, int(value / top * _BARS))] += 1
    scale, width = _HEIGHT / max(counts), _WIDTH / _BARS
    bars = "".join(
        f'<rect x="{at * width:.1f}" y="{_HEIGHT - count * scale:.1f}" '
        f'width="{width - 1:.1f}" height="{count * scale:.1f}"/>'
        for at, count in enumerate(counts)
        if count
    )
    return (
        f"<figure><figcaption>{escape(name)}: {len(values)}, 0 … {top:.3f} s</figcaption>"
        f'<svg viewBox="0 0 {_WIDTH} {_HEIGHT}" role="img" aria-label="{escape(name)}">{bars}</svg></figure>'
    )
