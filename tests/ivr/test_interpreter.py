"""The interpreter, as traces of a caller."""

from __future__ import annotations

from typing import get_args

import pytest

from ccplatform.contracts.facts import (
    CallBackRequested,
    FlowEntered,
    FlowLeft,
    FlowNodeEntered,
    KeysEntered,
    QueryAnswered,
)
from ccplatform.contracts.flows import (
    CollectSecurely,
    ConferenceCaller,
    EchoCaller,
    EnterQueue,
    FlowDigit,
    FlowFinished,
    FlowPlaybackEnded,
    InputCompleted,
    LeaveQueue,
    PlayPrompt,
    ReleaseCaller,
    StartFlow,
    StopPrompt,
    TransferCaller,
)
from ccplatform.contracts.media import CallTone, CallToneItem, FileItem, SilenceItem, ToneCountry, ToneItem
from ccplatform.contracts.words import FlowId, FlowOutcome, PlaybackId, ReleaseCause
from ccplatform.kernel.errors import LocalMisuse
from ivr.entering import ENTER
from ivr.model import Node
from ivr.work import (
    AskDesk,
    AskPlace,
    CallBackStored,
    DeskDone,
    DeskRefused,
    PlaceFound,
    QueryAnswer,
    Render,
    Rendered,
    RunQuery,
    StoreCallBack,
    WorkFailed,
)
from tests.ivr.scripted import CONTACT, Caller, flow_of

MENU = """
start: hello
nodes:
  hello: {kind: say, prompt: {en: Hello}, next: menu, on_error: lost}
  menu:
    kind: menu
    prompt: {en: Choose}
    hint: {en: Wrong}
    hint_silent: {en: Silent}
    timeout: 5
    retries: 2
    choices: {1: sales, 3: account, 9: menu, '#': bye}
    fallback: operator
    on_error: lost
  account:
    kind: collect
    prompt: {en: Account}
    hint: {en: Too short}
    variable: account
    length: {min: 3, max: 6}
    digit_timeout: 2
    timeout: 5
    retries: 1
    next: look
    fallback: operator
    on_error: lost
  look:
    kind: query
    query: balance
    parameters: {account: account}
    results: {balance: amount}
    on_found: tell
    on_missing: unknown
    on_error: sorry
  tell: {kind: say, prompt: {en: [{text: You have}, {money: balance}]}, next: menu, on_error: lost}
  unknown: {kind: say, prompt: {en: Unknown}, next: bye, on_error: lost}
  sorry: {kind: say, prompt: {en: Sorry}, next: operator, on_error: lost}
  sales: {kind: queue, queue: sales, priority: 7, on_error: bye}
  operator: {kind: queue, queue: operator, on_error: bye}
  lost: {kind: hangup, cause: failed}
  bye: {kind: hangup}
"""

BALANCE = {"balance": "bank"}


def at_menu() -> Caller:
    caller = Caller(MENU, sources=BALANCE)
    caller.hear_out()
    caller.hear_out()
    return caller


# --- prompts and menus ------------------------------------------------------------------------------------


def test_a_session_tells_where_it_is_and_speaks() -> None:
    caller = Caller(MENU)
    assert caller.facts == [
        FlowEntered(contact=CONTACT, flow=FlowId("test"), revision="r1"),
        FlowNodeEntered(contact=CONTACT, flow=FlowId("test"), node="hello", kind="say"),
    ]
    assert caller.spoken() == "Hello"
    caller.hear_out()
    assert caller.spoken() == "Choose"
    assert caller.told(FlowNodeEntered)[-1].node == "menu"


def test_a_choice_is_told_timed_and_leads_to_its_queue() -> None:
    caller = at_menu()
    caller.press("1")
    keyed_at = caller.clock.now()
    assert caller.requests[-2:] == [
        InputCompleted(node="menu", keyed_at=keyed_at),
        EnterQueue(queue="sales", priority=7, chosen_at=keyed_at),  # type: ignore[arg-type]
    ]
    assert caller.told(KeysEntered) == [KeysEntered(contact=CONTACT, node="menu", length=1, keys="1")]


def test_a_key_stops_the_prompt_before_anything_else() -> None:
    caller = Caller(MENU)
    caller.hear_out()
    before = len(caller.requests)
    caller.press("1")
    assert [type(request) for request in caller.requests[before:]] == [StopPrompt, InputCompleted, EnterQueue]


