/** The parts of a contact's story, one after the other, for the band above it. */
import type { Schemas } from "../../live/types";

type Event = Schemas["ContactEvent"];

export type Phase = "flow" | "queue" | "ring" | "talk" | "hold" | "wrap" | "recording";

export interface Part {
  readonly phase: Phase;
  /** Milliseconds since the epoch. */
  readonly from: number;
  readonly to: number;
}

/** Which part begins with a fact; null: the part before it ends. */
function begun(event: Event, before: Phase | null): Phase | null | undefined {
  switch (event.type) {
    case "FlowEntered":
      return "flow";
    case "Queued":
      return "queue";
    case "Offered":
      return "ring";
    case "OfferEnded":
      return event.data.end === "answered" ? undefined : before === "ring" ? "queue" : undefined;
    case "Delivered":
      return before === null ? "ring" : undefined;
    case "Established":
    case "Retrieved":
      return "talk";
    case "Held":
      return "hold";
    case "TalkEnded":
      return "wrap";
    case "FlowLeft":
      return before === "flow" ? null : undefined;
    case "QueueLeft":
      return before === "queue" ? null : undefined;
    case "WrapUpEnded":
      return before === "wrap" ? null : undefined;
    case "ContactEnded":
      return before === "wrap" ? undefined : null;
    default:
      return undefined;
  }
}

/** What the contact went through; what has not ended goes on until `now`. */
export function timeline(events: readonly Event[], now: number): Part[] {
  const parts: Part[] = [];
  let phase: Phase | null = null;
  let from = 0;
  const end = (to: number) => {
    if (phase !== null && to > from) {
      parts.push({ phase, from, to });
    }
  };
  for (const event of events) {
    const next = begun(event, phase);
    if (next !== undefined && next !== phase) {
      const at = Date.parse(event.at);
      end(at);
      [phase, from] = [next, at];
    }
  }
  // Nobody who wraps up is told of any more: the contact is over, and how long he takes stands in no fact yet.
  const over = events.some(({ type }) => type === "ContactEnded");
  end(over ? Math.max(...events.map(({ at }) => Date.parse(at))) : now);
  return parts;
}

/** When it was recorded. */
export function recorded(events: readonly Event[], now: number): Part[] {
  const begins = new Map<string, number>();
  const parts: Part[] = [];
  for (const { type, data, at } of events) {
    const name = String(data.recording);
    const from = begins.get(name);
    if (type === "RecordingStarted") {
      begins.set(name, Date.parse(at));
    } else if (type === "RecordingEnded" && from !== undefined) {
      begins.delete(name);
      parts.push({ phase: "recording", from, to: Date.parse(at) });
    }
  }
  return [...parts, ...[...begins.values()].map((from): Part => ({ phase: "recording", from, to: now }))];
}
