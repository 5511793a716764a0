"""The live view of the control process: configured from the ACD's tables, then folded from today's journal."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime, timedelta
from zoneinfo import ZoneInfo

from acd.store import AcdStore
from acd.views import AgentView
from ccplatform.app.foundation import Foundation
from ccplatform.contracts.words import AgentState
from ccplatform.operations.board import AlarmRow
from ccplatform.storage.journal_reader import JournalReader
from cti.live import LiveView
from cti.model import AgentSetup, LiveAlarm, QueueSetup


def show_agents(live: LiveView, agents: Iterable[AgentView], now: datetime) -> None:
    """Agents as the restarted ACD took them back; ``now`` is the wall time that their ages count from."""
    for agent in agents:
        if agent.state is not AgentState.SIGNED_OUT:
            live.restore_agent(
                agent.id,
                state=agent.state,
                reason=agent.reason,
                seat=agent.seat,
                since=now - timedelta(seconds=agent.since_age),
                until=None if agent.left is None else now + timedelta(seconds=agent.left),
                contact=agent.contact,
            )


async def load_live_view(live: LiveView, ground: Foundation, zone: ZoneInfo, alarms: Iterable[AlarmRow]) -> None:
    """What the wallboard of today shows, as if control had run since midnight."""
    stored = await AcdStore(database=ground.database, tenant=ground.tenant).load_all()
    live.configure(
        agents=[
            AgentSetup(
                id=agent.id,
                name=agent.name,
                team=agent.team,
                skills={str(skill): level for skill, level in agent.skills.items()},
            )
            for agent in stored.agents
        ],
        queues=[
            QueueSetup(
                id=queue.id,
                name=queue.name,
                skills={str(queue.skill): queue.min_level},
                target_seconds=queue.service_level_seconds,
                target_share=queue.service_level_ratio,
            )
            for queue in stored.queues
        ],
    )
    local = ground.clock.wall().astimezone(zone)
    midnight = datetime(local.year, local.month, local.day, tzinfo=zone)
    reader = JournalReader(ground.database, sealer=ground.vault, tenant=ground.tenant)
    async for event in reader.since(midnight):
        live.count(event)
    for alarm in alarms:
        live.restore_alarm(
            LiveAlarm(
                id=alarm.id,
                kind=alarm.kind,
                subject=alarm.subject,
                severity=alarm.severity,
                text=alarm.text,
                since=alarm.raised_at,
                acknowledged_by=alarm.acknowledged_by,
            )
        )
