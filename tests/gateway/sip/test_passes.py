"""Passes: what a page may register with, for how long, and what proves nothing."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.sip.digest import hash_a1
from gateway.sip.passes import PASS_SECONDS, Passes

PASSES = Passes(key=b"k" * 32, realm="ccplatform")
NOW = 1_793_400_000.25


def test_a_pass_proves_its_seat_until_it_ends() -> None:
    issued = PASSES.issue("8004", NOW)
    assert (issued.user, issued.ends_at) == ("8004~1793400300", 1_793_400_300)
    secrets = PASSES.secrets(issued.user, "8004", NOW)
    assert secrets is not None
    assert secrets.ha1_md5 == hash_a1("MD5", issued.user, "ccplatform", issued.password)
    assert secrets.ha1_sha256 == hash_a1("SHA-256", issued.user, "ccplatform", issued.password)
    assert PASSES.secrets(issued.user, "8004", NOW + PASS_SECONDS - 1) is not None
    assert PASSES.secrets(issued.user, "8004", NOW + PASS_SECONDS) is None


def test_the_password_depends_on_seat_end_and_key() -> None:
    issued = [
        PASSES.issue("8004", NOW),
        PASSES.issue("8005", NOW),
        PASSES.issue("8004", NOW + 1),
        Passes(key=b"x" * 32, realm="ccplatform").issue("8004", NOW),
    ]
    assert len({one.password for one in issued}) == len(issued)


@pytest.mark.parametrize(
    ("user", "sip_user"),
    [
        ("8004~1793400300", "8005"),  # another seat's
        ("8004~1793500000", "8004"),  # ends later than any that was issued
        ("8004~１７９３４００３００", "8004"),
        ("8004~-1793400300", "8004"),
        ("8004~" + "9" * 400, "8004"),
        ("8004~", "8004"),
        ("8004", "8004"),
        ("~1793400300", "8004"),
    ],
)
def test_what_is_no_pass_of_this_seat_now_proves_nothing(user: str, sip_user: str) -> None:
    assert PASSES.secrets(user, sip_user, NOW) is None


@given(st.text(max_size=40), st.text(max_size=20))
def test_any_text_is_judged(user: str, sip_user: str) -> None:
    assert PASSES.secrets(user, sip_user, NOW) is None
