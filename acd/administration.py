"""Changes of settings while contacts wait: checked, committed, then in force.

What a change would leave dangling (a skill that agents have, a calendar or a queue that others name) is refused by
name; loops of overflow and contradictions are the definitions' own rules.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, TypeVar, assert_never

import msgspec

from acd.calendars import Calendar
from acd.errors import IllegalSetting, InUse, UnknownAgent, UnknownQueue, UnknownSetting
from acd.holidays import with_holidays
from acd.model import Agent, Queue, check_id, check_name
from acd.named import NAMED, Disposition, Named
from acd.service import AcdService
from acd.settings_store import SettingsStore
from acd.skills import SkillId
from acd.store import AcdStore
from ccplatform.contracts.commands import Answer, Configure, Done, Setting
from ccplatform.contracts.facts import AgentRemoved, AgentSaved, QueueRemoved, QueueSaved
from ccplatform.contracts.ports import Facts
from ccplatform.contracts.words import AgentId, QueueId

T = TypeVar("T")


class Administration:
    """Carries out :class:`Configure`. Raises Refusal and Unavailable; then nothing was changed.

    ``overflow_refusal(kind, to)`` says why call control could send nobody there; '': it could.
    """

    def __init__(
        self,
        *,
        acd: AcdService,
        store: AcdStore,
        settings: SettingsStore,
        facts: Facts,
        overflow_refusal: Callable[[str, str], str],
    ) -> None:
        self._acd = acd
        self._store = store
        self._settings = settings
        self._facts = facts
        self._overflow_refusal = overflow_refusal

    async def configure(self, command: Configure) -> Answer:
        """Save or remove, or only check whether that could be done; the answer is empty."""
        if command.document is None:
            await self._remove(command.setting, command.id, command.trial)
        else:
            document = {**command.document, "id": command.id}
            await self._save(command.setting, command.id, document, command.trial)
        return Done()

    # --- save ---

    async def _save(self, setting: Setting, name: str, document: Mapping[str, Any], trial: bool) -> None:
        match setting:
            case Setting.AGENT:
                await self._save_agent(_read(setting, name, document, Agent), trial)
            case Setting.QUEUE:
                await self._save_queue(_read(setting, name, document, Queue), trial)
            case Setting.CALENDAR:
                whole = with_holidays(dict(document), f"calendar {name}")
                calendar = _read(setting, name, whole, Calendar)
                if not trial:
                    await self._acd.save_calendar(calendar)
            case Setting.SKILL:
                title = _skill_name(name, document)
                if not trial:
                    await self._store.save_skill(SkillId(name), title)
            case Setting.TEAM | Setting.REASON | Setting.DISPOSITION:
                await self._save_named(setting, _read(setting, name, document, NAMED[setting]), trial)
            case _:
                assert_never(setting)

    async def _save_agent(self, agent: Agent, trial: bool) -> None:
        if agent.team and not await self._settings.documents(Setting.TEAM, agent.team):
            raise IllegalSetting(f"agent {agent.id}", "team", agent.team, "there is no such team")
        if trial:
            await self._store.check_skills(agent)
            return
        await self._acd.save_agent(agent)
        self._facts.record(saved_agent(agent))

    async def _save_queue(self, queue: Queue, trial: bool) -> None:
        for overflow in queue.overflows:
            rule = self._overflow_refusal(overflow.kind, overflow.to)
            if rule:
                raise IllegalSetting(f"queue {queue.id}", f"overflows.{overflow.cause}", overflow.to, rule)
        if trial:
            self._acd.check_queue(queue)
            await self._store.check_skills(queue)
            return
        await self._acd.save_queue(queue)
        self._facts.record(saved_queue(queue))

    async def _save_named(self, setting: Setting, item: Named, trial: bool) -> None:
        if isinstance(item, Disposition):
            queues = await self._settings.documents(Setting.QUEUE)
            for queue in item.queues:
                if queue not in queues:
                    raise IllegalSetting(f"disposition {item.id}", "queues", queue, "there is no such queue")
        if not trial:
            await self._settings.save(setting, item)

    # --- remove ---

    async def _remove(self, setting: Setting, name: str, trial: bool) -> None:
        if not await self._settings.documents(setting, name):
            raise _unknown(setting, name)
        users = await self._settings.users(setting, name)
        if users:
            raise InUse(setting, name, users)
        if trial:
            return
        match setting:
            case Setting.AGENT:
                await self._acd.remove_agent(AgentId(name))
                self._facts.record(AgentRemoved(agent=AgentId(name)))
            case Setting.QUEUE:
                await self._acd.remove_queue(QueueId(name))
                self._facts.record(QueueRemoved(queue=QueueId(name)))
            case Setting.CALENDAR:
                await self._acd.remove_calendar(name)
            case Setting.SKILL:
                if not await self._store.remove_skill(SkillId(name)):
                    raise UnknownSetting(setting, name)
            case Setting.TEAM | Setting.REASON | Setting.DISPOSITION:
                await self._settings.remove(setting, name)
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


def _skill_name(name: str, document: Mapping[str, Any]) -> str:
    subject, title = f"skill {name}", document.get("name")
    check_id(subject, "id", name)
    if not isinstance(title, str):
        raise IllegalSetting(subject, "name", title, "it must be text")
    check_name(subject, "name", title)
    return title


def _unknown(setting: Setting, name: str) -> UnknownAgent | UnknownQueue | UnknownSetting:
    match setting:
        case Setting.AGENT:
            return UnknownAgent(AgentId(name))
        case Setting.QUEUE:
            return UnknownQueue(QueueId(name))
        case _:
            return UnknownSetting(setting, name)
