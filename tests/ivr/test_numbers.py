"""Numbers, digits, money, dates and times in words."""

from __future__ import annotations

from contextlib import suppress
from datetime import date, time
from decimal import Decimal

import cn2an
import pytest
from hypothesis import given
from hypothesis import strategies as st

from ivr.errors import UnspeakableValue
from ivr.numbers import (
    Language,
    number_en,
    number_zh,
    speak_date,
    speak_digits,
    speak_money,
    speak_number,
    speak_time,
    without_latin_digits,
)

_SMALL = [number_en(n) for n in range(20)]
_TENS = {number_en(n): n for n in range(20, 100, 10)}


def read_zh(words: str) -> int:
    """Written independently of the speaker: evaluate by units, the sections from the greatest down."""
    total = 0
    for unit, size in (("亿", 10**8), ("万", 10**4)):
        if unit in words:
            head, words = words.split(unit)
            total += size * read_zh(head)
    digit = 0
    for sign in words:
        if sign in "十百千":
            total += (digit or 1) * {"十": 10, "百": 100, "千": 1000}[sign]
            digit = 0
        else:
            digit = 2 if sign == "两" else "零一二三四五六七八九".index(sign)
    return total + digit


def read_en(words: str) -> int:
    total = group = 0
    for word in words.replace("-", " ").split():
        if word == "hundred":
            group *= 100
        elif word in ("thousand", "million", "billion"):
            total += group * {"thousand": 10**3, "million": 10**6, "billion": 10**9}[word]
            group = 0
        else:
            group += _TENS.get(word) or _SMALL.index(word)
    return total + group


@given(st.integers(0, 10**8))
def test_mandarin_numbers_read_back_as_themselves(value: int) -> None:
    assert read_zh(number_zh(value)) == value


@given(st.integers(0, 10**8))
def test_english_numbers_read_back_as_themselves(value: int) -> None:
    assert read_en(number_en(value)) == value


@given(st.integers(0, 10**12 - 1))
def test_a_gap_is_one_zero_and_a_number_never_ends_in_one(value: int) -> None:
    words = number_zh(value)
    assert "零零" not in words
    assert value == 0 or not words.endswith("零")


@pytest.mark.parametrize(
    ("value", "zh", "en"),
    [
        (0, "零", "zero"),
        (2, "二", "two"),
        (10, "十", "ten"),
        (12, "十二", "twelve"),
        (21, "二十一", "twenty-one"),
        (105, "一百零五", "one hundred five"),
        (110, "一百一十", "one hundred ten"),
        (200, "二百", "two hundred"),
        (1001, "一千零一", "one thousand one"),
        (2222, "两千二百二十二", "two thousand two hundred twenty-two"),
        (10010, "一万零一十", "ten thousand ten"),
        (20000, "两万", "twenty thousand"),
        (100_001, "十万零一", "one hundred thousand one"),
        (10_001_000, "一千万一千", "ten million one thousand"),
        (100_001_000, "一亿零一千", "one hundred million one thousand"),
        (-7, "负七", "minus seven"),
    ],
)
def test_numbers_are_read_as_people_read_them(value: int, zh: str, en: str) -> None:
    assert number_zh(value) == zh
    assert number_en(value) == en


@pytest.mark.parametrize(
    ("amount", "zh", "en"),
    [
        ("128.50", "一百二十八元五角", "one hundred twenty-eight yuan fifty"),
        ("128.05", "一百二十八元零五分", "one hundred twenty-eight yuan oh five"),
        ("128.55", "一百二十八元五角五分", "one hundred twenty-eight yuan fifty-five"),
        ("100", "一百元", "one hundred yuan"),
        ("2", "两元", "two yuan"),
        ("2.22", "两元两角两分", "two yuan twenty-two"),
        ("12", "十二元", "twelve yuan"),
        ("0", "零元", "zero yuan"),
        ("0.50", "五角", "zero yuan fifty"),
        ("0.05", "五分", "zero yuan oh five"),
        ("-3.10", "负三元一角", "minus three yuan ten"),
    ],
)
def test_money_is_yuan_jiao_and_fen(amount: str, zh: str, en: str) -> None:
    assert speak_money(amount, "zh") == zh
    assert speak_money(amount, "en") == en


