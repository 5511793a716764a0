/** Facts in words: which of their fields are worth reading, and in which part of the story they stand. */
import type { Group, Words } from "../../i18n/useWords";

interface Vocabulary {
  readonly words: Words;
  readonly field: (name: string) => string;
}

export interface Detail {
  readonly name: string;
  readonly value: string;
}

/** Ids that say nothing to a reader, or stand in the head of the drawer already. */
const UNREAD: ReadonlySet<string> = new Set(["contact", "call", "leg", "recording", "sip_call_id", "channel", "revision", "call_back", "message", "disposition", "key"]);
/** Words of closed lists that have translations of their own. */
const NAMED: Readonly<Record<string, Group>> = {
  cause: "cause",
  reason: "reason",
  state: "state",
  previous: "state",
  direction: "direction",
  outcome: "outcome",
  end: "reason",
  role: "legRole",
  released_by: "releasedBy",
  mode: "recordingMode",
  number_class: "numberClass",
};

export function factDetails(data: Readonly<Record<string, unknown>>, { words, field }: Vocabulary): Detail[] {
  return Object.entries(data).flatMap(([name, value]) => {
    const group = name === "state" && "message" in data ? "messageState" : NAMED[name];
    const text = UNREAD.has(name) ? "" : shown(name, value, group, words);
    return text === "" ? [] : [{ name: field(name), value: text }];
  });
}

function shown(name: string, value: unknown, group: Group | undefined, words: Words): string {
  if (value === null || value === "" || value === undefined) {
    return "";
  }
  if (typeof value === "number") {
    return name.endsWith("_seconds") || name === "seconds"
      ? `${words.figure(value, value < 10 ? 3 : 1)} s`
      : name === "size_bytes"
        ? words.bytes(value)
        : words.figure(value, 2);
  }
  if (typeof value === "string") {
    return group === undefined ? value : words.name(group, value);
  }
  return typeof value === "boolean" ? (value ? "✓" : "✗") : JSON.stringify(value);
}

export type FactGroup = "arrive" | "flow" | "queue" | "ring" | "talk" | "record" | "end" | "other";

const GROUPS: Readonly<Record<string, FactGroup>> = {
  ContactArrived: "arrive",
  Originated: "arrive",
  CallAnswered: "arrive",
  FirstVoiceSent: "arrive",
  FlowEntered: "flow",
  FlowNodeEntered: "flow",
  KeysEntered: "flow",
  KeyAnswered: "flow",
  QueryAnswered: "flow",
  SurveyBegun: "flow",
  SurveyAnswered: "flow",
  SpeechHeard: "flow",
  BotTalkBegan: "flow",
  BotTurn: "flow",
  BotTalkEnded: "flow",
  FlowLeft: "flow",
  CallBackRequested: "flow",
  Queued: "queue",
  QueueLeft: "queue",
  Offered: "ring",
  OfferEnded: "ring",
  Delivered: "ring",
  Diverted: "ring",
  Failed: "end",
  Established: "talk",
  Held: "talk",
  Retrieved: "talk",
  Transferred: "talk",
  CallerReferred: "talk",
  Conferenced: "talk",
  MediaMoved: "talk",
  TalkEnded: "talk",
  WrapUpExtended: "talk",
  WrapUpEnded: "talk",
  ContactNoted: "talk",
  RecordingStarted: "record",
  RecordingLeftToPeople: "record",
  RecordingAnnounced: "record",
  RecordingStopped: "record",
  RecordingPaused: "record",
  RecordingResumed: "record",
  RecordingEnded: "record",
  MessageLeft: "record",
  MessageDropped: "record",
  MessageMarked: "record",
  MessageHandedOut: "record",
  ConnectionCleared: "end",
  ContactEnded: "end",
};

export function factGroup(type: string): FactGroup {
  return GROUPS[type] ?? "other";
}
