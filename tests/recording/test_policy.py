"""The recording policy: first match decides, random is unbiased and repeatable (R10.1.f)."""

from __future__ import annotations

import math
from dataclasses import replace
from datetime import datetime, time

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from ccplatform.contracts.words import AgentId, ContactId, Direction, QueueId, RecordingMode
from ccplatform.kernel.clock import VirtualClock
from ccplatform.kernel.ids import Ids
from recording.model import Policy, Rule, TimeWindow
from recording.policy import announcement, decide, on_demand, sampled
from recording.settings import AnnouncementSettings, RecordingSettings, RuleSettings
from tests.recording.kit import ZONE, talk

MONDAY_NOON = datetime(2026, 1, 5, 12, 0, tzinfo=ZONE)
FULL = Rule(name="all", mode=RecordingMode.FULL)


def rules(*some: Rule) -> Policy:
    return Policy(rules=some, queue_default=RecordingMode.NEVER)


def test_without_rules_talks_from_queues_are_recorded_and_others_are_not() -> None:
    assert decide(Policy(), talk(), MONDAY_NOON) is RecordingMode.FULL
    assert decide(Policy(), talk(queue=None), MONDAY_NOON) is None


def test_a_flow_that_asks_is_heard_unless_a_rule_says_never() -> None:
    never = Rule(name="bank", mode=RecordingMode.NEVER)
    assert decide(Policy(), talk(queue=None, asked=True), MONDAY_NOON) is RecordingMode.ON_DEMAND
    assert decide(rules(never), talk(asked=True), MONDAY_NOON) is None
    nobody = Rule(name="some", mode=RecordingMode.RANDOM, percent=0)
    assert decide(rules(nobody), talk(asked=True), MONDAY_NOON) is RecordingMode.ON_DEMAND


@pytest.mark.parametrize("mode", [mode for mode in RecordingMode if mode is not RecordingMode.MESSAGE])
def test_people_decide_where_the_policy_leaves_it_to_them_and_nowhere_else(mode: RecordingMode) -> None:
    policy = rules(Rule(name="r", mode=mode, percent=0))
    theirs = mode is RecordingMode.ON_DEMAND
    assert on_demand(policy, talk(), MONDAY_NOON) is theirs
    wanted = decide(policy, talk(by="1004"), MONDAY_NOON)
    assert wanted is (mode if theirs or mode is RecordingMode.FULL else None)
    assert decide(policy, talk(), MONDAY_NOON) is (RecordingMode.FULL if mode is RecordingMode.FULL else None)


def test_without_a_rule_the_default_of_queues_may_leave_it_to_people() -> None:
    policy = Policy(queue_default=RecordingMode.ON_DEMAND)
    assert decide(policy, talk(by="1004"), MONDAY_NOON) is RecordingMode.ON_DEMAND
    assert decide(policy, talk(queue=None, by="1004"), MONDAY_NOON) is None
    assert not on_demand(policy, talk(about=ContactId("a")), MONDAY_NOON)


def test_a_consultation_is_recorded_as_talks_are_where_consultations_are() -> None:
    asked = talk(contact=ContactId("b"), about=ContactId("a"))
    assert decide(Policy(), asked, MONDAY_NOON) is RecordingMode.FULL
    assert decide(Policy(consultations=False), asked, MONDAY_NOON) is None
    assert decide(Policy(consultations=False), talk(), MONDAY_NOON) is RecordingMode.FULL
    assert not RecordingSettings(consultations=False).policy().consultations


def test_a_consultation_shares_the_fate_of_the_contact_that_it_is_about() -> None:
    half = Rule(name="half", mode=RecordingMode.RANDOM, percent=50)
    for number in range(40):
        contact = ContactId(str(number))
        fate = decide(rules(half), talk(contact=contact), MONDAY_NOON)
        assert decide(rules(half), talk(contact=ContactId("c"), about=contact), MONDAY_NOON) is fate


def test_the_first_rule_about_a_talk_decides_even_when_it_does_not_record() -> None:
    on_demand = Rule(name="vip", mode=RecordingMode.ON_DEMAND, queues=frozenset({QueueId("support")}))
    assert decide(rules(on_demand, FULL), talk(), MONDAY_NOON) is None
    assert decide(rules(on_demand, FULL), talk(queue=QueueId("sales")), MONDAY_NOON) is RecordingMode.FULL


