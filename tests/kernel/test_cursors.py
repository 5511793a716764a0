import re
from datetime import UTC, datetime
from typing import Annotated, Final
from uuid import UUID

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from ccplatform.kernel.cursors import BadCursor, read_cursor, write_cursor

_PLACE: Final = tuple[Annotated[datetime, msgspec.Meta(tz=True)], UUID]


@given(at=st.datetimes(timezones=st.just(UTC)), ident=st.uuids())
def test_a_place_comes_back(at: datetime, ident: UUID) -> None:
    cursor = write_cursor((at, ident))
    assert re.fullmatch(r"[A-Za-z0-9_-]+", cursor)
    assert read_cursor(cursor, _PLACE) == (at, ident)


@given(st.text() | st.binary().map(lambda data: write_cursor(data.decode("latin-1"))))
def test_anything_else_is_refused(cursor: str) -> None:
    with pytest.raises(BadCursor):
        read_cursor(cursor, _PLACE)


@pytest.mark.parametrize(
    "place", [("2026-01-05T09:00:00", UUID(int=1)), ("2026-01-05T09:00:00Z", "x"), (), [[[]]] * 50, 1e308, None]
)
def test_a_place_of_another_list_is_refused(place: object) -> None:
    with pytest.raises(BadCursor):
        read_cursor(write_cursor(place), _PLACE)


@pytest.mark.parametrize("text", ['["a",1e999]', '["a",1.5]', '["a",null]', "[" * 100_000])
def test_numbers_without_end_and_nests_are_refused(text: str) -> None:
    with pytest.raises(BadCursor):
        read_cursor(write_cursor(msgspec.Raw(text.encode())), tuple[str, int])
