"""Speech nodes: what callers say, keys beside it, and recognisers that fail; traces, and what holds for all."""

from __future__ import annotations

import json

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ccplatform.contracts.facts import KeysEntered, SpeechHeard
from ccplatform.contracts.flows import (
    FlowTapEnded,
    FlowVoiceChanged,
    PlayPrompt,
    StopPrompt,
    TapCaller,
    UntapCaller,
)
from ivr.document import parse_flow
from ivr.errors import FlowError
from ivr.speech.recognition.port import Hypothesis
from ivr.work import (
    CloseHearing,
    EndUtterance,
    HearingFailed,
    HearingReady,
    HearUtterance,
    OpenHearing,
    SpeechFound,
)
from tests.ivr.scripted import CONTACT, Caller
from tests.ivr.test_interpreter_properties import _rounded

ASK = """
start: ask
nodes:
  ask:
    kind: speech
    prompt: {en: Sales or support?}
    hint: {en: Again.}
    hint_silent: {en: Hello?}
    answers:
      en: {sales: [sales, i want to buy], support: [support]}
    keys: {"1": sales, "2": support}
    variable: wish
    confidence: sure
    alternative: other
    retries: 1
    next: check
    on_unsure: doubt
    fallback: agent
    on_error: agent
  check:
    kind: branch
    cases: [{when: {variable: wish, value: sales}, next: to_sales}]
    otherwise: to_support
  doubt: {kind: say, prompt: {en: [{spoken: wish}]}, on_error: agent, next: to_support}
  to_sales: {kind: queue, queue: sales, on_error: bye}
  to_support: {kind: queue, queue: support, on_error: bye}
  agent: {kind: queue, queue: agent, on_error: bye}
  bye: {kind: hangup}
"""
WITHOUT_KEYS = ASK.replace('    keys: {"1": sales, "2": support}\n', "")
FREE = WITHOUT_KEYS.replace("    answers:\n      en: {sales: [sales, i want to buy], support: [support]}\n", "")


class Speaker(Caller):
    """A caller whose recogniser answers as told."""

    def ready(self) -> None:
        self.send(HearingReady(hearing=self.hearing, path="/run/ear", rate=8000))

    @property
    def hearing(self) -> int:
        return self.hearings[-1].hearing

    def speaks_up(self, at: float | None = None) -> None:
        self.send(FlowVoiceChanged(contact=CONTACT, speaking=True, at=self.clock.now() if at is None else at))

    def falls_silent(self) -> None:
        self.send(FlowVoiceChanged(contact=CONTACT, speaking=False, at=self.clock.now()))

    def found(self, *texts: tuple[str, float]) -> None:
        found = tuple(Hypothesis(text=text, confidence=sure) for text, sure in texts)
        self.send(SpeechFound(hearing=self.hearing, hypotheses=found))

    def says_it(self, *texts: tuple[str, float]) -> None:
        """After the prompt: an utterance of a second, a pause, and what the recogniser makes of it."""
        self.speaks_up()
        self.wait(1.0)
        self.falls_silent()
        self.wait(0.8)
        assert isinstance(self.hearings[-1], EndUtterance)
        self.wait(0.1)
        self.found(*texts)


def asked(flow: str = ASK) -> Speaker:
    """A caller who heard the prompt out."""
    caller = Speaker(flow)
    caller.ready()
    caller.hear_out()
    return caller


def test_a_recogniser_is_ready_before_the_prompt_is_over() -> None:
    caller = Speaker(ASK)
    order = caller.hearings[0]
    assert isinstance(order, OpenHearing)
    assert (order.language, order.phrases) == ("en", ("sales", "i want to buy", "support"))
    caller.ready()
    assert caller.asked(TapCaller) == [TapCaller(tap=f"{CONTACT}/1", path="/run/ear", rate=8000)]


def test_what_is_said_leads_on_with_its_confidence() -> None:
    caller = asked()
    caller.wait(1.0)
    began = caller.clock.now()
    caller.says_it(("I want to BUY", 0.91), ("support", 0.3))
    assert caller.hearings[1] == HearUtterance(hearing=1, at=began)
    assert caller.node == "to_sales"
    variables = caller.snapshot()["variables"]
    assert (variables["wish"], variables["sure"], variables["other"]) == ("sales", "91", "support")
    heard = caller.told(SpeechHeard)[0]
    assert (heard.understood, heard.confidence, heard.text) == (True, 91, "I want to BUY")
    assert heard.response_seconds == pytest.approx(0.9)
    assert isinstance(caller.hearings[-1], CloseHearing)
    assert caller.asked(UntapCaller)


def test_a_pause_within_what_is_said_does_not_end_it() -> None:
    caller = asked()
    caller.speaks_up()
    caller.wait(0.5)
    caller.falls_silent()
    caller.wait(0.5)
    caller.speaks_up()
    caller.wait(2.0)
    assert not any(isinstance(order, EndUtterance) for order in caller.hearings)
    caller.falls_silent()
    caller.wait(0.8)
    assert isinstance(caller.hearings[-1], EndUtterance)


