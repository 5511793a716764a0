"""Telephone numbers: one form to compare, one form for those who need not know them."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cti.errors import BadNumber
from cti.numbers import mask, mask_name, normalise


@pytest.mark.parametrize(
    ("written", "form"),
    [
        ("13800000001", "13800000001"),
        ("+8613800000001", "13800000001"),
        ("008613800000001", "13800000001"),
        ("8613800000001", "13800000001"),
        ("013800000001", "13800000001"),
        ("+86 138-0000-0001", "13800000001"),
        ("+86 (10) 6552 9988", "01065529988"),
        ("010-65529988", "01065529988"),
        ("+864008001234", "4008001234"),
        ("+8695000", "95000"),
        ("95000", "95000"),
        ("8004", "8004"),
        ("+442071838750", "+442071838750"),
        ("00442071838750", "+442071838750"),
    ],
)
def test_one_number_has_one_form(written: str, form: str) -> None:
    assert normalise(written) == form


@pytest.mark.parametrize(
    "written", ["", "+", "1", "anonymous", "138x", "1" * 18, "１３８００００００００１", "+86+138", "';--"]
)
def test_what_is_no_number_is_refused(written: str) -> None:
    with pytest.raises(BadNumber):
        normalise(written)


@given(st.text("0123456789+- ()", max_size=20))
def test_the_form_of_a_form_is_itself(written: str) -> None:
    try:
        form = normalise(written)
    except BadNumber:
        return
    assert normalise(form) == form


@pytest.mark.parametrize(
    ("number", "shown"),
    [
        ("13800000001", "138****0001"),
        ("+8613800000001", "+86138****0001"),
        ("01065529988", "010****9988"),
        ("6552998", "6****98"),
        ("8004", "8004"),
        ("anonymous", "a***"),
        ("", ""),
    ],
)
def test_numbers_are_masked(number: str, shown: str) -> None:
    assert mask(number) == shown


@given(st.text("0123456789", min_size=7, max_size=20))
def test_a_masked_number_hides_four_digits(number: str) -> None:
    assert mask(number).count("*") == 4
    assert len(mask(number)) == len(number)


def test_names_keep_their_first_character() -> None:
    assert [mask_name(name) for name in ("张伟", "Alexander", "李", "")] == ["张*", "A***", "李", ""]
