"""Settings as CSV (RFC 4180), for spreadsheets. Pure.

A column is a field. Levels by name are written ``sales=9; support=7``, other lists and objects as JSON, an empty
list as ``[]`` where none at all means something else. A text that a spreadsheet would run as a formula gets an
apostrophe in front of it, which is taken away again on reading.
"""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Iterable, Mapping, Sequence
from typing import Any, Final, get_origin

from pydantic import BaseModel

from ccplatform.configuration.errors import BadSheet
from ccplatform.configuration.kind import Document

#: Most lines of a sheet, and characters of a cell.
MAX_LINES, MAX_CELL = 5_000, 20_000

_FORMULA: Final = ("=", "+", "-", "@", "\t", "\r", "'")


def columns_of(model: type[BaseModel], secrets: Iterable[str] = ()) -> list[str]:
    """The columns of a kind whose changes have this model; secrets are in no sheet."""
    hidden = set(secrets)
    return ["id", *(field for field in model.model_fields if field not in hidden)]


def write(items: Mapping[str, Document], model: type[BaseModel], columns: Sequence[str]) -> str:
    """The sheet of these items."""
    text = io.StringIO()
    kinds = {column: str if column == "id" else model.model_fields[column].annotation for column in columns}
    writer = csv.writer(text, lineterminator="\r\n")
    writer.writerow(columns)
    for name, document in items.items():
        row = {"id": name, **document}
        writer.writerow([_cell(row.get(column), kinds[column]) for column in columns])
    return text.getvalue()


def read(text: str, model: type[BaseModel], columns: Sequence[str]) -> list[tuple[int, str, dict[str, Any]]]:
    """Line number, id and given fields of each line; empty cells of other than texts are not given.

    Raises BadSheet with the line.
    """
    reader = csv.reader(io.StringIO(text, newline=""), strict=True)
    found: list[tuple[int, str, dict[str, Any]]] = []
    try:
        header = [cell.strip() for cell in next(reader, [])]
        _check_header(header, columns)
        for row in reader:
            if not any(cell.strip() for cell in row):
                continue
            found.append(_line(reader.line_num, header, row, model))
            if len(found) > MAX_LINES:
                raise BadSheet(f"a sheet has at most {MAX_LINES} lines; split it")
    except csv.Error as error:
        raise BadSheet(f"line {reader.line_num}: {error}") from error
    return found


def decoded(body: bytes) -> str:
    """The text of a file: UTF-8 with or without a mark, else GB 18030, which Chinese spreadsheets write."""
    for encoding in ("utf-8-sig", "gb18030"):
        try:
            text = body.decode(encoding)
        except UnicodeDecodeError:
            continue
        if "\0" in text:
            break
        return text
    raise BadSheet("the file is neither UTF-8 nor GB 18030 text")


def _check_header(header: list[str], columns: Sequence[str]) -> None:
    if "id" not in header:
        raise BadSheet("line 1: there is no column id")
    for column in header:
        if column not in columns:
            raise BadSheet(f"line 1: no column is called {column[:50]!r}; there are {', '.join(columns)}")
    if len(set(header)) < len(header):
        raise BadSheet("line 1: a column is there twice")


def _line(
    number: int, header: list[str], row: list[str], model: type[BaseModel]
) -> tuple[int, str, dict[str, Any]]:
    if len(row) > len(header):
        raise BadSheet(f"line {number}: it has {len(row)} cells, the header {len(header)}")
    given: dict[str, Any] = {}
    name = ""
    for column, cell in zip(header, row, strict=False):
        if len(cell) > MAX_CELL:
            raise BadSheet(f"line {number}, {column}: a cell has at most {MAX_CELL} characters")
        text = cell[1:] if cell.startswith("'") and cell[1:].startswith(_FORMULA) else cell
        if column == "id":
            name = text.strip()
        else:
            _put(given, number, column, text, model.model_fields[column].annotation)
    return number, name, given


def _put(given: dict[str, Any], number: int, column: str, text: str, kind: Any) -> None:
    if kind is str:
        given[column] = text
    elif text.strip():
        given[column] = _structure(number, column, text.strip(), kind)
    elif get_origin(kind) is dict:
        given[column] = {}
    elif get_origin(kind) is list:
        given[column] = []


def _structure(number: int, column: str, text: str, kind: Any) -> Any:
    if text.startswith(("[", "{")):
        try:
            return json.loads(text)
        except (ValueError, RecursionError) as error:
            raise BadSheet(f"line {number}, {column}: {error}") from error
    if get_origin(kind) is dict:
        pairs = (part.partition("=") for part in text.split(";") if part.strip())
        return {key.strip(): value.strip() for key, _, value in pairs}
    return text


def _cell(value: Any, kind: Any) -> str:
    match value:
        case None:
            return ""
        case bool():
            return "true" if value else "false"
        case int() | float():
            return repr(value)
        case str():
            return f"'{value}" if value.startswith(_FORMULA) else value
        case dict() if value and get_origin(kind) is dict and all(type(level) is int for level in value.values()):
            return "; ".join(f"{name}={level}" for name, level in value.items())
        case dict() | list() | tuple():
            plain = get_origin(kind) in (dict, list)
            return json.dumps(value, ensure_ascii=False) if value or not plain else ""
        case _:
            return str(value)