def test_keys_pressed_ahead_pass_through_prompts_that_allow_it() -> None:
    caller = Caller(MENU, sources=BALANCE)
    caller.press("3")
    caller.press("12")
    assert caller.node == "account"
    caller.press("3#")
    assert caller.work(RunQuery).parameters == {"account": "123"}
    assert "Choose" not in str(caller.asked(PlayPrompt))


def test_a_prompt_without_barge_in_is_heard_to_its_end_and_keys_wait() -> None:
    caller = Caller(MENU.replace("hello: {kind: say,", "hello: {kind: say, barge_in: false,"))
    caller.press("1")
    assert not caller.asked(StopPrompt)
    caller.hear_out()
    assert caller.asked(EnterQueue)


def test_keys_ahead_are_bounded() -> None:
    caller = Caller(MENU.replace("hello: {kind: say,", "hello: {kind: say, barge_in: false,"))
    caller.press("9" * 1000, pause=0)
    assert len(caller.snapshot()["keys_ahead"]) == 32


def test_a_wrong_key_gets_the_hint_and_silence_another_then_the_fallback() -> None:
    caller = at_menu()
    caller.press("7")
    assert caller.spoken() == "Wrong Choose"
    caller.hear_out()
    caller.wait(5)
    assert caller.spoken() == "Silent Choose"
    caller.hear_out()
    caller.wait(5)
    assert caller.asked(EnterQueue) == [EnterQueue(queue="operator", priority=5, chosen_at=None)]  # type: ignore[arg-type]


def test_silence_is_timed_from_the_end_of_the_prompt() -> None:
    caller = Caller(MENU)
    caller.hear_out()
    caller.wait(60)
    assert caller.spoken() == "Choose"
    caller.hear_out()
    caller.wait(4.9)
    assert caller.spoken() == "Choose"
    caller.wait(0.2)
    assert caller.spoken() == "Silent Choose"


def test_keys_pressed_ahead_of_an_error_are_dropped() -> None:
    caller = Caller(MENU.replace("hello: {kind: say,", "hello: {kind: say, barge_in: false,"))
    caller.press("71")
    caller.hear_out()
    assert caller.spoken() == "Wrong Choose"
    assert caller.snapshot()["keys_ahead"] == []


def test_a_wrong_key_is_answered_too() -> None:
    caller = at_menu()
    caller.press("7")
    assert caller.asked(InputCompleted) == [InputCompleted(node="menu", keyed_at=caller.clock.now())]


def test_repeat_speaks_the_menu_again_with_fresh_tries() -> None:
    caller = at_menu()
    for _ in range(20):
        caller.press("9")
        assert caller.spoken() == "Choose"
        caller.hear_out()


def test_signs_that_are_no_keys_are_ignored() -> None:
    caller = at_menu()
    for sign in ("", "x", "12", "１", "\0"):
        caller.send(FlowDigit(contact=CONTACT, digit=sign, ended_at=caller.clock.now()))
    assert caller.told(KeysEntered) == []


def test_the_end_of_an_older_playback_changes_nothing() -> None:
    caller = Caller(MENU)
    old = caller.playing
    assert old is not None
    caller.hear_out()
    caller.send(FlowPlaybackEnded(contact=CONTACT, playback=old.playback, finished=True))
    caller.send(FlowPlaybackEnded(contact=CONTACT, playback=PlaybackId("another"), finished=True))
    assert caller.snapshot()["phase"] == "playing"


def test_who_hangs_up_while_he_listens_leaves_there() -> None:
    caller = Caller(MENU)
    assert caller.playing is not None
    here = caller.node
    stopped = FlowPlaybackEnded(contact=CONTACT, playback=caller.playing.playback, finished=False)
    caller.send(stopped)
    caller.hang_up()
    assert [entered.node for entered in caller.told(FlowNodeEntered)] == [here]
    assert caller.finished is not None
    assert caller.finished.outcome is FlowOutcome.ABANDONED


# --- collected digits -------------------------------------------------------------------------------------


def at_account() -> Caller:
    caller = at_menu()
    caller.press("3")
    caller.hear_out()
    return caller


