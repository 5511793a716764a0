"""Branches and sets with expressions, languages, loops, waits, opening hours, and the rules of inputs."""

from __future__ import annotations

import json

from ccplatform.contracts.facts import FlowNodeEntered
from ccplatform.contracts.flows import EnterQueue, ReleaseCaller, TransferCaller
from ccplatform.contracts.words import AgentId, FlowId, FlowOutcome, ReleaseCause, TrunkId
from ivr.document import document_of, flow_from
from ivr.interpreter import MOST_STEPS_AT_ONCE
from ivr.work import AskHours, HoursFound, WorkFailed
from tests.ivr.scripted import Caller, flow_of


def nodes(caller: Caller) -> list[str]:
    return [fact.node for fact in caller.told(FlowNodeEntered)]


# --- branch and set -----------------------------------------------------------------------------------------

BRANCH = """
start: sum
variables: {balance: '', points: '7'}
nodes:
  sum: {kind: set, variable: doubled, expression: "text(number(points) * 2)", next: which, on_error: wrong}
  which:
    kind: branch
    cases:
      - {when: "number(balance) > 100", next: rich}
      - {when: {variable: doubled, op: equals, value: '14'}, next: even}
    otherwise: poor
  rich: {kind: queue, queue: rich, on_error: end}
  even: {kind: queue, queue: even, on_error: end}
  poor: {kind: queue, queue: poor, on_error: end}
  wrong: {kind: queue, queue: wrong, on_error: end}
  end: {kind: hangup}
"""


def test_a_condition_that_cannot_be_computed_does_not_hold() -> None:
    assert Caller(BRANCH).asked(EnterQueue)[0].queue == "even"
    assert Caller(BRANCH, balance="200").asked(EnterQueue)[0].queue == "rich"
    assert Caller(BRANCH, points="1").asked(EnterQueue)[0].queue == "poor"


def test_an_expression_that_cannot_be_computed_takes_its_failure_path() -> None:
    assert Caller(BRANCH, points="none").asked(EnterQueue)[0].queue == "wrong"


def test_expressions_go_through_documents_and_back() -> None:
    flow = flow_of(BRANCH)
    assert flow_from(json.loads(json.dumps(document_of(flow))), "again") == flow


def test_what_is_computed_from_a_secret_is_secret() -> None:
    caller = Caller(
        """
        start: ask
        on_error: end
        nodes:
          ask:
            kind: collect
            prompt: {en: Card}
            variable: card
            secure: true
            length: {min: 16, max: 16}
            next: cut
            fallback: end
          cut: {kind: set, variable: last, expression: "part(card, 13, 4)", next: wait, on_error: end}
          wait: {kind: wait, seconds: 10, next: end}
          end: {kind: hangup}
        """
    )
    caller.press("4539578763621486")
    assert caller.node == "wait"
    assert "1486" not in json.dumps(caller.snapshot())


# --- languages ----------------------------------------------------------------------------------------------

LANGUAGES = """
languages: [zh, en]
speak: [zh, en]
start: menu
on_error: end
nodes:
  menu:
    kind: menu
    prompt: {zh: 中文请按1, en: For English press 2}
    choices: {1: chinese, 2: english}
    fallback: end
  chinese: {kind: language, language: zh, next: hello}
  english: {kind: language, language: en, next: hello}
  hello: {kind: say, prompt: {zh: 您好, en: Hello}, next: both}
  both: {kind: say, speak: [en, zh], prompt: {zh: 再见, en: Goodbye}, next: ask}
  ask:
    kind: branch
    cases: [{when: "language == 'en'", next: desk}]
    otherwise: end
  desk: {kind: queue, queue: english, after_talk: survey, on_error: end}
  end: {kind: hangup}
"""


def test_the_chosen_language_is_spoken_where_a_node_does_not_say_otherwise() -> None:
    caller = Caller(LANGUAGES)
    assert caller.spoken() == "中文请按一 For English press 2"
    caller.press("2")
    assert caller.spoken() == "Hello"
    caller.hear_out()
    assert caller.spoken() == "Goodbye 再见"
    caller.hear_out()
    queue = caller.asked(EnterQueue)[0]
    assert (queue.language, queue.after_talk) == ("en", FlowId("survey"))


def test_a_session_begins_in_the_language_that_it_is_given() -> None:
    assert Caller(LANGUAGES, language="en").spoken() == "For English press 2"
    assert Caller(LANGUAGES, language="fr").spoken() == "中文请按一 For English press 2"


# --- loops and waits ----------------------------------------------------------------------------------------

LOOP = """
start: three
on_error: end
nodes:
  three: {kind: loop, times: 3, body: tell, next: two}
  tell: {kind: say, prompt: {en: Please wait}, next: three}
  two: {kind: loop, times: 2, body: pause, next: end}
  pause: {kind: wait, seconds: 5, barge_in: true, next: inner}
  inner: {kind: loop, times: 2, body: inner_body, next: two}
  inner_body: {kind: set, variable: x, value: y, next: inner}
  end: {kind: hangup}
"""


def test_a_loop_goes_round_so_many_times_and_then_on() -> None:
    caller = Caller(LOOP)
    for _ in range(3):
        assert caller.node == "tell"
        caller.hear_out()
    assert caller.node == "pause"
    caller.wait(5)
    assert caller.node == "pause"
    caller.press("1")
    assert caller.finished is not None
    assert caller.finished.outcome is FlowOutcome.COMPLETED
    assert nodes(caller).count("inner_body") == 4


