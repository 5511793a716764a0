"""What a number is that somebody of the centre dials, and who may dial it. Pure.

Classes go by the beginning of a number, the longest one decides. Emergency numbers are in no class: everybody may
call them, always.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from enum import StrEnum
from typing import Final

#: What a person may write between the digits of a number.
_MARKS: Final = str.maketrans("", "", " \t-./()\u00a0")
_NUMBER: Final = re.compile(r"\+?[0-9*#]{2,32}")


class NumberClass(StrEnum):
    """What a call costs and whom it reaches, roughly."""

    INTERNAL = "internal"  # seats and agents of the centre
    LOCAL = "local"
    NATIONAL = "national"  # mobile numbers included
    INTERNATIONAL = "international"
    PREMIUM = "premium"


#: The numbering plan of China (MIIT), as far as costs go. What begins otherwise counts as international.
CHINA: Final[Mapping[str, NumberClass]] = {
    "0": NumberClass.NATIONAL,
    "1": NumberClass.NATIONAL,
    "10": NumberClass.LOCAL,
    "11": NumberClass.LOCAL,
    "12": NumberClass.LOCAL,
    "400": NumberClass.NATIONAL,
    **dict.fromkeys("23456789", NumberClass.LOCAL),
    "00": NumberClass.INTERNATIONAL,
    "+": NumberClass.INTERNATIONAL,
    "160": NumberClass.PREMIUM,
    "168": NumberClass.PREMIUM,
    "12590": NumberClass.PREMIUM,
}


def plain_number(text: str) -> str | None:
    """A number as people write it, without what they put between the digits; None when it is none."""
    number = text.strip().removeprefix("tel:").translate(_MARKS)
    return number if _NUMBER.fullmatch(number) else None


def class_of(number: str, classes: Mapping[str, NumberClass], country: str) -> NumberClass:
    """The class of a number outside; one of our own country (``country`` is its code) is national at most."""
    for beginning in (f"+{country}", f"00{country}"):
        if country and number.startswith(beginning):
            own = _by_prefix(number[len(beginning) :], classes)
            return own if own is NumberClass.PREMIUM else NumberClass.NATIONAL
    return _by_prefix(number, classes)


def _by_prefix(number: str, classes: Mapping[str, NumberClass]) -> NumberClass:
    beginnings = (number[:length] for length in range(len(number), 0, -1))
    found = (classes[beginning] for beginning in beginnings if beginning in classes)
    return next(found, NumberClass.INTERNATIONAL)
