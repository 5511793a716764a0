"""What people configure: agents with skills, and queues. A definition that breaks a rule cannot be made."""

from __future__ import annotations

import math
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import NamedTuple

from acd.errors import IllegalSetting
from acd.skills import LEVELS, Need, SkillId, at_least, both, parse, skills_of
from ccplatform.contracts.routing import names_file
from ccplatform.contracts.words import AgentId, QueueId

#: Priorities of contacts: 10 is the most urgent.
PRIORITIES = range(1, 11)
#: A queue's weight is added to the priority of its contacts.
WEIGHTS = range(-10, 11)
#: What an agent can do at one time, and what one contact may take of it.
CAPACITY, CAPACITIES = 100, range(5, 101)
#: Places of agents in lists that are gone through from the top.
POSITIONS = range(1, 10_001)
#: Longest id, name and reason, characters.
MAX_ID, MAX_NAME, MAX_REASON, MAX_WHISPER = 64, 128, 64, 100
#: Most skills of one agent, rings of one queue, agents rung at one time for one contact.
MAX_SKILLS, MAX_RINGS, MAX_RUNG = 100, 10, 50

#: Telephone numbers that can be dialled.
NUMBER = re.compile(r"\+?[0-9*#]{2,32}")

_ID = re.compile(r"[\w.\-]+")


class Strategy(StrEnum):
    """Which of the free agents gets the contact; the exact orders are in :mod:`acd.strategies`."""

    LONGEST_IDLE = "longest_idle"
    ROUND_ROBIN = "round_robin"
    TOP_DOWN = "top_down"
    FEWEST_CALLS = "fewest_calls"
    LEAST_TALK_TIME = "least_talk_time"
    LEAST_OCCUPIED = "least_occupied"
    RANDOM = "random"
    WEIGHTED_RANDOM = "weighted_random"
    BEST_SKILL = "best_skill"
    RING_ALL = "ring_all"
    RING_PROGRESSIVELY = "ring_progressively"


#: Strategies that ring several agents for one contact.
RINGS_MANY = frozenset({Strategy.RING_ALL, Strategy.RING_PROGRESSIVELY})


class Requirement(NamedTuple):
    """What an agent needs to take contacts, how one is picked among those who have it, what a contact takes.

    Queues with equal requirements share their free agents' order, and the memory of round robin. ``skill`` is the
    one whose level *best skill* and *weighted random* go by.
    """

    need: Need
    skill: SkillId
    strategy: Strategy
    capacity: int
    gives_way: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class Ring:
    """From this age of a contact on, agents who meet this expression may take it, too."""

    after_seconds: float
    requires: str


class OverflowCause(StrEnum):
    """Why a contact cannot wait, or wait on, in its queue."""

    FULL = "full"
    MAX_WAIT = "max_wait"
    NOBODY = "nobody"  # signed in who could ever take it
    CLOSED = "closed"


class TargetKind(StrEnum):
    """What a contact overflows to; the ACD itself carries out ``queue``, call control the others."""

    QUEUE = "queue"
    FLOW = "flow"
    VOICE_MAIL = "voice_mail"
    NUMBER = "number"


@dataclass(frozen=True, slots=True, kw_only=True)
class Overflow:
    """Where contacts go for one cause."""

    cause: OverflowCause
    kind: TargetKind
    to: str


class First(StrEnum):
    """Whose phone rings first when a promise is kept."""

    AGENT = "agent"
    CUSTOMER = "customer"


