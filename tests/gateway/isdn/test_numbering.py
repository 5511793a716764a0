"""Numbers of ISDN as SIP has them, and the other way round."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.isdn.numbering import NumberPlan
from gateway.isdn.span_calls import SpanCall

PLAN = NumberPlan()


def call(**more: object) -> SpanCall:
    return SpanCall(name="in-1", outgoing=False, called="95000", **more)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("digits", "plan", "written"),
    [
        ("13800000001", 0x00, "13800000001"),
        ("1088886666", 0x21, "01088886666"),
        ("861088886666", 0x11, "+861088886666"),
        ("88886666", 0x41, "88886666"),
        ("", 0x21, ""),
    ],
)
def test_types_of_numbers_are_written_as_they_are_dialled(digits: str, plan: int, written: str) -> None:
    assert PLAN.written(digits, plan) == written


def test_a_caller_is_told_in_from() -> None:
    party, headers = PLAN.identity(call(caller="1088886666", caller_plan=0x21, presentation=1), "127.0.0.1")
    assert party == "<sip:01088886666@127.0.0.1>"
    assert headers == ()


def test_a_caller_who_withholds_his_number_is_known_to_the_centre_alone() -> None:
    party, headers = PLAN.identity(call(caller="13800000001", presentation=0x21), "127.0.0.1")
    assert "anonymous" in party
    assert dict(headers) == {"p-asserted-identity": "<sip:13800000001@127.0.0.1>", "privacy": "id"}


def test_nobody_has_no_number() -> None:
    party, headers = PLAN.identity(call(presentation=0x43), "127.0.0.1")
    assert "anonymous" in party
    assert headers == ()


@pytest.mark.parametrize(
    ("reason", "word"), [(0, "unknown"), (1, "user-busy"), (2, "no-answer"), (15, "unconditional")]
)
def test_a_redirecting_number_is_a_diversion_both_ways(reason: int, word: str) -> None:
    party, headers = PLAN.identity(call(caller="1", redirecting="4008000", redirecting_reason=reason), "h")
    assert dict(headers)["diversion"] == f"<sip:4008000@h>;reason={word}"
    told = PLAN.own_identity("1", "4008000", word)
    assert (told["redirecting"], told["redirecting_reason"]) == ("4008000", reason)
    assert party == "<sip:1@h>"


@pytest.mark.parametrize(
    ("number", "digits"),
    [("+861012345678", "861012345678"), ("*11#", "*11#"), ("alice", ""), ("1" * 33, ""), ("", "")],
)
def test_numbers_that_go_out_are_digits(number: str, digits: str) -> None:
    assert PLAN.outgoing(number) == digits


def test_an_international_caller_has_that_type() -> None:
    assert PLAN.own_identity("+8610123", "", "") == {"caller": "8610123", "caller_plan": 0x11, "presentation": 0}
    assert PLAN.own_identity("anonymous", "", "") == {}


@given(st.text(max_size=40), st.integers(0, 255), st.integers(0, 255))
def test_no_number_breaks_a_header(text: str, plan: int, presentation: int) -> None:
    told = call(caller=text, caller_plan=plan, presentation=presentation, redirecting=text)
    party, headers = PLAN.identity(told, "h")
    assert not set("\r\n") & set(party + "".join(value for _, value in headers))
