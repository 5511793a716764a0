"""Flows made ready for their sessions: what never changes is made once."""

from __future__ import annotations

import pytest

from ivr.document import parse_flow
from ivr.errors import UnspeakableValue
from ivr.plan import Plan
from ivr.prompts import RecordedPrompt, Sound, Utterance

FLOW = """
flow: ready
languages: [zh, en]
speak: [zh, en]
variables: {amount: "2"}
recordings: {hello: {zh: "%s"}}
start: hello
nodes:
  hello: {kind: say, prompt: {zh: 您好, en: Hello}, next: told, on_error: end}
  told: {kind: say, prompt: {zh: [text: 有, number: amount], en: [number: amount]}, next: kept, on_error: end}
  kept: {kind: say, speak: [en], prompt: {zh: [recording: hello], en: Hello}, next: end, on_error: end}
  end: {kind: hangup}
""" % ("a" * 64)


def test_words_are_composed_once_for_each_way_they_are_spoken() -> None:
    hello = Plan(parse_flow(FLOW, "ready")).steps["hello"]
    prompt, chinese = hello.prompts["prompt"], hello.languages("zh")
    assert prompt.pieces(chinese, {}) == (Utterance(language="zh", text="您好"),)
    assert prompt.pieces(chinese, {}) is prompt.pieces(chinese, {"amount": "3"})
    both = prompt.pieces(hello.languages(""), {})
    assert [type(piece) for piece in both] == [Utterance, Sound, Utterance]


def test_values_are_read_each_time() -> None:
    told = Plan(parse_flow(FLOW, "ready")).steps["told"].prompts["prompt"]
    assert [told.pieces(("en",), {"amount": amount}) for amount in "12"] == [
        (Utterance(language="en", text=text, personal=True),) for text in ("one", "two")
    ]
    with pytest.raises(UnspeakableValue, match="'amount'"):
        told.pieces(("en",), {})


def test_a_language_that_a_node_sets_comes_before_the_chosen_one() -> None:
    plan = Plan(parse_flow(FLOW, "ready"))
    assert plan.steps["kept"].languages("zh") == ("en",)
    assert plan.steps["hello"].languages("en") == ("en",)
    assert plan.steps["hello"].languages("fr") == ("zh", "en")


def test_a_recording_that_is_missing_is_named_every_time() -> None:
    kept = Plan(parse_flow(FLOW, "ready")).steps["kept"].prompts["prompt"]
    assert kept.pieces(("zh",), {}) == (RecordedPrompt(sha256="a" * 64),)
    prompt = Plan(parse_flow(FLOW.replace(": hello]", ": none]"), "ready")).steps["kept"].prompts["prompt"]
    for _ in range(2):
        with pytest.raises(UnspeakableValue, match="'none'"):
            prompt.pieces(("zh",), {})
