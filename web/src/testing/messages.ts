/** Messages of the server as tests need them. */
import type { Agent, Call, EventMessage, HeartbeatMessage, LiveAlarm, Queue, SnapshotMessage } from "../live/types";

export const AT = "2026-01-05T09:00:00.000Z";

export function agent(id: string, more: Partial<Agent> = {}): Agent {
  return { id, name: `Agent ${id}`, team: "", skills: {}, state: "signed_out", reason: "", since: null, seat: null, contact: null, new_messages: 0, heard_messages: 0, ...more };
}

export function queue(id: string, more: Partial<Queue> = {}): Queue {
  return {
    id,
    name: id,
    waiting: 0,
    waiting_since: null,
    expected_wait: null,
    agents: {},
    service_level: { target_seconds: 20, target_share: 0.8, answered_in_time: 0, offered: 0, value: null },
    answered_today: 0,
    abandoned_today: 0,
    new_messages: 0,
    heard_messages: 0,
    ...more,
  };
}

export function call(id: string, more: Partial<Call> = {}): Call {
  return {
    id,
    contact: `contact-${id}`,
    direction: "inbound",
    caller: "13800000001",
    caller_name: "",
    dialled: "95001",
    stage: "queue",
    since: AT,
    started: AT,
    queue: "support",
    queued_at: AT,
    offered_at: null,
    agent: null,
    seat: null,
    recorded: "no",
    on_demand: false,
    paused_by: "",
    cause: "",
    ...more,
  };
}

export function alarm(id: string, more: Partial<LiveAlarm> = {}): LiveAlarm {
  return { id, kind: "database_unavailable", subject: "", severity: "urgent", text: "", since: AT, acknowledged_by: null, ...more };
}

export function snapshot(epoch: string, seq: number, live: Partial<SnapshotMessage["live"]> = {}): SnapshotMessage {
  return {
    type: "snapshot",
    epoch,
    seq,
    at: AT,
    live: { agents: [], queues: [], calls: [], seats: [], alarms: [], ...live },
  };
}

export function event(seq: number, changes: EventMessage["changes"] = [], fact = "AgentStateChanged"): EventMessage {
  return { type: "event", seq, at: AT, event: { type: fact }, changes };
}

export function heartbeat(epoch: string, seq: number, live = true): HeartbeatMessage {
  return { type: "heartbeat", epoch, seq, at: AT, live };
}