@pytest.mark.parametrize(
    "rule",
    [
        replace(FULL, queues=frozenset({QueueId("support")})),
        replace(FULL, agents=frozenset({AgentId("1004")})),
        replace(FULL, teams=frozenset({"blue"})),
        replace(FULL, dialled=frozenset({"95000"})),
        replace(FULL, directions=frozenset({Direction.OUTBOUND})),
    ],
)
def test_a_rule_is_about_its_queues_agents_and_numbers(rule: Rule) -> None:
    his = talk(team="blue", direction=Direction.OUTBOUND)
    other = talk(queue=QueueId("sales"), agent=AgentId("1001"), dialled="95001", team="green")
    assert decide(rules(rule), his, MONDAY_NOON) is RecordingMode.FULL
    assert decide(rules(rule), other, MONDAY_NOON) is None


@pytest.mark.parametrize(
    ("window", "at", "holds"),
    [
        (TimeWindow(days=frozenset({1}), start=time(9), end=time(18)), MONDAY_NOON, True),
        (TimeWindow(days=frozenset({1}), start=time(9), end=time(12)), MONDAY_NOON, False),
        (TimeWindow(days=frozenset({2}), start=time(9), end=time(18)), MONDAY_NOON, False),
        (TimeWindow(days=frozenset({1})), MONDAY_NOON, True),
        (TimeWindow(days=frozenset({7}), start=time(22), end=time(6)), MONDAY_NOON.replace(hour=5), True),
        (TimeWindow(days=frozenset({1}), start=time(22), end=time(6)), MONDAY_NOON.replace(hour=5), False),
        (TimeWindow(days=frozenset({1}), start=time(22), end=time(6)), MONDAY_NOON.replace(hour=23), True),
    ],
)
def test_a_scheduled_rule_records_in_its_windows(window: TimeWindow, at: datetime, holds: bool) -> None:
    scheduled = Rule(name="day", mode=RecordingMode.SCHEDULED, windows=(window,))
    assert decide(rules(scheduled), talk(), at) is (RecordingMode.SCHEDULED if holds else None)


def test_any_other_rule_with_windows_is_about_their_talks_only() -> None:
    night = TimeWindow(start=time(20), end=time(8))
    policy = rules(replace(FULL, mode=RecordingMode.NEVER, windows=(night,)), FULL)
    assert decide(policy, talk(), MONDAY_NOON) is RecordingMode.FULL
    assert decide(policy, talk(), MONDAY_NOON.replace(hour=21)) is None
    theirs = rules(replace(FULL, mode=RecordingMode.ON_DEMAND, windows=(night,)))
    assert not on_demand(theirs, talk(), MONDAY_NOON)
    assert on_demand(theirs, talk(), MONDAY_NOON.replace(hour=21))


@given(st.uuids().map(str), st.floats(0, 100), st.text(max_size=20))
def test_the_same_contact_is_always_chosen_alike(contact: str, percent: float, seed: str) -> None:
    chosen = sampled(ContactId(contact), percent, seed)
    assert sampled(ContactId(contact), percent, seed) is chosen
    if chosen:
        assert sampled(ContactId(contact), 100, seed)


@given(st.uuids().map(str), st.floats(0, 100), st.floats(0, 100))
def test_a_larger_share_keeps_the_contacts_of_a_smaller_one(contact: str, one: float, two: float) -> None:
    small, large = sorted((one, two))
    assert not sampled(ContactId(contact), small, "s") or sampled(ContactId(contact), large, "s")


@pytest.mark.parametrize("percent", [1.0, 10.0, 50.0, 95.0])
def test_a_random_share_is_met_over_ids_made_in_sequence(percent: float) -> None:
    clock = VirtualClock()
    ids = Ids(clock, random_bytes=bytes)  # the worst case: ids that differ in their count alone
    total = 20_000
    chosen = sum(sampled(ContactId(ids.new()), percent, "seed") for _ in range(total))
    share = percent / 100
    assert abs(chosen - total * share) < 4.5 * math.sqrt(total * share * (1 - share))


def test_a_random_share_is_met_in_every_hour_of_a_day() -> None:
    clock = VirtualClock()
    ids, share, each = Ids(clock), 0.1, 2000
    for hour in range(24):
        chosen = 0
        for _ in range(each):
            chosen += sampled(ContactId(ids.new()), 100 * share, "seed")
            clock.advance(3600 / each)
        assert abs(chosen - each * share) < 4.5 * math.sqrt(each * share * (1 - share)), f"hour {hour}"


