"""How old what waits for somebody gets: promised call-backs and voice messages (backlog, annex A)."""

from __future__ import annotations

from ccplatform.contracts.facts import CallBackEnded, MessageMarked
from metrics.model import Observation, Observed, Stamp


def called_back(fact: CallBackEnded, stamp: Stamp, out: list[Observation]) -> None:
    """A promised call-back is over, whatever became of it."""
    _done("call_back", fact.age_seconds, out)


def message_done(fact: MessageMarked, stamp: Stamp, out: list[Observation]) -> None:
    """Somebody did something with a message; the fact has its age where it was done with by that."""
    _done("message", fact.age_seconds, out)


def _done(kind: str, age: float | None, out: list[Observation]) -> None:
    if age is not None:
        out.append(Observed("cc_backlog_age_seconds", age, (kind,)))
