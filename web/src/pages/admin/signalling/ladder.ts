/** Signalling as a ladder: who takes part, and messages from one to another, repeated ones folded. */
import type { Schemas } from "../../../live/types";
import { header, methodOf, readSip, titleOf, userOf, type SipText } from "./sipText";

export type Message = Schemas["SignallingItem"];

export interface Lane {
  /** `address:port`; empty: the platform. */
  readonly address: string;
  readonly transport: string;
  /** The number at that end, or the name of its program. */
  readonly name: string;
}

export interface Rung {
  readonly message: Message;
  readonly sip: SipText;
  readonly title: string;
  /** Indexes of lanes. */
  readonly from: number;
  readonly to: number;
  /** Since the rung above, ms; undefined of the first. */
  readonly gap: number | undefined;
  /** From the request to this answer, ms. */
  readonly waited: number | undefined;
  /** When the same message was sent again: ms after the first time. */
  readonly repeats: readonly number[];
}

export interface Ladder {
  /** The platform has the first peer at its left and all others at its right. */
  readonly lanes: readonly Lane[];
  readonly rungs: readonly Rung[];
}

/** Messages that are the same within this time are one that was repeated (64 × T1, RFC 3261 section 17). */
const REPEATED_MS = 32_000;

export function ladder(messages: readonly Message[]): Ladder {
  const lanes = lanesOf(messages);
  const platform = lanes.findIndex(({ address }) => address === "");
  const rungs: Rung[] = [];
  const latest = new Map<string, number>();
  const asked = new Map<string, number>();
  for (const message of messages) {
    const at = Date.parse(message.at);
    const same = `${String(message.outgoing)} ${message.remote} ${message.text}`;
    const known = latest.get(same);
    const first = known === undefined ? undefined : rungs[known];
    if (first !== undefined && known !== undefined && at - Date.parse(first.message.at) <= REPEATED_MS) {
      rungs[known] = { ...first, repeats: [...first.repeats, at - Date.parse(first.message.at)] };
      continue;
    }
    const sip = readSip(message.text);
    const transaction = `${String(sip.status === 0 ? message.outgoing : !message.outgoing)} ${message.call_id} ${header(sip, "cseq") ?? ""}`;
    const since = sip.status === 0 ? undefined : asked.get(transaction);
    if (sip.status === 0) {
      asked.set(transaction, at);
    }
    const peer = lanes.findIndex(({ address }) => address === message.remote);
    const above = rungs.at(-1);
    latest.set(same, rungs.length);
    rungs.push({
      message,
      sip,
      title: titleOf(sip),
      from: message.outgoing ? platform : peer,
      to: message.outgoing ? peer : platform,
      gap: above === undefined ? undefined : at - Date.parse(above.message.at),
      waited: since === undefined ? undefined : at - since,
      repeats: [],
    });
  }
  return { lanes, rungs };
}

function lanesOf(messages: readonly Message[]): Lane[] {
  const peers = new Map<string, Lane>();
  for (const message of messages) {
    const known = peers.get(message.remote);
    if (known === undefined || known.name === "") {
      peers.set(message.remote, { address: message.remote, transport: message.transport, name: nameOf(message) });
    }
  }
  const all = [...peers.values()];
  return [...all.slice(0, 1), { address: "", transport: "", name: "" }, ...all.slice(1)];
}

/** Who is at the other end: whoever called us or is called by us, where an INVITE or REGISTER tells. */
function nameOf({ outgoing, text }: Message): string {
  const sip = readSip(text);
  const method = methodOf(sip);
  if (method !== "INVITE" && method !== "REGISTER") {
    return "";
  }
  // A response has the From and To of its request, which went the other way.
  const theyAsked = (sip.status === 0) !== outgoing;
  return userOf(header(sip, theyAsked ? "from" : "to"));
}