def test_an_input_is_complete_by_its_length_and_the_terminator_after_it_belongs_to_it() -> None:
    caller = at_account()
    caller.press("600001")
    assert caller.work(RunQuery).parameters == {"account": "600001"}
    keyed_at = caller.clock.now()
    caller.press("#")
    caller.answer(QueryAnswer, row={"amount": "128.50"})
    assert caller.spoken() == "You have one hundred twenty-eight yuan fifty"
    assert caller.asked(PlayPrompt)[-1].query_keyed_at == keyed_at


def test_a_later_terminator_is_a_key_of_its_own() -> None:
    caller = at_account()
    caller.press("600001")
    caller.answer(QueryAnswer, row={"amount": "1"})
    caller.wait(5)
    caller.hear_out()
    caller.press("#")
    assert caller.finished == FlowFinished(outcome=FlowOutcome.COMPLETED)


def test_an_input_is_complete_by_its_terminator() -> None:
    caller = at_account()
    caller.press("6001#")
    assert caller.told(KeysEntered)[-1] == KeysEntered(contact=CONTACT, node="account", length=4, keys="6001")
    assert caller.asked(InputCompleted)[-1].keyed_at == caller.clock.now()


def test_an_input_is_complete_by_a_pause_timed_from_its_last_key() -> None:
    caller = at_account()
    caller.press("600")
    keyed_at = caller.clock.now()
    caller.wait(1.9)
    assert not caller.works
    caller.wait(0.2)
    assert caller.work(RunQuery).parameters == {"account": "600"}
    assert caller.asked(InputCompleted)[-1] == InputCompleted(node="account", keyed_at=keyed_at)


@pytest.mark.parametrize("keys", ["12#", "#", "12A"])
def test_too_few_or_strange_keys_get_the_hint(keys: str) -> None:
    caller = at_account()
    caller.press(keys)
    assert caller.spoken() == "Too short Account"


def test_too_few_keys_and_a_pause_get_the_hint() -> None:
    caller = at_account()
    caller.press("12")
    caller.wait(2)
    assert caller.spoken() == "Too short Account"


def test_star_starts_the_input_again() -> None:
    caller = at_account()
    caller.press("99*123#")
    assert caller.work(RunQuery).parameters == {"account": "123"}


SECRET = """
start: pin
nodes:
  pin:
    {kind: collect, secure: true, prompt: {en: PIN}, variable: pin, length: {min: 4, max: 4}, next: check,
     fallback: bye, on_error: bye}
  check: {kind: branch, cases: [{when: {variable: pin, value: '1234'}, next: copy}], otherwise: bye}
  copy: {kind: set, variable: other, copy_of: pin, next: room}
  room: {kind: conference, room: demo, on_error: bye}
  bye: {kind: hangup}
"""


def test_secure_digits_are_in_no_fact_request_or_snapshot() -> None:
    caller = Caller(SECRET)
    caller.hear_out()
    caller.press("12")
    assert "'2'" not in str(caller.snapshot())
    caller.press("34")
    assert caller.told(KeysEntered) == [KeysEntered(contact=CONTACT, node="pin", length=4, keys="")]
    assert caller.asked(ConferenceCaller) == [ConferenceCaller(room="demo")]
    assert "1234" not in f"{caller.facts} {caller.requests} {caller.snapshot()}"


def test_nobody_hears_the_caller_while_a_secure_input_runs() -> None:
    caller = Caller(SECRET)
    assert caller.requests[0] == CollectSecurely(on=True)
    caller.hear_out()
    caller.press("1234")
    assert caller.asked(CollectSecurely) == [CollectSecurely(on=True), CollectSecurely(on=False)]
    asked = [type(request) for request in caller.requests]
    assert asked.index(ConferenceCaller) > asked.index(CollectSecurely, 1)


# --- queries ----------------------------------------------------------------------------------------------


def test_the_prompt_that_speaks_a_result_names_the_query_and_its_last_key() -> None:
    caller = at_account()
    caller.press("123#")
    keyed_at = caller.clock.now()
    caller.wait(1)
    caller.answer(QueryAnswer, row={"amount": "5"})
    prompt = caller.asked(PlayPrompt)[-1]
    assert prompt.query == ("look", "bank")
    assert prompt.query_keyed_at == keyed_at
    caller.hear_out()
    assert caller.asked(PlayPrompt)[-1].query is None


