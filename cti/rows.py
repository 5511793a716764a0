"""Rows of the live view as plain data, in the shape of :mod:`cti.schema`, and who may read what in them."""

from __future__ import annotations

from datetime import datetime
from typing import Any

import msgspec

from ccplatform.contracts.words import AgentId, CallId, Direction, QueueId
from cti.figures import agents_by_state, expected_wait, oldest_entry
from cti.live import LiveView
from cti.model import Collection, LiveAgent, LiveCall
from cti.numbers import mask, mask_name, mask_numbers
from cti.viewers import Viewer, agents_on, audience_of

Row = dict[str, Any]


def agent_row(agent: LiveAgent) -> Row:
    """An agent; shape: ``schema.Agent``."""
    return _plain(agent)


def queue_row(live: LiveView, queue_id: QueueId) -> Row:
    """A queue with its figures; shape: ``schema.Queue``."""
    queue = live.queues[queue_id]
    members = live.members(queue_id)
    return {
        "id": queue.id,
        "name": queue.name,
        "waiting": len(queue.entries),
        "waiting_since": oldest_entry(queue),
        "expected_wait": expected_wait(queue, members),
        "agents": agents_by_state(members),
        "service_level": {
            "target_seconds": queue.target_seconds,
            "target_share": queue.target_share,
            "answered_in_time": queue.today.answered_in_time,
            "offered": queue.today.answered + queue.today.abandoned,
            "value": queue.today.service_level,
        },
        "answered_today": queue.today.answered,
        "abandoned_today": queue.today.abandoned,
        "new_messages": queue.new_messages,
        "heard_messages": queue.heard_messages,
    }


def queue_detail(live: LiveView, queue_id: QueueId, now: datetime) -> Row:
    """A queue with the age of its oldest contact; shape: ``schema.QueueDetail``."""
    row = queue_row(live, queue_id)
    since = row["waiting_since"]
    row["longest_wait"] = max(0.0, (now - since).total_seconds()) if since is not None else 0.0
    return row


def call_row(call: LiveCall) -> Row:
    """A call with its numbers in clear; shape: ``schema.Call``."""
    row = _plain(call)
    del row["ended"], row["recording"]
    return row


def masked_call(row: Row) -> Row:
    """A call's row for those who may not see the customer's number."""
    masked = {**row, "caller": mask(row["caller"]), "caller_name": mask_name(row["caller_name"])}
    if row["direction"] == Direction.OUTBOUND:
        masked["dialled"] = mask(row["dialled"])
    elif row["consult_of"] is not None:
        masked["dialled"] = mask_numbers(row["dialled"])
    masked["parties"] = [{**party, "device": mask_numbers(party["device"])} for party in row["parties"]]
    return masked


def row_of(live: LiveView, collection: Collection, row_id: str) -> Row | None:
    """Any row in clear; None when it is gone."""
    match collection:
        case Collection.AGENTS:
            agent = live.agents.get(AgentId(row_id))
            return agent_row(agent) if agent is not None else None
        case Collection.QUEUES:
            return queue_row(live, QueueId(row_id)) if row_id in live.queues else None
        case Collection.CALLS:
            call = live.calls.get(CallId(row_id))
            return call_row(call) if call is not None else None
        case Collection.SEATS:
            seat = live.seats.get(row_id)
            return _plain(seat) if seat is not None else None
        case Collection.ALARMS:
            alarm = live.alarms.get(row_id)
            return _plain(alarm) if alarm is not None else None


def live_rows(live: LiveView, viewer: Viewer) -> dict[str, list[Row]]:
    """What of the whole view he sees; shape: ``schema.Live``. Unless ``clear``, only own calls show numbers."""
    agents = [agent for agent in live.agents.values() if viewer.sees(audience_of(live, (agent.id,)))]
    calls = [call for call in live.calls.values() if viewer.sees(audience_of(live, agents_on(call)))]
    return {
        "agents": [_plain(agent) for agent in agents],
        "queues": [queue_row(live, queue) for queue in live.queues],
        "calls": [visible_call(call, clear=viewer.clear, own=viewer.own) for call in calls],
        "seats": [_plain(seat) for seat in live.seats.values()],
        "alarms": [_plain(alarm) for alarm in live.alarms.values()],
    }


def visible_call(call: LiveCall, *, clear: bool, own: AgentId | None) -> Row:
    """A call's row as one person may see it."""
    row = call_row(call)
    return row if clear or own in agents_on(call) else masked_call(row)


def _plain(row: Any) -> Row:
    plain: Row = msgspec.to_builtins(row)
    return plain
