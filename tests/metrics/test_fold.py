"""The fold as a whole: repetitions, order, rebuild, snapshots, brute force."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import replace
from datetime import timedelta
from random import Random

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ccplatform.contracts.facts import (
    AlarmCleared,
    AlarmRaised,
    CallBackEnded,
    CallRefused,
    CallsRefused,
    ContactArrived,
    ContactNoted,
    Fact,
    FactEvent,
    FirstVoiceSent,
    FlowEntered,
    KeyAnswered,
    MessageMarked,
    QueryAnswered,
    Transferred,
)
from ccplatform.contracts.words import (
    AgentId,
    AgentState,
    ContactId,
    FlowId,
    FlowOutcome,
    Mailbox,
    MessageState,
    Outcome,
    QueueId,
    RecordingId,
    ReleaseCause,
    Severity,
    TrunkId,
)
from metrics.compliance import rows
from metrics.day import figures
from metrics.families import FAMILIES
from metrics.fold import Fold
from metrics.model import OTHER, AnswerLimits, Counted, FoldRules, LoadClass, Observed
from tests.metrics.telling import (
    PSTN,
    SALES,
    Centre,
    agent_answered,
    agent_changed,
    arrived,
    ended,
    left_flow,
    measured,
    queue_left,
    queued,
    refused,
    talk_ended,
    wrap_up_ended,
)


def folded(events: Iterable[FactEvent], rules: FoldRules) -> Fold:
    fold = Fold(rules)
    for event in events:
        fold.apply(event)
    return fold


def shown(fold: Fold, now: int) -> object:
    """Everything that anybody is shown."""
    return (
        rows(fold, now),
        figures(fold, now, AnswerLimits()),
        fold.contacts.waiting,
        fold.contacts.active,
        fold.alarms.by_severity(),
    )


def live_day(seed: int, calls: int, *, channels: bool = True) -> Centre:
    """Calls of all kinds over some hours, overlapping, with restarts and a clock that is set."""
    random, centre = Random(seed), Centre()
    open_calls: list[list[Fact]] = []
    for _ in range(calls):
        centre.wait(random.choice((0.2, 3.0, 60.0, 900.0)))
        if random.random() < 0.03:
            centre.restart()
        if random.random() < 0.02:
            centre.clock.set_wall(centre.clock.wall() - timedelta(seconds=random.choice((1, 600, 4000))))
        if channels and random.random() < 0.2:
            centre.channels(random.randint(0, 30))
        open_calls.append(_story(centre.new_contact(), random))
        for story in random.sample(open_calls, k=min(3, len(open_calls))):
            if story:
                centre.tell(story.pop(0))
            else:
                open_calls.remove(story)
    return centre


def _story(contact: ContactId, random: Random) -> list[Fact]:
    """The facts of one call, in order."""
    seconds = random.random() * 3
    if random.random() < 0.1:
        return [refused(random.choice(list(ReleaseCause)))]
    return [
        arrived(contact),
        FirstVoiceSent(contact=contact, trunk=PSTN, connect_seconds=seconds),
        KeyAnswered(contact=contact, node="menu", response_seconds=seconds),
        QueryAnswered(contact=contact, node="q", source="s", ok=random.random() < 0.9, response_seconds=seconds),
        left_flow(contact, random.choice(list(FlowOutcome))),
        queued(contact),
        queue_left(contact, random.choice(("answered", "abandoned")), seconds),
        agent_answered(contact, seconds),
        agent_changed(AgentState.TALKING, AgentState.READY, seconds),
        talk_ended(contact, seconds),
        measured(contact, lost=random.randint(0, 50), delay=seconds / 5),
        ended(contact, Outcome.HANDLED),
        wrap_up_ended(contact, seconds),
    ]


@settings(max_examples=20, deadline=None)
@given(st.integers(0, 2**32), st.integers(0, 120))
def test_a_rebuild_from_the_journal_equals_the_live_state(seed: int, calls: int) -> None:
    centre = live_day(seed, calls)
    rebuilt = folded(centre.events, centre.rules)
    assert rebuilt.snapshot() == centre.fold.snapshot()
    assert shown(rebuilt, centre.now) == shown(centre.fold, centre.now)


@settings(max_examples=20, deadline=None)
@given(st.integers(0, 2**32), st.integers(1, 120), st.data())
def test_a_snapshot_with_the_later_events_equals_the_live_state(
    seed: int, calls: int, data: st.DataObject
) -> None:
    centre = live_day(seed, calls)
    cut = data.draw(st.integers(0, len(centre.events)))
    restored = Fold(centre.rules)
    restored.restore(json.loads(json.dumps(folded(centre.events[:cut], centre.rules).snapshot())))
    for event in centre.events[cut:]:
        restored.apply(event)
    assert restored.snapshot() == centre.fold.snapshot()
    assert shown(restored, centre.now) == shown(centre.fold, centre.now)


@settings(max_examples=20, deadline=None)
@given(st.integers(0, 2**32), st.integers(0, 60), st.randoms(use_true_random=False))
def test_repeated_events_change_nothing(seed: int, calls: int, random: Random) -> None:
    centre = live_day(seed, calls)
    again = list(centre.events)
    for event in random.choices(centre.events, k=20) if centre.events else []:
        again.insert(random.randint(again.index(event) + 1, len(again)), event)
    assert folded(again, centre.rules).snapshot() == centre.fold.snapshot()


def test_a_repetition_gives_no_observation() -> None:
    centre = Centre()
    centre.voice(centre.arrive())
    assert centre.fold.apply(centre.events[-1]) == []
    assert centre.fold.repeated == 1


@settings(max_examples=30, deadline=None)
@given(st.lists(st.tuples(st.integers(0, 20_000), st.integers(1, 10_000)), max_size=40), st.randoms())
def test_windows_equal_brute_force_in_any_order(samples: list[tuple[int, int]], random: Random) -> None:
    """Facts that are independent of each other may come in any order."""
    centre = Centre()
    for delay, milliseconds in sorted(samples):
        centre.wait(max(0, delay - (centre.now - int(centre.events[0].at.timestamp()) if centre.events else 0)))
        fact = KeyAnswered(contact=centre.new_contact(), node="menu", response_seconds=milliseconds / 1000)
        centre.tell(fact)
    shuffled = list(centre.events)
    random.shuffle(shuffled)
    fold, now = folded(shuffled, centre.rules), centre.now
    inside = [event for event in centre.events if int(event.at.timestamp()) > now - 7200]
    expected = [_response(event) for event in inside]
    assert fold.responses.keys(7200, now) == (len(expected), sum(expected))


def _response(event: FactEvent) -> int:
    assert isinstance(event.fact, KeyAnswered)
    return round(event.fact.response_seconds * 1_000_000)


@settings(max_examples=20, deadline=None)
@given(st.integers(0, 2**32), st.integers(0, 150))
def test_connect_rate_equals_brute_force(seed: int, calls: int) -> None:
    centre = live_day(seed, calls, channels=False)
    arrivals, known = {}, {}
    for event in centre.events:
        second = int(event.at.timestamp())
        match event.fact:
            case ContactArrived(contact=contact):
                arrivals[contact] = second
            case FirstVoiceSent(contact=contact):
                known[contact] = (arrivals[contact], 1)
            case CallRefused(cause=cause) if cause not in (
                ReleaseCause.CANCELLED,
                ReleaseCause.NOT_FOUND,
                ReleaseCause.BUSY,
            ):
                known[ContactId(event.id)] = (second, 0)
    trunk = centre.fold.access.trunks.get("pstn")
    end = max(
        centre.now, (trunk.sums.end if trunk is not None else None) or 0
    )  # later when the clock was set back
    inside = [success for second, success in known.values() if second > end - 7200]
    _, sums = centre.fold.access.window(LoadClass.IDLE, centre.now)
    assert (sums.attempts, sums.connected) == (len(inside), sum(inside))


def test_facts_of_no_figure_are_passed_over() -> None:
    centre = Centre()
    before = centre.fold.snapshot()
    centre.tell(FlowEntered(contact=centre.new_contact(), flow=FlowId("main"), revision="1"))
    assert centre.fold.snapshot() == before
    assert "FlowEntered" not in centre.fold.fact_types


def test_names_beyond_the_limit_are_counted_together() -> None:
    centre = Centre(FoldRules(max_names=2))
    for name in ("a", "b", "c", "d", "a"):
        centre.tell(queue_left(centre.arrive(trunk=TrunkId(name)), "answered", 1.0, QueueId(name)))
    day = centre.fold.queues.day(centre.now)
    assert {name: page.answered for name, page in day.items()} == {"a": 2, "b": 1, OTHER: 2}


def test_faults_transfers_and_notes_are_counted() -> None:
    centre = Centre(FoldRules(max_names=1))
    contact = centre.arrive()
    for by in ("flow", "1001", "1002"):
        centre.tell(Transferred(contact=contact, to="95001", by=by))
    for disposition in ("order", "other", ""):
        note = ContactNoted(
            contact=contact, queue=None, agent=AgentId("1001"), disposition=disposition, disposition_name=""
        )
        centre.tell(note)
    centre.end(contact, Outcome.FAILED, cause=ReleaseCause.TIMEOUT)
    centre.good_call()
    refused = CallRefused(trunk=TrunkId("pstn"), dialled="1", cause=ReleaseCause.BUSY, sip_status=486)
    unread = CallsRefused(trunk=None, source="", calls=3, cause=ReleaseCause.OVERLOAD, sip_status=503)
    centre.tell(refused, unread)
    counted = Counter[tuple[str, ...]]()
    for one in centre.observations:
        if isinstance(one, Counted) and one.metric in ("cc_call_failures", "cc_transfers", "cc_dispositions"):
            counted[(one.metric, *one.labels)] += one.amount
    assert counted == {
        ("cc_transfers", "flow"): 1,
        ("cc_transfers", "agent"): 2,
        ("cc_dispositions", "order"): 1,
        ("cc_dispositions", OTHER): 1,
        ("cc_dispositions", ""): 1,
        ("cc_call_failures", "timeout", ""): 1,
        ("cc_call_failures", "busy", "486"): 1,
        ("cc_call_failures", "overload", "503"): 3,
    }
    assert set(FAMILIES) > {family for family, *_ in counted}


def test_open_contacts_are_bounded_and_lost_ones_forgotten() -> None:
    centre = Centre(FoldRules(max_open_contacts=3))
    contacts = [centre.arrive() for _ in range(5)]
    centre.tell(queued(contacts[0]))  # forgotten: nothing waits
    assert centre.fold.contacts.active == 3
    assert centre.fold.contacts.waiting == {}
    centre.wait(86_402)
    centre.arrive()
    assert centre.fold.contacts.get(contacts[2]) is None


def test_alarms_that_are_up_are_counted_by_severity() -> None:
    centre = Centre()
    for alarm, severity in (("1", Severity.URGENT), ("2", Severity.URGENT), ("3", Severity.NON_URGENT)):
        centre.tell(AlarmRaised(alarm=alarm, kind="k", subject="", severity=severity, text=""))
    centre.tell(AlarmCleared(alarm="1", kind="k", subject="", lasted_seconds=1.0))
    assert centre.fold.alarms.by_severity() == {Severity.URGENT: 1, Severity.NON_URGENT: 1}


def test_a_snapshot_of_another_version_is_refused() -> None:
    with pytest.raises(ValueError, match="version 0, not 6"):
        Fold(FoldRules()).restore({"v": 0})


def test_channel_facts_that_come_late_are_superseded() -> None:
    centre = Centre()
    centre.channels(10)
    centre.wait(10)
    centre.channels(20)
    events: Sequence[FactEvent] = centre.events
    fold = folded([events[1], events[0]], centre.rules)
    assert fold.access.trunks["pstn"].level.current == (20, 30)


def test_what_waited_for_somebody_is_told_with_its_age() -> None:
    centre = Centre()
    contact = centre.arrive()
    ended = CallBackEnded(
        contact=contact, call_back="1", queue=SALES, state="kept", reason="", attempts=1, age_seconds=3600.0
    )
    heard = MessageMarked(
        contact=contact, message=RecordingId("1"), mailbox=Mailbox("queue:sales"), state=MessageState.HEARD, by="1"
    )
    centre.tell(ended, heard, replace(heard, state=MessageState.HANDLED, age_seconds=60.0))
    ages = [one for one in centre.observations if one.metric == "cc_backlog_age_seconds"]
    assert ages == [
        Observed("cc_backlog_age_seconds", 3600.0, ("call_back",)),
        Observed("cc_backlog_age_seconds", 60.0, ("message",)),
    ]
