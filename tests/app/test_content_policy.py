"""Whom a page may talk to: its own server and the telephone's, whatever the request calls them."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ccplatform.app.content_policy import content_policy


def _connect(host: str, phone: str | None = None) -> list[str]:
    (found,) = [
        part.split()[1:]
        for part in content_policy(host, lambda name: phone).split("; ")
        if part.startswith("connect-src ")
    ]
    return found


@pytest.mark.parametrize(
    ("host", "phone", "allowed"),
    [
        ("centre.example", None, ["'self'", "ws://centre.example", "wss://centre.example"]),
        ("127.0.0.1:8080", None, ["'self'", "ws://127.0.0.1:8080", "wss://127.0.0.1:8080"]),
        ("[::1]:8080", None, ["'self'", "ws://*:8080", "wss://*:8080"]),
        ("", None, ["'self'"]),
        ("evil;script-src *", None, ["'self'"]),
        ("a b", None, ["'self'"]),
        ("x", "wss://sip.example:7443/ws", ["'self'", "ws://x", "wss://x", "wss://sip.example:7443"]),
        ("x", "ws://[::1]:5066/", ["'self'", "ws://x", "wss://x", "ws://*:5066"]),
        ("x", "http://elsewhere/", ["'self'", "ws://x", "wss://x"]),
    ],
)
def test_a_page_talks_to_its_own_server_and_its_telephone(
    host: str, phone: str | None, allowed: list[str]
) -> None:
    assert _connect(host, phone) == allowed


@given(st.text(max_size=80))
def test_no_name_of_a_server_changes_another_part_of_the_policy(host: str) -> None:
    policy = content_policy(host, lambda name: f"ws://{name}/")
    assert [part.split(" ")[0] for part in policy.split("; ")] == [
        *("default-src", "connect-src", "img-src", "media-src", "style-src"),
        *("object-src", "frame-ancestors", "base-uri", "form-action"),
    ]
    assert "*" not in [source for part in policy.split("; ") for source in part.split(" ")]
