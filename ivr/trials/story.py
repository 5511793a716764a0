"""What happened in a session that is played, in the order in which it happened, as people read it.

What callers key in secretly is no part of it: keys are dots, variables that hold them have no value.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any, Final

from ccplatform.contracts.facts import (
    BotTalkBegan,
    BotTalkEnded,
    BotTurn,
    CallBackRequested,
    Fact,
    FlowLeft,
    FlowNodeEntered,
    MessageDropped,
    MessageLeft,
    SpeechHeard,
    SurveyAnswered,
)
from ivr.errors import TooLong
from ivr.model import AskingNode, Collect, Flow, asks_securely
from ivr.prompts import Piece
from ivr.work import AskHours, HoursFound, QueryAnswer, RunQuery, Work, WorkFailed, WorkResult

#: Stands for a key or a value that is secret.
HIDDEN: Final = "•"


class What(StrEnum):
    """Kinds of happenings; what ``name`` and ``text`` of each hold."""

    ENTERED = "entered"  # a node of the kind ``name``, by the exit ``text`` of the one before
    SAID = "said"  # ``text``
    STOPPED = "stopped"  # what was being said
    PRESSED = "pressed"  # the keys ``text``
    SPOKE = "spoke"  # the caller: ``text``, with the confidence ``name``
    HEARD = "heard"  # the recogniser: ``name`` is understood or not_understood
    ASKED = "asked"  # the query ``name``: ``text`` is found, missing, failed
    HOURS = "hours"  # the calendar ``name``: ``text`` is open, closed, missing
    FAILED = "failed"  # other work: ``name``
    CHANGED = "changed"  # the variable ``name``, to ``text``
    TALK = "talk"  # with the bot ``name`` begins; or it ended as ``text`` says, ``name``: to whom, how, why
    TURN = "turn"  # of the bot or the caller (``name``) in a talk: ``text``
    ANSWERED = "answered"  # the question ``name`` of a survey, by ``text``
    CALL_BACK = "call_back"  # promised by the queue ``name``
    MESSAGE = "message"  # left in the mailbox ``name``, or dropped because of ``text``
    HANDED_ON = "handed_on"  # to ``text``
    ENDED = "ended"  # with the outcome ``text`` and the system cause ``name``


@dataclass(frozen=True, slots=True, kw_only=True)
class Happening:
    """One of them, ``at`` seconds of the call, at ``node`` (in a sub-flow ``flow/node``)."""

    at: float
    what: What
    node: str
    name: str = ""
    text: str = ""
    values: Mapping[str, str] = field(default_factory=dict)
    pieces: tuple[Piece, ...] = ()


class Story:
    """Is told of a session of ``flow`` and its ``parts``; raises TooLong past ``most`` happenings."""

    def __init__(self, flow: Flow, parts: Mapping[str, Flow], *, most: int) -> None:
        self.happenings: list[Happening] = []
        self.variables: dict[str, str] = {}
        self._flow = flow
        self._parts = parts
        self._most = most
        self._node = ""
        self._has_secrets = any(asks_securely(one) for one in (flow, *parts.values()))

    def told(self, at: float, fact: Fact) -> None:
        """A fact of the session."""
        match fact:
            case FlowNodeEntered(flow=flow, node=node, kind=kind):
                by = self._exit_to(flow, node)
                self._node = node if flow == self._flow.flow else f"{flow}/{node}"
                self._add(at, What.ENTERED, name=kind, text=by)
            case SpeechHeard(understood=understood, text=text):
                self._add(at, What.HEARD, name="understood" if understood else "not_understood", text=text)
            case BotTalkBegan(bot=bot):
                self._add(at, What.TALK, name=bot)
            case BotTurn(speaker=speaker, text=text):
                self._add(at, What.TURN, name=speaker, text=text)
            case BotTalkEnded(how=how, detail=detail):
                self._add(at, What.TALK, name=detail, text=how)
            case SurveyAnswered(question=question, score=score, scale=scale):
                self._add(at, What.ANSWERED, name=question, text=f"{score}/{scale}")
            case CallBackRequested(queue=queue):
                self._add(at, What.CALL_BACK, name=queue)
            case MessageLeft(mailbox=mailbox):
                self._add(at, What.MESSAGE, name=mailbox)
            case MessageDropped(reason=reason):
                self._add(at, What.MESSAGE, text=reason)
            case FlowLeft(outcome=outcome, cause=cause):
                self._add(at, What.ENDED, name=cause, text=outcome)
            case _:
                pass

    def said(self, at: float, text: str, pieces: tuple[Piece, ...]) -> None:
        """A prompt begins."""
        self._add(at, What.SAID, text=text, pieces=pieces)

    def stopped(self, at: float) -> None:
        """The caller broke in."""
        self._add(at, What.STOPPED)

    def pressed(self, at: float, key: str, state: Mapping[str, Any]) -> None:
        """A key; keys in a row at one node are one happening."""
        shown = HIDDEN if self._secret(state) else key
        last = self.happenings[-1] if self.happenings else None
        if last is not None and last.what is What.PRESSED and last.node == self._node:
            self.happenings.pop()
            shown = last.text + shown
        self._add(at, What.PRESSED, text=shown)

    def spoke(self, at: float, text: str, confidence: int) -> None:
        """The caller says something."""
        self._add(at, What.SPOKE, name=str(confidence), text=text)

    def worked(self, at: float, work: Work, answer: WorkResult) -> None:
        """Something was asked."""
        if isinstance(work, RunQuery):
            asked = {name: HIDDEN if name in work.secret else value for name, value in work.parameters.items()}
            found = "failed"
            if isinstance(answer, QueryAnswer):
                found = "missing" if answer.row is None else "found"
            self._add(at, What.ASKED, name=work.query, text=found, values=asked)
        elif isinstance(work, AskHours):
            found = "missing"
            if isinstance(answer, HoursFound):
                found = "open" if answer.open else "closed"
            self._add(at, What.HOURS, name=work.calendar, text=found)
        elif isinstance(answer, WorkFailed):
            self._add(at, What.FAILED, name=type(work).__name__, text=answer.reason)

    def handed_on(self, at: float, to: str) -> None:
        """Somebody else has the caller."""
        self._add(at, What.HANDED_ON, text=to)

    def settle(self, at: float, state: Mapping[str, Any]) -> None:
        """Tell which variables are others than before."""
        now: dict[str, str] = {**state["variables"], **dict.fromkeys(state["secure"], HIDDEN)}
        for name, value in now.items():
            if self.variables.get(name) != value and (value or name in self.variables):
                self._add(at, What.CHANGED, name=name, text=value)
        self.variables = now

    def _secret(self, state: Mapping[str, Any]) -> bool:
        """Whether a key is one of a secret: at a secure input, or typed ahead in a flow that has one."""
        node = self._flow_of(state["flow"]).nodes.get(state["node"])
        if isinstance(node, Collect):
            return node.secure
        return self._has_secrets and not isinstance(node, AskingNode)

    def _exit_to(self, flow: str, target: str) -> str:
        """The exits of the node before that lead there, if it is one of the same flow."""
        before, _, node = self._node.rpartition("/")
        there = self._flow_of(before)
        if not node or there.flow != flow or node not in there.nodes:
            return ""
        return ", ".join(name for name, to in there.ways_of(there.nodes[node]) if to == target)

    def _flow_of(self, name: str) -> Flow:
        return self._parts.get(name, self._flow) if name else self._flow

    def _add(self, at: float, what: What, **more: Any) -> None:
        if len(self.happenings) >= self._most:
            raise TooLong(f"more than {self._most} things happen in the session: begin anew")
        self.happenings.append(Happening(at=round(at, 3), what=what, node=self._node, **more))