def test_no_row_is_an_answer_too() -> None:
    caller = at_account()
    caller.press("123#")
    caller.answer(QueryAnswer, row=None)
    assert caller.spoken() == "Unknown"
    assert caller.asked(PlayPrompt)[-1].query == ("look", "bank")


def test_a_failed_query_is_told_and_takes_its_path() -> None:
    caller = at_account()
    caller.press("123#")
    caller.wait(2)
    caller.answer(WorkFailed, reason="query_failed")
    assert caller.spoken() == "Sorry"
    assert caller.told(QueryAnswered) == [
        QueryAnswered(contact=CONTACT, node="look", source="bank", ok=False, response_seconds=2.0)
    ]
    caller.hear_out()
    caller.moves_on()
    assert caller.finished == FlowFinished(outcome=FlowOutcome.COMPLETED)


def test_a_query_without_an_answer_fails_by_its_limit_and_a_late_answer_is_dropped() -> None:
    caller = at_account()
    caller.press("123#")
    caller.wait(5)
    assert caller.spoken() == "Sorry"
    caller.answer(QueryAnswer, row={"amount": "5"})
    assert caller.spoken() == "Sorry"


def test_a_result_is_spoken_although_keys_wait() -> None:
    caller = at_account()
    caller.press("123#1")
    caller.answer(QueryAnswer, row={"amount": "5"})
    assert caller.spoken() == "You have five yuan"
    caller.hear_out()
    assert caller.asked(EnterQueue)


def test_a_result_that_cannot_be_read_aloud_is_a_system_fault() -> None:
    caller = at_account()
    caller.press("123#")
    caller.answer(QueryAnswer, row={"amount": "lots"})
    assert caller.finished == FlowFinished(outcome=FlowOutcome.FAILED)
    assert caller.told(FlowLeft)[0].cause == "unspeakable_value"
    assert caller.told(QueryAnswered)[0].ok is False


# --- how sessions end -------------------------------------------------------------------------------------


def test_a_caller_who_hangs_up_in_the_menu_abandoned() -> None:
    caller = at_menu()
    caller.hang_up()
    assert caller.finished == FlowFinished(outcome=FlowOutcome.ABANDONED)
    assert caller.told(FlowLeft) == [
        FlowLeft(contact=CONTACT, flow=FlowId("test"), outcome=FlowOutcome.ABANDONED, cause="")
    ]


def test_a_caller_who_hangs_up_after_his_balance_was_served() -> None:
    caller = at_account()
    caller.press("123#")
    caller.answer(QueryAnswer, row={"amount": "5"})
    caller.hear_out()
    caller.hang_up()
    assert caller.finished == FlowFinished(outcome=FlowOutcome.COMPLETED)


def test_a_caller_who_hangs_up_during_his_balance_abandoned() -> None:
    caller = at_account()
    caller.press("123#")
    caller.answer(QueryAnswer, row={"amount": "5"})
    caller.hang_up()
    assert caller.finished == FlowFinished(outcome=FlowOutcome.ABANDONED)


def test_a_caller_who_hears_that_he_is_unknown_was_not_served() -> None:
    caller = Caller(
        MENU.replace("Unknown}, next: bye", "Unknown}, next: hello2").replace(
            "  bye:",
            "  hello2: {kind: menu, prompt: {en: X}, choices: {1: bye}, fallback: bye, on_error: bye}\n  bye:",
        )
    )
    caller.press("3123#")
    caller.answer(QueryAnswer, row=None)
    caller.hear_out()
    caller.hang_up()
    assert caller.finished == FlowFinished(outcome=FlowOutcome.ABANDONED)


def test_hanging_up_by_the_flow_releases_first_and_finishes_last() -> None:
    caller = at_menu()
    caller.press("#")
    assert caller.requests[-2:] == [ReleaseCaller(), FlowFinished(outcome=FlowOutcome.COMPLETED)]
    caller.hang_up()
    caller.press("1")
    assert caller.requests[-1] == FlowFinished(outcome=FlowOutcome.COMPLETED)


