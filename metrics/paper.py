"""Reports as PDF: a table on A4 across, with a chart, in Chinese and English.

The Chinese font is Adobe's STSong-Light, one of those that PDF names without carrying them (ISO 32000-1, 9.7.5.2):
viewers bring it along, or a font of their own for it.
"""

from __future__ import annotations

import io
from functools import cache
from typing import Any, Final
from zoneinfo import ZoneInfo

from reportlab.graphics.charts.barcharts import VerticalBarChart
from reportlab.graphics.shapes import Drawing
from reportlab.lib import colors
from reportlab.lib.pagesizes import A4, landscape
from reportlab.lib.styles import ParagraphStyle
from reportlab.lib.units import mm
from reportlab.pdfbase import pdfmetrics
from reportlab.pdfbase.cidfonts import UnicodeCIDFont
from reportlab.pdfgen.canvas import Canvas
from reportlab.platypus import LongTable, Paragraph, SimpleDocTemplate, Spacer, TableStyle

from metrics.errors import BadReportQuery
from metrics.report_words import CHARTED, SHARES, WORDS, is_seconds
from metrics.reports import ReportQuery, ReportRow
from metrics.sheets import columns_of, period_of

_FONT: Final = "STSong-Light"
#: Nobody reads more on paper.
MOST_ROWS: Final = 3000
#: Bars that can be told apart on a page.
_MOST_BARS: Final = 48
_MARGIN: Final = 12 * mm
_SMALL: Final = 7


def as_pdf(query: ReportQuery, rows: list[ReportRow], zone: ZoneInfo) -> bytes:
    """The report on paper; raises BadReportQuery for one that has too many rows."""
    if len(rows) > MOST_ROWS:
        raise BadReportQuery(f"{len(rows)} rows are too many for pdf ({MOST_ROWS}): group them by longer times")
    font = _font()
    title = ParagraphStyle("title", fontName=font, fontSize=14, leading=18)
    text = ParagraphStyle("text", fontName=font, fontSize=9, leading=12)
    out = io.BytesIO()
    paper = SimpleDocTemplate(
        out,
        pagesize=landscape(A4),
        margins=_MARGIN,
        leftMargin=_MARGIN,
        rightMargin=_MARGIN,
        topMargin=_MARGIN,
        bottomMargin=_MARGIN,
        title=" ".join(WORDS[query.report.name]),
    )
    parts: list[Any] = [
        Paragraph(" ".join(WORDS[query.report.name]), title),
        Paragraph(period_of(query, zone), text),
        Spacer(1, 4 * mm),
    ]
    if rows:
        parts += [*_chart(query, rows, paper.width, text), _table(query, rows, paper.width)]
    else:
        parts.append(Paragraph("没有数据 No data", text))
    paper.build(parts, onFirstPage=_number, onLaterPages=_number)
    return out.getvalue()


@cache
def _font() -> str:
    pdfmetrics.registerFont(UnicodeCIDFont(_FONT))
    return _FONT


def _number(canvas: Canvas, paper: Any) -> None:
    canvas.setFont(_FONT, 8)
    canvas.drawRightString(landscape(A4)[0] - _MARGIN, 6 * mm, str(canvas.getPageNumber()))


def _table(query: ReportQuery, rows: list[ReportRow], width: float) -> LongTable:
    columns = columns_of(query)
    cells = [["\n".join(WORDS[column]) for column in columns]]
    cells += [[_shown(column, row[column]) for column in columns] for row in rows]
    first = width * 0.14
    widths = [first, *[(width - first) / (len(columns) - 1)] * (len(columns) - 1)]
    style = [
        ("FONT", (0, 0), (-1, -1), _FONT, _SMALL),
        ("LEADING", (0, 0), (-1, -1), _SMALL + 2),
        ("ALIGN", (1, 0), (-1, -1), "RIGHT"),
        ("LINEBELOW", (0, 0), (-1, 0), 0.8, colors.black),
        ("LINEBELOW", (0, 1), (-1, -1), 0.2, colors.lightgrey),
        ("TOPPADDING", (0, 0), (-1, -1), 1),
        ("BOTTOMPADDING", (0, 0), (-1, -1), 2),
    ]
    return LongTable(cells, colWidths=widths, repeatRows=1, style=TableStyle(style))


def _chart(query: ReportQuery, rows: list[ReportRow], width: float, text: ParagraphStyle) -> list[Any]:
    shown = CHARTED[query.report.name]
    if len(rows) > _MOST_BARS:
        return []
    drawing = Drawing(width, 42 * mm)
    bars = VerticalBarChart()
    bars.x, bars.y, bars.width, bars.height = 12 * mm, 12 * mm, width - 14 * mm, 28 * mm
    bars.data = [[row[shown] or 0 for row in rows]]
    bars.bars[0].fillColor = colors.HexColor("#3b6ea5")
    bars.bars[0].strokeColor = None
    bars.valueAxis.valueMin = 0
    bars.valueAxis.labels.fontSize = _SMALL
    bars.categoryAxis.categoryNames = [str(row[query.grouping.value]) for row in rows]
    labels = bars.categoryAxis.labels
    labels.fontName, labels.fontSize, labels.angle = _FONT, _SMALL - 1, 30 if len(rows) > 12 else 0
    labels.boxAnchor = "ne" if len(rows) > 12 else "n"
    drawing.add(bars)
    return [Paragraph(" ".join(WORDS[shown]), text), drawing, Spacer(1, 3 * mm)]


def _shown(column: str, value: Any) -> str:
    if value is None:
        return "–"
    if isinstance(value, str):
        return value[:40]
    if column in SHARES:
        return f"{value:.1%}"
    return f"{value:,.1f}" if is_seconds(column) or column == "mean" else f"{value:,}"
