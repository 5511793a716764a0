"""The tables of the four transaction machines of RFC 3261 section 17, with the Accepted states of RFC 6026.

A machine is a table: (state, cue) → (next state, what to do). A cue is a message of the peer, a response of the
transaction user, a timer that fired, or a transport failure. :mod:`gateway.sip.transactions` executes them.

Timers (RFC 3261 table 4, RFC 6026): A, E, G repeat a message on unreliable transports; B, F, H give up; D, I, J,
K absorb repetitions; L and M keep accepted INVITE transactions for repeated INVITEs and 2xx.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Final, TypeAlias


class State(StrEnum):
    """States of all four machines."""

    CALLING = "calling"
    TRYING = "trying"
    PROCEEDING = "proceeding"
    ACCEPTED = "accepted"
    COMPLETED = "completed"
    CONFIRMED = "confirmed"
    TERMINATED = "terminated"


class Cue(StrEnum):
    """What can happen to a transaction."""

    PROVISIONAL = "1xx"
    SUCCESS = "2xx"
    FAILURE = "3xx-6xx"
    REQUEST = "request again"
    ACK = "ACK"
    TRANSPORT_FAILED = "transport failed"
    A = "timer A"
    B = "timer B"
    D = "timer D"
    E = "timer E"
    F = "timer F"
    G = "timer G"
    H = "timer H"
    I = "timer I"  # noqa: E741  the RFC's name
    J = "timer J"
    K = "timer K"
    L = "timer L"
    M = "timer M"


class Do(StrEnum):
    """What a transition does."""

    REPEAT = "send the last message again"
    SEND = "send what the user gave"
    SEND_ACK = "send ACK"
    TELL = "pass the message up"
    TELL_TIMEOUT = "tell that it timed out"
    TELL_FAILURE = "tell that the transport failed"


Rules: TypeAlias = Mapping[tuple[State, Cue], tuple[State, tuple[Do, ...]]]
_S, _C = State, Cue


@dataclass(frozen=True, slots=True)
class Machine:
    """One machine: its first state, its rules and the timers of its states."""

    name: str
    client: bool
    first: State
    rules: Rules
    timers: Mapping[State, tuple[Cue, ...]]


INVITE_CLIENT: Final = Machine(
    "INVITE client",
    True,
    _S.CALLING,
    {
        (_S.CALLING, _C.A): (_S.CALLING, (Do.REPEAT,)),
        (_S.CALLING, _C.B): (_S.TERMINATED, (Do.TELL_TIMEOUT,)),
        (_S.CALLING, _C.TRANSPORT_FAILED): (_S.TERMINATED, (Do.TELL_FAILURE,)),
        (_S.CALLING, _C.PROVISIONAL): (_S.PROCEEDING, (Do.TELL,)),
        (_S.CALLING, _C.SUCCESS): (_S.ACCEPTED, (Do.TELL,)),
        (_S.CALLING, _C.FAILURE): (_S.COMPLETED, (Do.SEND_ACK, Do.TELL)),
        (_S.PROCEEDING, _C.PROVISIONAL): (_S.PROCEEDING, (Do.TELL,)),
        (_S.PROCEEDING, _C.SUCCESS): (_S.ACCEPTED, (Do.TELL,)),
        (_S.PROCEEDING, _C.FAILURE): (_S.COMPLETED, (Do.SEND_ACK, Do.TELL)),
        (_S.PROCEEDING, _C.TRANSPORT_FAILED): (_S.TERMINATED, (Do.TELL_FAILURE,)),
        (_S.PROCEEDING, _C.B): (
            _S.TERMINATED,
            (Do.TELL_TIMEOUT,),
        ),  # CANCEL (9.1), lost connection
        (_S.COMPLETED, _C.FAILURE): (_S.COMPLETED, (Do.SEND_ACK,)),
        (_S.COMPLETED, _C.TRANSPORT_FAILED): (_S.TERMINATED, ()),
        (_S.COMPLETED, _C.D): (_S.TERMINATED, ()),
        (_S.ACCEPTED, _C.SUCCESS): (_S.ACCEPTED, (Do.TELL,)),
        (_S.ACCEPTED, _C.M): (_S.TERMINATED, ()),
    },
    {_S.CALLING: (_C.A, _C.B), _S.COMPLETED: (_C.D,), _S.ACCEPTED: (_C.M,)},
)

NON_INVITE_CLIENT: Final = Machine(
    "non-INVITE client",
    True,
    _S.TRYING,
    {
        (_S.TRYING, _C.E): (_S.TRYING, (Do.REPEAT,)),
        (_S.TRYING, _C.F): (_S.TERMINATED, (Do.TELL_TIMEOUT,)),
        (_S.TRYING, _C.TRANSPORT_FAILED): (_S.TERMINATED, (Do.TELL_FAILURE,)),
        (_S.TRYING, _C.PROVISIONAL): (_S.PROCEEDING, (Do.TELL,)),
        (_S.TRYING, _C.SUCCESS): (_S.COMPLETED, (Do.TELL,)),
        (_S.TRYING, _C.FAILURE): (_S.COMPLETED, (Do.TELL,)),
        (_S.PROCEEDING, _C.E): (_S.PROCEEDING, (Do.REPEAT,)),
        (_S.PROCEEDING, _C.F): (_S.TERMINATED, (Do.TELL_TIMEOUT,)),
        (_S.PROCEEDING, _C.TRANSPORT_FAILED): (_S.TERMINATED, (Do.TELL_FAILURE,)),
        (_S.PROCEEDING, _C.PROVISIONAL): (_S.PROCEEDING, (Do.TELL,)),
        (_S.PROCEEDING, _C.SUCCESS): (_S.COMPLETED, (Do.TELL,)),
        (_S.PROCEEDING, _C.FAILURE): (_S.COMPLETED, (Do.TELL,)),
        (_S.COMPLETED, _C.K): (_S.TERMINATED, ()),
    },
    {_S.TRYING: (_C.E, _C.F), _S.PROCEEDING: (_C.E, _C.F), _S.COMPLETED: (_C.K,)},
)

INVITE_SERVER: Final = Machine(
    "INVITE server",
    False,
    _S.PROCEEDING,
    {
        (_S.PROCEEDING, _C.REQUEST): (_S.PROCEEDING, (Do.REPEAT,)),
        (_S.PROCEEDING, _C.PROVISIONAL): (_S.PROCEEDING, (Do.SEND,)),
        (_S.PROCEEDING, _C.SUCCESS): (_S.ACCEPTED, (Do.SEND,)),
        (_S.PROCEEDING, _C.FAILURE): (_S.COMPLETED, (Do.SEND,)),
        (_S.PROCEEDING, _C.TRANSPORT_FAILED): (_S.TERMINATED, (Do.TELL_FAILURE,)),
        (_S.COMPLETED, _C.REQUEST): (_S.COMPLETED, (Do.REPEAT,)),
        (_S.COMPLETED, _C.G): (_S.COMPLETED, (Do.REPEAT,)),
        (_S.COMPLETED, _C.ACK): (_S.CONFIRMED, ()),
        (_S.COMPLETED, _C.H): (_S.TERMINATED, ()),
        (_S.COMPLETED, _C.TRANSPORT_FAILED): (_S.TERMINATED, ()),
        (_S.CONFIRMED, _C.I): (_S.TERMINATED, ()),
        (_S.ACCEPTED, _C.SUCCESS): (_S.ACCEPTED, (Do.SEND,)),
        (_S.ACCEPTED, _C.ACK): (_S.ACCEPTED, (Do.TELL,)),
        (_S.ACCEPTED, _C.L): (_S.TERMINATED, ()),
    },
    {_S.COMPLETED: (_C.G, _C.H), _S.CONFIRMED: (_C.I,), _S.ACCEPTED: (_C.L,)},
)

NON_INVITE_SERVER: Final = Machine(
    "non-INVITE server",
    False,
    _S.TRYING,
    {
        (_S.TRYING, _C.PROVISIONAL): (_S.PROCEEDING, (Do.SEND,)),
        (_S.TRYING, _C.SUCCESS): (_S.COMPLETED, (Do.SEND,)),
        (_S.TRYING, _C.FAILURE): (_S.COMPLETED, (Do.SEND,)),
        (_S.TRYING, _C.TRANSPORT_FAILED): (_S.TERMINATED, (Do.TELL_FAILURE,)),
        (_S.PROCEEDING, _C.REQUEST): (_S.PROCEEDING, (Do.REPEAT,)),
        (_S.PROCEEDING, _C.PROVISIONAL): (_S.PROCEEDING, (Do.SEND,)),
        (_S.PROCEEDING, _C.SUCCESS): (_S.COMPLETED, (Do.SEND,)),
        (_S.PROCEEDING, _C.FAILURE): (_S.COMPLETED, (Do.SEND,)),
        (_S.PROCEEDING, _C.TRANSPORT_FAILED): (_S.TERMINATED, (Do.TELL_FAILURE,)),
        (_S.COMPLETED, _C.REQUEST): (_S.COMPLETED, (Do.REPEAT,)),
        (_S.COMPLETED, _C.J): (_S.TERMINATED, ()),
    },
    {_S.COMPLETED: (_C.J,)},
)

MACHINES: Final = (INVITE_CLIENT, NON_INVITE_CLIENT, INVITE_SERVER, NON_INVITE_SERVER)

#: Timers that repeat a message, and those that only absorb repetitions: none of them on reliable transports.
REPEATING_TIMERS: Final = frozenset({_C.A, _C.E, _C.G})
ABSORBING_TIMERS: Final = frozenset({_C.D, _C.I, _C.J, _C.K})


def drawn(machine: Machine) -> str:
    """The machine as a table for people: state, cue, next state, actions."""
    rows = [
        f"{state:<11} {cue:<17} → {after:<11} {', '.join(actions)}".rstrip()
        for (state, cue), (after, actions) in machine.rules.items()
    ]
    return "\n".join([machine.name, *rows])
