"""Numbers, digits, money, dates and times of day in words, Mandarin and English.

Everything is text for a speech engine: Mandarin texts hold no Latin digits. Mandarin reads by sections of four
digits (万, 亿) with 零 for gaps and 两 before 千, 万, 亿 where people say so; English is American ("one hundred
twenty-eight").
"""

from __future__ import annotations

import re
from collections.abc import Callable
from datetime import date, datetime, time
from decimal import Decimal, InvalidOperation
from typing import Literal, TypeAlias

from ivr.errors import UnspeakableValue

Language: TypeAlias = Literal["zh", "en"]

#: Largest number that is read as a number, both ways.
LARGEST = 10**12 - 1

#: Longest run of digits that is read digit by digit.
MOST_DIGITS = 40

_ZH_DIGITS = "零一二三四五六七八九"
_ZH_PLACES = ("", "十", "百", "千")
_ZH_SECTIONS = ("", "万", "亿")
_EN_SMALL = [
    "zero",
    "one",
    "two",
    "three",
    "four",
    "five",
    "six",
    "seven",
    "eight",
    "nine",
    "ten",
    "eleven",
    "twelve",
    "thirteen",
    "fourteen",
    "fifteen",
    "sixteen",
    "seventeen",
    "eighteen",
    "nineteen",
]
_EN_TENS = ["zero", "ten", "twenty", "thirty", "forty", "fifty", "sixty", "seventy", "eighty", "ninety"]
_EN_GROUPS = ("", " thousand", " million", " billion")
_EN_ORDINALS = {
    "one": "first",
    "two": "second",
    "three": "third",
    "five": "fifth",
    "eight": "eighth",
    "nine": "ninth",
    "twelve": "twelfth",
}
_EN_MONTHS = [
    "January",
    "February",
    "March",
    "April",
    "May",
    "June",
    "July",
    "August",
    "September",
    "October",
    "November",
    "December",
]


# --- whole numbers ----------------------------------------------------------------------------------------


def number_zh(value: int) -> str:
    """12 → 十二, 110 → 一百一十, 20000 → 两万."""
    _check_range(value)
    if value < 0:
        return "负" + number_zh(-value)
    if value == 0:
        return "零"
    words = ""
    gap = False
    for section in (2, 1, 0):
        part = value // 10_000**section % 10_000
        if part == 0:
            gap = bool(words)
            continue
        if words and (gap or part < 1000):
            words += "零"
        coefficient = "两" if part == 2 and section else _section_zh(part)
        words += coefficient + _ZH_SECTIONS[section]
        gap = False
    return words.removeprefix("一") if words.startswith("一十") else words


def number_en(value: int) -> str:
    """128 → one hundred twenty-eight."""
    _check_range(value)
    if value < 0:
        return "minus " + number_en(-value)
    if value == 0:
        return "zero"
    groups = []
    for group in (3, 2, 1, 0):
        part = value // 1000**group % 1000
        if part:
            groups.append(_hundreds_en(part) + _EN_GROUPS[group])
    return " ".join(groups)


def _section_zh(part: int) -> str:
    words = ""
    gap = False
    for place in (3, 2, 1, 0):
        digit = part // 10**place % 10
        if digit == 0:
            gap = bool(words)
            continue
        if gap:
            words += "零"
        words += ("两" if digit == 2 and place == 3 else _ZH_DIGITS[digit]) + _ZH_PLACES[place]
        gap = False
    return words


