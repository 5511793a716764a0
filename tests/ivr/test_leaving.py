"""Leaving a message, and hearing those of others, as traces of a caller."""

from __future__ import annotations

import json

import pytest

from ccplatform.contracts.facts import FlowLeft, MessageDropped, MessageLeft
from ccplatform.contracts.flows import HearCaller, PlayPrompt, RecordCaller, ReleaseCaller, StopRecordingCaller
from ccplatform.contracts.media import ToneItem
from ccplatform.contracts.words import FlowOutcome, RecordingId
from ivr.leaving import BEEP
from ivr.work import DeskDone, DeskRefused, FetchMessage, MarkMessage, MessageFetched
from tests.ivr.scripted import CONTACT, Caller, flow_of

MAIL = """
start: record
nodes:
  record:
    kind: record
    mailbox: "queue:support"
    prompt: {en: Speak}
    max_seconds: 30
    min_seconds: 2
    silence_seconds: 4
    next: review
    on_empty: nothing
    on_error: failed
  review:
    kind: menu
    prompt: {en: Keep}
    choices: {1: listen, 2: thanks, 3: record}
    retries: 0
    fallback: thanks
    on_error: thanks
  listen: {kind: play, sounds: [{message: last}], next: heard, on_error: thanks}
  heard:
    kind: menu
    prompt: {en: Again}
    choices: {1: listen, 2: thanks, 3: record}
    retries: 0
    fallback: thanks
    on_error: thanks
  thanks: {kind: say, prompt: {en: Thanks}, next: end, on_error: end}
  nothing: {kind: say, prompt: {en: Nothing}, next: end, on_error: end}
  failed: {kind: say, prompt: {en: Failed}, next: end, on_error: end}
  end: {kind: hangup}
"""

DESK = """
start: fetch
nodes:
  fetch: {kind: messages, action: next, next: play, on_none: none, on_error: end}
  play: {kind: play, sounds: [{message: last}], next: what, on_error: end}
  what:
    kind: menu
    prompt: {en: What now}
    choices: {5: handled, 7: delete, 9: fetch}
    retries: 0
    fallback: end
    on_error: end
  handled: {kind: messages, action: handled, next: end, on_none: none, on_error: end}
  delete: {kind: messages, action: delete, next: end, on_none: none, on_error: end}
  none: {kind: say, prompt: {en: None}, next: end, on_error: end}
  end: {kind: hangup}
"""


def at_the_beep(flow: str = MAIL, *, records: bool = True) -> Caller:
    """A caller who heard prompt and beep."""
    caller = Caller(flow, records=records, caller="13800000001")
    caller.hear_out()
    assert caller.playing is not None
    assert caller.playing.items == (BEEP,)
    caller.hear_out()
    return caller


def left(caller: Caller) -> tuple[str, float, str]:
    [fact] = caller.told(MessageLeft)
    assert (fact.contact, fact.caller) == (CONTACT, "13800000001")
    return fact.message, fact.seconds, fact.mailbox


def test_prompt_and_beep_come_before_the_recording() -> None:
    caller = at_the_beep()
    assert [one.mailbox for one in caller.asked(RecordCaller)] == ["queue:support"]
    kinds = [type(one) for one in caller.requests]
    assert kinds.index(RecordCaller) > kinds.index(PlayPrompt)
    assert all(not isinstance(item, ToneItem) for item in caller.asked(PlayPrompt)[0].items)


def test_a_key_during_the_prompt_leads_to_the_beep() -> None:
    caller = Caller(MAIL)
    caller.press("5")
    assert caller.playing is not None
    assert caller.playing.items == (BEEP,)
    caller.press("5")
    assert not caller.asked(RecordCaller), "the beep is heard out"


def test_the_terminator_ends_the_message_which_is_left_when_the_session_ends() -> None:
    caller = at_the_beep()
    caller.says(6)
    caller.press("#")
    assert len(caller.asked(StopRecordingCaller)) == 1
    assert not caller.told(MessageLeft), "its file is not closed yet"
    caller.file_closes(6.2)
    assert caller.node == "review"
    assert not caller.told(MessageLeft), "he may record it again"
    caller.press("2")
    caller.hear_out()
    assert left(caller) == ("message-1", 6.2, "queue:support")
    assert caller.finished is not None
    assert (caller.finished.outcome, caller.finished.message) == (FlowOutcome.COMPLETED, True)