@given(st.decimals(min_value=0, max_value=10**8, places=2))
def test_money_says_the_whole_amount(amount: Decimal) -> None:
    words = speak_money(str(amount), "zh")
    yuan, _, rest = words.partition("元") if "元" in words else ("零", "", words)
    fen = 0
    for unit, size in (("角", 10), ("分", 1)):
        if unit in rest:
            head, rest = rest.split(unit)
            fen += size * read_zh(head)
    assert read_zh(yuan) * 100 + fen == amount * 100


@pytest.mark.parametrize(
    ("text", "zh", "en"),
    [
        ("600001", "六零零，零零一", "six zero zero, zero zero one"),
        ("1001", "一零零一", "one zero zero one"),
        (
            "13800000001",
            "一三八，零零零，零零零，零一",
            "one three eight, zero zero zero, zero zero zero, zero one",
        ),
        ("1234567", "一二三，四五六七", "one two three, four five six seven"),
        ("12345678", "一二三四，五六七八", "one two three four, five six seven eight"),
    ],
)
def test_digits_are_read_in_groups(text: str, zh: str, en: str) -> None:
    assert speak_digits(text, "zh") == zh
    assert speak_digits(text, "en") == en


def test_fractions_are_read_digit_by_digit() -> None:
    assert speak_number("-3.140", "zh") == "负三点一四"
    assert speak_number("3.14", "en") == "three point one four"


@pytest.mark.parametrize(
    ("text", "zh", "en"),
    [
        ("2026-01-05", "二零二六年一月五日", "January fifth, twenty twenty-six"),
        ("2005-12-21T10:00:00", "二零零五年十二月二十一日", "December twenty-first, two thousand five"),
        ("1900-03-30", "一九零零年三月三十日", "March thirtieth, nineteen hundred"),
    ],
)
def test_dates(text: str, zh: str, en: str) -> None:
    assert speak_date(text, "zh") == zh
    assert speak_date(text, "en") == en


@pytest.mark.parametrize(
    ("text", "zh", "en"),
    [
        ("15:05", "下午三点零五分", "three oh five p.m."),
        ("00:30", "凌晨十二点三十分", "twelve thirty a.m."),
        ("14:00", "下午两点整", "two p.m."),
        ("2026-01-05T20:15:00", "晚上八点十五分", "eight fifteen p.m."),
    ],
)
def test_times(text: str, zh: str, en: str) -> None:
    assert speak_time(text, "zh") == zh
    assert speak_time(text, "en") == en


@given(st.dates(date(1000, 1, 1)), st.times(), st.sampled_from(("zh", "en")))
def test_every_date_and_time_can_be_read(day: date, moment: time, language: Language) -> None:
    words = speak_date(day.isoformat(), language) + speak_time(moment.isoformat(), language)
    assert not any(sign.isdigit() and sign.isascii() for sign in words)


@pytest.mark.parametrize("reader", [speak_number, speak_digits, speak_money, speak_date, speak_time])
@given(text=st.text(max_size=60))
def test_a_value_that_is_not_of_the_kind_is_refused_and_nothing_else(reader, text: str) -> None:  # type: ignore[no-untyped-def]
    with suppress(UnspeakableValue):
        assert reader(text, "zh")


def test_mandarin_texts_hold_no_latin_digits() -> None:
    assert (
        without_latin_digits("请按1，共12位，密码0571，电话95000")
        == "请按一，共十二位，密码零五七一，电话九五零零零"
    )


# --- by a library that we did not write -----------------------------------------------------------------------


@given(st.integers(-(10**12) + 1, 10**12 - 1))
def test_cn2an_reads_our_mandarin_as_the_number_that_it_is(value: int) -> None:
    assert cn2an.cn2an(number_zh(value), "smart") == value


@given(st.decimals(0, 10**9, places=3).filter(lambda value: value != int(value)))
def test_cn2an_reads_our_fractions(value: Decimal) -> None:
    assert Decimal(str(cn2an.cn2an(speak_number(str(value), "zh"), "smart"))) == value


def test_years_between_1010_and_1099_are_read_in_two_halves() -> None:
    """num2words 0.5.14 (LGPL, not a dependency) agrees with all years from 1000 to 2199, and with ordinals."""
    assert speak_date("1066-10-14", "en") == "October fourteenth, ten sixty-six"
    assert speak_date("1001-10-14", "en") == "October fourteenth, one thousand one"
