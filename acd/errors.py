"""Errors of the ACD.

::

    Refusal
    ├── IllegalSetting      an agent or queue is defined against the rules
    ├── IllegalState        a state that nobody can ask for
    ├── SeatTaken           somebody else is signed in at the seat
    ├── AlreadySignedIn     the agent is signed in at another seat
    ├── AgentBusy           not possible while the agent has a contact
    ├── NotSignedIn         the agent is not signed in
    ├── NoWrapUp            the agent is in no wrap-up
    ├── WrapUpTooLong       a wrap-up has been given all the time that it may take
    ├── PhoneAway           the agent's phone cannot ring
    ├── InUse               others name what is to be removed
    ├── NoCallBack          no call-back can be promised: no such number, too many, the queue makes none
    └── NotFound
        ├── UnknownAgent
        ├── UnknownContact
        ├── UnknownCallBack
        ├── UnknownSetting      no such calendar or skill
        ├── UnknownSeat
        └── UnknownQueue
    LocalMisuse
    ├── ContactPlaced       the contact has a place already
    └── IllegalTransition   the agent state machine has no such transition
    RemoteViolation
    └── BadSnapshot         the data are no snapshot of ours
"""

from __future__ import annotations

from ccplatform.contracts.words import AgentId, AgentState, ContactId, QueueId, SeatId
from ccplatform.kernel.errors import LocalMisuse, NotFound, Refusal, RemoteViolation


class IllegalSetting(Refusal):
    """A definition breaks a rule; the text names the thing, the field, the value and the rule."""

    def __init__(self, subject: str, field: str, value: object, rule: str) -> None:
        super().__init__(f"{subject}: {field} is {value!r}, but {rule}", code="illegal_setting", where=field)


class IllegalState(Refusal):
    """Only ready, not_ready and signed_out can be asked for."""

    def __init__(self, text: str) -> None:
        super().__init__(text, code="illegal_state")


class SeatTaken(Refusal):
    """One agent per seat."""

    def __init__(self, seat: SeatId, agent: AgentId | None) -> None:
        holder = f"agent {agent}" if agent is not None else "another agent"
        super().__init__(f"seat {seat} is taken by {holder}", code="seat_taken")


class AlreadySignedIn(Refusal):
    """One seat per agent."""

    def __init__(self, agent: AgentId, seat: SeatId | None) -> None:
        super().__init__(
            f"agent {agent} is signed in at seat {seat}; sign out there first", code="already_signed_in"
        )


class AgentBusy(Refusal):
    """The agent has a contact."""

    def __init__(self, agent: AgentId, state: AgentState) -> None:
        super().__init__(f"agent {agent} is {state}; this has to wait for the end of the call", code="agent_busy")


class NotSignedIn(Refusal):
    """The agent has no seat."""

    def __init__(self, agent: AgentId) -> None:
        super().__init__(f"agent {agent} is not signed in", code="not_signed_in")


class NoWrapUp(Refusal):
    """There is no after-call work to extend or to finish."""

    def __init__(self, agent: AgentId) -> None:
        super().__init__(f"agent {agent} is in no wrap-up", code="no_wrap_up")


class WrapUpTooLong(Refusal):
    """The longest wrap-up is a setting."""

    def __init__(self, agent: AgentId, longest: float) -> None:
        super().__init__(
            f"agent {agent}: a wrap-up may last {longest:g} seconds, and no more is left to give",
            code="wrap_up_too_long",
        )


class PhoneAway(Refusal):
    """The agent's phone cannot ring."""

    def __init__(self, agent: AgentId) -> None:
        super().__init__(f"the phone of agent {agent} cannot be reached", code="phone_away")


class InUse(Refusal):
    """What others name cannot be removed; the text names them (the first ten)."""

    def __init__(self, setting: str, name: str, users: list[str]) -> None:
        more = f" and {len(users) - 10} more" if len(users) > 10 else ""
        super().__init__(f"{setting} {name} is needed by {', '.join(users[:10])}{more}", code="in_use")


class UnknownSetting(NotFound):
    """No such calendar or skill is configured."""

    def __init__(self, setting: str, name: str) -> None:
        super().__init__(f"there is no {setting} {name}")


class NoCallBack(Refusal):
    """The call-back cannot be promised; the text says why."""

    def __init__(self, text: str) -> None:
        super().__init__(text, code="no_call_back")


class UnknownCallBack(NotFound):
    """No such promise is open."""

    def __init__(self, call_back: str) -> None:
        super().__init__(f"there is no open call-back {call_back}")


class UnknownContact(NotFound):
    """No such contact waits."""

    def __init__(self, contact: ContactId) -> None:
        super().__init__(f"no contact {contact} is waiting")


class UnknownAgent(NotFound):
    """No such agent is configured."""

    def __init__(self, agent: AgentId) -> None:
        super().__init__(f"there is no agent {agent}")


class UnknownSeat(NotFound):
    """No such seat is configured."""

    def __init__(self, seat: SeatId) -> None:
        super().__init__(f"there is no seat {seat}")


class UnknownQueue(NotFound):
    """No such queue is configured."""

    def __init__(self, queue: QueueId) -> None:
        super().__init__(f"there is no queue {queue}")


class ContactPlaced(LocalMisuse):
    """A contact is in one place at most."""

    def __init__(self, contact: ContactId, queue: QueueId, phase: str) -> None:
        super().__init__(f"contact {contact} is {phase} in queue {queue} already; withdraw it first")


class IllegalTransition(LocalMisuse):
    """The transition table does not have it."""

    def __init__(self, agent: AgentId, state: AgentState, wanted: AgentState) -> None:
        super().__init__(f"agent {agent} cannot go from {state} to {wanted}")


class BadSnapshot(RemoteViolation):
    """The data do not describe a state of this engine."""