def test_other_keys_are_not_heard_while_he_speaks() -> None:
    caller = at_the_beep()
    caller.says(3)
    caller.press("12*9")
    assert not caller.asked(StopRecordingCaller)


def test_a_silence_ends_the_message() -> None:
    caller = at_the_beep()
    caller.says(5)
    caller.wait(3.9)
    assert not caller.asked(StopRecordingCaller)
    caller.says(1)
    caller.wait(3.9)
    assert not caller.asked(StopRecordingCaller)
    caller.wait(0.2)
    assert len(caller.asked(StopRecordingCaller)) == 1
    caller.file_closes()
    assert caller.node == "review"


def test_who_never_falls_silent_is_stopped_at_the_longest() -> None:
    caller = at_the_beep()
    caller.says(29.9)
    assert not caller.asked(StopRecordingCaller)
    caller.says(0.2)
    assert len(caller.asked(StopRecordingCaller)) == 1


def test_silence_alone_is_no_message() -> None:
    caller = at_the_beep()
    caller.wait(4)
    caller.file_closes(4.0)
    assert [fact.reason for fact in caller.told(MessageDropped)] == ["silent"]
    assert caller.node == "nothing"
    caller.hear_out()
    assert caller.finished is not None
    assert not caller.finished.message


def test_the_tone_of_a_key_is_not_taken_for_speech() -> None:
    caller = at_the_beep()
    caller.wait(3)
    caller.says(0.12)
    caller.press("#")
    caller.file_closes(3.3)
    assert [fact.reason for fact in caller.told(MessageDropped)] == ["silent"]


@pytest.mark.parametrize(("seconds", "reason"), [(0.4, "too_short"), (1.9, "too_short"), (2.0, None)])
def test_hanging_up_leaves_what_is_long_enough(seconds: float, reason: str | None) -> None:
    caller = at_the_beep()
    caller.says(seconds)
    caller.hang_up()
    assert caller.finished is not None
    if reason is None:
        assert left(caller)[1] == pytest.approx(seconds)
        assert (caller.finished.outcome, caller.finished.message) == (FlowOutcome.COMPLETED, True)
    else:
        assert [fact.reason for fact in caller.told(MessageDropped)] == [reason]
        assert (caller.finished.outcome, caller.finished.message) == (FlowOutcome.ABANDONED, False)


def test_the_session_of_a_caller_who_left_waits_for_the_file() -> None:
    caller = at_the_beep()
    caller.says(5)
    caller.send_only_end()
    assert caller.finished is None
    caller.wait(6)
    assert caller.finished is not None, "but not for ever"
    assert left(caller)[0] == "message-1", "what was said is never lost"


def test_hanging_up_in_the_review_leaves_the_message() -> None:
    caller = at_the_beep()
    caller.says(5)
    caller.press("#")
    caller.file_closes()
    caller.hang_up()
    assert left(caller)[0] == "message-1"


def test_a_message_is_heard_and_recorded_again() -> None:
    caller = at_the_beep()
    caller.says(5)
    caller.press("#")
    caller.file_closes()
    caller.press("1")
    assert "message-1" in caller.spoken()
    caller.press("3")
    caller.hear_out()
    caller.hear_out()
    assert [(fact.message, fact.reason) for fact in caller.told(MessageDropped)] == [
        ("message-1", "recorded_again")
    ]
    caller.says(3)
    caller.hang_up()
    assert left(caller)[0] == "message-2"


def test_who_hangs_up_before_he_records_again_left_the_first_one() -> None:
    caller = at_the_beep()
    caller.says(5)
    caller.press("#")
    caller.file_closes()
    caller.press("3")
    caller.hang_up()
    assert left(caller)[0] == "message-1"
    assert not caller.told(MessageDropped)


def test_what_cannot_be_recorded_takes_the_failure_path() -> None:
    caller = at_the_beep(records=False)
    assert caller.node == "failed"
    assert not caller.told(MessageLeft)


