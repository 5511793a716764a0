"""Changes of agents, queues, skills and calendars while contacts wait: checked, committed, then in force.

What a change would leave dangling (a skill that agents have, a calendar or a queue that others name) is refused by
name; loops of overflow and contradictions are the definitions' own rules.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, TypeVar, assert_never

import msgspec

from acd.calendars import Calendar
from acd.errors import IllegalSetting, InUse, UnknownAgent, UnknownQueue, UnknownSetting
from acd.holidays import with_holidays
from acd.model import Agent, Queue, TargetKind, check_id
from acd.service import AcdService
from acd.skills import SkillId, skills_of
from acd.store import AcdStore, Stored
from ccplatform.contracts.commands import Answer, Configure, Done, Setting
from ccplatform.contracts.facts import AgentRemoved, AgentSaved, QueueRemoved, QueueSaved
from ccplatform.contracts.ports import Facts
from ccplatform.contracts.words import AgentId, QueueId

T = TypeVar("T")

#: Most characters of a skill's name.
MAX_NAME = 128


class Administration:
    """Carries out :class:`Configure`. Raises Refusal and Unavailable; then nothing was changed."""

    def __init__(self, *, acd: AcdService, store: AcdStore, facts: Facts) -> None:
        self._acd = acd
        self._store = store
        self._facts = facts

    async def configure(self, command: Configure) -> Answer:
        """Save or remove; the answer is empty."""
        if command.document is None:
            await self._remove(command.setting, command.id)
        else:
            await self._save(command.setting, command.id, {**command.document, "id": command.id})
        return Done()

    async def _save(self, setting: Setting, name: str, document: Mapping[str, Any]) -> None:
        match setting:
            case Setting.AGENT:
                agent = _read(setting, name, document, Agent)
                await self._acd.save_agent(agent)
                self._facts.record(saved_agent(agent))
            case Setting.QUEUE:
                queue = _read(setting, name, document, Queue)
                await self._acd.save_queue(queue)
                self._facts.record(saved_queue(queue))
            case Setting.CALENDAR:
                whole = with_holidays(dict(document), f"calendar {name}")
                await self._acd.save_calendar(_read(setting, name, whole, Calendar))
            case Setting.SKILL:
                await self._save_skill(name, document)
            case _:
                assert_never(setting)

    async def _save_skill(self, name: str, document: Mapping[str, Any]) -> None:
        subject, text = f"skill {name}", document.get("name")
        check_id(subject, "id", name)
        if not isinstance(text, str) or not text.strip() or len(text) > MAX_NAME or not text.isprintable():
            raise IllegalSetting(subject, "name", text, f"it needs 1 to {MAX_NAME} printable characters")
        await self._store.save_skill(SkillId(name), text)

    async def _remove(self, setting: Setting, name: str) -> None:
        stored = await self._store.load_all()
        match setting:
            case Setting.AGENT:
                agent = AgentId(name)
                if agent not in {known.id for known in stored.agents}:
                    raise UnknownAgent(agent)
                await self._acd.remove_agent(agent)
                self._facts.record(AgentRemoved(agent=agent))
            case Setting.QUEUE:
                queue = QueueId(name)
                if queue not in {known.id for known in stored.queues}:
                    raise UnknownQueue(queue)
                _check_unused(setting, name, _overflowing_to(stored, name))
                await self._acd.remove_queue(queue)
                self._facts.record(QueueRemoved(queue=queue))
            case Setting.CALENDAR:
                if name not in {known.id for known in stored.calendars}:
                    raise UnknownSetting(setting, name)
                _check_unused(setting, name, _open_by(stored, name))
                await self._acd.remove_calendar(name)
            case Setting.SKILL:
                _check_unused(setting, name, _needing(stored, SkillId(name)))
                if not await self._store.remove_skill(SkillId(name)):
                    raise UnknownSetting(setting, name)
            case _:
                assert_never(setting)


def saved_agent(agent: Agent) -> AgentSaved:
    """The fact of an agent's definition."""
    skills = {str(skill): level for skill, level in agent.skills.items()}
    return AgentSaved(agent=agent.id, name=agent.name, team=agent.team, skills=skills)


def saved_queue(queue: Queue) -> QueueSaved:
    """The fact of a queue's definition, as far as others show it."""
    return QueueSaved(
        queue=queue.id,
        name=queue.name,
        skills={str(queue.skill): queue.min_level},
        target_seconds=queue.service_level_seconds,
        target_share=queue.service_level_ratio,
    )


def _read(setting: Setting, name: str, document: Mapping[str, Any], kind: type[T]) -> T:
    try:
        return msgspec.convert(document, type=kind, str_keys=True)
    except msgspec.ValidationError as error:
        raise IllegalSetting(f"{setting} {name}", "definition", "so", f"it cannot be read: {error}") from error


def _check_unused(setting: Setting, name: str, users: list[str]) -> None:
    if users:
        raise InUse(setting, name, users)


def _overflowing_to(stored: Stored, name: str) -> list[str]:
    return [
        f"queue {queue.id}"
        for queue in stored.queues
        if queue.id != name and any(over.kind is TargetKind.QUEUE and over.to == name for over in queue.overflows)
    ]


def _open_by(stored: Stored, name: str) -> list[str]:
    return [
        f"queue {queue.id}"
        for queue in stored.queues
        if name in (queue.calendar, queue.call_back.calendar if queue.call_back is not None else "")
    ]


def _needing(stored: Stored, skill: SkillId) -> list[str]:
    agents = [f"agent {agent.id}" for agent in stored.agents if skill in agent.skills]
    queues = [
        f"queue {queue.id}"
        for queue in stored.queues
        if queue.skill == skill or any(skill in skills_of(need.need) for need in queue.requirements())
    ]
    return agents + queues
