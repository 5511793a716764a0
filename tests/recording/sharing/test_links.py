"""Links: one recording, for a short time, and nobody makes one up."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ccplatform.contracts.words import RecordingId
from ccplatform.kernel.clock import VirtualClock
from ccplatform.security.errors import NotAllowed
from recording.sharing.links import MAX_TOKEN, Links

ID = RecordingId("019b8d6e-7a10-7c3e-8a55-0d6f6f1c2b3a")


def links(clock: VirtualClock, key: bytes = b"k" * 32) -> Links:
    return Links(key=key, clock=clock, seconds=900)


def test_a_link_says_what_it_was_made_for_until_it_is_over() -> None:
    clock = VirtualClock()
    token, made = links(clock).make(ID, "审计员" * 20, 17)
    assert len(token) <= MAX_TOKEN
    clock.advance(898)
    assert links(clock).read(token) == made
    assert (made.recording, made.by, made.export) == (ID, "审计员" * 20, 17)
    clock.advance(2)
    with pytest.raises(NotAllowed, match="over"):
        links(clock).read(token)


def test_a_link_of_another_installation_is_none() -> None:
    token, _ = links(VirtualClock(), b"o" * 32).make(ID, "sup1")
    with pytest.raises(NotAllowed, match="no link"):
        links(VirtualClock()).read(token)


@given(place=st.integers(0, 200), character=st.sampled_from("ABCDEFabcdef0189-_"))
def test_a_changed_link_is_none(place: int, character: str) -> None:
    token, made = links(VirtualClock()).make(ID, "sup1")
    place %= len(token)
    changed = token[:place] + character + token[place + 1 :]
    try:
        assert links(VirtualClock()).read(changed) == made  # the same bytes, written otherwise
        assert changed[:-1] == token[:-1]
    except NotAllowed:
        assert changed != token


@given(token=st.text(max_size=60))
def test_no_text_is_a_link(token: str) -> None:
    with pytest.raises(NotAllowed):
        links(VirtualClock()).read(token)