def test_a_full_disk_takes_the_failure_path_and_keeps_what_was_written() -> None:
    caller = at_the_beep()
    caller.says(8)
    caller.file_closes(7.5, error="cannot write: no space left on device")
    assert caller.node == "failed"
    caller.hear_out()
    assert left(caller)[:2] == ("message-1", 7.5)


def test_a_disk_that_is_full_from_the_beginning_leaves_nothing() -> None:
    caller = at_the_beep()
    caller.file_closes(0.0, error="cannot write: no space left on device")
    assert [fact.reason for fact in caller.told(MessageDropped)] == ["failed"]
    assert caller.node == "failed"


def test_a_mailbox_that_nobody_named_takes_the_failure_path() -> None:
    caller = at_the_beep(MAIL.replace('mailbox: "queue:support"', "mailbox_of: caller_name"))
    assert caller.node == "failed"
    assert not caller.asked(RecordCaller)


def test_the_longest_session_ends_with_what_was_said() -> None:
    caller = at_the_beep("max_seconds: 10\n" + MAIL)
    caller.says(9)
    caller.wait(1.1)
    assert isinstance(caller.asked(ReleaseCaller)[-1], ReleaseCaller)
    caller.hang_up()
    assert left(caller)[0] == "message-1"
    assert len(caller.told(FlowLeft)) == 1


def test_a_restart_in_the_midst_goes_on_and_asks_again_whether_he_speaks() -> None:
    caller = at_the_beep(MAIL.replace("max_seconds: 30", "max_seconds: 900"))
    caller.says(5)
    json.dumps(caller.snapshot())
    caller.restart()
    assert len(caller.asked(HearCaller)) == 1
    assert len(caller.asked(RecordCaller)) == 1, "it was never stopped"
    caller.says(2)
    caller.press("#")
    caller.file_closes(607.0)
    assert caller.node == "review"
    caller.hang_up()
    assert left(caller)[:2] == ("message-1", 607.0)


def test_new_messages_are_fetched_heard_and_marked() -> None:
    caller = Caller(DESK, seat="seat-04")
    assert caller.work(FetchMessage).seat == "seat-04"
    caller.answer(
        MessageFetched, message=RecordingId("m-7"), caller="138", left_at="2026-01-05T09:00:00+08:00", count=2
    )
    assert "m-7" in caller.spoken()
    caller.hear_out()
    caller.press("7")
    marked = caller.work(MarkMessage)
    assert (marked.seat, marked.message, marked.action) == ("seat-04", "m-7", "delete")
    caller.answer(DeskDone)
    assert caller.finished is not None
    assert caller.finished.outcome is FlowOutcome.COMPLETED


def test_without_messages_or_an_agent_the_flow_says_so() -> None:
    caller = Caller(DESK, seat="seat-04")
    caller.answer(DeskRefused, reason="no_message")
    assert caller.node == "none"


def test_nothing_can_be_marked_before_it_was_fetched() -> None:
    caller = Caller(DESK.replace("start: fetch", "start: what"), seat="seat-04")
    caller.press("7")
    assert caller.node == "none"
    assert not caller.works


@pytest.mark.parametrize(
    ("change", "path"),
    [
        (("    on_empty: nothing\n", ""), "nodes.record.on_empty"),
        (("    on_error: failed\n", ""), "nodes.record.on_error"),
        (('mailbox: "queue:support"', 'mailbox: "support"'), "nodes.record.mailbox"),
        (('mailbox: "queue:support"', "mailbox_of: nowhere"), "nodes.record.mailbox_of"),
        (('    mailbox: "queue:support"\n', ""), "nodes.record"),
        (("min_seconds: 2", "min_seconds: 25\n    speak: [zh]"), "nodes.record.speak"),
        (("max_seconds: 30", "max_seconds: 1.5"), "nodes.record"),
        (("next: review", "next: record"), "nodes.record"),
    ],
)
def test_a_record_node_is_checked(change: tuple[str, str], path: str) -> None:
    with pytest.raises(Exception, match=path):
        flow_of(MAIL.replace(*change))
