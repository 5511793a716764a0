"""Takes what may be the number of a card out of a transcript (R11.4.3.i; PCI DSS 3.4 lets the last four stay)."""

from __future__ import annotations

import re
from typing import Final

_WORDS: Final = "zero|oh|one|two|three|four|five|six|seven|eight|nine|double|triple"
_DIGIT: Final = rf"(?:\d|[零〇一二三四五六七八九幺壹贰叁肆伍陆柒捌玖]|\b(?:{_WORDS})\b)"
#: Thirteen digits or more, written, spelt or spoken, whatever stands between them in twos and threes.
_NUMBER: Final = re.compile(rf"(?:{_DIGIT}[\s,.，、\-–—/]{{0,3}}){{12,}}{_DIGIT}", re.IGNORECASE)
_SHOWN: Final = 4


def without_cards(text: str) -> str:
    """The text with every run of 13 digits or more masked, right or wrong: a misheard card is one, too."""
    return _NUMBER.sub(lambda found: _masked(found[0]), text)


def _masked(number: str) -> str:
    digits = "".join(sign for sign in number if sign.isdecimal())
    spelt = any(sign.isalpha() for sign in number)
    return "****" if spelt else f"****{digits[-_SHOWN:]}"