@dataclass(frozen=True, slots=True, kw_only=True)
class CallBackRules:
    """How the call-backs that a queue promises are made. Raises IllegalSetting by way of its queue.

    Over ``trunk`` ('': by the route of the number), showing ``caller``. A customer's phone rings for
    ``ring_seconds``, at most ``attempts`` times with ``pause_seconds`` in between, until ``expire_seconds``
    after the promise, while ``calendar`` is open ('': the queue's). Numbers must begin with one of ``prefixes``
    (none: any will do), lest callers have us dial what costs.
    """

    trunk: str = ""
    first: First = First.AGENT
    caller: str = ""
    attempts: int = 3
    pause_seconds: float = 300.0
    ring_seconds: float = 40.0
    expire_seconds: float = 86_400.0
    calendar: str = ""
    prefixes: tuple[str, ...] = ()

    def check(self, subject: str) -> None:
        """Raise IllegalSetting for what cannot be."""
        if self.trunk:
            check_id(subject, "call_back.trunk", self.trunk)
        if self.caller and not NUMBER.fullmatch(self.caller):
            raise IllegalSetting(subject, "call_back.caller", self.caller, "it must be a telephone number")
        check_whole(subject, "call_back.attempts", self.attempts, range(1, 21))
        _check_number(subject, "call_back.pause_seconds", self.pause_seconds, 10, 86_400)
        _check_number(subject, "call_back.ring_seconds", self.ring_seconds, 5, 120)
        _check_number(subject, "call_back.expire_seconds", self.expire_seconds, 60, 30 * 86_400)
        if self.calendar:
            check_id(subject, "call_back.calendar", self.calendar)
        for prefix in self.prefixes:
            if not re.fullmatch(r"\+?[0-9]{1,16}", prefix):
                raise IllegalSetting(subject, "call_back.prefixes", prefix, "a prefix is digits, + before them")


@dataclass(frozen=True, slots=True, kw_only=True)
class Agent:
    """A person (工号). ``skills`` gives a level from 1 to 10 to each skill; ``position`` is the place in lists
    that are gone through from the top (1 first). Raises IllegalSetting.
    """

    id: AgentId
    name: str
    team: str = ""
    skills: Mapping[SkillId, int] = field(default_factory=dict)
    position: int = 1000

    def __post_init__(self) -> None:
        subject = f"agent {self.id}"
        check_id(subject, "id", self.id)
        check_name(subject, "name", self.name)
        if len(self.team) > MAX_NAME:
            raise IllegalSetting(subject, "team", self.team, f"it may have at most {MAX_NAME} characters")
        if len(self.skills) > MAX_SKILLS:
            raise IllegalSetting(subject, "skills", len(self.skills), f"an agent has at most {MAX_SKILLS}")
        for skill, level in self.skills.items():
            check_id(subject, "skills", skill)
            check_whole(subject, f"skills.{skill}", level, LEVELS)
        check_whole(subject, "position", self.position, POSITIONS)


