"""Pages of a list of settings: nothing is missed and nothing comes twice, also while the list changes."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ccplatform.configuration.paging import page_of
from ccplatform.kernel.errors import Refusal

VALUES = st.one_of(
    st.none(), st.integers(), st.text(max_size=5), st.lists(st.text(max_size=3), max_size=2), st.booleans()
)
LISTS = st.dictionaries(st.text(min_size=1, max_size=4), st.fixed_dictionaries({"name": VALUES, "watts": VALUES}))


def all_pages(there: dict[str, Any], limit: int, **how: str) -> list[str]:
    names: list[str] = []
    cursor = None
    while True:
        page = page_of(there, limit=limit, cursor=cursor, **how)
        names += page.items
        cursor = page.next_cursor
        if cursor is None:
            return names


@given(there=LISTS, limit=st.integers(1, 5), sort=st.sampled_from(["", "id", "name", "-watts", "nothing"]))
def test_pages_together_are_the_list(there: dict[str, Any], limit: int, sort: str) -> None:
    names = all_pages(there, limit, sort=sort)
    assert names == list(page_of(there, sort=sort, limit=None).items)
    assert sorted(names) == sorted(there)


@given(there=LISTS, search=st.text(max_size=3))
def test_what_is_found_has_every_word(there: dict[str, Any], search: str) -> None:
    page = page_of(there, search=search, limit=None)
    assert page.total == len(page.items)
    words = search.casefold().split()
    for name in set(there) - set(page.items):
        assert any(word not in name.casefold() for word in words)


def test_numbers_go_by_size_and_equals_by_id() -> None:
    there: dict[str, Any] = {"seat-10": {"n": 2}, "seat-9": {"n": 10}, "seat-1": {"n": 2}, "seat-2": {"n": None}}
    assert list(page_of(there, sort="id", limit=None).items) == ["seat-1", "seat-2", "seat-9", "seat-10"]
    assert list(page_of(there, sort="-n", limit=None).items) == ["seat-9", "seat-1", "seat-10", "seat-2"]


def test_an_item_that_goes_or_comes_between_two_pages_shifts_nothing() -> None:
    there: dict[str, Any] = {str(number): {} for number in range(10, 20)}
    first = page_of(there, sort="id", limit=4)
    there["05"] = {}
    assert list(page_of(there, sort="id", limit=2, cursor=first.next_cursor).items) == ["14", "15"]
    del there["05"], there["13"]
    assert list(page_of(there, sort="id", limit=2, cursor=first.next_cursor).items) == ["15", "16"]


@pytest.mark.parametrize("cursor", ["x", "WzFd", "bnVsbA", "e30", "////", "WyJ4IiwgMWU5OTld"])
def test_a_cursor_of_somebody_else_is_refused(cursor: str) -> None:
    with pytest.raises(Refusal, match="cursor"):
        page_of({}, limit=1, cursor=cursor)
