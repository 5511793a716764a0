"""Gauges of trunks and of the guard at the door."""

from __future__ import annotations

from typing import Any

import pytest

from metrics.families import FAMILIES
from metrics.lines import line_gauges


def target(state: str, round_trip: float | None = None) -> dict[str, Any]:
    return {"address": "192.0.2.1:5060", "transport": "UDP", "state": state, "round_trip_seconds": round_trip}


def trunk(state: str, *targets: dict[str, Any], registration: str | None = None) -> dict[str, Any]:
    registered = {"state": registration} if registration else None
    return {"state": state, "targets": list(targets), "registration": registered}


@pytest.mark.parametrize(
    ("now", "in_service"),
    [
        (trunk("active", target("unknown")), 1),
        (trunk("active", target("down"), target("up")), 1),
        (trunk("active", target("down")), 0),
        (trunk("blocked", target("up")), 0),
        (trunk("active"), 1),
    ],
)
def test_a_trunk_is_in_service_while_it_may_and_can_take_calls(now: dict[str, Any], in_service: int) -> None:
    assert ("cc_trunk_in_service", ("pstn",), in_service) in list(
        line_gauges({"access": {"trunks": {"pstn": now}}})
    )


def test_everything_that_is_told_has_a_family_with_its_labels() -> None:
    health = {
        "trunks": {"pstn": trunk("active", target("up", 0.02), target("down"), registration="lost")},
        "bans": {"active": [{}], "imposed": {"digest": 3}, "dropped": 9},
    }
    found = list(line_gauges({"access": health}))
    for name, labels, _ in found:
        assert len(FAMILIES[name].labels) == len(labels)
    values = {(name, labels): value for name, labels, value in found}
    assert values["cc_trunk_registered", ("pstn",)] == 0
    assert values["cc_trunk_server_round_trip_seconds", ("pstn", "UDP 192.0.2.1:5060")] == 0.02
    assert values["cc_sip_bans", ("digest",)] == 3
    assert values["cc_sip_banned_sources", ()] == 1
    assert values["cc_sip_dropped_messages", ()] == 9


def test_nothing_is_said_while_control_is_away() -> None:
    assert list(line_gauges({})) == []


def test_sources_voices_recognisers_and_bots_are_gauges() -> None:
    bots = {"helper": {"up": False, "talks": 2, "failures": 3}}
    voices = {"http": False, "espeak": True}
    health = {"ivr": {"sources": {"bank": True}, "voices": voices, "recognisers": {"en": False}, "bots": bots}}
    assert list(line_gauges(health)) == [
        ("cc_data_source_up", ("bank",), 1.0),
        ("cc_voice_up", ("http",), 0.0),
        ("cc_voice_up", ("espeak",), 1.0),
        ("cc_recogniser_up", ("en",), 0.0),
        ("cc_bot_up", ("helper",), 0.0),
        ("cc_bot_talks", ("helper",), 2),
        ("cc_bot_failures", ("helper",), 3),
    ]
