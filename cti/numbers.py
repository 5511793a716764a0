"""Telephone numbers: the form they are compared in, and the form in which strangers may see them."""

from __future__ import annotations

import re

from cti.errors import BadNumber

#: ITU-T E.164: at most 15 digits; two more for an access prefix.
MAX_DIGITS = 17

#: Numbers shorter than this are extensions and service numbers: they name no person and are shown as they are.
SHORTEST_PERSONAL = 7

_PERSONAL_NUMBER = re.compile(r"\+?[0-9]{7,}")
_SEPARATORS = re.compile(r"[\s\-.()/]+")
_NUMBER = re.compile(r"\+[1-9][0-9]{2,14}|[0-9]{2,17}")
_NO_TRUNK_PREFIX = re.compile(r"1[3-9][0-9]{9}|[48]00[0-9]{7}|[0-9]{2,6}")
_MOBILE = re.compile(r"1[3-9][0-9]{9}")


def normalise(number: str, country: str = "86") -> str:
    """National numbers as dialled inside the country, foreign ones with ``+``; raises :class:`BadNumber`.

    ``+86 138-0000-0001``, ``0086 13800000001`` and ``013800000001`` all become ``13800000001``.
    """
    plain = _SEPARATORS.sub("", number)
    if plain.startswith("00"):
        plain = "+" + plain[2:]
    if not _NUMBER.fullmatch(plain):
        raise BadNumber(number[: MAX_DIGITS * 2])
    if plain.startswith("+" + country):
        national = plain[1 + len(country) :].removeprefix("0")
        if not national or national.startswith("0"):
            raise BadNumber(number[: MAX_DIGITS * 2])
        return national if _NO_TRUNK_PREFIX.fullmatch(national) else "0" + national
    if plain.startswith(country) and _MOBILE.fullmatch(plain[len(country) :]):
        return plain[len(country) :]
    if plain.startswith("0") and _MOBILE.fullmatch(plain[1:]):
        return plain[1:]
    return plain


def mask(text: str) -> str:
    """A number or caller id as people see it who need not know it: ``13800000001`` → ``138****0001``.

    Four digits before the last four are hidden (fewer in short numbers); what is not a number keeps its first
    character.
    """
    if not text:
        return ""
    digits = text.removeprefix("+")
    if not (digits.isascii() and digits.isdigit()):
        return mask_name(text)
    if len(digits) < SHORTEST_PERSONAL:
        return text
    shown = 4 if len(digits) >= 10 else 2
    return f"{text[: -shown - 4]}****{text[-shown:]}"


def mask_name(name: str) -> str:
    """A person's name for those who need not know it: its first character."""
    return name[:1] + "*" * min(len(name) - 1, 3) if name else ""


def mask_numbers(text: str) -> str:
    """Text in which no telephone number can be read: a device is a seat, or somebody's number."""
    return _PERSONAL_NUMBER.sub(lambda number: mask(number.group()), text)