def test_a_restarted_session_counts_its_rounds_on() -> None:
    caller = Caller(LOOP)
    caller.hear_out()
    caller.hear_out()
    caller.restart()
    caller.hear_out()
    assert caller.node == "pause"
    caller.restart()
    caller.wait(5)
    assert caller.node == "pause"


WAIT = """
start: wait
on_error: end
nodes:
  wait: {kind: wait, seconds: 5, next: menu}
  menu: {kind: menu, prompt: {en: Choose}, choices: {1: end}, fallback: end}
  end: {kind: hangup}
"""


def test_keys_of_a_wait_are_for_the_next_input() -> None:
    caller = Caller(WAIT)
    caller.press("1")
    assert caller.node == "wait"
    caller.wait(5)
    assert caller.finished is not None
    assert nodes(caller) == ["wait", "menu", "end"]


def test_loops_in_loops_that_say_nothing_end_the_session_as_a_fault() -> None:
    caller = Caller(
        """
        start: a
        nodes:
          a: {kind: loop, times: 100, body: b, next: end}
          b: {kind: loop, times: 100, body: c, next: a}
          c: {kind: set, variable: x, value: y, next: b}
          end: {kind: hangup}
        """
    )
    assert caller.finished is not None
    assert caller.finished.outcome is FlowOutcome.FAILED
    assert caller.asked(ReleaseCaller) == [ReleaseCaller(cause=ReleaseCause.FAILED)]
    assert len(nodes(caller)) == MOST_STEPS_AT_ONCE


# --- opening hours ------------------------------------------------------------------------------------------

HOURS = """
start: hours
nodes:
  hours: {kind: hours, calendar: office, on_open: open, on_closed: closed, on_error: unknown}
  open: {kind: queue, queue: open, on_error: end}
  closed: {kind: queue, queue: closed, on_error: end}
  unknown: {kind: queue, queue: unknown, on_error: end}
  end: {kind: hangup}
"""


def test_a_calendar_decides_or_the_failure_path() -> None:
    for answer, queue in ((True, "open"), (False, "closed")):
        caller = Caller(HOURS)
        assert caller.work(AskHours).calendar == "office"
        caller.answer(HoursFound, open=answer)
        assert caller.asked(EnterQueue)[0].queue == queue
    caller = Caller(HOURS)
    caller.answer(WorkFailed, reason="no_such_calendar")
    assert caller.asked(EnterQueue)[0].queue == "unknown"


# --- transfers ----------------------------------------------------------------------------------------------

TRANSFER = """
start: trunk
variables: {clerk: '1004', nobody: ''}
nodes:
  trunk: {kind: transfer, trunk: pstn, number: '123', record: true, on_error: route}
  route: {kind: transfer, number_of: caller, on_error: agent}
  agent: {kind: transfer, agent: '1001', on_error: named}
  named: {kind: transfer, agent_of: clerk, on_error: none}
  none: {kind: transfer, agent_of: nobody, on_error: end}
  end: {kind: hangup}
"""


def test_a_transfer_goes_to_a_trunk_a_route_or_an_agent() -> None:
    caller = Caller(TRANSFER, caller="13800000001")
    for _ in range(4):
        caller.refuse()
    assert caller.asked(TransferCaller) == [
        TransferCaller(number="123", trunk=TrunkId("pstn"), record=True),
        TransferCaller(number="13800000001"),
        TransferCaller(agent=AgentId("1001")),
        TransferCaller(agent=AgentId("1004")),
    ]
    assert caller.finished is not None


# --- inputs -------------------------------------------------------------------------------------------------

INPUT = """
start: ask
on_error: end
shortcuts: {'*': start_again, '0': desk}
nodes:
  ask:
    kind: collect
    prompt: {en: Card}
    hint: {en: Not valid}
    variable: card
    length: {min: 4, max: 16}
    masks: ['62*', '45??5787????????']
    valid: luhn(card)
    retries: 1
    next: menu
    fallback: desk
  menu: {kind: menu, prompt: {en: Menu}, choices: {1: end, 0: end}, fallback: end}
  start_again: {kind: say, prompt: {en: Again}, next: ask}
  desk: {kind: queue, queue: desk, on_error: end}
  end: {kind: hangup}
"""


def test_an_input_that_fits_no_mask_or_is_not_valid_was_in_vain() -> None:
    caller = Caller(INPUT)
    caller.press("4111111111111111")
    assert caller.spoken() == "Not valid Card"
    caller.press("4539578763621487")
    assert caller.asked(EnterQueue)[0].queue == "desk"


def test_an_input_that_fits_goes_on() -> None:
    for card in ("4539578763621486", "6221#"):
        caller = Caller(INPUT)
        caller.press(card)
        assert caller.node == "menu", card


def test_a_shortcut_leads_from_every_menu_that_has_no_choice_of_its_own() -> None:
    caller = Caller(INPUT)
    caller.press("4539578763621486")
    caller.press("*")
    assert caller.spoken() == "Again"
    caller.hear_out()
    caller.press("4539578763621486")
    caller.press("0")
    assert caller.finished is not None
    assert caller.asked(EnterQueue) == []
