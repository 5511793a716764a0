"""Errors of the call saga.

::

    RemoteViolation
    └── BadSnapshot     what a media worker kept for a call cannot be read
    Refusal
    ├── NoSuchCall      the call named does not exist (any more)
    ├── OnlyAsked       the call is a consultation, controlled by who asked
    ├── CannotCall      nobody can be called by that number, or not by who wants to
    ├── NoSuchContact   the contact named does not exist
    ├── NobodyThere     nobody can be called by this number
    ├── QueueClosed     the call cannot wait in that queue
    ├── NoSuchParty     nobody on the call has this leg, or it cannot leave
    ├── NotOnCall       the agent has no part in the call (any more)
    ├── TooManyParties  the conference is full
    ├── NotRecorded     nothing of the call is recorded, or not so that the order fits
    └── NotInThisState  the order does not fit what the call is doing
"""

from typing import Final

from ccplatform.contracts.words import ReleaseCause
from ccplatform.kernel.errors import NotFound, Refusal, RemoteViolation


class BadSnapshot(RemoteViolation):
    """What a media worker kept for a call cannot be read: it is another program's, or damaged."""


class NoSuchCall(NotFound):
    """The call named does not exist (any more)."""

    def __init__(self, call: str) -> None:
        super().__init__(f"there is no call {call}", code="no_such_call")


class OnlyAsked(Refusal):
    """The call is a consultation: who was asked may hang up, all else is up to who has the caller."""

    def __init__(self, call: str) -> None:
        super().__init__(f"on call {call} somebody is only asked: who asked him controls it", code="only_asked")


class CannotCall(Refusal):
    """Nobody can be called by that number, or not by who wants to; ``cause`` is what a phone is told."""

    def __init__(self, code: str, message: str, cause: ReleaseCause) -> None:
        super().__init__(message, code=code)
        self.cause = cause


class NotInThisState(Refusal):
    """The order does not fit what the call is doing."""

    def __init__(self, call: str, order: str, stage: str) -> None:
        super().__init__(f"call {call} is {stage}: {order} is not possible now", code="not_in_this_state")


class NotRecorded(Refusal):
    """The order does not fit what is recorded of the call; ``code`` says why."""

    _WHY: Final = {
        "not_recorded": "is not recorded",
        "paused_already": "is recorded with a pause already",
        "not_paused": "is recorded without a pause",
        "recorded_already": "is recorded already",
        "not_on_demand": "is not recorded, or not, by people's wish: the policy decides",
        "no_talk": "has no talk to record now",
    }

    def __init__(self, call: str, code: str) -> None:
        super().__init__(f"call {call} {self._WHY[code]}", code=code)


class NobodyThere(Refusal):
    """Nobody has the number, or it may not be called."""

    def __init__(self, number: str) -> None:
        super().__init__(f"nobody can be called by {number[:40]!r}", code="nobody_there")


class NoSuchParty(NotFound):
    """Nobody on the call has this leg, or it is the caller's."""

    def __init__(self, leg: str) -> None:
        super().__init__(f"no party {leg} can leave the call", code="no_such_party")


class NotOnCall(Refusal):
    """The agent has no part in the call (any more)."""

    def __init__(self, call: str, agent: str) -> None:
        super().__init__(f"agent {agent} is not on call {call} any more", code="not_on_call")


class TooManyParties(Refusal):
    """The conference is full."""

    def __init__(self, call: str, most: int) -> None:
        super().__init__(f"call {call} has {most} parties: that is the most", code="too_many_parties")


class QueueClosed(Refusal):
    """The call cannot wait in that queue; ``code`` says why, as the ACD does."""

    def __init__(self, queue: str, reason: str) -> None:
        super().__init__(f"queue {queue} takes no call now: {reason}", code=reason)


class NoSuchContact(NotFound):
    """The contact named does not exist, or is not for this user."""

    def __init__(self, contact: str) -> None:
        super().__init__(f"there is no contact {contact}", code="no_such_contact")
