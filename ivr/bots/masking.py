"""Takes what may be the number of a card out of a transcript (R11.4.3.i; PCI DSS 3.4 lets the last four stay).

A turn is told as soon as it is said, so that of a number that comes in several turns the first ones are out before
it is known: what goes on past the eleventh digit is masked, whatever it is. In fours that shows the first eight,
as PCI DSS lets one; a number of eleven digits, as telephones have, may come in parts.
"""

from __future__ import annotations

import re
from typing import Final

_WORDS: Final = "zero|oh|one|two|three|four|five|six|seven|eight|nine|double|triple"
_DIGIT: Final = rf"(?:\d|[零〇一二三四五六七八九幺壹贰叁肆伍陆柒捌玖]|\b(?:{_WORDS})\b)"
_BETWEEN: Final = r"[\s,.，、\-–—/]{0,3}"
#: Thirteen digits or more, written, spelt or spoken, whatever stands between them in twos and threes.
_NUMBER: Final = re.compile(rf"(?:{_DIGIT}{_BETWEEN}){{12,}}{_DIGIT}", re.IGNORECASE)
#: Any digits together.
_RUN: Final = re.compile(rf"{_DIGIT}(?:{_BETWEEN}{_DIGIT})*", re.IGNORECASE)
_ONE: Final = re.compile(_DIGIT, re.IGNORECASE)
_SHOWN: Final = 4
#: Most digits that are shown of a number in several turns.
_MOST_IN_TURNS: Final = 11
#: A number goes on in the speaker's next turn past so many characters of other words.
_BESIDE: Final = 12


class CardMask:
    """The numbers of one talk, whose speakers may say theirs in several turns."""

    def __init__(self) -> None:
        self._so_far: dict[str, int] = {}  # digits that each speaker's last turn ended with

    def masked(self, speaker: str, text: str) -> str:
        """The turn without what may be a card's number, or the rest of one."""
        runs = list(_RUN.finditer(text))
        before = self._so_far.get(speaker, 0)
        if not runs:
            self._so_far[speaker] = before if len(text) <= _BESIDE else 0
            return text
        first, last = runs[0], runs[-1]
        before = before if first.start() <= _BESIDE else 0
        together = before + _digits(first)
        open_at_end = len(text) - last.end() <= _BESIDE
        self._so_far[speaker] = 0 if not open_at_end else together if first is last else _digits(last)
        if before and together > _MOST_IN_TURNS:
            return f"{text[: first.start()]}****{without_cards(text[first.end() :])}"
        return without_cards(text)


def without_cards(text: str) -> str:
    """The text with every run of 13 digits or more masked, right or wrong: a misheard card is one, too."""
    return _NUMBER.sub(lambda found: _masked(found[0]), text)


def _digits(run: re.Match[str]) -> int:
    return len(_ONE.findall(run[0]))


def _masked(number: str) -> str:
    digits = "".join(sign for sign in number if sign.isdecimal())
    spelt = any(sign.isalpha() for sign in number)
    return "****" if spelt else f"****{digits[-_SHOWN:]}"
