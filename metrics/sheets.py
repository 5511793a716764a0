"""Reports as tables of other programs: CSV and Excel (Office Open XML)."""

from __future__ import annotations

import csv
import io
from datetime import datetime
from typing import Any, Final
from zoneinfo import ZoneInfo

from xlsxwriter import Workbook
from xlsxwriter.format import Format
from xlsxwriter.worksheet import Worksheet

from metrics.report_words import CHARTED, SHARES, WORDS, is_seconds
from metrics.reports import ReportQuery, ReportRow

#: Above the table: title, period, headings in Chinese and in English.
_FIRST: Final = 4
#: A sheet holds so many rows.
_MOST_ROWS: Final = 1_048_576 - _FIRST
#: A chart of more bars shows nothing.
_MOST_BARS: Final = 400


def as_csv(query: ReportQuery, rows: list[ReportRow]) -> str:
    """The table as CSV (RFC 4180). Cells that a spreadsheet would run as a formula begin with an apostrophe."""
    out = io.StringIO()
    writer = csv.writer(out)
    columns = columns_of(query)
    writer.writerow(columns)
    for row in rows:
        writer.writerow([_cell(row[column]) for column in columns])
    return out.getvalue()


def as_xlsx(query: ReportQuery, rows: list[ReportRow], zone: ZoneInfo) -> bytes:
    """The table as a workbook with a chart; texts are never formulas, the head is in both languages."""
    out = io.BytesIO()
    options = {"in_memory": True, "strings_to_formulas": False, "strings_to_urls": False}
    with Workbook(out, options) as book:
        sheet = book.add_worksheet(query.report.name)
        bold = book.add_format({"bold": True, "bottom": 1})
        sheet.write_string(0, 0, " ".join(WORDS[query.report.name]), bold)
        sheet.write_string(1, 0, period_of(query, zone))
        columns = columns_of(query)
        for place, column in enumerate(columns):
            sheet.set_column(place, place, 18 if place == 0 else 13)
            sheet.write_string(2, place, WORDS[column][0], bold)
        for place, column in enumerate(columns):
            sheet.write_string(3, place, WORDS[column][1], bold)
        forms = [_form(book, column) for column in columns]
        for number, row in enumerate(rows[:_MOST_ROWS]):
            for place, column in enumerate(columns):
                _write(sheet, _FIRST + number, place, row[column], forms[place])
        sheet.freeze_panes(_FIRST, 1)
        _chart(book, sheet, query, min(len(rows), _MOST_BARS))
    return out.getvalue()


def columns_of(query: ReportQuery) -> tuple[str, ...]:
    """The group, then the columns."""
    return (query.grouping.value, *query.report.columns)


def period_of(query: ReportQuery, zone: ZoneInfo) -> str:
    """From when to when, by the centre's clock."""
    return f"{_local(query.begin, zone)} – {_local(query.end, zone)} ({zone.key})"


def _local(at: datetime, zone: ZoneInfo) -> str:
    return at.astimezone(zone).strftime("%Y-%m-%d %H:%M")


def _form(book: Workbook, column: str) -> Format:
    if column in SHARES:
        return book.add_format({"num_format": "0.0%"})
    return book.add_format({"num_format": "#,##0.0" if is_seconds(column) or column == "mean" else "#,##0"})


def _write(sheet: Worksheet, row: int, column: int, value: Any, form: Format) -> None:
    match value:
        case None:
            pass
        case str():
            sheet.write_string(row, column, value)
        case _:
            sheet.write_number(row, column, value, form)


def _chart(book: Workbook, sheet: Worksheet, query: ReportQuery, bars: int) -> None:
    if not bars:
        return
    shown = CHARTED[query.report.name]
    place = columns_of(query).index(shown)
    last, name = _FIRST + bars - 1, query.report.name
    chart = book.add_chart({"type": "column"})
    chart.add_series(
        {
            "name": " ".join(WORDS[shown]),
            "categories": [name, _FIRST, 0, last, 0],
            "values": [name, _FIRST, place, last, place],
        }
    )
    chart.set_legend({"position": "bottom"})
    sheet.insert_chart(1, len(columns_of(query)) + 1, chart)


def _cell(value: Any) -> Any:
    if value is None:
        return ""
    if isinstance(value, str) and value[:1] in ("=", "+", "-", "@", "\t", "\r"):
        return "'" + value
    return value
