from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from ccplatform.kernel.faults import MAX_MESSAGE, describe


def test_an_error_is_told_with_its_place() -> None:
    def fail() -> None:
        raise KeyError("gone")

    try:
        fail()
    except KeyError as error:
        told = describe(error)
    assert told.startswith("KeyError: 'gone' (test_faults.py:")
    assert told.endswith(" in fail)")


def test_an_error_that_was_never_raised_has_no_place() -> None:
    assert describe(ValueError("no")) == "ValueError: no"
    assert describe(ValueError()) == "ValueError"


@given(st.text(max_size=2 * MAX_MESSAGE))
def test_it_is_always_one_line_of_bounded_length(message: str) -> None:
    told = describe(ValueError(message))
    assert len(told.splitlines()) == 1
    assert len(told) <= MAX_MESSAGE + len("ValueError: ")
