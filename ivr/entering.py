"""What a session does when it comes to a node, by the node's kind.

A table instead of questions of class: asking a model for its class costs as much as all the rest of a step.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, Final

from ccplatform.contracts.facts import FlowNodeEntered, SurveyBegun
from ccplatform.contracts.flows import CollectSecurely
from ccplatform.contracts.words import FlowOutcome
from ivr.deciding import begin_waiting, choose_language, decide, go_round, set_variable
from ivr.handing import hand_on
from ivr.hearing import enter_speech
from ivr.listening import listen
from ivr.model import (
    Agent,
    AskingNode,
    Bot,
    Branch,
    CallBack,
    ChooseLanguage,
    Collect,
    Conference,
    EchoNode,
    EnterQueueNode,
    Hangup,
    Hours,
    Loop,
    Menu,
    Messages,
    Node,
    NodeName,
    PlaySounds,
    Query,
    Record,
    Return,
    Say,
    SetVariable,
    Speech,
    SubFlow,
    Survey,
    Transfer,
    Wait,
)
from ivr.run import Run
from ivr.speaking import speak
from ivr.sub_flows import enter_sub_flow, leave_sub_flow
from ivr.talking import enter_bot
from ivr.work import Tell
from ivr.working import work


def enter(run: Run, name: NodeName) -> None:
    """Come to the node of this name of the running flow."""
    cursor, plan = run.cursor, run.plan
    run.at = step = plan.steps[name]
    if cursor.hears:
        run.stop_hearing()
    cursor.node, cursor.deadline = name, None
    cursor.typed, cursor.tries, cursor.silent, cursor.beeped = [], 0, False, False
    cursor.question = 0
    if step.secure != cursor.collecting_securely:
        cursor.collecting_securely = step.secure
        run.ask(CollectSecurely(on=step.secure))
    entered = FlowNodeEntered(contact=run.contact, flow=run.plan.name, node=name, kind=step.kind)
    run.out.append(Tell(fact=entered))
    ENTER[type(step.node)](run, step.node)
    if cursor.secure and run.plan is plan:
        run.forget(step.over)


def _tell(run: Run, node: Say | PlaySounds) -> None:
    """Who types ahead passes by what he could have stopped, but for the result of a query."""
    if run.cursor.keys_ahead and node.barge_in and run.cursor.result is None:
        run.next = node.next
    else:
        speak(run, node)


def _ask(run: Run, node: AskingNode) -> None:
    if run.cursor.keys_ahead and node.barge_in:
        run.drop_result()
        listen(run, node)
    else:
        speak(run, node)


def _survey(run: Run, node: Survey) -> None:
    run.tell(SurveyBegun(contact=run.contact, survey=node.survey))
    _ask(run, node)


def _hang_up(run: Run, node: Hangup) -> None:
    run.let_go(FlowOutcome.COMPLETED, node.cause)


#: Every kind of node; each is given to a function that takes it.
ENTER: Final[Mapping[type[Node], Callable[[Run, Any], None]]] = {
    Say: _tell,
    PlaySounds: _tell,
    Menu: _ask,
    Collect: _ask,
    Survey: _survey,
    Speech: enter_speech,
    Bot: enter_bot,
    Record: speak,
    Branch: decide,
    SetVariable: set_variable,
    ChooseLanguage: choose_language,
    Loop: go_round,
    Wait: begin_waiting,
    SubFlow: enter_sub_flow,
    Return: leave_sub_flow,
    Query: work,
    Hours: work,
    CallBack: work,
    Messages: work,
    Agent: work,
    EnterQueueNode: hand_on,
    Transfer: hand_on,
    EchoNode: hand_on,
    Conference: hand_on,
    Hangup: _hang_up,
}