def test_a_caller_in_the_queue_was_handed_on_however_he_leaves() -> None:
    for leave in (Caller.hang_up, Caller.moves_on):
        caller = at_menu()
        caller.press("1")
        assert caller.finished is None
        leave(caller)
        assert caller.finished == FlowFinished(outcome=FlowOutcome.COMPLETED)


def test_a_refused_queue_takes_its_path() -> None:
    caller = at_menu()
    caller.press("1")
    caller.refuse()
    assert caller.asked(ReleaseCaller)
    assert caller.finished == FlowFinished(outcome=FlowOutcome.COMPLETED)


def test_a_session_that_lasts_too_long_is_let_go() -> None:
    caller = Caller("max_seconds: 100\n" + MENU)
    caller.hear_out()
    caller.wait(101)
    assert caller.requests[-2:] == [
        ReleaseCaller(cause=ReleaseCause.TIMEOUT),
        FlowFinished(outcome=FlowOutcome.ABANDONED),
    ]


def test_waiting_in_a_queue_has_no_limit_here() -> None:
    caller = Caller("max_seconds: 100\n" + MENU)
    caller.press("1")
    caller.wait(5000)
    assert caller.finished is None


def test_a_session_begins_once() -> None:
    caller = Caller(MENU)
    with pytest.raises(LocalMisuse):
        caller.send(StartFlow(contact=CONTACT, flow=FlowId("test")))
    assert caller.finished is None


def test_a_fault_from_outside_ends_the_session_once() -> None:
    caller = Caller(MENU)
    effects = caller.session.fail("internal_error", caller.clock.now())
    assert len(effects) == 3
    assert caller.session.fail("internal_error", caller.clock.now()) == []


# --- prompts that fail ------------------------------------------------------------------------------------


def test_a_prompt_that_cannot_be_spoken_takes_the_nodes_path_and_the_session_failed() -> None:
    caller = Caller(MENU, speaks=False)
    caller.answer(WorkFailed, reason="tts_unavailable")
    assert caller.asked(ReleaseCaller) == [ReleaseCaller(cause=ReleaseCause.FAILED)]
    assert caller.told(FlowLeft)[0].outcome is FlowOutcome.FAILED
    assert caller.told(FlowLeft)[0].cause == "tts_unavailable"


FALLING = """
on_error: rescue
start: a
nodes:
  a: {kind: say, prompt: {en: A}, next: bye}
  rescue: {kind: say, prompt: {en: Rescue}, next: operator}
  operator: {kind: queue, queue: operator, on_error: bye}
  bye: {kind: hangup}
"""


def test_the_flows_own_path_is_used_once() -> None:
    caller = Caller(FALLING)
    caller.playback_breaks()
    assert caller.spoken() == "Rescue"
    caller.playback_breaks()
    assert caller.requests[-2:] == [
        ReleaseCaller(cause=ReleaseCause.FAILED),
        FlowFinished(outcome=FlowOutcome.FAILED),
    ]


def test_a_session_rescued_by_an_operator_still_counts_as_failed() -> None:
    caller = Caller(FALLING)
    caller.playback_breaks()
    caller.hear_out()
    caller.moves_on()
    assert caller.told(FlowLeft)[0].outcome is FlowOutcome.FAILED
    assert caller.told(FlowLeft)[0].cause == "playback_failed"


def test_speech_that_does_not_come_fails_by_its_limit() -> None:
    caller = Caller(FALLING, speaks=False)
    caller.wait(6)
    assert isinstance(caller.works[-1], Render)
    assert caller.node == "rescue"


def test_a_key_during_rendering_goes_on_without_the_prompt() -> None:
    caller = Caller(FALLING, speaks=False)
    first = caller.work(Render)
    caller.press("1")
    assert caller.finished == FlowFinished(outcome=FlowOutcome.COMPLETED)
    caller.send(Rendered(ticket=first.ticket, items=()))
    assert not caller.asked(PlayPrompt)


# --- the other nodes --------------------------------------------------------------------------------------


