"""Ids and closed word lists that every package shares.

Ids of things that happen (contacts, calls, legs, recordings) are UUIDv7 strings; ids of things that people
configure (agents 工号, seats 座席号, queues, trunks) are the short names they gave.
"""

from __future__ import annotations

from enum import StrEnum
from typing import NewType

TenantId = NewType("TenantId", str)
ContactId = NewType("ContactId", str)
CallId = NewType("CallId", str)
LegId = NewType("LegId", str)
PlaybackId = NewType("PlaybackId", str)
RecordingId = NewType("RecordingId", str)
AgentId = NewType("AgentId", str)
SeatId = NewType("SeatId", str)
QueueId = NewType("QueueId", str)
TrunkId = NewType("TrunkId", str)
FlowId = NewType("FlowId", str)
Mailbox = NewType("Mailbox", str)  # 'queue:<id>' or 'agent:<id>': whose messages they are

#: The tenant of a single-tenant installation.
DEFAULT_TENANT = TenantId("default")


class Channel(StrEnum):
    """What kind of contact it is; further channels come with their gateways."""

    VOICE = "voice"


class Direction(StrEnum):
    """Seen from the centre."""

    INBOUND = "inbound"
    OUTBOUND = "outbound"
    INTERNAL = "internal"


class LegRole(StrEnum):
    """What a leg is in its call."""

    CALLER = "caller"
    AGENT = "agent"
    SUPERVISOR = "supervisor"  # listens to a talk, or speaks into it
    PARTY = "party"  # reached through a trunk or another seat by a transfer


class PartyAct(StrEnum):
    """What can be done with somebody who was called about a caller."""

    COMPLETE = "complete"  # the caller is his
    CANCEL = "cancel"  # he is let go
    SWAP = "swap"  # the one waits, the other is talked with
    CONFERENCE = "conference"  # all talk with one another


class Supervision(StrEnum):
    """What a supervisor does with a talk."""

    MONITOR = "monitor"  # hears both, is heard by nobody
    WHISPER = "whisper"  # is heard by the agent, too
    BARGE = "barge"  # is heard by both
    TAKE_OVER = "take_over"  # the caller is his


class RecordingAct(StrEnum):
    """What somebody does with the recording of a talk."""

    PAUSE = "pause"  # what is said now is for nobody's ears later
    RESUME = "resume"
    START = "start"  # where the policy leaves it to people
    STOP = "stop"


class AgentState(StrEnum):
    """The states of `interface.md`."""

    SIGNED_OUT = "signed_out"
    NOT_READY = "not_ready"
    READY = "ready"
    RESERVED = "reserved"
    TALKING = "talking"
    HELD = "held"
    WRAP_UP = "wrap_up"


class ReleaseCause(StrEnum):
    """Why a leg ended or could not begin; the edge maps it to and from SIP and Q.850."""

    NORMAL = "normal"
    ELSEWHERE = "elsewhere"  # somebody else who was rung answered
    CANCELLED = "cancelled"  # the calling side gave up before the answer
    BUSY = "busy"
    NO_ANSWER = "no_answer"
    REJECTED = "rejected"
    FORBIDDEN = "forbidden"  # who calls may not call this number
    UNREACHABLE = "unreachable"  # no registration, no route, no reply
    NOT_FOUND = "not_found"  # nobody has this number
    INCOMPATIBLE = "incompatible"  # no common codec or unusable offer
    MEDIA_LOST = "media_lost"  # the party's audio stopped for good
    OVERLOAD = "overload"
    UNAVAILABLE = "unavailable"  # something of ours is away (no worker, draining, journal full)
    TIMEOUT = "timeout"
    FAILED = "failed"  # any other fault on our side


#: Causes that lie in the access network or the user, not in the centre (left out of 10.3.2 failures).
ACCESS_CAUSES = frozenset({ReleaseCause.MEDIA_LOST, ReleaseCause.CANCELLED})


class Outcome(StrEnum):
    """How a contact ended; every contact ends in exactly one."""

    HANDLED = "handled"  # an agent talked with the caller
    SELF_SERVICE = "self_service"  # the flow did what the caller came for
    TRANSFERRED = "transferred"  # connected to a trunk or a number outside
    CALL_BACK = "call_back"  # the caller left a request to be called back
    VOICE_MAIL = "voice_mail"  # the caller left a message
    ABANDONED_IVR = "abandoned_ivr"
    ABANDONED_QUEUE = "abandoned_queue"
    ABANDONED_BEFORE_ANSWER = "abandoned_before_answer"
    NOT_REACHED = "not_reached"  # called by us, he did not answer
    BUSY = "busy"  # called by us, he was on another call
    REFUSED = "refused"  # never let in: overload, no such number, unavailable
    FAILED = "failed"  # a system fault ended it


class FlowOutcome(StrEnum):
    """How an IVR session ended; ``FAILED`` alone is a failure of the IVR (R10.3.1.5)."""

    COMPLETED = "completed"  # reached its end or handed the caller on
    ABANDONED = "abandoned"  # the caller hung up early: left out
    FAILED = "failed"  # a system cause


class OfferEnd(StrEnum):
    """How an offer to an agent ended."""

    ANSWERED = "answered"
    NO_ANSWER = "no_answer"
    REJECTED = "rejected"
    UNREACHABLE = "unreachable"
    CALLER_LEFT = "caller_left"
    WITHDRAWN = "withdrawn"


class Severity(StrEnum):
    """Alarm levels of R10.4.c."""

    URGENT = "urgent"
    NON_URGENT = "non_urgent"


class Role(StrEnum):
    """Roles of people; every route names those that may use it."""

    AGENT = "agent"
    SUPERVISOR = "supervisor"
    AUDITOR = "auditor"
    MAINTAINER = "maintainer"
    ADMIN = "admin"


class RecordingMode(StrEnum):
    """Why it is recorded (R10.1.f)."""

    FULL = "full"
    SCHEDULED = "scheduled"
    RANDOM = "random"
    ON_DEMAND = "on_demand"
    NEVER = "never"
    MESSAGE = "message"  # a message that a caller left: by no rule, but because he wanted to


class MessageState(StrEnum):
    """How far a message that a caller left has come."""

    NEW = "new"  # nobody heard it
    HEARD = "heard"
    HANDLED = "handled"
    DELETED = "deleted"  # in no mailbox any more; its recording is kept until its retention is over


class MysteryFate(StrEnum):
    """How a mystery call ended."""

    COMPLETED = "completed"
    REFUSED = "refused"  # not answered: a status of 300 and above, or nothing at all
    SILENT = "silent"  # answered, and no voice
    FAILED = "failed"  # a later step did not come about