def test_who_never_stops_is_cut_off() -> None:
    caller = asked()
    caller.speaks_up()
    caller.wait(10.0)
    assert isinstance(caller.hearings[-1], EndUtterance)


def test_a_doubtful_answer_is_confirmed() -> None:
    caller = asked()
    caller.says_it(("sales", 0.45))
    assert caller.node == "doubt"


@pytest.mark.parametrize("found", [[], [("sales", 0.1)], [("pizza", 0.9)]])
def test_what_is_not_understood_is_asked_again_and_then_given_up(found: list[tuple[str, float]]) -> None:
    caller = asked()
    caller.says_it(*found)
    assert caller.told(SpeechHeard)[0].understood is False
    assert "Again" in caller.spoken()
    caller.hear_out()
    caller.says_it(*found)
    assert caller.node == "agent"
    assert sum(isinstance(order, OpenHearing) for order in caller.hearings) == 1


def test_silence_has_a_hint_of_its_own() -> None:
    caller = asked()
    caller.wait(5.0)
    assert "Hello" in caller.spoken()
    caller.hear_out()
    caller.wait(5.0)
    assert caller.node == "agent"


# --- keys at the same time --------------------------------------------------------------------------------


def test_a_key_answers_too() -> None:
    caller = asked()
    caller.press("2")
    assert caller.node == "to_support"
    assert caller.snapshot()["variables"]["sure"] == "100"
    assert caller.told(KeysEntered)[0].keys == "2"


def test_the_tone_of_a_key_is_no_answer() -> None:
    caller = asked()
    caller.speaks_up()
    caller.press("1", pause=0.1)
    caller.falls_silent()
    assert caller.node == "to_sales"
    assert not caller.told(SpeechHeard)


def test_a_key_stops_the_prompt() -> None:
    caller = Speaker(ASK)
    caller.ready()
    caller.press("1")
    assert caller.asked(StopPrompt)
    assert caller.node == "to_sales"


def test_a_key_while_the_recogniser_thinks_wins() -> None:
    caller = asked()
    caller.speaks_up()
    caller.wait(1.0)
    caller.falls_silent()
    caller.wait(0.8)
    caller.press("1")
    caller.found(("support", 0.9))
    assert caller.node == "to_sales"


def test_without_keys_none_are_taken() -> None:
    caller = asked(WITHOUT_KEYS)
    caller.press("1")
    assert caller.node == "ask"
    caller.says_it(("sales", 0.9))
    assert caller.node == "to_sales"


# --- speaking into the prompt -----------------------------------------------------------------------------


def test_a_voice_stops_the_prompt_and_is_heard_from_its_beginning() -> None:
    caller = Speaker(ASK)
    caller.ready()
    caller.wait(1.0)
    began = caller.clock.now()
    caller.speaks_up()
    caller.wait(0.2)
    assert not caller.asked(StopPrompt)
    caller.wait(0.05)
    assert caller.asked(StopPrompt)
    assert caller.hearings[-1] == HearUtterance(hearing=1, at=began)


def test_an_echo_or_a_cough_does_not() -> None:
    caller = Speaker(ASK)
    caller.ready()
    caller.speaks_up()
    caller.wait(0.1)
    caller.falls_silent()
    caller.wait(3.0)
    assert not caller.asked(StopPrompt)
    caller.hear_out()
    caller.says_it(("sales", 0.9))
    assert caller.node == "to_sales"


def test_a_prompt_that_must_be_heard_out_is_not_stopped() -> None:
    caller = Speaker(ASK.replace("    retries: 1", "    barge_in: false\n    retries: 1"))
    caller.ready()
    caller.speaks_up()
    caller.wait(3.0)
    assert not caller.asked(StopPrompt)
    caller.hear_out()
    assert isinstance(caller.hearings[-1], HearUtterance)


# --- recognisers that fail --------------------------------------------------------------------------------


def test_keys_are_left_when_nobody_hears() -> None:
    caller = Speaker(ASK)
    caller.send(HearingFailed(hearing=1))
    caller.hear_out()
    caller.speaks_up()
    caller.wait(1.0)
    caller.press("1")
    assert caller.node == "to_sales"


def test_keys_are_left_when_no_answer_comes() -> None:
    caller = asked()
    caller.speaks_up()
    caller.wait(1.0)
    caller.falls_silent()
    caller.wait(0.8)
    caller.send(HearingFailed(hearing=1))
    assert caller.node == "ask"
    caller.press("2")
    assert caller.node == "to_support"


