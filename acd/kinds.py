"""What people configure of the ACD, as kinds of settings: agents, teams, skills, queues, calendars and so on.

A change is checked, committed and in force when it is answered; contacts that wait keep their places. What breaks
a rule is refused with the thing, the field, the value and the rule. A skill group is what a queue needs
(``skill``, ``min_level``, ``requires``, ``rings``): queues with the same needs share one.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import date, time
from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field

from acd.calendars import MAX_DAYS, MAX_SPANS
from acd.model import MAX_ID, MAX_NAME, MAX_WHISPER, First, OverflowCause, Strategy, TargetKind
from acd.named import MAX_QUEUES
from acd.settings_store import SettingsStore
from acd.skills import MAX_TEXT
from ccplatform.configuration.kind import Document, Kind, Users
from ccplatform.contracts.commands import Configure, Setting
from ccplatform.contracts.ports import Control
from ccplatform.contracts.words import Role
from ccplatform.operations.orders import tell

_READERS = (Role.SUPERVISOR, Role.ADMIN, Role.AUDITOR)
_CHANGERS = (Role.SUPERVISOR, Role.ADMIN)

_Name = Annotated[str, Field(min_length=1, max_length=MAX_NAME)]
_Id = Annotated[str, Field(min_length=1, max_length=MAX_ID)]


class _Model(BaseModel):
    model_config = ConfigDict(extra="forbid")


class AgentDocument(_Model):
    """An agent; ``skills`` gives levels from 1 to 10."""

    name: _Name
    team: Annotated[str, Field(max_length=MAX_NAME)] = ""
    skills: Annotated[dict[_Id, int], Field(max_length=100)] = {}
    position: int = 1000


class SkillDocument(_Model):
    """A skill."""

    name: _Name


class TeamDocument(_Model):
    """Agents who belong together."""

    name: _Name


class ReasonDocument(_Model):
    """Why an agent is not ready; ``position`` is its place in lists."""

    name: _Name
    position: int = 1000


class DispositionDocument(_Model):
    """What a contact came to; for these queues, or for all."""

    name: _Name
    position: int = 1000
    queues: Annotated[list[_Id], Field(max_length=MAX_QUEUES)] = []


class RingDocument(_Model):
    """From this age of a contact on, agents who meet the expression may take it, too."""

    after_seconds: float
    requires: Annotated[str, Field(max_length=MAX_TEXT)]


class OverflowDocument(_Model):
    """Where contacts go for a cause."""

    cause: OverflowCause
    kind: TargetKind
    to: _Id


class CallBackDocument(_Model):
    """How the call-backs that the queue promises are made."""

    trunk: Annotated[str, Field(max_length=64, description="'': by the route of the number")] = ""
    first: First = First.AGENT
    caller: Annotated[str, Field(max_length=32)] = ""
    attempts: int = 3
    pause_seconds: float = 300.0
    ring_seconds: float = 40.0
    expire_seconds: float = 86_400.0
    calendar: Annotated[str, Field(max_length=MAX_ID)] = ""
    prefixes: Annotated[list[Annotated[str, Field(max_length=17)]], Field(max_length=100)] = []


class QueueDocument(_Model):
    """A queue; the page of the package `acd` says what the fields mean and what they may be."""

    name: _Name
    skill: _Id
    min_level: int = 1
    requires: Annotated[str, Field(max_length=MAX_TEXT)] = ""
    rings: Annotated[list[RingDocument], Field(max_length=10)] = []
    strategy: Strategy = Strategy.LONGEST_IDLE
    ring_seconds: float = 20.0
    rung_at_most: int = 10
    ring_more_seconds: float = 5.0
    wrap_up_seconds: float = 10.0
    weight: int = 0
    capacity: int = 100
    gives_way: bool = False
    service_level_seconds: float = 20.0
    service_level_ratio: float = 0.8
    max_waiting: int = 1000
    max_wait_seconds: float = 0.0
    overflows: Annotated[list[OverflowDocument], Field(max_length=4)] = []
    calendar: Annotated[str, Field(max_length=MAX_ID)] = ""
    music: Annotated[str, Field(max_length=MAX_NAME)] = ""
    whisper: Annotated[
        str,
        Field(
            max_length=MAX_WHISPER, description="Told to the agent alone at his answer: a text, or a file *.wav"
        ),
    ] = ""
    after_talk: Annotated[
        str,
        Field(
            max_length=MAX_ID,
            description="The flow that has a caller whose agent hangs up first, such as a survey",
        ),
    ] = ""
    call_back: CallBackDocument | None = None


class SpanDocument(_Model):
    """Open from ``start`` to ``end``, local time; an end not after the start is on the next day."""

    start: time
    end: time


_Spans = Annotated[list[SpanDocument], Field(max_length=MAX_SPANS)]


class CalendarDocument(_Model):
    """Opening hours: weekdays from 0 (Monday), single days (none: a holiday), days that work like a weekday."""

    zone: Annotated[str, Field(max_length=64)] = "Asia/Shanghai"
    week: Annotated[dict[Annotated[int, Field(ge=0, le=6)], _Spans], Field(max_length=7)] = {}
    days: Annotated[dict[date, _Spans], Field(max_length=MAX_DAYS)] = {}
    make_up_days: Annotated[dict[date, int], Field(max_length=MAX_DAYS)] = {}


class WantedCalendar(CalendarDocument):
    """A calendar, with the public holidays of the lists that are named; its own days count first."""

    holidays: Annotated[list[_Id], Field(max_length=20, examples=[["cn-2026"]])] = []


class AgentItem(AgentDocument):
    """A configured agent."""

    id: str


class SkillItem(SkillDocument):
    """A configured skill."""

    id: str


class QueueItem(QueueDocument):
    """A configured queue."""

    id: str


class CalendarItem(CalendarDocument):
    """A configured calendar."""

    id: str


class TeamItem(TeamDocument):
    """A configured team."""

    id: str


class ReasonItem(ReasonDocument):
    """A configured reason."""

    id: str


class DispositionItem(DispositionDocument):
    """A configured disposition."""

    id: str


class _Kept:
    """Reads from the database, changes through control: see :class:`~ccplatform.configuration.kind.Keeper`."""

    def __init__(self, setting: Setting, store: SettingsStore, control: Control) -> None:
        self._setting = setting
        self._store = store
        self._control = control

    async def all(self) -> Mapping[str, Document]:
        return await self._store.documents(self._setting)

    async def one(self, name: str) -> Document | None:
        return (await self._store.documents(self._setting, name)).get(name)

    async def save(self, name: str, document: Document, *, by: str, trial: bool) -> None:
        wanted = dict(document)
        await tell(self._control, Configure(setting=self._setting, id=name, document=wanted, by=by, trial=trial))

    async def remove(self, name: str, *, by: str) -> None:
        await tell(self._control, Configure(setting=self._setting, id=name, document=None, by=by))

    async def users(self, name: str) -> Sequence[str]:
        return await self._store.users(self._setting, name)


_KINDS: tuple[tuple[Setting, type[BaseModel], type[BaseModel]], ...] = (
    (Setting.AGENT, AgentDocument, AgentItem),
    (Setting.TEAM, TeamDocument, TeamItem),
    (Setting.SKILL, SkillDocument, SkillItem),
    (Setting.QUEUE, QueueDocument, QueueItem),
    (Setting.CALENDAR, WantedCalendar, CalendarItem),
    (Setting.REASON, ReasonDocument, ReasonItem),
    (Setting.DISPOSITION, DispositionDocument, DispositionItem),
)


def kinds(
    *, store: SettingsStore, control: Control, also: Mapping[Setting, tuple[Users, ...]] | None = None
) -> list[Kind]:
    """``configuration/agents`` and so on; ``also`` says what else names the items of a kind."""
    return [
        Kind(
            word=setting,
            path=f"configuration/{setting}s",
            wanted=wanted,
            item=item,
            keeper=_Kept(setting, store, control),
            readers=_READERS,
            changers=_CHANGERS,
            also=(also or {}).get(setting, ()),
        )
        for setting, wanted, item in _KINDS
    ]