def test_play_plays_files_tones_and_silence() -> None:
    caller = Caller(
        """
        start: p
        nodes:
          p:
            kind: play
            sounds:
              - {tone: {hertz: [1004], seconds: 2}}
              - {call_tone: {tone: busy, country: gb, seconds: 3}}
              - {call_tone: {tone: ringback}}
              - {silence: 1}
              - {file: a/b.wav}
              - {reference: speech}
            delivers: true
            next: m
            on_error: e
          m: {kind: menu, prompt: {en: M}, choices: {1: e}, fallback: e, on_error: e}
          e: {kind: hangup}
        """
    )
    assert caller.asked(PlayPrompt)[0].items == (
        ToneItem(hertz=(1004.0,), seconds=2.0),
        CallToneItem(tone=CallTone.BUSY, country=ToneCountry.UNITED_KINGDOM, seconds=3.0),
        CallToneItem(tone=CallTone.RINGBACK),
        SilenceItem(seconds=1.0),
        FileItem(path="a/b.wav"),
        FileItem(path="reference"),
    )
    caller.hear_out()
    caller.hang_up()
    assert caller.finished == FlowFinished(outcome=FlowOutcome.COMPLETED)


def test_languages_are_spoken_one_after_the_other() -> None:
    caller = Caller(
        """
        languages: [zh, en]
        speak: [zh, en]
        start: a
        nodes:
          a: {kind: say, prompt: {zh: 请按1, en: Press 1}, next: b, on_error: e}
          b: {kind: say, speak: [en], prompt: {zh: 再见, en: Bye}, next: e, on_error: e}
          e: {kind: hangup}
        """
    )
    assert caller.asked(PlayPrompt)[0].items == (
        FileItem(path="请按一"),
        SilenceItem(seconds=0.3),
        FileItem(path="Press 1"),
    )
    caller.hear_out()
    assert caller.spoken() == "Bye"


@pytest.mark.parametrize(
    ("condition", "value", "holds"),
    [
        ("value: a", "a", True),
        ("op: differs, value: a", "a", False),
        ("op: empty", "", True),
        ("op: filled", "", False),
        ("op: less, value: 10", "9", True),
        ("op: less, value: 10", "nine", False),
        ("op: at_least, value: 10", "10.0", True),
        ("op: greater, value: 10", "NaN", False),
        ("op: at_most, value: 10", "11", False),
    ],
)
def test_branches_compare_numbers_as_numbers(condition: str, value: str, holds: bool) -> None:
    caller = Caller(
        f"""
        variables: {{x: ''}}
        start: b
        nodes:
          b: {{kind: branch, cases: [{{when: {{variable: x, {condition}}}, next: yes}}], otherwise: no}}
          yes: {{kind: hangup}}
          no: {{kind: hangup}}
        """,
        x=value,
    )
    assert caller.told(FlowNodeEntered)[-1].node == ("yes" if holds else "no")


def test_variables_are_set_and_copied() -> None:
    caller = Caller(
        """
        start: a
        nodes:
          a: {kind: set, variable: x, value: hi, next: b}
          b: {kind: set, variable: y, copy_of: x, next: c}
          c: {kind: say, prompt: {en: [{spoken: y}]}, next: e, on_error: e}
          e: {kind: hangup}
        """
    )
    assert caller.spoken() == "hi"


TRANSFER = """
start: t
nodes:
  t: {kind: transfer, trunk: lab, number_of: dialled, record: true, on_error: e}
  e: {kind: hangup, cause: unreachable}
"""


def test_a_transfer_goes_through_its_trunk_and_fails_to_its_path() -> None:
    caller = Caller(TRANSFER, dialled="95005")
    assert caller.requests == [TransferCaller(trunk="lab", number="95005", record=True)]  # type: ignore[arg-type]
    caller.refuse("busy")
    assert caller.asked(ReleaseCaller) == [ReleaseCaller(cause=ReleaseCause.UNREACHABLE)]


def test_a_transfer_without_a_number_fails_to_its_path() -> None:
    caller = Caller(TRANSFER)
    assert not caller.asked(TransferCaller)
    assert caller.finished is not None


CALL_BACK = """
start: c
nodes:
  c: {kind: call_back, queue: support, next: ok, on_error: no}
  ok: {kind: say, prompt: {en: Promised}, next: e, on_error: e}
  no: {kind: say, prompt: {en: No promise}, next: e, on_error: e}
  e: {kind: hangup}
"""