@dataclass(frozen=True, slots=True, kw_only=True)
class Queue:
    """Where contacts wait for agents who have ``skill`` at ``min_level`` or above. Raises IllegalSetting.

    ``requires`` is a skill expression that they must meet besides; ``rings`` open the queue to further agents as
    a contact grows older. ``ring_seconds`` is the lease of an offer, ``wrap_up_seconds`` the after-call time (0:
    none), ``weight`` is added to the priorities of the queue's contacts, ``service_level_ratio`` of all contacts
    should be answered within ``service_level_seconds``; ``music`` is a file name in the prompt folder, '' the
    default music; ``whisper`` ('': none) is told to the agent alone at his answer: a text, or a file ``*.wav`` of
    that folder; ``after_talk`` ('': none) is the flow that has a caller whose agent hangs up first, such as a
    survey. ``rung_at_most`` agents ring together where the strategy rings many, one more each
    ``ring_more_seconds`` where it does so progressively.

    A contact takes ``capacity`` of an agent's 100; one that ``gives_way`` (an e-mail) takes nothing from the room
    for contacts that do not. ``max_wait_seconds`` (0: none) and ``overflows`` say when contacts go elsewhere,
    ``calendar`` (''; always open) names the opening hours; ``call_back`` (None: it promises none) how the
    call-backs that it promises are made.
    """

    id: QueueId
    name: str
    skill: SkillId
    min_level: int = 1
    requires: str = ""
    rings: tuple[Ring, ...] = ()
    strategy: Strategy = Strategy.LONGEST_IDLE
    ring_seconds: float = 20.0
    rung_at_most: int = 10
    ring_more_seconds: float = 5.0
    wrap_up_seconds: float = 10.0
    weight: int = 0
    capacity: int = CAPACITY
    gives_way: bool = False
    service_level_seconds: float = 20.0
    service_level_ratio: float = 0.8
    max_waiting: int = 1000
    max_wait_seconds: float = 0.0
    overflows: tuple[Overflow, ...] = ()
    calendar: str = ""
    music: str = ""
    whisper: str = ""
    after_talk: str = ""
    call_back: CallBackRules | None = None

    def __post_init__(self) -> None:
        subject = f"queue {self.id}"
        check_id(subject, "id", self.id)
        check_name(subject, "name", self.name)
        check_id(subject, "skill", self.skill)
        check_whole(subject, "min_level", self.min_level, LEVELS)
        if not isinstance(self.strategy, Strategy):
            raise IllegalSetting(subject, "strategy", self.strategy, f"it must be one of {', '.join(Strategy)}")
        _check_number(subject, "ring_seconds", self.ring_seconds, 1, 600)
        check_whole(subject, "rung_at_most", self.rung_at_most, range(1, MAX_RUNG + 1))
        _check_number(subject, "ring_more_seconds", self.ring_more_seconds, 1, 600)
        _check_number(subject, "wrap_up_seconds", self.wrap_up_seconds, 0, 3600)
        check_whole(subject, "weight", self.weight, WEIGHTS)
        check_whole(subject, "capacity", self.capacity, CAPACITIES)
        _check_number(subject, "service_level_seconds", self.service_level_seconds, 1, 3600)
        _check_number(subject, "service_level_ratio", self.service_level_ratio, 0, 1)
        check_whole(subject, "max_waiting", self.max_waiting, range(1, 100_001))
        _check_number(subject, "max_wait_seconds", self.max_wait_seconds, 0, 86_400)
        if self.calendar:
            check_id(subject, "calendar", self.calendar)
        if self.call_back is not None:
            self.call_back.check(subject)
        if self.music:
            _check_file_name(subject, "music", self.music)
        if self.after_talk:
            check_id(subject, "after_talk", self.after_talk)
        self._check_whisper(subject)
        self._check_rings(subject)
        self._check_overflows(subject)

    def _check_whisper(self, subject: str) -> None:
        if names_file(self.whisper):
            _check_file_name(subject, "whisper", self.whisper)
        elif len(self.whisper) > MAX_WHISPER or not self.whisper.isprintable() or self.whisper.isspace():
            rule = f"it must be a text of at most {MAX_WHISPER} printable characters, or a file that ends in .wav"
            raise IllegalSetting(subject, "whisper", self.whisper, rule)

    def _check_rings(self, subject: str) -> None:
        if self.strategy in RINGS_MANY and self.capacity < CAPACITY:
            raise IllegalSetting(subject, "capacity", self.capacity, f"{self.strategy} needs {CAPACITY}")
        if len(self.rings) > MAX_RINGS:
            raise IllegalSetting(subject, "rings", len(self.rings), f"a queue has at most {MAX_RINGS}")
        before = 0.0
        for ring in self.rings:
            _check_number(subject, "rings.after_seconds", ring.after_seconds, 1, 86_400)
            if ring.after_seconds <= before:
                raise IllegalSetting(subject, "rings.after_seconds", ring.after_seconds, "rings open one by one")
            before = ring.after_seconds
        if self.max_wait_seconds and before >= self.max_wait_seconds:
            rule = f"nobody waits for longer than max_wait_seconds, {self.max_wait_seconds:g}"
            raise IllegalSetting(subject, "rings.after_seconds", before, rule)
        requirements = self.requirements()  # raises IllegalSetting for an expression that cannot be read
        if len(set(requirements)) < len(requirements):
            raise IllegalSetting(
                subject, "rings", len(self.rings), "each ring must open the queue to somebody else"
            )

    def _check_overflows(self, subject: str) -> None:
        causes = [overflow.cause for overflow in self.overflows]
        if OverflowCause.MAX_WAIT in causes and not self.max_wait_seconds:
            raise IllegalSetting(subject, "max_wait_seconds", 0, "there is an overflow for max_wait")
        if OverflowCause.CLOSED in causes and not self.calendar:
            raise IllegalSetting(subject, "calendar", "", "there is an overflow for closed")
        for overflow in self.overflows:
            check_id(subject, f"overflows.{overflow.cause}", overflow.to)
            if causes.count(overflow.cause) > 1:
                raise IllegalSetting(subject, "overflows", overflow.cause, "a cause has one target")
            if overflow.kind is TargetKind.QUEUE and overflow.to == self.id:
                raise IllegalSetting(subject, f"overflows.{overflow.cause}", overflow.to, "it is the queue itself")

    def requirements(self) -> tuple[Requirement, ...]:
        """What an agent needs for this queue: from the start, and from each ring on."""
        need = at_least(self.skill, self.min_level)
        if self.requires:
            need = both(need, parse(self.requires))
        return tuple(
            Requirement(need, self.skill, self.strategy, self.capacity, self.gives_way)
            for need in (need, *(parse(ring.requires) for ring in self.rings))
        )

    def needs_skill(self, skill: str) -> bool:
        """Whether the skill plays a part in who takes its contacts."""
        return skill == self.skill or any(skill in skills_of(one.need) for one in self.requirements())

    def calendars(self) -> frozenset[str]:
        """The calendars that it goes by."""
        calling = self.call_back.calendar if self.call_back is not None else ""
        return frozenset({self.calendar, calling} - {""})

    def overflows_to(self, queue: str) -> bool:
        """Whether contacts go on to this queue."""
        return any(over.kind is TargetKind.QUEUE and over.to == queue for over in self.overflows)

    def overflow(self, cause: OverflowCause) -> Overflow | None:
        """Where contacts go for this cause; None: nowhere."""
        return next((overflow for overflow in self.overflows if overflow.cause is cause), None)


