/** A SIP trace as a ladder: lanes, and messages from one to another. */
import type { Schemas } from "../../live/types";

export interface LadderMessage {
  readonly id: string;
  readonly at: string;
  /** Indexes of lanes. */
  readonly from: number;
  readonly to: number;
  /** `INVITE`, `200 OK (INVITE)` */
  readonly title: string;
  readonly text: string;
}

export interface Ladder {
  /** Addresses of the peers; '' is the platform, with the first peer at its left and all others at its right. */
  readonly lanes: readonly string[];
  readonly messages: readonly LadderMessage[];
}

export function ladder(events: readonly Schemas["ContactEvent"][]): Ladder {
  const peers = [...new Set(events.map(({ data }) => word(data.remote)))];
  const lanes = [...peers.slice(0, 1), "", ...peers.slice(1)];
  const platform = lanes.indexOf("");
  const messages = events.map(({ id, at, data }) => {
    const peer = lanes.indexOf(word(data.remote));
    const text = word(data.text);
    const [from, to] = data.outgoing === true ? [platform, peer] : [peer, platform];
    return { id, at, from, to, title: title(text), text };
  });
  return { lanes, messages };
}

function title(text: string): string {
  const [first = ""] = text.split(/\r?\n/, 1);
  const response = /^SIP\/2\.0 (.*)$/.exec(first);
  if (response === null) {
    return first.split(" ", 1)[0] ?? "";
  }
  const method = /^CSeq:\s*\d+\s+(\w+)/im.exec(text)?.[1];
  return method === undefined ? (response[1] ?? "") : `${response[1] ?? ""} (${method})`;
}

function word(value: unknown): string {
  return typeof value === "string" && value !== "" ? value : "?";
}
