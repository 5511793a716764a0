import type { components } from "../api/generated";

export type Schemas = components["schemas"];
export type Agent = Schemas["Agent"];
export type AgentState = Schemas["AgentState"];
export type Queue = Schemas["Queue"];
export type Call = Schemas["Call"];
export type CallStage = Schemas["CallStage"];
export type Seat = Schemas["Seat"];
export type LiveAlarm = Schemas["LiveAlarm"];
export type Resume = Schemas["Resume"];
export type RowChange = Schemas["RowChange"];
export type Collection = RowChange["collection"];
export type SnapshotMessage = Schemas["SnapshotMessage"];
export type EventMessage = Schemas["EventMessage"];
export type HeartbeatMessage = Schemas["HeartbeatMessage"];
export type ServerMessage = Schemas["EventProtocol"]["server"];

/** Every state, in the order in which bars and legends show them: busy first, absent last. */
export const AGENT_STATES = [
  "talking",
  "held",
  "reserved",
  "wrap_up",
  "ready",
  "not_ready",
  "signed_out",
] as const satisfies readonly AgentState[];
