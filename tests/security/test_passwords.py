from __future__ import annotations

import pytest

from ccplatform.security.errors import PasswordRefused
from ccplatform.security.passwords import Passwords
from tests.security.desk import CHEAP


def test_only_the_hashed_password_verifies() -> None:
    hashed = CHEAP.hash("correct horse")
    assert hashed.startswith("$argon2id$")
    assert "correct" not in hashed
    assert CHEAP.verify(hashed, "correct horse")
    assert not CHEAP.verify(hashed, "correct horse ")


@pytest.mark.parametrize("password", ["", "\x00", "a\x00", "x" * 100_000, "\ud800"])
def test_what_nobody_can_have_as_a_password_is_simply_wrong(password: str) -> None:
    assert not CHEAP.verify(None, password)


def test_a_hash_that_is_none_is_simply_wrong() -> None:
    assert not CHEAP.verify("not a hash", "correct horse")


@pytest.mark.parametrize(
    ("password", "reason"),
    [
        ("short", "5 characters; at least 10"),
        ("x" * 257, "longer than 256"),
        ("supervisor1", "easy to guess"),
        ("aaaaaaaaaaab", "easy to guess"),
        ("tab\tin the middle", "cannot be typed"),
    ],
)
def test_a_weak_password_is_refused_with_its_reason(password: str, reason: str) -> None:
    with pytest.raises(PasswordRefused, match=reason):
        Passwords().check_policy(password, "Supervisor1")


def test_a_good_password_passes_the_policy_in_any_script() -> None:
    CHEAP.check_policy("correct horse", "sup1")
    CHEAP.check_policy("一二三四五六七八九十", "sup1")
