"""What reports can be written as, and by what."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from types import MappingProxyType
from typing import Final, TypeAlias
from zoneinfo import ZoneInfo

from metrics.reports import ReportQuery, ReportRow
from metrics.sheets import as_csv, as_xlsx

Writer: TypeAlias = Callable[[ReportQuery, list[ReportRow], ZoneInfo], bytes]


def _csv(query: ReportQuery, rows: list[ReportRow], zone: ZoneInfo) -> bytes:
    return as_csv(query, rows).encode()


def _pdf(query: ReportQuery, rows: list[ReportRow], zone: ZoneInfo) -> bytes:
    from metrics.paper import as_pdf  # a large library, read when somebody wants paper

    return as_pdf(query, rows, zone)


#: The ending of a file → its media type, and what writes it; these block.
FILES: Final[Mapping[str, tuple[str, Writer]]] = MappingProxyType(
    {
        "csv": ("text/csv; charset=utf-8", _csv),
        "xlsx": ("application/vnd.openxmlformats-officedocument.spreadsheetml.sheet", as_xlsx),
        "pdf": ("application/pdf", _pdf),
    }
)