def check_reason(agent: AgentId, reason: str) -> None:
    """A reason for not being ready is a short line of printable text; raises IllegalSetting."""
    if len(reason) > MAX_REASON or not reason.isprintable():
        raise IllegalSetting(
            f"agent {agent}", "reason", reason[:MAX_REASON], f"it is at most {MAX_REASON} printable characters"
        )


def check_id(subject: str, name: str, value: str) -> None:
    """Raise IllegalSetting unless the value can be an id."""
    if len(value) > MAX_ID or not _ID.fullmatch(value):
        rule = f"an id has 1 to {MAX_ID} letters, digits, dots, hyphens and underscores"
        raise IllegalSetting(subject[: MAX_ID + 6], name, value[:MAX_ID], rule)


def check_name(subject: str, name: str, value: str) -> None:
    """Raise IllegalSetting unless people can read the value as a name."""
    if not value.strip() or len(value) > MAX_NAME or not value.isprintable():
        raise IllegalSetting(subject, name, value[:MAX_NAME], f"it needs 1 to {MAX_NAME} printable characters")


def check_whole(subject: str, name: str, value: int, allowed: range) -> None:
    """Raise IllegalSetting unless the value is one of the allowed whole numbers."""
    if isinstance(value, bool) or not isinstance(value, int) or value not in allowed:
        raise IllegalSetting(subject, name, value, f"it must be a whole number from {allowed[0]} to {allowed[-1]}")


def _check_file_name(subject: str, name: str, value: str) -> None:
    if len(value) > MAX_NAME or value.startswith(".") or set(value) & set("/\\\0"):
        raise IllegalSetting(subject, name, value[:MAX_NAME], "it must be a plain file name")


def _check_number(subject: str, name: str, value: float, low: float, high: float) -> None:
    if isinstance(value, bool) or not isinstance(value, int | float) or not math.isfinite(value):
        raise IllegalSetting(subject, name, value, "it must be a number")
    if not low <= value <= high:
        raise IllegalSetting(subject, name, value, f"it must be from {low} to {high}")