def test_a_call_back_is_confirmed_only_when_it_is_stored() -> None:
    caller = Caller(CALL_BACK, caller="13800000001")
    assert caller.work(StoreCallBack).number == "13800000001"
    assert not caller.asked(PlayPrompt)
    caller.answer(CallBackStored, call_back="cb1")
    assert caller.told(CallBackRequested) == [
        CallBackRequested(contact=CONTACT, call_back="cb1", queue="support", number="13800000001")  # type: ignore[arg-type]
    ]
    assert caller.spoken() == "Promised"
    caller.hang_up()
    assert caller.finished == FlowFinished(outcome=FlowOutcome.COMPLETED, call_back=True)


@pytest.mark.parametrize("fails", [lambda c: c.answer(WorkFailed, reason="unavailable"), lambda c: c.wait(6)])
def test_a_call_back_that_is_not_stored_is_not_promised(fails) -> None:  # type: ignore[no-untyped-def]
    caller = Caller(CALL_BACK, caller="13800000001")
    fails(caller)
    assert caller.spoken() == "No promise"
    caller.hang_up()
    assert caller.finished == FlowFinished(outcome=FlowOutcome.ABANDONED)


WAITING = """
start: q
nodes:
  q: {kind: queue, queue: support, priority: 7, choices: {"8": c, "9": again}, on_error: e}
  again: {kind: queue, queue: support, on_error: e}
  c: {kind: call_back, queue: support, next: ok, on_error: again}
  ok: {kind: say, prompt: {en: Promised}, next: e, on_error: e}
  e: {kind: hangup}
"""


def test_a_waiting_caller_leaves_the_queue_by_a_key_and_keeps_his_place() -> None:
    caller = Caller(WAITING, caller="13800000001")
    caller.wait(60)
    caller.press("5")
    assert not caller.asked(LeaveQueue), "no such choice"
    caller.press("8")
    assert caller.asked(LeaveQueue) == [LeaveQueue()]
    wish = caller.work(StoreCallBack)
    assert (wish.queue, wish.priority) == ("support", 7)
    assert wish.waited_seconds == pytest.approx(60.4)
    caller.answer(CallBackStored, call_back="cb1")
    assert caller.spoken() == "Promised"


def test_who_comes_back_to_the_queue_is_as_old_as_before() -> None:
    caller = Caller(WAITING, caller="13800000001")
    caller.wait(60)
    caller.restart()  # ten minutes
    caller.press("8")
    caller.answer(WorkFailed, reason="unavailable")
    first, second = caller.asked(EnterQueue)
    assert first.waited_seconds == 0.0
    assert second.waited_seconds == pytest.approx(60.2)  # sessions do not age while control is away
    assert caller.node == "again"


ANNOUNCING = """
start: q
nodes:
  q:
    kind: queue
    queue: support
    announce_after: 10
    announce_every: 20
    announcements:
      - {en: Please wait}
      - {en: [{text: You are number}, {number: position}]}
      - {en: [{number: wait_minutes}, {text: minutes}]}
    choices: {"8": e}
    on_error: e
  e: {kind: hangup}
"""


def test_a_waiting_caller_is_told_in_turn_what_is_known() -> None:
    caller = Caller(ANNOUNCING)
    caller.wait(9)
    assert not caller.works
    heard: list[str] = []
    for minutes in (None, 2, None, 2):
        caller.wait(1 if not heard else 20)
        caller.work(AskPlace)
        caller.answer(PlaceFound, position=3, wait_minutes=minutes)
        heard.append(caller.spoken())
    assert heard == ["Please wait", "You are number three", "Please wait", "You are number three"], (
        "what is not known is passed over"
    )
    caller.wait(20)
    caller.answer(PlaceFound, position=1, wait_minutes=2)
    assert caller.spoken() == "two minutes"


def test_announcements_stop_with_the_wait_and_never_end_it() -> None:
    caller = Caller(ANNOUNCING)
    caller.wait(10)
    caller.answer(WorkFailed, reason="not_in_line")
    caller.wait(20)
    caller.answer(PlaceFound, position=0, wait_minutes=None)
    assert not caller.asked(PlayPrompt), "a phone rings for him"
    caller.wait(20)
    late = caller.works[-1]
    caller.press("8")
    assert caller.finished is not None
    caller.send(PlaceFound(ticket=late.ticket, position=1, wait_minutes=1))
    assert not caller.asked(PlayPrompt)


