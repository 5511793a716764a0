"""The report of an acceptance run as PDF, in Chinese and English, by reportlab and its font for Chinese (no font
file)."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from datetime import datetime
from html import escape
from io import BytesIO
from typing import Any, Final

from reportlab.graphics.shapes import Drawing, Rect
from reportlab.lib import colors
from reportlab.lib.pagesizes import A4, landscape
from reportlab.lib.styles import ParagraphStyle
from reportlab.lib.units import mm
from reportlab.pdfbase import pdfmetrics
from reportlab.pdfbase.cidfonts import UnicodeCIDFont
from reportlab.platypus import Flowable, KeepTogether, PageBreak, Paragraph, SimpleDocTemplate, Spacer, Table

from ccplatform import __version__
from ccplatform.proof.page import counted, plotted, raw, shown
from ccplatform.proof.report import CALLED, Run, environment
from metrics.compliance import ComplianceRow
from metrics.model import Verdict

_FONT: Final = "STSong-Light"  # of every PDF reader's Chinese support; nothing is embedded
_TINTS: Final = {
    Verdict.PASS: colors.HexColor("#dcf3e1"),
    Verdict.FAIL: colors.HexColor("#fbdcdc"),
    Verdict.INSUFFICIENT: colors.HexColor("#fdf1cf"),
    Verdict.NO_DATA: colors.HexColor("#eceff3"),
}
_GRID: Final = colors.HexColor("#c3ccd6")
_BARS, _WIDTH, _HEIGHT = 40, 80 * mm, 22 * mm
_HEAD: Final = (
    "编号 id",
    "指标 indicator",
    "目标 target",
    "测量值 value",
    "95 % 界 bound",
    "n",
    "结论 verdict",
    "说明 note",
)
_WIDTHS: Final = tuple(width * mm for width in (22, 52, 24, 24, 24, 14, 26, 81))


def paper(run: Run) -> bytes:
    """The whole report. Raw data are not in it: the JSON report holds them, whose SHA-256 is."""
    if _FONT not in pdfmetrics.getRegisteredFontNames():
        pdfmetrics.registerFont(UnicodeCIDFont(_FONT))
    told = run.rows
    story: list[Flowable] = [
        _text("验收测试报告 / Acceptance report", 16),
        _text(f"{run.target} · {run.profile} · {_when(run.begun)} – {_when(run.ended)}"),
        _text(_summary(run, told)),
        Spacer(1, 3 * mm),
        _clauses(told),
        Spacer(1, 4 * mm),
        _text("过程 / Phases", 12),
        _phases(run),
        PageBreak(),
        _text("分布 / Distributions", 12),
        *_plots(run),
        _text("条款与定义 / Clauses and definitions", 12),
        *(_definition(row) for row in told),
        _text("环境 / Environment", 12),
        *(_text(f"{name}: {value}") for name, value in environment(run).items()),
        _text(f"JSON SHA-256: {hashlib.sha256(raw(run)).hexdigest()}"),
    ]
    out = BytesIO()
    SimpleDocTemplate(
        out,
        pagesize=landscape(A4),
        leftMargin=15 * mm,
        rightMargin=15 * mm,
        topMargin=14 * mm,
        bottomMargin=14 * mm,
        title="验收测试报告 / Acceptance report",
        author=f"ccplatform {__version__}",
    ).build(story, onFirstPage=_foot, onLaterPages=_foot)
    return out.getvalue()


def _when(at: datetime) -> str:
    return f"{at:%Y-%m-%d %H:%M:%S %Z}"


def _text(words: str, size: float = 8.5) -> Paragraph:
    style = ParagraphStyle("text", fontName=_FONT, fontSize=size, leading=size * 1.35, wordWrap="CJK")
    return Paragraph(escape(words), style)


def _summary(run: Run, told: Sequence[ComplianceRow]) -> str:
    counts = [(sum(row.verdict is verdict for row in told), called) for verdict, called in CALLED.items()]
    parts = [f"{count} {chinese} {english}" for count, (english, chinese) in counts if count]
    if not run.complete:
        parts.append("测试中断 / broken off")
    if run.front.loopback:
        parts.append("本机回环，不含接入网络 / over loopback, without an access network")
    return " · ".join(parts)


def _table(cells: list[list[Any]], widths: Sequence[float], tints: Sequence[tuple[int, Any]] = ()) -> Table:
    style: list[tuple[Any, ...]] = [
        ("GRID", (0, 0), (-1, -1), 0.4, _GRID),
        ("VALIGN", (0, 0), (-1, -1), "TOP"),
        ("BACKGROUND", (0, 0), (-1, 0), colors.HexColor("#eef2f7")),
    ]
    style += [("BACKGROUND", (6, row), (6, row), tint) for row, tint in tints]
    return Table(cells, colWidths=widths, style=style, repeatRows=1)


def _clauses(told: Sequence[ComplianceRow]) -> Table:
    cells: list[list[Any]] = [[_text(name, 7.5) for name in _HEAD]]
    for row in told:
        definition, measured = row.definition, row.measurement
        english, chinese = CALLED[row.verdict]
        bound = "–" if row.confidence_bound is None else shown(row.confidence_bound, definition.unit)
        texts = (
            definition.id,
            f"{definition.title_zh} {definition.title_en}",
            f"{definition.comparison} {shown(definition.target or 0.0, definition.unit)}",
            "–" if measured.value is None else shown(measured.value, definition.unit),
            bound,
            str(measured.samples),
            f"{chinese} {english}",
            measured.label,
        )
        cells.append([_text(text, 7.5) for text in texts])
    return _table(cells, _WIDTHS, [(place, _TINTS[row.verdict]) for place, row in enumerate(told, 1)])


def _phases(run: Run) -> Table:
    head = ("阶段 phase", "时长 lasted", "信道 channels", "Erl / channel", "呼叫 calls", "状态 state")
    cells: list[list[Any]] = [[_text(name, 7.5) for name in head]]
    for result in run.results:
        calls = len(result.visits) + len(result.echoes) + result.unanswered_echoes + len(result.agents)
        texts = (
            str(result.phase),
            f"{result.seconds:.0f} s",
            str(result.channels or "–"),
            "–" if result.load is None else f"{result.load:.3f}",
            str(calls),
            "完成 complete" if result.complete else "中断 broken off",
        )
        cells.append([_text(text, 7.5) for text in texts])
    return _table(cells, [30 * mm] * len(head))


def _plots(run: Run) -> list[Flowable]:
    parts: list[Flowable] = []
    for name, (values, unit) in plotted(run.results).items():
        words = _text(f"{name}: {len(values)}, 0 … {max(values):.3f} {unit}")
        parts.append(KeepTogether([words, _bars(values), Spacer(1, 3 * mm)]))
    return parts


def _bars(values: Sequence[float]) -> Drawing:
    counts, _ = counted(values, _BARS)
    drawing, width, scale = Drawing(_WIDTH, _HEIGHT), _WIDTH / _BARS, _HEIGHT / max(counts)
    for place, count in enumerate(counts):
        if count:
            blue = colors.HexColor("#2f6fde")
            drawing.add(Rect(place * width, 0, width * 0.9, count * scale, fillColor=blue, strokeColor=None))
    return drawing


def _definition(row: ComplianceRow) -> Flowable:
    definition = row.definition
    return KeepTogether(
        [
            _text(f"{definition.id} · {definition.title_zh} · {definition.title_en}", 9),
            _text(definition.clause_zh, 7.5),
            _text(definition.clause_en, 7.5),
            Spacer(1, 2 * mm),
        ]
    )


def _foot(canvas: Any, document: Any) -> None:
    canvas.setFont(_FONT, 7.5)
    canvas.drawString(15 * mm, 8 * mm, f"ccplatform {__version__}")
    canvas.drawRightString(landscape(A4)[0] - 15 * mm, 8 * mm, str(document.page))