@given(
    st.uuids().map(str),
    st.sampled_from(["support", "sales", None]),
    st.sampled_from(["1004", "1005", None]),
    st.sampled_from(list(Direction)),
    st.datetimes(timezones=st.just(ZONE)),
)
def test_nothing_but_the_contact_decides_about_a_random_rule(
    contact: str, queue: str | None, agent: str | None, direction: Direction, at: datetime
) -> None:
    policy = rules(Rule(name="a", mode=RecordingMode.RANDOM, percent=50))
    first = decide(policy, talk(contact=ContactId(contact)), MONDAY_NOON)
    other = talk(contact=ContactId(contact), queue=queue, agent=agent, direction=direction, dialled="95002")
    assert decide(policy, other, at) is first


def test_a_random_rule_takes_its_sample_and_another_rule_another() -> None:
    ids = Ids(VirtualClock())
    contacts = [ContactId(ids.new()) for _ in range(2000)]

    def taken(name: str) -> set[ContactId]:
        policy = rules(Rule(name=name, mode=RecordingMode.RANDOM, percent=20))
        return {contact for contact in contacts if decide(policy, talk(contact=contact), MONDAY_NOON) is not None}

    assert taken("a") == taken("a")
    assert taken("a") != taken("b")


def test_what_the_parties_hear_is_in_the_callers_language() -> None:
    policy = RecordingSettings(
        rules=(RuleSettings(name="bank", mode=RecordingMode.FULL, queues=("support",), announce=True),)
    ).policy()
    heard = {language: announcement(policy, talk(language=language), MONDAY_NOON) for language in ("en", "zh", "")}
    assert heard == {
        "en": "This call may be recorded.",
        "zh": "本次通话可能会被录音。",
        "": "本次通话可能会被录音。",
    }
    assert announcement(policy, talk(queue=QueueId("sales")), MONDAY_NOON) == ""
    assert announcement(policy, talk(about=ContactId("a")), MONDAY_NOON) == ""
    everybody = RecordingSettings(announce=True, announcement=AnnouncementSettings(first="en")).policy()
    assert announcement(everybody, talk(), MONDAY_NOON) == "This call may be recorded."


def test_settings_become_the_policy() -> None:
    settings = RecordingSettings.model_validate(
        {
            "rules": [
                {"name": "vip", "mode": "random", "percent": 5, "queues": ["sales"]},
                {
                    "name": "day",
                    "mode": "scheduled",
                    "windows": [{"days": [1, 2], "start": "09:00", "end": "18:00"}],
                },
            ],
            "queue_default": "never",
        }
    )
    policy = settings.policy()
    assert policy.rules[0] == Rule(
        name="vip", mode=RecordingMode.RANDOM, percent=5, queues=frozenset({QueueId("sales")})
    )
    assert decide(policy, talk(), MONDAY_NOON) is RecordingMode.SCHEDULED


@pytest.mark.parametrize(
    ("wrong", "reason"),
    [
        ({"retention_days": 30}, "R10.1.f"),
        ({"retention_days": -1}, "R10.1.f"),
        ({"rules": [{"name": "a", "mode": "scheduled"}]}, "no windows"),
        ({"rules": [{"name": "a", "mode": "full", "percent": 5}]}, "only a random rule"),
        ({"rules": [{"name": "a", "mode": "never", "retention_days": 40}]}, "never records"),
        ({"rules": [{"name": "a", "mode": "never", "announce": True}]}, "never records and announces"),
        ({"rules": [{"name": "a", "mode": "full", "teams": []}]}, "teams names nothing"),
        ({"rules": [{"name": "a", "mode": "full", "queues": ["q", "q"]}]}, "queues names something twice"),
        ({"rules": [{"name": "a", "mode": "full", "directions": ["sideways"]}]}, "directions"),
        ({"rules": [{"name": "a", "mode": "full"}, {"name": "a", "mode": "never"}]}, "same name"),
        ({"low_bytes": 1, "very_low_bytes": 2}, "very_low_bytes"),
        ({"colour": "red"}, "colour"),
    ],
)
def test_wrong_settings_are_refused_with_their_reason(wrong: dict[str, object], reason: str) -> None:
    with pytest.raises(ValidationError, match=reason):
        RecordingSettings.model_validate(wrong)


def test_a_month_is_the_shortest_retention() -> None:
    assert RecordingSettings(retention_days=31).retention_days == 31
