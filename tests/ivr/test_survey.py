"""Surveys: questions by key, each answer a fact of the contact (R9.6)."""

from __future__ import annotations

from ccplatform.contracts.facts import FlowLeft, SurveyAnswered
from ccplatform.contracts.words import FlowOutcome
from tests.ivr.scripted import CONTACT, Caller

SURVEY = """
start: ask
on_error: end
nodes:
  ask:
    kind: survey
    survey: service
    questions:
      - {name: friendly, prompt: {en: Friendly}}
      - {name: solved, scale: 2, prompt: {en: Solved}}
    hint: {en: Wrong}
    hint_silent: {en: Silent}
    retries: 1
    next: thanks
    fallback: end
  thanks: {kind: say, prompt: {en: Thanks}, next: end}
  end: {kind: hangup}
"""


def answer(question: str, score: int, scale: int) -> SurveyAnswered:
    return SurveyAnswered(contact=CONTACT, survey="service", question=question, score=score, scale=scale)


def test_each_answer_is_a_fact_and_leads_to_the_next_question() -> None:
    caller = Caller(SURVEY)
    assert caller.spoken() == "Friendly"
    caller.press("5")
    assert caller.told(SurveyAnswered) == [answer("friendly", 5, 5)]
    assert caller.spoken() == "Solved"
    caller.hear_out()
    caller.press("1")
    assert caller.told(SurveyAnswered)[1:] == [answer("solved", 1, 2)]
    assert caller.spoken() == "Thanks"
    caller.hang_up()
    assert caller.told(FlowLeft)[0].outcome is FlowOutcome.COMPLETED


def test_a_key_beyond_the_scale_is_wrong_and_tries_are_counted_by_question() -> None:
    caller = Caller(SURVEY)
    caller.press("6")
    assert caller.spoken() == "Wrong Friendly"
    caller.press("1")
    caller.press("3")
    assert caller.spoken() == "Wrong Solved"
    caller.press("0")
    assert caller.finished is not None
    assert caller.told(SurveyAnswered) == [answer("friendly", 1, 5)]


def test_a_silent_caller_is_asked_again_and_then_let_go() -> None:
    caller = Caller(SURVEY)
    caller.hear_out()
    caller.wait(5)
    assert caller.spoken() == "Silent Friendly"
    caller.hear_out()
    caller.wait(5)
    assert caller.finished is not None


def test_answers_typed_ahead_pass_through_the_questions() -> None:
    caller = Caller(SURVEY, speaks=False)
    caller.press("42")
    assert caller.told(SurveyAnswered) == [answer("friendly", 4, 5), answer("solved", 2, 2)]


def test_a_restarted_session_asks_the_question_that_it_was_at() -> None:
    caller = Caller(SURVEY)
    caller.press("4")
    caller.restart()
    assert caller.spoken() == "Solved"
