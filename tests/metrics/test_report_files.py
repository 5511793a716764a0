"""Reports as Excel and PDF: read again, they hold the same numbers."""

from __future__ import annotations

import io
import re
import zipfile
import zlib
from base64 import a85decode
from datetime import UTC, datetime, timedelta
from xml.etree import ElementTree
from zoneinfo import ZoneInfo

import pytest

from metrics.errors import BadReportQuery
from metrics.paper import MOST_ROWS, as_pdf
from metrics.report_words import CHARTED, WORDS
from metrics.reports import REPORTS, ReportDefinition, ReportQuery, ReportRow
from metrics.sheets import as_xlsx

SHANGHAI = ZoneInfo("Asia/Shanghai")
NOW = datetime(2026, 1, 5, tzinfo=UTC)
_SHEET = "{http://schemas.openxmlformats.org/spreadsheetml/2006/main}"


def asked(name: str = "queues", group_by: str | None = None) -> ReportQuery:
    return ReportQuery.of(name, NOW, NOW + timedelta(days=1), group_by)


def row_of(query: ReportQuery, key: str, value: float | None = 7) -> ReportRow:
    return {query.grouping.value: key, **dict.fromkeys(query.report.columns, value)}


def cells(book: bytes) -> dict[str, tuple[str, str]]:
    """Cell → its type and what is in it."""
    with zipfile.ZipFile(io.BytesIO(book)) as parts:
        assert parts.testzip() is None
        sheet = ElementTree.fromstring(parts.read("xl/worksheets/sheet1.xml"))
        assert any(name.startswith("xl/charts/") for name in parts.namelist())
        strings = ["".join(one.itertext()) for one in ElementTree.fromstring(parts.read("xl/sharedStrings.xml"))]
    found = {}
    for cell in sheet.iter(f"{_SHEET}c"):
        assert cell.find(f"{_SHEET}f") is None, "a formula"
        kind, text = cell.attrib.get("t", "n"), "".join(cell.itertext())
        found[cell.attrib["r"]] = (kind, strings[int(text)] if kind == "s" else text)
    return found


def test_a_workbook_holds_numbers_as_numbers_and_texts_as_texts() -> None:
    query = asked()
    rows = [row_of(query, "=1+1"), {**row_of(query, "销售"), "service_level": 0.8, "asa_seconds": None}]
    found = cells(as_xlsx(query, rows, SHANGHAI))
    assert found["A1"] == ("s", "技能组报表 Queues")
    assert found["A2"][1] == "2026-01-05 08:00 – 2026-01-06 08:00 (Asia/Shanghai)"
    assert (found["A3"][1], found["A4"][1], found["E4"][1]) == ("技能组", "Queue", "Service level")
    assert found["A5"] == ("s", "=1+1")
    assert found["B5"] == ("n", "7")
    assert (found["A6"][1], found["E6"]) == ("销售", ("n", "0.8"))
    assert "F6" not in found


def pages(paper: bytes) -> list[bytes]:
    """The drawing of each page."""
    streams = re.findall(rb"stream\r?\n(.*?)~>endstream", paper, re.S)
    return [zlib.decompress(a85decode(stream)) for stream in streams]


@pytest.mark.parametrize("report", REPORTS.values(), ids=lambda report: report.name)
def test_every_report_has_words_and_a_chart(report: ReportDefinition) -> None:
    query = asked(report.name)
    assert CHARTED[report.name] in report.columns
    assert {query.report.name, *query.report.groupings, *query.report.columns} <= set(WORDS)
    paper = as_pdf(query, [row_of(query, f"key {number}") for number in range(20)], SHANGHAI)
    assert paper.startswith(b"%PDF-")
    assert b"STSong-Light" in paper
    assert as_xlsx(query, [row_of(query, "a", None)], SHANGHAI)


def test_a_long_report_has_its_head_on_every_page() -> None:
    query = asked(group_by="hour")
    short, long = ([row_of(query, f"{number}") for number in range(count)] for count in (3, 300))
    drawn = pages(as_pdf(query, long, SHANGHAI))
    assert len(pages(as_pdf(query, short, SHANGHAI))) == 1
    assert len(drawn) > 5
    assert all(b"(" in page for page in drawn)


def test_a_report_without_rows_says_so() -> None:
    assert as_pdf(asked(), [], SHANGHAI).startswith(b"%PDF-")
    assert as_xlsx(asked(), [], SHANGHAI)


def test_too_much_for_paper_is_said() -> None:
    query = asked(group_by="hour")
    with pytest.raises(BadReportQuery, match="3001 rows are too many"):
        as_pdf(query, [row_of(query, "x")] * (MOST_ROWS + 1), SHANGHAI)