def test_announcements_go_on_after_a_restart() -> None:
    caller = Caller(ANNOUNCING)
    caller.wait(10)
    caller.work(AskPlace)
    caller.restart()
    caller.wait(20)
    assert len([work for work in caller.works if isinstance(work, AskPlace)]) == 2


def test_echo_is_for_calls_to_end() -> None:
    caller = Caller("start: x\nnodes:\n  x: {kind: echo, seconds: 60}")
    assert caller.requests == [EchoCaller(seconds=60)]
    caller.wait(600)
    caller.hang_up()
    assert caller.finished == FlowFinished(outcome=FlowOutcome.COMPLETED)


DESK = """
start: agent
nodes:
  agent:
    {kind: collect, prompt: {en: Agent}, variable: agent, length: {max: 10}, next: pin, fallback: e, on_error: e}
  pin:
    {kind: collect, secure: true, prompt: {en: PIN}, variable: pin, length: {max: 10}, next: in, fallback: e,
     on_error: e}
  in:
    {kind: agent, action: sign_in, agent_of: agent, pin_of: pin, next: ok, on_refused: no, on_error: away}
  ok: {kind: say, prompt: {en: Done}, next: e, on_error: e}
  no: {kind: say, prompt: {en: Refused}, next: e, on_error: e}
  away: {kind: say, prompt: {en: Away}, next: e, on_error: e}
  e: {kind: hangup}
"""


@pytest.mark.parametrize(
    ("result", "fields", "said"),
    [
        (DeskDone, {}, "Done"),
        (DeskRefused, {"reason": "not_allowed"}, "Refused"),
        (WorkFailed, {"reason": "unavailable"}, "Away"),
    ],
)
def test_a_feature_code_acts_for_the_agent_at_the_seat(result, fields, said: str) -> None:  # type: ignore[no-untyped-def]
    caller = Caller(DESK, seat="seat-04")
    caller.press("1004#1004#")
    work = caller.work(AskDesk)
    assert (work.action, work.seat, work.agent, work.pin) == ("sign_in", "seat-04", "1004", "1004")
    assert "pin" not in repr(work)
    caller.answer(result, **fields)
    assert caller.spoken() == said


# --- snapshots --------------------------------------------------------------------------------------------


def test_a_restarted_session_goes_on_listening_for_the_rest_of_its_time() -> None:
    caller = at_menu()
    caller.wait(4)
    caller.restart()
    caller.wait(0.9)
    assert caller.spoken() == "Choose"
    caller.wait(0.2)
    assert caller.spoken() == "Silent Choose"


def test_a_restarted_session_asks_again_for_what_was_under_way() -> None:
    caller = at_account()
    caller.press("123#")
    keyed_at = caller.clock.now()
    caller.wait(1)
    caller.restart()
    restarted_at = caller.clock.now()
    assert len(caller.works) == 2
    caller.answer(QueryAnswer, row={"amount": "5"})
    assert caller.spoken() == "You have five yuan"
    assert caller.asked(PlayPrompt)[-1].query_keyed_at == pytest.approx(restarted_at - 1)
    assert keyed_at < restarted_at - 1


def test_a_restarted_session_speaks_an_unheard_prompt_again() -> None:
    caller = Caller(MENU)
    caller.restart()
    assert [prompt.items for prompt in caller.asked(PlayPrompt)] == [(FileItem(path="Hello"),)] * 2
    caller.hear_out()
    assert caller.spoken() == "Choose"


@pytest.mark.parametrize("data", [{}, {"v": 99}, {"v": 1, "node": 3}, {"v": 1}])
def test_strange_snapshots_are_refused(data: dict[str, object]) -> None:
    caller = Caller(MENU)
    with pytest.raises(ValueError, match=r"."):
        caller.session.restore(data, 0.0)


def test_a_snapshot_of_another_flow_is_refused() -> None:
    caller = Caller(MENU)
    other = Caller(flow_of(TRANSFER), dialled="1")
    with pytest.raises(ValueError, match="no node"):
        caller.session.restore(other.snapshot(), 0.0)


def test_every_kind_of_node_can_be_come_to() -> None:
    assert set(ENTER) == set(get_args(get_args(Node)[0]))
