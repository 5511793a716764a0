"""Sheets: what is written is read again, formulas do not run, what is hostile is refused with its line."""

from __future__ import annotations

import csv
import io
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import BaseModel

from acd.kinds import AgentDocument, QueueDocument
from ccplatform.configuration.errors import BadSheet
from ccplatform.configuration.sheet import MAX_LINES, columns_of, decoded, read, write
from gateway.seat_kind import SeatDocument


class Thing(BaseModel):
    name: str
    levels: dict[str, int] = {}
    parts: list[dict[str, Any]] = []
    seconds: float = 1.5
    many: int = 3
    loud: bool = False
    other: str | None = None
    only: list[str] | None = None
    every: dict[str, int] | None = None


COLUMNS = columns_of(Thing)
TEXT = st.text(st.characters(codec="utf-8", exclude_characters="\0"), max_size=20)
IDS = st.text("abc019._-", min_size=1, max_size=8)


@given(
    st.dictionaries(
        IDS,
        st.builds(
            Thing,
            name=TEXT,
            levels=st.dictionaries(IDS, st.integers(1, 10), max_size=3),
            parts=st.lists(st.dictionaries(TEXT, TEXT, max_size=2), max_size=2),
            seconds=st.floats(0, 1e6),
            many=st.integers(-1000, 1000),
            loud=st.booleans(),
            only=st.none() | st.lists(TEXT, max_size=2),
            every=st.none() | st.dictionaries(IDS, st.integers(1, 10), max_size=2),
        ),
        max_size=5,
    )
)
def test_what_is_written_is_read_again(things: dict[str, Thing]) -> None:
    text = write({name: thing.model_dump(mode="json") for name, thing in things.items()}, Thing, COLUMNS)
    found = {name: Thing.model_validate(given) for _, name, given in read(text, Thing, COLUMNS)}
    assert found == things


@given(TEXT)
def test_no_text_runs_as_a_formula(text: str) -> None:
    (_, row) = csv.reader(io.StringIO(write({"a": {"name": text}}, Thing, COLUMNS), newline=""))
    assert not row[1].startswith(("=", "+", "-", "@", "\t", "\r"))


@given(st.text(max_size=300))
def test_any_text_is_a_sheet_or_refused(text: str) -> None:
    try:
        lines = read(text, Thing, COLUMNS)
    except BadSheet:
        return
    assert all(set(given) <= set(Thing.model_fields) for _, _, given in lines)


def test_secrets_are_in_no_sheet() -> None:
    assert "password" not in columns_of(SeatDocument, {"password"})


def test_empty_cells_of_numbers_are_not_given_and_those_of_lists_empty_them() -> None:
    text = "id,name,skills,position\r\n1004,Anne,,\r\n"
    assert read(text, AgentDocument, columns_of(AgentDocument)) == [(2, "1004", {"name": "Anne", "skills": {}})]


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("", "line 1: there is no column id"),
        ("name\r\nx\r\n", "line 1: there is no column id"),
        ("id,nonsense\r\n", "line 1: no column is called 'nonsense'"),
        ("id,id\r\n", "line 1: a column is there twice"),
        ("id,name\r\na,b,c\r\n", "line 2: it has 3 cells, the header 2"),
        ('id,name\r\na,"b\r\n', "line 2: "),
        ('id,rings\r\nq,"[{""a"":"\r\n', "line 2, rings: "),
        ("id,rings\r\nq," + "[" * 20_000 + "\r\n", "line 2, rings: "),
        ("id,name\r\na," + "x" * 30_000, "line 2, name: a cell has at most"),
        ("id\r\n" + "a\r\n" * (MAX_LINES + 1), "a sheet has at most"),
    ],
)
def test_what_cannot_be_read_is_refused_with_its_line(text: str, said: str) -> None:
    with pytest.raises(BadSheet) as refused:
        read(text, QueueDocument, columns_of(QueueDocument))
    assert said in str(refused.value)


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "gb18030"])
def test_sheets_of_chinese_spreadsheets_are_read(encoding: str) -> None:
    assert decoded("id,name\r\n1004,王芳\r\n".encode(encoding)) == "id,name\r\n1004,王芳\r\n"


@pytest.mark.parametrize("body", [b"PK\x03\x04\x00\x00", b"\xff\xff\xff"])
def test_what_is_no_text_is_refused(body: bytes) -> None:
    with pytest.raises(BadSheet):
        decoded(body)