@pytest.mark.parametrize("when", ["prompt", "listening", "tap", "thinking", "silent engine"])
def test_without_keys_the_error_leads_on(when: str) -> None:
    caller = Speaker(WITHOUT_KEYS)
    caller.ready()
    if when != "prompt":
        caller.hear_out()
    if when in ("thinking", "silent engine"):
        caller.speaks_up()
        caller.wait(0.5)
        caller.falls_silent()
        caller.wait(0.8)
    if when == "tap":
        caller.send(FlowTapEnded(contact=CONTACT, tap=f"{CONTACT}/1", reason="the reader is gone"))
    elif when == "silent engine":
        caller.wait(6.0)
    else:
        caller.send(HearingFailed(hearing=1))
    assert caller.node == "agent"
    assert isinstance(caller.hearings[-1], CloseHearing)


def test_an_early_failure_is_told_after_the_prompt() -> None:
    caller = Speaker(WITHOUT_KEYS, speaks=False)
    caller.send(HearingFailed(hearing=1))
    assert caller.node == "ask"


def test_late_news_of_another_hearing_change_nothing() -> None:
    caller = asked()
    before = caller.snapshot()
    caller.send(HearingFailed(hearing=7))
    caller.send(SpeechFound(hearing=7, hypotheses=()))
    caller.send(FlowTapEnded(contact=CONTACT, tap="another", reason="gone"))
    assert caller.snapshot() == before


# --- anything, restarts, documents ------------------------------------------------------------------------


def test_whatever_is_said_is_the_answer_of_free_text() -> None:
    caller = asked(FREE)
    order = caller.hearings[0]
    assert isinstance(order, OpenHearing)
    assert order.phrases is None
    caller.says_it(("please sell me a pizza", 0.8))
    assert caller.snapshot()["variables"]["wish"] == "please sell me a pizza"


def test_after_a_restart_the_question_is_asked_again() -> None:
    caller = asked()
    caller.speaks_up()
    caller.wait(0.5)
    caller.restart()
    assert isinstance(caller.hearings[-1], OpenHearing)
    assert len(caller.asked(PlayPrompt)) == 2
    caller.ready()
    caller.hear_out()
    caller.says_it(("support", 0.8))
    assert caller.node == "to_support"


@pytest.mark.parametrize(
    ("change", "problem"),
    [
        (("retries: 1", "least: 90"), "least is greater than sure"),
        (("support: [support]", "support: []"), "at least 1"),
        (("[support]", "['a | b']"), "pattern"),
        (("[support]", "['<any>']"), "pattern"),
        (("    fallback: agent\n    on_error: agent", "    fallback: agent"), "on_error: Field required"),
        (("languages: [en]", "languages: [en, zh]"), "answers in this language"),
        (("variable: wish", "variable: wash"), "nothing sets the variable 'wish'"),
    ],
)
def test_documents_that_cannot_work_are_refused(change: tuple[str, str], problem: str) -> None:
    text = f"flow: test\nlanguages: [en]\n{ASK}"
    assert change[0] in text
    with pytest.raises(FlowError, match=problem):
        parse_flow(text.replace(*change, 1), "test.yaml")


_STEPS = st.lists(
    st.one_of(
        st.tuples(st.just("press"), st.sampled_from("129")),
        st.tuples(st.just("wait"), st.sampled_from([0.1, 0.3, 1.0, 6.0, 20.0])),
        st.tuples(st.just("voice"), st.booleans()),
        st.tuples(st.just("found"), st.sampled_from(["sales", "support", "pizza", ""])),
        st.tuples(st.sampled_from(["hear", "ready", "fail", "restart"]), st.just("")),
    ),
    max_size=30,
)


def _take(caller: Speaker, step: tuple[str, object]) -> None:
    match step:
        case ("press", str(key)):
            caller.press(key)
        case ("wait", float(seconds)):
            caller.wait(seconds)
        case ("voice", bool(on)):
            caller.speaks_up() if on else caller.falls_silent()
        case ("found", str(text)):
            caller.found((text, 0.7))
        case ("hear", _) if caller.playing is not None:
            caller.hear_out()
        case ("ready", _):
            caller.ready()
        case ("fail", _):
            caller.send(HearingFailed(hearing=caller.hearing))
        case ("restart", _) if not caller.finished:
            caller.restart()


@settings(max_examples=150, deadline=None)
@given(st.sampled_from([ASK, WITHOUT_KEYS, FREE]), _STEPS)
def test_however_he_speaks_every_hearing_ends_and_the_snapshot_is_the_session(
    flow: str, steps: list[tuple[str, object]]
) -> None:
    caller = Speaker(flow)
    restarted = False
    for step in steps:
        _take(caller, step)
        restarted = restarted or step[0] == "restart"
        if not caller.finished:
            data = json.loads(json.dumps(caller.snapshot()))
            again = caller._new()
            again.restore(data, 50.0)
            assert _rounded(again.snapshot(50.0)) == _rounded(data)
    caller.hang_up()
    assert caller.finished is not None
    opened = [order.hearing for order in caller.hearings if isinstance(order, OpenHearing)]
    closed = [order.hearing for order in caller.hearings if isinstance(order, CloseHearing)]
    assert len(closed) == len(set(closed))
    assert set(closed) <= set(opened)
    assert restarted or closed == opened, "what was not lost with its process is closed"
