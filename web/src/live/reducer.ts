/**
 * The client's view of the centre as a pure function of the messages it got (docs/events.md).
 *
 * The server sends whole rows: nothing of the centre's logic is repeated here, rows are replaced by id.
 */
import type {
  Agent,
  Call,
  EventMessage,
  LiveAlarm,
  Queue,
  Resume,
  RowChange,
  Seat,
  ServerMessage,
  SnapshotMessage,
} from "./types";

export type Table<Row> = ReadonlyMap<string, Row>;

export interface Rows {
  readonly agents: Table<Agent>;
  readonly queues: Table<Queue>;
  readonly calls: Table<Call>;
  readonly seats: Table<Seat>;
  readonly alarms: Table<LiveAlarm>;
}

export interface LiveView {
  /** The run of the real-time side that `seq` belongs to; null before the first snapshot. */
  readonly epoch: string | null;
  readonly seq: number;
  /** Whether the server itself follows the real-time side; false: its figures stand still. */
  readonly linked: boolean;
  /** The server speaks of a run that this view knows nothing of: only a snapshot helps. */
  readonly lost: boolean;
  readonly rows: Rows;
}

export const EMPTY_VIEW: LiveView = {
  epoch: null,
  seq: 0,
  linked: true,
  lost: false,
  rows: { agents: new Map(), queues: new Map(), calls: new Map(), seats: new Map(), alarms: new Map() },
};

/** Fold one message. Messages and rows of kinds that are not known change nothing. */
export function reduce(view: LiveView, message: ServerMessage): LiveView {
  switch (message.type) {
    case "snapshot":
      return fromSnapshot(view, message);
    case "event":
      return withEvent(view, message);
    case "heartbeat":
      if (view.epoch !== message.epoch) {
        return { ...view, lost: true, linked: message.live };
      }
      // Facts that were not for this client left gaps: up to here nothing is missing.
      return { ...view, linked: message.live, seq: Math.max(view.seq, message.seq) };
    default:
      return view;
  }
}

/** Where the view ends, for the next connection; null: a snapshot is needed. */
export function resumeFrom(view: LiveView): Resume | null {
  return view.epoch === null || view.lost ? null : { epoch: view.epoch, seq: view.seq };
}

/** Whether a parsed JSON value is a message that `reduce` may be given. */
export function isServerMessage(value: unknown): value is ServerMessage {
  if (typeof value !== "object" || value === null || !("type" in value)) {
    return false;
  }
  switch (value.type) {
    case "snapshot":
      return "live" in value && "epoch" in value && "seq" in value;
    case "event":
      return "seq" in value && "changes" in value && Array.isArray(value.changes);
    case "heartbeat":
      return "epoch" in value && "seq" in value && "live" in value;
    default:
      return false;
  }
}

function fromSnapshot(view: LiveView, message: SnapshotMessage): LiveView {
  const { live } = message;
  return {
    epoch: message.epoch,
    seq: message.seq,
    linked: view.linked,
    lost: false,
    rows: {
      agents: byId(live.agents),
      queues: byId(live.queues),
      calls: byId(live.calls),
      seats: byId(live.seats),
      alarms: byId(live.alarms),
    },
  };
}

function withEvent(view: LiveView, message: EventMessage): LiveView {
  // An equal number is applied: the turn of the day has none of its own. Rows are whole, so twice does no harm.
  if (view.epoch === null || message.seq < view.seq) {
    return view;
  }
  const rows = message.changes.reduce(withChange, view.rows);
  return { ...view, seq: message.seq, rows };
}

function withChange(rows: Rows, change: RowChange): Rows {
  // The protocol ties the kind of row to the collection, which the generated type cannot say.
  switch (change.collection) {
    case "agents":
      return { ...rows, agents: put(rows.agents, change.id, change.row as Agent | null) };
    case "queues":
      return { ...rows, queues: put(rows.queues, change.id, change.row as Queue | null) };
    case "calls":
      return { ...rows, calls: put(rows.calls, change.id, change.row as Call | null) };
    case "seats":
      return { ...rows, seats: put(rows.seats, change.id, change.row as Seat | null) };
    case "alarms":
      return { ...rows, alarms: put(rows.alarms, change.id, change.row as LiveAlarm | null) };
    default:
      return rows;
  }
}

function put<Row>(table: Table<Row>, id: string, row: Row | null): Table<Row> {
  const next = new Map(table);
  if (row === null) {
    next.delete(id);
  } else {
    next.set(id, row); // a known id keeps its place: rows do not move under the cursor
  }
  return next;
}

function byId<Row extends { id: string }>(rows: readonly Row[]): Table<Row> {
  return new Map(rows.map((row) => [row.id, row]));
}