def _hundreds_en(part: int) -> str:
    words = [f"{_EN_SMALL[part // 100]} hundred"] if part >= 100 else []
    rest = part % 100
    if rest >= 20:
        words.append(_EN_TENS[rest // 10] + (f"-{_EN_SMALL[rest % 10]}" if rest % 10 else ""))
    elif rest:
        words.append(_EN_SMALL[rest])
    return " ".join(words)


def _check_range(value: int) -> None:
    if abs(value) > LARGEST:
        raise UnspeakableValue(f"a number beyond {LARGEST} is not read aloud")


# --- values of variables, which are text ------------------------------------------------------------------


def speak_number(text: str, language: Language) -> str:
    """A number with or without a fraction: 3.14 → 三点一四, three point one four."""
    value = _decimal(text)
    whole = int(value)
    fraction = f"{abs(value - whole):f}".partition(".")[2].rstrip("0")
    if language == "zh":
        sign = "负" if value < 0 else ""
        words = sign + number_zh(abs(whole))
        return words + ("点" + _each_zh(fraction) if fraction else "")
    words = ("minus " if value < 0 else "") + number_en(abs(whole))
    return words + (" point " + _each_en(fraction) if fraction else "")


def speak_digits(text: str, language: Language) -> str:
    """One by one, in groups of three or four with a short pause: 600001 → 六零零，零零一."""
    if not (text.isascii() and text.isdigit() and len(text) <= MOST_DIGITS):
        raise UnspeakableValue("only a run of digits is read digit by digit")
    size = 4 if len(text) % 3 and not len(text) % 4 else 3
    groups = [text] if len(text) <= 4 else [text[at : at + size] for at in range(0, len(text), size)]
    if len(groups) > 1 and len(groups[-1]) == 1:
        groups[-2:] = [groups[-2] + groups[-1]]
    if language == "zh":
        return "，".join(_each_zh(group) for group in groups)
    return ", ".join(_each_en(group) for group in groups)


def speak_money(text: str, language: Language) -> str:
    """An amount in yuan: 128.50 → 一百二十八元五角, one hundred twenty-eight yuan fifty."""
    value = _decimal(text).quantize(Decimal("0.01"))
    yuan, fen = divmod(int(abs(value) * 100), 100)
    if language == "zh":
        return ("负" if value < 0 else "") + _money_zh(yuan, fen)
    words = ("minus " if value < 0 else "") + number_en(yuan) + " yuan"
    if fen:
        words += " " + (number_en(fen) if fen >= 10 else "oh " + number_en(fen))
    return words


def _money_zh(yuan: int, fen: int) -> str:
    jiao, rest = divmod(fen, 10)
    words = f"{_counted_zh(yuan)}元" if yuan or not fen else ""
    if jiao:
        words += f"{_counted_zh(jiao)}角"
    elif rest and words:
        words += "零"
    if rest:
        words += f"{_counted_zh(rest)}分"
    return words


def _counted_zh(value: int) -> str:
    """A number before its measure word: two is 两."""
    return "两" if value == 2 else number_zh(value)


def speak_date(text: str, language: Language) -> str:
    """An ISO date (the date of a date and time, too): 2026-01-05 → 二零二六年一月五日."""
    try:
        day = datetime.fromisoformat(text).date() if len(text) > 10 else date.fromisoformat(text)
    except ValueError as error:
        raise UnspeakableValue("the value is not an ISO 8601 date") from error
    if language == "zh":
        return f"{_each_zh(str(day.year))}年{number_zh(day.month)}月{number_zh(day.day)}日"
    return f"{_EN_MONTHS[day.month - 1]} {_ordinal_en(day.day)}, {_year_en(day.year)}"


def speak_time(text: str, language: Language) -> str:
    """A time of day by the 12-hour clock: 15:05 → 下午三点零五分, three oh five p.m."""
    try:
        moment = datetime.fromisoformat(text).time() if "-" in text[:8] else time.fromisoformat(text)
    except ValueError as error:
        raise UnspeakableValue("the value is not an ISO 8601 time") from error
    hour = moment.hour % 12 or 12
    minute = moment.minute
    if language == "zh":
        half = _half_day_zh(moment.hour)
        if minute == 0:
            return f"{half}{_counted_zh(hour)}点整"
        return f"{half}{_counted_zh(hour)}点{'零' if minute < 10 else ''}{number_zh(minute)}分"
    middle = "" if minute == 0 else f" {'oh ' if minute < 10 else ''}{number_en(minute)}"
    return f"{number_en(hour)}{middle} {'a.m.' if moment.hour < 12 else 'p.m.'}"


def _half_day_zh(hour: int) -> str:
    for until, name in ((6, "凌晨"), (12, "上午"), (13, "中午"), (18, "下午")):
        if hour < until:
            return name
    return "晚上"


def _ordinal_en(value: int) -> str:
    head, dash, last = number_en(value).rpartition("-")
    if last in _EN_ORDINALS:
        last = _EN_ORDINALS[last]
    else:
        last = last[:-1] + "ieth" if last.endswith("y") else last + "th"
    return head + dash + last


def _year_en(year: int) -> str:
    century, rest = divmod(year, 100)
    if year < 1000 or (century % 10 == 0 and rest < 10):
        return number_en(year)
    if rest == 0:
        return f"{number_en(century)} hundred"
    return f"{number_en(century)} {'oh ' if rest < 10 else ''}{number_en(rest)}"


def _each_zh(digits: str) -> str:
    return "".join(_ZH_DIGITS[int(digit)] for digit in digits)


def _each_en(digits: str) -> str:
    return " ".join(_EN_SMALL[int(digit)] for digit in digits)


def _decimal(text: str) -> Decimal:
    try:
        value = Decimal(text.strip()) if len(text) <= 40 else Decimal("NaN")
    except InvalidOperation as error:
        raise UnspeakableValue("the value is not a number") from error
    if not value.is_finite() or abs(value) > LARGEST:
        raise UnspeakableValue("the value is not a number that is read aloud")
    return value


# --- written text -----------------------------------------------------------------------------------------


def without_latin_digits(text: str) -> str:
    """A Mandarin text with its Latin digits in words: up to four as a number, more (or 0…) one by one."""

    def words(match: re.Match[str]) -> str:
        digits = match.group()
        return _each_zh(digits) if len(digits) > 4 or digits.startswith("0") else number_zh(int(digits))

    return re.sub(r"[0-9]+", words, text)


#: How a part of a prompt reads its variable.
READERS: dict[str, Callable[[str, Language], str]] = {
    "number": speak_number,
    "digits": speak_digits,
    "money": speak_money,
    "date": speak_date,
    "time": speak_time,
}
